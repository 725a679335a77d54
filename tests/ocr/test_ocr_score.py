"""The measures by which reading is judged, on texts whose errors can be counted by hand."""

import pytest
from score import Bin, Errors, calibration, errors_of, in_order

from ocr.page import Box, Word
from ocr.vietnamese import bare


def test_errors_are_counted_over_all_pages_with_and_without_marks() -> None:
    found = errors_of([("Uy ban nhân dân", "Ủy ban nhân dân"), ("xã Đồng Sn thừa", "xã Đồng Sen")])
    assert found == Errors(
        edits=1 + 6,
        letters=15 + 11,
        bare_edits=0 + 6,
        word_edits=1 + 2,
        words=4 + 3,
        shared=3 + 2,
        read_words=4 + 4,
    )
    assert (found.cer, found.bare_cer, found.wer) == (7 / 26, 6 / 26, 3 / 7)
    assert (found.recall, found.precision) == (5 / 7, 5 / 8)


def test_order_changes_the_errors_and_not_what_was_found() -> None:
    found = errors_of([("Nơi nhận: GIÁM ĐỐC", "GIÁM ĐỐC Nơi nhận:")])
    assert (found.recall, found.precision) == (1.0, 1.0)
    assert found.cer > 0.5


def test_what_is_read_on_a_blank_page_is_all_wrong() -> None:
    assert errors_of([("mmm", "")]) == Errors(edits=3, bare_edits=3, word_edits=1, read_words=1)
    assert errors_of([("", "")]) == Errors()


def test_a_text_is_bare_without_tones_marks_and_strokes() -> None:
    assert bare("Đường Ưng Đề") == "Duong Ung De"


def _said(*words: tuple[str, float]) -> list[Word]:
    return [Word(text, text, sure, Box(0, 0, 1, 1)) for text, sure in words]


def test_confidence_that_is_as_often_right_as_it_says_has_no_error() -> None:
    half = _said(("một", 0.5), ("sai", 0.5))
    found = calibration([(half, "một hai")])
    assert (found.words, found.right, found.expected_error, found.auroc) == (2, 0.5, 0.0, 0.5)


def test_confidence_that_tells_right_from_wrong_is_seen_to() -> None:
    found = calibration([(_said(("một", 1.0), ("hai", 0.8), ("sai", 0.2), ("ba", 0.1)), "một hai bốn ba")])
    assert found.right == 0.75
    assert found.expected_error == pytest.approx((0.0 + 0.2 + 0.2 + 0.9) / 4)
    assert found.auroc == pytest.approx(2 / 3)


def test_the_diagram_has_what_was_said_and_what_was_right_of_each_range_that_has_words() -> None:
    read = _said(("một", 1.0), ("hai", 0.995), ("sai", 0.985), ("ba", 0.1))
    found = calibration([(read, "một hai bốn ba")])
    assert found.diagram == (Bin(1, 0.1, 1.0), Bin(1, 0.985, 0.0), Bin(1, 0.995, 1.0), Bin(1, 1.0, 1.0))


def test_words_in_another_order_are_found_but_not_in_order() -> None:
    truth = "Nơi nhận Lưu VT GIÁM ĐỐC Bùi Bích Ái"
    assert in_order(truth, truth) == 1.0
    assert in_order("GIÁM ĐỐC Bùi Bích Ái Nơi nhận Lưu VT", truth) < 0.6
    assert in_order("", truth) == 1.0
