"""Measures a page image: colour, ink, noise, tilt, and whether anything is written on it.

A blank page may be told without reading it, but only when nothing of a letter's size is on it. Dust, punch
holes, folds and shadows at the edge are no writing. What shines through from the other side is paler than ink:
such a page is `doubtful`, and whoever reads it decides.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocr.images import StoredImage
from ocr.pixels import Pixels

Writing = Literal["none", "doubtful", "present"]
CHECK_DPI = 100.0  # measures are taken on the page reduced to it
A4_LONG_IN = 11.69
TINTED = 30  # levels between a pixel's channels from which it has a colour
RED_INK = 45  # levels of red above the other channels from which it is red ink
BLUE_INK = 45  # levels of blue above red from which it is blue or violet ink
FAINT, INKED = 0.10, 0.35  # darkness, 0-1: of the palest mark that is looked at, and of ink
MARK_MM = 0.8  # the longer side of the smallest mark that could be a letter; dust is smaller
LARGE_MM = 4.0  # a mark of ink this large is writing, a seal, a signature or a drawing
FEW = 6  # fewer marks than this may be dirt
EDGE_MM = 6.0  # what touches an edge is the scanner's shadow, as far as this strip goes
HOLE_MM = (4.0, 9.0)  # diameters of punch holes
HOLE_STRIP_MM = 22.0  # holes are punched this near to an edge
FOLD_MM = 1.5  # thickness of the trace of a fold, which runs over a third of the page
SKEW_MAX_DEG = 8.0
SKEW_POINTS = 60_000  # ink pixels looked at for the tilt
SKEW_HEIGHT_PX = 1000  # the tilt is measured on a page reduced to this height
PLAINLY_LEVEL = 12.0  # score of lines across from which none run down: on sideways pages it was 8 at most
SIDEWAYS = 1.5  # how much plainer lines are seen to run down than across on a page that lies on its side
LETTER_DARK, LETTERS_LEAST = 150, 50  # grey level of ink on white; fewer marks tell no height of letters


@dataclass(frozen=True, slots=True)
class PageMeasures:
    """What a page image is like. Shares are of the page's area, darkness and contrast 0-1.

    tinted: share of coloured pixels; red: of red ink; ink: of dark pixels. contrast: darkness of its marks.
    marks, large_marks: how many could be letters, and how many are larger than dirt is.
    """

    tinted: float
    red: float
    ink: float
    contrast: float
    marks: int
    large_marks: int
    writing: Writing

    def to_json(self) -> dict[str, Any]:
        """Return the measures as a JSON object, rounded."""
        return {name: round(v, 5) if isinstance(v, float) else v for name, v in asdict(self).items()}


def measure(image: StoredImage) -> PageMeasures:
    """Return the measures of a page image; works on a reduced copy."""
    small, px_mm = _reduced(image)
    tinted, red = _colour_shares(small)
    # The darkest channel: ink of any colour is dark in one of them.
    grey = darkest_channel(small)
    darkness = _darkness(grey)
    marks = _marks(darkness, px_mm)
    inked = [mark for mark in marks if mark[1] >= INKED]
    large = sum(mark[0] >= LARGE_MM for mark in inked)
    writing: Writing = "none" if not marks else "present" if large or len(inked) >= FEW else "doubtful"
    return PageMeasures(
        tinted=tinted,
        red=red,
        ink=float((darkness >= INKED * 255).mean()),
        contrast=float(np.median([mark[1] for mark in marks])) if marks else 0.0,
        marks=len(marks),
        large_marks=large,
        writing=writing,
    )


def _reduced(image: StoredImage) -> tuple[Pixels, float]:
    """Return the image at CHECK_DPI with square pixels, and pixels per millimetre.

    A page that says it is smaller than A4 is measured as if it were A4: a stated resolution may be wrong, and
    letters taken for dust would make a written page blank.
    """
    height, width = image.pixels.shape[:2]
    tall, wide = height / image.dpi_y, width / image.dpi_x
    dpi = CHECK_DPI * max(1.0, A4_LONG_IN / max(tall, wide))
    dpi = min(dpi, max(image.dpi_x, image.dpi_y))
    size = max(1, round(wide * dpi)), max(1, round(tall * dpi))
    small = image.pixels
    if size != (width, height):
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, max(size) / (max(tall, wide, A4_LONG_IN) * 25.4)


def _colour_shares(pixels: Pixels) -> tuple[float, float]:
    if pixels.ndim != 3:
        return 0.0, 0.0
    red, green, blue = cv2.split(pixels)
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float((spread >= TINTED).mean()), float((red_ink(pixels) >= RED_INK).mean())


def red_ink(pixels: Pixels) -> Pixels:
    """Return how much redder each pixel of a colour image is than green or blue, 0-255."""
    red, green, blue = cv2.split(pixels)
    return np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.uint8)


def blue_ink(pixels: Pixels) -> Pixels:
    """Return how much bluer than red each pixel of a colour image is, 0-255: blue and violet ink."""
    red, _, blue = cv2.split(pixels)
    return np.asarray(cv2.subtract(blue, red), np.uint8)


def darkest_channel(pixels: Pixels) -> Pixels:
    """Return an image in grey, ink of any colour dark in it; a grey one as it is."""
    if pixels.ndim != 3:
        return pixels
    red, green, blue = cv2.split(pixels)
    return np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)


def paper_of(grey: Pixels, *, cell: int) -> Pixels:
    """Return the brightness of the paper around every pixel.

    cell: the side of the squares it is estimated in, about half a line's height. Never below half the page's
    own brightness, so that a large dark area stays dark.
    """
    height, width = grey.shape
    size = max(1, width // cell), max(1, height // cell)
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    small = cv2.medianBlur(small, 9)
    brightest = int(np.percentile(small, 90))
    small = np.maximum(small, max(80, brightest // 2)).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def on_white(grey: Pixels, *, cell: int) -> Pixels:
    """Return the page divided by its paper: shadows and tints become white."""
    return np.asarray(cv2.divide(grey, paper_of(grey, cell=cell), scale=255), np.uint8)


def _darkness(grey: Pixels) -> Pixels:
    """Return how much darker than the paper each pixel is, 0-255."""
    return np.asarray(255 - on_white(grey, cell=6), np.uint8)


def _marks(darkness: Pixels, px_mm: float) -> list[tuple[float, float]]:
    """Return (longer side in mm, darkness 0-1) of every mark that may be writing."""
    mask = _without_edges(np.asarray(darkness >= FAINT * 255, np.uint8), max(1, round(EDGE_MM * px_mm)))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    darkest = np.zeros(count, np.uint8)
    np.maximum.at(darkest, labels.ravel(), darkness.ravel())
    height, width = darkness.shape
    found = []
    for number in range(1, count):
        x, y, across, down, area = (int(v) for v in boxes[number])
        longer = max(across, down) / px_mm
        if longer < MARK_MM or _is_fold(across / width, down / height, min(across, down) / px_mm):
            continue
        beside = min(x + across, y + down, width - x, height - y) / px_mm <= HOLE_STRIP_MM
        if beside and _is_hole(across / px_mm, down / px_mm, area / (across * down)):
            continue
        found.append((longer, float(darkest[number]) / 255))
    return found


def _without_edges(mask: Pixels, strip: int) -> Pixels:
    """Return the mask without the shadows of the scanner: what touches an edge, as far as the strip along it."""
    outer = mask.copy()
    outer[strip:-strip, strip:-strip] = 0
    count, labels = cv2.connectedComponents(outer, connectivity=8)
    if count == 1:
        return mask
    touching = np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))
    shadow = np.isin(np.arange(count), touching[touching > 0])
    return np.where(shadow[labels], 0, mask).astype(np.uint8)


def _is_fold(across: float, down: float, thickness_mm: float) -> bool:
    """Whether a mark is the trace of a fold: thin, and over a third of the page. Sides as shares of the page's."""
    return thickness_mm <= FOLD_MM and max(across, down) >= 1 / 3


