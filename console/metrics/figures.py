"""Reads how things stand: each group of figures by its own short queries, in a transaction that only reads.

What grows without end is not counted row by row where it can be helped: items are counted in batches that are not
closed, work that is not done by its index.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from archive.errors import SigningFailed
from archive.events import STREAMS, read_from
from archive.fixity.checks import fixity_states, without_second_copy
from archive.log.keeper import position
from archive.signers.port import Signer
from archive.signers.readiness import time_left
from archive.tables.copies import copy, copy_request
from archive.tables.holdings import fonds, record
from archive.tables.log import stream_head
from archive.tables.packages import package
from archive.tables.principals import api_key, principal
from console.metrics.families import Sample
from ingest.tables import batch, item, work_item
from retention.reconcile import last_round
from search_api.index.port import Position

Read = Callable[[Connection, datetime], Iterable[Sample]]

ITEM_STATES = ("waiting", "stopped", "archived", "duplicate", "rejected")
BATCH_STATES = ("taking", "open", "paused")
WORK_STATES, LANES = ("ready", "leased", "quarantined"), ("interactive", "batch", "heavy")
COPY_STATUSES = ("reserved", "issued", "void", "revoked", "superseded")
EXPIRING = timedelta(days=30)


def read_items(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return the items of batches that are not closed, and since when the oldest batch of each state waits."""
    rows = connection.execute(
        select(item.c.state, func.count().label("count"), func.min(batch.c.received_at).label("oldest"))
        .join(batch, batch.c.id == item.c.batch_id)
        .where(batch.c.state.in_(BATCH_STATES))
        .group_by(item.c.state)
    ).all()
    found = {row.state: row for row in rows}
    for state in dict.fromkeys((*ITEM_STATES, *found)):
        row = found.get(state)
        yield Sample("sohoa_items", row._mapping["count"] if row else 0, (state,))
        yield Sample("sohoa_oldest_item_seconds", _since(row.oldest if row else None, now), (state,))


def read_batches(connection: Connection, _now: datetime) -> Iterable[Sample]:
    """Return the batches that are not closed."""
    query = select(batch.c.state, func.count()).where(batch.c.state.in_(BATCH_STATES)).group_by(batch.c.state)
    counts = {state: count for state, count in connection.execute(query)}
    for state in BATCH_STATES:
        yield Sample("sohoa_batches", counts.get(state, 0), (state,))


