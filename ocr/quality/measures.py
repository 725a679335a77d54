"""Measures a scanned page as an archivist would look at it: resolution, depth, sharpness, tilt, edges, damage.

Nothing is judged here: the rules of `rules.toml` say what is too little. What cannot be measured on a page is
None, and `unmeasured` says why. Most is measured on a grey copy halved to 75-150 dpi; sharpness, JPEG and cut
letters on small pieces of the page as stored.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np

from ocr.images import StoredImage
from ocr.inspect import estimate_skew, measure
from ocr.page import CaptureProbe, PageText
from ocr.pixels import Pixels
from ocr.quality.compression import quality_by_pixels, quality_by_tables
from ocr.quality.edges import border_mm, cut_letters, grey_fill_pct, paper_level, sheet_step
from ocr.quality.image import ImageQuality
from ocr.quality.letters import estimate_resolution, off_pct
from ocr.quality.sharpness import LEAST_STEP_REDUCED, blur_mm

LEAST_WORK_DPI = 75.0
BITS = {"bitonal": 1, "grey": 8, "colour": 24}
MM = 25.4
DOUBTED_PCT = 10.0  # a claimed resolution this far off is not used for millimetres
SQUARE = 1.05  # from which ratio of its resolutions an image is brought to square pixels
LEAST_SIDE_PX = 64  # of an image that pixels are measured on


def measure_quality(
    image: StoredImage, page: PageText | None, *, capture: CaptureProbe, encoded: bytes | None = None
) -> ImageQuality:
    """Return the measures of a page image.

    page: its reading, with boxes in stored-image pixels; without one nothing is known of resolution by letters and
    of orientation, and tilt and blankness are measured here. encoded: the image's bytes as they lie in the file,
    when they are at hand: a JPEG's tables are then read instead of being told from the pixels.
    """
    height, width = image.pixels.shape[:2]
    finest, stated = min(image.dpi_x, image.dpi_y), not image.dpi_assumed
    found = estimate_resolution(image, page) if page is not None else None
    off = off_pct(found, finest) if found and stated else None
    dpi = found.dpi if found and (off or 0.0) >= DOUBTED_PCT else finest
    view = _View.of(image, dpi)
    blank = _is_blank(page, view)
    sides = sorted((width / image.dpi_x * MM, height / image.dpi_y * MM))
    seen = min(height, width) >= LEAST_SIDE_PX
    toned = seen and capture.colour != "bitonal"
    spread = _blur_mm(view, dpi) if toned and not blank else None
    paper = paper_level(view.small)
    told = ImageQuality(
        width_px=width,
        height_px=height,
        dpi_claimed=round(finest) if stated else None,
        dpi_estimated=found.dpi if found else None,
        dpi_estimated_by=found.by if found else None,
        dpi_tolerance_pct=found.tolerance_pct if found else None,
        dpi_off_pct=off,
        bits_per_pixel=BITS[capture.colour],
        short_mm=sides[0] if stated else None,
        long_mm=sides[1] if stated else None,
        blank=blank,
        blur_mm=spread,
        skew_deg=None if blank or not seen else page.skew_deg if page is not None else estimate_skew(view.small),
        cut_letters=cut_letters(view.grey, paper, dpi / MM) if seen and not blank else None,
        sheet_step_levels=sheet_step(view.small, view.px_mm) if toned else None,
        border_mm=border_mm(view.small, paper, view.px_mm) if seen else None,
        jpeg_quality=_jpeg_quality(view, encoded, toned),
        grey_fill_pct=grey_fill_pct(view.grey),
        turns_needed=(page.quarter_turns - image.turn_hint) % 4 if page is not None and not blank else None,
    )
    return replace(told, unmeasured=_reasons(told, seen=seen, read=page is not None))


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A page in grey with square pixels, a copy smaller by `scale`, and where on that copy edges of ink are."""

    grey: Pixels
    small: Pixels
    energy: Pixels
    scale: float
    px_mm: float

    @classmethod
    def of(cls, image: StoredImage, dpi: float) -> Self:
        """Look at an image whose lesser resolution is `dpi`."""
        grey = image.pixels
        if grey.ndim == 3:
            grey = np.asarray(cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY), np.uint8)
        least = min(image.dpi_x, image.dpi_y)
        if max(image.dpi_x, image.dpi_y) > SQUARE * least:
            size = round(grey.shape[1] * least / image.dpi_x), round(grey.shape[0] * least / image.dpi_y)
            grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        small, scale = grey, 1.0
        while dpi / scale >= 2 * LEAST_WORK_DPI and min(small.shape) >= 2 * LEAST_SIDE_PX:
            size = small.shape[1] // 2, small.shape[0] // 2
            whole = small[: 2 * size[1], : 2 * size[0]]
            small, scale = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8), 2 * scale
        energy = np.asarray(cv2.convertScaleAbs(cv2.Laplacian(small, cv2.CV_16S)), np.uint8)
        return cls(grey, small, energy, scale, dpi / scale / MM)


def _blur_mm(view: _View, dpi: float) -> float | None:
    """Return the spread of edges; where it is so wide that none is steep as stored, that on the smaller copy."""
    found = blur_mm(view.grey, view.energy, view.scale, dpi)
    if found is None and view.scale > 1:
        found = blur_mm(view.small, view.energy, 1.0, dpi / view.scale, least_step=LEAST_STEP_REDUCED)
    return found


def _is_blank(page: PageText | None, view: _View) -> bool:
    if page is not None:
        return page.is_blank
    dpi = view.px_mm * MM
    return measure(StoredImage(view.small, dpi, dpi)).writing == "none"


def _jpeg_quality(view: _View, encoded: bytes | None, toned: bool) -> int | None:
    if not toned:
        return None
    by_tables = quality_by_tables(encoded) if encoded else None
    return by_tables if by_tables is not None else quality_by_pixels(view.grey, view.energy, view.scale)


def _reasons(told: ImageQuality, *, seen: bool, read: bool) -> dict[str, str]:
    """Return why each measure that is None is: a slug by measure."""
    bitonal = told.bits_per_pixel == 1
    written = "blank" if told.blank else "unread" if not read else "few-words"
    unstated = "no-resolution-stated"
    pixels = "too-small" if not seen else "bitonal" if bitonal else "blank" if told.blank else "few-edges"
    why = {
        "dpi_claimed": unstated,
        "dpi_estimated": written,
        "dpi_off_pct": unstated if told.dpi_claimed is None else written,
        "short_mm": unstated,
        "long_mm": unstated,
        "blur_mm": pixels,
        "skew_deg": "blank" if told.blank else "too-small",
        "cut_letters": "blank" if told.blank else "too-small",
        "sheet_step_levels": "bitonal" if bitonal else "too-small",
        "border_mm": "too-small",
        "jpeg_quality": "bitonal" if bitonal else "no-jpeg",
        "turns_needed": written,
    }
    return {name: reason for name, reason in why.items() if getattr(told, name) is None}
