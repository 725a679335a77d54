"""Reads all of one prepared page: its tables cell by cell, the rest as a page, and the lines that this missed.

Layout analysis now and then takes a line beside a signature or a rule for part of a picture. What looks like a
line of print and has no word on it is therefore read once more by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawReading, RawWord
from ocr.errors import PageUndecodable
from ocr.leaders import without_leaders
from ocr.page import Box, mean_confidence
from ocr.pixels import Pixels
from ocr.tables import find_tables, read_table, without_tables

DARK = 190  # grey level of ink on the halved page; the paper is white
LINE_MM = (1.6, 6.5)  # heights of a line of print, marks and all
PIECE_MM = 7.0  # the largest letter or stroke of one; rules, drawings and signatures are larger
SHORTEST_MM = 6.0  # of a line that is looked for
NUMBER_MM = 1.0  # of a page number, which may be one digit
MARGIN = 0.12  # share of the page's height at its top and bottom in which page numbers stand
JOIN_MM = 4.0  # words nearer than this are one line
FILLED = (0.06, 0.55)  # share of ink in a line of print
WRITTEN = 0.1  # share of it that a word may cover: more, and it is a remainder of that word
SURE = 0.6  # mean confidence from which what was read there is taken
SURE_NUMBER = 0.85  # and from which a number by itself is: a wrong page number is worse than none
SAME_LINE = 0.6  # share of a piece's height within a line's, from which it is part of that line
FRAME_PX = 8  # of white around a piece that is read by itself
STRIPE_PX = 2048  # rows looked at together: labels of a large sheet's pixels take four bytes each
MOST = 8  # lines read once more on one page, the largest first


def read_prepared(page: PreparedPage, engine: OcrEngine) -> RawReading:
    """Return the words of a prepared page, boxes in its pixels. Raises what the engine raises."""
    tables = find_tables(page.image, dpi=page.dpi)
    read = [(table, read_table(page, table, number, engine)) for number, table in enumerate(tables)]
    whole = without_leaders(without_tables(page, [table for table, block in read if block is not None]))
    blocks = list(engine.read(whole).blocks)
    for number, region in enumerate(missed_lines(whole, blocks)):
        for line in _read_line(whole, region, number, engine):
            _insert_line(blocks, line)
    for _, block in read:
        if block is not None:
            _insert(blocks, block)
    return RawReading(tuple(blocks))


def missed_lines(page: PreparedPage, blocks: Sequence[RawBlock]) -> list[Box]:
    """Return where a page has what looks like a line of print but no word, largest first."""
    ink = _halved(page.image)
    px_mm = page.dpi / 2 / 25.4
    for word in _words(blocks):
        x, y = max(0, word.box.x // 2 - 1), max(0, word.box.y // 2 - 1)
        ink[y : (word.box.y + word.box.height) // 2 + 2, x : (word.box.x + word.box.width) // 2 + 2] = 0
    for top in range(0, len(ink), STRIPE_PX):
        _keep_letters(ink[top : top + STRIPE_PX], px_mm)
    reach = round(JOIN_MM * px_mm)
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((max(1, round(0.4 * px_mm)), reach), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    lines = []
    for x, y, width, height, _ in (tuple(int(edge) for edge in box) for box in found[1:]):
        in_margin = y + height < MARGIN * len(ink) or y > (1 - MARGIN) * len(ink)
        shortest = (NUMBER_MM if in_margin else SHORTEST_MM) * px_mm
        if width < shortest or not LINE_MM[0] * px_mm <= height <= LINE_MM[1] * px_mm:
            continue
        region = Box(2 * x, 2 * y, 2 * width, 2 * height)
        filled = float(ink[y : y + height, x : x + width].mean())
        if FILLED[0] <= filled <= FILLED[1] and not any(_shared(region, w.box) > WRITTEN for w in _words(blocks)):
            lines.append(region)
    return sorted(lines, key=lambda box: -box.width)[:MOST]


def _halved(grey: Pixels) -> Pixels:
    """Return a mask of the ink at half the size: enough to see where lines are, in a quarter of the time."""
    height, width = grey.shape
    size = max(1, width // 2), max(1, height // 2)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA) < DARK, np.uint8)


def _keep_letters(ink: Pixels, px_mm: float) -> None:
    """Wipe off what is larger than a letter, or no more than a speck."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    large = (boxes[:, 2] > PIECE_MM * px_mm) | (boxes[:, 3] > PIECE_MM * px_mm)
    small = (boxes[:, 2] < 2) & (boxes[:, 3] < 2)
    ink[(large | small)[labels]] = 0


