"""Gives back the work of whoever is gone: leases that ran out, and owners of this host that run no more."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from ingest import timings
from ingest.owners import owner_is_alive
from ingest.settings import IngestSettings
from ingest.tables import work_item
from ingest.worklist import MAX_BACKOFF_SECONDS, give_back


def sweep(
    connection: Connection,
    *,
    now: datetime,
    settings: IngestSettings,
    patience: timedelta = timedelta(),
    judge: bool = True,
) -> int:
    """Give back work whose lease ran out, or whose owner on this host is gone; return how many.

    patience: for so long after the last sign of life a supervisor may still report its child's death. judge: False
    leaves leases that ran out alone, whose owners could not renew them. Times further ahead than any that is given
    out are of a clock that was set back since: they count from now.
    """
    _set_right(connection, now, settings)
    rows = connection.execute(select(work_item).where(work_item.c.state == "leased")).all()
    given = 0
    for row in rows:
        expired = row.lease_until < now
        fresh = row.changed_at <= now < row.changed_at + patience
        if not (expired and judge) and (fresh or owner_is_alive(row.owner) is not False):
            continue
        give_back(
            connection,
            row,
            count="interruptions",
            limit=settings.interruption_limit,
            reason="lease-expired" if expired and judge else "owner-gone",
            now=now,
        )
        given += 1
    timings.took("sweep", "", given)
    return given


def _set_right(connection: Connection, now: datetime, settings: IngestSettings) -> None:
    lease, longest = timedelta(seconds=settings.lease_seconds), timedelta(seconds=2 * MAX_BACKOFF_SECONDS)
    connection.execute(
        update(work_item)
        .where(work_item.c.state == "leased", work_item.c.lease_until > now + 2 * lease)
        .values(lease_until=now + lease)
    )
    connection.execute(
        update(work_item)
        .where(work_item.c.state == "ready", work_item.c.next_try_at > now + longest)
        .values(next_try_at=now)
    )
