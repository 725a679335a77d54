"""Strokes, specks and seal lettering are no text; on a page that is hard to read nothing is left out."""

from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.noise import without_noise
from ocr.page import Box

LINE = 24


def words(*said: tuple[str, float], height: int = LINE) -> RawBlock:
    found, x = [], 100
    for text, confidence in said:
        found.append(RawWord(text, confidence, Box(x, 100, 12 * len(text), height)))
        x += 12 * len(text) + 8
    box = Box.around(word.box for word in found)
    return RawBlock("text", (RawLine(tuple(found), box),), box)


SAID = "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm"
BODY = words(*((word, 0.96) for word in SAID.split()))


def left(*blocks: RawBlock) -> tuple[list[str], int]:
    kept, dropped = without_noise((BODY, *blocks))
    assert kept[0] == BODY
    return [word.text for block in kept[1:] for line in block.lines for word in line.words], dropped


def test_a_signature_is_left_out() -> None:
    assert left(words(("Ẩ\\", 0.28), ("\\»N", 0.32), height=4 * LINE)) == ([], 2)
    assert left(words(("ỜNN", 0.0))) == ([], 1)


def test_so_are_specks_and_rules_beside_words() -> None:
    assert left(words(("Thôn", 0.95), ("Chài", 0.95), ("_", 0.4))) == (["Thôn", "Chài"], 1)
    assert left(words(("Lưu:", 0.93), ("VT", 0.9), (":", 0.3))) == (["Lưu:", "VT"], 1)


def test_points_and_dashes_of_print_stay() -> None:
    said = (("-", 0.2), ("Lưu:", 0.93), ("VT;", 0.9))
    assert left(words(*said)) == (["-", "Lưu:", "VT;"], 0)
    assert left(words(("này", 0.9), ("./.", 0.9))) == (["này", "./."], 0)


def test_a_well_formed_word_among_others_stays_however_doubtful() -> None:
    assert left(words(("Tường", 0.05), ("rào", 0.9))) == (["Tường", "rào"], 0)
    assert left(words(("300,6", 0.2), ("m", 0.9))) == (["300,6", "m"], 0)


def test_a_large_heading_stays() -> None:
    assert left(words(("QUYẾT", 0.9), ("ĐỊNH", 0.9), height=3 * LINE)) == (["QUYẾT", "ĐỊNH"], 0)


def test_of_a_page_that_is_hard_to_read_nothing_is_left_out() -> None:
    poor = words(("Ẩ\\", 0.28), ("điều", 0.4), ("_", 0.1))
    assert without_noise((poor,)) == ((poor,), 0)


def test_nothing_stays_nothing() -> None:
    assert without_noise(()) == ((), 0)
