"""What an office stamps on a page is told by its words, and running text that speaks of it is not."""

import pytest

from ocr.stamp_words import is_stamps


@pytest.mark.parametrize(
    "lines",
    [
        ("CÔNG VĂN ĐẾN", "Số: 0123", "Ngày: 05/6/2020"),
        ("ĐẾN", "Số: 0123", "Ngày: 05/6/2020", "Chuyển: Phòng ĐKĐĐ"),
        ("SAO Y",),
        ("SAO Y BẢN CHÍNH", "Ngày 05 tháng 6 năm 2020"),
        ("SAOY BẢN CHÍNH",),
        ("TÓI MẬT",),
        ("HỎA TỐC",),
    ],
)
def test_a_stamps_words_are_known_with_lost_tones_and_spaces_too(lines: tuple[str, ...]) -> None:
    assert is_stamps(lines)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Công văn đến", "Số: 0123"),
        ("ĐẾN",),
        ("ĐẾN NĂM 2030", "Số: 15/QĐ-UBND"),
        ("SAO Y BẢN CHÍNH VÀ GỬI CÁC ĐƠN VỊ",),
        ("QUYẾT ĐỊNH", "Số: 15/QĐ-UBND"),
        ("MẬT", *["một dòng"] * 6),
    ],
)
def test_other_words_are_no_stamp(lines: tuple[str, ...]) -> None:
    assert not is_stamps(lines)
