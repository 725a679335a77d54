"""The QR symbol: drawn module for module, of one size on pages of any unit, refused where it can't be read."""

import re

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.pades.font import cut, find_font
from archive.pades.stamp import MarkDoesNotFit, MarkPlace
from archive.pades.symbol import (
    MODULE_PT_MIN,
    QUIET_MODULES,
    SIDE_PT,
    Symbol,
    draw_symbol,
    symbol_size,
)

SERIAL = "k5x2q7abcdefghijklmnop2345"
URL = f"https://xacminh.gola.example.vn/v/{SERIAL}"
WIDTH, HEIGHT = symbol_size()


def drawn(content: str = URL, *, serial: str = SERIAL, unit_pt: float = 1.0, width: float = WIDTH) -> str:
    place = MarkPlace(10, 20, 10 + width / unit_pt, 20 + HEIGHT / unit_pt)
    symbol = Symbol(content, serial, place)
    return draw_symbol(symbol, cut(find_font(), symbol.letters), unit_pt=unit_pt).content.decode()


def squares(content: str) -> list[tuple[int, int, int]]:
    found = re.findall(r"^(\d+) (\d+) (\d+) 1 re$", content, re.M)
    return [(int(x), int(y), int(run)) for x, y, run in found]


def module_of(content: str) -> float:
    (found,) = re.findall(r"^(\S+) 0 0 \1 \S+ \S+ cm$", content, re.M)
    return float(found)


@settings(max_examples=30, deadline=None)
@given(content=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=150))
def test_the_rectangles_are_the_dark_modules_and_no_other(content: str) -> None:
    wanted = segno.make_qr(content, error="m").matrix
    dark = {
        (x, len(wanted) - 1 - row) for row, line in enumerate(wanted) for x, is_dark in enumerate(line) if is_dark
    }
    given_out = [(x + step, y) for x, y, run in squares(drawn(content)) for step in range(run)]
    assert len(given_out) == len(set(given_out)), "none is painted twice"
    assert set(given_out) == dark


def test_error_correction_is_m_or_better_and_the_size_that_of_a_full_symbol() -> None:
    for content in (SERIAL, URL, "https://" + "a" * 140):
        code = segno.make_qr(content, error="m")
        assert code.error in "MQH"
        modules = len(code.matrix) + 2 * QUIET_MODULES
        assert module_of(drawn(content)) == pytest.approx(SIDE_PT / modules, abs=1e-4)
        assert module_of(drawn(content)) >= MODULE_PT_MIN


def test_a_page_in_larger_units_shows_it_in_the_same_size() -> None:
    assert module_of(drawn(unit_pt=2.0)) == pytest.approx(module_of(drawn()) / 2, abs=1e-4)


@pytest.mark.parametrize(
    "asked", [{"content": "a" * 200}, {"width": WIDTH - 1}, {"serial": "m" * 32}, {"serial": "a" * 60}]
)
def test_what_could_not_be_read_or_would_leave_its_place_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(MarkDoesNotFit):
        drawn(**asked)  # type: ignore[arg-type]
