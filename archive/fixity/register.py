"""The newest check of each stored version: rows claimed by small lots, the oldest first, and what was found.

Whoever looks at a version has claimed its row first, for an hour: of several processes each looks at others, and
what a killed one had claimed is looked at by another an hour later. A clock that was set back leaves claims and
checks of days to come: those count for nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, delete, or_, select, update

from archive import events
from archive.database import insert_new, reading, writing
from archive.fixity.examine import Found
from archive.fixity.named import NamedObject
from archive.fixity.preservation import premis
from archive.identifiers import new_id
from archive.record import PrincipalId
from archive.tables.packages import fixity_check

Side = Literal["primary", "replica"]
CLAIM = timedelta(hours=1)
AGAIN = timedelta(minutes=10)  # after an attempt that could not check, or not mend
STRANGE = timedelta(days=1)  # further in the future than any right clock puts it


@dataclass(frozen=True, slots=True)
class Claimed:
    """One version to look at. before: its verdict until now."""

    id: str
    side: Side
    key: str
    version_id: str
    before: str


def unchecked_row(side: Side, key: str, version_id: str, checked_at: datetime) -> dict[str, Any]:
    """Return the row of a version that was not looked at since it was stored."""
    where = {"id": new_id(), "store": side, "object_key": key, "version_id": version_id}
    return {
        **where,
        "checked_at": checked_at,
        "verdict": "unchecked",
        "reason": "not looked at since it was stored",
    }


def replica_version(connection: Connection, key: str) -> str | None:
    """Return the version of an object's second copy; None if none is known."""
    found: str | None = connection.execute(
        select(fixity_check.c.version_id)
        .where(fixity_check.c.store == "replica", fixity_check.c.object_key == key)
        .order_by(fixity_check.c.checked_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def free_at(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody has claimed a row."""
    until = fixity_check.c.not_before
    return or_(until.is_(None), until <= now, until > now + STRANGE)


def due_at(before: datetime, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a version was last checked before an instant."""
    return or_(fixity_check.c.checked_at < before, fixity_check.c.checked_at > now + STRANGE)


def claim(engine: Engine, side: Side, which: ColumnElement[bool], *, now: datetime, at_most: int) -> list[Claimed]:
    """Claim rows of one store that a condition names, the oldest check first."""
    where = (fixity_check.c.store == side, which, free_at(now))
    query = select(fixity_check.c.id).where(*where).order_by(fixity_check.c.checked_at).limit(at_most)
    with reading(engine) as connection:
        ids = connection.execute(query).scalars().all()
    if not ids:
        return []
    taking = (
        update(fixity_check)
        .where(fixity_check.c.id.in_(ids), *where)
        .values(not_before=now + CLAIM)
        .returning(fixity_check.c.id, fixity_check.c.object_key, fixity_check.c.version_id, fixity_check.c.verdict)
    )
    with writing(engine) as connection:
        taken = {row.id: row for row in connection.execute(taking)}
    rows = (taken[one] for one in ids if one in taken)
    return [Claimed(row.id, side, row.object_key, row.version_id, row.verdict) for row in rows]


def forget(connection: Connection, ids: Iterable[str]) -> None:
    """Drop rows of versions that the catalogue does not name any more."""
    connection.execute(delete(fixity_check).where(fixity_check.c.id.in_(list(ids))))


def note(
    connection: Connection,
    side: Side,
    key: str,
    version_id: str,
    found: Found,
    *,
    at: datetime,
    release: bool = True,
) -> str | None:
    """Write what was found of a version, and return the verdict before it, None if it is new.

    What could not be checked leaves verdict and time of the last check as they are, and is tried again soon. A bad
    one stays bad until it was read and is right. release: whoever claimed it is done with it.
    """
    where = (
        fixity_check.c.store == side,
        fixity_check.c.object_key == key,
        fixity_check.c.version_id == version_id,
    )
    before: str | None = connection.execute(select(fixity_check.c.verdict).where(*where)).scalar_one_or_none()
    if before is None:
        insert_new(connection, fixity_check, unchecked_row(side, key, version_id, at))
    values: dict[str, Any] = {"reason": found.reason, **({"not_before": None} if release else {})}
    if found.verdict == "unchecked":
        values["not_before"] = at + AGAIN
    else:
        values |= {"verdict": found.verdict, "checked_at": at, "found_sha256": found.sha256}
    connection.execute(update(fixity_check).where(*where).values(**values))
    return before


def report_bad(
    connection: Connection,
    side: Side,
    named: NamedObject,
    version_id: str,
    found: Found,
    *,
    at: datetime,
    principal: PrincipalId,
    release: bool = False,
) -> None:
    """Write down that a version is bad: its row, and an event if it was not known yet."""
    if note(connection, side, named.key, version_id, found, at=at, release=release) == "bad":
        return
    events.append(
        connection,
        "records",
        "fixity.bad",
        principal=principal,
        at=at,
        payload={
            "store": side,
            "key": named.key,
            "version": version_id,
            "expected": named.sha256,
            "found": found.sha256,
            "reason": found.reason,
            "premis": premis("fixity check", f"{side} store, {named.key}: {found.reason}", well=False),
        },
    )
