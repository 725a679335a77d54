"""Defects of known strength on a ladder around each threshold: how many are caught, how many pages blamed wrongly.

    make bench-quality
    .venv/bin/python benchmarks/quality.py [--rounds N] [--first N] [--wrong]

A round is one paper of ours with every class of defect on every step of its ladder, and the same paper without a
defect in every wear, size of print and colour (`tests/ocr/ladder_cases.py`). Good pages and steps below a
threshold count against every rule; a step above one is held against its own rule alone. At the end: the processor
time of measuring one 300 dpi A4 page in colour.
"""

import argparse
import statistics
import sys
import time
from itertools import chain
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "ocr"))

import ladder
from ladder_cases import DEAD_ZONES, Case, defects, good_cases
from ladder_score import measured, tallied
from reading import machine

from ocr.quality.rules import shipped_rules

TIMED = 15
FINAL = 100  # from here on papers that no threshold was tuned on


def report(numbers: range, *, wrong: bool) -> None:
    """Print the table of rules, and with `wrong` every page told wrongly."""
    tallies = tallied(chain(good_cases(numbers), defects(numbers)))
    print("| rule | threshold | dead zone | should fail | recall | should not | false alarm |\n|" + "---|" * 7)
    for rule in shipped_rules():
        if rule.id in tallies:
            tally, threshold = tallies[rule.id], f"{rule.threshold:g} {rule.unit}"
            print(
                f"| {rule.id} | {threshold} | {DEAD_ZONES[rule.id]} | {tally.bad} | {tally.recall:.1%} "
                f"| {tally.good} | {tally.false_alarm:.2%} |"
            )
    if wrong:
        print("\n".join(f"{rule}: {told}" for rule, tally in tallies.items() for told in tally.wrong))


def processor_ms() -> float:
    """Return the median processor time of measuring a read page of 8.7 million pixels in colour."""
    made = ladder.base(0, 300)
    case = Case("timed", ladder.as_scanned(ladder.worn(made, 1), made))
    taken = []
    for _ in range(TIMED):
        begun = time.process_time()
        measured(case)
        taken.append(1000 * (time.process_time() - begun))
    return statistics.median(taken[1:])


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--first", type=int, default=FINAL, help="number of the first paper")
    parser.add_argument("--wrong", action="store_true", help="name every page told wrongly")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"Machine: {machine()}; {chosen.rounds} rounds.\n")
    report(range(chosen.first, chosen.first + chosen.rounds), wrong=chosen.wrong)
    print(f"\nMeasuring a read 300 dpi A4 page in colour: {processor_ms():.0f} CPU-ms.")


if __name__ == "__main__":
    main()
