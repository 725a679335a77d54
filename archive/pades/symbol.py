"""The QR symbol of a copy (ISO/IEC 18004) with what it leads to written under it, for a person to type.

Black rectangles alone, nothing painted between them: what lies under a symbol stays to be seen. Error
correction is M at least, a module half a millimetre at least, so that a 150 dpi scan of a print can be read.
"""

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import segno

from archive.pades.font import Lettering
from archive.pades.stamp import LEADING, SLACK, Drawing, MarkDoesNotFit, MarkPlace, number, text_content, turned

SIDE_PT = 80.0  # of the symbol with its quiet zone
MODULE_PT_MIN = 1.4
QUIET_MODULES = 4
CAPTION_PT = 7.0
LABEL = "Mã tra cứu:"
LETTERS = LABEL + string.ascii_lowercase + string.digits
_GROUP, _GROUPS_A_LINE, _LINES = 4, 4, 3


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR to draw. content: what it holds. serial: what is written under it, at most 32 letters."""

    content: str
    serial: str
    place: MarkPlace

    @property
    def letters(self) -> str:
        """The letters of its caption, and those other serials may have."""
        return "".join(sorted(set(LETTERS) | set(self.serial)))


def symbol_size() -> tuple[float, float]:
    """Return the width and height (pt) of the place a symbol needs, its caption with it."""
    return SIDE_PT, SIDE_PT + _LINES * CAPTION_PT * LEADING


def draw_symbol(symbol: Symbol, lettering: Lettering, *, unit_pt: float = 1.0) -> Drawing:
    """Draw a symbol at the top left of its place. Raises MarkDoesNotFit: the place is small, or the content long.

    lettering: cut to the symbol's letters. unit_pt: points per user-space unit.
    """
    width, height = symbol.place.upright_size
    side, size = SIDE_PT / unit_pt, CAPTION_PT / unit_pt
    modules = segno.make_qr(symbol.content, error="m").matrix
    module = side / (len(modules) + 2 * QUIET_MODULES)
    caption = [LABEL, *_grouped(symbol.serial)]
    quiet = QUIET_MODULES * module
    widest = max(lettering.width_of(line, size) for line in caption)
    tall = side + len(caption) * size * LEADING
    if module * unit_pt < MODULE_PT_MIN or max(side, quiet + widest) > width + SLACK or tall > height + SLACK:
        raise MarkDoesNotFit(width * unit_pt, height * unit_pt)
    first = f"{number(module)} 0 0 {number(module)} {number(quiet)} {number(height - side + quiet)} cm"
    squares = "\n".join(f"{x} {y} {run} 1 re" for x, y, run in _runs(modules))
    return Drawing(
        content=f"q\n0 g\n{first}\n{squares}\nf\nQ\n".encode("ascii")
        + text_content(caption, lettering, size, top=height - side, left=quiet),
        width=width,
        height=height,
        matrix=turned(symbol.place.rotation, width, height),
        lettering=lettering,
    )


def _runs(modules: Sequence[bytearray]) -> Iterator[tuple[int, int, int]]:
    """Give the dark runs of each row as (x, y from the bottom, length) in modules."""
    for row, dark in enumerate(modules):
        start = None
        for column, is_dark in enumerate((*dark, 0)):
            if is_dark and start is None:
                start = column
            elif not is_dark and start is not None:
                yield start, len(modules) - 1 - row, column - start
                start = None


def _grouped(serial: str) -> list[str]:
    groups = [serial[start : start + _GROUP] for start in range(0, len(serial), _GROUP)]
    return [" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE)]
