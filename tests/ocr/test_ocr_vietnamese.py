"""What can be a Vietnamese syllable and what cannot; everything else keeps its right to be written."""

import pytest

from console.samples.plans import PLANS
from console.samples.write import make_sample
from ocr.vietnamese import is_syllable, kind_of

SYLLABLES = (
    "quốc quyết quý quỳnh quít quạnh giếng giữ gìn gì nghiệp nghĩa khuya khuỷu huỳnh ngoằn ngoèo thuở quở xoong "
    "người trường hoà hòa thuỷ thủy yêu yến uỷ ủy Ủy ĐIỀU oanh êm ốc ướt ươn kẹo cũng ghế Đắk Kạn"
)


@pytest.mark.parametrize("word", SYLLABLES.split())
def test_syllables_of_every_build_are_known(word: str) -> None:
    assert kind_of(word) == "syllable"


@pytest.mark.parametrize("word", ["NÑTS", "Ốặng", "hôap", "đuờg", "khúaa", "tỗc", "mạcp", "ngẽt", "ghầu", "ngế"])
def test_marked_letters_that_no_syllable_has_together_are_impossible(word: str) -> None:
    assert kind_of(word) == "impossible"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("(2015),", "number"),
        ("1.234,5", "number"),
        ("12/GP-BTNMT", "code"),
        ("000.00.19.H56-201125-0007", "code"),
        ("UBND", "other"),
        ("HĐND", "other"),
        ("photocopy", "other"),
        ("-", "other"),
        ("./.", "other"),
        ("«Điều", "syllable"),
    ],
)
def test_other_words_are_told_apart(word: str, kind: str) -> None:
    assert kind_of(word) == kind


def test_a_stopped_rhyme_takes_two_tones_only() -> None:
    assert is_syllable("các")
    assert is_syllable("cạc")
    assert not any(is_syllable(word) for word in ("cac", "càc", "cảc", "cãc"))


def test_no_word_of_an_administrative_paper_is_impossible() -> None:
    papers = [make_sample(number, 3, plan) for number, plan in enumerate(PLANS[:6])]
    words = [word for paper in papers for text in paper.printed.texts for word in text.split()]
    assert len(words) > 3_000
    assert {word for word in words if kind_of(word) == "impossible"} <= {
        "nitơ"
    }  # a word of two syllables, borrowed
