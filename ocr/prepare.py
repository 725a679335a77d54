"""Makes a stored page image ready to be read, and says where each of its pixels came from.

Reduced, one channel, turned, divided by its paper, filtered when it is noisy, made level: in this order, each
only when the page calls for it. The stored image itself stays untouched.
"""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ocr.engines.port import PreparedPage
from ocr.grey_seals import without_grey_seals
from ocr.images import StoredImage
from ocr.inspect import noise_of, on_white, red_ink, tilt_of
from ocr.options import ReadingOptions
from ocr.page import Box
from ocr.pixels import Pixels

LEVEL_DEG = 0.1  # a smaller tilt is left: turning costs sharpness
CELL_MM = 1.2  # side of the squares in which the paper's brightness is taken
Affine = tuple[float, float, float, float, float, float]
Channel = Literal["red", "luma"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a prepared page's points lie in the stored image: x' = ax + by + c, y' = dx + ey + f.

    width_px, height_px: of the stored image, at which boxes are clipped.
    """

    affine: Affine
    width_px: int
    height_px: int

    def to_stored(self, box: Box) -> Box:
        """Return the stored-image box around a box of the prepared page, clipped to the image."""
        return _clipped(_mapped(self.affine, box), self.width_px, self.height_px)

    def to_prepared(self, box: Box) -> tuple[float, float, float, float]:
        """Return (left, top, right, bottom) around a stored-image box in the prepared page."""
        return _mapped(inverse(self.affine), box)


@dataclass(frozen=True, slots=True)
class Preparation:
    """A page ready to be read, where it came from, and what was done to it.

    sideways: its lines run down. channel: what a colour page was read from. noise: grey levels before any
    filter. median: whether it was filtered. seals: lifted off it.
    """

    page: PreparedPage
    geometry: Geometry
    quarter_turns: int
    skew_deg: float
    sideways: bool
    channel: Channel
    noise: float
    median: bool
    seals: int


def prepare(
    image: StoredImage,
    options: ReadingOptions,
    *,
    source_sha256: str,
    quarter_turns: int,
    channel: Channel = "red",
    median: bool | None = None,
    dpi: float | None = None,
) -> Preparation:
    """Return a page image ready to be read.

    quarter_turns: clockwise, to make it upright. channel: of a colour page; in the red one a seal vanishes and
    so does all red ink. median: whether to filter; None lets the noise decide. dpi: what it is reduced to,
    options.reading_dpi unless said; never enlarged.
    """
    height, width = image.pixels.shape[:2]
    small, dpi = _reduced(image, dpi or options.reading_dpi)
    grey = _one_channel(small, channel)
    scale: Affine = (width / grey.shape[1], 0.0, 0.0, 0.0, height / grey.shape[0], 0.0)
    grey = np.ascontiguousarray(np.rot90(grey, -quarter_turns))
    seals = 0
    if not _is_bitonal(image.pixels):
        grey = on_white(grey, cell=max(4, round(CELL_MM / 25.4 * dpi)))
        grey, seals = without_grey_seals(grey, dpi=dpi)
    noise = noise_of(grey)
    filtered = noise >= options.noise_gate if median is None else median
    if filtered:
        grey = np.asarray(cv2.medianBlur(grey, 3), np.uint8)
    tilt = tilt_of(grey)
    level, unlevel = _levelled(grey, tilt.degrees)
    to_stored = then(then(unlevel, turned_back(quarter_turns % 4, grey.shape)), scale)
    return Preparation(
        page=PreparedPage(level, dpi, source_sha256),
        geometry=Geometry(to_stored, width, height),
        quarter_turns=quarter_turns % 4,
        skew_deg=tilt.degrees,
        sideways=tilt.sideways,
        channel=channel if image.pixels.ndim == 3 else "luma",
        noise=noise,
        median=filtered,
        seals=seals,
    )


def _one_channel(pixels: Pixels, channel: Channel) -> Pixels:
    if pixels.ndim != 3:
        return pixels
    if channel == "red":
        # Brighter by what is red in it: paler than the paper a seal's lettering would still be read.
        return np.asarray(cv2.add(np.ascontiguousarray(pixels[..., 0]), red_ink(pixels)), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _reduced(image: StoredImage, reading_dpi: float) -> tuple[Pixels, float]:
    """Return the image with square pixels, reduced to the reading resolution, never enlarged.

    Only the coarser direction of a fax (204 x 98 dpi) is stretched to the finer one.
    """
    height, width = image.pixels.shape[:2]
    dpi = min(reading_dpi, max(image.dpi_x, image.dpi_y))
    size = max(1, round(width * dpi / image.dpi_x)), max(1, round(height * dpi / image.dpi_y))
    if size == (width, height):
        return image.pixels, dpi
    shrinks = size[0] <= width and size[1] <= height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image.pixels, size, interpolation=method), np.uint8), dpi


def _is_bitonal(pixels: Pixels) -> bool:
    """Whether a grey image has only black and white."""
    if pixels.ndim != 2:
        return False
    # A look at every 16th row settles nearly every grey page without going through all of it.
    return all(bool(np.isin(part, (0, 255)).all()) for part in (pixels[::16], pixels))


def turned_back(quarter_turns: int, shape: tuple[int, ...]) -> Affine:
    """Return the way back from an upright page of this shape to the one before it was turned."""
    height, width = shape
    ways: dict[int, Affine] = {
        0: (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        1: (0.0, 1.0, 0.0, -1.0, 0.0, float(width)),
        2: (-1.0, 0.0, float(width), 0.0, -1.0, float(height)),
        3: (0.0, -1.0, float(height), 1.0, 0.0, 0.0),
    }
    return ways[quarter_turns]


def _levelled(grey: Pixels, skew_deg: float) -> tuple[Pixels, Affine]:
    """Return the page turned level, its ground white and nothing cut off, and the way back."""
    if abs(skew_deg) < LEVEL_DEG:
        return grey, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    height, width = grey.shape
    sine, cosine = abs(math.sin(math.radians(skew_deg))), math.cos(math.radians(skew_deg))
    across, down = math.ceil(width * cosine + height * sine), math.ceil(height * cosine + width * sine)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew_deg, 1.0)
    turn[:, 2] += ((across - width) / 2, (down - height) / 2)
    level = cv2.warpAffine(grey, turn, (across, down), flags=cv2.INTER_CUBIC, borderValue=255)
    a, b, c, d, e, f = (float(number) for number in turn.ravel())
    return np.asarray(level, np.uint8), inverse((a, b, c, d, e, f))


def then(first: Affine, second: Affine) -> Affine:
    """Return the map that applies first, then second."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (
        p * a + q * d,
        p * b + q * e,
        p * c + q * f + r,
        s * a + t * d,
        s * b + t * e,
        s * c + t * f + u,
    )


def inverse(affine: Affine) -> Affine:
    """Return the map that takes every point back."""
    a, b, c, d, e, f = affine
    det = a * e - b * d
    return e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det


def _mapped(affine: Affine, box: Box) -> tuple[float, float, float, float]:
    a, b, c, d, e, f = affine
    corners = [(x, y) for x in (box.x, box.x + box.width) for y in (box.y, box.y + box.height)]
    xs = [a * x + b * y + c for x, y in corners]
    ys = [d * x + e * y + f for x, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _clipped(edges: tuple[float, float, float, float], width: int, height: int) -> Box:
    left, top, right, bottom = edges
    # A thousandth of a pixel is rounding, not ink.
    x, y = math.floor(left + 1e-3), math.floor(top + 1e-3)
    x2, y2 = math.ceil(right - 1e-3), math.ceil(bottom - 1e-3)
    x, y = min(max(0, x), width), min(max(0, y), height)
    return Box(x, y, max(0, min(x2, width) - x), max(0, min(y2, height) - y))
