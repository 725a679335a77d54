"""Keeps every lock at least as long as it must be: rolling locks, files' longest periods, holds.

Locks only ever grow; running the sweep twice changes nothing the second time.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, Row, select

from archive import ledger
from archive.database import reading, writing
from archive.record import PrincipalId, RecordId, Retention
from archive.stores.port import ObjectStore
from archive.tables.holdings import archival_file, record
from archive.tables.packages import package
from retention.holds import active_holds
from retention.locks import LockSettings, full_lock, renewed_lock


@dataclass(frozen=True, slots=True)
class Renewed:
    """How many objects had their lock extended, and how many had their hold flag put right."""

    extended: int
    held: int


def longest_in_file(connection: Connection, record_id: RecordId) -> Retention:
    """Return a record's retention, or the longest of its archival file's accepted records (RET-1).

    The unit's file of the year for results without a dossier is no file in this sense.
    """
    me = connection.execute(
        select(record, archival_file.c.code.label("file_code"))
        .join(archival_file, archival_file.c.id == record.c.archival_file_id)
        .where(record.c.id == record_id)
    ).one()
    own = _retention(me)
    if me.file_code == ledger.UNFILED:
        return own
    siblings = connection.execute(
        select(record).where(record.c.archival_file_id == me.archival_file_id, record.c.state == "accepted")
    ).all()
    return max([own, *(_retention(row) for row in siblings)], key=_length)


def _retention(row: Row[tuple[object, ...]]) -> Retention:
    return Retention(
        row.retention_class,
        row.keep_until,
        row.permanent,
        row.retention_rule,
        row.retention_citation,
        row.retention_mark,
    )


def _length(retention: Retention) -> date:
    if retention.permanent:
        return date.max
    return retention.keep_until or date.min


def renew_locks(
    engine: Engine, store: ObjectStore, *, now: datetime, principal: PrincipalId, settings: LockSettings
) -> Renewed:
    """Extend every lock that is shorter than it must be, and set the flag of every hold that stands."""
    extended = held = 0
    with reading(engine) as connection:
        rows = connection.execute(
            select(
                package.c.record_id,
                package.c.number,
                package.c.object_key,
                package.c.version_id,
                package.c.locked_until,
                record.c.state,
            )
            .join(record, record.c.id == package.c.record_id)
            .where(package.c.state == "deposited", record.c.state != "destroyed")
        ).all()
        wanted = {row.record_id: longest_in_file(connection, RecordId(row.record_id)) for row in rows}
        holding = {record_id: active_holds(connection, RecordId(record_id)) > 0 for record_id in wanted}
    for row in rows:
        retention = wanted[row.record_id]
        due = renewed_lock(now, row.locked_until, permanent=retention.permanent, settings=settings)
        rolling = row.state != "accepted" or retention.keep_until is None or holding[row.record_id]
        goal = due if rolling else None
        if row.state == "accepted" and not retention.permanent and retention.keep_until is not None:
            goal = max(goal or row.locked_until, full_lock(now, retention, settings))
        if goal is not None and goal > row.locked_until:
            stored = store.extend(row.object_key, row.version_id, goal)
            with writing(engine) as connection:
                ledger.record_lock(
                    connection,
                    RecordId(row.record_id),
                    row.number,
                    stored,
                    at=now,
                    principal=principal,
                    basis="renewal",
                )
            extended += 1
        if holding[row.record_id] and not store.head(row.object_key, row.version_id).held:
            store.set_hold(row.object_key, row.version_id, held=True)
            held += 1
    return Renewed(extended, held)
