"""Sets page numbers apart from the text they stand above or below."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ocr.engines.port import RawBlock, RawLine
from ocr.page import Box

MARGIN = 0.12  # share of the page's height at its top and its bottom
NUMBER = re.compile(r"^[-–—\s]*((trang|page)\s*)?\d{1,4}(\s*/\s*\d{1,4})?[-–—\s.]*$", re.IGNORECASE)


def with_margins(blocks: Sequence[RawBlock], *, height: int) -> tuple[RawBlock, ...]:
    """Return the blocks with each page number a block of kind `margin`, where it was.

    height: of the page, in the boxes' pixels. Only the first and the last line can be one, in the page's margin.
    """
    lines = [line for block in blocks for line in block.lines]
    ends = [line for line in (*lines[:1], *lines[-1:]) if _is_number(line, height)]
    if not ends or len(lines) == 1:
        return tuple(blocks)
    found: list[RawBlock] = []
    for block in blocks:
        kept = tuple(line for line in block.lines if not any(line is end for end in ends))
        numbers = [
            RawBlock("margin", (line,), line.box) for line in block.lines if any(line is end for end in ends)
        ]
        above = [number for number in numbers if number.lines[0] is lines[0]]
        found += above
        if kept:
            whole = len(kept) == len(block.lines)
            found.append(block if whole else replace(block, lines=kept, box=Box.around(line.box for line in kept)))
        found += [number for number in numbers if number not in above]
    return tuple(found)


def _is_number(line: RawLine, height: int) -> bool:
    in_margin = line.box.y + line.box.height < MARGIN * height or line.box.y > (1 - MARGIN) * height
    return in_margin and NUMBER.match(" ".join(word.text for word in line.words)) is not None
