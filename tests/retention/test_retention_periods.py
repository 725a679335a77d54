"""How long a record is kept: the counting rule, dated rules, and locks that only grow."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.record import Description, Retention
from retention.errors import ScheduleInvalid
from retention.locks import LockSettings, candidate_lock, full_lock, renewed_lock
from retention.periods import PERMANENT, Years, keep_until
from retention.schedule import read_schedule, retention_of, rule_for, shipped_schedule

RULES = shipped_schedule()
SETTINGS = LockSettings()
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_the_period_counts_from_the_year_the_work_ends() -> None:
    assert keep_until(date(2020, 3, 5), Years(10)) == date(2030, 12, 31)
    assert keep_until(date(2020, 12, 31), Years(10)) == date(2030, 12, 31)


def test_a_result_still_valid_is_kept_to_the_end_of_its_validity() -> None:
    assert keep_until(date(2020, 3, 5), Years(10), valid_until=date(2044, 6, 1)) == date(2044, 6, 1)


def test_permanent_has_no_last_day() -> None:
    assert keep_until(date(2020, 3, 5), PERMANENT) == PERMANENT


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(2, 69))
def test_a_longer_period_never_ends_earlier(closed_on: date, years: int) -> None:
    assert keep_until(closed_on, Years(years)) < keep_until(closed_on, Years(years + 1))  # type: ignore[operator]


def test_a_declared_class_picks_its_rule_and_citation() -> None:
    found = retention_of(RULES, Description(), retention_class="05", closed_on=date(2019, 6, 1))
    assert found == Retention(
        "05",
        date(2039, 12, 31),
        False,
        "class-05",
        "Luật Lưu trữ Điều 15; Thông tư 05/2025/TT-BNV, mã 05 (20 năm)",
        "S",
    )


def test_permanent_class_is_permanent() -> None:
    found = retention_of(RULES, Description(), retention_class="01", closed_on=date(2019, 6, 1))
    assert (found.permanent, found.keep_until) == (True, None)


def test_an_open_file_has_unknown_retention() -> None:
    found = retention_of(RULES, Description(), retention_class="05", closed_on=None)
    assert (found.permanent, found.keep_until, found.rule) == (False, None, None)


def test_a_rule_marked_unverified_is_named_but_not_trusted() -> None:
    found = retention_of(RULES, Description(document_type="32"), retention_class=None, closed_on=date(2024, 1, 1))
    assert (found.keep_until, found.rule, found.mark) == (None, "licences-unverified", "U")


def test_a_rule_not_in_force_on_the_closing_day_is_not_used() -> None:
    plan = Description(document_type="10")
    assert rule_for(RULES, plan, retention_class=None, closed_on=date(2020, 1, 1)) is None
    assert rule_for(RULES, plan, retention_class=None, closed_on=date(2024, 1, 1)) is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[rules]]\nid="a"\nyears=3\nmark="S"\ncitation="x"\n', "from is missing"),
        ('[[rules]]\nid="a"\nmark="S"\ncitation="x"\nfrom=2020-01-01\n', "either years or permanent"),
        ('[[rules]]\nid="a"\nyears=71\nmark="S"\ncitation="x"\nfrom=2020-01-01\n', "years must be"),
        ('[[rules]]\nid="a"\nyears=3\nmark="X"\ncitation="x"\nfrom=2020-01-01\n', "mark must be"),
        ("[[rules]", "Expected"),
    ],
)
def test_a_bad_schedule_is_refused_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(ScheduleInvalid, match=reason):
        read_schedule([path])


def test_the_full_lock_ends_when_the_last_legal_day_has_passed() -> None:
    kept = Retention("05", date(2046, 12, 31), False, "r", "c", "S")
    assert full_lock(NOW, kept, SETTINGS) == datetime(2046, 12, 31, 17, 0, tzinfo=UTC)


def test_unknown_retention_keeps_the_short_lock() -> None:
    assert full_lock(NOW, Retention(None, None, False, None, None, None), SETTINGS) == candidate_lock(
        NOW, SETTINGS
    )


def test_a_last_day_already_past_keeps_the_short_lock() -> None:
    past = Retention("06", date(2020, 12, 31), False, "r", "c", "S")
    assert full_lock(NOW, past, SETTINGS) == candidate_lock(NOW, SETTINGS)


def test_a_rolling_lock_is_renewed_only_when_it_is_due() -> None:
    assert renewed_lock(NOW, NOW + timedelta(days=31), permanent=False, settings=SETTINGS) is None
    renewed = renewed_lock(NOW, NOW + timedelta(days=30), permanent=False, settings=SETTINGS)
    assert renewed == NOW + timedelta(days=90)
    assert renewed_lock(NOW, NOW, permanent=True, settings=SETTINGS) == NOW + timedelta(days=3650)
