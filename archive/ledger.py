"""What is written down once a store has answered, inside the caller's transaction: deposits, supplements, locks.

Every act writes its rows and its event together. A payload carries ids and every non-personal field of the
rows it makes; pages and other long lists are in the package it names by digest.

Where writers run side by side, an act on a record takes the record's row first (`hold_record`), its other rows
then, and the stream's head last: two acts wait for each other and never in a circle.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from archive import events
from archive.custody import custody_digest, custody_facts
from archive.record import ContentPackage, PrincipalId, RecordId, SupplementPackage
from archive.rows import (
    field_rows,
    page_rows,
    part_rows,
    record_values,
    signature_rows,
    store_parties,
)
from archive.stores.port import StoredObject
from archive.tables.holdings import field_value, record
from archive.tables.packages import package, page, part, signature


def hold_record(connection: Connection, record_id: RecordId) -> None:
    """Keep a record's row to the transaction's end: what else acts on the record waits, what names it does not."""
    connection.execute(select(record.c.id).where(record.c.id == record_id).with_for_update(key_share=True))


def _set_deposited(
    connection: Connection, record_id: RecordId, number: int, stored: StoredObject, at: datetime
) -> str | None:
    """Write down what the store answered; return the work the package was reserved for."""
    work_item: str | None = connection.execute(
        update(package)
        .where(package.c.record_id == record_id, package.c.number == number)
        .values(
            state="deposited",
            version_id=stored.version_id,
            sha256=stored.sha256,
            length=stored.length,
            locked_until=stored.retain_until,
            deposited_at=at,
        )
        .returning(package.c.work_item_id)
    ).scalar_one()
    return work_item


def _object_payload(stored: StoredObject) -> dict[str, Any]:
    return {
        "key": stored.key,
        "version": stored.version_id,
        "sha256": stored.sha256,
        "length": stored.length,
        "locked_until": stored.retain_until.isoformat() if stored.retain_until else None,
    }


def record_deposit(
    connection: Connection,
    content: ContentPackage,
    stored: StoredObject,
    *,
    at: datetime,
    principal: PrincipalId,
) -> int:
    """Write a deposited content package into the catalogue and return its event's sequence number."""
    hold_record(connection, content.record_id)
    work_item = _set_deposited(connection, content.record_id, content.package_number, stored, at)
    values = record_values(content)
    connection.execute(update(record).where(record.c.id == content.record_id).values(**values))
    store_parties(connection, content, at)
    for table, rows in (
        (part, part_rows(content)),
        (page, page_rows(content)),
        (signature, signature_rows(content)),
        (field_value, field_rows(content, at)),
    ):
        if rows:
            connection.execute(insert(table), rows)
    states = [p.state for p in content.pages]
    said = events.append(
        connection,
        "records",
        "record.deposited",
        principal=principal,
        at=at,
        payload={
            "record": content.record_id,
            "package": content.package_number,
            "archive_number": content.archive_number,
            "archival_file": content.archival_file.id,
            "objid": content.objid,
            "batch": content.batch_id,
            "item": content.item_id,
            "work_item": work_item,
            "object": _object_payload(stored),
            "custody": custody_digest(custody_facts(part_rows(content), page_rows(content))),
            "pages": len(states),
            "failed_pages": [p.number for p in content.pages if p.state == "failed"],
            "parties": [{"party": p.party_id, "role": p.role} for p in content.parties],
            "review": list(content.review),
            "values": {
                name: value.isoformat() if hasattr(value, "isoformat") else value
                for name, value in values.items()
                if name not in ("subject", "signer_name", "note")
            },
        },
    )
    _set_event(connection, content.record_id, content.package_number, said)
    return said


def _set_event(connection: Connection, record_id: RecordId, number: int, said: int) -> None:
    connection.execute(
        update(package)
        .where(package.c.record_id == record_id, package.c.number == number)
        .values(deposit_event=said)
    )


def record_supplement(
    connection: Connection,
    supplement: SupplementPackage,
    stored: StoredObject,
    *,
    at: datetime,
    payload: dict[str, Any],
) -> int:
    """Write a deposited supplement into the catalogue and return its event's sequence number."""
    hold_record(connection, supplement.record_id)
    work_item = _set_deposited(connection, supplement.record_id, supplement.package_number, stored, at)
    connection.execute(
        update(package)
        .where(package.c.record_id == supplement.record_id, package.c.number == supplement.package_number)
        .values(parent_sha256=supplement.parent_sha256)
    )
    said = events.append(
        connection,
        "records",
        f"record.{supplement.about}",
        principal=supplement.principal_id,
        at=at,
        payload={
            "record": supplement.record_id,
            "package": supplement.package_number,
            "parent": supplement.parent_sha256,
            "work_item": work_item,
            "created_at": events.instant_text(supplement.created_at),
            "objid": supplement.objid,
            "object": _object_payload(stored),
            **payload,
        },
    )
    _set_event(connection, supplement.record_id, supplement.package_number, said)
    return said


def record_lock(
    connection: Connection,
    record_id: RecordId,
    number: int,
    stored: StoredObject,
    *,
    at: datetime,
    principal: PrincipalId,
    basis: str,
) -> None:
    """Write what the store answered after a lock was extended."""
    hold_record(connection, record_id)
    connection.execute(
        update(package)
        .where(package.c.record_id == record_id, package.c.number == number)
        .values(locked_until=stored.retain_until)
    )
    events.append(
        connection,
        "records",
        "package.locked",
        principal=principal,
        at=at,
        payload={
            "record": record_id,
            "package": number,
            "object": _object_payload(stored),
            "basis": basis,
        },
    )
