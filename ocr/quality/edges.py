"""What happened at the edges of a page image: the scanner's dark border, letters that run out of the image,
the rest of a broken-off file, and the edge of a second sheet across the page.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ocr.pixels import Pixels

DARK = 0.45  # of the paper's brightness: what is darker at an edge is the scanner's lid
BORDER_MOST_MM = 40.0
BORDER_GAP_MM = 0.4  # of dust in a border
INKED = 0.65  # of the paper's brightness: what is darker is ink
STRIP_MM = 8.0  # looked at along an edge for letters cut
DEEP_MM = (0.7, 6.5)  # how far a cut letter reaches into the page
ALONG_MM = (0.1, 9.0)  # and how much of the edge it takes, with the letters it touches
TOUCH_MM = 0.2  # what comes this near to the edge touches it
GREY_FILL = (100, 160)  # what decoders fill a broken JPEG with
SHEET_MM = 3.0  # looked at above and below a second sheet's edge
SHEET_TILT_DEG = 5.0
SHEET_RULE_MM = 1.3  # thickness of rules and folds that are overlooked
SHEET_LEAST = 0.75  # levels; a lesser step is none
SHEET_APART = 2.5  # times as far away: a fold or a rule is in one of the two looked at, never in both
SHEET_STRIPS = 12
SHEET_BRIGHT = 0.8  # of a strip's pixels are ink or less bright than its paper
SHEET_FAR_MM = 8.0  # a sheet's edge nearer to the image's own edge is that of the page itself

Floats = npt.NDArray[np.float32]


def paper_level(small: Pixels) -> float:
    """Return the brightness of a page's paper, 0-255."""
    return float(np.percentile(small[::2, ::2], 80))


def border_mm(small: Pixels, paper: float, px_mm: float) -> float:
    """Return the mean width of the dark border at the edge where it is widest, in millimetres.

    A border is as dark as a scanner's lid and begins at the image's edge; ink on the page is not counted.
    """
    dark = (small < DARK * paper).astype(np.uint8)
    gap = max(1, round(BORDER_GAP_MM * px_mm))
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((2 * gap + 1, 2 * gap + 1), np.uint8))
    most = max(1, round(BORDER_MOST_MM * px_mm))
    widths = []
    for side in _sides(dark, most):
        runs = np.where(side.all(axis=0), len(side), np.argmin(side, axis=0))
        widths.append(float(runs.mean()))
    return max(widths) / px_mm


def cut_letters(grey: Pixels, paper: float, px_mm: float) -> int:
    """Return how many marks of a letter's size run into the image's edge, at the edge with the most of them.

    Letters that run into a dark border of the scanner are not seen.
    """
    strip = max(4, round(STRIP_MM * px_mm))
    found = []
    for side in _sides(grey, strip):
        touched = np.asarray(side[: max(1, round(TOUCH_MM * px_mm))].min(axis=0) < INKED * paper)
        if not touched.any():
            found.append(0)
            continue
        ink = (side < INKED * paper).astype(np.uint8)
        found.append(_letters_at_edge(ink, px_mm))
    return max(found)


