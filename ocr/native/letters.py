"""The letters of a page's own text as pdfium finds them, in the order they were written, over the page's raster.

Left out and counted: hidden letters (an older reading's layer), those that a scan painted later covers, and those
off the page. Annotations and form fields are no content of a page, so theirs are never among them.
"""

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium

from ocr.errors import PageUndecodable
from ocr.options import ReadingOptions
from ocr.pdf_content import FORM_DEPTH, SCAN_COVER, crop_box
from ocr.pdf_pages import raster_size

HIDDEN_MODES = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE: "hidden", pdfium.FPDF_TEXTRENDERMODE_CLIP: "clipping"}
OBLIQUE_DEG = 2.0  # from the nearest quarter turn
HYPHENS = {0x02, 0xAD, 0xFFFE}  # what pdfium and typesetters have for a hyphen at the end of a line
LETTERS_MOST = 200_000  # of one page; more are not looked at

Edges = tuple[float, float, float, float]  # left, top, right, bottom in pixels, left <= right and top <= bottom


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. edges: in pixels of the raster. turns: clockwise quarter turns that make it upright.

    turns is None for a letter that stands obliquely: a seal's, a watermark's. unmapped: the file does not say
    which letter it is. parted: a space or a break stands before it.
    """

    text: str
    edges: Edges
    turns: int | None
    unmapped: bool = False
    parted: bool = False


@dataclass(frozen=True, slots=True)
class PageLetters:
    """The letters seen on a page, as written.

    hidden, clipping, covered, outside: how many were left out, and why; clipping ones only cut out paintings.
    """

    width_px: int
    height_px: int
    letters: tuple[Letter, ...]
    hidden: int = 0
    clipping: int = 0
    covered: int = 0
    outside: int = 0


def letters_of(path: Path, page: pikepdf.Page, index: int, options: ReadingOptions) -> PageLetters:
    """Return the letters of a page, in pixels of the raster `ocr.pixels.draw_page` makes of it.

    Raises PageUndecodable when pdfium can't open the page.
    """
    width, height, _ = raster_size(page, options)
    try:
        # As a stream: in the jail a lent file has no path but its number's.
        with path.open("rb") as stream, pypdfium2.PdfDocument(stream) as document:
            opened = document[index]
            covered = _covered_by_scans(opened, crop_box(page))
            text = opened.get_textpage()
            return _Collector(text.raw, crop_box(page), (width, height), covered).collected()
    except pypdfium2.PdfiumError as error:
        raise PageUndecodable(f"the page's text can't be opened: {error}") from error


class _Collector:
    """Goes through the letters of one text page. covered: addresses of the text objects a scan hides."""

    def __init__(
        self, text: "pdfium.FPDF_TEXTPAGE", box: Edges, size_px: tuple[int, int], covered: set[int]
    ) -> None:
        self._text = text
        self._box = box
        self._size = size_px
        self._covered = covered
        self._modes: dict[int, int] = {}
        self._counts = {"hidden": 0, "clipping": 0, "covered": 0, "outside": 0}

    def collected(self) -> PageLetters:
        found = tuple(self._joined())
        return PageLetters(*self._size, found, **self._counts)

    def _joined(self) -> Iterator[Letter]:
        """Yield the letters with marks that stand by themselves, and halves of pairs, put to the letter before."""
        last: Letter | None = None
        for letter in self._letters():
            if last is not None and not letter.parted and _belongs(last.text, letter.text):
                edges = last.edges if letter.text else letter.edges
                last = replace(last, text=_paired(last.text + letter.text), edges=_around(edges, letter.edges))
                continue
            if last is not None:
                yield last
            last = letter
        if last is not None:
            yield last

    def _letters(self) -> Iterator[Letter]:
        parted = True
        for at in range(min(LETTERS_MOST, pdfium.FPDFText_CountChars(self._text))):
            code = pdfium.FPDFText_GetUnicode(self._text, at)
            if code in HYPHENS or pdfium.FPDFText_IsHyphen(self._text, at) == 1:
                code = ord("-")
            # Zero is a letter that is known not to be known; other controls are told later.
            elif pdfium.FPDFText_IsGenerated(self._text, at) == 1 or (code and chr(code).isspace()):
                parted = True
                continue
            reason = self._left_out(at)
            if reason is not None:
                self._counts[reason] += 1
                parted = True
                continue
            edges, turns = self._place(at)
            unmapped = code == 0 or pdfium.FPDFText_HasUnicodeMapError(self._text, at) == 1
            yield Letter(chr(code) if code else "\ufffd", edges, turns, unmapped, parted)
            parted = False

    def _left_out(self, at: int) -> str | None:
        found = pdfium.FPDFText_GetTextObject(self._text, at)
        address = _address(found)
        if address not in self._modes:
            self._modes[address] = pdfium.FPDFTextObj_GetTextRenderMode(found) if address else -1
        if self._modes[address] in HIDDEN_MODES:
            return HIDDEN_MODES[self._modes[address]]
        if address in self._covered:
            return "covered"
        left, top, right, bottom = self._place(at)[0]
        across, down = (left + right) / 2, (top + bottom) / 2
        return None if 0 <= across < self._size[0] and 0 <= down < self._size[1] else "outside"

    def _place(self, at: int) -> tuple[Edges, int | None]:
        loose, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        pdfium.FPDFText_GetLooseCharBox(self._text, at, loose)
        pdfium.FPDFText_GetMatrix(self._text, at, matrix)
        left, bottom, right, top = loose.left, loose.bottom, loose.right, loose.top
        edges = [ctypes.c_double() for _ in range(4)]
        if pdfium.FPDFText_GetCharBox(self._text, at, *edges):
            ink_left, ink_right, ink_bottom, ink_top = (edge.value for edge in edges)
            # Along the line as wide as its ink, so that words stand apart; across it as high as the font.
            if abs(matrix.b) <= abs(matrix.a) and ink_left < ink_right:
                left, right = ink_left, ink_right
            elif abs(matrix.b) > abs(matrix.a) and ink_bottom < ink_top:
                bottom, top = ink_bottom, ink_top
        return self._in_pixels((left, bottom, right, top)), _turns(matrix.a, matrix.b)

    def _in_pixels(self, rect: Edges) -> Edges:
        """Return a rectangle (left, bottom, right, top) of user space in pixels."""
        left, bottom, right, top = self._box
        x, y = self._size[0] / (right - left), self._size[1] / (top - bottom)
        return (
            (min(rect[0], rect[2]) - left) * x,
            (top - max(rect[1], rect[3])) * y,
            (max(rect[0], rect[2]) - left) * x,
            (top - min(rect[1], rect[3])) * y,
        )


def _turns(a: float, b: float) -> int | None:
    """Return the clockwise quarter turns that make a baseline of a direction level; None for an oblique one."""
    degrees = math.degrees(math.atan2(b, a))
    turns = round(degrees / 90)
    return turns % 4 if abs(degrees - 90 * turns) < OBLIQUE_DEG else None


def _covered_by_scans(page: pypdfium2.PdfPage, box: Edges) -> set[int]:
    """Return the addresses of text objects painted before an opaque image that covers the page."""
    left, bottom, right, top = box
    seen: set[int] = set()
    covered: set[int] = set()
    for found in page.get_objects(max_depth=FORM_DEPTH):
        if found.type == pdfium.FPDF_PAGEOBJ_TEXT:
            seen.add(_address(found.raw))
        elif found.type == pdfium.FPDF_PAGEOBJ_IMAGE and not found.container:
            x0, y0, x1, y1 = found.get_bounds()
            share = (min(x1, right) - max(x0, left)) * (min(y1, top) - max(y0, bottom))
            large = share >= SCAN_COVER * (right - left) * (top - bottom) and x1 > left and y1 > bottom
            if large and not pdfium.FPDFPageObj_HasTransparency(found.raw):
                covered |= seen
    return covered


def _address(found: object) -> int:
    return ctypes.cast(found, ctypes.c_void_p).value or 0 if found else 0  # type: ignore[arg-type]


def _belongs(before: str, text: str) -> bool:
    """Whether a letter is no letter of its own: a combining mark, or the second half of a pair."""
    half = "\ud800" <= before[-1] <= "\udbff" and "\udc00" <= text <= "\udfff"
    return half or unicodedata.combining(text) != 0


def _paired(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _around(one: Edges, other: Edges) -> Edges:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
