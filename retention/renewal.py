"""Keeps every lock at least as long as it must be: rolling locks, files' longest periods, holds.

Locks only ever grow; running the sweep twice changes nothing the second time.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from archive import failpoints, ledger
from archive.database import reading, writing
from archive.errors import StoreUnavailable
from archive.keys import is_restricted
from archive.record import PrincipalId, RecordId, Retention
from archive.stores.port import ObjectStore
from archive.tables.holdings import archival_file, record
from archive.tables.packages import package
from retention.holds import active_holds
from retention.locks import LockSettings, full_lock, renewed_lock

log = logging.getLogger(__name__)


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
    """Extend every lock that is shorter than it must be, and set the flag of every hold that stands.

    The store of levels 3-4 comes last: should it be away, nothing but its own locks waits for the next time.
    """
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
    for row in sorted(rows, key=lambda one: is_restricted(one.object_key)):
        on_hold = holding[row.record_id]
        goal = _goal(row, wanted[row.record_id], now, settings, held=on_hold)
        try:
            if goal is not None:
                _extend(engine, store, row, goal, now, principal)
                extended += 1
            if on_hold and not store.head(row.object_key, row.version_id).held:
                store.set_hold(row.object_key, row.version_id, held=True)
                held += 1
        except StoreUnavailable as error:
            if not is_restricted(row.object_key):
                raise
            log.warning("locks of levels 3-4 are extended when their store is back: %s", error.code)
            break
    return Renewed(extended, held)


def _goal(
    row: Row[*tuple[Any, ...]], retention: Retention, now: datetime, settings: LockSettings, *, held: bool
) -> datetime | None:
    """Return what a package's lock must be extended to; None if it is long enough."""
    rolling = row.state != "accepted" or retention.keep_until is None or held
    due = renewed_lock(now, row.locked_until, permanent=retention.permanent, settings=settings)
    goal: datetime = (due if rolling else None) or row.locked_until
    if row.state == "accepted" and not retention.permanent and retention.keep_until is not None:
        goal = max(goal, full_lock(now, retention, settings))
    return goal if goal > row.locked_until else None


def _extend(
    engine: Engine,
    store: ObjectStore,
    row: Row[*tuple[Any, ...]],
    goal: datetime,
    now: datetime,
    principal: PrincipalId,
) -> None:
    stored = store.extend(row.object_key, row.version_id, goal)
    failpoints.passing("lock-renewed")
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
