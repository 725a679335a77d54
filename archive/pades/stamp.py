"""The visible marks of signatures: what they say and how they are set, upright for the reader.

Circular 01/2023 art. 8: the digitizer's mark, top left of page 1: the name and the time of scanning.
Decree 30/2020 annex I part II.3: the agency's mark, top right, without image: form of the copy, name of the
agency, time of signing `dd/mm/yyyy; hh:mm:ss; +07:00`, Times New Roman, regular case, upright, 10 pt, black.
Law on e-transactions art. 12.1: a paper turned electronic carries a sign of conversion and who converted it.
Decree 31/2026 art. 11: a copy names the archive number and the degree of originality.
"""

import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from archive.errors import ArchiveError
from archive.pades.font import UNITS_PER_EM, Lettering, cut

LEGAL_TIME = timezone(timedelta(hours=7))
FONT_SIZE_PT = 10.0
FONT_SIZE_PT_MIN = 6.0
LEADING = 1.15  # of the font size, line to line
PAPER_CONVERSION = "Bản số hóa từ bản giấy"
OFFICE_COPY = "SAO Y"
ORIGINAL_BOOK_COPY = "BẢN SAO ĐIỆN TỬ TỪ SỔ GỐC"
DEMO_LINE = "TRÌNH DIỄN – không có giá trị pháp lý"
DIGITIZED = "02 – số hóa"  # degree of originality of what was scanned, CPY-10
_STEP_PT = 0.5
SLACK = 0.01  # user-space units; a place given by its corners loses a little to rounding

Rotation = Literal[0, 90, 180, 270]


class MarkDoesNotFit(ArchiveError):
    """A mark needs more room than its place has, even at the smallest lettering."""

    code = "mark-does-not-fit"

    def __init__(self, width: float, height: float) -> None:
        super().__init__(
            f"the mark does not fit a place of {width:.0f} by {height:.0f} pt; give it a larger place"
        )
        self.width = width
        self.height = height


@dataclass(frozen=True, slots=True)
class Mark:
    """What a signature shows, line by line, and the role whose key makes it."""

    role: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkPlace:
    """A free rectangle of a page, in its unrotated user space; rotation is the page's own /Rotate."""

    x0: float
    y0: float
    x1: float
    y1: float
    rotation: Rotation = 0
    page_index: int = 0

    @property
    def upright_size(self) -> tuple[float, float]:
        """Width and height as the reader of the turned page sees them."""
        width, height = abs(self.x1 - self.x0), abs(self.y1 - self.y0)
        return (height, width) if self.rotation in (90, 270) else (width, height)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A mark ready to embed: content stream, size of its box, and the matrix that turns it with the page."""

    content: bytes
    width: float
    height: float
    matrix: tuple[float, float, float, float, float, float]
    lettering: Lettering


def legal_time(moment: datetime) -> str:
    """Write an aware moment as the rules want it: `21/11/2026; 09:30:00; +07:00`."""
    if moment.utcoffset() is None:
        raise ValueError("a time on a mark must be aware")
    return moment.astimezone(LEGAL_TIME).strftime("%d/%m/%Y; %H:%M:%S; +07:00")


def digitizer_mark(role: str, *, name: str, scanned_at: datetime) -> Mark:
    """Return the mark of whoever scanned: name and time of scanning."""
    return Mark(role, (f"Người số hóa: {name}", f"Thời gian quét: {legal_time(scanned_at)}"))


def agency_mark(
    role: str, *, agency_name: str, signed_at: datetime, converter: str, form: str = PAPER_CONVERSION
) -> Mark:
    """Return the agency's mark: form or sign of conversion, agency, time of signing, who converted."""
    return Mark(role, (form, agency_name, legal_time(signed_at), f"Người chuyển đổi: {converter}"))


def copy_mark(
    role: str, *, form: str, agency_name: str, signed_at: datetime, number: str, archive_number: str
) -> Mark:
    """Return a copy's mark: its form, agency, time of signing, register number, archive number, originality."""
    return Mark(
        role,
        (
            form,
            agency_name,
            legal_time(signed_at),
            number,
            f"Số lưu trữ: {archive_number}",
            f"Độ gốc: {DIGITIZED}",
        ),
    )


def register_line(number_text: str, book: int) -> str:
    """Return the register's line of a copy's mark: `Số: 01/2026; quyển 1`."""
    return f"Số: {number_text}; quyển {book}"


def largest_copy_mark(role: str, *, agency_name: str, signed_at: datetime, archive_number: str) -> Mark:
    """Return the mark of a copy with the longest form and register number there can be, to keep room by."""
    return copy_mark(
        role,
        form=ORIGINAL_BOOK_COPY,
        agency_name=agency_name,
        signed_at=signed_at,
        number=register_line("99999/9999", 999),
        archive_number=archive_number,
    )


