"""Marks running lines: what stands in the upper or lower margin of page after page of one document.

They are told by coming again, so a document's pages are looked at together, after each was read by itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ocr.page import Block, Box, Line, PageText
from ocr.vietnamese import bare

MARGIN = 0.10  # share of the page's height at its top and its bottom
NEAR = 0.015  # of the page's height: a running line stands this near to where it stood on other pages
PAGES_LEAST, SHARE = 3, 0.4  # pages on which it comes, and their share: it may come on every other page
LETTERS_LEAST = 3  # letters and digits; a number alone is the page's


def with_running_lines(pages: Sequence[PageText]) -> list[PageText]:
    """Return the pages of one document that were read, in order, running lines as blocks of kind `margin`.

    Numbers in a running line may differ from page to page.
    """
    places: dict[str, list[float]] = {}
    for page in pages:
        for key, height in {_key(line): _height_of(line, page) for line in _in_margins(page)}.items():
            places.setdefault(key, []).append(height)
    least = max(PAGES_LEAST, SHARE * sum(not page.is_blank for page in pages))

    def runs(line: Line, page: PageText) -> bool:
        height = _height_of(line, page)
        return sum(abs(there - height) <= NEAR for there in places[_key(line)]) >= least

    return [_marked(page, [line for line in _in_margins(page) if runs(line, page)]) for page in pages]


def _in_margins(page: PageText) -> Iterator[Line]:
    for block in page.blocks:
        if block.kind == "text":
            for line in block.lines:
                if not MARGIN < _height_of(line, page) < 1 - MARGIN and len(_key(line)) >= LETTERS_LEAST:
                    yield line


def _height_of(line: Line, page: PageText) -> float:
    """Return where a line stands on the upright page, 0 at its top and 1 at its foot."""
    across = (line.box.x + line.box.width / 2) / page.width_px
    down = (line.box.y + line.box.height / 2) / page.height_px
    return (down, across, 1 - down, 1 - across)[page.quarter_turns]


def _key(line: Line) -> str:
    """Return what of a running line is the same on every page: its letters without marks, # for each number."""
    text = bare("".join(word.text for word in line.words)).casefold()
    return re.sub(r"\d+", "#", "".join(letter for letter in text if letter.isalnum()))


def _marked(page: PageText, running: Sequence[Line]) -> PageText:
    """Return a page with some lines of its text as blocks of their own, where they were."""
    if not running:
        return page
    blocks: list[Block] = []
    for block in page.blocks:
        for runs, lines in groupby(block.lines, key=lambda line: any(line is one for one in running)):
            part = tuple(lines)
            whole = len(part) == len(block.lines)
            box = block.box if whole else Box.around(line.box for line in part)
            blocks.append(Block("margin" if runs else block.kind, part, box))
    return replace(page, blocks=tuple(blocks))
