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


def test_a_mark_on_any_page_is_found_with_its_page() -> None:
    assert find_mark([_page("QUYẾT ĐỊNH"), _page("Điều 1", "TỐI MẬT")]) == (2, "toi-mat")
    assert find_mark([_page("Điều 1. Bảo vệ bí mật")]) is None
