"""Acceptance of candidates: by a person for a batch, or by the stated policy for clean items.

An acceptance is a supplement of its own in the vault. The locks of all the record's packages are extended
before it is written down, so a record that says *accepted* is always fully locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.package.read import open_package
from archive.package.write import write_supplement
from sqlalchemy import Connection, Engine, Row, select, update

from archive import ledger
from archive.database import reading, writing
from archive.deposit import put_or_adopt
from archive.errors import NotFound
from archive.record import (
    Agent,
    ContentPackage,
    PreservationEvent,
    PrincipalId,
    RecordId,
    Retention,
    SupplementPackage,
    UnitName,
)
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.holdings import archival_file, record
from archive.tables.packages import package, page
from archive.tables.principals import principal as principal_table
from ingest.desk import Desk
from ingest.tables import item
from retention.holds import deposited_objects
from retention.locks import LockSettings, full_lock
from retention.renewal import longest_in_file


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Who accepts, and with what: stores, scratch and the day."""

    engine: Engine
    store: ObjectStore
    scratch: Path
    locks: LockSettings
    principal: PrincipalId
    at: datetime


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """A candidate a person must look at first: its file and the slugs of why."""

    file: str
    record_id: RecordId
    reasons: tuple[str, ...]


def accept_by_policy(desk: Desk, content: ContentPackage) -> bool:
    """Accept a freshly deposited record if nothing about it asks for a person; say whether it was."""
    if content.review or any(p.state == "failed" for p in content.pages):
        return False
    acceptor = Acceptor(desk.engine, desk.store, desk.scratch, desk.settings.locks, desk.principal, desk.now())
    accept_record(acceptor, content.record_id, basis="policy:clean", failed_pages=())
    return True


def accept_batch(
    acceptor: Acceptor, batch_id: str, *, basis: str, clean_only: bool, failed_pages: Sequence[str]
) -> tuple[int, tuple[NotAccepted, ...]]:
    """Accept a batch's candidates; return how many, and which not.

    failed_pages: `file#page` of each failed page a person takes as it is; without it the item is not accepted.
    """
    with reading(acceptor.engine) as connection:
        rows = connection.execute(
            select(item.c.file, item.c.record_id, item.c.review)
            .join(record, record.c.id == item.c.record_id)
            .where(item.c.batch_id == batch_id, item.c.state == "archived", record.c.state == "candidate")
            .order_by(item.c.position)
        ).all()
        failed = {row.record_id: _failed_pages(connection, RecordId(row.record_id)) for row in rows}
    accepted = 0
    left: list[NotAccepted] = []
    for row in rows:
        unnamed = [n for n in failed[row.record_id] if f"{row.file}#{n}" not in failed_pages]
        reasons = [f"failed-page-{n}" for n in unnamed] + (list(row.review) if clean_only else [])
        if reasons:
            left.append(NotAccepted(row.file, RecordId(row.record_id), tuple(reasons)))
            continue
        accept_record(acceptor, RecordId(row.record_id), basis=basis, failed_pages=failed[row.record_id])
        accepted += 1
    return accepted, tuple(left)


def _failed_pages(connection: Connection, record_id: RecordId) -> tuple[int, ...]:
    return tuple(
        connection.execute(
            select(page.c.number)
            .where(page.c.record_id == record_id, page.c.state == "failed")
            .order_by(page.c.number)
        ).scalars()
    )


def accept_record(acceptor: Acceptor, record_id: RecordId, *, basis: str, failed_pages: Sequence[int]) -> None:
    """Accept one candidate: extend its locks, deposit the acceptance, then write it down."""
    with writing(acceptor.engine) as connection:
        row = connection.execute(select(record).where(record.c.id == record_id)).one_or_none()
        if row is None:
            raise NotFound("record", record_id)
        if row.state == "accepted":
            return
        retention = longest_in_file(connection, record_id)
        until = full_lock(acceptor.at, retention, acceptor.locks)
        objects = deposited_objects(connection, record_id)
        number, objid, key = _reserve(connection, record_id)
        parent = _content_package(connection, record_id)
        fonds_code = connection.execute(
            select(archival_file.c.fonds_code).where(archival_file.c.id == row.archival_file_id)
        ).scalar_one()
        unit = ledger.custodian_of(connection, fonds_code, acceptor.at)
        name = connection.execute(
            select(principal_table.c.login).where(principal_table.c.id == acceptor.principal)
        ).scalar_one()
    extended = [(number_, acceptor.store.extend(key_, version, until)) for number_, key_, version in objects]
    supplement = _acceptance(
        acceptor,
        row,
        parent,
        number=number,
        objid=objid,
        unit=UnitName(*unit),
        login=name,
        basis=basis,
        failed_pages=failed_pages,
        until=until,
    )
    stored, supplement = _deposit(acceptor, supplement, key, until)
    _write_down(acceptor, record_id, supplement, stored, extended, until, retention)


