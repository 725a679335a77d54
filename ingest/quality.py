"""Judges the pages of an item by the rules of image quality in force, and says which a person should look at.

Every rule's verdict on every page is kept in the derivation record; what fails stands with the page, beside the
doubts of its reading. Whether it also holds the item back for a person is a setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from archive.record import Description, PageFacts
from ingest.pages import KeptPage
from ingest.reasons import Language
from ocr.doubt import WORDS as READING
from ocr.page import ReadPage
from ocr.quality.image import ImageQuality
from ocr.quality.rules import SHIPPED, PaperKind, QualityRule, read_rules
from ocr.quality.verdicts import Verdict, judge
from ocr.quality.words import failure

KINDS: dict[str, PaperKind] = {"30": "map", "31": "drawing"}  # codes of document types; any other is a document
DOUBTFUL = "doubtful-page"


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on an item's pages, in their order, and why a person should look at each.

    kind: of paper, by which the rules were chosen. doubtful: a reading is doubted, or a page should be scanned
    again.
    """

    kind: PaperKind
    on: date
    pages: tuple[tuple[Verdict, ...], ...]
    doubts: tuple[tuple[str, ...], ...]
    doubtful: bool

    def to_json(self) -> dict[str, Any]:
        """Return what the derivation record keeps: each rule once, and by page its outcome with the value."""
        rules = {
            v.rule: {"measure": v.measure, "threshold": v.threshold, "unit": v.unit}
            for page in self.pages
            for v in page
        }
        told = [{v.rule: [v.outcome, v.to_json()["value"]] for v in page} for page in self.pages]
        return {"kind": self.kind, "on": self.on.isoformat(), "rules": rules, "pages": told}


def judged(
    pages: Sequence[KeptPage],
    description: Description,
    on: date,
    *,
    rules: Path | None = None,
    sector: str | None = None,
) -> Judged:
    """Return the verdicts on an item's pages.

    on: the day of scanning. rules: a file of the agency's own rules beside those that come with the program.
    sector: of administration, for rules that hold in one only. Raises QualityRulesInvalid.
    """
    kind = KINDS.get(description.document_type or "", "document")
    verdicts = judge([measured(page.reading) for page in pages], kind, on, rules_with(rules), sector=sector)
    read = [page.reading.doubts if page.reading is not None else () for page in pages]
    failed = [[verdict for verdict in page if verdict.outcome == "fail"] for page in verdicts]
    return Judged(
        kind,
        on,
        tuple(verdicts),
        tuple(
            (*of_text, *(verdict.reason for verdict in page)) for of_text, page in zip(read, failed, strict=True)
        ),
        doubtful=any(read) or any(verdict.severity == "rescan" for page in failed for verdict in page),
    )


def sentences_of(page: PageFacts, quality: Mapping[str, Any], language: Language) -> list[str]:
    """Return why a person should look at a page, in words.

    quality: what the derivation record of its package keeps; empty in packages made before it was measured.
    """
    place = 0 if language == "vi" else 1
    told = []
    for doubt in page.doubts:
        rule = doubt.removeprefix("quality-")
        if rule == doubt or rule not in quality.get("rules", {}):
            told.append(READING[doubt][place] if doubt in READING else doubt)
            continue
        _, value = quality["pages"][page.number - 1][rule]
        told.append(failure(doubt, value, quality["rules"][rule]["threshold"])[place])
    return told


def measured(reading: ReadPage | None) -> ImageQuality | None:
    """Return what a page's image was measured to be; None where it could not be read, or not yet was."""
    found = reading.measures.get("quality") if reading is not None else None
    return ImageQuality.from_json(found) if found is not None else None


@cache
def rules_with(own: Path | None) -> tuple[QualityRule, ...]:
    """Return the rules that come with the program, and an agency's own. Raises QualityRulesInvalid."""
    return read_rules([SHIPPED, *([own] if own is not None else [])])
