"""Where a page's box, image and words lie: user space, stored pixels, and what the reader sees upright."""

import math
from dataclasses import dataclass, replace

import pikepdf

from ocr.page import Box, PageText
from ocr.pdf_content import Matrix, crop_box, user_unit
from ocr.pdf_pages import PageImage, turns_of

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1 with x0 < x1 and y0 < y1
BOX_MOST = 14_400.0  # ISO 19005-2, 6.1.13: a page's sides are 3 to 14,400 units
BOX_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class PageFrame:
    """A page in user space. box: what is shown. matrix: the stored image's unit square in user space.

    width_px, height_px: the stored image (or raster) that word boxes are pixels of.
    quarter_turns: clockwise turns (0-3) of the box for the reader, the page's own /Rotate.
    text_turns: clockwise turns that make the stored image upright. unit_pt: points per unit (/UserUnit).
    """

    box: Rect
    matrix: Matrix
    width_px: int
    height_px: int
    quarter_turns: int
    text_turns: int
    unit_pt: float = 1.0

    @property
    def rotation(self) -> int:
        """The page's /Rotate in degrees."""
        return 90 * self.quarter_turns

    @property
    def upright_size(self) -> tuple[float, float]:
        """Width and height as the reader sees them, in units."""
        x0, y0, x1, y1 = self.box
        return (y1 - y0, x1 - x0) if self.quarter_turns % 2 else (x1 - x0, y1 - y0)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a stored pixel's corner lies in user space."""
        a, b, c, d, e, f = self.matrix
        right, up = x / self.width_px, 1 - y / self.height_px
        return a * right + c * up + e, b * right + d * up + f

    def vector(self, dx: float, dy: float) -> tuple[float, float]:
        """Return a step in stored pixels as a step in user space."""
        a, b, c, d, _, _ = self.matrix
        right, up = dx / self.width_px, -dy / self.height_px
        return a * right + c * up, b * right + d * up

    def rect_of(self, box: Box) -> Rect:
        """Return a box of stored pixels in user space."""
        return ordered(*self.point(box.x, box.y), *self.point(box.x + box.width, box.y + box.height))

    def to_upright(self, rect: Rect) -> Rect:
        """Return a rectangle as the reader sees it: from the shown page's lower left corner, in units."""
        x0, y0, x1, y1 = self.box
        left, bottom, right, top = rect
        if self.quarter_turns == 1:
            return bottom - y0, x1 - right, top - y0, x1 - left
        if self.quarter_turns == 2:
            return x1 - right, y1 - top, x1 - left, y1 - bottom
        if self.quarter_turns == 3:
            return y1 - top, left - x0, y1 - bottom, right - x0
        return left - x0, bottom - y0, right - x0, top - y0

    def from_upright(self, rect: Rect) -> Rect:
        """Return in user space a rectangle given as the reader sees it."""
        x0, y0, x1, y1 = self.box
        left, bottom, right, top = rect
        if self.quarter_turns == 1:
            return x1 - top, y0 + left, x1 - bottom, y0 + right
        if self.quarter_turns == 2:
            return x1 - right, y1 - top, x1 - left, y1 - bottom
        if self.quarter_turns == 3:
            return x0 + bottom, y1 - right, x0 + top, y1 - left
        return x0 + left, y0 + bottom, x0 + right, y0 + top

    def moved_from(self, page: pikepdf.Page, found: PageImage) -> tuple[float, float, float]:
        """Return (scale, x, y) that bring a scan's page from its own user space into the frame's."""
        scale = user_unit(page) / self.unit_pt
        return scale, self.matrix[4] - found.matrix[4] * scale, self.matrix[5] - found.matrix[5] * scale

    def grown(self, *, top: float, right: float) -> "PageFrame":
        """Return the frame with a box larger at the reader's top and right; nothing on the page moves."""
        x0, y0, x1, y1 = self.box
        box = (
            (x0, y0, x1 + right, y1 + top),
            (x0 - top, y0, x1, y1 + right),
            (x0 - right, y0 - top, x1, y1),
            (x0, y0 - right, x1 + top, y1),
        )[self.quarter_turns]
        return replace(self, box=box)


def ordered(x0: float, y0: float, x1: float, y1: float) -> Rect:
    """Return the rectangle between two opposite corners."""
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def picture_frame(
    width_px: int, height_px: int, dpi_x: float, dpi_y: float, turn_hint: int, text: PageText | None
) -> PageFrame:
    """Return the frame of a picture: its size at its resolution. turn_hint counts when there is no text."""
    width_pt, height_pt = width_px * 72 / dpi_x, height_px * 72 / dpi_y
    unit = _unit_for(width_pt, height_pt)
    width, height = width_pt / unit, height_pt / unit
    turns = text.quarter_turns if text is not None else turn_hint
    return PageFrame(
        (0.0, 0.0, max(width, BOX_LEAST), max(height, BOX_LEAST)),
        (width, 0.0, 0.0, height, 0.0, 0.0),
        width_px,
        height_px,
        turns,
        turns,
        unit,
    )


def scan_frame(page: pikepdf.Page, found: PageImage, text: PageText | None) -> PageFrame:
    """Return the frame of a PDF page that is one image: the crop box and the whole image, from (0, 0).

    What a crop box hides of the scan is shown; what it shows around the scan (margins with a stamp) stays.
    """
    own = user_unit(page)
    a, b, c, d, e, f = (number * own for number in found.matrix)
    left, bottom, right, top = (edge * own for edge in crop_box(page))
    xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
    left, bottom = min(left, *xs), min(bottom, *ys)
    width_pt, height_pt = max(right, *xs) - left, max(top, *ys) - bottom
    unit = _unit_for(width_pt, height_pt)
    width, height = max(width_pt / unit, BOX_LEAST), max(height_pt / unit, BOX_LEAST)
    matrix = (a / unit, b / unit, c / unit, d / unit, (e - left) / unit, (f - bottom) / unit)
    # What the page's matrix already turns, the page's own turn need not.
    by_page = (turns_of(page) - found.turn_hint) % 4
    turns = text.quarter_turns if text is not None else found.turn_hint
    return PageFrame(
        (0.0, 0.0, width, height),
        matrix,
        int(found.image.Width),
        int(found.image.Height),
        (turns + by_page) % 4,
        turns,
        unit,
    )


def raster_frame(page: pikepdf.Page, size_px: tuple[int, int], text: PageText | None) -> PageFrame:
    """Return the frame of a PDF page that is not one image: its crop box in its own user space."""
    left, bottom, right, top = crop_box(page)
    turns = text.quarter_turns if text is not None else turns_of(page)
    return PageFrame(
        (left, bottom, right, top),
        (right - left, 0.0, 0.0, top - bottom, left, bottom),
        *size_px,
        turns,
        turns,
        user_unit(page),
    )


def _unit_for(width_pt: float, height_pt: float) -> float:
    """Return the whole number of points per unit that keeps a page below the largest box."""
    return float(max(1, math.ceil(max(width_pt, height_pt) / BOX_MOST)))
