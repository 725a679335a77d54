"""The invisible text of a page: every word over its own box, in reading order, along the reader's lines.

Each word has a text matrix of its own that stretches its letters over its box: a word stays findable where it
stands on a turned or tilted page, and no reader has to guess spaces, for they are written.
"""

import unicodedata
from collections.abc import Iterable, Iterator

from ocr.page import Box, PageText, Word
from ocr.pdfa.frame import PageFrame
from ocr.pdfa.glyphless import ADVANCE, DESCENT, Lettering

FONT = "FInvisible"  # the font's name in each page's resources
# A control or half of a surrogate pair has no place in a text layer.
_UNWRITABLE = ("Cc", "Cs", "Cn")


def written(word: Word) -> str:
    """Return a word as it is laid down: NFC, without what can't be written."""
    return "".join(
        c for c in unicodedata.normalize("NFC", word.text) if unicodedata.category(c) not in _UNWRITABLE
    )


def letters_of(texts: Iterable[PageText | None]) -> set[str]:
    """Return every letter the layers of these pages need."""
    return {letter for text in texts if text is not None for word in text.words for letter in written(word)}


def layer(text: PageText, frame: PageFrame, lettering: Lettering) -> bytes:
    """Return the content stream of a page's invisible text; empty when nothing is written on it."""
    lines: list[str] = []
    for block in text.blocks:
        for line in block.lines:
            shown = list(_words(line.words, frame, lettering))
            if shown:
                lines += ["BT", f"/{FONT} 1 Tf", "3 Tr", *shown, "ET"]
    return ("q\n" + "\n".join(lines) + "\nQ\n").encode("ascii") if lines else b""


def _words(words: Iterable[Word], frame: PageFrame, lettering: Lettering) -> Iterator[str]:
    kept = [(word.box, letters) for word in words if (letters := written(word).strip())]
    for number, (box, letters) in enumerate(kept, start=1):
        after = " " if number < len(kept) else ""
        matrix = _matrix(box, len(letters), frame)
        yield f"{' '.join(map(number_text, matrix))} Tm <{lettering.hex_of(letters + after)}> Tj"


def _matrix(box: Box, letters: int, frame: PageFrame) -> tuple[float, float, float, float, float, float]:
    """Return the text matrix that fits so many letters of the glyphless font into a box."""
    x, y, width, height = box.x, box.y, max(1, box.width), max(1, box.height)
    # The word's lower left corner and its sides as the reader sees them, in stored pixels.
    start, along, up = (
        ((x, y + height), (width, 0), (0, -height)),
        ((x + width, y + height), (0, -height), (-width, 0)),
        ((x + width, y), (-width, 0), (0, height)),
        ((x, y), (0, height), (width, 0)),
    )[frame.text_turns]
    over = letters * ADVANCE / 1000
    right_x, right_y = frame.vector(*along)
    up_x, up_y = frame.vector(*up)
    base_x, base_y = frame.point(*start)
    lift = -DESCENT / 1000
    return (right_x / over, right_y / over, up_x, up_y, base_x + lift * up_x, base_y + lift * up_y)


def number_text(value: float) -> str:
    """Write a number for a content stream: four decimals at most."""
    shown = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown
