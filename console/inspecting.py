"""The command that judges scans before they are taken in: what every rule says of every page of some files."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from console.home import Home
from console.terminal import Terminal
from ingest.checks import clean_scratch
from ingest.inspection import InspectedFile, InspectedPage, Scanning, inspect_file
from ingest.reasons import sentence
from ocr.doubt import WORDS
from ocr.quality.rules import PaperKind
from ocr.quality.verdicts import Verdict
from ocr.quality.words import decimal, sentences, threshold_of


def run_inspect(
    home: Home, terminal: Terminal, files: Sequence[Path], *, kind: PaperKind, on: date, sides: Literal[1, 2]
) -> bool:
    """Judge some files page by page and tell it; return whether everything is as it should be.

    Raises OSError where there is no room to read in: that is no fault of the files.
    """
    settings = home.settings.ingest
    scanning = Scanning(kind, on, sides, settings.quality_rules, settings.sector)
    clean_scratch(settings.scratch)
    found: list[InspectedFile] = []
    with home.scratch() as scratch:
        reader = home.reader(scratch)
        try:
            for path in files:
                found.append(inspect_file(reader, path, scanning, settings.places))
                _tell(terminal, found[-1])
        finally:
            reader.close()
    wanting = sum(file.wanting for file in found)
    terminal.say("say.inspected-wanting" if wanting else "say.inspected", files=len(found), wanting=wanting)
    terminal.answer({"kind": kind, "on": on.isoformat(), "files": [file.to_json() for file in found]})
    return not wanting


def _tell(terminal: Terminal, file: InspectedFile) -> None:
    if file.refused is not None:
        terminal.say(
            "say.inspected-refused", file=str(file.file), reason=sentence(file.refused, terminal.language)
        )
        return
    rows = [[file.file.name, *_cells(terminal, page, verdict)] for page in file.pages for verdict in page.verdicts]
    terminal.table(["file", "page", "rule", "value", "threshold", "outcome", "look"], rows)
    for page in file.pages:
        for reason in _beside(terminal, page):
            terminal.say("say.inspected-page", file=str(file.file), page=page.number, reason=reason)


def _cells(terminal: Terminal, page: InspectedPage, verdict: Verdict) -> list[str]:
    vietnamese, english = sentences(verdict)
    return [
        str(page.number),
        verdict.rule,
        "" if verdict.value is None else decimal(verdict.value, terminal.language),
        threshold_of(verdict, terminal.language),
        terminal.word(f"outcome.{verdict.outcome}"),
        vietnamese if terminal.language == "vi" else english,
    ]


def _beside(terminal: Terminal, page: InspectedPage) -> list[str]:
    """Return what is said of a page that no rule of image quality says."""
    if page.failure is not None:
        return [sentence(page.failure, terminal.language)]
    return [WORDS[doubt][0 if terminal.language == "vi" else 1] for doubt in page.doubts]
