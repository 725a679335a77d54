"""Numbers taken before anything is stored under them: files, records and packages, and their voiding.

Each act is done inside the caller's transaction, with its event; no number is used twice.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from archive import events, ledger
from archive.database import insert_new
from archive.errors import NotFound
from archive.identifiers import new_id, new_objid
from archive.keys import package_key
from archive.record import ArchivalFile, PrincipalId, RecordId
from archive.rows import (
    reserved_values,
)
from archive.tables.holdings import archival_file, fonds, record
from archive.tables.packages import package
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
        new = ArchivalFile(new_id(), fonds_code, year, code, title, closed_on, paper_place)
        if open_archival_file(connection, new, at=at, principal=principal):
            return new
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


def open_archival_file(
    connection: Connection, file: ArchivalFile, *, at: datetime, principal: PrincipalId
) -> bool:
    """Write an archival file down, unless there is one of its id or its place; say whether it is new."""
    values = {name: getattr(file, name) for name in ArchivalFile.__slots__}
    if not insert_new(connection, archival_file, {**values, "created_at": at}):
        return False
    payload = {**values, "closed_on": file.closed_on.isoformat() if file.closed_on else None}
    events.append(connection, "records", "archival-file.opened", principal=principal, at=at, payload=payload)
    return True


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
    ledger.hold_record(connection, record_id)
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
    ledger.hold_record(connection, record_id)
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
