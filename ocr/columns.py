"""Puts the two columns of an administrative paper's header and closing into reading order.

The header has the agency at the left and the nation's name, motto and date at the right; the closing has the
recipients at the left and the signer at the right. Where the engine read them line by line across both, the
left column is put before the right one. Nothing else is moved: a table stays as it was read.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.page import Box

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

    low: float
    high: float
    left: list[RawLine] = field(default_factory=list)
    right: list[RawLine] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)


Find = Callable[[RawLine, int], _Columns | None]


def in_reading_order(blocks: Sequence[RawBlock], *, width: int) -> tuple[RawBlock, ...]:
    """Return the blocks with header and closing column by column. width: of the page, in the boxes' pixels."""
    for find in (_header, _closing):
        blocks = _parted(blocks, find, width)
    return tuple(blocks)


def _header(line: RawLine, width: int) -> _Columns | None:
    """Return the strip left of the nation's name, when that stands at the right."""
    folded = [_folded(word.text) for word in line.words]
    for at in range(len(folded) - len(NATION) + 1):
        if tuple(folded[at : at + len(NATION)]) == NATION:
            start = line.words[at].box.x
            low = _end(line.words[at - 1]) if at else 0
            return _Columns(low, start) if low < start and start >= RIGHT_FROM * width else None
    return None


def _closing(line: RawLine, width: int) -> _Columns | None:
    """Return the strip right of «Nơi nhận», as far as that line shows it."""
    if tuple(_folded(word.text) for word in line.words[:2]) != RECIPIENTS:
        return None
    split = next(_gaps(line), len(line.words))
    low = _end(line.words[split - 1])
    high = line.words[split].box.x if split < len(line.words) else LEFT_UNTIL * width
    return _Columns(low, high) if low < high else None


def _parted(blocks: Sequence[RawBlock], find: Find, width: int) -> Sequence[RawBlock]:
    """Return the blocks with the columns that `find` anchors put one after the other."""
    lines = [line for block in blocks for line in block.lines]
    anchors = ((line, columns) for line in lines if (columns := find(line, width)) is not None)
    anchor, columns = next(anchors, (None, None))
    if anchor is None or columns is None:
        return blocks
    top = _middle(anchor) - ABOVE * anchor.box.height
    for line in sorted(lines, key=_middle):
        if _middle(line) >= top and not _take(line, columns, width) and _middle(line) > _middle(anchor):
            break
    if not columns.left or not columns.right:
        return blocks
    return list(_rebuilt(blocks, columns))


def _take(line: RawLine, columns: _Columns, width: int) -> bool:
    """Put a line, or its two halves, into the columns; False when it belongs to neither."""
    for split in _gaps(line):
        low, high = max(columns.low, _end(line.words[split - 1])), min(columns.high, line.words[split].box.x)
        if low < high and _end(line.words[split - 1]) <= columns.high and line.words[split].box.x >= columns.low:
            columns.low, columns.high = low, high
            columns.left.append(_piece(line.words[:split]))
            columns.right.append(_piece(line.words[split:]))
            columns.taken.add(id(line))
            return True
    start, end = line.words[0].box.x, _end(line.words[-1])
    if abs((start + end) / 2 - width / 2) <= CENTRED * width:
        return False
    if start >= max(columns.low, RIGHT_FROM * width):
        columns.high = min(columns.high, start)
        columns.right.append(line)
    elif end <= columns.high:
        columns.low = max(columns.low, end)
        columns.left.append(line)
    else:
        return False
    columns.taken.add(id(line))
    return True


def _rebuilt(blocks: Sequence[RawBlock], columns: _Columns) -> Iterator[RawBlock]:
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
                yield from _block(block, columns.left)
                yield from _block(block, columns.right)
                kept = []
        if len(kept) == len(block.lines):
            yield block
        else:
            yield from _block(block, kept)


def _block(of: RawBlock, lines: Sequence[RawLine]) -> Iterator[RawBlock]:
    if lines:
        yield RawBlock(of.kind, tuple(lines), _around([line.box for line in lines]))


def _gaps(line: RawLine) -> Iterator[int]:
    """Yield where words stand further apart than words of one text do, the widest gap first."""
    spaces = [
        (after.box.x - _end(before), at)
        for at, (before, after) in enumerate(zip(line.words, line.words[1:], strict=False), start=1)
    ]
    height = sorted(word.box.height for word in line.words)[len(line.words) // 2]
    yield from (at for space, at in sorted(spaces, reverse=True) if space >= GAP * height)


def _piece(words: tuple[RawWord, ...]) -> RawLine:
    return RawLine(words, _around([word.box for word in words]))


def _end(word: RawWord) -> int:
    return word.box.x + word.box.width


def _middle(line: RawLine) -> float:
    return line.box.y + line.box.height / 2


def _around(boxes: Sequence[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _folded(text: str) -> str:
    """Return the letters of a word in capitals, without marks: reading loses tones."""
    plain = unicodedata.normalize("NFD", text.upper().replace("Đ", "D"))
    return "".join(letter for letter in plain if letter.isalpha())