def _is_hole(across_mm: float, down_mm: float, filled: float) -> bool:
    """Whether a mark near an edge is a punch hole: round and full."""
    smaller, larger = sorted((across_mm, down_mm))
    return HOLE_MM[0] <= smaller and larger <= HOLE_MM[1] and larger <= 1.25 * smaller and filled >= 0.7


def noise_of(grey: Pixels) -> float:
    """Return the noise of the paper in grey levels: its standard deviation away from all ink."""
    height, width = grey.shape
    if height < 16 or width < 16:
        return 0.0
    bright = float(np.percentile(grey[::4, ::4], 75))
    ink = np.asarray(cv2.blur(grey, (5, 5)) < 0.8 * bright, np.uint8)
    paper = cv2.dilate(ink, np.ones((7, 7), np.uint8)) == 0
    # The second differences of a smooth ground are zero; noise of deviation s gives them deviation 6 s.
    mask = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
    rough = np.abs(cv2.filter2D(grey, cv2.CV_16S, mask))
    held = rough[paper]
    if held.size < 1000:
        return 0.0
    return float(held.mean(dtype=np.float64)) * float(np.sqrt(np.pi / 2)) / 6


def estimate_skew(grey: Pixels) -> float:
    """Return the clockwise tilt of a page's lines in degrees, -8 to 8; 0.0 when there is nothing to tell it by."""
    return tilt_of(grey).degrees


