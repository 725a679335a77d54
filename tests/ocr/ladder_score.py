"""Counts, rule by rule, what was caught of what should be, and what was blamed without cause."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from ladder_cases import Case

from ocr.quality.image import ImageQuality
from ocr.quality.measures import measure_quality
from ocr.quality.rules import shipped_rules
from ocr.quality.verdicts import Verdict, judge

SCANNED_ON = date(2026, 3, 2)
JITTER = (0.995, 1.0, 1.006)  # of siblings' sides, as feeders have it


@dataclass(slots=True)
class Tally:
    """Of one rule: pages that should fail and did, pages that should not and did, and which were told wrongly."""

    bad: int = 0
    caught: int = 0
    good: int = 0
    blamed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the bad that was caught; 1.0 of none."""
        return self.caught / self.bad if self.bad else 1.0

    @property
    def false_alarm(self) -> float:
        """Share of the good that was blamed; 0.0 of none."""
        return self.blamed / self.good if self.good else 0.0


def measured(case: Case) -> ImageQuality:
    """Return the measures of a case's page."""
    scanned = case.scanned
    page = None if case.unread else scanned.page
    return measure_quality(scanned.image, page, capture=scanned.capture, encoded=scanned.encoded)


def verdicts_on(case: Case, quality: ImageQuality) -> tuple[Verdict, ...]:
    """Return the verdicts on a case's page, among three siblings where its size counts."""
    if case.scale is None or quality.short_mm is None or quality.long_mm is None:
        return judge([quality], "document", SCANNED_ON, shipped_rules())[0]
    short, long = quality.short_mm, quality.long_mm
    siblings = [replace(quality, short_mm=short * by, long_mm=long * by) for by in JITTER]
    scaled = replace(quality, short_mm=short * case.scale[0], long_mm=long * case.scale[1])
    return judge([*siblings, scaled], "document", SCANNED_ON, shipped_rules())[-1]


def tallied(cases: Iterable[Case]) -> dict[str, Tally]:
    """Return the tally of every rule over some cases."""
    tallies: dict[str, Tally] = {}
    for case in cases:
        quality = measured(case)
        for verdict in verdicts_on(case, quality):
            if verdict.rule in case.untold:
                continue
            tally = tallies.setdefault(verdict.rule, Tally())
            failed, should = verdict.outcome == "fail", verdict.rule in case.fails
            tally.bad += should
            tally.caught += should and failed
            tally.good += not should
            tally.blamed += failed and not should
            if failed != should:
                tally.wrong.append(f"{case.name}: {verdict.value}")
    return tallies
