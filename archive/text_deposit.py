"""Keeps a later reading of a record, and puts a text in force: what `texts` reads is written here.

The supplement goes first, its row and events follow in one transaction, the choice among them where it is to be
in force at once. A choice is restored from the log, the readings from their packages: it counts as made when the
vault has its event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from archive import events, failpoints, ledger
from archive.database import reading, writing
from archive.errors import NotFound, Refused
from archive.log.keeper import LogKeeper, position
from archive.package.page_texts import TextReading, engines_told
from archive.record import Member, PrincipalId, RecordId
from archive.retrieve import current_package
from archive.stores.port import ObjectStore
from archive.supplements import (
    SupplementPlan,
    deposit_supplement,
    hold_with_record,
    plan_supplement,
    supplement_of,
)
from archive.tables.holdings import record
from archive.tables.packages import package
from archive.texts import text_rows

_SETTLED = ("reserved", "void", "destroyed", "withdrawn")  # such a record is not read again


@dataclass(frozen=True, slots=True)
class Deposited:
    """What became of a reading: the package its text lies in, whether that is new, whether it is in force."""

    number: int
    new: bool
    in_force: bool


def deposit_text(
    engine: Engine,
    store: ObjectStore,
    record_id: RecordId,
    read: TextReading,
    texts: Sequence[Member],
    *,
    parent_sha256: str,
    adopt: bool,
    principal: PrincipalId,
    at: datetime,
    scratch: Path,
) -> Deposited:
    """Write a reading as a text supplement, then its row and events in one transaction.

    parent_sha256: of the content package that was read. texts: the ALTO document of each page that has one. adopt:
    it is in force from now on. The same reading again is the same reading: an interrupted attempt is finished, one
    that is there is only put in force. `secure_choice` comes after it.

    Raises NotFound, Refused (a newer content package came in between).
    """
    body = read.body(record_id, parent_sha256)
    with writing(engine) as connection:
        ledger.hold_record(connection, record_id)
        _require_kept(connection, record_id)
        content = current_package(connection, record_id)
        if content.sha256 != parent_sha256:
            raise Refused("text-parent", "a newer content package came in while this one was read; read again")
        known = next((one for one in text_rows(connection, content) if one.work_item_id == body["reading"]), None)
        if known is not None:
            if adopt:
                _choose(connection, content, known.number, principal=principal, at=at)
            return Deposited(known.number, False, adopt or content.text_number == known.number)
        plan = plan_supplement(
            connection, record_id, "text", principal=principal, at=at, store=store, act=body["reading"]
        )
    failpoints.passing("supplement-planned")
    written = supplement_of(plan, body, event="metadata extraction", detail="every page read again")
    stored, supplement = deposit_supplement(
        store, written, plan.key, retain_until=plan.locked_until or at, scratch=scratch, now=at, texts=texts
    )
    failpoints.passing("supplement-stored")
    hold_with_record(engine, store, record_id, stored)
    with writing(engine) as connection:
        ledger.hold_record(connection, record_id)
        if not _is_down(connection, plan):  # else another hand, with the same reserved number, was faster
            ledger.record_supplement(connection, supplement, stored, at=at, payload=told_of(supplement.body))
        content = current_package(connection, record_id)
        in_force = adopt and content.sha256 == parent_sha256
        if in_force:
            _choose(connection, content, plan.number, principal=principal, at=at)
    failpoints.passing("text-recorded")
    hold_with_record(engine, store, record_id, stored)
    return Deposited(plan.number, True, in_force)


def secure_choice(engine: Engine, log: LogKeeper) -> None:
    """Return when the vault holds every choice made so far. Raises LogNotSecured, LogForked, CatalogueBusy."""
    with reading(engine) as connection:
        size = position(connection, "records").size
    log.secure(size - 1)


def told_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event says of a text supplement's body: of its pages, which are many, only how many."""
    return {
        "reading": body["reading"],
        "text_sha256": body["text_sha256"],
        "confidence": body["confidence"],
        "engines": engines_told(body["derivation"]),
        "pages": len(body["pages"]),
    }


def _require_kept(connection: Connection, record_id: RecordId) -> None:
    state = connection.execute(select(record.c.state).where(record.c.id == record_id)).scalar_one_or_none()
    if state is None or state in _SETTLED:
        raise NotFound("record", record_id)


def _is_down(connection: Connection, plan: SupplementPlan) -> bool:
    state = connection.execute(
        select(package.c.state).where(package.c.record_id == plan.record_id, package.c.number == plan.number)
    ).scalar_one()
    return bool(state == "deposited")


def choose_text(
    engine: Engine, log: LogKeeper, record_id: RecordId, number: int, *, principal: PrincipalId, at: datetime
) -> bool:
    """Put the text of one package in force: of a text supplement, or of the current content package itself.

    Returns whether that changed anything, once the vault knows of it. Raises NotFound for a record that is not
    kept or a number that is no reading of its current content package; LogNotSecured for a choice that stands but
    is not in the vault yet.
    """
    with writing(engine) as connection:
        ledger.hold_record(connection, record_id)
        _require_kept(connection, record_id)
        content = current_package(connection, record_id)
        if number not in (content.number, *(one.number for one in text_rows(connection, content))):
            raise NotFound("reading of record", f"{record_id} {number}")
        changed = _choose(connection, content, number, principal=principal, at=at)
    secure_choice(engine, log)
    return changed


def _choose(
    connection: Connection, content: Row[Any], number: int, *, principal: PrincipalId, at: datetime
) -> bool:
    chosen = None if number == content.number else number
    if chosen == content.text_number:
        return False
    set_text(connection, content.record_id, content.number, chosen)
    events.append(
        connection,
        "records",
        "text.chosen",
        principal=principal,
        at=at,
        payload={
            "record": content.record_id,
            "package": content.number,
            "text": chosen,
            "before": content.text_number,
        },
    )
    return True


def set_text(connection: Connection, record_id: str, number: int, text: int | None) -> None:
    """Write down which text of a content package is in force: a text supplement's number, or None for its own."""
    connection.execute(
        update(package)
        .where(package.c.record_id == record_id, package.c.number == number)
        .values(text_number=text)
    )
