"""Red stamps are found and read, wherever and however they were struck; round seals are left out."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scans
import score
from PIL import Image, ImageDraw

from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine, PreparedPage, RawReading
from ocr.inspect import red_ink
from ocr.page import Box
from ocr.stamps import read_stamps, stamp_regions

A4 = (1240, 1754)
BLUE, VIOLET = (40, 60, 170), (95, 50, 150)
DPI = 150.0


@pytest.fixture(scope="module")
def engine() -> Iterator[OcrEngine]:
    opened = open_engine("tesseract:?lang=vie")
    yield opened
    opened.close()


class Unasked:
    """An engine that nothing may be read with."""

    def read(self, page: PreparedPage) -> RawReading:
        raise AssertionError(f"{page.source_sha256} was read")

    def describe(self) -> dict[str, Any]:
        return {"engine": "none"}

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        raise AssertionError(f"{page.source_sha256} was looked at")

    def close(self) -> None:
        """Hold nothing."""


def _sealed(image: Image.Image, centre: tuple[int, int]) -> Image.Image:
    coloured = image.convert("RGB")
    pen = ImageDraw.Draw(coloured)
    for radius in (105, 92, 60):  # 36 mm across at 150 dpi
        x, y = centre
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(210, 25, 35), width=5)
    return coloured


@pytest.mark.parametrize("text", ["MẬT", "TỐI MẬT", "TUYỆT MẬT", "HỎA TỐC", "KHÔNG ĐƯỢC SAO CHỤP"])
@pytest.mark.parametrize("tilt", [0, 3, -5, 9])
def test_a_stamp_is_read_level_or_tilted_with_its_place(engine: OcrEngine, text: str, tilt: float) -> None:
    image = np.array(scans.red_stamp(scans.page(size=A4), text, (760, 900), tilt=tilt))
    (block,) = read_stamps(image, dpi=DPI, quarter_turns=0, source_sha256="x", engine=engine).red
    # The gap between two words is small on a stamp: whether it is read as one is of no account here.
    assert "".join(w.text for line in block.lines for w in line.words) == text.replace(" ", "")
    assert block.kind == "stamp"
    assert abs(block.box.x - 775) < 40
    assert abs(block.box.y - 910) < 60


@pytest.mark.parametrize("text", ["MẬT", "SAO Y BẢN CHÍNH"])
def test_letters_of_a_stamp_without_a_frame_are_not_taken_for_one(engine: OcrEngine, text: str) -> None:
    page = scans.stamped(scans.page(size=A4), (text,), (700, 900), ink=(205, 30, 40), framed=False)
    (block,) = read_stamps(np.array(page), dpi=DPI, quarter_turns=0, source_sha256="x", engine=engine).red
    assert "".join(word.text for line in block.lines for word in line.words) == text.replace(" ", "")


@pytest.mark.parametrize("ink", [BLUE, VIOLET])
@pytest.mark.parametrize("tilt", [0, 3, -5])
@pytest.mark.parametrize(
    ("lines", "framed"),
    [
        (("CÔNG VĂN ĐẾN", "Số: 0123", "Ngày: 05/6/2020"), True),
        (("CÔNG VĂN ĐẾN", "Số: 0123", "Ngày: 05/6/2020"), False),
        (("SAO Y BẢN CHÍNH",), False),
        (("PHÒNG TIẾP NHẬN",), True),
        (("TỐI MẬT",), True),
    ],
)
def test_a_blue_stamp_is_told_by_its_frame_or_by_its_words(
    engine: OcrEngine, lines: tuple[str, ...], framed: bool, tilt: float, ink: tuple[int, int, int]
) -> None:
    image = np.array(scans.stamped(scans.page(size=A4), lines, (700, 900), ink=ink, tilt=tilt, framed=framed))
    (block,) = read_stamps(image, dpi=DPI, quarter_turns=0, source_sha256="x", engine=engine).blue
    said = "".join(word.text for line in block.lines for word in line.words)
    assert score.cer(said, "".join(lines).replace(" ", "")) <= 0.1
    assert abs(block.box.x - 714) < 40
    assert abs(block.box.y - 910) < 60


def test_what_is_merely_written_in_blue_is_no_stamp(engine: OcrEngine) -> None:
    page = scans.stamped(scans.page(size=A4), ("Nguyễn Văn An", "Chủ tịch"), (700, 900), ink=BLUE, framed=False)
    assert read_stamps(np.array(page), dpi=DPI, quarter_turns=0, source_sha256="x", engine=engine).blue == ()


def test_a_signature_is_not_even_read() -> None:
    page = scans.page(size=A4).convert("RGB")
    pen = ImageDraw.Draw(page)
    points = [(700 + 12 * n, 1300 + round(60 * math.sin(n) * math.cos(n / 3))) for n in range(30)]
    pen.line(points, fill=BLUE, width=5, joint="curve")
    found = read_stamps(np.array(page), dpi=DPI, quarter_turns=0, source_sha256="x", engine=Unasked())
    assert found.all == ()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_are_pixels_of_the_image_as_stored_whichever_way_it_lies(engine: OcrEngine, turns: int) -> None:
    upright = np.array(scans.red_stamp(scans.page(size=A4), "TỐI MẬT", (760, 900), tilt=0))
    stored = np.ascontiguousarray(np.rot90(upright, turns))
    (block,) = read_stamps(stored, dpi=DPI, quarter_turns=turns, source_sha256="x", engine=engine).red
    assert [w.text for w in block.lines[0].words] == ["TỐI", "MẬT"]
    assert _ink_inside(stored, block.box) > 0.9


def _ink_inside(image: np.ndarray, box: Box) -> float:
    """The share of the red lettering (the frame's middle) that the box holds."""
    ink = red_ink(image) > 60
    ys, xs = np.nonzero(ink)
    left, right, top, bottom = xs.min() + 8, xs.max() - 8, ys.min() + 8, ys.max() - 8
    letters = ink[top:bottom, left:right].sum()
    mask = np.zeros_like(ink)
    mask[box.y : box.y + box.height, box.x : box.x + box.width] = True
    return float((ink & mask)[top:bottom, left:right].sum() / letters)


def test_a_round_seal_is_no_stamp() -> None:
    image = np.array(_sealed(scans.page(size=A4), (800, 1400)))
    assert stamp_regions(image, dpi=DPI, quarter_turns=0).get("red", []) == []


def test_a_page_without_red_ink_or_without_colour_has_no_stamp() -> None:
    grey = np.array(scans.page(size=A4))
    yellowed = np.dstack([grey, (grey * 0.95).astype(np.uint8), (grey * 0.8).astype(np.uint8)])
    assert stamp_regions(grey, dpi=DPI, quarter_turns=0).get("red", []) == []
    assert stamp_regions(yellowed, dpi=DPI, quarter_turns=0).get("red", []) == []
