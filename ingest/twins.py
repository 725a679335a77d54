"""Other items with the same bytes: one that came earlier, or one that was stopped."""

from typing import Any

from sqlalchemy import Connection, Row, or_, select

from ingest.tables import item, work_item


def earlier_twin(connection: Connection, item_id: str) -> Row[Any, Any, Any, Any] | None:
    """Return the item that received the same bytes first and holds or will hold them, if there is one."""
    me = connection.execute(select(item).where(item.c.id == item_id)).one()
    return connection.execute(
        select(item.c.id, item.c.state, item.c.record_id, work_item.c.state.label("work_state"))
        .join(work_item, work_item.c.subject_id == item.c.id, isouter=True)
        .where(
            item.c.sha256 == me.sha256,
            item.c.id != item_id,
            item.c.arrival < me.arrival,
            or_(item.c.state == "archived", item.c.state == "waiting"),
        )
        .order_by(item.c.state, item.c.arrival)
        .limit(1)
    ).one_or_none()


def has_stopped_twin(connection: Connection, item_id: str) -> bool:
    """Whether the same bytes were stopped for a mark of secrecy under any other item."""
    me = connection.execute(select(item.c.sha256).where(item.c.id == item_id)).scalar_one()
    return (
        connection.execute(
            select(item.c.id).where(item.c.sha256 == me, item.c.id != item_id, item.c.state == "stopped")
        ).first()
        is not None
    )
