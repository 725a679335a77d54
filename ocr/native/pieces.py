"""Has the engine read pieces of a page: to compare with the page's own text, and to find print that it lacks."""

import difflib
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawReading, RawWord
from ocr.page import Box, mean_confidence
from ocr.reading import missed_lines, read_piece
from ocr.vietnamese import kind_of

PIECES = 3  # of a page's text that the engine reads to compare
PIECE_LETTERS = (24, 48)  # from which one is enough by itself, and most: more would only take time
SHORT_PIECES = 6  # compared as one where none is long, in a table
DOUBTED = 6  # doubted words that are looked at
GAP = 0.8  # of the height of words: a wider gap, or a rule of a table in it, parts two pieces
LEGIBLE_LETTERS = 3  # letters or digits from which a word that is no syllable or number is no stroke either
LEGIBLE = 0.6  # mean confidence from which what looks like a line of print is one


def agreement(
    reading: RawReading, page: PreparedPage, engine: OcrEngine, doubted: Sequence[RawWord] = ()
) -> float | None:
    """Return how like to the text the engine reads the least alike of a few pieces, 0-1; None if it reads none.

    The pieces are spread over the page's height; doubted words are compared each by itself. Likeness is of their
    letters, in any case and without spaces.
    """
    pieces = [
        piece for block in reading.blocks for line in block.lines for piece in _runs(line.words, _most(block))
    ]
    found = []
    alone: list[list[Sequence[RawWord]]] = [[[word]] for word in doubted[:DOUBTED]]
    for number, chosen in enumerate([*_spread(pieces), *alone]):
        said = written = ""
        for part, piece in enumerate(chosen):
            box = Box.around(word.box for word in piece)
            read = read_piece(page, box, f"check-{number}-{part}", engine, margin=_margin(box))
            said += _letters_of([word for block in read.blocks for line in block.lines for word in line.words])
            written += _letters_of(piece)
        if said:
            found.append(difflib.SequenceMatcher(None, said, written, autojunk=False).ratio())
    return min(found) if found else None


def legible_lines(blocks: Sequence[RawBlock], page: PreparedPage, engine: OcrEngine) -> int:
    """Return how many lines of print a page has where none of its words lie, those the engine can make out."""
    found = 0
    for number, box in enumerate(missed_lines(page, blocks)):
        read = read_piece(page, box, f"missed-{number}", engine, margin=_margin(box))
        words = [word for block in read.blocks for line in block.lines for word in line.words]
        found += mean_confidence(words) >= LEGIBLE and any(map(_is_legible, words))
    return found


def _margin(box: Box) -> int:
    return max(3, box.height // 6)


def _is_legible(word: RawWord) -> bool:
    letters = sum(c.isalnum() for c in word.text)
    return letters >= LEGIBLE_LETTERS or kind_of(word.text) in ("syllable", "number")


def _most(block: RawBlock) -> int:
    """Return how many letters a piece of a block may have; none of oblique lettering."""
    return PIECE_LETTERS[1] if block.kind == "text" else 0


def _runs(words: Sequence[RawWord], most: int) -> Iterator[list[RawWord]]:
    """Yield pieces of a line without a wide gap in them."""
    held: list[RawWord] = []
    for word in words:
        wide = held and word.box.x - (held[-1].box.x + held[-1].box.width) > GAP * word.box.height
        if wide or sum(len(one.text) for one in (*held, word)) > most:
            yield held
            held = []
        held.append(word)
    yield held


def _spread(pieces: Sequence[Sequence[RawWord]]) -> Iterator[list[Sequence[RawWord]]]:
    """Yield what is compared as one: of each part of the page's height the longest piece.

    Where none is long, as in a table, the longest of the page together.
    """
    rows = sorted((piece for piece in pieces if _length(piece) >= PIECE_LETTERS[0]), key=lambda one: one[0].box.y)
    if rows:
        for part in np.array_split(np.arange(len(rows)), PIECES):
            if len(part):
                yield [max((rows[at] for at in part), key=_length)]
        return
    short = sorted((piece for piece in pieces if piece), key=_length, reverse=True)
    if short:
        yield list(short[:SHORT_PIECES])


def _length(piece: Sequence[RawWord]) -> int:
    return sum(len(word.text) for word in piece)


def _letters_of(words: Sequence[RawWord]) -> str:
    return unicodedata.normalize("NFC", "".join(word.text for word in words)).lower()
