"""Puts a page's letters together to words, lines and blocks, as the reader sees them.

The order is the writer's own, which programs that set text keep to; where it runs up the page again and again
(a file made from pieces) lines are put in rows from the top. Text that stands in another direction than most of
the page comes after it, and oblique letters (a seal's, a watermark's) last.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ocr.columns import in_reading_order
from ocr.engines.port import RawBlock, RawLine, RawReading, RawWord
from ocr.margins import with_margins
from ocr.native.letters import Edges, Letter, PageLetters
from ocr.page import Box

CONFIDENCE = 1.0  # of a word of a layer that is kept: it is what the file says
SAME_LINE = 0.5  # share of the lower word's height that two words of a line have in common
BACK = 0.5  # of a height: how far a word may begin before the end of the one before it
SAME_BLOCK = 1.0  # of a line's height: lines further apart are of two blocks
UPWARD = 0.2  # share of lines that stand above the one before, from which the writer's order is none


@dataclass(frozen=True, slots=True)
class NativeText:
    """The text of a page. reading: in pixels of the page made upright by quarter_turns, upright_px its size.

    unmapped: how many letters the file does not name. sorted_rows: the writer's order was not kept.
    """

    reading: RawReading
    quarter_turns: int
    upright_px: tuple[int, int]
    unmapped: int
    sorted_rows: bool

    @property
    def words(self) -> tuple[RawWord, ...]:
        """Every word, in reading order."""
        return tuple(word for block in self.reading.blocks for line in block.lines for word in line.words)


def text_of(found: PageLetters) -> NativeText:
    """Return the words of a page's letters in reading order; boxes are whole pixels around their letters."""
    all_letters = _with_their_ring(found.letters)
    counts = Counter(letter.turns for letter in all_letters if letter.turns is not None)
    turns = max(counts, key=lambda one: (counts[one], -one)) if counts else 0
    size = (found.width_px, found.height_px)
    blocks: list[RawBlock] = []
    resorted = False
    for way in sorted(counts, key=lambda one: one != turns):
        own = size if way % 2 == 0 else size[::-1]
        letters = [_turned_letter(letter, way, size) for letter in all_letters if letter.turns == way]
        lines = list(_lines(list(_words(letters))))
        if _runs_upward(lines):
            lines, resorted = list(_rows(lines)), True
        written = with_margins(in_reading_order(list(_blocks(lines)), width=own[0]), height=own[1])
        blocks += written if way == turns else [_moved(block, turns - way, own) for block in written]
    oblique = [_turned_letter(letter, turns, size) for letter in all_letters if letter.turns is None]
    if oblique:
        lines = list(_lines(list(_words(oblique))))
        blocks.append(RawBlock("other", tuple(lines), Box.around(line.box for line in lines)))
    upright = size if turns % 2 == 0 else size[::-1]
    unmapped = sum(letter.unmapped for letter in found.letters)
    return NativeText(RawReading(tuple(blocks)), turns, upright, unmapped, resorted)


def turned_edges(edges: Edges, turns: int, size: tuple[int, int]) -> Edges:
    """Return a rectangle of an image of a size (width, height) after clockwise quarter turns of the image."""
    left, top, right, bottom = edges
    for _ in range(turns % 4):
        left, top, right, bottom = size[1] - bottom, left, size[1] - top, right
        size = (size[1], size[0])
    return left, top, right, bottom


def turned_box(box: Box, turns: int, size: tuple[int, int]) -> Box:
    """Return a box of an image of a size (width, height) after clockwise quarter turns of the image."""
    edges = (box.x, box.y, box.x + box.width, box.y + box.height)
    left, top, right, bottom = (round(edge) for edge in turned_edges(edges, turns, size))
    return Box(left, top, right - left, bottom - top)


def _with_their_ring(letters: Sequence[Letter]) -> list[Letter]:
    """Return the letters; one between two oblique ones, on top of a seal's ring, is oblique as well."""
    around = zip((None, *letters), letters, (*letters[1:], None), strict=False)
    return [
        replace(letter, turns=None)
        if before is not None and after is not None and before.turns is None and after.turns is None
        else letter
        for before, letter, after in around
    ]


