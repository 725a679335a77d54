"""Each class of defect is caught above its threshold and not blamed below; pages without a defect are left alone.

The long ladder with its figures is `benchmarks/quality.py`; this one is a round of it.
"""

import pytest
from ladder_cases import CLASSES, DEAD_ZONES, Case, good_cases
from ladder_score import Tally, measured, tallied, verdicts_on

from ocr.quality.rules import shipped_rules

RECALL, FALSE_ALARM = 0.95, 0.02
ROUNDS = (0, 3)  # papers of two kinds, at two resolutions


@pytest.fixture(scope="module")
def on_good() -> list[Case]:
    return list(good_cases([0]))


def test_no_good_page_fails_a_rule_it_should_meet(on_good: list[Case]) -> None:
    blamed = {
        (case.name, verdict.rule, verdict.value)
        for case in on_good
        for verdict in verdicts_on(case, measured(case))
        if verdict.outcome == "fail" and verdict.rule not in case.fails | case.untold
    }
    assert blamed == set()


def test_a_grey_or_bitonal_page_is_looked_at_for_its_depth(on_good: list[Case]) -> None:
    greys = [case for case in on_good if "colour-depth" in case.fails]
    found = [v for case in greys for v in verdicts_on(case, measured(case)) if v.rule == "colour-depth"]
    assert {(v.outcome, v.severity, v.value) for v in found} == {("fail", "look", 8.0), ("fail", "look", 1.0)}


@pytest.mark.parametrize("defect", CLASSES, ids=lambda made: made.__name__.strip("_"))
def test_defects_are_told_from_what_is_below_their_threshold(defect: object) -> None:
    tallies: dict[str, Tally] = {}
    for number in ROUNDS:
        for rule, tally in tallied(defect(number)).items():  # type: ignore[operator]  # a class of the ladder
            kept = tallies.setdefault(rule, Tally())
            kept.bad += tally.bad
            kept.caught += tally.caught
            kept.good += tally.good
            kept.blamed += tally.blamed
            kept.wrong += tally.wrong
    wrong = [told for tally in tallies.values() for told in tally.wrong]
    bad, caught = (sum(getattr(tally, name) for tally in tallies.values()) for name in ("bad", "caught"))
    good, blamed = (sum(getattr(tally, name) for tally in tallies.values()) for name in ("good", "blamed"))
    assert bad
    assert caught / bad >= RECALL, wrong
    assert blamed <= FALSE_ALARM * good, wrong


def test_every_rule_for_documents_has_its_ladder() -> None:
    assert set(DEAD_ZONES) == {rule.id for rule in shipped_rules() if "document" in rule.kinds}
