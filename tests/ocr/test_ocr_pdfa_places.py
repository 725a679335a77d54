"""Two free places at the top of page 1, wherever up is, and a larger page where there are none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.page import Box
from ocr.pdfa.frame import PageFrame, Rect
from ocr.pdfa.places import CLEAR_PT, EDGE_PT, INK_LEAST_PX, ink_boxes, keep_places
from ocr.pdfa.rendition import MarkRectangle

SIZES = ((150.0, 24.0), (200.0, 48.0))
A4 = (0.0, 0.0, 595.0, 842.0)


def frame(turns: int = 0, *, box: Rect = A4, unit: float = 1.0) -> PageFrame:
    x0, y0, x1, y1 = box
    matrix = (x1 - x0, 0.0, 0.0, y1 - y0, x0, y0)
    return PageFrame(box, matrix, 1654, 2339, turns, turns, unit)


def rect(place: MarkRectangle) -> Rect:
    return place.x0, place.y0, place.x1, place.y1


def overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_on_an_empty_page_the_marks_stand_in_the_readers_upper_corners(turns: int) -> None:
    page = frame(turns)
    grown, (left, right) = keep_places(page, [], SIZES)
    assert grown == page
    width, height = page.upright_size
    assert page.to_upright(rect(left)) == pytest.approx(
        (EDGE_PT, height - EDGE_PT - 24, EDGE_PT + 150, height - EDGE_PT)
    )
    assert page.to_upright(rect(right)) == pytest.approx(
        (width - EDGE_PT - 200, height - EDGE_PT - 48, width - EDGE_PT, height - EDGE_PT)
    )
    assert {left.rotation, right.rotation} == {90 * turns}


@pytest.mark.parametrize(
    ("turns", "moved"),
    [(0, (0, 0, 0, 1)), (1, (-1, 0, 0, 0)), (2, (0, -1, 0, 0)), (3, (0, 0, 1, 0))],
)
def test_a_crowded_page_grows_at_the_readers_top_only(turns: int, moved: tuple[int, ...]) -> None:
    page = frame(turns)
    width, height = page.upright_size
    heading = page.from_upright((50, height - 40, width - 50, height - 20))
    grown, _ = keep_places(page, [heading], SIZES)
    by = 48 + EDGE_PT + CLEAR_PT - 20
    assert grown.box == pytest.approx(tuple(edge + by * way for edge, way in zip(page.box, moved, strict=True)))
    assert grown.matrix == page.matrix


def test_a_heading_between_the_corners_needs_no_room() -> None:
    page = frame()
    grown, _ = keep_places(page, [(170.0, 800.0, 375.0, 840.0)], SIZES)
    assert grown == page


def test_a_paper_narrower_than_both_marks_grows_to_the_right() -> None:
    page = frame(box=(0.0, 0.0, 243.0, 153.0))
    grown, (left, right) = keep_places(page, [], SIZES)
    assert grown.box[2] == pytest.approx(150 + 200 + 2 * EDGE_PT + CLEAR_PT)
    assert not overlap(rect(left), rect(right))


def test_the_marks_keep_their_size_on_a_page_in_larger_units() -> None:
    _, (left, right) = keep_places(frame(unit=2.0), [], SIZES)
    assert (left.x1 - left.x0, left.y1 - left.y0) == pytest.approx((75, 12))
    assert (right.x1 - right.x0, right.y1 - right.y0) == pytest.approx((100, 24))


BOXES = st.lists(
    st.tuples(st.integers(0, 1600), st.integers(0, 2300), st.integers(1, 400), st.integers(1, 200)), max_size=30
)


@given(
    turns=st.integers(0, 3),
    words=BOXES,
    corner=st.tuples(st.integers(-200, 200), st.integers(-200, 200)),
    size=st.tuples(st.integers(40, 1200), st.integers(40, 1200)),
)
def test_no_mark_ever_covers_a_word_or_the_other_or_leaves_the_page(
    turns: int, words: list[tuple[int, int, int, int]], corner: tuple[int, int], size: tuple[int, int]
) -> None:
    page = frame(turns, box=(*map(float, corner), float(corner[0] + size[0]), float(corner[1] + size[1])))
    written = [page.rect_of(Box(*word)) for word in words]
    grown, (left, right) = keep_places(page, written, SIZES)
    assert not overlap(rect(left), rect(right))
    for place, (width, height) in zip((left, right), SIZES, strict=True):
        assert not any(overlap(rect(place), word) for word in written)
        x0, y0, x1, y1 = grown.to_upright(rect(place))
        assert (x1 - x0, y1 - y0) == pytest.approx((width, height), abs=0.001)
        assert x0 >= 0
        assert y0 >= -0.001
        assert (x1, y1) <= tuple(side + 0.001 for side in grown.upright_size)


@given(turns=st.integers(0, 3), edges=st.tuples(*[st.floats(-500, 500)] * 4))
def test_what_is_turned_upright_turns_back(turns: int, edges: tuple[float, float, float, float]) -> None:
    page = frame(turns, box=(-20.0, 10.0, 400.0, 500.0))
    assert page.from_upright(page.to_upright(edges)) == pytest.approx(edges)


def test_ink_is_covered_by_its_boxes() -> None:
    pixels: Any = np.full((101, 70), 255, np.uint8)
    pixels[100, 69] = pixels[3, 5] = 0
    assert ink_boxes(pixels) == [Box(0, 0, 16, 16), Box(64, 96, 16, 16)]


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ink_of_any_colour_is_ink(channel: int) -> None:
    pixels: Any = np.full((40, 70, 3), 240, np.uint8)
    pixels[20:24, 30:50, channel] = 40
    assert ink_boxes(pixels, at_least=INK_LEAST_PX) == [Box(16, 16, 48, 16)]


def test_a_speck_of_dust_is_no_ink_and_a_full_stop_is() -> None:
    pixels: Any = np.full((40, 70), 240, np.uint8)
    pixels[3, 5:7] = 0
    assert ink_boxes(pixels, at_least=INK_LEAST_PX) == []
    pixels[18:20, 38:40] = 0
    assert ink_boxes(pixels, at_least=INK_LEAST_PX) == [Box(32, 16, 16, 16)]


@given(dots=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 69)), max_size=20))
def test_no_ink_lies_outside_its_boxes(dots: list[tuple[int, int]]) -> None:
    pixels: Any = np.full((100, 70), 255, np.uint8)
    for y, x in dots:
        pixels[y, x] = 0
    for box in ink_boxes(pixels):
        assert pixels[box.y : box.y + box.height, box.x : box.x + box.width].min() == 0
        pixels[box.y : box.y + box.height, box.x : box.x + box.width] = 255
    assert pixels.min() == 255


def test_blank_paper_has_no_ink() -> None:
    assert ink_boxes(np.full((101, 70, 3), 240, np.uint8)) == []


def test_a_place_survives_the_pipe() -> None:
    place = MarkRectangle(0, 1.0, 2.0, 3.0, 4.0, 90)
    assert MarkRectangle.from_json(place.to_json()) == place