def _turned_letter(letter: Letter, turns: int, size: tuple[int, int]) -> Letter:
    edges = turned_edges(letter.edges, turns, size)
    return Letter(letter.text, edges, turns, letter.unmapped, letter.parted)


def _words(letters: Sequence[Letter]) -> Iterator[RawWord]:
    held: list[Letter] = []
    for letter in letters:
        if held and (letter.parted or _apart(held[-1].edges, letter.edges)):
            yield _word(held)
            held = []
        held.append(letter)
    if held:
        yield _word(held)


def _apart(one: Edges, other: Edges) -> bool:
    """Whether two letters can't be of one word: on other lines, or further apart than a letter is high."""
    height = max(1.0, one[3] - one[1])
    return abs(one[3] - other[3]) > height or not -2 * height < other[0] - one[2] < height


def _word(letters: Sequence[Letter]) -> RawWord:
    left, top = (math.floor(min(letter.edges[side] for letter in letters)) for side in (0, 1))
    right, bottom = (math.ceil(max(letter.edges[side] for letter in letters)) for side in (2, 3))
    text = "".join(letter.text for letter in letters)
    left, top = max(0, left), max(0, top)
    return RawWord(text, CONFIDENCE, Box(left, top, max(0, right - left), max(0, bottom - top)))


def _lines(words: Sequence[RawWord]) -> Iterator[RawLine]:
    held: list[RawWord] = []
    for word in words:
        if held and not _follows(held[-1].box, word.box):
            yield _line(held)
            held = []
        held.append(word)
    if held:
        yield _line(held)


def _follows(box: Box, after: Box) -> bool:
    common = min(box.y + box.height, after.y + after.height) - max(box.y, after.y)
    lower = max(1, min(box.height, after.height))
    return common >= SAME_LINE * lower and after.x >= box.x + box.width - BACK * lower


def _line(words: Sequence[RawWord]) -> RawLine:
    return RawLine(tuple(words), Box.around(word.box for word in words))


def _runs_upward(lines: Sequence[RawLine]) -> bool:
    """Whether too many lines stand above the one written before them, in the same column."""
    upward = sum(
        after.box.y + after.box.height <= before.box.y
        and after.box.x < before.box.x + before.box.width
        and before.box.x < after.box.x + after.box.width
        for before, after in pairwise(lines)
    )
    return upward > UPWARD * len(lines)


def _rows(lines: Sequence[RawLine]) -> Iterator[RawLine]:
    """Yield lines from the top, those beside each other as one."""
    held: list[RawWord] = []
    for line in sorted(lines, key=lambda one: one.box.y + one.box.height / 2):
        if held:
            row = Box.around(word.box for word in held)
            common = min(row.y + row.height, line.box.y + line.box.height) - max(row.y, line.box.y)
            if common < SAME_LINE * max(1, min(row.height, line.box.height)):
                yield _line(sorted(held, key=lambda word: word.box.x))
                held = []
        held += line.words
    if held:
        yield _line(sorted(held, key=lambda word: word.box.x))


def _blocks(lines: Sequence[RawLine]) -> Iterator[RawBlock]:
    held: list[RawLine] = []
    for line in lines:
        if held and not _continues(held[-1].box, line.box):
            yield _block(held)
            held = []
        held.append(line)
    if held:
        yield _block(held)


def _continues(box: Box, after: Box) -> bool:
    gap = after.y - (box.y + box.height)
    beside = after.x < box.x + box.width and box.x < after.x + after.width
    return beside and -box.height < gap <= SAME_BLOCK * box.height


def _block(lines: Sequence[RawLine]) -> RawBlock:
    return RawBlock("text", tuple(lines), Box.around(line.box for line in lines))


def _moved(block: RawBlock, turns: int, size: tuple[int, int]) -> RawBlock:
    lines = [
        _line([RawWord(w.text, w.confidence, turned_box(w.box, turns, size)) for w in line.words])
        for line in block.lines
    ]
    return RawBlock(block.kind, tuple(lines), Box.around(line.box for line in lines))
