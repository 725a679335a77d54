"""Who did what to a record, and with which tools: its agents, preservation events and derivation record."""

import platform
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

from sqlalchemy import Row

from archive.record import Agent, PreservationEvent
from ingest.desk import Desk
from ingest.pages import KeptPage
from ingest.worklist import Claim
from ocr.page import ReadPage
from ocr.reader import Reader
from ocr.tools import versions

PROGRAM = "sohoa"


def agents_of(claim: Claim, head: Row[Any], person: Row[Any]) -> tuple[Agent, ...]:
    """Return whoever scanned, the custodian, and this program."""
    custodian = claim.frozen["custodian"]
    return (
        Agent(id=person.id, type="person", name=head.operator or person.display_name),
        Agent(id=custodian["id"], type="organization", name=custodian["name"]),
        Agent(id=PROGRAM, type="software", name=PROGRAM, version=metadata.version("sohoa")),
    )


def events_of(
    claim: Claim, agents: Sequence[Agent], at: datetime, *, media_type: str, found_signatures: bool
) -> tuple[PreservationEvent, ...]:
    """Return the PREMIS events of a record's making, with ids drawn from the OBJID (STO-4)."""
    person, _, program = agents
    steps = [
        ("transfer", person.id, f"digitised file received, {media_type}", "success"),
        ("message digest calculation", program.id, "SHA-256 at receipt", "success"),
        ("normalization", program.id, "searchable PDF/A-2b made from the captures", "success"),
        ("digital signature generation", person.id, "digitizer's and agency's signatures", "success"),
        ("validation", program.id, "PDF/A-2b structure and signatures checked on the final bytes", "success"),
        ("information package creation", program.id, "content package of the record", "success"),
    ]
    if found_signatures:
        steps.insert(2, ("digital signature validation", program.id, "signatures found on receipt", "recorded"))
    seed = uuid.UUID(claim.frozen["objid"].removeprefix("uuid-"))
    return tuple(
        PreservationEvent(_event_id(seed, f"{n}-{kind}"), kind, at, agent, detail, outcome)
        for n, (kind, agent, detail, outcome) in enumerate(steps)
    )


def _event_id(seed: uuid.UUID, name: str) -> str:
    return f"uuid-{str(uuid.uuid5(seed, name)).upper()}"


def tools_of(reader: Reader) -> dict[str, Any]:
    """Return with what a reader reads, apart from its engine: program, libraries, jail and reading options."""
    return {
        "program": {"name": PROGRAM, "version": metadata.version("sohoa")},
        "python": platform.python_version(),
        "libraries": versions(),
        "jail": reader.jail_mode,
        "options": reader.options.to_json(),
    }


def engines_of(readings: Iterable[ReadPage | None]) -> list[dict[str, Any]]:
    """Return what each engine that read a page says of itself, once."""
    engines: list[dict[str, Any]] = []
    for read in readings:
        if read is not None and read.engine not in engines:
            engines.append(read.engine)
    return engines


def derivation_of(desk: Desk, pages: Sequence[KeptPage], rendition: dict[str, Any]) -> dict[str, Any]:
    """Return with what the pages were read and the rendition built, so that both can be done again."""
    engines = engines_of(page.reading for page in pages)
    tools = tools_of(desk.reader)
    return {
        **tools,
        "libraries": {**tools["libraries"], "pyhanko": metadata.version("pyhanko")},
        "engines": engines,
        "pages": [
            {
                "index": page.index,
                "engine": engines.index(page.reading.engine),
                "measures": page.reading.measures,
            }
            if page.reading is not None
            else {"index": page.index, "failure": page.failure}
            for page in pages
        ],
        "rendition": rendition,
    }
