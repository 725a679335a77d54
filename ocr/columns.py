"""Puts the two columns of an administrative paper's header and closing into reading order.

The header has the agency at the left and the nation's name, motto and date at the right; the closing has the
recipients at the left and the signer at the right. Where the engine read them line by line across both, the
left column is put before the right one. Nothing else is moved: a table stays as it was read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.page import BlockKind, Box
from ocr.vietnamese import bare

NATION = ("CONG", "HOA", "XA")
RECIPIENTS = ("NOI", "NHAN")
RIGHT_FROM = 0.38  # of the page's width: no right column begins further left, but a centred line does
LEFT_UNTIL = 0.75  # nor does a left column end further right
CENTRED = 0.05  # of the page's width: a line whose middle is this near to the page's is in no column
GAP = 1.2  # of a line's height: a wider gap between words may part two columns
ABOVE = 1.5  # of the anchor's height: lines this far above it still belong to its columns


@dataclass(slots=True)
class _Columns:
    """What was found of two columns; low, high: the empty strip between them, narrowed line by line."""

    low: int
    high: int
    left: list[RawLine] = field(default_factory=list)
    right: list[RawLine] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)

    def part(self, line: RawLine, at: int) -> None:
        """Take a line: the words before `at` to the left, the others to the right."""
        for column, words in ((self.left, line.words[:at]), (self.right, line.words[at:])):
            if words:
                column.append(RawLine(words, Box.around(word.box for word in words)))
        self.taken.add(id(line))


@dataclass(frozen=True, slots=True)
class _Split:
    """A gap in a line: before which word, from where to where."""

    at: int
    low: int
    high: int


Find = Callable[[RawLine, int], _Columns | None]


def in_reading_order(blocks: Sequence[RawBlock], *, width: int) -> tuple[RawBlock, ...]:
    """Return the blocks with header and closing column by column, the header's as blocks of that kind.

    width: of the page, in the boxes' pixels.
    """
    blocks = _parted(blocks, _header, "header", width)
    blocks = _parted(blocks, _closing, "text", width)
    return tuple(blocks)


def _header(line: RawLine, width: int) -> _Columns | None:
    """Return the columns beside the nation's name, when that stands at the right."""
    folded = [_folded(word.text) for word in line.words]
    for at in range(len(folded) - len(NATION) + 1):
        if tuple(folded[at : at + len(NATION)]) == NATION:
            start = line.words[at].box.x
            before = [_end(word) for word in line.words[:at] if _is_said(word)]
            low = before[-1] if before else 0
            if low >= start or start < RIGHT_FROM * width:
                return None
            return _begun(line, _Split(at if before else 0, low, start))
    return None


def _closing(line: RawLine, width: int) -> _Columns | None:
    """Return the columns right of «Nơi nhận», as far as that line shows them."""
    if tuple(_folded(word.text) for word in line.words[:2]) != RECIPIENTS:
        return None
    whole = _Split(len(line.words), _end(line.words[-1]), round(LEFT_UNTIL * width))
    split = next(_splits(line), whole)
    return _begun(line, split) if split.low < split.high else None


def _begun(line: RawLine, split: _Split) -> _Columns:
    columns = _Columns(split.low, split.high)
    columns.part(line, split.at)
    return columns


def _parted(blocks: Sequence[RawBlock], find: Find, kind: BlockKind, width: int) -> Sequence[RawBlock]:
    """Return the blocks with the columns that `find` begins put one after the other, as blocks of a kind."""
    lines = [line for block in blocks for line in block.lines]
    found = ((line, columns) for line in lines if (columns := find(line, width)) is not None)
    anchor, columns = next(found, (None, None))
    if anchor is None or columns is None:
        return blocks
    top = _middle(anchor) - ABOVE * anchor.box.height
    for line in sorted(lines, key=_middle):
        if line is anchor or _middle(line) < top:
            continue
        if not _take(line, columns, width) and _middle(line) > _middle(anchor):
            break
    if not columns.left or not columns.right:
        return blocks
    columns.left.sort(key=_middle)
    columns.right.sort(key=_middle)
    return list(_rebuilt(blocks, columns, kind))


def _take(line: RawLine, columns: _Columns, width: int) -> bool:
    """Put a line, or its two halves, into the columns; False when it belongs to neither."""
    for split in _splits(line):
        low, high = max(columns.low, split.low), min(columns.high, split.high)
        if low < high and split.low <= columns.high and split.high >= columns.low:
            columns.low, columns.high = low, high
            columns.part(line, split.at)
            return True
    said = [word for word in line.words if _is_said(word)]
    if not said:
        return True  # a rule or a smudge: it stays where it is and ends nothing
    start, end = said[0].box.x, _end(said[-1])
    if abs((start + end) / 2 - width / 2) <= CENTRED * width:
        return False
    if start >= max(columns.low, RIGHT_FROM * width):
        columns.high = min(columns.high, start)
        columns.part(line, 0)
    elif end <= columns.high:
        columns.low = max(columns.low, end)
        columns.part(line, len(line.words))
    else:
        return False
    return True


def _rebuilt(blocks: Sequence[RawBlock], columns: _Columns, kind: BlockKind) -> Iterator[RawBlock]:
    """Yield the blocks with both columns, each one block, where the first of their lines was."""
    waiting = True
    for block in blocks:
        kept: list[RawLine] = []
        for line in block.lines:
            if id(line) not in columns.taken:
                kept.append(line)
            elif waiting:
                waiting = False
                yield from _block(block, kept)
                yield from _block(replace(block, kind=kind), columns.left)
                yield from _block(replace(block, kind=kind), columns.right)
                kept = []
        if len(kept) == len(block.lines):
            yield block
        else:
            yield from _block(block, kept)


def _block(of: RawBlock, lines: Sequence[RawLine]) -> Iterator[RawBlock]:
    if lines:
        yield RawBlock(of.kind, tuple(lines), Box.around(line.box for line in lines))


def _splits(line: RawLine) -> Iterator[_Split]:
    """Yield where words stand further apart than words of one text do, the widest gap first.

    What has no letter or digit (a rule under a heading, a smudge) fills no gap.
    """
    said = [at for at, word in enumerate(line.words) if _is_said(word)]
    gaps = [_Split(after, _end(line.words[before]), line.words[after].box.x) for before, after in pairwise(said)]
    height = sorted(word.box.height for word in line.words)[len(line.words) // 2]
    wide = [gap for gap in gaps if gap.high - gap.low >= GAP * height]
    yield from sorted(wide, key=lambda gap: gap.low - gap.high)


def _is_said(word: RawWord) -> bool:
    return any(letter.isalnum() for letter in word.text)


def _end(word: RawWord) -> int:
    return word.box.x + word.box.width


def _middle(line: RawLine) -> float:
    return line.box.y + line.box.height / 2


def _folded(text: str) -> str:
    """Return the letters of a word in capitals, without marks: reading loses tones."""
    return "".join(letter for letter in bare(text).upper() if letter.isalpha())
