"""The scoring of readings: exact on small cases, and a page is found where it belongs in a longer text."""

import pytest
import score

WHOLE = " ".join(
    f"Điều {n}. Nội dung thứ {n} của văn bản về việc số {n * n}, quy định chi tiết." for n in range(1, 80)
)


def test_white_space_and_unicode_form_are_no_errors() -> None:
    assert score.cer("Cấp  phép\nsố 5", "Cấp phép số 5") == 0.0


def test_each_wrong_missing_or_extra_letter_is_one_edit() -> None:
    assert score.cer("cap phep", "cấp phép") == pytest.approx(2 / 8)
    assert score.cer("", "cấp") == 1.0
    assert score.cer("x", "") == 1.0
    assert score.cer("", "") == 0.0


def test_recall_forgives_order_but_not_absence() -> None:
    assert score.word_recall("phép giấy", "giấy phép") == 1.0
    assert score.word_recall("giấy", "giấy phép") == 0.5
    assert score.word_recall("giấy giấy", "giấy phép phép") == pytest.approx(1 / 3)


def test_a_page_is_held_against_its_own_passage() -> None:
    start = WHOLE.index("Điều 30.")
    passage = WHOLE[start : start + 900].strip()
    assert score.passage_of(passage, WHOLE) == passage
    assert score.score_within(passage, WHOLE) == score.Score(0.0, 1.0)


def test_errors_within_and_beyond_a_passage_are_counted() -> None:
    start = WHOLE.index("Điều 30.")
    passage = WHOLE[start : start + 900].strip()
    damaged = "TRANG 7 " + passage.replace("văn bản", "văn bàn")
    edits = 8 + passage.count("văn bản")
    assert score.score_within(damaged, WHOLE).cer == pytest.approx(edits / len(passage), rel=0.05)


def test_a_page_that_is_not_in_the_text_finds_no_passage() -> None:
    assert score.passage_of("một hai ba bốn năm sáu bảy tám chín mười", WHOLE) == ""
