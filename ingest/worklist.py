"""The work list: claims with leases and fencing tokens, and what happens to work whose worker is gone.

A *death* counts when a living supervisor saw its child die; an *interruption* is a lease that ran out
unreported or a whole tree that was killed. Both give the work back; too many put it in quarantine with its
reason, while everything else goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from archive.identifiers import new_id
from ingest.errors import LeaseLost
from ingest.lanes import LANES, Lane
from ingest.owners import host_name, owner_is_alive
from ingest.settings import IngestSettings
from ingest.shares import give_up, remove_shares
from ingest.tables import item, work_item
from ingest.turns import ready_in, turns

MAX_BACKOFF_SECONDS = 3600.0

Kind = Literal["read", "pages"]  # an item, or a share of one: see ingest/spreading.py


@dataclass(frozen=True, slots=True)
class Claim:
    """One work item in one worker's hands; fence is the token every write must carry.

    item_id: of a share, the item that the share is of.
    """

    work_item_id: str
    kind: Kind
    item_id: str
    fence: int
    owner: str
    frozen: dict[str, Any]

    @property
    def whole_id(self) -> str:
        """The work item that pages are kept under: of a share, that of its document."""
        return str(self.frozen["work"]) if self.kind == "pages" else self.work_item_id


def add_work(
    connection: Connection,
    subject_id: str,
    *,
    batch_id: str,
    lane: Lane,
    now: datetime,
    kind: Kind = "read",
    frozen: dict[str, Any] | None = None,
) -> str:
    """Put work of a batch on the list, due now, and return its id; an item is on the list once."""
    work_item_id = new_id()
    connection.execute(
        insert(work_item).values(
            id=work_item_id,
            kind=kind,
            subject_id=subject_id,
            lane=lane,
            batch_id=batch_id,
            state="ready",
            deaths=0,
            interruptions=0,
            failures=0,
            fence=0,
            next_try_at=now,
            frozen=frozen or {},
            changed_at=now,
        )
    )
    return work_item_id


def lane_of(connection: Connection, work_item_id: str) -> Lane | None:
    """Return the lane a piece of work is in; None if there is no such work."""
    found: Lane | None = connection.execute(
        select(work_item.c.lane).where(work_item.c.id == work_item_id)
    ).scalar_one_or_none()
    return found


def claim_next(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    settings: IngestSettings,
    lanes: Sequence[Lane] = LANES,
) -> Claim | None:
    """Lease the work whose turn it is in some lanes to owner, or return None when nothing is ready now."""
    for turn in turns(connection, lanes, now=now):
        found = connection.execute(
            ready_in(turn, now).limit(1).with_for_update(skip_locked=True)
        ).scalar_one_or_none()
        if found is not None:  # else others are taking all that is left of it this moment
            return _lease(connection, found, owner=owner, now=now, settings=settings)
    return None


def ready_work(connection: Connection, lane: Lane, *, now: datetime, at_most: int) -> list[str]:
    """Return the ids of so much work of a lane that is ready now, at most."""
    found: list[str] = []
    for turn in turns(connection, [lane], now=now):
        found += connection.execute(ready_in(turn, now).limit(at_most - len(found))).scalars()
        if len(found) == at_most:
            break
    return found


def _lease(
    connection: Connection, work_item_id: str, *, owner: str, now: datetime, settings: IngestSettings
) -> Claim:
    row = connection.execute(
        update(work_item)
        .where(work_item.c.id == work_item_id, work_item.c.state == "ready")
        .values(
            state="leased",
            owner=owner,
            lease_until=now + timedelta(seconds=settings.lease_seconds),
            fence=work_item.c.fence + 1,
            changed_at=now,
        )
        .returning(work_item.c.id, work_item.c.kind, work_item.c.subject_id, work_item.c.fence, work_item.c.frozen)
    ).one()
    item_id = row.frozen["item"] if row.kind == "pages" else row.subject_id
    return Claim(row.id, row.kind, item_id, row.fence, owner, dict(row.frozen))


def _held(connection: Connection, claim: Claim, **values: Any) -> None:
    changed = connection.execute(
        update(work_item)
        .where(
            work_item.c.id == claim.work_item_id,
            work_item.c.fence == claim.fence,
            work_item.c.state == "leased",
        )
        .values(**values)
    ).rowcount
    if changed != 1:
        raise LeaseLost(claim.work_item_id)


def renew(connection: Connection, claim: Claim, *, now: datetime, settings: IngestSettings) -> None:
    """Move the lease's end on. Raises LeaseLost if another holds the work by now."""
    _held(connection, claim, lease_until=now + timedelta(seconds=settings.lease_seconds), changed_at=now)


