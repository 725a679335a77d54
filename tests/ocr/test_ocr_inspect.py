"""What counts as written on: dust, holes, folds and the other side's ink do not; a seal or one short line does."""

import math

import cv2
import numpy as np
import pytest
import scans
from PIL import Image, ImageDraw, ImageFont

from ocr.images import StoredImage
from ocr.inspect import measure
from ocr.pixels import Pixels

DPI = 150
A4 = (1240, 1754)
MM = DPI / 25.4
RNG = np.random.default_rng(5)


def sheet(shade: int = 246) -> Image.Image:
    return Image.new("L", A4, shade)


def writing(image: Image.Image | Pixels, dpi: float = DPI) -> str:
    return measure(StoredImage(np.asarray(image), dpi, dpi)).writing


def written(text: str, *, size: int = 27, ink: int = 30) -> Image.Image:
    page = sheet()
    ImageDraw.Draw(page).text((500, 800), text, font=ImageFont.truetype(scans.FONT, size), fill=ink)
    return page


def grainy(page: Image.Image, deviation: float) -> Image.Image:
    grain = np.random.default_rng(3).normal(0, deviation, (page.height, page.width))
    return Image.fromarray(np.clip(np.asarray(page) + grain, 0, 255).astype(np.uint8))


def shown_through(strength: float) -> Image.Image:
    """The mirrored, softened print of the other side."""
    other = scans.page([f"Điều {n}. Nội dung quy định chi tiết của điều này" for n in range(1, 30)], size=A4)
    mirrored = np.asarray(other.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    soft = cv2.GaussianBlur(mirrored, (0, 0), 1.6 * DPI / 200).astype(np.float32)
    return Image.fromarray((246 - (255 - soft) * strength).astype(np.uint8))


def dusty(specks: int, *, bitonal: bool) -> Image.Image:
    page = np.asarray(sheet(255 if bitonal else 246)).copy()
    for x, y in RNG.integers(20, 1200, (specks, 2)):
        cv2.circle(page, (int(x), int(y)), int(RNG.integers(0, 2)), 0 if bitonal else 60, -1)
    return Image.fromarray(page)


def with_edges() -> Image.Image:
    """A scanner's dark edge at two sides, two punch holes and a fold."""
    page = sheet()
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 18, A4[1]), fill=40)
    pen.rectangle((0, A4[1] - 10, A4[0], A4[1]), fill=90)
    for y in (700, 1170):
        pen.ellipse((60, y, 60 + 6 * MM, y + 6 * MM), fill=20)
    pen.line((0, 880, A4[0], 884), fill=190, width=4)
    return page


def shaded() -> Image.Image:
    light = np.linspace(140, 240, A4[0])[None, :] * np.linspace(1, 0.85, A4[1])[:, None]
    return Image.fromarray(light.astype(np.uint8))


@pytest.mark.parametrize(
    "page",
    [
        sheet(255),
        sheet(),
        sheet(150),
        grainy(sheet(), 9),
        shaded(),
        dusty(60, bitonal=False),
        dusty(60, bitonal=True),
        with_edges(),
        shown_through(0.05),
        Image.new("RGB", A4, (246, 225, 170)),
        Image.new("RGB", A4, (250, 190, 200)),
    ],
    ids=["white", "paper", "grey", "grain", "shade", "dust", "dust-1bit", "edges", "back", "yellow", "pink"],
)
def test_an_empty_page_has_nothing_written_on_it(page: Image.Image) -> None:
    assert writing(page) == "none"


@pytest.mark.parametrize("strength", [0.10, 0.14, 0.2, 0.3])
def test_the_other_sides_ink_is_at_most_doubtful(strength: float) -> None:
    assert writing(grainy(shown_through(strength), 5)) in ("none", "doubtful")


def seal() -> Image.Image:
    page = Image.new("RGB", A4, (246, 246, 246))
    pen = ImageDraw.Draw(page)
    pen.ellipse((600, 800, 600 + 36 * MM, 800 + 36 * MM), outline=(220, 60, 70), width=6)
    pen.ellipse((640, 840, 640 + 22 * MM, 840 + 22 * MM), outline=(220, 60, 70), width=3)
    return page


def signature() -> Image.Image:
    page = sheet()
    pen = ImageDraw.Draw(page)
    along = [(600 + 5 * t, 900 + 40 * math.sin(t / 3) - t) for t in range(45)]
    pen.line(along, fill=90, width=3)
    return page


@pytest.mark.parametrize(
    "page",
    [
        scans.page(size=A4),
        written("Trang cuối"),
        written("Đã nhận đủ hồ sơ", ink=120),
        written("15/QĐ", size=60),
        seal(),
        seal().convert("L"),
        signature(),
        scans.red_stamp(sheet(), "MẬT"),
        Image.new("L", A4, 3),
    ],
    ids=["page", "one-line", "pale-line", "number", "seal", "grey-seal", "signature", "stamp", "all-black"],
)
def test_whatever_a_person_put_on_a_page_is_seen(page: Image.Image) -> None:
    assert writing(page) == "present"


@pytest.mark.parametrize("text", ["2", "- 2 -", "V", "x"])
def test_a_single_small_mark_is_doubtful_so_that_it_is_read(text: str) -> None:
    assert writing(written(text)) == "doubtful"


@pytest.mark.parametrize("page", [written("Trang cuối"), signature()], ids=["line", "signature"])
def test_bitonal_scans_are_seen_as_well(page: Image.Image) -> None:
    assert writing(np.where(np.asarray(page) < 150, 0, 255).astype(np.uint8)) == "present"


@pytest.mark.parametrize("stated", [72.0, 300.0, 1200.0])
def test_a_wrong_resolution_makes_no_written_page_blank(stated: float) -> None:
    assert writing(scans.page(size=A4), stated) == "present"


def test_red_ink_and_colour_are_measured_as_shares_of_the_page() -> None:
    page = Image.new("RGB", A4, (250, 250, 250))
    ImageDraw.Draw(page).rectangle((200, 200, 200 + 123, 200 + 175), fill=(210, 30, 40))
    found = measure(StoredImage(np.asarray(page), DPI, DPI))
    assert found.red == pytest.approx(0.01, rel=0.1)
    assert found.tinted == pytest.approx(0.01, rel=0.1)
    grey = measure(StoredImage(np.asarray(page.convert("L")), DPI, DPI))
    assert (grey.red, grey.tinted) == (0.0, 0.0)
