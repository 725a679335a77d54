"""Every object with a lock, a bounded page at a time, and the end that its retention asks for now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, tuple_

from archive.record import Retention
from archive.tables.copies import copy
from archive.tables.holdings import hold, record
from archive.tables.log import log_segment
from archive.tables.packages import package
from retention.locks import LockSettings, full_lock, renewed_lock
from retention.longest import longest_of_files, with_file

SECTIONS = ("packages", "log", "copies")


@dataclass(frozen=True, slots=True)
class LockedObject:
    """One object and how it must be locked.

    locked_until: as its row says, None where no row does; goal: the end it must have at least, None for none but
    that; record, number: of a package; rolling: settings and instant by which the store's own word decides whether
    a permanent lock is due, for what has no row of it.
    """

    key: str
    version_id: str
    locked_until: datetime | None
    goal: datetime | None
    held: bool
    record: str | None = None
    number: int = 0
    rolling: tuple[datetime, LockSettings] | None = None

    @property
    def subject(self) -> str:
        """How findings name it."""
        return f"{self.key}@{self.version_id}"

    def rolled(self, until: datetime | None) -> datetime | None:
        """Return the new end of a rolling lock that no row knows, None if it has time left."""
        if self.rolling is None:
            return None
        now, settings = self.rolling
        return renewed_lock(now, until or now, permanent=True, settings=settings)


def next_page(
    connection: Connection,
    cursor: str,
    now: datetime,
    settings: LockSettings,
    at_most: int,
    *,
    renew: bool,
) -> tuple[str, list[LockedObject]]:
    """Return the objects that follow a cursor, and the cursor behind them: empty, as the first, when all are done.

    renew: rolling locks that are due get a goal.
    """
    section, _, last = (cursor or f"{SECTIONS[0]} ").partition(" ")
    found = _READERS[section](connection, last, now, settings, at_most, renew)
    if len(found) == at_most:
        return f"{section} {found[-1].key}", found
    following = SECTIONS.index(section) + 1
    return (f"{SECTIONS[following]} " if following < len(SECTIONS) else ""), found


def _packages(
    connection: Connection, last: str, now: datetime, settings: LockSettings, at_most: int, renew: bool
) -> list[LockedObject]:
    standing = exists().where(hold.c.record_id == package.c.record_id, hold.c.lifted_at.is_(None))
    rows = connection.execute(
        select(
            package.c.record_id,
            package.c.number,
            package.c.object_key,
            package.c.version_id,
            package.c.locked_until,
            record.c.state,
            record.c.permanent,
            record.c.keep_until,
            record.c.archival_file_id,
            standing.label("held"),
        )
        .join(record, record.c.id == package.c.record_id)
        .where(package.c.state == "deposited", record.c.state != "destroyed", package.c.object_key > last)
        .order_by(package.c.object_key)
        .limit(at_most)
    ).all()
    files = longest_of_files(connection, {row.archival_file_id for row in rows})
    return [
        LockedObject(
            row.object_key,
            row.version_id,
            row.locked_until,
            _goal(row, files.get(row.archival_file_id), now, settings) if renew else None,
            bool(row.held),
            row.record_id,
            row.number,
        )
        for row in rows
    ]


def _goal(row: Any, file: Retention | None, now: datetime, settings: LockSettings) -> datetime | None:
    """Return what a package's lock must be extended to; None if it is long enough."""
    kept = with_file(Retention(None, row.keep_until, row.permanent, None, None, None), file)
    rolling = row.state != "accepted" or kept.keep_until is None or kept.permanent or row.held
    due = renewed_lock(now, row.locked_until, permanent=kept.permanent, settings=settings)
    goal: datetime = (due if rolling else None) or row.locked_until
    if row.state == "accepted" and not kept.permanent and kept.keep_until is not None:
        goal = max(goal, full_lock(now, kept, settings))
    return goal if goal > row.locked_until else None


def _segments(
    connection: Connection, last: str, now: datetime, settings: LockSettings, at_most: int, renew: bool
) -> list[LockedObject]:
    table = log_segment
    query = select(table.c.object_key, table.c.version_id).order_by(table.c.stream, table.c.first_sequence)
    if last:
        stream, first = last.split("/")[-2:]
        query = query.where(tuple_(table.c.stream, table.c.first_sequence) > (stream, int(first)))
    rolling = (now, settings) if renew else None
    rows = connection.execute(query.limit(at_most))
    return [LockedObject(row.object_key, row.version_id, None, None, held=False, rolling=rolling) for row in rows]


def _copies(
    connection: Connection, last: str, _now: datetime, _settings: LockSettings, at_most: int, _renew: bool
) -> list[LockedObject]:
    rows = connection.execute(
        select(copy.c.object_key, copy.c.version_id)
        .where(copy.c.object_key > last)
        .order_by(copy.c.object_key)
        .limit(at_most)
    ).all()
    return [LockedObject(row.object_key, row.version_id, None, None, held=False) for row in rows]


_READERS = {"packages": _packages, "log": _segments, "copies": _copies}
