"""Rules are dated and cited; a file that cannot be used is refused by name; every rule has its words."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from ocr.errors import QualityRulesInvalid, ReadingError, by_code
from ocr.quality import words
from ocr.quality.image import ImageQuality
from ocr.quality.rules import MEASURES, SHIPPED, QualityRule, read_rules, shipped_rules
from ocr.quality.verdicts import Verdict

RULE = """[[rule]]
id = "own"
measure = "skew_deg"
kinds = ["document"]
comparison = "within"
threshold = 1.5
unit = "°"
in_force_from = 2026-01-01
in_force_until = 2026-12-31
citation = "Quy chế số hóa, điều 5"
mark = "good practice"
severity = "look"
"""


def read(tmp_path: Path, text: str) -> tuple[QualityRule, ...]:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return read_rules([path])


def test_a_rule_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, RULE)
    first, last, day = date(2026, 1, 1), date(2026, 12, 31), timedelta(days=1)
    assert [rule.holds_for("document", on) for on in (first - day, first, last, last + day)] == [
        False,
        True,
        True,
        False,
    ]
    assert not rule.holds_for("map", first)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('id = "own"', 'id = "Own rule"', "small letters"),
        ('measure = "skew_deg"', 'measure = "sharp"', "no measure sharp"),
        ('unit = "°"', 'unit = "mm"', "the unit of skew_deg is °"),
        ('kinds = ["document"]', 'kinds = ["letter"]', "kinds must be of"),
        ('kinds = ["document"]', "kinds = []", "kinds must be of"),
        ('kinds = ["document"]', 'kinds = "document"', "kinds is of a wrong type"),
        ('comparison = "within"', 'comparison = "about"', "comparison must be one of"),
        ("threshold = 1.5", 'threshold = "1.5"', "threshold is of a wrong type"),
        ("threshold = 1.5", "threshold = true", "threshold is of a wrong type"),
        ("threshold = 1.5\n", "", "threshold is missing"),
        ("in_force_from = 2026-01-01", "in_force_from = 2027-01-01", "ends before it begins"),
        ("in_force_from = 2026-01-01", "in_force_from = 2026-01-01T00:00:00", "in_force_from is of a wrong type"),
        ('citation = "Quy chế số hóa, điều 5"', 'citation = " "', "say where it is written"),
        ('mark = "good practice"', 'mark = "sure"', "mark must be one of"),
        ('severity = "look"', 'severity = "fatal"', "severity must be one of"),
        ('severity = "look"', 'severity = "look"\nnote = "x"', "note is no field of a rule"),
        ("[[rule]]", "[[rules]]", "holds [[rule]] tables"),
        ("[[rule]]", "[[rule", "own.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert before in RULE
    with pytest.raises(QualityRulesInvalid, match=r"own\.toml: ") as refused:
        read(tmp_path, RULE.replace(before, after))
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["", "rule = 3", "rule = [1]"])
def test_a_file_without_rules_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(QualityRulesInvalid):
        read(tmp_path, text)


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QualityRulesInvalid, match="two rules are named own"):
        read(tmp_path, RULE + RULE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QualityRulesInvalid, match="none"):
        read_rules([tmp_path / "none.toml"])


def test_the_error_crosses_the_jail_by_its_slug() -> None:
    crossed: ReadingError = by_code("quality-rules-invalid", "own.toml: rule own: unit is missing")
    assert isinstance(crossed, QualityRulesInvalid)
    assert str(crossed) == "own.toml: rule own: unit is missing"


def test_shipped_rules_are_cited_and_measure_what_is_measured() -> None:
    rules = shipped_rules()
    assert len(rules) == len(tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["rule"])
    assert {rule.measure for rule in rules} == set(MEASURES)
    of_documents = {"dpi_stated", "blank_front", "length_over_pct", "size_off_pct"}
    assert set(MEASURES) - of_documents <= set(ImageQuality.__dataclass_fields__)


@pytest.mark.parametrize(
    ("kind", "sector", "least"),
    [("document", None, 200), ("drawing", None, 300), ("map", None, 300), ("map", "environment", 400)],
)
def test_resolution_is_by_kind_and_sector(kind: str, sector: str | None, least: float) -> None:
    asked = [
        rule.threshold
        for rule in shipped_rules()
        if rule.measure == "dpi_claimed" and rule.holds_for(kind, date(2026, 3, 2), sector)  # type: ignore[arg-type]
    ]
    assert max(asked) == least


def test_every_rule_has_its_words_and_nothing_else_has() -> None:
    assert set(words.FAILURES) == {rule.slug for rule in shipped_rules()}
    for vietnamese, english in (*words.FAILURES.values(), *words.NOT_APPLICABLE.values()):
        assert vietnamese
        assert english
        assert vietnamese != english


def test_words_carry_the_value_with_each_languages_decimal_sign() -> None:
    failed = Verdict("border", "border_mm", 4.256, "mm", "at-most", 3.0, "fail", "look", "quality-border")
    vietnamese, english = words.sentences(failed)
    assert "4,26 mm" in vietnamese
    assert "4.26 mm" in english
    assert "at most 3:" in english


def test_every_unit_is_told_in_both_languages() -> None:
    for comparison, sign in (("at-least", "≥"), ("at-most", "≤"), ("within", "±")):
        for unit in MEASURES.values():
            verdict = Verdict("own", "m", 1.0, unit, comparison, 1.5, "fail", "look")  # type: ignore[arg-type]  # its words
            told = {language: words.threshold_of(verdict, language) for language in ("vi", "en")}
            assert told["vi"].startswith(f"{sign} 1,5")
            assert told["en"].startswith(f"{sign} 1.5")
            assert (told["vi"].split()[2:] == told["en"].split()[2:]) == (unit not in words.UNITS)
    assert words.UNITS.keys() <= set(MEASURES.values())


def test_an_agencys_own_rule_is_told_by_its_slug() -> None:
    failed = Verdict("own", "skew_deg", 1.9, "°", "within", 1.5, "fail", "look", "quality-own")
    assert words.sentences(failed) == ("quality-own", "quality-own")


def test_the_table_of_the_documents_has_every_shipped_rule() -> None:
    table = (Path(__file__).parents[2] / "docs/quality.md").read_text(encoding="utf-8")
    for rule in shipped_rules():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{rule.id}` |"))
        number = f"{rule.threshold:g}"
        assert f"`{rule.measure}`" in row
        assert f" {number} " in row
        assert rule.in_force_from.isoformat() in row
        assert f"| {rule.severity} |" in row
