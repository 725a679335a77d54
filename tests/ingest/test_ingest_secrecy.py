"""Marks of secrecy are seen where they stand alone and not where text merely speaks of secrets."""

import pytest

from ingest.secrecy import find_mark, mark_in
from ocr.page import Block, Box, Line, PageText, Word

BOX = Box(0, 0, 10, 10)


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("MẬT", "mat"),
        ("MẶT", "mat"),  # a tone misread
        ("| MẬT |", "mat"),
        ("TỐI MẬT", "toi-mat"),
        ("TUYỆT MẬT", "tuyet-mat"),
        ("ĐỘ MẬT: TỐI MẬT", "toi-mat"),
        ("KHÔNG ĐƯỢC SAO", "khong-duoc-sao"),
        ("KHÔNG ĐƯỢC SAO CHỤP", "khong-duoc-sao"),
        ("mật", None),
        ("Bảo vệ bí mật nhà nước", None),
        ("MẬT ĐỘ XÂY DỰNG", None),
        ("QUYẾT ĐỊNH", None),
        ("", None),
    ],
)
def test_a_mark_is_a_line_of_its_own_in_capitals(line: str, slug: str | None) -> None:
    assert mark_in(line) == slug


def _page(*lines: str) -> PageText:
    read = tuple(Line(tuple(Word(w, w, 0.9, BOX) for w in text.split()), BOX) for text in lines)
    return PageText(100, 100, 200.0, 0, 0.0, (Block("text", read, BOX),))


def _spaced(*words: tuple[str, int]) -> PageText:
    line = Line(tuple(Word(text, text, 0.9, Box(x, 10, 12 * len(text), 20)) for text, x in words), BOX)
    return PageText(1000, 100, 200.0, 0, 0.0, (Block("text", (line,), BOX),))


def test_a_mark_on_any_page_is_found_with_its_page() -> None:
    assert find_mark([(1, _page("QUYẾT ĐỊNH")), (3, _page("Điều 1", "TỐI MẬT"))]) == (3, "toi-mat")
    assert find_mark([(1, _page("Điều 1. Bảo vệ bí mật"))]) is None


def test_a_stamp_read_in_one_line_with_other_words_is_told_by_the_gap() -> None:
    beside = _spaced(("TUYỆT", 0), ("MẬT", 66), ("CỘNG", 400), ("HÒA", 456))
    assert find_mark([(1, beside)]) == (1, "tuyet-mat")


def test_a_word_of_a_running_line_is_no_mark() -> None:
    running = _spaced(("BÍ", 0), ("MẬT", 30), ("NHÀ", 72), ("NƯỚC", 114))
    assert find_mark([(1, running)]) is None
