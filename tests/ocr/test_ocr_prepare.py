"""Preparation leads to a level, clean page, and every box of it back to the stored pixels."""

import cv2
import numpy as np
import pytest
import scans
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr.images import StoredImage
from ocr.inspect import estimate_skew, noise_of
from ocr.options import ReadingOptions
from ocr.page import Box
from ocr.pixels import Pixels
from ocr.prepare import Preparation, prepare

OPTIONS = ReadingOptions()
BODY = [f"Điều {n}. Nội dung quy định chi tiết của điều này" for n in range(1, 16)]


def drawn(size: tuple[int, int] = (900, 1200)) -> Image.Image:
    return scans.page(BODY, size=size)


def stored(image: Image.Image, dpi: float = 150.0) -> StoredImage:
    return StoredImage(np.asarray(image), dpi, dpi)


def prepared(image: StoredImage, turns: int = 0, *, median: bool | None = None) -> Preparation:
    return prepare(image, OPTIONS, source_sha256="a" * 64, quarter_turns=turns, median=median)


def tilted(image: Image.Image, clockwise_deg: float) -> Image.Image:
    return image.rotate(-clockwise_deg, resample=Image.Resampling.BICUBIC, fillcolor=255)


def noisy(image: Image.Image, deviation: float) -> Image.Image:
    grain = np.random.default_rng(7).normal(0, deviation, (image.height, image.width))
    return Image.fromarray(np.clip(np.asarray(image) * 0.9 + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("dpi", [200.0, 300.0, 400.0])
def test_a_finer_page_is_reduced_to_the_reading_resolution(dpi: float) -> None:
    found = prepared(stored(drawn(), dpi))
    assert found.page.dpi == OPTIONS.reading_dpi
    assert found.page.image.shape == (round(1200 * 170 / dpi), round(900 * 170 / dpi))


def test_a_coarser_page_is_never_enlarged() -> None:
    found = prepared(stored(drawn(), 96.0))
    assert (found.page.dpi, found.page.image.shape) == (96.0, (1200, 900))


def test_a_faxs_coarse_direction_is_stretched_to_square_pixels() -> None:
    flat = drawn((1000, 1200)).resize((1000, 600))
    found = prepared(StoredImage(np.asarray(flat), 204.0, 102.0))
    assert found.page.image.shape == (1000, round(1000 * 170 / 204))
    box = found.geometry.to_stored(Box(0, 0, found.page.image.shape[1], found.page.image.shape[0]))
    assert box == Box(0, 0, 1000, 600)


@pytest.mark.parametrize("angle", [-7.0, -2.3, -0.4, 0.0, 0.8, 3.1, 7.5])
def test_the_tilt_is_measured_clockwise_within_a_tenth_of_a_degree(angle: float) -> None:
    assert estimate_skew(np.asarray(tilted(drawn(), angle))) == pytest.approx(angle, abs=0.1)


@pytest.mark.parametrize("turns", [1, 3])
def test_a_sideways_page_is_tilted_by_as_much(turns: int) -> None:
    sideways = np.ascontiguousarray(np.rot90(np.asarray(tilted(drawn(), 2.0)), turns))
    assert estimate_skew(sideways) == pytest.approx(2.0, abs=0.1)


def test_a_page_without_lines_has_no_tilt() -> None:
    assert estimate_skew(np.full((800, 600), 255, np.uint8)) == 0.0
    assert estimate_skew(np.asarray(noisy(scans.blank(), 6))) == 0.0


def test_a_tilted_page_comes_out_level_with_nothing_cut_off() -> None:
    page = drawn()
    found = prepared(stored(tilted(page, 4.0)))
    assert found.skew_deg == pytest.approx(4.0, abs=0.1)
    assert estimate_skew(found.page.image) == pytest.approx(0.0, abs=0.1)
    ink = (np.asarray(tilted(page, 4.0)) < 128).sum()
    assert (found.page.image < 128).sum() == pytest.approx(ink, rel=0.1)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_make_a_page_upright(turns: int) -> None:
    upright = np.asarray(drawn())
    found = prepared(StoredImage(np.ascontiguousarray(np.rot90(upright, turns)), 150.0, 150.0), turns)
    assert found.page.image.shape == upright.shape
    assert np.abs(found.page.image.astype(int) - upright).mean() < 3


def test_shadow_and_yellow_paper_become_white() -> None:
    page = np.asarray(drawn())
    shade = np.linspace(120, 240, page.shape[1]).astype(np.float32)
    found = prepared(StoredImage((page / 255 * shade).astype(np.uint8), 150.0, 150.0))
    assert np.percentile(found.page.image, 20) >= 245
    assert (found.page.image < 110).mean() == pytest.approx((page < 110).mean(), rel=0.2)


def test_a_bitonal_page_of_black_and_white_is_left_as_it_is() -> None:
    page = np.where(np.asarray(drawn()) < 128, 0, 255).astype(np.uint8)
    assert np.array_equal(prepared(StoredImage(page, 150.0, 150.0)).page.image, page)


def test_a_red_seal_vanishes_and_the_text_under_it_stays() -> None:
    page = np.asarray(drawn().convert("RGB")).copy()
    cv2.circle(page, (450, 400), 110, (215, 40, 50), 6)
    plain = np.asarray(drawn())
    found = prepared(StoredImage(page, 150.0, 150.0)).page.image
    ring = np.abs(np.hypot(*np.mgrid[-400:800, -450:450]) - 110) < 3
    assert found[ring & (plain == 255)].min() > 150
    assert (found < 110).sum() == pytest.approx((plain < 110).sum(), rel=0.05)


@pytest.mark.parametrize("deviation", [4.0, 10.0, 20.0])
def test_noise_is_measured_in_grey_levels_away_from_ink(deviation: float) -> None:
    assert noise_of(np.asarray(noisy(drawn(), deviation))) == pytest.approx(deviation, rel=0.15)
    assert noise_of(np.asarray(drawn())) < 1


def test_only_a_noisy_page_is_filtered_unless_it_is_asked_for() -> None:
    assert not prepared(stored(drawn())).median
    assert prepared(stored(noisy(drawn(), 25))).median
    assert prepared(stored(drawn()), median=True).median
    assert not prepared(stored(noisy(drawn(), 25)), median=False).median


corners = st.tuples(st.integers(0, 899), st.integers(0, 1199), st.integers(1, 300), st.integers(1, 120))


@given(corners, st.integers(0, 3), st.sampled_from([110.0, 150.0, 200.0, 300.0]))
@settings(max_examples=60, deadline=None)
def test_a_box_mapped_forth_and_back_lands_within_two_pixels(
    place: tuple[int, int, int, int], turns: int, dpi: float
) -> None:
    found = prepared(StoredImage(LEVEL, dpi, dpi), turns)
    box = Box(place[0], place[1], min(place[2], 900 - place[0]), min(place[3], 1200 - place[1]))
    assert_close(found.geometry.to_stored(rounded(found, box)), box, 2 * max(1.0, dpi / 170))


@given(corners)
@settings(max_examples=40, deadline=None)
def test_on_a_tilted_page_the_box_keeps_its_middle_and_covers_what_it_covered(
    place: tuple[int, int, int, int],
) -> None:
    box = Box(place[0], place[1], min(place[2], 900 - place[0]), min(place[3], 1200 - place[1]))
    back = TILTED.geometry.to_stored(rounded(TILTED, box))
    assert back.x <= box.x + 2
    assert back.y <= box.y + 2
    assert back.x + back.width >= box.x + box.width - 2
    assert back.y + back.height >= box.y + box.height - 2
    clipped = back.x > 0 and back.y > 0 and back.x + back.width < 900 and back.y + back.height < 1200
    if clipped:
        assert abs(2 * back.x + back.width - 2 * box.x - box.width) <= 4
        assert abs(2 * back.y + back.height - 2 * box.y - box.height) <= 4


@given(st.tuples(*[st.integers(-500, 3000)] * 2, *[st.integers(0, 3000)] * 2))
@settings(max_examples=60, deadline=None)
def test_no_box_reaches_out_of_the_stored_image(place: tuple[int, int, int, int]) -> None:
    box = TILTED.geometry.to_stored(Box(*place))
    assert 0 <= box.x <= box.x + box.width <= 900
    assert 0 <= box.y <= box.y + box.height <= 1200


def test_a_word_found_on_the_prepared_page_lies_on_its_ink_in_the_stored_one() -> None:
    page = Image.new("L", (900, 1200), 255)
    page.paste(0, (300, 500, 420, 530))
    page.paste(drawn().crop((0, 0, 900, 400)), (0, 0))
    turned = page.rotate(-3.0, resample=Image.Resampling.BICUBIC, fillcolor=255).transpose(
        Image.Transpose.ROTATE_90
    )
    found = prepared(stored(turned, 300.0), 1)
    lower = found.page.image[found.page.image.shape[0] * 2 // 5 :] < 128
    rows, columns = np.nonzero(lower)
    top, left = int(rows.min()) + found.page.image.shape[0] * 2 // 5, int(columns.min())
    box = found.geometry.to_stored(Box(left, top, int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1))
    ink = np.asarray(turned) < 128
    ink[:, :450] = False  # the lines of the upper part lie at the left once turned
    inked_rows, inked_columns = np.nonzero(ink)
    assert box.x <= inked_columns.min() + 2
    assert box.y <= inked_rows.min() + 2
    assert box.x + box.width >= inked_columns.max() - 2
    assert box.y + box.height >= inked_rows.max() - 2
    assert box.width * box.height < 4 * ink.sum()


def rounded(found: Preparation, box: Box) -> Box:
    left, top, right, bottom = found.geometry.to_prepared(box)
    return Box(round(left), round(top), round(right) - round(left), round(bottom) - round(top))


def assert_close(found: Box, wanted: Box, most: float) -> None:
    edges = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in (found, wanted)]
    assert max(abs(a - b) for a, b in zip(*edges, strict=True)) <= most, (found, wanted)


LEVEL: Pixels = np.where(np.asarray(drawn()) < 128, 0, 255).astype(np.uint8)
TILTED = prepared(StoredImage(np.asarray(tilted(drawn(), 5.0)), 200.0, 200.0))
