"""Dated code lists and units, read from TOML files: every value has its citation and the days it is in force."""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from archive import events
from archive.database import insert_new
from archive.record import PrincipalId
from archive.tables.holdings import fonds
from archive.tables.units import code, unit, unit_code, unit_name, unit_parent, unit_succession

ROWS_PER_EVENT = 50

SHIPPED = Path(__file__).with_name("code_lists")


@dataclass(frozen=True, slots=True)
class Code:
    """One value of a list with the days it is in force.

    citation begins with its mark: [V] read in the law, [S] secondary source, [U] unverified.
    """

    system: str
    value: str
    label_vi: str
    label_en: str | None
    valid_from: date
    valid_until: date | None
    replaced_by: str | None
    citation: str

    def in_force(self, on: date) -> bool:
        """Whether the code may be used for something of that day."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def read_code_list(path: Path) -> tuple[Code, ...]:
    """Return the codes of one list file. A damaged file raises tomllib.TOMLDecodeError or KeyError."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Code(
            system=document["system"],
            value=row["value"],
            label_vi=unicodedata.normalize("NFC", row["vi"]),
            label_en=row.get("en"),
            valid_from=row.get("from", document["from"]),
            valid_until=row.get("until"),
            replaced_by=row.get("replaced_by"),
            citation=f"[{row.get('mark', document['mark'])}] {row.get('citation', document['citation'])}",
        )
        for row in document["codes"]
    )


def shipped_codes() -> tuple[Code, ...]:
    """Return every code list that comes with the program."""
    return tuple(c for path in sorted(SHIPPED.glob("codes-*.toml")) for c in read_code_list(path))


class CodeBook:
    """Finds a code by its value or its label on a day; what it does not know it says so by None."""

    def __init__(self, codes: Iterable[Code]) -> None:
        self._codes = tuple(codes)
        self._by_name: dict[tuple[str, str], list[Code]] = {}
        for entry in self._codes:
            for name in {entry.value, entry.label_vi, entry.label_en or entry.value}:
                self._by_name.setdefault((entry.system, _fold(name)), []).append(entry)

    def find(self, system: str, name: str, on: date) -> Code | None:
        """Return the code of a list by value or label (capitals ignored) in force on a day."""
        for entry in self._by_name.get((system, _fold(name)), []):
            if entry.in_force(on):
                return entry
        return None


def load_codes(connection: Connection) -> CodeBook:
    """Return the code lists the catalogue holds."""
    rows = connection.execute(select(code)).mappings()
    return CodeBook(Code(**dict(row)) for row in rows)


def store_codes(connection: Connection, codes: Iterable[Code]) -> None:
    """Add the codes that are not there yet; what is there is never changed, it is ended by a new row."""
    insert_new(
        connection,
        code,
        [
            {
                "system": c.system,
                "value": c.value,
                "valid_from": c.valid_from,
                "label_vi": c.label_vi,
                "label_en": c.label_en,
                "valid_until": c.valid_until,
                "replaced_by": c.replaced_by,
                "citation": c.citation,
            }
            for c in codes
        ],
    )


def store_units(connection: Connection, path: Path, *, principal: PrincipalId, at: datetime) -> None:
    """Add the units, names, codes, parents, successions and fonds of a file that are not there, with events."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    units = document["units"]
    given: dict[Table, list[dict[str, Any]]] = {
        unit: [{"id": u["id"], "kind": u["kind"]} for u in units],
        unit_name: [
            {"unit_id": u["id"], "valid_from": n["from"], "valid_until": n.get("until"), "name": n["name"]}
            for u in units
            for n in u["names"]
        ],
        unit_code: [
            {
                "unit_id": u["id"],
                "system": c["system"],
                "value": c["value"],
                "valid_from": c["from"],
                "valid_until": c.get("until"),
            }
            for u in units
            for c in u.get("codes", [])
        ],
        unit_parent: [
            {
                "unit_id": u["id"],
                "parent_id": p["id"],
                "valid_from": p["from"],
                "valid_until": p.get("until"),
            }
            for u in units
            for p in u.get("parents", [])
        ],
        unit_succession: [
            {
                "predecessor_id": s["from_unit"],
                "successor_id": s["to_unit"],
                "effective_on": s["on"],
                "kind": s["kind"],
                "basis": s["basis"],
            }
            for s in document.get("successions", [])
        ],
        fonds: [{"code": f["code"], "title": f["title"], "unit_id": f["unit"]} for f in document.get("fonds", [])],
    }
    record_units(connection, given, principal=principal, at=at)


def record_units(
    connection: Connection,
    given: Mapping[Table, Sequence[Mapping[str, Any]]],
    *,
    principal: PrincipalId,
    at: datetime,
) -> None:
    """Add rows about units and fonds that are not there, table by table, with events that tell them whole."""
    for table, rows in given.items():
        new = [row for row in rows if insert_new(connection, table, row)]
        for start in range(0, len(new), ROWS_PER_EVENT):
            told = [
                {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
                for row in new[start : start + ROWS_PER_EVENT]
            ]
            payload = {"table": table.name, "rows": told}
            events.append(connection, "records", "units.recorded", principal=principal, at=at, payload=payload)
