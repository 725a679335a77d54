"""Keeps every lock at least as long as it must be: rolling locks, files' longest periods, holds.

Locks only ever grow; running the sweep twice changes nothing the second time.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, Row, select

from archive import ledger
from archive.record import PrincipalId, RecordId, Retention
from archive.stores.port import ObjectStore
from archive.tables.holdings import archival_file, record
from retention.locks import LockSettings
from retention.reconcile import Reconciler


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
    """Extend every lock that is shorter than it must be, and set the flag of every hold that stands: one round of
    `retention.reconcile`, or what is left of one.

    The objects of levels 3-4 wait for the next round if their store is away. Raises StoreUnavailable.
    """
    done = Reconciler(engine, store, settings, principal=principal, now=lambda: now).round()
    return Renewed(done.extended, done.held)
