"""Ends a batch before its work is done: what waits is rejected with a person's reason, what is archived stays.

1. The batch is marked cancelled; then, some at a time, every item that nobody holds is rejected: its number voided
   with the reason, its work off the list. The equations of the batch hold at each commit. Cut off in the middle,
   workers reject what is left as they come to it.
2. What a worker holds it ends itself: at its next page it finds the batch cancelled and rejects the item. One that
   may have its package in the store already is not rejected before a look there: found, it is archived.
3. Items stopped for a mark of secrecy stay: a person decides about them, whatever becomes of their batch.
4. Then the staged copies of what was rejected are released. Cut off before that, the next worker to begin does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select, update

from archive import events, reservations
from archive.database import reading, writing
from archive.errors import ObjectNotFound
from archive.record import PrincipalId, RecordId
from archive.stores.port import ObjectStore
from ingest.batch_state import mark_cancelled, reason_of
from ingest.release import release
from ingest.shares import remove_shares
from ingest.tables import batch, capture, item, page_result, work_item

REASON = "batch-cancelled"
AT_ONCE = 200  # items of one transaction: others wait for it


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancellation did: items rejected by it, and items a worker still has to end."""

    rejected: int
    under_way: int


def cancel(
    engine: Engine,
    staging: ObjectStore,
    batch_id: str,
    reason: str,
    *,
    principal: PrincipalId,
    now: Callable[[], datetime],
) -> Cancelled:
    """Cancel a batch for a person's reason.

    Raises NotFound, BatchNotNow; StoreUnavailable if staging is away, after all else is done.
    """
    with writing(engine) as connection:
        mark_cancelled(connection, batch_id, reason, principal=principal, at=now())
    rejected = under_way = position = 0
    while True:
        with writing(engine) as connection:
            rows = connection.execute(_waiting(batch_id, after=position)).all()
            ended = [row for row in rows if row.work_state != "leased" and "content" not in row.frozen]
            for row in ended:
                _off_the_list(connection, row, now())
                reject_cancelled(
                    connection,
                    row.id,
                    row.frozen.get("record"),
                    reason,
                    principal=principal,
                    worded_by=principal,
                    at=now(),
                )
            _try_again(connection, [row.work_item_id for row in rows if row not in ended], now())
        rejected += len(ended)
        under_way += len(rows) - len(ended)
        if len(rows) < AT_ONCE:
            break
        position = rows[-1].position
    release_cancelled(engine, staging, batch_id, now=now())
    return Cancelled(rejected, under_way)


def _waiting(batch_id: str, *, after: int) -> Select[Any]:
    return (
        select(
            item.c.id,
            item.c.position,
            work_item.c.id.label("work_item_id"),
            work_item.c.state.label("work_state"),
            work_item.c.frozen,
        )
        .join(work_item, work_item.c.subject_id == item.c.id)
        .where(
            item.c.batch_id == batch_id,
            item.c.position > after,
            item.c.state == "waiting",
            work_item.c.state != "done",
        )
        .order_by(item.c.position)
        .limit(AT_ONCE)
        .with_for_update()
    )


def _off_the_list(connection: Connection, row: Row[Any], at: datetime) -> None:
    remove_shares(connection, row.frozen)
    connection.execute(
        update(work_item)
        .where(work_item.c.id == row.work_item_id)
        .values(state="done", reason=REASON, fence=work_item.c.fence + 1, changed_at=at)
    )


def _try_again(connection: Connection, work_item_ids: list[str], at: datetime) -> None:
    """Have workers look now at what may be in the store already, also where it was given up."""
    connection.execute(
        update(work_item)
        .where(work_item.c.id.in_(work_item_ids), work_item.c.state.in_(("ready", "quarantined")))
        .values(state="ready", deaths=0, interruptions=0, failures=0, next_try_at=at, changed_at=at)
    )


def reject_cancelled(
    connection: Connection,
    item_id: str,
    record_id: str | None,
    reason: str,
    *,
    principal: PrincipalId,
    worded_by: str,
    at: datetime,
) -> None:
    """Reject an item of a cancelled batch with the person's reason as word on it, and void its numbers."""
    work = select(work_item.c.id).where(work_item.c.subject_id == item_id)
    connection.execute(page_result.delete().where(page_result.c.work_item_id.in_(work)))
    if record_id is not None:
        reservations.void_record(connection, RecordId(record_id), reason=REASON, at=at, principal=principal)
    said = {"word": reason, "word_by": worded_by, "word_at": at}
    connection.execute(update(item).where(item.c.id == item_id).values(state="rejected", reason=REASON, **said))
    connection.execute(update(capture).where(capture.c.item_id == item_id).values(state="rejected"))
    payload = {"item": item_id, "reason": REASON}
    events.append(connection, "records", "item.rejected", principal=principal, at=at, payload=payload)


def cancelled_for(connection: Connection, item_id: str) -> tuple[str, str] | None:
    """Return (reason, principal) of the cancellation of an item's batch; None if it was not cancelled."""
    row = connection.execute(
        select(batch).join(item, item.c.batch_id == batch.c.id).where(item.c.id == item_id)
    ).one_or_none()
    if row is None or row.state != "cancelled":
        return None
    why = reason_of(row)
    return why.reason or REASON, why.principal or row.principal_id


def release_cancelled(engine: Engine, staging: ObjectStore, batch_id: str, *, now: datetime) -> int:
    """Release what a cancelled batch has in staging and nobody waits for; return how many items. Repeatable."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(item.c.id, item.c.state, item.c.staging_key, item.c.released_at).where(
                item.c.batch_id == batch_id
            )
        ).all()
    left = [row for row in rows if row.state == "rejected" and row.staging_key and row.released_at is None]
    for row in left:
        release(engine, staging, row.id, now=now)
    _release_unowned(
        staging, batch_id, {row.staging_key.rpartition("/")[0] for row in rows if row.staging_key}, now
    )
    return len(left)


def _release_unowned(staging: ObjectStore, batch_id: str, owned: set[str], now: datetime) -> None:
    """Remove staged copies of an intake that was cut off between the copy and the item's row."""
    for stored in list(staging.list_versions(f"staging/{batch_id}/")):
        if stored.key.rpartition("/")[0] not in owned:
            try:
                staging.delete(stored.key, stored.version_id, now=now)
            except ObjectNotFound:
                continue  # the intake itself was faster


def release_all_cancelled(engine: Engine, staging: ObjectStore, *, now: datetime) -> int:
    """Release what cancelled batches still have in staging; return how many items."""
    left = (
        select(item.c.batch_id)
        .join(batch, batch.c.id == item.c.batch_id)
        .where(
            batch.c.state == "cancelled",
            item.c.state == "rejected",
            item.c.staging_key.is_not(None),
            item.c.released_at.is_(None),
        )
    )
    with reading(engine) as connection:
        batches = connection.execute(left.distinct()).scalars().all()
    return sum(release_cancelled(engine, staging, batch_id, now=now) for batch_id in batches)
