"""Which copy may be issued: the rules against a table written by hand from the law, every combination of it."""

import csv
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.effects import EffectState, State
from archive.record import SourceForm, SourceStatus
from search_api.copies.eligibility import RULES, CopyCase, issuable_kinds, judge, verdict_of
from search_api.copies.model import Capacity, CopyKind

TABLE = Path(__file__).parent / "assets" / "copy_verdicts.csv"
TODAY = date(2026, 11, 24)
VALUES: dict[str, tuple[str, ...]] = {
    "kind": get_args(CopyKind),
    "source_status": get_args(SourceStatus),
    "source_form": get_args(SourceForm),
    "book_entry": ("yes", "no"),
    "effect": get_args(State),
    "bar": ("none", "mode-03", "level-3", "level-4", "prohibited", "held"),
}
BARS: dict[str, dict[str, Any]] = {
    "none": {},
    "mode-03": {"access_mode": "03"},
    "level-3": {"sensitivity_level": 3},
    "level-4": {"sensitivity_level": 4},
    "prohibited": {"copy_prohibition": "không được sao chụp"},
    "held": {"holds": 1},
}
GOOD = CopyCase(
    record_state="accepted",
    access_mode="02",
    sensitivity_level=2,
    source_form="paper",
    source_status="authentic",
    original_book_body="Sở A",
    original_book="Sổ cấp phép 2019",
    original_number="15",
    copy_prohibition=None,
    holds=0,
    effect=EffectState(True, "in-force"),
    capacity="officer",
    requester_is_holder=None,
    proof=False,
    dossier=False,
    purpose="giải quyết hồ sơ",
)


def case_of(combination: dict[str, str]) -> CopyCase:
    entry = {} if combination["book_entry"] == "yes" else {"original_number": None}
    return replace(
        GOOD,
        source_status=combination["source_status"],
        source_form=combination["source_form"],
        effect=EffectState(combination["effect"] == "in-force", combination["effect"]),  # type: ignore[arg-type]
        **entry,
        **BARS[combination["bar"]],
    )


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def combinations(row: dict[str, str]) -> list[dict[str, str]]:
    cells = [VALUES[name] if row[name] == "*" else tuple(row[name].split("|")) for name in VALUES]
    return [dict(zip(VALUES, combination, strict=True)) for combination in product(*cells)]


def test_the_table_says_one_thing_of_every_combination() -> None:
    covered = Counter(tuple(c.values()) for row in rows() for c in combinations(row))
    assert set(covered) == set(product(*VALUES.values()))
    assert set(covered.values()) == {1}
    assert all(row["citation"] for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['kind']}-{row['verdict']}-{row['source_form']}")
def test_every_row_of_the_table_is_the_verdict(row: dict[str, str]) -> None:
    for combination in combinations(row):
        failing = judge(combination["kind"], case_of(combination), on=TODAY)  # type: ignore[arg-type]
        found = failing[0].rule if failing else "allowed"
        assert found == row["verdict"], combination


def test_every_rule_that_fails_is_told_with_its_citation_and_both_sentences() -> None:
    case = replace(GOOD, source_status="unknown", holds=2, effect=EffectState(False, "revoked"), purpose=" ")
    failing = judge("office-copy", case, on=TODAY)
    assert [one.rule for one in failing] == ["not-held", "source-known", "in-force", "purpose-stated"]
    for one in failing:
        assert all((one.citation, one.vi, one.en))
        assert one.mark in ("V", "S")


def test_each_rule_is_named_once_and_in_words_of_both_languages() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.vi.endswith(".") and rule.en.endswith(".") and rule.citation for rule in RULES)
    with pytest.raises(KeyError):
        verdict_of("no-such-rule", TODAY)


@pytest.mark.parametrize("state", ["reserved", "candidate", "returned", "destroyed", "withdrawn", "void"])
def test_only_what_is_kept_is_copied(state: str) -> None:
    assert judge("office-copy", replace(GOOD, record_state=state), on=TODAY)[0].rule == "record-accepted"


@pytest.mark.parametrize("state", ["accepted", "due", "proposed", "approved"])
def test_a_record_on_its_way_to_destruction_is_still_whole(state: str) -> None:
    assert judge("office-copy", replace(GOOD, record_state=state), on=TODAY) == ()


@pytest.mark.parametrize(
    ("capacity", "is_holder", "proof", "dossier", "has"),
    [
        ("holder", True, False, False, True),
        ("holder", False, True, False, False),  # a paper does not make another party the holder
        ("holder", None, True, False, True),
        ("holder", None, False, False, False),
        ("representative", None, False, True, False),
        ("representative", None, True, False, True),
        ("relative", True, False, False, False),
        ("relative", None, True, False, True),
        ("agency", None, False, True, True),
        ("agency", None, True, False, True),
        ("agency", None, False, False, False),
        ("officer", None, False, False, True),
    ],
)
def test_who_asks_shows_by_what_right(
    capacity: Capacity, is_holder: bool | None, proof: bool, dossier: bool, has: bool
) -> None:
    case = replace(GOOD, capacity=capacity, requester_is_holder=is_holder, proof=proof, dossier=dossier)
    assert [one.rule for one in judge("office-copy", case, on=TODAY)] == (
        [] if has else ["requester-has-capacity"]
    )


@pytest.mark.parametrize("name", ["original_book_body", "original_book", "original_number"])
@pytest.mark.parametrize("missing", [None, "", "  "])
def test_an_entry_of_the_original_book_is_body_book_and_number(name: str, missing: str | None) -> None:
    case = replace(GOOD, **{name: missing})
    assert issuable_kinds(GOOD, on=TODAY) == ("office-copy", "original-book-copy")
    assert issuable_kinds(case, on=TODAY) == ("office-copy",)
    assert judge("original-book-copy", case, on=TODAY)[0].rule == "original-book-entry"


@given(
    kind=st.sampled_from(get_args(CopyKind)),
    form=st.sampled_from(get_args(SourceForm)),
    effect=st.sampled_from(get_args(State)),
    level=st.integers(1, 4),
    holds=st.integers(0, 2),
)
def test_an_unknown_source_is_never_copied(
    kind: CopyKind, form: Any, effect: State, level: int, holds: int
) -> None:
    case = replace(
        GOOD,
        source_status="unknown",
        source_form=form,
        effect=EffectState(effect == "in-force", effect),
        sensitivity_level=level,
        holds=holds,
    )
    assert "source-known" in [one.rule for one in judge(kind, case, on=TODAY)]
