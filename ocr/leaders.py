"""Takes dotted leaders off a page before it is read: the rows of points that a form is filled in upon.

An engine makes letters of them, and loses the words they lead to.
"""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.engines.port import PreparedPage
from ocr.pixels import Pixels

INK = (
    210  # grey levels below which a pixel of a white page is ink: between points it is whiter, in faint rules not
)
POINT_PT = 3.0  # at most, the height of a point
RULE_PT = 20.0  # what is low and this wide is a rule, not points that ran together
APART_PT = 3.0  # at least, from a row to the letters around it, where rows are looked for
GAP_PT = 6.0  # at most, between two points: full stops of 14 pt print lie 2 apart, with spaces between them 5.5
ROW_PT = 12.0  # at least, of a row
LEAST = 5  # points that make a leader: an ellipsis has three or four
ALIKE, EVEN = (
    0.35,
    0.6,
)  # most steps of a leader are its median one, within this share of it: of broken letters few are
COLON_PT = 7.0  # at most, from the lower point of a colon to above its upper one
BAND_PT = 10.0  # looked at above and below a row


def without_leaders(page: PreparedPage) -> PreparedPage:
    """Return a page, whose tables have been taken out, with white where its dotted leaders were.

    The rules of a table that are faint look like leaders.
    """
    pt = page.dpi / 72
    ink = (page.image < INK).view(np.uint8)
    cleared = page.image
    for band in _bands(_rows(ink, pt), round(BAND_PT * pt)):
        leaders = _leaders(ink[band], pt)
        if leaders.any():
            cleared = page.image.copy() if cleared is page.image else cleared
            cleared[band][cv2.dilate(leaders, _box(3, 3)) > 0] = 255
    return replace(page, image=cleared)


def _rows(ink: Pixels, pt: float) -> npt.NDArray[np.bool_]:
    """Return in which rows of pixels a leader may be: low ink apart from letters, one piece after another."""
    letters = cv2.morphologyEx(ink, cv2.MORPH_OPEN, _box(1, POINT_PT * pt + 1))
    low = ink & ~cv2.dilate(letters, _box(2 * APART_PT * pt, 2 * APART_PT * pt))
    low &= ~cv2.morphologyEx(low, cv2.MORPH_OPEN, _box(RULE_PT * pt, 1))
    joined = cv2.morphologyEx(low, cv2.MORPH_CLOSE, _box(GAP_PT * pt, 3))
    found: npt.NDArray[np.bool_] = cv2.morphologyEx(joined, cv2.MORPH_OPEN, _box(ROW_PT * pt, 1)).any(axis=1)
    return found


def _bands(rows: npt.NDArray[np.bool_], margin: int) -> Iterator[slice]:
    """Yield the stretches of the page's height that have such rows, with a margin around each."""
    wanted = cv2.dilate(rows.astype(np.uint8).reshape(-1, 1), _box(1, 2 * margin)).ravel()
    for top, bottom in np.flatnonzero(np.diff(wanted, prepend=0, append=0)).reshape(-1, 2):
        yield slice(int(top), int(bottom))


def _leaders(ink: Pixels, pt: float) -> Pixels:
    """Return the ink that is leaders': the points of long even rows, less the lower ones of colons."""
    _, labels, boxes, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    top, high, wide = (boxes[:, of] for of in (cv2.CC_STAT_TOP, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH))
    cut = (top == 0) | (top + high == len(ink))  # a letter's foot or head is no point
    small = (high <= POINT_PT * pt) & (wide <= RULE_PT * pt) & ~cut
    points = small[labels].view(np.uint8)
    joined = cv2.morphologyEx(points, cv2.MORPH_CLOSE, _box(GAP_PT * pt, 3))
    row_count, row_of = cv2.connectedComponents(joined, connectivity=8)
    x, y = centres[small].astype(int).T
    row = row_of[y, x]
    leader = np.zeros(row_count, bool)
    for number in np.flatnonzero(np.bincount(row) >= LEAST):
        leader[number] = number > 0 and _is_even(x[row == number], high[small][row == number])
    found = points * leader[row_of]
    under = _box(1, 2 * COLON_PT * pt)
    under[len(under) // 2 :] = 0
    of_colon = np.zeros(len(boxes), bool)
    of_colon[labels[(found & cv2.dilate(points & ~found, under)) > 0]] = True
    return np.asarray(found * ~of_colon[labels], np.uint8)


def _is_even(x: npt.NDArray[np.int_], high: npt.NDArray[np.int_]) -> bool:
    """Whether points are as far from each other, and as high, as those of a leader."""
    return all(
        float(np.mean(np.abs(sizes - np.median(sizes)) <= ALIKE * np.median(sizes) + 1)) >= EVEN
        for sizes in (np.diff(np.sort(x)).astype(float), high.astype(float))
    )


def _box(width: float, height: float) -> Pixels:
    """Return a kernel of about this size, odd both ways: closing by an even one moves what it closes."""
    return np.ones((2 * int(height / 2) + 1, 2 * int(width / 2) + 1), np.uint8)
