"""Deletes the staging copies of items that need them no more: only after the stored object was read back and its
row committed, or when a closed batch has a person's word on a rejected file. Everything here may be repeated.
"""

from datetime import datetime

from sqlalchemy import Engine, select, update

from archive import failpoints
from archive.database import reading, writing
from archive.errors import ObjectNotFound
from archive.stores.port import ObjectStore
from ingest.tables import item


def release(engine: Engine, staging: ObjectStore, item_id: str, *, now: datetime) -> None:
    """Delete the staging copies of an item that needs them no more. Safe to repeat."""
    with reading(engine) as connection:
        key = connection.execute(select(item.c.staging_key).where(item.c.id == item_id)).scalar_one()
    if key is None:
        return
    for stored in list(staging.list_versions(key.rpartition("/")[0] + "/")):
        try:
            staging.delete(stored.key, stored.version_id, now=now)
        except ObjectNotFound:
            continue  # another hand released it first
        failpoints.passing("staging-deleted")
    with writing(engine) as connection:
        connection.execute(
            update(item).where(item.c.id == item_id, item.c.released_at.is_(None)).values(released_at=now)
        )
    failpoints.passing("released")


def release_ended(engine: Engine, staging: ObjectStore, batch_id: str, *, now: datetime) -> None:
    """Release what a closed batch still has in staging: the copies of files that were rejected."""
    with reading(engine) as connection:
        left = (
            connection.execute(select(item.c.id).where(item.c.batch_id == batch_id, item.c.released_at.is_(None)))
            .scalars()
            .all()
        )
    for item_id in left:
        release(engine, staging, item_id, now=now)


def release_finished(engine: Engine, staging: ObjectStore, *, now: datetime) -> int:
    """Release what a dead worker had committed but not released; return how many items."""
    with reading(engine) as connection:
        left = (
            connection.execute(
                select(item.c.id).where(
                    item.c.state.in_(("archived", "duplicate")),
                    item.c.released_at.is_(None),
                    item.c.staging_key.is_not(None),
                )
            )
            .scalars()
            .all()
        )
    for item_id in left:
        release(engine, staging, item_id, now=now)
    return len(left)
