"""What state a batch is in, since when and why, and who moves it from one to the next.

`taking` → `open` → `closed`; `paused` in between, by a person or by the system for want of a place to write, and
back to where it was; `cancelled` for ever. Nothing of a paused batch is claimed. What a cancelled one still has on
the list its workers end, one item at a time (`ingest/cancelling.py`).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, update

from archive import events
from archive.events import instant_text
from archive.record import PrincipalId
from ingest.batch import find_batch
from ingest.errors import BatchHalted, BatchNotNow
from ingest.tables import batch, item, work_item

By = Literal["person", "system"]
PERSON: By = "person"
SYSTEM: By = "system"
HALTED = ("paused", "cancelled")
# A fault of a place is looked at again after so long, and longer each time, where only trying can tell.
FIRST_TRIAL_SECONDS, LAST_TRIAL_SECONDS = 15.0, 600.0


@dataclass(frozen=True, slots=True)
class StateReason:
    """Why a batch is in its state, kept beside it as JSON.

    since: when it came to be so. reason: a person's words, or the slug of a fault (`store-full`). was: the state
    before a pause. needed, free: bytes, where it is known; floor: what was free was less than this. trials: how
    often in a row the system paused it so.
    """

    since: datetime
    by: By = SYSTEM
    reason: str | None = None
    principal: str | None = None
    was: Literal["taking", "open"] | None = None
    needed: int | None = None
    free: int | None = None
    floor: int | None = None
    trials: int = 0

    def as_text(self) -> str:
        """Return it as it is kept."""
        values = {**asdict(self), "since": instant_text(self.since)}
        return json.dumps({name: value for name, value in values.items() if value is not None}, ensure_ascii=False)


def reason_of(row: Row[Any]) -> StateReason:
    """Return why a batch is in its state; of one that never changed it, since it came (or was closed)."""
    if row.state_reason is None:
        return StateReason(since=row.closed_at or row.received_at)
    values = json.loads(row.state_reason)
    return StateReason(**{**values, "since": datetime.fromisoformat(values["since"])})


def open_batch(connection: Connection, batch_id: str, *, at: datetime) -> None:
    """Note that everything of a batch is taken in; one that was halted meanwhile goes on from there.

    Raises BatchHalted if it was cancelled.
    """
    row = _locked(connection, batch_id)
    if row.state == "taking":
        _set(connection, batch_id, "open", StateReason(since=at))
    elif row.state == "paused":
        found = reason_of(row)
        _set(connection, batch_id, "paused", StateReason(**{**_values(found), "was": "open"}))
    elif row.state == "cancelled":
        raise BatchHalted(batch_id, row.state)


def pause(connection: Connection, batch_id: str, reason: str, *, principal: PrincipalId, at: datetime) -> None:
    """Pause a batch by a person's word: nothing of it is claimed until a person resumes it.

    One that the system has paused is a person's from then on. Raises NotFound, BatchNotNow.
    """
    row = _locked(connection, batch_id)
    found = reason_of(row)
    if row.state not in ("taking", "open") and not (row.state == "paused" and found.by == SYSTEM):
        raise BatchNotNow("pause", row.state)
    was = found.was if row.state == "paused" else row.state
    _set(connection, batch_id, "paused", StateReason(at, PERSON, reason, principal, was))
    _tell(connection, "batch.paused", batch_id, principal, at, by=PERSON, reason=reason)


def resume(connection: Connection, batch_id: str, reason: str, *, principal: PrincipalId, at: datetime) -> str:
    """Have a paused batch go on, whoever paused it, and return its state. Raises NotFound, BatchNotNow."""
    row = _locked(connection, batch_id)
    if row.state != "paused":
        raise BatchNotNow("resume", row.state)
    return _go_on(connection, row, StateReason(at, PERSON, reason or None, principal), principal, at)


def pause_for_fault(
    connection: Connection,
    batch_id: str,
    slug: str,
    *,
    at: datetime,
    needed: int | None = None,
    free: int | None = None,
    floor: int | None = None,
) -> bool:
    """Pause a batch because a place cannot be written; say whether it was not halted already.

    slug: names place and fault, such as `store-full`. The system lets it go on by itself, in the name of whoever
    brought the batch.
    """
    row = _locked(connection, batch_id)
    if row.state not in ("taking", "open"):
        return False
    before = reason_of(row)
    again = before.reason == slug and at - before.since < timedelta(seconds=LAST_TRIAL_SECONDS)
    trials = before.trials + 1 if again else 0
    why = StateReason(at, SYSTEM, slug, None, row.state, needed, free, floor, trials)
    _set(connection, batch_id, "paused", why)
    bytes_ = (("needed", needed), ("free", free), ("floor", floor))
    known = {name: value for name, value in bytes_ if value is not None}
    _tell(connection, "batch.paused", batch_id, row.principal_id, at, by=SYSTEM, reason=slug, **known)
    return True


def go_on_after_fault(connection: Connection, batch_id: str, slug: str, *, at: datetime) -> bool:
    """Let a batch go on that the system paused for this fault; False if it is not so any more."""
    row = _locked(connection, batch_id)
    found = reason_of(row)
    if row.state != "paused" or found.by != SYSTEM or found.reason != slug:
        return False
    _go_on(connection, row, StateReason(at, SYSTEM, slug, trials=found.trials), row.principal_id, at)
    return True


def trial_seconds(trials: int) -> float:
    """Return how long to wait before a fault that only trying can tell is tried again."""
    return float(min(LAST_TRIAL_SECONDS, FIRST_TRIAL_SECONDS * 2 ** min(trials, 10)))


def mark_cancelled(
    connection: Connection, batch_id: str, reason: str, *, principal: PrincipalId, at: datetime
) -> None:
    """Cancel a batch, for ever. Raises NotFound, BatchNotNow if it is closed or cancelled."""
    row = _locked(connection, batch_id)
    if row.state not in ("taking", "open", "paused"):
        raise BatchNotNow("cancel", row.state)
    _set(connection, batch_id, "cancelled", StateReason(at, PERSON, reason, principal))
    connection.execute(update(batch).where(batch.c.id == batch_id).values(closed_at=at))
    _tell(connection, "batch.cancelled", batch_id, principal, at, reason=reason)


def refuse_halted(connection: Connection, item_id: str) -> None:
    """Raise BatchHalted if the batch of an item under way was paused or cancelled meanwhile."""
    row = connection.execute(
        select(batch.c.id, batch.c.state).join(item, item.c.batch_id == batch.c.id).where(item.c.id == item_id)
    ).one_or_none()
    if row is not None and row.state in HALTED:
        raise BatchHalted(row.id, row.state)


def refuse_unless_taking(connection: Connection, batch_id: str) -> None:
    """Keep a batch from being halted until the transaction ends, or raise BatchHalted if it is."""
    row = connection.execute(select(batch.c.state).where(batch.c.id == batch_id).with_for_update(read=True)).one()
    if row.state in HALTED:
        raise BatchHalted(batch_id, row.state)


def paused_by_system(connection: Connection) -> list[tuple[str, StateReason]]:
    """Return the batches that wait for a place to be written again, with why."""
    rows = connection.execute(select(batch).where(batch.c.state == "paused").order_by(batch.c.received_at))
    return [(row.id, why) for row in rows if (why := reason_of(row)).by == SYSTEM]


def under_way(connection: Connection, batch_id: str) -> dict[str, int]:
    """Count a batch's work that is not done, by its state: ready, leased, quarantined."""
    counts = {"ready": 0, "leased": 0, "quarantined": 0}
    unfinished = (
        select(work_item.c.state, func.count())
        .where(work_item.c.state.in_(tuple(counts)), work_item.c.batch_id == batch_id, work_item.c.kind == "read")
        .group_by(work_item.c.state)
    )
    for state, count in connection.execute(unfinished):
        counts[state] = count
    return counts


