"""The receipt of a batch: every capture accounted for, every item with its place and reason; for eyes and programs."""

from dataclasses import asdict, dataclass
from datetime import datetime

import typst
from sqlalchemy import Connection, func, select

from archive.tables.holdings import record
from archive.tables.units import unit_name
from ingest.batch import Figures, OpenMatters, figures_of, find_batch
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
    """What a batch was declared to be and what became of it."""

    batch: str
    label: str
    state: str
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


_TITLES = {
    "vi": {
        "title": "BIÊN NHẬN LÔ SỐ HÓA",
        "batch": "Mã lô",
        "label": "Thư mục",
        "unit": "Đơn vị",
        "operator": "Người quét",
        "received": "Nhận lúc",
        "state": "Trạng thái",
        "equation": "Đối soát (đơn vị: ảnh quét)",
        "declared": "Kê khai",
        "missing": "Thiếu",
        "surplus": "Thừa",
        "got": "Nhận",
        "archived": "Lưu trữ",
        "blank": "Trang trắng",
        "separator": "Tờ phân cách",
        "rejected": "Từ chối",
        "waiting": "Chờ",
        "items": "Từng tệp",
        "file": "Tệp",
        "captures": "Ảnh",
        "place": "Kết quả",
        "number": "Số lưu trữ / lý do",
        "differences": "Chênh lệch so với bảng kê",
        "word": "Ý kiến",
        "signed": "Người giao",
        "took": "Người nhận",
        "assumed": "dòng không ghi số tờ: tính theo số nhận được",
        "balanced": "Các đẳng thức đều đúng.",
        "unbalanced": "ĐẲNG THỨC KHÔNG ĐÚNG: báo người quản trị.",
    },
    "en": {
        "title": "RECEIPT OF A SCAN BATCH",
        "batch": "Batch",
        "label": "Folder",
        "unit": "Unit",
        "operator": "Operator",
        "received": "Received at",
        "state": "State",
        "equation": "Account (in captures)",
        "declared": "Declared",
        "missing": "Missing",
        "surplus": "Surplus",
        "got": "Received",
        "archived": "Archived",
        "blank": "Blank",
        "separator": "Separators",
        "rejected": "Rejected",
        "waiting": "Waiting",
        "items": "File by file",
        "file": "File",
        "captures": "Captures",
        "place": "Result",
        "number": "Archive number / reason",
        "differences": "Differences from the manifest",
        "word": "Word",
        "signed": "Handed over by",
        "took": "Taken over by",
        "assumed": "rows without sheets: what was received counts",
        "balanced": "All equations hold.",
        "unbalanced": "THE EQUATIONS DO NOT HOLD: tell the administrator.",
    },
}
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


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    clean = "".join(c if c.isprintable() else "�" for c in escaped)
    return f'"{clean}"'


def printable(receipt: Receipt, *, language: Language = "vi") -> bytes:
    """Return the receipt as a PDF/A page an office can print and sign."""
    t = _TITLES[language]
    f = receipt.figures
    head = [
        (t["batch"], receipt.batch),
        (t["label"], receipt.label),
        (t["unit"], receipt.unit),
        (t["operator"], receipt.operator or "—"),
        (t["received"], receipt.received_at.astimezone().strftime("%d/%m/%Y %H:%M:%S %z")),
        (t["state"], state_label(receipt.state, language)),
    ]
    facts = ", ".join(f"[{k}:], {_quoted(v)}" for k, v in head)
    account = (
        f"{t['declared']} {f.declared} − {t['missing']} {f.missing} + {t['surplus']} {f.surplus} = "
        f"{t['got']} {f.received} = {t['archived']} {f.archived} + {t['blank']} {f.blank} + "
        f"{t['separator']} {f.separator} + {t['rejected']} {f.rejected} + {t['waiting']} {f.waiting}"
    )
    rows = ", ".join(
        f"[{n}], {_quoted(i.file)}, [{i.captures}], {_quoted(state_label(i.state, language))}, "
        f"{_quoted(' · '.join(x for x in (i.archive_number, i.message) if x))}"
        for n, i in enumerate(receipt.items, start=1)
    )
    differences = ", ".join(
        f"{_quoted(state_label(d.kind, language))}, {_quoted(d.file)}, [{d.captures}], "
        f"{_quoted(d.message)}, {_quoted(d.word or '—')}"
        for d in receipt.differences
    )
    difference_table = (
        f"""
#text(weight: "bold")[{t["differences"]}]
#table(columns: (auto, 2fr, auto, 3fr, 2fr), {differences})
"""
        if differences
        else ""
    )
    source = f"""
#set document(title: {_quoted(t["title"])}, date: none)
#set page(paper: "a4", margin: 18mm, numbering: "1/1")
#set text(font: ("Liberation Serif", "Tinos", "Times New Roman"), size: 10pt, lang: "{language}")
#set table(stroke: 0.4pt, inset: 4pt)
#align(center)[#text(size: 14pt, weight: "bold")[{t["title"]}]]
#table(columns: (auto, 1fr), stroke: none, {facts})
#text(weight: "bold")[{t["equation"]}]
#block(stroke: 0.6pt, inset: 8pt, width: 100%)[#{_quoted(account)} \\
#{_quoted(t["balanced"] if f.balanced else t["unbalanced"])} #{_quoted(f"({receipt.assumed_rows} {t['assumed']})" if receipt.assumed_rows else "")}]
{difference_table}
#text(weight: "bold")[{t["items"]}]
#table(columns: (auto, 2fr, auto, auto, 3fr), table.header([], [*{t["file"]}*], [*{t["captures"]}*], [*{t["place"]}*], [*{t["number"]}*]), {rows})
#v(8mm)
#grid(columns: (1fr, 1fr), align: center, [*{t["signed"]}*], [*{t["took"]}*])
"""
    return bytes(typst.compile(source.encode(), format="pdf", pdf_standards=["a-2b"]))
