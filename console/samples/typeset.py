"""Lays papers out on pages with typst, exactly as many as asked for, and prints the pages as pictures."""

import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2
import typst

from console.samples.blocks import Block
from console.samples.draw import Chance, number, pick
from console.samples.papers import Draft

Picture = npt.NDArray[np.uint8]
TEMPLATE = Path(__file__).with_name("paper.typ")
FULLEST_PAGE = 46  # rows of the smallest table, or more than its paragraphs
CLOSE_TO_FULL = 0.8  # of what would fit


@dataclass(frozen=True, slots=True)
class Look:
    """How a paper was typed, signed and sealed: size in points, strokes in millimetres from the top left.

    columns: in which the body's paragraphs run; header, tables and closing are as wide as the page.
    """

    font: str
    size: float
    ink: str
    signature: tuple[dict[str, Any], ...]
    seal: dict[str, Any]
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Printed:
    """A paper on its pages. texts: of each page, NFC, in reading order; pdf: the pages as typst set them."""

    texts: tuple[str, ...]
    pdf: bytes

    def picture(self, page_index: int, dpi: int) -> Picture:
        """Return one page as red, green, blue."""
        document = pypdfium2.PdfDocument(self.pdf)
        try:
            drawn = document[page_index].render(scale=dpi / 72, rev_byteorder=True).to_numpy()
            return np.ascontiguousarray(drawn[:, :, :3], dtype=np.uint8)
        finally:
            document.close()


def look(rng: Chance, issuer: str) -> Look:
    """Return a typist's, a signer's and a seal's habits."""
    return Look(
        font=pick(rng, ("Tinos", "Liberation Serif")),
        size=pick(rng, (13.0, 13.5, 14.0)),
        ink=pick(rng, ("#1c2f8f", "#21409a", "#26262e")),
        signature=_signature(rng),
        seal=_seal(rng, issuer),
    )


def _signature(rng: Chance) -> tuple[dict[str, Any], ...]:
    """Draw a signature 48 mm wide: an initial, a run of loops that die away, a flourish under it."""
    t = np.linspace(0, 1, 60)
    tall, round_, start = rng.uniform(7, 10), rng.uniform(3, 6), rng.uniform(0.2, 1.6)
    x = 6 + round_ * np.sin(2 * np.pi * t * rng.uniform(1.0, 1.6) + start) + 4 * t
    initial = np.stack([x, 12 - tall * np.cos(2 * np.pi * t) * (1 - 0.3 * t)], 1)
    t = np.linspace(0, 1, 140)
    dying = (rng.uniform(4, 7) - 4 * t) * (
        1 + 0.5 * np.sin(2 * np.pi * t * rng.uniform(1.3, 2.8) + rng.uniform(0, 6))
    )
    phase = 2 * np.pi * rng.uniform(4, 8) * t
    x = 9 + rng.uniform(24, 32) * t + rng.uniform(1.2, 3.2) * np.sin(phase + rng.uniform(0.6, 2.0))
    run = np.stack([x, 14 - rng.uniform(0, 5) * t + dying * np.cos(phase)], 1)
    t = np.linspace(0, 1, 40)
    under = np.stack([42 - 34 * t, 19 + rng.uniform(-3, 3) * np.sin(np.pi * t) + 3 * t * t], 1)
    strokes = [(initial, rng.uniform(0.45, 0.6)), (run, rng.uniform(0.35, 0.5)), (under, rng.uniform(0.28, 0.4))]
    return tuple(
        {"points": points.round(2).tolist(), "width": round(float(width), 2)} for points, width in strokes
    )


def _seal(rng: Chance, issuer: str) -> dict[str, Any]:
    """Return a round seal: who it belongs to around the middle, the office in it, set down a little crooked."""
    office, _, province = issuer.rpartition(" tỉnh " if " tỉnh " in issuer else " thành phố ")
    kind = "TỈNH" if " tỉnh " in issuer else "TP."
    own = office == "Ủy ban nhân dân"
    middle = "★" if own else office.replace("Sở ", "SỞ\n").replace(" và ", "\nVÀ ").upper()
    return {
        "ring": f"ỦY BAN NHÂN DÂN {kind} {province.upper()}",
        "middle": middle,
        "size": 34 if own else 6.5,
        "turn": number(rng, -18, 18),
        "dx": number(rng, -2, 2),
        "dy": number(rng, -2, 2),
    }


def lay_out(draft: Draft, look: Look, *, body_pages: int, annex_pages: int) -> Printed:
    """Return a draft on so many pages; if its least or most words do not fit them, on what they take."""
    blocks = _fitted(draft.blocks, look, body_pages)
    if annex_pages:
        # Laid out by itself: it begins on a page of its own.
        blocks = [*blocks, *_fitted(lambda count: draft.annex(1 + count), look, annex_pages)]
    return _set(blocks, look)


def _fitted(blocks: Callable[[int], list[Block]], look: Look, pages: int) -> list[Block]:
    """Return the blocks of a length that takes so many pages, the last of them nearly full."""
    taken = cache(lambda count: _pages(blocks(count), look))
    low, high = 0, min(_longest(blocks) + 1, FULLEST_PAGE * pages)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if taken(middle) > pages else (middle + 1, high)
    most = max(0, low - 1)
    fair = math.ceil(most * CLOSE_TO_FULL)
    return blocks(fair if taken(fair) == pages else most)


def _longest(blocks: Callable[[int], list[Block]]) -> int:
    """Return from which length on nothing is added any more."""
    count = 0
    while sum(len(b.parts) for b in blocks(count + 1)) > sum(len(b.parts) for b in blocks(count)):
        count += 1
    return count


def _pages(blocks: Sequence[Block], look: Look) -> int:
    return max(page for _, _, page in _places(blocks, look))


def _places(blocks: Sequence[Block], look: Look) -> list[tuple[int, int, int]]:
    """Return (block index, part index, page number) of every piece, in reading order."""
    found = json.loads(_compiler(blocks, look).query("<at>", field="value"))
    return sorted((block, part, page) for block, part, page in found)


def _set(blocks: Sequence[Block], look: Look) -> Printed:
    pages: dict[int, list[str]] = {}
    for block, part, page in _places(blocks, look):
        # The number of a page stands above it from the second on.
        pages.setdefault(page, [] if page == 1 else [str(page)]).append(blocks[block].parts[part])
    texts = tuple(unicodedata.normalize("NFC", "\n".join(pages[page])) for page in sorted(pages))
    pdf = _compiler(blocks, look).compile(format="pdf")
    assert isinstance(pdf, bytes)  # one file is asked for
    return Printed(texts, pdf)


def _compiler(blocks: Sequence[Block], look: Look) -> typst.Compiler:
    said = {
        "font": look.font,
        "size": look.size,
        "ink": look.ink,
        "signature": look.signature,
        "seal": look.seal,
        "columns": look.columns,
        "blocks": [{"kind": b.kind, "texts": b.texts, "rows": b.rows} for b in blocks],
    }
    return typst.Compiler(TEMPLATE, font_paths=_fonts(), sys_inputs={"paper": json.dumps(said)})


@cache
def _fonts() -> Any:
    """Return the machine's fonts, looked for once: it takes longer than a page."""
    return typst.Fonts()
