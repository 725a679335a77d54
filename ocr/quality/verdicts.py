"""Judges the pages of a document by the rules in force: one verdict for every rule and page, none left out.

Most rules look at one page. Three look at it among the others: whether it is longer than they are, whether its
size jumps, and whether the front of a sheet is blank.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, Self

from ocr.quality.image import ImageQuality
from ocr.quality.rules import Comparison, PaperKind, QualityRule, Severity

Outcome = Literal["pass", "fail", "not-applicable"]
SAME_WIDTH_PCT = 3.0  # sheets fed at once are as wide as the others, only longer
LEAST_PAGES = 3  # of one size, without which no page's size stands out


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one page. value: as measured, None when it could not be.

    comparison: what a good page's value is to the threshold (`ocr.quality.rules.QualityRule`).
    reason: empty for a pass; `quality-<rule>` for a failure; else why the rule could not be applied.
    """

    rule: str
    measure: str
    value: float | None
    unit: str
    comparison: Comparison
    threshold: float
    outcome: Outcome
    severity: Severity
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as a JSON object, its value rounded."""
        found = asdict(self)
        return found | {"value": None if self.value is None else round(self.value, 4)}


def judge(
    pages: Sequence[ImageQuality | None],
    kind: PaperKind,
    on: date,
    rules: Iterable[QualityRule],
    *,
    sector: str | None = None,
    sides: Literal[1, 2] = 2,
) -> list[tuple[Verdict, ...]]:
    """Return the verdicts on each page of a document, in the rules' order; every rule in force gives one a page.

    pages: the captures of one document in their order; None for one that could not be measured. on: the day of
    scanning. sides: 1 when only fronts were scanned; with 2 the second of every two captures may be blank.
    """
    applied = [rule for rule in rules if rule.holds_for(kind, on, sector)]
    among = _Siblings.of(pages)
    return [
        tuple(_verdict(rule, page, index, among, sides) for rule in applied) for index, page in enumerate(pages)
    ]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule passed, failed and had no say on some pages."""

    rule: str
    passed: int
    failed: int
    not_applicable: int

    @property
    def failed_share(self) -> float:
        """Share of the pages it decided on that failed, 0-1; 0.0 where it decided on none."""
        decided = self.passed + self.failed
        return self.failed / decided if decided else 0.0

    @property
    def never_evaluated(self) -> bool:
        """Whether it decided on no page: a rule that is configured and never speaks is a fault to be told."""
        return not self.passed + self.failed


def counted(outcomes: Iterable[tuple[str, Outcome]]) -> tuple[RuleCount, ...]:
    """Return how often each rule had which outcome, in order of name. outcomes: (rule, outcome) of each page."""
    found: dict[str, Counter[Outcome]] = {}
    for rule, outcome in outcomes:
        found.setdefault(rule, Counter())[outcome] += 1
    return tuple(
        RuleCount(rule, one["pass"], one["fail"], one["not-applicable"]) for rule, one in sorted(found.items())
    )


@dataclass(frozen=True, slots=True)
class _Siblings:
    """The usual sides of a document's pages in millimetres, None with too few pages to have any."""

    short_mm: float | None
    long_mm: float | None

    @classmethod
    def of(cls, pages: Sequence[ImageQuality | None]) -> Self:
        """Return the medians of a document's pages."""
        sizes = [(p.short_mm, p.long_mm) for p in pages if p and p.short_mm and p.long_mm]
        if len(sizes) < LEAST_PAGES:
            return cls(None, None)
        # Sides that occur: half of the pages are not larger, and none is between two sizes.
        return cls(statistics.median_low(s for s, _ in sizes), statistics.median_low(long for _, long in sizes))


def _verdict(rule: QualityRule, page: ImageQuality | None, index: int, among: _Siblings, sides: int) -> Verdict:
    value, why = (None, "not-measured") if page is None else _value(rule.measure, page, index, among, sides)
    outcome: Outcome = "not-applicable" if value is None else "pass" if rule.met_by(value) else "fail"
    reason = {"pass": "", "fail": rule.slug, "not-applicable": why}[outcome]
    return Verdict(
        rule.id,
        rule.measure,
        value,
        rule.unit,
        rule.comparison,
        rule.threshold,
        outcome,
        rule.severity,
        reason,
    )


def _value(measure: str, page: ImageQuality, index: int, among: _Siblings, sides: int) -> tuple[float | None, str]:
    """Return a measure's value, or None and why there is none."""
    if measure == "dpi_stated":
        return float(page.dpi_claimed is not None), ""
    if measure == "blank_front":
        return float(page.blank and (sides == 1 or index % 2 == 0)), ""
    if measure in ("length_over_pct", "size_off_pct"):
        if page.short_mm is None or page.long_mm is None:
            return None, page.unmeasured["short_mm"]
        if among.short_mm is None or among.long_mm is None:
            return None, "few-pages"
        wider = (page.short_mm / among.short_mm - 1) * 100
        longer = (page.long_mm / among.long_mm - 1) * 100
        over = max(0.0, longer) if abs(wider) <= SAME_WIDTH_PCT else 0.0
        # A page that is only longer is told once, as a sign of sheets fed together.
        return (over if measure == "length_over_pct" else 0.0 if over else max(abs(wider), abs(longer))), ""
    value = getattr(page, measure)
    return (None, page.unmeasured[measure]) if value is None else (float(value), "")
