"""Dated retention rules with their legal citation, read from TOML; the file's closing day picks the rule.

A rule answers for a retention class (the maintenance code an archivist declared) or, where none is declared,
for a document type. Rules marked [U] are loaded but never trusted with a full lock: a record resting on one
keeps the short rolling lock and stands on a list.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from archive.record import Description, Retention
from retention.errors import ScheduleInvalid
from retention.periods import PERMANENT, Period, Permanent, Years, keep_until

SHIPPED = Path(__file__).with_name("schedules")
LAST_ORDINARY_YEAR = 70  # Luật Lưu trữ 33/2024 Điều 15: 2-70 years or permanent


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a schedule. valid_from/valid_until: the days on which it may be applied."""

    id: str
    period: Period
    citation: str
    mark: Literal["V", "S", "U"]
    valid_from: date
    valid_until: date | None
    retention_class: str | None
    document_type: str | None
    subject_contains: str | None

    def in_force(self, on: date) -> bool:
        """Whether the rule may be applied to a file closed that day."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


def _rule(path: Path, row: dict[str, Any]) -> Rule:
    try:
        years = row.get("years")
        if (years is None) == (not row.get("permanent", False)):
            raise ScheduleInvalid(path.name, f"rule {row.get('id')}: give either years or permanent")
        if years is not None and not 1 <= years <= LAST_ORDINARY_YEAR:
            raise ScheduleInvalid(path.name, f"rule {row['id']}: years must be 1-{LAST_ORDINARY_YEAR}")
        if row["mark"] not in ("V", "S", "U"):
            raise ScheduleInvalid(path.name, f"rule {row['id']}: mark must be V, S or U")
        return Rule(
            id=row["id"],
            period=PERMANENT if years is None else Years(years),
            citation=row["citation"],
            mark=row["mark"],
            valid_from=row["from"],
            valid_until=row.get("until"),
            retention_class=row.get("retention_class"),
            document_type=row.get("document_type"),
            subject_contains=row.get("subject_contains"),
        )
    except KeyError as error:
        raise ScheduleInvalid(path.name, f"rule {row.get('id')}: {error.args[0]} is missing") from error


def read_schedule(paths: Iterable[Path]) -> tuple[Rule, ...]:
    """Return the rules of some files. Raises ScheduleInvalid naming the file and the rule."""
    rules: list[Rule] = []
    for path in paths:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ScheduleInvalid(path.name, str(error)) from error
        rules.extend(_rule(path, row) for row in document.get("rules", []))
    ids = [rule.id for rule in rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise ScheduleInvalid("schedules", f"two rules are named {rule_id}")
    return tuple(rules)


def shipped_schedule() -> tuple[Rule, ...]:
    """Return the rules that come with the program."""
    return read_schedule(sorted(SHIPPED.glob("*.toml")))


def _matches(rule: Rule, description: Description, retention_class: str | None) -> bool:
    if rule.retention_class is not None:
        return rule.retention_class == retention_class
    if retention_class is not None or rule.document_type != description.document_type:
        return False
    words = rule.subject_contains
    return words is None or words.casefold() in (description.subject or "").casefold()


def rule_for(
    rules: Iterable[Rule], description: Description, *, retention_class: str | None, closed_on: date
) -> Rule | None:
    """Return the rule in force on the day the file closed; where several fit, the longest period wins."""
    fitting = [r for r in rules if r.in_force(closed_on) and _matches(r, description, retention_class)]
    if not fitting:
        return None
    return max(fitting, key=lambda r: float("inf") if isinstance(r.period, Permanent) else float(r.period.count))


def retention_of(
    rules: Iterable[Rule], description: Description, *, retention_class: str | None, closed_on: date | None
) -> Retention:
    """Return why and until when a record is kept.

    Unknown (no last day, not permanent) while the file is open, when no rule fits, or when the rule that
    fits is marked [U]; the rule's id and citation are kept all the same.
    """
    rule = None
    if closed_on is not None:
        rule = rule_for(rules, description, retention_class=retention_class, closed_on=closed_on)
    if rule is None or closed_on is None:
        return Retention(retention_class, None, False, None, None, None)
    last = keep_until(closed_on, rule.period, valid_until=description.valid_until)
    if rule.mark == "U":
        return Retention(retention_class, None, False, rule.id, rule.citation, "U")
    if isinstance(last, Permanent):
        return Retention(retention_class, None, True, rule.id, rule.citation, rule.mark)
    return Retention(retention_class, last, False, rule.id, rule.citation, rule.mark)
