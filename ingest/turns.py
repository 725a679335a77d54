"""Whose turn it is: which batch of which lane the next piece of work is taken from.

What somebody waits for comes first. Then units share alike, and the batches of a unit: the one with the least work
in hand goes first, so a batch of ten thousand delays one of five by a moment. Among equals the oldest goes first.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, FromClause, Select, func, select

from ingest.lanes import Lane
from ingest.tables import batch, work_item


@dataclass(frozen=True, slots=True)
class Turn:
    """One batch's ready work in one lane; ready_since: when its oldest piece became due."""

    lane: Lane
    batch_id: str
    unit_id: str | None
    ready_since: datetime


def turns(connection: Connection, lanes: Sequence[Lane], *, now: datetime) -> list[Turn]:
    """Return the turns that are due, the next one first.

    Costs a few index lookups per batch with ready work, however much work each of them has.
    """
    due = [
        Turn(lane, row.batch_id, row.unit_id, since)
        for row in connection.execute(batches_with_work(lanes))
        for lane, since in zip(lanes, row[2:], strict=True)
        if since is not None and since <= now
    ]
    by_batch: Counter[str] = Counter()
    by_unit: Counter[str | None] = Counter()
    for row in connection.execute(_in_hand()):
        by_batch[row.batch_id] += row.held
        by_unit[row.unit_id] += row.held
    return sorted(
        due,
        key=lambda turn: (
            turn.lane != "interactive",
            by_unit[turn.unit_id],
            by_batch[turn.batch_id],
            turn.ready_since,
            turn.batch_id,
        ),
    )


def ready_in(turn: Turn, now: datetime) -> Select[Any]:
    """The ids of the work a turn is about, what has been due longest first."""
    return (
        select(work_item.c.id)
        .where(
            work_item.c.state == "ready",
            work_item.c.batch_id == turn.batch_id,
            work_item.c.lane == turn.lane,
            work_item.c.next_try_at <= now,
        )
        .order_by(work_item.c.next_try_at, work_item.c.id)
    )


def batches_with_work(lanes: Sequence[Lane]) -> Select[Any]:
    """Each batch with ready work that is not paused, its unit, and for each lane when its oldest is or was due."""
    found, joined = _batches_on_the_list()
    oldest = [
        select(func.min(work_item.c.next_try_at))
        .where(work_item.c.state == "ready", work_item.c.batch_id == found.c.batch_id, work_item.c.lane == lane)
        .scalar_subquery()
        .label(f"{lane}_since")
        for lane in lanes
    ]
    has_turn = batch.c.state.is_(None) | (batch.c.state != "paused")  # without a row: of an older program
    return (
        select(found.c.batch_id, batch.c.unit_id, *oldest)
        .select_from(joined)
        .where(found.c.batch_id.is_not(None), has_turn)
    )


def batches_waiting() -> Select[Any]:
    """Each batch with ready work, paused or not, with its state and why it is in it."""
    found, joined = _batches_on_the_list()
    named = select(found.c.batch_id, batch.c.state, batch.c.state_reason, batch.c.received_at, batch.c.closed_at)
    return named.select_from(joined).where(found.c.batch_id.is_not(None))


def _batches_on_the_list() -> tuple[CTE, FromClause]:
    """The batches with ready work, and these joined with their rows.

    The list is made by jumping from one to the next in the index: `distinct` would read every row.
    """
    ready = work_item.c.state == "ready"
    first = select(func.min(work_item.c.batch_id)).where(ready).scalar_subquery()
    found = select(first.label("batch_id")).cte("batches_with_work", recursive=True)
    after = select(func.min(work_item.c.batch_id)).where(ready, work_item.c.batch_id > found.c.batch_id)
    found = found.union_all(select(after.scalar_subquery()).where(found.c.batch_id.is_not(None)))
    return found, found.join(batch, batch.c.id == found.c.batch_id, isouter=True)


def _in_hand() -> Select[Any]:
    return (
        select(work_item.c.batch_id, batch.c.unit_id, func.count().label("held"))
        .select_from(work_item.join(batch, batch.c.id == work_item.c.batch_id, isouter=True))
        .where(work_item.c.state == "leased")
        .group_by(work_item.c.batch_id, batch.c.unit_id)
    )
