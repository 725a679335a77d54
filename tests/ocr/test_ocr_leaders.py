"""Dotted leaders are taken off a page before it is read; what else is small, level or dotted stays."""

import numpy as np
import pytest
import scans
from PIL import Image, ImageDraw

from ocr.engines.port import OcrEngine, PreparedPage
from ocr.leaders import without_leaders
from ocr.reading import read_prepared

DPI = 170.0
FORM = (
    "1. Họ và tên: ........................................ Nam/Nữ: ..............",
    "2. Sinh ngày ............. tháng ............. năm ..........................",
    "3. Nơi cư trú:..............................................................;",
    "4. Nghề nghiệp: .............................................................",
)
WORDS = "1. Họ và tên: Nam/Nữ: 2. Sinh ngày tháng năm 3. Nơi cư trú: 4. Nghề nghiệp:"


def page_of(image: Image.Image) -> PreparedPage:
    return PreparedPage(np.asarray(image.convert("L")), DPI, "ab" * 32)


def drawn(*lines: str) -> PreparedPage:
    return page_of(scans.page(lines, size=(1400, 900)))


def ink_of(page: PreparedPage) -> int:
    return int((page.image < 128).sum())


def changed(page: PreparedPage) -> int:
    return int((without_leaders(page).image != page.image).sum())


def test_the_words_that_leaders_lead_to_are_read_and_nothing_else(tesseract: OcrEngine) -> None:
    read = read_prepared(drawn(*FORM), tesseract)
    words = [word.text for block in read.blocks for line in block.lines for word in line.words]
    assert " ".join(word for word in words if word != ";") == WORDS


@pytest.mark.parametrize("line", FORM)
def test_a_page_looks_as_if_it_had_been_printed_without_leaders(line: str) -> None:
    before, after = drawn(line), without_leaders(drawn(line))
    letters = "".join(letter for letter in line if letter != ".")
    # The point after the number, and half of every colon, are on the page still.
    assert ink_of(after) == pytest.approx(ink_of(drawn(letters)), rel=0.02)
    assert ink_of(after) < ink_of(before)


@pytest.mark.parametrize(
    "lines",
    [
        ("ngày... tháng... năm 20...", "v.v... và các loại khác: cát, sỏi, đá;"),
        (
            "Điều 1. Cho phép khai thác nước dưới đất tại xã Bến Tràm.",
            "Bị, chị, thị trị vị; xviii, xxviii; a: b: c:",
        ),
        ("Độc lập - Tự do - Hạnh phúc", "2016 - 2020 - 2025"),
        ("1.000.000.000 đồng; 000.00.19.H56-201125-0007",),
    ],
)
def test_what_is_no_leader_stays_as_it_is(lines: tuple[str, ...]) -> None:
    page = drawn(*lines)
    assert changed(page) == 0


def test_a_faint_rule_that_noise_breaks_is_no_leader() -> None:
    image = scans.page(("Nhà kho", "610,2", "Giai đoạn 2"), size=(1400, 900)).convert("L")
    ImageDraw.Draw(image).line((100, 400, 1300, 400), fill=165, width=2)
    spread = np.random.default_rng(7).normal(0, 12, image.size[::-1])
    page = page_of(Image.fromarray(np.clip(np.asarray(image) + spread, 0, 255).astype(np.uint8)))
    assert changed(page) == 0