def _letters_at_edge(ink: Pixels, px_mm: float) -> int:
    """Count the marks of a letter's size that touch the upper edge of a strip."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, along, deep = (boxes[1:, at] for at in range(4))
    letter = (
        (top <= TOUCH_MM * px_mm)
        & (deep >= DEEP_MM[0] * px_mm)
        & (deep <= DEEP_MM[1] * px_mm)
        & (along >= ALONG_MM[0] * px_mm)
        & (along <= ALONG_MM[1] * px_mm)
        & (left > 0)
        & (left + along < ink.shape[1])
    )
    return int(letter.sum())


def _sides(image: Pixels, depth: int) -> list[Pixels]:
    """Return the four strips along the edges, each with the edge as its first row."""
    depth = min(depth, *image.shape)
    turned = image.T
    return [
        np.ascontiguousarray(side)
        for side in (image[:depth], image[::-1][:depth], turned[:depth], turned[::-1][:depth])
    ]


def grey_fill_pct(grey: Pixels) -> float:
    """Return the share of rows at the bottom, in percent, that are one even grey, as of a file broken off."""
    height = grey.shape[0]
    even = (grey.min(axis=1) == grey.max(axis=1)) & (grey[:, 0] >= GREY_FILL[0]) & (grey[:, 0] <= GREY_FILL[1])
    rows = int(np.argmin(even[::-1])) if not even.all() else height
    return float(100 * rows / height)


def sheet_step(small: Pixels, px_mm: float) -> float:
    """Return the height of the strongest straight step in the paper across a page's whole width or height.

    In grey levels. Two sheets fed at once lie in steps: the paper is darker on one side of an edge that runs from
    one side of the image to the other. A line, a fold or a table is no step, nor is a lamp's slow shade.
    """
    return max(_step_across(small, px_mm), _step_across(np.ascontiguousarray(small.T), px_mm))


def _step_across(small: Pixels, px_mm: float) -> float:
    height, width = small.shape
    reach, far = max(2, round(SHEET_MM * px_mm)), round(SHEET_FAR_MM * px_mm)
    if height < 2 * far + 8 * reach or width < SHEET_STRIPS * 8:
        return 0.0
    strip = width // SHEET_STRIPS
    # Of every row's pixels in a strip the bright ones are paper.
    cells = small[:, : strip * SHEET_STRIPS].reshape(height, SHEET_STRIPS, strip)[:, :, ::2]
    bright = round(cells.shape[2] * SHEET_BRIGHT)
    rows = np.partition(cells, bright, axis=2)[:, :, bright].astype(np.float32)
    # Rules and folds are thinner than what paper is left of them.
    rows = cv2.dilate(rows, np.ones((max(1, round(SHEET_RULE_MM * px_mm)), 1), np.uint8))
    means = cv2.blur(rows, (1, reach), borderType=cv2.BORDER_REPLICATE)
    tilts = np.arange(-SHEET_TILT_DEG, SHEET_TILT_DEG + 0.01, 1.0)
    away = (np.arange(SHEET_STRIPS) - (SHEET_STRIPS - 1) / 2) * strip
    shifts = np.rint(np.tan(np.radians(tilts))[:, None] * away[None, :]).astype(np.int32)
    lines = np.arange(far + reach, height - far - reach)[None, :, None] + shifts[:, None, :]
    # Lines of every tilt at every height. The margins have no ink: where they make no step, no sheet ends.
    near, under = (_along(means[:, [0, -1]], lines[:, :, [0, -1]] + by) for by in (-reach, reach))
    margins = (under - near).min(axis=2), (near - under).min(axis=2)
    held = lines[np.maximum(*margins) >= SHEET_LEAST]
    if not len(held):
        return 0.0
    apart = round(SHEET_APART * reach)
    further, near, under, last = (_along(means, held + by) for by in (-apart, -reach, reach, apart))
    steps, wide = under - near, last - further
    drifts = np.abs(_typical(near - further)), np.abs(_typical(last - under))
    # On either side of a line there is the same paper; the far steps of a sheet's edge are its near ones.
    agreed = np.maximum(np.minimum(_agreed(steps), _agreed(wide)), np.minimum(_agreed(-steps), _agreed(-wide)))
    return max(0.0, float((agreed - np.maximum(*drifts)).max()))


def _along(means: Floats, lines: npt.NDArray[np.int32]) -> Floats:
    """Return the paper's brightness along lines, strip by strip: rows of the last axis' strips."""
    return np.asarray(means[np.clip(lines, 0, len(means) - 1), np.arange(means.shape[1])], np.float32)


def _agreed(steps: Floats) -> Floats:
    """Return the step of all strips but two; of the margins, which have no ink, half of it is asked."""
    most = np.partition(steps, 2, axis=-1)[..., 2]
    return np.asarray(np.minimum(most, 2 * np.minimum(steps[..., 0], steps[..., -1])), np.float32)


def _typical(drifts: Floats) -> Floats:
    """Return the median over the strips: how the paper's brightness drifts where it does not step."""
    middle = drifts.shape[-1] // 2
    return np.asarray(np.partition(drifts, middle, axis=-1)[..., middle], np.float32)