def read_work(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return the work that is not done, how long it has been ready, and leases nobody gave back."""
    counts = {
        (state, lane): count
        for state, lane, count in connection.execute(
            select(work_item.c.state, work_item.c.lane, func.count())
            .where(work_item.c.state.in_(WORK_STATES))
            .group_by(work_item.c.state, work_item.c.lane)
        )
    }
    # Nothing is given up with a quarantined share: the work of its document goes on with its pages.
    shares = (
        select(work_item.c.lane, func.count())
        .where(work_item.c.state == "quarantined", work_item.c.kind == "pages")
        .group_by(work_item.c.lane)
    )
    for lane, count in connection.execute(shares):
        counts["quarantined", lane] -= count
    for state in WORK_STATES:
        for lane in LANES:
            yield Sample("sohoa_work_items", counts.get((state, lane), 0), (state, lane))
    due = (
        select(work_item.c.lane, func.min(work_item.c.next_try_at))
        .where(work_item.c.state == "ready", work_item.c.next_try_at <= now)
        .group_by(work_item.c.lane)
    )
    oldest = {lane: at for lane, at in connection.execute(due)}
    for lane in LANES:
        yield Sample("sohoa_oldest_ready_seconds", _since(oldest.get(lane), now), (lane,))
    expired = select(func.count()).where(work_item.c.state == "leased", work_item.c.lease_until < now)
    yield Sample("sohoa_expired_leases", connection.execute(expired).scalar_one())


def read_copies(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return the registers' numbers by status, the oldest one only reserved, and requests past their time."""
    counts = {
        status: count
        for status, count in connection.execute(select(copy.c.status, func.count()).group_by(copy.c.status))
    }
    for status in COPY_STATUSES:
        yield Sample("sohoa_copies", counts.get(status, 0), (status,))
    oldest = connection.execute(select(func.min(copy.c.reserved_at)).where(copy.c.status == "reserved"))
    yield Sample("sohoa_oldest_reserved_copy_seconds", _since(oldest.scalar_one(), now))
    overdue = select(func.count()).where(copy_request.c.state == "received", copy_request.c.deadline < now)
    yield Sample("sohoa_copy_requests_overdue", connection.execute(overdue).scalar_one())


def read_events(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return how many events each stream has, and for how long the oldest waits that is not in the vault."""
    for stream in STREAMS:
        at = position(connection, stream)
        first = next(read_from(connection, stream, at.kept, limit=1), None)
        waits_since = datetime.fromisoformat(first.body["at"]) if first is not None else None
        yield Sample("sohoa_events", at.size, (stream,))
        yield Sample("sohoa_log_waiting_seconds", _since(waits_since, now), (stream,))


def index_reading(position: Callable[[], Position]) -> Read:
    """Return the reading of how far the index that answers is behind the records stream."""

    def read(connection: Connection, now: datetime) -> Iterable[Sample]:
        at = position()
        head = connection.execute(
            select(stream_head.c.next_sequence).where(stream_head.c.stream == "records")
        ).scalar_one()
        first = next(read_from(connection, "records", at.cursor, limit=1), None)
        happened = datetime.fromisoformat(first.body["at"]) if first is not None else None
        yield Sample("sohoa_index_lag_events", max(0, head - at.cursor))
        yield Sample("sohoa_index_lag_seconds", _since(happened, now))
        yield Sample("sohoa_index_rebuilding", float(at.rebuilding))

    return read


def keys_reading(signer: Signer) -> Read:
    """Return the reading of when keys end: of agencies one by one, of digitizers the first to end."""

    def read(connection: Connection, now: datetime) -> Iterable[Sample]:
        agencies = connection.execute(select(fonds.c.unit_id).distinct()).scalars().all()
        people = (
            connection.execute(select(principal.c.id).where(principal.c.disabled_at.is_(None))).scalars().all()
        )
        for role in (f"{kind}:{unit}" for unit in agencies for kind in ("agency", "copies")):
            if (left := _left(signer, role, now)) is not None:
                yield Sample("sohoa_key_expiry_seconds", left, (role,))
        lefts = [left for one in people if (left := _left(signer, f"digitizer:{one}", now)) is not None]
        if lefts:
            yield Sample("sohoa_key_expiry_seconds", min(lefts), ("digitizer",))
        yield from _api_keys(connection, now)

    return read


def read_locks(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return when the first lock ends among those that are to be extended or run for years yet."""
    first = connection.execute(
        select(func.min(package.c.locked_until))
        .join(record, record.c.id == package.c.record_id)
        .where(
            package.c.state == "deposited",
            record.c.state != "destroyed",
            or_(record.c.state != "accepted", record.c.keep_until.is_(None), record.c.keep_until > now.date()),
        )
    ).scalar_one()
    if first is not None:
        yield Sample("sohoa_lock_expiry_seconds", (first - now).total_seconds())


def read_fixity(connection: Connection, now: datetime) -> Iterable[Sample]:
    """Return how the checks of each store stand, how far the second copies are, and the round of the locks."""
    states = fixity_states(connection)
    for one in states:
        right = one.versions - one.bad - one.unreached
        for verdict, count in (("ok", right), ("bad", one.bad), ("unchecked", one.unreached)):
            yield Sample("sohoa_fixity_versions", count, (one.side, verdict))
        yield Sample("sohoa_fixity_oldest_check_seconds", _since(one.oldest, now), (one.side,))
    if any(one.side == "replica" for one in states):
        behind, since = without_second_copy(connection)
        yield Sample("sohoa_replica_behind_objects", behind)
        yield Sample("sohoa_replica_behind_seconds", _since(since, now))
    ended = last_round(connection)
    if ended is not None:
        yield Sample("sohoa_locks_compared_age_seconds", _since(ended, now))


def _left(signer: Signer, role: str, now: datetime) -> float | None:
    try:
        return time_left(signer.credential(role), now).total_seconds()
    except SigningFailed:
        return None  # a role without a key; whether one is missing is readiness's question


def _api_keys(connection: Connection, now: datetime) -> Iterable[Sample]:
    ends = api_key.c.expires_at
    counts = connection.execute(
        select(
            func.count().filter(ends > now + EXPIRING).label("active"),
            func.count().filter(ends > now, ends <= now + EXPIRING).label("expiring"),
            func.count().filter(ends <= now).label("expired"),
        ).where(api_key.c.revoked_at.is_(None))
    ).one()
    for state, count in counts._mapping.items():
        yield Sample("sohoa_api_keys", count, (state,))


def _since(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at is not None else 0.0