def _reserve(connection: Connection, record_id: RecordId) -> tuple[int, str, str]:
    """Return the number an earlier, interrupted acceptance reserved, or a new one."""
    left = connection.execute(
        select(package.c.number, package.c.objid, package.c.object_key).where(
            package.c.record_id == record_id,
            package.c.about == "acceptance",
            package.c.state == "reserved",
        )
    ).first()
    if left is not None:
        return left.number, left.objid, left.object_key
    return ledger.reserve_package(connection, record_id, kind="supplement", about="acceptance", work_item_id=None)


def _content_package(connection: Connection, record_id: RecordId) -> Row[Any, Any]:
    return connection.execute(
        select(package.c.number, package.c.sha256)
        .where(package.c.record_id == record_id, package.c.kind == "content", package.c.state == "deposited")
        .order_by(package.c.number.desc())
        .limit(1)
    ).one()


def _acceptance(
    acceptor: Acceptor,
    row: Row[Any],
    parent: Row[Any, Any],
    *,
    number: int,
    objid: str,
    unit: UnitName,
    login: str,
    basis: str,
    failed_pages: Sequence[int],
    until: datetime,
) -> SupplementPackage:
    agent = Agent(id=acceptor.principal, type="person", name=login)
    return SupplementPackage(
        objid=objid,
        record_id=RecordId(row.id),
        package_number=number,
        archive_number=row.archive_number,
        about="acceptance",
        parent_number=parent.number,
        parent_sha256=parent.sha256,
        created_at=acceptor.at.astimezone(UTC).replace(microsecond=0),
        principal_id=acceptor.principal,
        custodian=unit,
        body={
            "basis": basis,
            "failed_pages_accepted": list(failed_pages),
            "locked_until": until.isoformat(),
            "keep_until": row.keep_until.isoformat() if row.keep_until else None,
            "permanent": row.permanent,
            "retention_rule": row.retention_rule,
        },
        agents=(agent,),
        events=(
            PreservationEvent(
                id=f"{objid}-accept",
                type="appraisal",
                at=acceptor.at,
                agent=agent.id,
                detail=f"acceptance into the archive; basis: {basis}",
                outcome="success",
            ),
        ),
    )


def _deposit(
    acceptor: Acceptor, supplement: SupplementPackage, key: str, until: datetime
) -> tuple[StoredObject, SupplementPackage]:
    """Store the acceptance; an earlier attempt's object stands, and what it says is what is written down."""
    acceptor.scratch.mkdir(parents=True, exist_ok=True)
    body = acceptor.scratch / f"{supplement.objid}.zip"
    try:
        written = write_supplement(supplement, body)
        stored = put_or_adopt(
            acceptor.store,
            key,
            body,
            sha256=written.sha256,
            objid=supplement.objid,
            retain_until=until,
            now=acceptor.at,
        )
    finally:
        body.unlink(missing_ok=True)
    if stored.sha256 == written.sha256:
        return stored, supplement
    with acceptor.store.read(stored.key, stored.version_id) as stream, open_package(stream) as found:
        return stored, found.supplement()


def _write_down(
    acceptor: Acceptor,
    record_id: RecordId,
    supplement: SupplementPackage,
    stored: StoredObject,
    extended: Sequence[tuple[int, StoredObject]],
    until: datetime,
    retention: Retention,
) -> None:
    with writing(acceptor.engine) as connection:
        state = connection.execute(select(record.c.state).where(record.c.id == record_id)).scalar_one()
        if state == "accepted":
            return  # another hand, with the same reserved number, was faster
        for number, object_ in extended:
            ledger.record_lock(
                connection,
                record_id,
                number,
                object_,
                at=acceptor.at,
                principal=acceptor.principal,
                basis="acceptance",
            )
        connection.execute(
            update(record)
            .where(record.c.id == record_id)
            .values(
                state="accepted",
                accepted_at=supplement.created_at,
                accepted_by=supplement.principal_id,
                acceptance_basis=supplement.body["basis"],
            )
        )
        ledger.record_supplement(
            connection,
            supplement,
            stored,
            at=acceptor.at,
            payload={
                **supplement.body,
                "lock": until.isoformat(),
                "file_keep_until": retention.keep_until.isoformat() if retention.keep_until else None,
            },
        )
