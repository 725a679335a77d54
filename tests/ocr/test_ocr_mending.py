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


@pytest.mark.parametrize("read", ["mgil", "mg/1", "mgi1", "mgl1", "mg/I", "mg/l"])
def test_milligrams_a_litre_are_two_strokes_after_mg(read: str) -> None:
    assert mended([f"({read});"], in_cell=False) == ["(mg/l);"]


@pytest.mark.parametrize("read", ["mg", "mg/m3", "mg/kg", "mgil1"])
def test_other_units_stay(read: str) -> None:
    assert mended([read], in_cell=True) == [read]


def test_in_a_cell_a_quotation_ends_where_the_cell_does() -> None:
    assert mended(["“Tường", "rào"], in_cell=True) == ["Tường", "rào"]
    assert mended(["“Tường", "rào”"], in_cell=True) == ["“Tường", "rào”"]
