"""What the register says of a copy today: its entry, and whether copy and record still hold.

CPY-8: a wrong copy is void for all. CPY-12: a copy of a result that is no longer in force says so.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from archive.effects import effect_on
from archive.record import RecordId
from archive.tables.copies import copy, copy_request
from archive.tables.holdings import record
from archive.tables.packages import package
from search_api.copies.case import legal_day
from search_api.copies.model import CopyFacts
from search_api.copies.register import copy_facts
from search_api.copies.verify_words import Verdict, invalid, valid

_COPY_REASONS = {
    "reserved": "copy-reserved",
    "void": "copy-void",
    "revoked": "copy-revoked",
    "superseded": "copy-superseded",
}
_EFFECT_REASONS = {
    "not-yet": "record-not-yet",
    "expired": "record-expired",
    "suspended": "record-suspended",
    "revoked": "record-revoked",
    "annulled": "record-annulled",
    "replaced": "record-replaced",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A copy in the register as of an instant. effect: the record's state of effect on that legal day.

    signed_at: the time in its mark. status: of copy and record together.
    """

    copy_id: str
    facts: CopyFacts
    signed_at: datetime
    archive_number: str
    access_mode: str
    effect: str
    status: Verdict


def entry_by_serial(connection: Connection, serial: str, *, now: datetime) -> Entry | None:
    """Return the entry of a serial; None for an unknown one."""
    row = connection.execute(_entries().where(copy.c.serial == serial)).one_or_none()
    return _entry(connection, row, now) if row is not None else None


def entry_by_digest(connection: Connection, sha256: str, *, now: datetime) -> Entry | None:
    """Return the entry of the copy whose whole file has this digest; None for an unknown one."""
    row = connection.execute(_entries().where(copy.c.sha256 == sha256).limit(1)).one_or_none()
    return _entry(connection, row, now) if row is not None else None


def _entries() -> Select[Any]:
    return (
        select(
            copy,
            copy_request.c.valid_until.label("usable_until"),
            record.c.archive_number,
            record.c.state.label("record_state"),
            record.c.access_mode,
        )
        .join(copy_request, copy_request.c.id == copy.c.request_id)
        .join(record, record.c.id == copy.c.record_id)
    )


def _entry(connection: Connection, row: Row[Any], now: datetime) -> Entry:
    today = legal_day(now)
    effect = effect_on(connection, RecordId(row.record_id), today)
    return Entry(
        copy_id=row.id,
        facts=copy_facts(row),
        signed_at=row.reserved_at,
        archive_number=row.archive_number,
        access_mode=row.access_mode,
        effect=effect.state,
        status=_status(connection, row, today, effect.state),
    )


def _status(connection: Connection, row: Row[Any], today: date, effect: str) -> Verdict:
    """1. the copy itself; 2. its term of use; 3. the record's access; 4. its effect; 5. a newer digitization."""
    if row.status != "issued":  # 1
        return invalid(_COPY_REASONS[row.status])
    if row.usable_until is not None and row.usable_until < today:  # 2
        return invalid("copy-expired")
    if row.record_state == "withdrawn" or row.access_mode == "03":  # 3
        return invalid("record-withdrawn")
    if effect != "in-force":  # 4
        return invalid(_EFFECT_REASONS[effect])
    newest = connection.execute(
        select(func.max(package.c.number)).where(
            package.c.record_id == row.record_id, package.c.kind == "content", package.c.state == "deposited"
        )
    ).scalar_one()
    return invalid("package-superseded") if newest > row.package_number else valid("in-force")  # 5
