"""Tells a stamp by its words, whatever its ink: marks of receipt, of a copy, of urgency, of secrecy."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ocr.engines.port import RawBlock
from ocr.vietnamese import bare

# In capitals, tones and marks folded, spaces left out: two words of a stamp are often read as one.
ALONE = {"BANSAO", "KHAN", "THUONGKHAN", "HOATOC", "MAT", "TOIMAT", "TUYETMAT", "DATHU"}
BEGINNING, LETTERS_MOST = ("CONGVANDEN", "VANBANDEN", "SAOY", "SAOLUC", "TRICHSAO"), 16  # SAO Y BẢN CHÍNH has 12
WITH_NUMBER = {"DEN", "DI"}  # stamps only over a number or a date
NUMBERED = re.compile(r"^(SO|NGAY|CHUYEN)\b")
LINES_MOST = 6


def is_stamps(lines: Sequence[str]) -> bool:
    """Whether the first of some lines that stand together is what only a stamp says, in capitals."""
    if not 1 <= len(lines) <= LINES_MOST:
        return False
    first, *others = (_folded(line) for line in lines)
    if first != first.upper():
        return False
    joined = first.replace(" ", "")
    if joined in ALONE or (joined.startswith(BEGINNING) and len(joined) <= LETTERS_MOST):
        return True
    return joined in WITH_NUMBER and any(NUMBERED.match(line.upper()) for line in others)


def with_stamps(blocks: Sequence[RawBlock]) -> tuple[RawBlock, ...]:
    """Return the blocks, those of text that are a stamp's by their words of kind `stamp`."""
    return tuple(
        replace(block, kind="stamp")
        if block.kind == "text" and is_stamps([" ".join(w.text for w in line.words) for line in block.lines])
        else block
        for block in blocks
    )


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[^A-Za-z ]", " ", bare(text)).split())