def freeze(connection: Connection, claim: Claim, frozen: dict[str, Any], *, now: datetime) -> Claim:
    """Fix inputs of the work for every later attempt; return the claim with them. Raises LeaseLost."""
    _held(connection, claim, frozen=frozen, changed_at=now)
    return replace(claim, frozen=frozen)


def finish(connection: Connection, claim: Claim, *, reason: str | None, now: datetime) -> None:
    """Take the work off the list, in the transaction that writes its outcome. Raises LeaseLost.

    No share of it is left either: who reads one finds its lease lost.
    """
    remove_shares(connection, claim.frozen)
    _held(connection, claim, state="done", reason=reason, owner=None, lease_until=None, changed_at=now)


def put_back(connection: Connection, claim: Claim, *, now: datetime, after_seconds: float) -> None:
    """Return work unfinished without counting anything against it. Raises LeaseLost."""
    _held(
        connection,
        claim,
        state="ready",
        owner=None,
        lease_until=None,
        next_try_at=now + timedelta(seconds=after_seconds),
        changed_at=now,
    )


def fail(
    connection: Connection, claim: Claim, *, reason: str, now: datetime, settings: IngestSettings
) -> Literal["ready", "quarantined"]:
    """Return work after an error that may pass, with growing pauses; past the limit it is quarantined."""
    failures = (
        1
        + connection.execute(select(work_item.c.failures).where(work_item.c.id == claim.work_item_id)).scalar_one()
    )
    state: Literal["ready", "quarantined"] = "quarantined" if failures >= settings.failure_limit else "ready"
    pause = min(MAX_BACKOFF_SECONDS, 2.0**failures)
    _held(
        connection,
        claim,
        state=state,
        failures=failures,
        reason=reason,
        owner=None,
        lease_until=None,
        next_try_at=now + timedelta(seconds=pause),
        changed_at=now,
    )
    if state == "quarantined":
        give_up(connection, claim.frozen)
    return state


def give_back(connection: Connection, row: Row[Any], *, count: str, limit: int, reason: str, now: datetime) -> str:
    """Give leased work back and count what it was left by; return its new state, or `taken` by another."""
    counted = getattr(row, count) + 1
    state = "quarantined" if counted >= limit else "ready"
    changed = connection.execute(
        update(work_item)
        .where(work_item.c.id == row.id, work_item.c.fence == row.fence, work_item.c.state == "leased")
        .values(
            {
                count: counted,
                "state": state,
                "owner": None,
                "lease_until": None,
                "next_try_at": now,
                "reason": reason,
                "changed_at": now,
            }
        )
    ).rowcount
    if changed and state == "quarantined":
        give_up(connection, row.frozen)
    return state if changed else "taken"


def report_death(
    connection: Connection, owner: str, *, reason: str, now: datetime, settings: IngestSettings
) -> list[str]:
    """Give back at once what a child held that its supervisor saw die; return the new states."""
    rows = connection.execute(
        select(work_item).where(work_item.c.state == "leased", work_item.c.owner == owner)
    ).all()
    return [
        give_back(connection, row, count="deaths", limit=settings.death_limit, reason=reason, now=now)
        for row in rows
    ]


def lost_owners(connection: Connection, pid: int) -> list[str]:
    """Return under which names a process of this host, that is gone, still holds work."""
    held = select(work_item.c.owner).where(
        work_item.c.state == "leased", work_item.c.owner.startswith(f"{host_name()}:{pid}:", autoescape=True)
    )
    return [owner for owner in connection.execute(held.distinct()).scalars() if owner_is_alive(owner) is False]


def return_held(connection: Connection, owner: str, *, now: datetime) -> int:
    """Give back what an orderly stopped worker still held, counting nothing; return how many."""
    return connection.execute(
        update(work_item)
        .where(work_item.c.state == "leased", work_item.c.owner == owner)
        .values(state="ready", owner=None, lease_until=None, next_try_at=now, changed_at=now)
    ).rowcount


def retry(connection: Connection, batch_id: str, *, now: datetime, file: str | None = None) -> int:
    """Put a batch's quarantined work back on the list with its counters at zero; return how many."""
    subjects = select(item.c.id).where(item.c.batch_id == batch_id)
    if file is not None:
        subjects = subjects.where(item.c.file == file)
    return connection.execute(
        update(work_item)
        .where(work_item.c.state == "quarantined", work_item.c.subject_id.in_(subjects))
        .values(state="ready", deaths=0, interruptions=0, failures=0, next_try_at=now, reason=None, changed_at=now)
    ).rowcount
