"""Red stamps are found and read, wherever and however they were struck; round seals are left out."""

from collections.abc import Iterator

import numpy as np
import pytest
import scans
from PIL import Image, ImageDraw

from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine
from ocr.inspect import red_ink
from ocr.page import Box
from ocr.stamps import read_stamps, stamp_regions

A4 = (1240, 1754)
DPI = 150.0


@pytest.fixture(scope="module")
def engine() -> Iterator[OcrEngine]:
    opened = open_engine("tesseract:?lang=vie")
    yield opened
    opened.close()


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
    (block,) = read_stamps(image, dpi=DPI, quarter_turns=0, source_sha256="x", engine=engine)
    # The gap between two words is small on a stamp: whether it is read as one is of no account here.
    assert "".join(w.text for line in block.lines for w in line.words) == text.replace(" ", "")
    assert block.kind == "stamp"
    assert abs(block.box.x - 775) < 40
    assert abs(block.box.y - 910) < 60


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_are_pixels_of_the_image_as_stored_whichever_way_it_lies(engine: OcrEngine, turns: int) -> None:
    upright = np.array(scans.red_stamp(scans.page(size=A4), "TỐI MẬT", (760, 900), tilt=0))
    stored = np.ascontiguousarray(np.rot90(upright, turns))
    (block,) = read_stamps(stored, dpi=DPI, quarter_turns=turns, source_sha256="x", engine=engine)
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
    assert stamp_regions(image, dpi=DPI, quarter_turns=0) == []


def test_a_page_without_red_ink_or_without_colour_has_no_stamp() -> None:
    grey = np.array(scans.page(size=A4))
    yellowed = np.dstack([grey, (grey * 0.95).astype(np.uint8), (grey * 0.8).astype(np.uint8)])
    assert stamp_regions(grey, dpi=DPI, quarter_turns=0) == []
    assert stamp_regions(yellowed, dpi=DPI, quarter_turns=0) == []
