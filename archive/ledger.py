"""The catalogue's acts, each one inside the caller's transaction: reserve, void, deposit, accept, hold, lift.

Every act writes its rows and its event together. A payload carries ids and every non-personal field of the
rows it makes; pages and other long lists are in the package it names by digest.

Where writers run side by side, an act on a record takes the record's row first (`hold_record`), its other rows
then, and the stream's head last: two acts wait for each other and never in a circle.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from archive import events
from archive.custody import custody_digest, custody_facts
from archive.database import insert_new
from archive.errors import NotFound
from archive.identifiers import new_id, new_objid
from archive.keys import package_key
from archive.record import ArchivalFile, ContentPackage, PrincipalId, RecordId, SupplementPackage
from archive.rows import (
    field_rows,
    page_rows,
    part_rows,
    record_values,
    reserved_values,
    signature_rows,
    store_parties,
)
from archive.stores.port import StoredObject
from archive.tables.holdings import archival_file, field_value, fonds, record
from archive.tables.packages import package, page, part, signature
from archive.tables.units import unit_code, unit_name

UNFILED = "chua-lap-ho-so"  # the unit's file of the year for results without a dossier code


def find_archival_file(
    connection: Connection,
    *,
    fonds_code: str,
    year: int,
    code: str,
    title: str,
    closed_on: Any,
    paper_place: str | None,
    at: datetime,
    principal: PrincipalId,
) -> ArchivalFile:
    """Return the file (fonds, year, code), made now if it is new. What it says already is left as it is."""
    where = (
        archival_file.c.fonds_code == fonds_code,
        archival_file.c.year == year,
        archival_file.c.code == code,
    )
    found = select(archival_file).where(*where)
    row = connection.execute(found).mappings().one_or_none()
    if row is None:
        values: dict[str, Any] = {
            "id": new_id(),
            "fonds_code": fonds_code,
            "year": year,
            "code": code,
            "title": title,
            "closed_on": closed_on,
            "paper_place": paper_place,
        }
        if insert_new(connection, archival_file, {**values, "created_at": at}):
            payload = {**values, "closed_on": closed_on.isoformat() if closed_on else None}
            events.append(
                connection, "records", "archival-file.opened", principal=principal, at=at, payload=payload
            )
            return ArchivalFile(**values)
        row = connection.execute(found).mappings().one()  # another transaction opened it this moment
    return ArchivalFile(
        id=row["id"],
        fonds_code=row["fonds_code"],
        year=row["year"],
        code=row["code"],
        title=row["title"],
        closed_on=row["closed_on"],
        paper_place=row["paper_place"],
    )


def custodian_of(connection: Connection, fonds_code: str, on: datetime) -> tuple[str, str, dict[str, str]]:
    """Return (unit id, name in force, codes in force by system) of a fonds' custodian."""
    unit_id = connection.execute(select(fonds.c.unit_id).where(fonds.c.code == fonds_code)).scalar_one_or_none()
    if unit_id is None:
        raise NotFound("fonds", fonds_code)
    day = on.date()
    name = connection.execute(
        select(unit_name.c.name)
        .where(unit_name.c.unit_id == unit_id, unit_name.c.valid_from <= day)
        .order_by(unit_name.c.valid_from.desc())
        .limit(1)
    ).scalar_one()
    codes = connection.execute(
        select(unit_code.c.system, unit_code.c.value)
        .where(unit_code.c.unit_id == unit_id, unit_code.c.valid_from <= day)
        .order_by(unit_code.c.valid_from)
    ).all()
    return unit_id, name, {row.system: row.value for row in codes}


def hold_record(connection: Connection, record_id: RecordId) -> None:
    """Keep a record's row to the transaction's end: what else acts on the record waits, what names it does not."""
    connection.execute(select(record.c.id).where(record.c.id == record_id).with_for_update(key_share=True))


