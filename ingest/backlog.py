"""How much is on the work list, by what can be done with it now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ingest.tables import work_item


@dataclass(frozen=True, slots=True)
class Backlog:
    """Items on the list: ready now, ready later, leased, quarantined; next_try_at of the earliest later.

    Those whose pages are read apart wait for that, so they are among the later.
    """

    ready: int
    later: int
    leased: int
    quarantined: int
    next_try_at: datetime | None


def backlog(connection: Connection, *, now: datetime) -> Backlog:
    """Count the items on the list."""
    unfinished = work_item.c.state.in_(("ready", "leased", "quarantined")) & (work_item.c.kind == "read")
    counts: dict[str, int] = {
        state: count
        for state, count in connection.execute(
            select(work_item.c.state, func.count()).where(unfinished).group_by(work_item.c.state)
        )
    }
    later = connection.execute(
        select(func.count(), func.min(work_item.c.next_try_at)).where(
            work_item.c.state == "ready", work_item.c.kind == "read", work_item.c.next_try_at > now
        )
    ).one()
    return Backlog(
        ready=counts.get("ready", 0) - later[0],
        later=later[0],
        leased=counts.get("leased", 0),
        quarantined=counts.get("quarantined", 0),
        next_try_at=later[1],
    )


def is_work_left(connection: Connection) -> bool:
    """Whether anything is ready, now or later, or leased; found in the index, however long the list is."""
    left = select(work_item.c.id).where(work_item.c.state.in_(("ready", "leased")))
    return connection.execute(left.limit(1)).first() is not None
