"""Reserves what a record will be known by: its id, archive number and package number, once for all attempts."""

from datetime import UTC, date
from typing import Any

from sqlalchemy import Row, select

from archive import reservations
from archive.database import reading, writing
from archive.record import ArchivalFile, FieldValue
from archive.stores.separated import keeps_apart
from ingest import worklist
from ingest.describe import level_of, manifest_fields, value_of
from ingest.desk import Desk
from ingest.tables import batch, declaration
from ingest.worklist import Claim


def declared(desk: Desk, subject: Row[Any]) -> tuple[Row[Any], tuple[FieldValue, ...], Row[Any] | None]:
    """Return (batch row, fields of the manifest, declaration row) of an item."""
    with reading(desk.engine) as connection:
        head = connection.execute(select(batch).where(batch.c.id == subject.batch_id)).one()
        row = connection.execute(
            select(declaration).where(
                declaration.c.batch_id == subject.batch_id,
                declaration.c.row_number == subject.row_number,
            )
        ).one_or_none()
    return head, manifest_fields(row.fields) if row is not None else (), row


def reserve(desk: Desk, claim: Claim, subject: Row[Any]) -> Claim:
    """Reserve the numbers and freeze them in the work item with the instant of the record's making."""
    if "record" in claim.frozen:
        return claim
    head, fields, _ = declared(desk, subject)
    closed_on = closing_day(fields)
    at = desk.now().astimezone(UTC).replace(microsecond=0)
    with writing(desk.engine) as connection:
        unit_id, name, codes = reservations.custodian_of(connection, head.fonds_code, at)
        code = value_of(fields, "dossier_code")
        file = reservations.find_archival_file(
            connection,
            fonds_code=head.fonds_code,
            year=closed_on.year if code and closed_on else head.received_on.year,
            code=code or reservations.UNFILED,
            title=f"Hồ sơ {code}" if code else f"Tài liệu chưa lập hồ sơ năm {head.received_on.year}",
            closed_on=closed_on if code else None,
            paper_place=value_of(fields, "paper_place") if code else None,
            at=at,
            principal=desk.principal,
        )
        record_id, archive_number, ordinal = reservations.reserve_record(
            connection,
            file,
            custodian_id=unit_id,
            work_item_id=claim.work_item_id,
            at=at,
            principal=desk.principal,
        )
        number, objid, key = reservations.reserve_package(
            connection,
            record_id,
            kind="content",
            about=None,
            work_item_id=claim.work_item_id,
            apart=keeps_apart(desk.store, level_of(fields)),
        )
        frozen = {
            "record": record_id,
            "archive_number": archive_number,
            "ordinal": ordinal,
            "package_number": number,
            "objid": objid,
            "key": key,
            "at": at.isoformat(),
            "custodian": {"id": unit_id, "name": name, "codes": codes},
            "file": _file_to_json(file),
            "row_closed_on": closed_on.isoformat() if closed_on else None,
        }
        return worklist.freeze(connection, claim, frozen, now=desk.now())


def closing_day(fields: tuple[FieldValue, ...]) -> date | None:
    """Return the day the row says its file was closed, when it says so to the day."""
    closed = value_of(fields, "closed_on")
    return date.fromisoformat(closed) if closed and len(closed) == 10 else None


def _file_to_json(file: ArchivalFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "fonds_code": file.fonds_code,
        "year": file.year,
        "code": file.code,
        "title": file.title,
        "closed_on": file.closed_on.isoformat() if file.closed_on else None,
        "paper_place": file.paper_place,
    }


def frozen_file(claim: Claim) -> ArchivalFile:
    """Return the archival file as it was when the numbers were reserved."""
    frozen = claim.frozen["file"]
    closed = frozen["closed_on"]
    return ArchivalFile(**{**frozen, "closed_on": date.fromisoformat(closed) if closed else None})