def reserve_record(
    connection: Connection,
    file: ArchivalFile,
    *,
    custodian_id: str,
    work_item_id: str,
    at: datetime,
    principal: PrincipalId,
) -> tuple[RecordId, str, int]:
    """Reserve a record id, the next ordinal of the file and its archive number; return all three."""
    ordinal: int = connection.execute(
        update(archival_file)
        .where(archival_file.c.id == file.id)
        .values(last_ordinal=archival_file.c.last_ordinal + 1)
        .returning(archival_file.c.last_ordinal)
    ).scalar_one()
    record_id = RecordId(new_id())
    number = f"{file.fonds_code}.{file.year}.{file.code}.{ordinal:07d}"
    connection.execute(
        insert(record).values(id=record_id, **reserved_values(file.id, ordinal, number, custodian_id, at))
    )
    tell_reserved(
        connection,
        record_id,
        number=number,
        file_id=file.id,
        ordinal=ordinal,
        work_item_id=work_item_id,
        at=at,
        principal=principal,
    )
    return record_id, number, ordinal


def tell_reserved(
    connection: Connection,
    record_id: RecordId,
    *,
    number: str,
    file_id: str,
    ordinal: int,
    work_item_id: str,
    at: datetime,
    principal: PrincipalId,
) -> None:
    """Append the event of a reserved record."""
    payload = {
        "record": record_id,
        "archive_number": number,
        "archival_file": file_id,
        "ordinal": ordinal,
        "work_item": work_item_id,
    }
    events.append(connection, "records", "record.reserved", principal=principal, at=at, payload=payload)


def keep_ordinal(connection: Connection, file_id: str, ordinal: int) -> None:
    """See to it that no later record of a file gets an ordinal up to this one."""
    connection.execute(
        update(archival_file)
        .where(archival_file.c.id == file_id, archival_file.c.last_ordinal < ordinal)
        .values(last_ordinal=ordinal)
    )


def reserve_package(
    connection: Connection,
    record_id: RecordId,
    *,
    kind: str,
    about: str | None,
    work_item_id: str | None,
    apart: bool = False,
) -> tuple[int, str, str]:
    """Reserve the record's next package number; return (number, OBJID, object key).

    apart: it goes into the store of levels 3-4.
    """
    hold_record(connection, record_id)
    taken = connection.execute(select(package.c.number).where(package.c.record_id == record_id)).scalars()
    number = max(taken, default=0) + 1
    objid = new_objid()
    key = package_key(record_id, number, apart=apart)
    connection.execute(
        insert(package).values(
            record_id=record_id,
            number=number,
            kind=kind,
            about=about,
            state="reserved",
            work_item_id=work_item_id,
            objid=objid,
            object_key=key,
        )
    )
    return number, objid, key


def void_package(
    connection: Connection,
    record_id: RecordId,
    number: int,
    *,
    reason: str,
    at: datetime,
    principal: PrincipalId,
) -> None:
    """Void a reserved package number; it is never used again."""
    hold_record(connection, record_id)
    voided = _void_packages(connection, record_id, package.c.number == number, reason)
    events.append(
        connection,
        "records",
        "package.voided",
        principal=principal,
        at=at,
        payload={"record": record_id, "package": number, "reason": reason, "packages": voided},
    )


def void_record(
    connection: Connection, record_id: RecordId, *, reason: str, at: datetime, principal: PrincipalId
) -> None:
    """Void a reserved record and its reserved packages with a reason; no number of it is used again."""
    connection.execute(update(record).where(record.c.id == record_id).values(state="void", void_reason=reason))
    voided = _void_packages(connection, record_id, package.c.state == "reserved", reason)
    events.append(
        connection,
        "records",
        "record.voided",
        principal=principal,
        at=at,
        payload={"record": record_id, "reason": reason, "packages": voided},
    )


def _void_packages(
    connection: Connection, record_id: RecordId, which: ColumnElement[bool], reason: str
) -> list[dict[str, Any]]:
    """Void packages of a record; return what their rows say, for the event: nothing else tells of them."""
    rows = connection.execute(
        update(package)
        .where(package.c.record_id == record_id, which)
        .values(state="void", void_reason=reason)
        .returning(
            package.c.number,
            package.c.kind,
            package.c.about,
            package.c.objid,
            package.c.object_key.label("key"),
            package.c.work_item_id.label("work_item"),
        )
    ).mappings()
    return sorted((dict(row) for row in rows), key=lambda row: row["number"])


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
