"""Finds the ruled tables of a level page and reads them cell by cell.

Read as part of the page, the lines of neighbouring cells run into each other wherever one cell has more of them
than the next, and the rules are taken for letters. So the cells are cut out between their rules and laid one
below the other into an image of their own, which is read as one block; each word goes back to its cell.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import cv2
import numpy as np

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawReading, RawWord
from ocr.errors import PageUndecodable
from ocr.page import Box
from ocr.pixels import Pixels

DARK = 170  # grey level of ink; the paper is white
RULE_DARK = 210  # and of a rule: thin ones are pale, most of all at 150 dpi
DARK_HALVED = 215  # and of a rule on the halved page: a thin one lies on half a pixel
ACROSS_MM, DOWN_MM = 12.0, 6.0  # the shortest rules: no stroke of a letter is as long
TABLE_MM = (25.0, 8.0)  # the smallest table
GAP_MM = 3.0  # rules that end nearer to each other than this belong to one table
RULED = 0.6  # share of a cell's side that is ruled where two cells are apart
GUTTER_PX = 12  # of white around each cell in the image that is read
ENLARGED = 1.3  # for reading: what stands alone in a cell is short, and read better when it is larger
MOST_PX = 8000  # height of one such image: the engine takes 32,767, and a long one costs memory
INKED_PX = 6  # dark pixels from which there is something in a cell


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table in pixels of the page: its cells row by row, each what lies between its rules."""

    box: Box
    cells: tuple[Box, ...]


def find_tables(grey: Pixels, *, dpi: float) -> tuple[Table, ...]:
    """Return the ruled tables of a level page that is dark on white, top to bottom.

    A frame without rules inside is none, nor is one whose rules are too broken to tell its cells by.
    """
    px_mm = dpi / 25.4
    if not _may_have_rules(grey, px_mm):
        return ()
    dark = np.asarray(grey < RULE_DARK, np.uint8)
    down = _rules(dark.T, round(DOWN_MM * px_mm)).T
    if not down.any():
        return ()
    across = _rules(dark, round(ACROSS_MM * px_mm))
    gap = max(3, round(GAP_MM * px_mm))
    joined = cv2.morphologyEx(cv2.bitwise_or(across, down), cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for number in range(1, count):
        box = Box(*(int(edge) for edge in boxes[number][:4]))
        if box.width < TABLE_MM[0] * px_mm or box.height < TABLE_MM[1] * px_mm:
            continue
        cells = _cells(_cut(across, box), _cut(down, box))
        if len(cells) >= 3:
            found.append(Table(box, tuple(cell.moved(box.x, box.y) for cell in cells)))
    outer = (table for table in found if not any(_holds(other, table) for other in found))
    return tuple(sorted(outer, key=lambda table: table.box.y))


def read_table(page: PreparedPage, table: Table, number: int, engine: OcrEngine) -> RawBlock | None:
    """Return a table's words, a line for each row, cell by cell; None when nothing was read in it.

    number: of the table on its page, from 0. Raises what the engine raises but for a piece it refuses.
    """
    words: list[tuple[int, RawWord]] = []
    for part, (image, places) in enumerate(_unrolled(page.image, table, dpi=page.dpi)):
        large = cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        name = f"{page.source_sha256}-table-{number}-{part}"
        cells = PreparedPage(np.asarray(large, np.uint8), page.dpi * ENLARGED, name, "block")
        try:
            words += _placed(engine.read(cells), places)
        except PageUndecodable:
            return None  # then it is read as part of the page
    return RawBlock("table", tuple(_rows(words)), table.box) if words else None


def without_tables(page: PreparedPage, tables: Sequence[Table]) -> PreparedPage:
    """Return the page with white paper where these tables are."""
    if not tables:
        return page
    image = page.image.copy()
    for table in tables:
        _cut(image, table.box)[:] = 255
    return PreparedPage(image, page.dpi, page.source_sha256, page.layout)


def _may_have_rules(grey: Pixels, px_mm: float) -> bool:
    """Look at the page at half its size, in a quarter of the time, for rules that run down: few pages have any."""
    size = max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2)
    halved = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA) < DARK_HALVED, np.uint8)
    return bool(_rules(halved.T, round(DOWN_MM * px_mm / 2)).any())


def _rules(dark: Pixels, shortest: int) -> Pixels:
    """Return a mask of the rules that run across, from so many pixels on; a rule may drift by a pixel."""
    thick = cv2.dilate(np.ascontiguousarray(dark), np.ones((3, 1), np.uint8))
    return np.asarray(cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8)), np.uint8)