def mark_size(mark: Mark, *, width: float, demo: bool, font: Path) -> tuple[float, float]:
    """Return the width and height (pt) a mark takes at full lettering when wrapped to a width.

    For finding a place: ask with the width wanted, and keep a rectangle of what comes back. Never wider.
    """
    lines = _lines_of(mark, demo=demo)
    lettering = cut(font, letters_of(lines))
    set_lines = _wrap(lines, lettering, FONT_SIZE_PT, width)
    widest = max(lettering.width_of(line, FONT_SIZE_PT) for line in set_lines)
    return widest, _height(len(set_lines), lettering, FONT_SIZE_PT)


def draw(mark: Mark, place: MarkPlace, *, demo: bool, font: Path, unit_pt: float = 1.0, also: str = "") -> Drawing:
    """Set a mark into its place, from the top left as the reader sees it.

    Long lines wrap; only when the wrapped lines are too many for the place is the lettering made smaller.
    unit_pt: points per user-space unit (the page's /UserUnit). also: letters the font is cut to beside the
    mark's own, for a symbol that shares it. Raises MarkDoesNotFit, FontMissing.
    """
    width, height = place.upright_size
    lines = _lines_of(mark, demo=demo)
    lettering = cut(font, letters_of((*lines, also)))
    size_pt = FONT_SIZE_PT
    while True:
        size = size_pt / unit_pt
        set_lines = _wrap(lines, lettering, size, width + SLACK)
        if set_lines and _height(len(set_lines), lettering, size) <= height + SLACK:
            break
        size_pt -= _STEP_PT
        if size_pt < FONT_SIZE_PT_MIN:
            raise MarkDoesNotFit(width * unit_pt, height * unit_pt)
    return Drawing(
        content=text_content(set_lines, lettering, size, top=height),
        width=width,
        height=height,
        matrix=turned(place.rotation, width, height),
        lettering=lettering,
    )


def _lines_of(mark: Mark, *, demo: bool) -> tuple[str, ...]:
    lines = (*mark.lines, DEMO_LINE) if demo else mark.lines
    # Split on any white space, so that no line end or tab of a name can look like a line of ours.
    clean = (" ".join(unicodedata.normalize("NFC", line).split()) for line in lines)
    return tuple(line for line in clean if line)


def letters_of(lines: tuple[str, ...]) -> str:
    """Return the letters to cut a font to: those of the lines and every digit.

    The marks of one agency then differ in few letters, and a font cut once serves most of them.
    """
    return "".join(sorted({letter for line in lines for letter in line} | set(" " + string.digits)))


def _height(count: int, lettering: Lettering, size: float) -> float:
    body = (lettering.ascent - lettering.descent) / UNITS_PER_EM
    return (body + (count - 1) * LEADING) * size


def _wrap(lines: tuple[str, ...], lettering: Lettering, size: float, width: float) -> list[str]:
    """Break lines at spaces to a width; a word wider than the width is broken between letters.

    Empty if not even one letter fits.
    """
    if any(lettering.width_of(letter, size) > width for line in lines for letter in line):
        return []
    wrapped: list[str] = []
    for line in lines:
        current = ""
        for word in line.split(" "):
            joined = f"{current} {word}" if current else word
            if lettering.width_of(joined, size) <= width:
                current = joined
                continue
            if current:
                wrapped.append(current)
            *full, current = _broken(word, lettering, size, width)
            wrapped.extend(full)
        wrapped.append(current)
    return wrapped


def _broken(word: str, lettering: Lettering, size: float, width: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if lettering.width_of(pieces[-1] + letter, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def text_content(
    lines: Sequence[str], lettering: Lettering, size: float, *, top: float, left: float = 0.0
) -> bytes:
    """Write lines of text: black, one text object, the first baseline an ascent below the top."""
    leading = size * LEADING
    first = top - lettering.ascent * size / UNITS_PER_EM
    shown = "\nT*\n".join(f"<{_hex(line, lettering)}> Tj" for line in lines)
    start = f"{number(left)} {number(first)} Td"
    text = f"q\nBT\n0 g\n/F1 {number(size)} Tf\n{number(leading)} TL\n{start}\n{shown}\nET\nQ"
    return text.encode("ascii")


def _hex(line: str, lettering: Lettering) -> str:
    return "".join(f"{lettering.glyphs[letter]:04X}" for letter in line)


def number(value: float) -> str:
    """Write a number as a content stream has it: four decimals at most."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def turned(rotation: Rotation, width: float, height: float) -> tuple[float, float, float, float, float, float]:
    """Turn the upright box against the page's own clockwise turn, back into the positive quadrant."""
    if rotation == 90:
        return (0, 1, -1, 0, height, 0)
    if rotation == 180:
        return (-1, 0, 0, -1, width, height)
    if rotation == 270:
        return (0, -1, 1, 0, 0, width)
    return (1, 0, 0, 1, 0, 0)