@dataclass(frozen=True, slots=True)
class Tilt:
    """How far clockwise a page's lines lie tilted, -8 to 8 degrees; and whether they run down, not across."""

    degrees: float
    sideways: bool


def tilt_of(grey: Pixels) -> Tilt:
    """Return the tilt of a page's lines; none when there is nothing to tell it by.

    Lines may run across or down: a sideways page is tilted by as much. The ink of level lines falls into few
    rows, so the tilt is the one whose rows differ most.
    """
    scale = min(1.0, SKEW_HEIGHT_PX / max(grey.shape))
    small = grey
    if scale < 1.0:
        small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = np.nonzero(small < 0.6 * float(np.percentile(small, 90)))
    if len(rows) < 200:
        return Tilt(0.0, sideways=False)
    step = max(1, len(rows) // SKEW_POINTS)
    down, across = rows[::step].astype(np.float32), columns[::step].astype(np.float32)
    level = _best_tilt(down, across)
    upright = _best_tilt(across, -down) if level[1] < PLAINLY_LEVEL else (0.0, 0.0)
    (angle, gain) = max(level, upright, key=lambda found: found[1])
    return Tilt(angle, upright[1] > SIDEWAYS * level[1]) if gain > 1.02 else Tilt(0.0, sideways=False)


def letter_height(grey: Pixels) -> float:
    """Return the height of a page's letters in pixels, the median of marks of that size; 0.0 where hardly any are.

    grey: dark on white; the middle half of its width is looked at. Letters without ascenders and marks are the
    most, so it is little more than theirs.
    """
    width = grey.shape[1]
    ink = np.asarray(grey[:, width // 4 : width - width // 4] < LETTER_DARK, np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    heights, widths = boxes[1:, 3], boxes[1:, 2]
    letters = heights[(heights >= 5) & (heights <= 60) & (widths >= 2) & (widths <= 80)]
    return float(np.median(letters)) if len(letters) >= LETTERS_LEAST else 0.0


def _best_tilt(along: npt.NDArray[np.float32], over: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return (tilt in degrees, its score over that of the median tilt)."""
    coarse = np.arange(-SKEW_MAX_DEG, SKEW_MAX_DEG + 0.01, 0.5)
    scores = np.array([_score(along, over, angle) for angle in coarse])
    best = float(coarse[int(scores.argmax())])
    for width in (0.25, 0.1, 0.03):
        near = [best - width, best, best + width]
        best = near[int(np.argmax([_score(along, over, angle) for angle in near]))]
    best = min(SKEW_MAX_DEG, max(-SKEW_MAX_DEG, best))
    return best, float(_score(along, over, best) / max(1.0, float(np.median(scores))))


def _score(along: npt.NDArray[np.float32], over: npt.NDArray[np.float32], angle: float) -> float:
    shifted = along - over * np.float32(np.tan(np.radians(angle)))
    rows = np.bincount((shifted - shifted.min()).astype(np.int32))
    return float(np.square(np.diff(rows)).sum())
