"""Looks once more at the pixels of words whose letters the engine can't tell apart, and says what they show.

Its model has no raised digits, reads m² and a plain m2 alike, counts the strokes of Roman numerals wrongly, most
of all in the cells of a table, joins a number and its unit, and is sure of chỉ where chi is printed. These are
matters of places, counts and sizes, not of likeness: a raised digit ends above its letter's foot, a numeral has as
many strokes as are seen, a gap is as wide as it is, a dot is smaller than a hook. Where the pixels do not say
clearly, the engine's reading stays; what is said instead is beside it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.page import Box
from ocr.pixels import Pixels

Mask = npt.NDArray[np.bool_]
PALEST = 190  # grey level of the palest ink; the paper is white
METRES = re.compile(r"^(\W*)([kcdm]?m)([23])(?=\W|$)")
RAISED = {"2": "²", "3": "³"}
BESIDE = 0.5  # of a letter's height: what is looked at of the digit beside it
TOUCHING = 0.22  # and of the width of both where they touch
WIDE = 1.1  # times its height, an m's width; of a k, a bracket or a digit less
FOOT = 0.25  # of a letter's height: a raised digit ends this far above its foot
JOINED = re.compile(r"^(\W?\d[\d.,]*)(mm|cm|dm|m|km|kg|g|ha|kV|kW|MW|tấn)(\W?)$")
GAP = 0.28  # of a digit's height, from which a gap is a space between words: letters stand nearer
STROKES = re.compile(r"^[IHl1|]{1,3}$")
NUMERAL, TAKEN_FOR_ONE = re.compile(r"^[IVX]{1,5}$"), re.compile(r"^(?:H|IH|HI)$")
COLUMN_LEAST, COLUMN_SHARE = 3, 0.6  # numerals, and their share of a column's words, that make it one of them
HOOKED, DOTTED = "ỉ", "i"
DOT = 0.073  # spread of a dot's ink across and down, of its letter's stem: Times' hooks from 0.077, dots to 0.073
PAPER = 20  # grey levels that paper may differ from white
HEIGHTS = ((0.25, 0.4), (0.6, 0.75))  # of a letter, where strokes are counted: above and below the bar of an H


def looked_closer(blocks: Sequence[RawBlock], grey: Pixels) -> tuple[RawBlock, ...]:
    """Return the blocks with what a closer look at the level page shows of some words beside them."""
    return tuple(_of_block(block, grey) for block in blocks)


def _of_block(block: RawBlock, grey: Pixels) -> RawBlock:
    all_words = [word for line in block.lines for word in line.words]
    lines = []
    for line in block.lines:
        words: list[RawWord] = []
        for word in line.words:
            if block.kind == "table" and STROKES.match(word.text) and _in_column_of_numerals(word, all_words):
                word = _counted(word, grey)
            words += _of_word(word, grey)
        lines.append(RawLine(tuple(words), line.box))
    return replace(block, lines=tuple(lines))


def _of_word(word: RawWord, grey: Pixels) -> Iterator[RawWord]:
    if METRES.match(word.text):
        yield _raised(word, grey)
    elif found := JOINED.match(word.text):
        yield from _apart(word, len(found[1]), grey)
    elif word.text.count(HOOKED) == 1:
        yield _dotted(word, grey)
    else:
        yield word


def _raised(word: RawWord, grey: Pixels) -> RawWord:
    """Return a word of square or cubic metres with its digit as it is printed."""
    before, unit, digit = METRES.match(word.text).groups()  # type: ignore[union-attr] # it was matched before
    at = len(before) + len(unit)
    letter = next((mark for mark in _marks(grey, word.box)[:at] if mark.width > WIDE * mark.height), None)
    if letter is None:
        return word  # the letter before the digit is an m, the only wide one
    foot, end = letter.y + letter.height, word.box.x + word.box.width
    past, ink = letter.x + letter.width, _ink(grey, word.box)
    for left, right in (
        (past + 1, past + 1 + round(BESIDE * letter.height)),
        (past - round(TOUCHING * letter.width), past),
    ):
        strip = ink[: foot - word.box.y, left - word.box.x : min(right, end) - word.box.x]
        inked = np.flatnonzero(strip.any(axis=1)) + word.box.y
        if len(inked):
            raised = foot - 1 - inked[-1] >= FOOT * letter.height and inked[-1] - inked[0] >= 0.4 * letter.height
            return replace(word, seen=word.text[:at] + RAISED[digit] + word.text[at + 1 :]) if raised else word
    return word


def _dotted(word: RawWord, grey: Pixels) -> RawWord:
    """Return a word with i for ỉ where what is above the stem is as small as a dot."""
    marks = _marks(grey, word.box)
    if len(marks) != len(word.text):
        return word  # some letters touch: which one it is can't be told
    letter = marks[word.text.index(HOOKED)]
    rows = np.flatnonzero(_ink(grey, letter).any(axis=1))
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    if len(runs) < 2:
        return word
    above, stem = runs[-2] + letter.y, len(runs[-1])
    part = grey[max(0, above[0] - 1) : above[-1] + 2, max(0, letter.x - 2) : letter.x + letter.width + 2]
    ink = np.clip(255.0 - PAPER - part, 0, None)
    spreads = [_spread(ink.sum(axis=axis)) / stem for axis in (0, 1)]
    return replace(word, seen=word.text.replace(HOOKED, DOTTED)) if max(spreads) <= DOT else word


def _spread(ink: npt.NDArray[np.float64]) -> float:
    """Return the standard deviation of where ink lies along a line, in pixels."""
    at, total = np.arange(len(ink)), max(1e-9, float(ink.sum()))
    return float(np.sqrt((ink * (at - (ink * at).sum() / total) ** 2).sum() / total))


def _apart(word: RawWord, at: int, grey: Pixels) -> Iterator[RawWord]:
    """Yield a number and its unit, as two words where a space stands between them."""
    marks = _marks(grey, word.box)
    tall = max((mark.height for mark in marks), default=0)
    digits = [mark for mark in marks[:at] if mark.height > 0.6 * tall]
    if len(marks) <= at or not digits:
        yield word
        return
    last, first = marks[at - 1], marks[at]
    gap = first.x - (last.x + last.width)
    if gap < GAP * digits[0].height:
        yield word
        return
    middle = last.x + last.width + gap // 2
    left = Box(word.box.x, word.box.y, middle - word.box.x, word.box.height)
    right = Box(middle, word.box.y, word.box.x + word.box.width - middle, word.box.height)
    yield RawWord(word.text[:at], word.confidence, left)
    yield RawWord(word.text[at:], word.confidence, right)


def _in_column_of_numerals(word: RawWord, words: Sequence[RawWord]) -> bool:
    left, right = word.box.x, word.box.x + word.box.width
    column = [other for other in words if other.box.x < right and left < other.box.x + other.box.width]
    plain = sum(NUMERAL.match(other.text) is not None for other in column)
    all_of_them = plain + sum(TAKEN_FOR_ONE.match(other.text) is not None for other in column)
    return plain > 0 and all_of_them >= max(COLUMN_LEAST, COLUMN_SHARE * len(column))


def _counted(word: RawWord, grey: Pixels) -> RawWord:
    """Return a Roman numeral of strokes with as many as are seen, where two looks see the same."""
    aside = word.box.height  # the engine's box may hold but some of the strokes
    left = max(0, word.box.x - aside)
    ink = _ink(grey, Box(left, word.box.y, word.box.x + word.box.width + aside - left, word.box.height))
    counts = {
        _runs(ink[round(top * len(ink)) : max(round(top * len(ink)) + 1, round(bottom * len(ink)))])
        for top, bottom in HEIGHTS
    }
    if len(counts) != 1 or not 1 <= (count := counts.pop()) <= 3 or "I" * count == word.text:
        return word
    return replace(word, seen="I" * count)


def _runs(rows: Mask) -> int:
    """Return how many strokes cross some rows of pixels."""
    return int((np.diff(rows.any(axis=0).astype(np.int8), prepend=0) == 1).sum())


def _ink(grey: Pixels, box: Box) -> Mask:
    """Return which pixels of a box of the page are ink: darker than half between the darkest and white paper."""
    part = grey[box.y : box.y + box.height, box.x : box.x + box.width]
    return part < min(PALEST, (int(part.min(initial=255)) + 255) // 2)


def _marks(grey: Pixels, box: Box) -> list[Box]:
    """Return the boxes of the letters in a box of the page, left to right: what a column of paper lies between.

    One column alone is none: thin strokes break there.
    """
    ink = _ink(grey, box)
    columns = np.flatnonzero(ink.any(axis=0))
    found = []
    for run in np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1):
        if len(run):
            rows = np.flatnonzero(ink[:, run[0] : run[-1] + 1].any(axis=1))
            mark = Box(int(run[0]), int(rows[0]), int(run[-1] - run[0]) + 1, int(rows[-1] - rows[0]) + 1)
            found.append(mark.moved(box.x, box.y))
    return found
