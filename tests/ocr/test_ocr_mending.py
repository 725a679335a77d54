"""Signs the engine regularly takes for others are mended; letters, tones and digits never are."""

import pytest

from ocr.mending import mended


@pytest.mark.parametrize(
    ("read", "used"),
    [
        (["~", "Lưu:", "VT."], ["-", "Lưu:", "VT."]),
        (["~-", "Lưu:", "VT."], ["-", "Lưu:", "VT."]),
        (["~"], ["~"]),
        (["15", "~", "20"], ["15", "~", "20"]),
        (["378/TTr-ÐĐKĐĐ."], ["378/TTr-ĐĐKĐĐ."]),
        (["120", "m3⁄ngày"], ["120", "m3/ngày"]),
        (["'Tên", "chủ", "hồ", "sơ"], ["Tên", "chủ", "hồ", "sơ"]),
        (["'Tên'", "chủ"], ["'Tên'", "chủ"]),
        (["‘Một", "cửa’"], ["‘Một", "cửa’"]),
        (["“Một", "cửa", "liên", "thông"], ["“Một", "cửa", "liên", "thông"]),  # it may end in the next line
        (["Ốặng", "đữ", "LÚC", "8329"], ["Ốặng", "đữ", "LÚC", "8329"]),
    ],
)
def test_of_a_line(read: list[str], used: list[str]) -> None:
    assert mended(read, in_cell=False) == used


def test_in_a_cell_a_quotation_ends_where_the_cell_does() -> None:
    assert mended(["“Tường", "rào"], in_cell=True) == ["Tường", "rào"]
    assert mended(["“Tường", "rào”"], in_cell=True) == ["“Tường", "rào”"]
