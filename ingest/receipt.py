"""The receipt of a batch: every capture accounted for, every item with its place and reason."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from archive.tables.holdings import record
from archive.tables.units import unit_name
from ingest.batch import Figures, OpenMatters, figures_of, find_batch
from ingest.batch_state import HALTED, reason_of
from ingest.reasons import Language, sentence
from ingest.tables import batch, capture, declaration, discrepancy, item, work_item


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item. captures: how many images; reason: slug or None; message: its sentence."""

    file: str
    state: str
    reason: str | None
    message: str | None
    record: str | None
    archive_number: str | None
    record_state: str | None
    captures: int
    review: tuple[str, ...]
    word: str | None


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """Captures missing or surplus, with the row that declares them and a person's word if one was given."""

    kind: str
    file: str
    row: int | None
    captures: int
    message: str
    word: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a batch was declared to be and what became of it.

    state_reason: why it is paused or cancelled, a person's words or a slug.
    """

    batch: str
    label: str
    state: str
    state_reason: str | None
    unit: str
    operator: str | None
    received_at: datetime
    figures: Figures
    items: tuple[ItemLine, ...]
    differences: tuple[DifferenceLine, ...]
    assumed_rows: int

    def as_json(self) -> dict[str, object]:
        """Return the JSON contract of docs/cli.md."""
        return {
            "batch": self.batch,
            "label": self.label,
            "state": self.state,
            "state_reason": self.state_reason,
            "unit": self.unit,
            "operator": self.operator,
            "received_at": self.received_at.isoformat(),
            **asdict(self.figures),
            "balanced": self.figures.balanced,
            "rows_without_sheets": self.assumed_rows,
            "items": [{**asdict(line), "review": list(line.review)} for line in self.items],
            "differences": [asdict(line) for line in self.differences],
        }


def receipt_of(connection: Connection, batch_id: str, *, language: Language = "vi") -> Receipt:
    """Build the receipt as the batch stands now. Raises NotFound."""
    find_batch(connection, batch_id)
    head = connection.execute(select(batch).where(batch.c.id == batch_id)).one()
    name = connection.execute(
        select(unit_name.c.name)
        .where(unit_name.c.unit_id == head.unit_id)
        .order_by(unit_name.c.valid_from.desc())
        .limit(1)
    ).scalar_one_or_none()
    assumed = connection.execute(
        select(func.count()).where(
            declaration.c.batch_id == batch_id,
            declaration.c.captures_assumed,
            declaration.c.repeats_row.is_(None),
        )
    ).scalar_one()
    return Receipt(
        batch=batch_id,
        label=head.label,
        state=head.state,
        state_reason=reason_of(head).reason if head.state in HALTED else None,
        unit=name or head.unit_id,
        operator=head.operator,
        received_at=head.received_at,
        figures=figures_of(connection, batch_id),
        items=_items(connection, batch_id, language),
        differences=_differences(connection, batch_id, language),
        assumed_rows=assumed,
    )


def _items(connection: Connection, batch_id: str, language: Language) -> tuple[ItemLine, ...]:
    counts = select(capture.c.item_id, func.count().label("captures")).group_by(capture.c.item_id).subquery()
    rows = connection.execute(
        select(
            item,
            counts.c.captures,
            work_item.c.state.label("work_state"),
            record.c.archive_number,
            record.c.state.label("record_state"),
        )
        .join(counts, counts.c.item_id == item.c.id)
        .join(work_item, work_item.c.subject_id == item.c.id, isouter=True)
        .join(record, record.c.id == item.c.record_id, isouter=True)
        .where(item.c.batch_id == batch_id)
        .order_by(item.c.position)
    )
    lines = []
    for row in rows:
        reason = row.reason
        if reason is None and row.work_state == "quarantined":
            reason = "quarantined"
        if reason is None and row.review:
            reason = row.review[0]
        lines.append(
            ItemLine(
                file=row.file,
                state=row.state,
                reason=reason,
                message=sentence(reason, language) if reason else None,
                record=row.record_id,
                archive_number=row.archive_number,
                record_state=row.record_state,
                captures=row.captures,
                review=tuple(row.review),
                word=row.word,
            )
        )
    return tuple(lines)


def _differences(connection: Connection, batch_id: str, language: Language) -> tuple[DifferenceLine, ...]:
    files = set(connection.execute(select(item.c.file).where(item.c.batch_id == batch_id)).scalars())
    rows = connection.execute(
        select(discrepancy).where(discrepancy.c.batch_id == batch_id).order_by(discrepancy.c.row_number)
    )
    return tuple(
        DifferenceLine(
            kind=row.kind,
            file=row.file,
            row=row.row_number,
            captures=row.captures,
            message=sentence(
                "no-file"
                if row.kind == "missing" and row.file not in files
                else "no-row"
                if row.row_number is None
                else row.kind,
                language,
            ),
            word=row.word,
        )
        for row in rows
    )


def open_matters(receipt: Receipt) -> OpenMatters:
    """Return what keeps the batch open."""
    return OpenMatters(
        waiting=receipt.figures.waiting,
        discrepancies=sum(1 for d in receipt.differences if d.word is None),
        rejections=sum(1 for i in receipt.items if i.state == "rejected" and i.word is None),
        unaccepted=sum(1 for i in receipt.items if i.state == "archived" and i.record_state == "candidate"),
    )


_STATES = {
    "vi": {
        "waiting": "Đang chờ",
        "stopped": "Dừng",
        "archived": "Đã lưu",
        "duplicate": "Trùng",
        "rejected": "Từ chối",
        "taking": "Đang nhận",
        "open": "Đang mở",
        "closed": "Đã đóng",
        "paused": "Tạm dừng",
        "cancelled": "Đã hủy",
        "missing": "Thiếu",
        "surplus": "Thừa",
    },
    "en": {},
}


def state_label(state: str, language: Language) -> str:
    """Return a state of an item or batch as people read it."""
    return _STATES[language].get(state, state)
