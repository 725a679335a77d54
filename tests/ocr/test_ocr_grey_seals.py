"""A round seal is lifted off a page scanned in grey, the print under it stays; what is no seal is left alone."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import scans
import score
from PIL import Image, ImageDraw, ImageFont

from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine
from ocr.grey_seals import without_grey_seals
from ocr.images import StoredImage
from ocr.options import ReadingOptions
from ocr.page import ReadPage
from ocr.pixels import Pixels
from ocr.recognise import recognise

DPI = 150.0
A4 = (1240, 1754)
RADIUS = 106  # 36 mm across
CENTRE = (700, 380)
RED_IN_GREY = 128
LINES = (*scans.LINES, "PHÓ GIÁM ĐỐC", "", "", "Nguyễn Thị Thu Hằng phụ trách văn phòng một cửa của Sở")
NAME_Y = 60 + 48 * (len(LINES) - 1)


@pytest.fixture(scope="module")
def tesseract() -> Iterator[OcrEngine]:
    engine = open_engine("tesseract:?lang=vie")
    yield engine
    engine.close()


def printed(*, shade: int = 252) -> Image.Image:
    """A page of lines, the last of them a name."""
    return scans.page(LINES, size=A4).point(lambda level: level * shade // 255)


def sealed(
    page: Image.Image, centre: tuple[int, int] = CENTRE, *, ink: int = RED_IN_GREY, lettered: bool = True
) -> Image.Image:
    """The page with a seal pressed on it: two rings, letters between them, a name in the middle."""
    layer = Image.new("L", page.size, 255)
    pen, (x, y) = ImageDraw.Draw(layer), centre
    for radius, width in ((RADIUS, 6), (round(0.65 * RADIUS), 3)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=width)
    if lettered:
        pen.text((x, y), "SỞ\nTÀI NGUYÊN", font=ImageFont.truetype(scans.FONT, 17), fill=ink, anchor="mm")
        for number, letter in enumerate("ỦY BAN NHÂN DÂN TỈNH BÃI SẬY * HUYỆN CẦU GỖ *"):
            angle = number * 8.0
            drawn = Image.new("L", (40, 40), 0)
            font = ImageFont.truetype(scans.FONT, 17)
            ImageDraw.Draw(drawn).text((20, 20), letter, font=font, fill=255, anchor="mm")
            turned = drawn.rotate(-angle, Image.Resampling.BICUBIC)
            across = x + 0.82 * RADIUS * math.sin(math.radians(angle))
            down = y - 0.82 * RADIUS * math.cos(math.radians(angle))
            layer.paste(ink, (round(across) - 20, round(down) - 20), turned)
    return Image.fromarray(np.minimum(np.asarray(page), np.asarray(layer)))


def lifted(page: Image.Image, dpi: float = DPI) -> tuple[Pixels, int]:
    return without_grey_seals(np.asarray(page), dpi=dpi)


def read(page: Image.Image, engine: OcrEngine) -> ReadPage:
    image = StoredImage(np.asarray(page), DPI, DPI)
    return recognise(image, "0" * 64, engine, ReadingOptions())


@pytest.mark.parametrize("centre", [(150, 120), (700, 900), (1050, 1600)])
@pytest.mark.parametrize("ink", [110, RED_IN_GREY, 165])
def test_a_seal_is_lifted_wherever_it_was_pressed(centre: tuple[int, int], ink: int) -> None:
    page = printed(shade=255)
    found, count = lifted(sealed(page, centre, ink=ink))
    assert count == 1
    plain = np.asarray(page)
    left = (found < 200) & (plain > 200)  # beside print some stays
    assert left.sum() < 0.2 * ((np.asarray(sealed(page, centre, ink=ink)) < 200) & (plain > 200)).sum()


def test_the_print_under_it_stays() -> None:
    page = printed(shade=255)
    found, _ = lifted(sealed(page, (400, NAME_Y)))
    plain = np.asarray(page)
    assert (found[plain < 60] < 90).mean() > 0.99
    outside = np.hypot(*np.ogrid[-NAME_Y : A4[1] - NAME_Y, -400 : A4[0] - 400]) > 1.2 * RADIUS
    assert np.array_equal(found[outside], plain[outside])


def test_finer_pages_and_other_sizes_of_seals_do_as_well() -> None:
    for zoom in (0.8, 1.6):
        page = sealed(printed(shade=255), (700, 900))
        size = round(A4[0] * zoom), round(A4[1] * zoom)
        assert lifted(page.resize(size, Image.Resampling.LANCZOS), dpi=DPI * zoom)[1] == 1
    larger = sealed(printed(shade=255), (700, 900)).resize((round(A4[0] * 1.15), round(A4[1] * 1.15)))
    assert lifted(larger)[1] == 1


@pytest.mark.parametrize(
    "page",
    [
        printed(shade=255),
        sealed(printed(shade=255), (700, 900), ink=10),
        sealed(printed(shade=255), (700, 900), lettered=False),
        sealed(Image.new("L", A4, 255), (700, 900)),
        Image.new("L", A4, 255),
        Image.new("L", (30, 30), 0),
    ],
    ids=["print-alone", "as-dark-as-print", "plain-circle", "seal-alone", "white", "tiny"],
)
def test_what_is_no_seal_paler_than_print_is_left_alone(page: Image.Image) -> None:
    found, count = lifted(page)
    assert count == 0
    assert np.array_equal(found, np.asarray(page))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_name_under_a_grey_seal_is_read_and_nothing_of_the_seal(tesseract: OcrEngine, mode: str) -> None:
    found = read(sealed(printed(), (230, NAME_Y - 50)).convert(mode), tesseract)
    said = " ".join(word.text for word in found.page.words)
    assert score.word_recall(said, "\n".join(LINES)) > 0.97
    assert "Nguyễn Thị Thu Hằng" in said
    assert not {"SỞ", "TÀI", "NGUYÊN"} & set(said.split())
    assert found.measures["seals_lifted"] == 1
