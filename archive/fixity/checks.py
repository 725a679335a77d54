"""What `doctor` and the figures say of fixity: overdue, bad, and how far the second copies are behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, and_, func, select

from archive.database import reading
from archive.doctor import Finding
from archive.fixity.named import named_objects
from archive.tables.packages import fixity_check

BAD_MOST = 200  # findings of one kind; the rest is counted
REPLICA_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class State:
    """How one store stands. oldest: the check that was longest ago; unreached: versions whose last attempt found
    the store away, or that were not looked at yet."""

    side: str
    versions: int
    bad: int
    unreached: int
    oldest: datetime | None


def fixity_states(connection: Connection) -> list[State]:
    """Return how each store stands that anything is known of."""
    table = fixity_check
    rows = connection.execute(
        select(
            table.c.store,
            func.count().label("versions"),
            func.count().filter(table.c.verdict == "bad").label("bad"),
            func.count().filter(table.c.verdict != "bad", table.c.reason.is_not(None)).label("unreached"),
            func.min(table.c.checked_at).label("oldest"),
        )
        .group_by(table.c.store)
        .order_by(table.c.store)
    )
    return [State(row.store, row.versions, row.bad, row.unreached, row.oldest) for row in rows]


def without_second_copy(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many objects have no second copy, and since when the oldest of them is there."""
    named = named_objects()
    known = and_(fixity_check.c.store == "replica", fixity_check.c.object_key == named.c.key)
    query = (
        select(func.count().label("count"), func.min(named.c.stored_at).label("oldest"))
        .select_from(named.outerjoin(fixity_check, known))
        .where(fixity_check.c.id.is_(None))
    )
    row = connection.execute(query).one()
    return row._mapping["count"], row.oldest


def check_fixity(engine: Engine, *, days: int, replicated: bool, now: datetime) -> Iterator[Finding]:
    """Name what was not checked in time, what is bad, and what has no second copy though it should."""
    with reading(engine) as connection:
        states = fixity_states(connection)
        bad = connection.execute(
            select(fixity_check)
            .where(fixity_check.c.verdict == "bad")
            .order_by(fixity_check.c.store, fixity_check.c.object_key)
            .limit(BAD_MOST)
        ).all()
        behind, since = without_second_copy(connection) if replicated else (0, None)
    for state in states:
        if state.oldest is not None and state.oldest < now - timedelta(days=days):
            told = f"a version was last checked at {state.oldest:%Y-%m-%d}; all are due each {days} days"
            yield Finding("fixity-overdue", state.side, told)
    for row in bad:
        yield Finding("fixity-bad", f"{row.store}:{row.object_key}@{row.version_id}", row.reason or "bad")
    if behind and since is not None and since < now - REPLICA_GRACE:
        told = f"{behind} objects have no second copy, the oldest since {since:%Y-%m-%d %H:%M}"
        yield Finding("replica-behind", "replica", told)
