"""Leaves out what the engine took for letters and is none: strokes of signatures, rules, specks, seal lettering.

Only on a page that is otherwise read with confidence; of a poor one every doubtful word is kept, for whoever has
to make it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.page import Box, mean_confidence

SURE_PAGE = 0.8  # mean confidence of a page from which its doubtful marks are noise
NOTHING = 0.3  # confidence below which a word is noise unless it is made of letters
LETTERED = 0.7  # share of letters and digits in a word: number 205/TTr-TNN has nine in eleven
LITTLE = 0.6  # and below which one of another size than the print around it is
TALL = 1.8  # times the height of the print: signatures
SPECKLE = set("_\\|`^~=<>«»¬¡¦⁄•*'\"“”‘’„&;:.,()[]{}/—–-")  # what strokes and specks are read as
POINTS = {*"-–—~:;.,…*+()[]&/=%", "./.", "/.", "..."}  # of these, what stands alone in print


def without_noise(blocks: Sequence[RawBlock]) -> tuple[tuple[RawBlock, ...], int]:
    """Return the blocks less what is no text, and how many words that were."""
    words = [word for block in blocks for line in block.lines for word in line.words]
    if mean_confidence(words) < SURE_PAGE:
        return tuple(blocks), 0
    heights = sorted(word.box.height for word in words if len(word.text) > 2)
    usual = heights[len(heights) // 2] if heights else 0
    kept = tuple(_kept(blocks, usual))
    left = sum(len(line.words) for block in kept for line in block.lines)
    return kept, len(words) - left


def _kept(blocks: Sequence[RawBlock], usual: int) -> Iterator[RawBlock]:
    for block in blocks:
        if block.kind == "table":
            yield block  # what is ruled in is no stray stroke
            continue
        lines = []
        for line in block.lines:
            words = tuple(w for at, w in enumerate(line.words) if not _is_noise(w, line.words, at, usual))
            if len(words) == len(line.words):
                lines.append(line)
            elif words:
                lines.append(RawLine(words, Box.around(word.box for word in words)))
        if lines:
            yield replace(block, lines=tuple(lines))


def _is_noise(word: RawWord, line: Sequence[RawWord], at: int, usual: int) -> bool:
    tall = word.box.height > TALL * usual
    if set(word.text) <= SPECKLE:
        if word.text not in POINTS or tall:
            return True
        # A dash or a point belongs to words; alone in its line or after the last one it is a speck.
        alone = not any(any(c.isalnum() for c in other.text) for other in line)
        return alone or (word.confidence < LITTLE and at == len(line) - 1 > 0)
    if word.confidence < LITTLE and tall:
        return True
    if word.confidence >= NOTHING:
        return False
    alone = len(line) == 1 and word.confidence < NOTHING / 2
    return alone or sum(letter.isalnum() for letter in word.text) < LETTERED * len(word.text)
