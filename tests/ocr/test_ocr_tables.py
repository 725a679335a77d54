"""Ruled tables are found by their rules and read cell by cell, however many lines a cell has."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
import score
from PIL import Image, ImageDraw, ImageFont

from archive.pades.font import find_font
from ocr.engines.port import OcrEngine, PreparedPage, RawLine, RawReading
from ocr.errors import PageUndecodable
from ocr.page import Box
from ocr.pixels import Pixels
from ocr.reading import read_prepared
from ocr.tables import find_tables, read_table

DPI = 170.0
ROWS = (
    ("Số TT", "Tên thiết bị", "Số máy", "Tình trạng"),
    ("1", "Máy thủy bình", "TB11996", "Tốt"),
    ("2", "Máy định vị\nvệ tinh", "TB89260", "Đang kiểm định"),
    ("3", "Máy toàn đạc\nđiện tử", "TB50965", "Khá"),
)
EDGES = (150, 290, 640, 880, 1200)
ROW_PX, TOP = 84, 500


def drawn(*, broken: int = 0, frame_only: bool = False, merged: bool = False) -> Pixels:
    """A page with a table between two lines of print. broken: pixels missing at every crossing of two rules."""
    page = Image.new("L", (1400, 1200), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.truetype(str(find_font()), 30)
    pen.text((150, 380), "Bảng kê thiết bị đo đạc của đơn vị", 0, font)
    bottom = TOP + ROW_PX * len(ROWS)
    for row, cells in enumerate(ROWS):
        for column, text in enumerate(cells):
            box = pen.multiline_textbbox((0, 0), text, font, align="center", spacing=2)
            middle = (EDGES[column] + EDGES[column + 1]) / 2, TOP + ROW_PX * (row + 0.5)
            at = middle[0] - (box[0] + box[2]) / 2, middle[1] - (box[1] + box[3]) / 2
            pen.multiline_text(at, text, 0, font, align="center", spacing=2)
    for x in (EDGES[0], EDGES[-1]) if frame_only else EDGES:
        pen.line((x, TOP + (ROW_PX if merged and x == EDGES[1] else 0), x, bottom), 0, 3)
    for row in (0, len(ROWS)) if frame_only else range(len(ROWS) + 1):
        pen.line((EDGES[0], TOP + row * ROW_PX, EDGES[-1], TOP + row * ROW_PX), 0, 3)
    pen.text((150, bottom + 60), "Chủ tịch đã ký và đóng dấu", 0, font)
    image = np.array(page)
    if broken:
        for x in EDGES:
            for row in range(len(ROWS) + 1):
                y = TOP + row * ROW_PX
                image[y - broken : y + broken, x - 4 : x + 5] = 255
    return image


def prepared(image: Pixels) -> PreparedPage:
    return PreparedPage(image, DPI, "ab" * 32)


def test_a_table_has_the_cells_between_its_rules() -> None:
    (table,) = find_tables(drawn(), dpi=DPI)
    assert len(table.cells) == 16
    assert abs(table.box.x - EDGES[0]) < 5
    assert abs(table.box.height - ROW_PX * len(ROWS)) < 10
    tops = [cell.y for cell in table.cells]
    assert tops == sorted(tops)


def test_rules_broken_at_their_crossings_still_make_cells() -> None:
    (table,) = find_tables(drawn(broken=8), dpi=DPI)
    assert len(table.cells) == 16


def test_a_cell_over_two_columns_is_one() -> None:
    (table,) = find_tables(drawn(merged=True), dpi=DPI)
    assert len(table.cells) == 15
    assert table.cells[0].width > EDGES[2] - EDGES[0] - 10


def test_a_frame_and_a_page_of_print_are_no_tables() -> None:
    assert find_tables(drawn(frame_only=True), dpi=DPI) == ()
    assert find_tables(np.full((1200, 1400), 255, np.uint8), dpi=DPI) == ()


def test_a_noisy_page_has_no_tables() -> None:
    noisy = np.random.default_rng(3).integers(0, 255, (1200, 1400), np.uint8)
    assert find_tables(cv2.GaussianBlur(noisy, (0, 0), 3), dpi=DPI) == ()


def test_each_cell_is_read_by_itself_and_its_words_lie_in_it(tesseract: OcrEngine) -> None:
    page = prepared(drawn())
    (table,) = find_tables(page.image, dpi=DPI)
    block = read_table(page, table, 0, tesseract)
    assert block is not None
    assert block.kind == "table"
    said = [words(line) for line in block.lines]
    assert len(said) == len(ROWS)
    for read, row in zip(said, ROWS, strict=True):
        assert score.cer(read, " ".join(cell.replace("\n", " ") for cell in row)) < 0.05
    for word in (word for line in block.lines for word in line.words):
        assert any(_within(word.box, cell) for cell in table.cells)


def test_an_empty_table_is_not_read(tesseract: OcrEngine) -> None:
    image = drawn()
    (table,) = find_tables(image, dpi=DPI)
    for cell in table.cells:
        image[cell.y : cell.y + cell.height, cell.x : cell.x + cell.width] = 255
    assert read_table(prepared(image), table, 0, tesseract) is None


def test_a_table_stands_between_the_print_above_and_below(tesseract: OcrEngine) -> None:
    kinds = [block.kind for block in read_prepared(prepared(drawn()), tesseract).blocks]
    assert kinds[0] == "text"
    assert kinds[-1] == "text"
    assert kinds.count("table") == 1


def test_a_table_longer_than_the_engine_takes_is_read_in_parts(
    tesseract: OcrEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = prepared(drawn())
    (table,) = find_tables(page.image, dpi=DPI)
    whole = read_table(page, table, 0, tesseract)
    monkeypatch.setattr("ocr.tables.MOST_PX", 300)
    parts = read_table(page, table, 0, tesseract)
    assert whole is not None
    assert parts is not None
    assert [line.words[0].text for line in parts.lines] == [line.words[0].text for line in whole.lines]
    assert len(parts.lines) == len(ROWS)


@dataclass
class Refusing:
    """An engine that refuses pieces of a page."""

    real: OcrEngine

    def read(self, page: PreparedPage) -> RawReading:
        if page.layout == "block":
            raise PageUndecodable("too large")
        return self.real.read(page)

    def describe(self) -> dict[str, Any]:
        return self.real.describe()

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        return self.real.orientation(page)

    def close(self) -> None:
        """Hold nothing."""


def test_where_the_engine_refuses_the_cells_the_table_is_read_with_its_page(tesseract: OcrEngine) -> None:
    reading = read_prepared(prepared(drawn()), Refusing(tesseract))
    said = [words(line) for block in reading.blocks for line in block.lines]
    assert any("TB11996" in line for line in said)


@pytest.mark.parametrize("fill", [0, 255])
def test_a_page_of_one_colour_has_no_tables(fill: int) -> None:
    assert find_tables(np.full((1000, 800), fill, np.uint8), dpi=DPI) == ()


def words(line: RawLine) -> str:
    return " ".join(word.text for word in line.words)


def _within(inner: Box, outer: Box) -> bool:
    return (
        outer.x - 3 <= inner.x
        and outer.y - 3 <= inner.y
        and inner.x + inner.width <= outer.x + outer.width + 3
        and inner.y + inner.height <= outer.y + outer.height + 3
    )


def test_a_cell_reaches_as_far_down_as_its_own_rule_where_the_page_is_tilted_a_little() -> None:
    page = np.full((600, 1400), 255, np.uint8)
    drift = 5  # pixels over the table's width
    edges, rows = (100, 400, 700, 1000, 1300), (100, 160, 220, 280)
    for x in edges:
        cv2.line(page, (x, rows[0]), (x, rows[-1] + drift), 0, 2)
    for y in rows:
        cv2.line(page, (edges[0], y), (edges[-1], y + drift), 0, 2)
    (table,) = find_tables(page, dpi=DPI)
    assert len(table.cells) == (len(rows) - 1) * (len(edges) - 1)
    for number, cell in enumerate(table.cells):
        row, column = divmod(number, len(edges) - 1)
        middle = (edges[column] + edges[column + 1]) / 2
        rule = rows[row + 1] + drift * (middle - edges[0]) / (edges[-1] - edges[0])
        assert abs(cell.y + cell.height - rule) <= 4, (row, column)
