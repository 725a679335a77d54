"""Confidence as a share of right words, and what makes a page one to look at."""

import pytest

from ocr.confidence import chance_right
from ocr.doubt import IMPOSSIBLE, UNSURE, WORDS, doubts_of, verdict_of
from ocr.page import Block, Box, Line, PageText, Word

BOX = Box(0, 0, 10, 10)


def page(*said: tuple[str, float]) -> PageText:
    words = tuple(Word(text, text, confidence, BOX) for text, confidence in said)
    blocks = (Block("text", (Line(words, BOX),), BOX),) if words else ()
    return PageText(100, 100, 200.0, 0, 0.0, blocks)


def test_more_confidence_is_never_worth_less() -> None:
    shares = [chance_right("Điều", step / 100, "tesseract") for step in range(101)]
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == 1.0


def test_an_engine_without_a_curve_is_believed() -> None:
    assert chance_right("Điều", 0.7512345, "another") == 0.7512


@pytest.mark.parametrize("text", ["Ốặng", "m2", "(m3/ngày)", "m?"])
def test_what_cannot_be_so_or_cannot_be_told_is_worth_half(text: str) -> None:
    assert chance_right(text, 0.9, "another") == 0.45


@pytest.mark.parametrize("text", ["UBND", "12/GP-BTNMT", "mm", "m", "2m"])
def test_other_words_keep_their_worth(text: str) -> None:
    assert chance_right(text, 0.9, "another") == 0.9


def test_a_page_read_with_confidence_is_good() -> None:
    assert doubts_of(page(*[("Điều", 0.98)] * 50, ("Ốặng", 0.4), ("1.", 0.5))) == ()
    assert doubts_of(page()) == ()
    assert verdict_of(failed=False, doubts=()) == "good"


def test_a_page_with_many_unsure_words_is_to_be_looked_at() -> None:
    doubts = doubts_of(page(*[("Điều", 0.98)] * 40, *[("gì", 0.3)] * 5))
    assert doubts == (UNSURE,)
    assert verdict_of(failed=False, doubts=doubts) == "review"


def test_a_page_with_impossible_syllables_is_to_be_looked_at_however_sure() -> None:
    assert doubts_of(page(*[("Điều", 0.999)] * 80, *[("tỗc", 0.99)] * 3)) == (IMPOSSIBLE,)


def test_a_page_that_could_not_be_read_is_unreadable() -> None:
    assert verdict_of(failed=True, doubts=()) == "unreadable"


def test_every_doubt_has_its_words() -> None:
    assert set(WORDS) == {UNSURE, IMPOSSIBLE}
