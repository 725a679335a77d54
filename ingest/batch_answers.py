"""The shapes of the batch routes' questions and answers."""

import base64
import binascii
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from sqlalchemy import Connection, select

from archive.access.policy import Caller, units_for
from archive.events import instant_text
from ingest import batch as batches
from ingest.receipt import Receipt, open_matters
from ingest.standing import standing_of
from ingest.tables import batch

PRINTABLE = r"^[^\x00-\x1f\x7f-\xa0\xad]*[^\s\x00-\x1f\x7f-\xa0\xad][^\x00-\x1f\x7f-\xa0\xad]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PRINTABLE)]


class _Shown(BaseModel):
    model_config = ConfigDict(extra="allow")


class BatchStarted(_Shown):
    """An upload that was received whole. job: what to ask for."""

    job: str
    files: int


class BatchLine(_Shown):
    """A batch in a list; the figures are captures."""

    batch: str
    label: str
    state: str
    state_since: str
    state_age_seconds: int
    state_reason: str | None
    waits_for: str
    unit: str
    received_at: str
    received: int
    archived: int
    waiting: int
    rejected: int


class BatchesShown(_Shown):
    """A page of batches, newest first."""

    batches: list[BatchLine]
    next_cursor: str | None


class ReceiptShown(_Shown):
    """Every capture accounted for: declared - missing + surplus = received = the sum of where they ended."""

    batch: str
    label: str
    state: str
    state_reason: str | None
    declared: int
    missing: int
    surplus: int
    received: int
    archived: int
    blank: int
    separator: int
    rejected: int
    waiting: int
    balanced: bool
    items: list[dict[str, Any]]
    differences: list[dict[str, Any]]


class BatchStanding(_Shown):
    """A batch's state, since when, why, and who has to do something for it to go on.

    state_by: person or system. state_reason: a person's words, or the slug of a place that cannot be written.
    waits_for: intake, workers, mending, a-person, room or nobody. work: what is not done, by its state.
    """

    state: str
    state_since: str
    state_age_seconds: int
    state_by: str
    state_reason: str | None
    waits_for: str
    bytes_needed: int | None
    bytes_free: int | None
    work: dict[str, int]


class BatchTold(BatchStanding):
    """How a batch stands after it was told something."""

    batch: str


class BatchShown(ReceiptShown, BatchStanding):
    """A receipt with what keeps the batch open, and how it stands."""

    open: dict[str, int]


class ReasonForm(BaseModel):
    """Why a batch is paused, resumed or cancelled, in a person's words."""

    model_config = ConfigDict(extra="forbid")

    reason: Line


class AcceptanceForm(BaseModel):
    """How a batch is accepted. word: a person's, on everything missing, surplus or rejected.

    clean_only: leave what wants a look. failed_pages: `file#page` of each failed page taken as it is.
    """

    model_config = ConfigDict(extra="forbid")

    word: Line | None = None
    clean_only: StrictBool = False
    failed_pages: list[Line] = Field(default_factory=list, max_length=5000)


class Accepted(_Shown):
    """What was accepted, what was not and why, and whether the batch is closed."""

    batch: str
    accepted: int
    not_accepted: list[dict[str, Any]]
    closed: bool


def shown_batch(connection: Connection, receipt: Receipt, *, now: datetime) -> dict[str, Any]:
    """Return a batch with what keeps it open and how it stands."""
    matters = open_matters(receipt)
    return {
        **plain(receipt.as_json()),
        **standing_of(connection, receipt.batch, matters).as_json(now=now),
        "open": {
            "waiting": matters.waiting,
            "discrepancies": matters.discrepancies,
            "rejections": matters.rejections,
            "unaccepted": matters.unaccepted,
        },
    }


def page_of_batches(
    connection: Connection, caller: Caller, cursor: str | None, limit: int, *, now: datetime
) -> dict[str, Any]:
    """Return one page of the batches in a caller's units. Raises ValueError for a cursor that is none of ours."""
    units = sorted(units_for(caller, "batch.read", purpose=None))
    query = (
        select(batch)
        .where(batch.c.unit_id.in_(units))
        .order_by(batch.c.received_at.desc(), batch.c.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        at, last = _opened(cursor)
        query = query.where((batch.c.received_at < at) | ((batch.c.received_at == at) & (batch.c.id < last)))
    rows = connection.execute(query).all()
    shown = []
    for row in rows[:limit]:
        figures = batches.figures_of(connection, row.id)
        shown.append(
            {
                "batch": row.id,
                "label": row.label,
                **standing_of(connection, row.id).as_json(now=now),
                "unit": row.unit_id,
                "received_at": instant_text(row.received_at),
                "received": figures.received,
                "archived": figures.archived + figures.blank,
                "waiting": figures.waiting,
                "rejected": figures.rejected,
            }
        )
    more = len(rows) > limit
    return {"batches": shown, "next_cursor": _cursor(rows[limit - 1]) if more else None}


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{instant_text(row.received_at)} {row.id}".encode()).decode()


def _opened(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, last = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return datetime.fromisoformat(at).astimezone(UTC), last
    except (binascii.Error, UnicodeDecodeError, OverflowError) as error:
        raise ValueError("not a cursor") from error


def plain(value: Any) -> Any:
    """Return values as JSON has them: instants and days as text."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
