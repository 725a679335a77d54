"""Sets page numbers apart from the text they stand above or below."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ocr.engines.port import RawBlock, RawLine
from ocr.page import Box

MARGIN = 0.12  # share of the page's height at its top and its bottom
NUMBER = re.compile(r"^[-–—\s]*((trang|page)\s*)?\d{1,4}(\s*/\s*\d{1,4})?[-–—\s.]*$", re.IGNORECASE)


def with_margins(blocks: Sequence[RawBlock], *, height: int) -> tuple[RawBlock, ...]:
    """Return the blocks with each page number a block of kind `margin`, first or last on the page.

    height: of the page, in the boxes' pixels. Only a line above or below all others can be one, in the margin.
    """
    lines = [line for block in blocks for line in block.lines]
    if len(lines) < 2:
        return tuple(blocks)
    highest, lowest = min(lines, key=_top), max(lines, key=_foot)
    first = [highest] if _foot(highest) < MARGIN * height and _is_number(highest, lines) else []
    last = [lowest] if _top(lowest) > (1 - MARGIN) * height and _is_number(lowest, lines) else []
    found = []
    for block in blocks:
        kept = tuple(line for line in block.lines if not any(line is end for end in (*first, *last)))
        if len(kept) == len(block.lines):
            found.append(block)
        elif kept:
            found.append(replace(block, lines=kept, box=Box.around(line.box for line in kept)))
    return (*map(_margin, first), *found, *map(_margin, last))


def _margin(line: RawLine) -> RawBlock:
    return RawBlock("margin", (line,), line.box)


def _is_number(line: RawLine, lines: Sequence[RawLine]) -> bool:
    """Whether a line is a page's number, and none of these lines stands beside it."""
    if NUMBER.match(" ".join(word.text for word in line.words)) is None:
        return False
    return all(other is line or _foot(other) <= _top(line) or _top(other) >= _foot(line) for other in lines)


def _top(line: RawLine) -> int:
    return line.box.y


def _foot(line: RawLine) -> int:
    return line.box.y + line.box.height