def _cells(across: Pixels, down: Pixels) -> list[Box]:
    """Return what lies between the rules of one table, row by row; empty when that is not cells."""
    columns, rows = _bands(down.max(axis=0)), _bands(across.max(axis=1))
    if len(columns) < 3 or len(rows) < 3:
        return []
    wide, high = len(columns) - 1, len(rows) - 1
    owner = {(row, column): (row, column) for row in range(high) for column in range(wide)}

    def first_of(cell: tuple[int, int]) -> tuple[int, int]:
        while owner[cell] != cell:
            cell = owner[cell]
        return cell

    def join(one: tuple[int, int], other: tuple[int, int]) -> None:
        first, second = sorted((first_of(one), first_of(other)))
        owner[second] = first

    for row in range(high):
        top, bottom = rows[row][1], rows[row + 1][0]
        for column in range(wide):
            left, right = columns[column][1], columns[column + 1][0]
            if column + 1 < wide:
                low, past = columns[column + 1]
                if down[top:bottom, low:past].max(axis=1).mean() < RULED:
                    join((row, column), (row, column + 1))
            if row + 1 < high:
                low, past = rows[row + 1]
                if across[low:past, left:right].max(axis=0).mean() < RULED:
                    join((row, column), (row + 1, column))
    merged: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for cell in owner:
        merged.setdefault(first_of(cell), []).append(cell)
    found = []
    for _, cells in sorted(merged.items()):
        first_row, last_row = min(r for r, _ in cells), max(r for r, _ in cells)
        first, last = min(c for _, c in cells), max(c for _, c in cells)
        if len(cells) != (last_row - first_row + 1) * (last - first + 1):
            return []  # joined around a corner: the rules are broken
        left, top, right = columns[first][1], rows[first_row][1], columns[last + 1][0]
        found.append(Box(left, top, right - left, _foot(across[:, left:right], rows[last_row + 1]) - top))
    return [cell for cell in found if cell.width > 0 and cell.height > 0]


def _foot(ruled: Pixels, band: tuple[int, int]) -> int:
    """Return where the rule below a cell begins.

    Over a whole table's width a rule drifts by some pixels; a dot below a letter is as near to it as that.
    """
    (at,) = np.nonzero(ruled[slice(*band)].mean(axis=1) >= RULED / 2)
    return band[0] + int(at[0]) if len(at) else band[0]


def _bands(ruled: Pixels) -> list[tuple[int, int]]:
    """Return (first, past) of each run of pixels in which a rule lies; runs a pixel or two apart are one rule."""
    (at,) = np.nonzero(ruled)
    if not len(at):
        return []
    breaks = [0, *(int(after) + 1 for after in np.nonzero(np.diff(at) > 3)[0]), len(at)]
    return [(int(at[first]), int(at[past - 1]) + 1) for first, past in pairwise(breaks)]


def _unrolled(grey: Pixels, table: Table, *, dpi: float) -> Iterator[tuple[Pixels, list[tuple[int, Box]]]]:
    """Yield images of the cells with ink one below the other, and of each cell its top there and its box here."""
    ink = max(1, round(0.3 * dpi / 25.4))  # a rule's fuzzy edge
    inner = [_shrunk(cell, ink) for cell in table.cells]
    waiting = [cell for cell in inner if int((_cut(grey, cell) < DARK).sum()) >= INKED_PX]
    while waiting:
        tops = [GUTTER_PX]
        for cell in waiting:
            tops.append(tops[-1] + cell.height + GUTTER_PX)
        fits = max(1, sum(bottom <= MOST_PX for bottom in tops[1:]))
        cells, waiting = waiting[:fits], waiting[fits:]
        width = max(cell.width for cell in cells) + 2 * GUTTER_PX
        image = np.full((tops[fits], width), 255, np.uint8)
        for top, cell in zip(tops, cells, strict=False):
            image[top : top + cell.height, GUTTER_PX : GUTTER_PX + cell.width] = _cut(grey, cell)
        yield image, list(zip(tops, cells, strict=False))


def _placed(reading: RawReading, places: Sequence[tuple[int, Box]]) -> Iterator[tuple[int, RawWord]]:
    """Yield the words cell by cell, boxes back on the page, each with the top of its cell."""
    found: list[list[RawWord]] = [[] for _ in places]
    for block in reading.blocks:
        for line in block.lines:
            middle = (line.box.y + line.box.height / 2) / ENLARGED
            at = max((i for i, (top, _) in enumerate(places) if top - GUTTER_PX / 2 <= middle), default=0)
            top, cell = places[at]
            for word in line.words:
                found[at].append(replace(word, box=_reduced(word.box).moved(cell.x - GUTTER_PX, cell.y - top)))
    for (_, cell), words in zip(places, found, strict=True):
        yield from ((cell.y, word) for word in words)


def _rows(words: Sequence[tuple[int, RawWord]]) -> Iterator[RawLine]:
    """Yield a line for each row of the table: the words of its cells, one cell after the other."""
    for _, row in groupby(words, key=lambda one: one[0]):
        said = tuple(word for _, word in row)
        yield RawLine(said, Box.around(word.box for word in said))


def _reduced(box: Box) -> Box:
    left, top = math.floor(box.x / ENLARGED), math.floor(box.y / ENLARGED)
    right, bottom = math.ceil((box.x + box.width) / ENLARGED), math.ceil((box.y + box.height) / ENLARGED)
    return Box(left, top, right - left, bottom - top)


def _cut(pixels: Pixels, box: Box) -> Pixels:
    return pixels[box.y : box.y + box.height, box.x : box.x + box.width]


def _shrunk(box: Box, by: int) -> Box:
    return Box(box.x + by, box.y + by, max(1, box.width - 2 * by), max(1, box.height - 2 * by))


def _holds(outer: Table, inner: Table) -> bool:
    """Whether a table lies within another one."""
    a, b = outer.box, inner.box
    return outer is not inner and (
        a.x <= b.x and a.y <= b.y and a.x + a.width >= b.x + b.width and a.y + a.height >= b.y + b.height
    )
