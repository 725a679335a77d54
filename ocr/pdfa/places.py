"""Free places for the two marks of page 1: the digitizer's at the top left, the agency's at the top right.

SIG-1, SIG-4: the marks overlap neither each other nor anything written. Where there is no room the page's box
grows at the reader's top (and at the right on a paper narrower than both marks); the page is never scaled.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np

from ocr.page import Box
from ocr.pdfa.frame import PageFrame, Rect
from ocr.pdfa.rendition import MarkRectangle, Rotation
from ocr.pixels import Pixels

EDGE_PT = 10.0  # from the page's edge: printers leave a margin
CLEAR_PT = 3.0  # from whatever is written, and from each other
INK_BELOW = 128  # grey level that counts as ink
CELL_PX = 16

Size = tuple[float, float]


def keep_places(
    frame: PageFrame, written: Sequence[Rect], sizes: tuple[Size, Size]
) -> tuple[PageFrame, tuple[MarkRectangle, MarkRectangle]]:
    """Return the frame, grown where there was no room, and the places at its top left and top right.

    written: rectangles in user space that must stay free. sizes: of the marks in points, as the reader
    sees them.
    """
    edge, clear = EDGE_PT / frame.unit_pt, CLEAR_PT / frame.unit_pt
    (left_width, left_height), (right_width, right_height) = (
        (width / frame.unit_pt, height / frame.unit_pt) for width, height in sizes
    )
    width, height = frame.upright_size
    widen = max(0.0, left_width + right_width + clear + 2 * edge - width)
    width += widen
    spans = (
        (edge, edge + left_width, left_height),
        (width - edge - right_width, width - edge, right_height),
    )
    upright = [frame.to_upright(rect) for rect in written]
    raise_by = max(0.0, *(_missing(upright, span, height, edge, clear) for span in spans))
    top = height + raise_by - edge
    grown = frame.grown(top=raise_by, right=widen)
    left, right = (_mark(grown, grown.from_upright((start, top - tall, end, top))) for start, end, tall in spans)
    return grown, (left, right)


def _missing(
    upright: Sequence[Rect], span: tuple[float, float, float], height: float, edge: float, clear: float
) -> float:
    """Return by how much the page is too short for a mark above whatever is written below it."""
    start, end, tall = span
    below = [v1 for u0, _, u1, v1 in upright if u0 < end + clear and u1 > start - clear]
    return max([0.0, *below]) + clear + tall + edge - height


def _mark(frame: PageFrame, rect: Rect) -> MarkRectangle:
    x0, y0, x1, y1 = (round(edge, 4) for edge in rect)
    return MarkRectangle(0, x0, y0, x1, y1, cast(Rotation, frame.rotation))


def ink_boxes(pixels: Pixels, *, below: int = INK_BELOW) -> list[Box]:
    """Return boxes that together hold all ink of a page no words are known of, in stored pixels.

    below: the grey level under which a pixel is ink.
    """
    grey = pixels if pixels.ndim == 2 else pixels.min(axis=2)
    height, width = grey.shape
    padded = np.full((-(-height // CELL_PX) * CELL_PX, -(-width // CELL_PX) * CELL_PX), 255, np.uint8)
    padded[:height, :width] = grey
    cells = padded.reshape(padded.shape[0] // CELL_PX, CELL_PX, -1, CELL_PX).min(axis=(1, 3)) < below
    return [Box(int(x) * CELL_PX, int(y) * CELL_PX, CELL_PX, CELL_PX) for y, x in np.argwhere(cells)]
