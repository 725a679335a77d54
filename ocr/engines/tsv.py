"""Reads the table Tesseract writes (TSV), the same from its library and from its program."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ocr.engines.port import RawBlock, RawLine, RawReading, RawWord
from ocr.page import Box

COLUMNS = 12  # level page block paragraph line word left top width height confidence text
BLOCK, LINE, WORD = 2, 4, 5


@dataclass(slots=True)
class _OpenLine:
    box: Box
    words: list[RawWord] = field(default_factory=list)


@dataclass(slots=True)
class _OpenBlock:
    box: Box
    lines: list[_OpenLine] = field(default_factory=list)


def reading_of_table(table: str) -> RawReading:
    """Return the blocks of a TSV table, with or without its head line; words without text are left out.

    Rules, pictures and empty regions come as words of white space: they are no words, and lines and blocks
    that hold nothing else are left out too.
    """
    blocks: list[_OpenBlock] = []
    for level, box, confidence, text in _rows(table):
        if level == BLOCK:
            blocks.append(_OpenBlock(box))
        elif level == LINE and blocks:
            blocks[-1].lines.append(_OpenLine(box))
        elif level == WORD and text and blocks and blocks[-1].lines:
            blocks[-1].lines[-1].words.append(RawWord(text, confidence, box))
    return RawReading(tuple(_closed(blocks)))


def _rows(table: str) -> Iterator[tuple[int, Box, float, str]]:
    # Only the newline ends a row: str.splitlines would also cut at the rarer separators a word may hold.
    for row in table.split("\n"):
        columns = row.split("\t")
        if len(columns) < COLUMNS - 1 or not columns[0].isdigit():
            continue
        left, top, width, height = (int(number) for number in columns[6:10])
        confidence = float(columns[10])
        confidence = 0.0 if math.isnan(confidence) else min(1.0, max(0.0, confidence / 100))
        yield int(columns[0]), Box(left, top, width, height), confidence, "\t".join(columns[11:]).strip()


def _closed(blocks: list[_OpenBlock]) -> Iterator[RawBlock]:
    for block in blocks:
        lines = tuple(RawLine(tuple(line.words), line.box) for line in block.lines if line.words)
        if lines:
            yield RawBlock("text", lines, block.box)
