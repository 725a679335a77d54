"""Every object the catalogue names (packages, copies, segments of the log), in one shape, as one query."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Row,
    Subquery,
    cast,
    exists,
    false,
    func,
    null,
    select,
    union_all,
)

from archive.tables.copies import copy
from archive.tables.holdings import hold, record
from archive.tables.log import log_segment
from archive.tables.packages import package
from archive.tables.schema import Instant


@dataclass(frozen=True, slots=True)
class NamedObject:
    """One object as the catalogue has it. length in bytes, None where no row says it (segments); locked_until is
    None where no row says it (copies, segments); held: a hold stands on its record."""

    key: str
    version_id: str
    sha256: str
    length: int | None
    locked_until: datetime | None
    held: bool
    stored_at: datetime


def named_objects() -> Subquery:
    """Return all of them as a subquery with the fields of NamedObject."""
    standing = exists().where(hold.c.record_id == package.c.record_id, hold.c.lifted_at.is_(None))
    packages = (
        select(
            package.c.object_key.label("key"),
            package.c.version_id,
            package.c.sha256,
            package.c.length,
            package.c.locked_until,
            standing.label("held"),
            package.c.deposited_at.label("stored_at"),
        )
        .join(record, record.c.id == package.c.record_id)
        .where(package.c.state == "deposited", record.c.state != "destroyed")
    )
    no_end, no_length, not_held = cast(null(), Instant), cast(null(), BigInteger), cast(false(), Boolean)
    copies = select(
        copy.c.object_key,
        copy.c.version_id,
        copy.c.sha256,
        copy.c.length,
        no_end,
        not_held,
        func.coalesce(copy.c.issued_at, copy.c.reserved_at),
    ).where(copy.c.object_key.is_not(None))
    segments = select(
        log_segment.c.object_key,
        log_segment.c.version_id,
        log_segment.c.sha256,
        no_length,
        no_end,
        not_held,
        log_segment.c.stored_at,
    )
    return union_all(packages, copies, segments).subquery("named")


def of_row(row: Row[Any]) -> NamedObject:
    """Return a row of `named_objects` as what it is."""
    return NamedObject(
        row.key, row.version_id, row.sha256, row.length, row.locked_until, bool(row.held), row.stored_at
    )


def named_by_key(connection: Connection, keys: Collection[str]) -> dict[str, NamedObject]:
    """Return what the catalogue names under these keys, by key."""
    named = named_objects()
    rows = connection.execute(select(named).where(named.c.key.in_(keys)))
    return {row.key: of_row(row) for row in rows}