def _values(reason: StateReason) -> dict[str, Any]:
    return {name: getattr(reason, name) for name in StateReason.__slots__}


def _locked(connection: Connection, batch_id: str) -> Row[Any]:
    """Return a batch's row, its state kept from others until the transaction ends. Raises NotFound."""
    found = select(batch).where(batch.c.id == batch_id).with_for_update(key_share=True)
    row = connection.execute(found).one_or_none()
    return row if row is not None else find_batch(connection, batch_id)


def _set(connection: Connection, batch_id: str, state: str, why: StateReason) -> None:
    connection.execute(update(batch).where(batch.c.id == batch_id).values(state=state, state_reason=why.as_text()))


def _go_on(connection: Connection, row: Row[Any], why: StateReason, principal: PrincipalId, at: datetime) -> str:
    state = reason_of(row).was or "open"
    _set(connection, row.id, state, why)
    known = {"reason": why.reason} if why.reason else {}
    _tell(connection, "batch.resumed", row.id, principal, at, by=why.by, **known)
    return state


def _tell(
    connection: Connection, kind: str, batch_id: str, principal: PrincipalId, at: datetime, **facts: Any
) -> None:
    payload = {"batch": batch_id, **facts}
    events.append(connection, "records", kind, principal=principal, at=at, payload=payload)
