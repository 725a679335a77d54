"""How a batch stands: its state, since when, why, and who has to do something for it to go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from archive.events import instant_text
from ingest.batch import OpenMatters
from ingest.batch_state import By, reason_of, under_way
from ingest.tables import batch

# intake: whoever takes it in. workers: the list. mending: a person looks at what was given up (`batch retry`).
# a-person: resumes, accepts, gives a word, decides about a mark of secrecy. room: the system looks at the place.
WaitsFor = Literal["intake", "workers", "mending", "a-person", "room", "nobody"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A batch's state and its owner. reason: a person's words, or a slug; needed, free: bytes, of a fault's place.

    ready, leased, quarantined: its work that is not done.
    """

    state: str
    since: datetime
    by: By
    reason: str | None
    waits_for: WaitsFor
    needed: int | None
    free: int | None
    ready: int
    leased: int
    quarantined: int

    def as_json(self, *, now: datetime) -> dict[str, Any]:
        """Return it as programs read it. age_seconds: of the state, never below nought."""
        return {
            "state": self.state,
            "state_since": instant_text(self.since),
            "state_age_seconds": max(0, int((now - self.since).total_seconds())),
            "state_by": self.by,
            "state_reason": self.reason,
            "waits_for": self.waits_for,
            "bytes_needed": self.needed,
            "bytes_free": self.free,
            "work": {"ready": self.ready, "leased": self.leased, "quarantined": self.quarantined},
        }


def standing_of(connection: Connection, batch_id: str, matters: OpenMatters | None = None) -> Standing:
    """Return how a batch stands. matters: what keeps it open, if that is known already."""
    row = connection.execute(select(batch).where(batch.c.id == batch_id)).one()
    why, work = reason_of(row), under_way(connection, batch_id)
    halted = row.state in ("paused", "cancelled")
    return Standing(
        state=row.state,
        since=row.closed_at if row.state == "closed" and row.closed_at else why.since,
        by=why.by,
        reason=why.reason if halted else None,
        waits_for=_waits_for(row.state, why.by, work, matters),
        needed=(why.needed or why.floor) if halted else None,
        free=why.free if halted else None,
        **work,
    )


def _waits_for(state: str, by: By, work: dict[str, int], matters: OpenMatters | None) -> WaitsFor:
    if state == "taking":
        return "intake"
    if state == "paused":
        return "a-person" if by == "person" else "room"
    if work["ready"] or work["leased"]:
        return "workers"
    if work["quarantined"]:
        return "mending"
    if state == "open":
        return "a-person"
    return "nobody" if matters is None or not (matters.waiting or matters.unaccepted) else "a-person"
