"""Draws the fields of a record out of its manifest row and its text; the manifest wins, conflicts stay visible."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal, get_type_hints

from archive.record import Description, FieldValue
from ocr.page import Line, PageText

_NUMBER = re.compile(r"[Ss]ố\s*:?\s*(\d{1,7}(?:/\d{4})?)\s*[/\-]\s*([A-ZĐ0-9][A-ZĐa-z0-9&\-]{1,29})")
_DATE = re.compile(r"ngày\s+(\d{1,2})\s+tháng\s+(\d{1,2})\s+năm\s+(\d{4})", re.IGNORECASE)
_DATES = frozenset({"issued_on", "valid_from", "valid_until", "original_date"})
LEVEL = "sensitivity_level"
Precision = Literal["day", "month", "year", "unknown"]
_KNOWN = frozenset(get_type_hints(Description)) - {"languages", "issued_on_precision"}


def _read_value(name: str, raw: str, value: str, page_number: int, line: Line) -> FieldValue:
    boxes = tuple((w.box.x, w.box.y, w.box.width, w.box.height) for w in line.words)
    confidence = min((w.confidence for w in line.words), default=0.0)
    return FieldValue(name, "read", raw, value, round(confidence, 4), None, page_number, boxes)


def read_fields(first_page: PageText | None) -> tuple[FieldValue, ...]:
    """Return what page 1 says of itself: number, notation and date of issue, with boxes and confidence.

    None: the page could not be read, so it says nothing.
    """
    found: list[FieldValue] = []
    for block in first_page.blocks if first_page is not None else ():
        for line in block.lines:
            text = " ".join(w.text for w in line.words)
            names = {f.name for f in found}
            if "code_number" not in names and (number := _NUMBER.search(text)):
                found.append(_read_value("code_number", number[0], number[1].partition("/")[0], 1, line))
                found.append(_read_value("code_notation", number[0], number[2], 1, line))
            if "issued_on" not in names and (stated := _DATE.search(text)):
                try:
                    day = date(int(stated[3]), int(stated[2]), int(stated[1]))
                except ValueError:
                    continue
                found.append(_read_value("issued_on", stated[0], day.isoformat(), 1, line))
    return tuple(found)


def manifest_fields(stored: Sequence[dict[str, Any]]) -> tuple[FieldValue, ...]:
    """Return the values of a declaration as they were stored at intake."""
    return tuple(FieldValue(f["name"], "manifest", f["raw"], f["normalised"], None, f["problem"]) for f in stored)


def _precision(normalised: str) -> Precision:
    return "year" if len(normalised) == 4 else "month" if len(normalised) == 7 else "day"


def _as_date(normalised: str) -> date:
    padded = normalised + "-01-01"[: 10 - len(normalised)] if len(normalised) < 10 else normalised
    return date.fromisoformat(padded)


def describe(fields: Sequence[FieldValue]) -> Description:
    """Return the description in force: manifest and book before person before reading; first value wins."""
    rank = {"book": 0, "manifest": 1, "person": 2, "read": 3}
    values: dict[str, Any] = {}
    precision: Precision = "unknown"
    for field in sorted(fields, key=lambda f: rank[f.source]):
        if field.normalised is None or field.name not in _KNOWN or field.name in values:
            continue
        if field.name in _DATES:
            values[field.name] = _as_date(field.normalised)
            if field.name == "issued_on":
                precision = _precision(field.normalised)
        elif field.name == LEVEL:
            values[field.name] = int(field.normalised)
        else:
            values[field.name] = field.normalised
    return replace(Description(), **values, issued_on_precision=precision)


def value_of(fields: Sequence[FieldValue], name: str) -> str | None:
    """Return the normalised value of a field that is not part of the description (closed_on, paper_place)."""
    return next((f.normalised for f in fields if f.name == name and f.normalised), None)


def level_of(fields: Sequence[FieldValue]) -> int:
    """Return the sensitivity level in force, as `describe` gives it."""
    return describe(tuple(f for f in fields if f.name == LEVEL)).sensitivity_level


def disagreements(fields: Sequence[FieldValue]) -> list[str]:
    """Return slugs of fields whose reading contradicts the manifest, for a person to look at."""
    declared = {f.name: f.normalised for f in fields if f.source == "manifest" and f.normalised}
    return sorted(
        {
            f"{f.name.replace('_', '-')}-disagrees"
            for f in fields
            if f.source == "read"
            and (f.confidence or 0) >= 0.8
            and f.name in declared
            and declared[f.name] != f.normalised
        }
    )
