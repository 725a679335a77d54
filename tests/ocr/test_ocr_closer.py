"""A closer look at pixels tells raised digits, strokes of numerals and spaces; else nothing changes."""

from collections.abc import Sequence

import numpy as np
import pytest
import scans
from PIL import Image, ImageDraw, ImageFont

from ocr.closer import looked_closer
from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawWord
from ocr.page import Box
from ocr.reading import read_prepared

SIZE = 32  # of 14 pt print at 170 dpi
APART = 40  # at which no letters of these faces touch but bold ones


def drawn(
    text: str,
    said: str,
    *,
    kind: str = "text",
    at: tuple[int, int] = (60, 40),
    font: str = scans.FONT,
    size: int = SIZE,
) -> tuple[RawBlock, np.ndarray]:
    """Print a text and claim that the engine read it as some words."""
    return together([(text, said, at)], kind=kind, font=font, size=size)


def together(
    printed: Sequence[tuple[str, str, tuple[int, int]]],
    *,
    kind: str = "text",
    font: str = scans.FONT,
    size: int = SIZE,
) -> tuple[RawBlock, np.ndarray]:
    page = Image.new("L", (700, 60 + 60 * len(printed)), 255)
    pen, face = ImageDraw.Draw(page), ImageFont.truetype(font, size)
    lines = []
    for text, said, at in printed:
        pen.text(at, text, font=face, fill=0)
        left, top, right, bottom = (int(edge) for edge in pen.textbbox(at, text, font=face))
        box = Box(left - 1, top - 1, right - left + 2, bottom - top + 2)
        lines.append(RawLine((RawWord(said, 0.6, box),), box))
    return RawBlock(kind, tuple(lines), Box.around(line.box for line in lines)), np.asarray(page)  # type: ignore[arg-type]


def told(block: RawBlock, grey: np.ndarray) -> list[str]:
    (found,) = looked_closer([block], grey)
    return [word.seen or word.text for line in found.lines for word in line.words]


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("m²", "m2"),
        ("m³", "m3"),
        ("km²;", "km2;"),
        ("(m³)", "(m3)"),
        ("m³/ngày", "m3/ngày"),
        ("m³/năm.", "m3/năm."),
    ],
)
def test_a_raised_digit_is_told_from_a_plain_one(printed: str, said: str) -> None:
    assert told(*drawn(printed, said)) == [printed]
    assert told(*drawn(said, said)) == [said]


@pytest.mark.parametrize("face", ["Serif-Regular", "Serif-Italic", "Sans-Regular", "Serif-Bold"])
@pytest.mark.parametrize(("dotted", "hooked"), [("chi", "chỉ"), ("chi,", "chỉ,"), ("ic", "ỉc")])
def test_a_dot_is_told_from_a_hook_and_a_hook_is_never_lost(face: str, dotted: str, hooked: str) -> None:
    font = scans.FONT.replace("Serif-Regular", face)
    assert told(*drawn(hooked, hooked, font=font, size=APART)) == [hooked]
    expected = hooked if "Bold" in face else dotted
    assert told(*drawn(dotted, hooked, font=font, size=APART)) == [expected]


def test_letters_that_touch_are_left_as_they_were_read() -> None:
    block, grey = drawn("chi", "chỉ")
    bridged = grey.copy()
    bridged[block.box.y + block.box.height - 4, block.box.x : block.box.x + block.box.width] = 0
    assert told(block, bridged) == ["chỉ"]


def test_what_was_read_stays_beside_what_is_seen() -> None:
    (found,) = looked_closer([drawn("m²", "m2")[0]], drawn("m²", "m2")[1])
    (word,) = found.lines[0].words
    assert (word.text, word.seen, word.confidence) == ("m2", "m²", 0.6)


@pytest.mark.parametrize(("number", "unit"), [("4", "mm"), ("12,5", "km"), ("110", "kV"), ("1", "ha")])
def test_a_number_and_its_unit_are_two_words_where_there_is_a_space(number: str, unit: str) -> None:
    assert told(*drawn(f"{number} {unit}", number + unit)) == [number, unit]
    assert told(*drawn(number + unit, number + unit)) == [number + unit]


def test_the_halves_of_a_word_share_its_box() -> None:
    block, grey = drawn("4 mm", "4mm")
    (found,) = looked_closer([block], grey)
    first, second = found.lines[0].words
    whole = block.lines[0].box
    assert (first.box.x, second.box.x + second.box.width) == (whole.x, whole.x + whole.width)
    assert first.box.x + first.box.width == second.box.x


NUMERALS = [
    ("IV", "IV"),
    ("III", "IH"),
    ("II", "H"),
    ("I", "I"),
    ("III", "II"),
    ("II", "I"),
    ("V", "V"),
    ("III", "HI"),
]


def column(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str, tuple[int, int]]]:
    return [(text, said, (60, 30 + 60 * at)) for at, (text, said) in enumerate(rows)]


def test_strokes_of_numerals_are_counted_in_a_column_of_them() -> None:
    assert told(*together(column(NUMERALS), kind="table")) == [text for text, _ in NUMERALS]


def test_outside_a_table_and_in_a_column_of_other_words_they_are_not() -> None:
    assert told(*together(column(NUMERALS), kind="text")) == [said for _, said in NUMERALS]
    others = [("H", "H"), ("Khá", "Khá"), ("II", "H"), ("Tốt", "Tốt"), ("III", "IH")]
    assert told(*together(column(others), kind="table")) == [said for _, said in others]


def test_a_column_of_digits_stays_digits() -> None:
    digits = [(str(n), str(n)) for n in (1, 2, 11, 4, 1, 111)]
    assert told(*together(column(digits), kind="table")) == [said for _, said in digits]


@pytest.mark.parametrize("said", ["m2", "4mm", "III"])
def test_where_there_is_nothing_to_see_nothing_changes(said: str) -> None:
    block, grey = drawn("m²", said, kind="table")
    assert told(block, np.full_like(grey, 255)) == [said]
    outside = RawBlock(
        "table", (RawLine((RawWord(said, 0.6, Box(690, 55, 40, 90)),), Box(690, 55, 40, 90)),), block.box
    )
    assert told(outside, grey) == [said]


def test_the_engine_needs_it(tesseract: OcrEngine) -> None:
    lines = ("Diện tích 120 m² đất và 35 m³ nước", "Diện tích 120 m2 đất và 35 m3 nước")
    page = PreparedPage(np.asarray(scans.page(lines, size=(900, 300))), 150.0, "ab" * 32)
    read = read_prepared(page, tesseract).blocks
    words = [w.seen or w.text for b in looked_closer(read, page.image) for line in b.lines for w in line.words]
    assert words == " ".join(lines).split()
