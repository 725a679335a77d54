"""Makes a folder of sample scans: the files, `manifest.csv` as an archivist would declare them, and the truth.

`truth.jsonl` has one line per file: {file, sheets, sides, pages, fields}. A page of it is one capture in the
file's order: text (NFC, in reading order: header and closing left column first, tables row by row; what seals
say is left out), blank, quarter_turns (clockwise, to make it upright), dpi, colour.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from console.samples.cases import Case, open_case
from console.samples.declare import Counts, declared
from console.samples.degrade import scan, turned, with_note
from console.samples.deliver import SUFFIXES, Scan, deliver
from console.samples.draw import chance, number
from console.samples.papers import Draft, draft
from console.samples.plans import PLANS, Plan
from console.samples.typeset import Picture, Printed, lay_out, look
from ingest.manifest import COLUMNS
from retention.locks import VIETNAM

MANIFEST, TRUTH = "manifest.csv", "truth.jsonl"
FIRST_SCAN: Final = datetime(2026, 3, 2, 7, 30, tzinfo=VIETNAM)
RECORDS_A_DAY = 150
# Where the draws of one record hang in the tree of draws; 1 is the paper's own.
CASE, LOOK, DECLARATION, SCANS, QUALITY = 0, 2, 3, 4, 5
FILE_NAMES: Final = {
    "decision": "quyet-dinh",
    "licence": "giay-phep",
    "certificate": "giay-chung-nhan",
    "letter": "cong-van",
    "notice": "thong-bao",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One record: its plan, its paper on pages, and the captures made of them."""

    file: str
    plan: Plan
    case: Case
    paper: Draft
    printed: Printed
    captures: tuple["Capture", ...]

    @property
    def sheets(self) -> int:
        """Sheets of paper: half the pages, rounded up, where both sides are printed on."""
        return -(-len(self.printed.texts) // self.plan.sides)

    @property
    def extra_captures(self) -> int:
        """Captures beyond one per scanned side: pages taken again without their note."""
        return len(self.captures) - self.sheets * self.plan.sides


@dataclass(frozen=True, slots=True)
class Capture:
    """One image to be made. page_number: None for a blank back."""

    page_number: int | None
    quarter_turns: int = 0
    noted: bool = False


def make_samples(folder: Path, *, records: int, seed: int) -> None:
    """Write the scans of so many records with manifest and truth into a new or empty folder.

    The same seed gives the same bytes on a machine with the same fonts; a record depends on the seed and its
    number alone, not on how many are made.
    Raises FileExistsError when a file of the same name is there: nothing is overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / MANIFEST).open("x", encoding="utf-8", newline="") as manifest,
        (folder / TRUTH).open("x", encoding="utf-8", newline="\n") as truth,
    ):
        rows = csv.DictWriter(manifest, COLUMNS, lineterminator="\n")
        rows.writeheader()
        for index in range(records):
            sample = make_sample(index, seed)
            deliver(scanned(sample, index, seed), folder / sample.file, sample.plan.delivery)
            rows.writerow(
                declared(
                    sample.case,
                    sample.paper,
                    chance(seed, index, DECLARATION),
                    Counts(sample.file, sample.sheets, sample.plan.sides, sample.extra_captures),
                )
            )
            truth.write(json.dumps(true_of(sample), ensure_ascii=False) + "\n")


def make_sample(index: int, seed: int, plan: Plan | None = None) -> Sample:
    """Return the record of an index, counted from 0: written and laid out, not yet scanned.

    plan: another than the one whose turn it is.
    """
    plan = plan or PLANS[index % len(PLANS)]
    case_index = index - 1 if plan.follows else index
    case = open_case(chance(seed, case_index, CASE), case_index + seed)
    paper = draft(plan.kind, case, (seed, index), long=plan.long)
    typed = look(chance(seed, index, LOOK), case.agency.name)
    printed = lay_out(
        paper,
        replace(typed, size=plan.size or typed.size, columns=plan.columns),
        body_pages=plan.pages[0],
        annex_pages=plan.pages[1],
    )
    file = f"{index + 1:04d}-{FILE_NAMES[plan.kind]}{SUFFIXES[plan.delivery]}"
    return Sample(file, plan, case, paper, printed, tuple(_captures(plan, len(printed.texts))))


def _captures(plan: Plan, pages: int) -> Iterator[Capture]:
    for number_ in range(1, pages + 1):
        turns = plan.turned.get(number_, 0)
        if number_ == plan.sticker:
            yield Capture(number_, turns, noted=True)
        yield Capture(number_, turns)
    if plan.sides == 2 and pages % 2:
        yield Capture(None)


def scanned(sample: Sample, index: int, seed: int) -> Scan:
    """Return the captures of a record as a scanner makes them."""
    plan, printed = sample.plan, sample.printed
    drawn = [printed.picture(page_index, plan.dpi) for page_index in range(len(printed.texts))]
    white = np.full_like(drawn[0], 255)
    pages: list[Picture] = []
    for place, capture in enumerate(sample.captures):
        rng = chance(seed, index, SCANS, place)
        front = white if capture.page_number is None else drawn[capture.page_number - 1]
        if capture.noted:
            front = with_note(front, rng, plan.dpi)
        back = _back(capture, drawn, plan)
        page = scan(front, back, rng, wear=plan.wear, colour=plan.colour, dpi=plan.dpi)
        pages.append(turned(page, capture.quarter_turns))
    quality = number(chance(seed, index, QUALITY), 72, 88)
    return Scan(pages, plan.dpi, plan.colour, quality, _scanned_at(index))


def _back(capture: Capture, drawn: list[Picture], plan: Plan) -> Picture | None:
    """Return what is printed on the other side of the sheet, if anything is."""
    if plan.sides == 1:
        return None
    if capture.page_number is None:
        return drawn[-1]
    other = capture.page_number + 1 if capture.page_number % 2 else capture.page_number - 1
    return drawn[other - 1] if other <= len(drawn) else None


def _scanned_at(index: int) -> datetime:
    day, place = divmod(index, RECORDS_A_DAY)
    return FIRST_SCAN + timedelta(days=day // 5 * 7 + day % 5, minutes=3 * place, seconds=(index * 37) % 60)


def true_of(sample: Sample) -> Mapping[str, Any]:
    """Return a record's line of the truth."""
    texts, plan = sample.printed.texts, sample.plan
    return {
        "file": sample.file,
        "sheets": sample.sheets,
        "sides": plan.sides,
        "pages": [
            {
                "text": "" if c.page_number is None else texts[c.page_number - 1],
                "blank": c.page_number is None,
                "quarter_turns": c.quarter_turns,
                "dpi": plan.dpi,
                "colour": plan.colour,
            }
            for c in sample.captures
        ],
        "fields": dict(sample.paper.fields),
    }
