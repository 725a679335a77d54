"""What a document's work and its shares owe each other when one of them is over.

A document's work names its shares in its frozen inputs (`spread`); a share names that work and since when it has
been due (`work`, `due`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from ingest.lanes import Lane
from ingest.tables import work_item


def are_under_way(connection: Connection, shares: Sequence[str]) -> bool:
    """Whether any of these shares is to be read yet, or being read."""
    under_way = select(work_item.c.id).where(
        work_item.c.id.in_(shares), work_item.c.state.in_(("ready", "leased"))
    )
    return connection.execute(under_way.limit(1)).first() is not None


def remove_shares(connection: Connection, frozen: dict[str, Any]) -> None:
    """Take the shares of work with these inputs off the list; who still reads one finds its lease lost."""
    if frozen.get("spread"):
        connection.execute(delete(work_item).where(work_item.c.id.in_(frozen["spread"])))


def recall(connection: Connection, frozen: dict[str, Any]) -> Lane | None:
    """Have the work that a share with these inputs is of be due again, in its old place; return its lane.

    None: somebody has it in hand, or it is over.
    """
    found: Lane | None = connection.execute(
        update(work_item)
        .where(work_item.c.id == frozen["work"], work_item.c.state == "ready")
        .values(next_try_at=datetime.fromisoformat(frozen["due"]))
        .returning(work_item.c.lane)
    ).scalar_one_or_none()
    return found


def give_up(connection: Connection, frozen: dict[str, Any]) -> None:
    """See to what depends on quarantined work: its shares end; what it was a share of goes on without it."""
    remove_shares(connection, frozen)
    if "work" in frozen:
        recall(connection, frozen)
