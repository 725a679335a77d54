"""Dated rules of image quality with their citation, read from TOML; kind of document and day pick the rules.

Thresholds are configuration: an agency may lay a file of its own beside the shipped one. A rule that cannot be
used is refused by name when the file is read, never left out in silence.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ocr.errors import QualityRulesInvalid

PaperKind = Literal["document", "map", "drawing", "photo"]
Comparison = Literal["at-least", "at-most", "within"]
Severity = Literal["rescan", "look"]
Mark = Literal["V", "S", "U", "good practice"]
SHIPPED = Path(__file__).with_name("rules.toml")
SLUG_LETTERS = set("abcdefghijklmnopqrstuvwxyz0123456789-")
# What a rule may measure, with its unit. The last three are of a page among the others of its document.
MEASURES: Final[Mapping[str, str]] = {
    "dpi_claimed": "dpi",
    "dpi_stated": "yes=1",
    "dpi_off_pct": "%",
    "bits_per_pixel": "bit",
    "blur_mm": "mm",
    "skew_deg": "°",
    "cut_letters": "letters",
    "sheet_step_levels": "levels",
    "border_mm": "mm",
    "jpeg_quality": "1-100",
    "grey_fill_pct": "%",
    "turns_needed": "quarter turns",
    "blank_front": "yes=1",
    "length_over_pct": "%",
    "size_off_pct": "%",
}
FIELDS: Final[Mapping[str, Any]] = {
    "id": str,
    "measure": str,
    "kinds": list,
    "comparison": str,
    "threshold": (int, float),
    "unit": str,
    "in_force_from": date,
    "citation": str,
    "mark": str,
    "severity": str,
}
OPTIONAL: Final[Mapping[str, Any]] = {"in_force_until": date, "sector": str}


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One rule. comparison: what a good page's value is to the threshold; `within`: either way from zero.

    in_force_from, in_force_until: the days of scanning it holds for, both included. sector: of the issuing agency,
    None for every one.
    """

    id: str
    measure: str
    kinds: tuple[PaperKind, ...]
    comparison: Comparison
    threshold: float
    unit: str
    in_force_from: date
    in_force_until: date | None
    citation: str
    mark: Mark
    severity: Severity
    sector: str | None = None

    @property
    def slug(self) -> str:
        """The reason a page that fails it is given."""
        return f"quality-{self.id}"

    def holds_for(self, kind: PaperKind, on: date, sector: str | None = None) -> bool:
        """Whether a page of this kind, scanned that day, has to meet the rule."""
        in_force = self.in_force_from <= on and (self.in_force_until is None or on <= self.in_force_until)
        return in_force and kind in self.kinds and self.sector in (None, sector)

    def met_by(self, value: float) -> bool:
        """Whether a value is good enough."""
        if self.comparison == "at-least":
            return value >= self.threshold
        return (abs(value) if self.comparison == "within" else value) <= self.threshold


def read_rules(paths: Iterable[Path]) -> tuple[QualityRule, ...]:
    """Return the rules of some files. Raises QualityRulesInvalid naming the file and the rule."""
    rules: list[QualityRule] = []
    for path in paths:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise QualityRulesInvalid(path.name, str(error)) from error
        rows = document.get("rule")
        if not isinstance(rows, list) or not rows or set(document) != {"rule"}:
            raise QualityRulesInvalid(path.name, "it holds [[rule]] tables and nothing else, at least one")
        rules.extend(_rule(path.name, row) for row in rows)
    _check_apart(rules)
    return tuple(rules)


def shipped_rules() -> tuple[QualityRule, ...]:
    """Return the rules that come with the program."""
    return read_rules([SHIPPED])


def _rule(file: str, row: object) -> QualityRule:
    if not isinstance(row, dict):
        raise QualityRulesInvalid(file, "a rule is a [[rule]] table")
    name = f"rule {row.get('id')}"
    _check_fields(file, name, row)
    _check_one_of(file, name, row)
    start, end = row["in_force_from"], row.get("in_force_until")
    if end is not None and end < start:
        raise QualityRulesInvalid(file, f"{name}: it ends before it begins")
    if not row["citation"].strip():
        raise QualityRulesInvalid(file, f"{name}: say where it is written")
    return QualityRule(
        **{key: row[key] for key in FIELDS if key not in ("kinds", "threshold")},
        kinds=tuple(row["kinds"]),
        threshold=float(row["threshold"]),
        in_force_until=end,
        sector=row.get("sector"),
    )


def _check_fields(file: str, name: str, row: dict[str, Any]) -> None:
    """Refuse a field that is missing, unknown, or of another type."""
    if missing := [key for key in FIELDS if key not in row]:
        raise QualityRulesInvalid(file, f"{name}: {missing[0]} is missing")
    known = {**FIELDS, **OPTIONAL}
    for key, value in row.items():
        if key not in known:
            raise QualityRulesInvalid(file, f"{name}: {key} is no field of a rule")
        if not isinstance(value, known[key]) or isinstance(value, bool | datetime):
            raise QualityRulesInvalid(file, f"{name}: {key} is of a wrong type")


def _check_one_of(file: str, name: str, row: dict[str, Any]) -> None:
    """Refuse a name that is none of those there are, and a unit that is not the measure's."""
    if not row["id"] or not set(row["id"]) <= SLUG_LETTERS:
        raise QualityRulesInvalid(file, f"{name}: an id is of small letters, digits and hyphens")
    if row["measure"] not in MEASURES:
        raise QualityRulesInvalid(file, f"{name}: there is no measure {row['measure']}")
    if row["unit"] != MEASURES[row["measure"]]:
        raise QualityRulesInvalid(file, f"{name}: the unit of {row['measure']} is {MEASURES[row['measure']]}")
    for key, names in (("comparison", Comparison), ("mark", Mark), ("severity", Severity)):
        if row[key] not in get_args(names):
            raise QualityRulesInvalid(file, f"{name}: {key} must be one of {', '.join(get_args(names))}")
    if not row["kinds"] or not all(kind in get_args(PaperKind) for kind in row["kinds"]):
        raise QualityRulesInvalid(file, f"{name}: kinds must be of {', '.join(get_args(PaperKind))}")


def _check_apart(rules: list[QualityRule]) -> None:
    """Refuse two rules of one name: a verdict would not say which of them it is of."""
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise QualityRulesInvalid("rules", f"two rules are named {rule.id}")
        seen.add(rule.id)
