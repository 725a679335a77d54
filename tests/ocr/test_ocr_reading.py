"""Lines that layout analysis misses are found by their ink, read by themselves and put where they belong."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scans
from PIL import Image, ImageDraw

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawReading
from ocr.page import Box
from ocr.reading import missed_lines, read_prepared

DPI = 170.0
LINES = (
    "Điều 1. Cho phép khai thác nước dưới đất tại xã Bến Tràm",
    "Điều 2. Doanh nghiệp chịu trách nhiệm thực hiện",
    "Điều 3. Quyết định này có hiệu lực kể từ ngày ký",
)


@dataclass
class Forgetful:
    """An engine that leaves some lines of a page out, and reads pieces of one in full."""

    real: OcrEngine
    left_out: Sequence[int]
    pieces: list[PreparedPage] = field(default_factory=list)

    def read(self, page: PreparedPage) -> RawReading:
        found = self.real.read(page)
        if page.layout == "block":
            self.pieces.append(page)
            return found
        lines = [line for block in found.blocks for line in block.lines]
        kept = tuple(line for at, line in enumerate(lines) if at not in self.left_out)
        return RawReading((RawBlock("text", kept, Box.around(line.box for line in kept)),))

    def describe(self) -> dict[str, Any]:
        return self.real.describe()

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        return self.real.orientation(page)

    def close(self) -> None:
        """Hold nothing."""


def page_of(image: Image.Image) -> PreparedPage:
    return PreparedPage(np.asarray(image.convert("L")), DPI, "ab" * 32)


def told(reading: RawReading) -> list[str]:
    return [" ".join(w.text for w in line.words) for block in reading.blocks for line in block.lines]


def test_a_missed_line_is_read_and_stands_where_it_belongs(tesseract: OcrEngine) -> None:
    page = page_of(scans.page(LINES, size=(1400, 1980)))
    whole = told(tesseract.read(page))
    engine = Forgetful(tesseract, (1,))
    assert told(read_prepared(page, engine)) == whole
    assert len(engine.pieces) == 1


def test_a_page_read_in_full_is_looked_at_only_once(tesseract: OcrEngine) -> None:
    page = page_of(scans.page(LINES, size=(1400, 1980)))
    engine = Forgetful(tesseract, ())
    read_prepared(page, engine)
    assert engine.pieces == []


def test_rules_signatures_and_specks_are_no_missed_lines() -> None:
    image = Image.new("L", (1400, 1980), 255)
    pen = ImageDraw.Draw(image)
    pen.line((200, 300, 900, 300), 0, 3)
    points = [(300 + 40 * n, 800 + (150 if n % 2 else 0)) for n in range(12)]
    pen.line(points, 0, 4)
    for n in range(30):
        pen.point((100 + 37 * n, 1200 + 11 * (n % 5)), 0)
    assert missed_lines(page_of(image), []) == []


def test_the_remainder_of_a_word_is_no_missed_line(tesseract: OcrEngine) -> None:
    page = page_of(scans.page(LINES[:1], size=(1400, 1980)))
    (block,) = tesseract.read(page).blocks
    (line,) = block.lines
    low = [replace(w, box=replace(w.box, height=round(0.7 * w.box.height))) for w in line.words]
    half = RawBlock("text", (RawLine(tuple(low), line.box),), block.box)
    assert missed_lines(page, [half]) == []
