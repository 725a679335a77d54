"""How much is on the work list, by what can be done with it now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ingest.batch_state import SYSTEM, reason_of
from ingest.tables import batch, work_item
from ingest.turns import batches_waiting


@dataclass(frozen=True, slots=True)
class Backlog:
    """Items on the list: ready now, ready later, leased, quarantined; next_try_at of the earliest later.

    Those whose pages are read apart wait for that, so they are among the later. paused: those of paused batches,
    counted there alone.
    """

    ready: int
    later: int
    leased: int
    quarantined: int
    next_try_at: datetime | None
    paused: int = 0


def backlog(connection: Connection, *, now: datetime) -> Backlog:
    """Count the items on the list."""
    unfinished = work_item.c.state.in_(("ready", "leased", "quarantined")) & (work_item.c.kind == "read")
    counts: dict[str, int] = {
        state: count
        for state, count in connection.execute(
            select(work_item.c.state, func.count()).where(unfinished).group_by(work_item.c.state)
        )
    }
    halted = select(batch.c.id).where(batch.c.state == "paused")
    ready = (work_item.c.state == "ready") & (work_item.c.kind == "read")
    paused = connection.execute(select(func.count()).where(ready, work_item.c.batch_id.in_(halted))).scalar_one()
    later = connection.execute(
        select(func.count(), func.min(work_item.c.next_try_at)).where(
            ready, work_item.c.batch_id.not_in(halted), work_item.c.next_try_at > now
        )
    ).one()
    return Backlog(
        ready=counts.get("ready", 0) - paused - later[0],
        later=later[0],
        leased=counts.get("leased", 0),
        quarantined=counts.get("quarantined", 0),
        next_try_at=later[1],
        paused=paused,
    )


def is_work_left(connection: Connection) -> bool:
    """Whether anything is leased, or ready now or later; found in the index, however long the list is.

    What a person has paused waits for a person; what the system has paused goes on by itself and counts.
    """
    leased = select(work_item.c.id).where(work_item.c.state == "leased")
    if connection.execute(leased.limit(1)).first() is not None:
        return True
    waiting = connection.execute(batches_waiting()).all()
    return any(row.state != "paused" or reason_of(row).by == SYSTEM for row in waiting)