def read_piece(page: PreparedPage, box: Box, name: str, engine: OcrEngine, *, margin: int) -> RawReading:
    """Return what the engine reads in a box of a page and a margin of pixels around it, boxes on the page.

    name: of the piece, under which a recorded reading is found. A piece that the engine refuses has no words: it
    is no reason to lose the page.
    """
    top, left = max(0, box.y - margin), max(0, box.x - margin)
    cut = page.image[top : box.y + box.height + margin, left : box.x + box.width + margin]
    framed = cv2.copyMakeBorder(cut, FRAME_PX, FRAME_PX, FRAME_PX, FRAME_PX, cv2.BORDER_CONSTANT, value=255)
    image: Pixels = np.ascontiguousarray(framed)
    try:
        read = engine.read(PreparedPage(image, page.dpi, f"{page.source_sha256}-{name}", "block"))
    except PageUndecodable:
        return RawReading(())
    return RawReading(tuple(_moved(block, left - FRAME_PX, top - FRAME_PX) for block in read.blocks))


def _moved(block: RawBlock, across: int, down: int) -> RawBlock:
    lines = tuple(
        RawLine(
            tuple(replace(word, box=word.box.moved(across, down)) for word in line.words),
            line.box.moved(across, down),
        )
        for line in block.lines
    )
    return RawBlock(block.kind, lines, block.box.moved(across, down))


def _read_line(page: PreparedPage, region: Box, number: int, engine: OcrEngine) -> Iterator[RawLine]:
    short = region.width < SHORTEST_MM * page.dpi / 25.4
    margin = max(4, region.height // 3)
    for block in read_piece(page, region, f"line-{number}", engine, margin=margin).blocks:
        for line in block.lines:
            said, sure = "".join(word.text for word in line.words), mean_confidence(line.words)
            if (said.isdigit() and sure >= SURE_NUMBER) or (not short and len(said) > 1 and sure >= SURE):
                yield RawLine(line.words, Box.around(word.box for word in line.words))


def _insert_line(blocks: list[RawBlock], line: RawLine) -> None:
    """Put words into the line that they are part of; else after the line above, into its block; else by height."""
    for at, block in enumerate(blocks):
        for row, other in enumerate(block.lines):
            if _continues(other.box, line.box):
                words = tuple(sorted((*other.words, *line.words), key=lambda word: word.box.x))
                whole = RawLine(words, Box.around((other.box, line.box)))
                blocks[at] = replace(block, lines=(*block.lines[:row], whole, *block.lines[row + 1 :]))
                return
    above = [
        (other.box.y + other.box.height, at, row)
        for at, block in enumerate(blocks)
        for row, other in enumerate(block.lines)
        if _beside(other.box, line.box) and _middle(other.box) < _middle(line.box)
    ]
    if not above:
        _insert(blocks, RawBlock("text", (line,), line.box))
        return
    _, at, row = max(above)
    block = blocks[at]
    lines = (*block.lines[: row + 1], line, *block.lines[row + 1 :])
    blocks[at] = RawBlock(block.kind, lines, Box.around((block.box, line.box)))


def _continues(line: Box, piece: Box) -> bool:
    """Whether a piece stands in a line or at one of its ends, as near as words of one line are."""
    down = min(line.y + line.height, piece.y + piece.height) - max(line.y, piece.y)
    apart = max(line.x, piece.x) - min(line.x + line.width, piece.x + piece.width)
    return down >= SAME_LINE * piece.height and apart <= 2 * piece.height


def _insert(blocks: list[RawBlock], block: RawBlock) -> None:
    blocks.insert(place_for(block.box, [other.box for other in blocks]), block)


def place_for(box: Box, others: Sequence[Box]) -> int:
    """Return where in an order something comes: before the first that begins below its middle, under it.

    Boxes are of an upright page.
    """
    below = (at for at, other in enumerate(others) if other.y >= _middle(box) and _beside(other, box))
    return next(below, len(others))


def _words(blocks: Sequence[RawBlock]) -> Iterator[RawWord]:
    return (word for block in blocks for line in block.lines for word in line.words)


def _beside(one: Box, other: Box) -> bool:
    """Whether two boxes share part of the page's width: one stands above the other."""
    return one.x < other.x + other.width and other.x < one.x + one.width


def _shared(region: Box, word: Box) -> float:
    """Return the share of a region that a word covers."""
    across = min(region.x + region.width, word.x + word.width) - max(region.x, word.x)
    down = min(region.y + region.height, word.y + word.height) - max(region.y, word.y)
    return max(0, across) * max(0, down) / (region.width * region.height)


def _middle(box: Box) -> float:
    return box.y + box.height / 2
