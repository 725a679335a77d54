"""What would be said of the pages of a file before it is taken in: read and judged, and nothing is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from ingest.disks import Place, blame_scratch
from ingest.quality import measured, rules_with
from ocr.errors import InputRejected, PageFailed
from ocr.page import CaptureProbe
from ocr.quality.image import ImageQuality
from ocr.quality.rules import PaperKind
from ocr.quality.verdicts import Verdict, judge
from ocr.reader import Reader


@dataclass(frozen=True, slots=True)
class Scanning:
    """What pages are judged by: the kind of paper, the day of scanning, and the sides that were scanned.

    rules: a file of the agency's own beside those that come with the program. sector: of administration, for rules
    that hold in one only.
    """

    kind: PaperKind
    on: date
    sides: Literal[1, 2] = 2
    rules: Path | None = None
    sector: str | None = None


@dataclass(frozen=True, slots=True)
class InspectedPage:
    """One page: its measures and each rule's verdict; or the slug of why it could not be read.

    doubts: why what was read on it should be looked at (`ocr.doubt`).
    """

    number: int
    failure: str | None
    measures: ImageQuality | None
    doubts: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def wanting(self) -> bool:
        """Whether somebody should look at it or scan it again."""
        return bool(self.failure or self.doubts) or any(one.outcome == "fail" for one in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return the page as a JSON object."""
        return {
            "page": self.number,
            "failure": self.failure,
            "measures": self.measures.to_json() if self.measures is not None else None,
            "doubts": list(self.doubts),
            "verdicts": [one.to_json() for one in self.verdicts],
        }


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file's pages; none, and the slug of why, for one that would not be taken in."""

    file: Path
    refused: str | None
    pages: tuple[InspectedPage, ...] = ()

    @property
    def wanting(self) -> bool:
        """Whether the file, or a page of it, is not as it should be."""
        return self.refused is not None or any(page.wanting for page in self.pages)

    def to_json(self) -> dict[str, Any]:
        """Return the file as a JSON object."""
        return {
            "file": str(self.file),
            "refused": self.refused,
            "pages": [page.to_json() for page in self.pages],
        }


def inspect_file(reader: Reader, path: Path, scanning: Scanning, places: Sequence[Place]) -> InspectedFile:
    """Look into a file, read its pages and judge them.

    Raises QualityRulesInvalid, and OSError where scratch, among the places, has no room to read in.
    """
    rules = rules_with(scanning.rules)
    try:
        captures = reader.probe(path).captures
    except InputRejected as error:
        blame_scratch(error, places, path)
        return InspectedFile(path, error.code)
    try:
        read = [
            _read(reader, path, capture, following, places)
            for capture, following in zip_longest(captures, captures[1:])
        ]
    finally:
        reader.leave()
    verdicts = judge(
        [measures for _, measures, _ in read],
        scanning.kind,
        scanning.on,
        rules,
        sector=scanning.sector,
        sides=scanning.sides,
    )
    pages = (
        InspectedPage(number, *found, said)
        for number, (found, said) in enumerate(zip(read, verdicts, strict=True), start=1)
    )
    return InspectedFile(path, None, tuple(pages))


def _read(
    reader: Reader, path: Path, capture: CaptureProbe, following: CaptureProbe | None, places: Sequence[Place]
) -> tuple[str | None, ImageQuality | None, tuple[str, ...]]:
    """Return (why the page could not be read, its measures, the doubts of its reading)."""
    try:
        reading = reader.read_page(path, capture, following=following)
    except PageFailed as error:
        blame_scratch(error, places, path)
        return error.code, None, ()
    return None, measured(reading), reading.doubts
