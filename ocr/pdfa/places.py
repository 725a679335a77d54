"""Free places for the marks of page 1: a digitizer's or a QR at the top left, an agency's at the top right.

SIG-1, SIG-3, SIG-4: they overlap neither each other nor anything written, stamped or drawn. Where there is
no room the page's box grows at the reader's top (and at the right on a paper narrower than both marks); the page
is never scaled.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from ocr.page import Box
from ocr.pdfa.frame import PageFrame, Rect
from ocr.pdfa.rendition import MarkRectangle, Rotation
from ocr.pixels import Pixels

EDGE_PT = 10.0  # from the page's edge: printers leave a margin
CLEAR_PT = 3.0  # from whatever is written, and from each other
INK_BELOW = 128  # grey level that counts as ink
INK_LEAST_PX = 3  # in a cell: a full stop at 150 dpi has more, a speck of dust less
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


def ink_boxes(pixels: Pixels, *, below: int = INK_BELOW, at_least: int = 1) -> list[Box]:
    """Return boxes that together hold all ink of a page, in stored pixels: rows of cells, none above another.

    below: the grey level under which a pixel is ink, in any colour. at_least: fewer such pixels in a cell are
    the scanner's dirt, not ink.
    """
    height, width = pixels.shape[:2]
    rows, columns = -(-height // CELL_PX), -(-width // CELL_PX)
    dark = np.zeros((rows * CELL_PX, columns * CELL_PX, pixels.size // (height * width)), np.uint8)
    np.less(pixels.reshape(height, width, -1), below, out=dark[:height, :width].view(np.bool_))
    # Whole rows first: memory is read in order, which is ten times faster than a cell at a time.
    down = dark.reshape(rows, CELL_PX, -1).sum(axis=1, dtype=np.uint16)
    counts = down.reshape(rows, columns, CELL_PX, -1).sum(axis=2).max(axis=2)
    return [box for row, inked in enumerate(counts >= at_least) for box in _runs(row, inked)]


def _runs(row: int, inked: npt.NDArray[np.bool_]) -> Iterator[Box]:
    edges = np.flatnonzero(np.diff(inked, prepend=False, append=False))
    for start, end in edges.reshape(-1, 2).tolist():
        yield Box(start * CELL_PX, row * CELL_PX, (end - start) * CELL_PX, CELL_PX)
