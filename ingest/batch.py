"""A batch and its conservation law: every capture declared or received ends in exactly one place.

At every commit: declared - missing + surplus = received = archived + blank + separator + rejected + waiting,
each figure counted from rows of its own.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, select, update

from archive import events
from archive.errors import NotFound
from archive.record import PrincipalId
from ingest.tables import batch, capture, declaration, discrepancy, item


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of captures of one batch."""

    declared: int
    missing: int
    surplus: int
    received: int
    archived: int
    blank: int
    separator: int
    rejected: int
    waiting: int

    @property
    def balanced(self) -> bool:
        """Whether both equations hold."""
        ends = self.archived + self.blank + self.separator + self.rejected + self.waiting
        return self.declared - self.missing + self.surplus == self.received == ends


def find_batch(connection: Connection, batch_id: str) -> Row[tuple[object, ...]]:
    """Return a batch's row. Raises NotFound."""
    row = connection.execute(select(batch).where(batch.c.id == batch_id)).one_or_none()
    if row is None:
        raise NotFound("batch", batch_id)
    return row


def figures_of(connection: Connection, batch_id: str) -> Figures:
    """Count a batch from its declarations, discrepancies and captures."""
    declared = connection.execute(
        select(func.coalesce(func.sum(declaration.c.captures), 0)).where(
            declaration.c.batch_id == batch_id, declaration.c.repeats_row.is_(None)
        )
    ).scalar_one()
    differences: dict[str, int] = {
        kind: total
        for kind, total in connection.execute(
            select(discrepancy.c.kind, func.sum(discrepancy.c.captures))
            .where(discrepancy.c.batch_id == batch_id)
            .group_by(discrepancy.c.kind)
        )
    }
    captures = (
        select(capture.c.state, func.count())
        .join(item, item.c.id == capture.c.item_id)
        .where(item.c.batch_id == batch_id)
        .group_by(capture.c.state)
    )
    states: dict[str, int] = {state: count for state, count in connection.execute(captures)}
    received = connection.execute(
        select(func.count())
        .select_from(capture)
        .join(item, item.c.id == capture.c.item_id)
        .where(item.c.batch_id == batch_id)
    ).scalar_one()
    return Figures(
        declared=int(declared),
        missing=int(differences.get("missing", 0)),
        surplus=int(differences.get("surplus", 0)),
        received=received,
        archived=states.get("archived", 0),
        blank=states.get("blank", 0),
        separator=states.get("separator", 0),
        rejected=states.get("rejected", 0),
        waiting=states.get("waiting", 0),
    )


@dataclass(frozen=True, slots=True)
class OpenMatters:
    """What keeps a batch open: captures waiting, and differences or rejections nobody has spoken on."""

    waiting: int
    discrepancies: int
    rejections: int
    unaccepted: int

    @property
    def none(self) -> bool:
        """Whether the batch may be closed."""
        return not (self.waiting or self.discrepancies or self.rejections or self.unaccepted)


def give_word(connection: Connection, batch_id: str, word: str, *, principal: PrincipalId, at: datetime) -> int:
    """Write a person's word on everything missing, surplus or rejected that has none; return how many."""
    said = {"word": word, "word_by": principal, "word_at": at}
    differences = connection.execute(
        update(discrepancy).where(discrepancy.c.batch_id == batch_id, discrepancy.c.word.is_(None)).values(**said)
    ).rowcount
    rejections = connection.execute(
        update(item)
        .where(item.c.batch_id == batch_id, item.c.state == "rejected", item.c.word.is_(None))
        .values(**said)
    ).rowcount
    if differences or rejections:
        events.append(
            connection,
            "records",
            "batch.word",
            principal=principal,
            at=at,
            payload={
                "batch": batch_id,
                "word": word,
                "discrepancies": differences,
                "rejections": rejections,
            },
        )
    return differences + rejections


def is_closed(connection: Connection, batch_id: str) -> bool:
    """Whether a batch is closed."""
    return bool(connection.execute(select(batch.c.state).where(batch.c.id == batch_id)).scalar_one() == "closed")


def close(connection: Connection, batch_id: str, *, principal: PrincipalId, at: datetime) -> bool:
    """Close an open batch, once, and say whether it was; the caller has made sure that nothing keeps it open.

    One that is still taken in, paused or cancelled stays as it is.
    """
    closing = update(batch).where(batch.c.id == batch_id, batch.c.state == "open")
    if connection.execute(closing.values(state="closed", closed_at=at, state_reason=None)).rowcount == 0:
        return False  # another hand was faster
    figures = figures_of(connection, batch_id)
    events.append(
        connection,
        "records",
        "batch.closed",
        principal=principal,
        at=at,
        payload={"batch": batch_id, "received": figures.received, "archived": figures.archived},
    )
    return True
