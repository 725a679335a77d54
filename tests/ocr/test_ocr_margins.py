"""Page numbers are set apart; numbers that belong to the text are not."""

import pytest

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.margins import with_margins
from ocr.page import Box

HEIGHT = 2000


def line(y: int, text: str) -> RawLine:
    words = tuple(RawWord(said, 0.9, Box(100 + 60 * at, y, 50, 24)) for at, said in enumerate(text.split()))
    return RawLine(words, Box.around(word.box for word in words))


def block(*lines: RawLine) -> RawBlock:
    return RawBlock("text", lines, Box.around(one.box for one in lines))


BODY = line(400, "Điều 1. Cho phép khai thác")


def told(*blocks: RawBlock) -> list[tuple[str, list[str]]]:
    found = with_margins(blocks, height=HEIGHT)
    return [(one.kind, [" ".join(w.text for w in ln.words) for ln in one.lines]) for one in found]


BODY_TOLD = ("text", ["Điều 1. Cho phép khai thác"])


@pytest.mark.parametrize("number", ["2", "- 2 -", "Trang 2/5", "2/5", "12."])
def test_a_page_number_at_the_top_stands_apart(number: str) -> None:
    assert told(block(line(60, number), BODY)) == [("margin", [number]), BODY_TOLD]
    assert told(block(line(60, number)), block(BODY)) == [("margin", [number]), BODY_TOLD]


def test_one_at_the_bottom_does_too() -> None:
    assert told(block(BODY, line(1950, "3"))) == [BODY_TOLD, ("margin", ["3"])]


@pytest.mark.parametrize("text", ["Số: 12", "2015 2016", "Điều 3"])
def test_other_lines_in_the_margin_stay(text: str) -> None:
    assert told(block(line(60, text), BODY)) == [("text", [text, BODY_TOLD[1][0]])]


def test_a_number_inside_the_page_stays() -> None:
    assert told(block(line(600, "7"), BODY)) == [("text", ["7", BODY_TOLD[1][0]])]


def test_a_page_of_nothing_but_a_number_keeps_it_as_its_text() -> None:
    assert told(block(line(60, "5"))) == [("text", ["5"])]
    assert told() == []


def test_a_number_read_after_the_column_below_it_comes_first_all_the_same() -> None:
    other = line(400, "Điều 2. Doanh nghiệp chịu trách nhiệm")
    assert told(block(BODY), block(line(60, "2")), block(other))[0] == ("margin", ["2"])


def test_a_number_beside_other_words_is_no_page_number() -> None:
    beside = line(65, "Mẫu số")
    assert [kind for kind, _ in told(block(line(60, "2")), block(beside), block(BODY))] == ["text"] * 3
