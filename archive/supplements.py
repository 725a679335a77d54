"""What depositing any supplement has in common: planned in one transaction, written, stored or adopted.

The number is reserved first, the object follows, the caller's rows and event come last and in one transaction.
A crash between leaves a reserved number; the same act tried again finds it and adopts the object it may have
left. What that object says is then what is written down, for it cannot be changed any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from archive import ledger, reservations
from archive.database import reading
from archive.deposit import put_or_adopt
from archive.errors import NotFound
from archive.package.read import open_package
from archive.package.write import write_supplement
from archive.record import (
    Agent,
    Member,
    PreservationEvent,
    PrincipalId,
    RecordId,
    SupplementAbout,
    SupplementPackage,
    UnitName,
)
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.separated import keeps_apart
from archive.tables.holdings import archival_file, hold, record
from archive.tables.packages import package
from archive.tables.principals import principal as principal_table


@dataclass(frozen=True, slots=True)
class SupplementPlan:
    """A reserved supplement before anything is written. locked_until: of the longest locked package so far."""

    record_id: RecordId
    archive_number: str
    about: SupplementAbout
    number: int
    objid: str
    key: str
    parent_number: int
    parent_sha256: str
    locked_until: datetime | None
    custodian: UnitName
    principal: PrincipalId
    login: str
    at: datetime


def plan_supplement(
    connection: Connection,
    record_id: RecordId,
    about: SupplementAbout,
    *,
    principal: PrincipalId,
    at: datetime,
    store: ObjectStore,
    act: str | None = None,
) -> SupplementPlan:
    """Reserve a supplement to the newest content package, or find what an interrupted attempt reserved.

    store: where it will be put; whether apart from levels 1-2 is decided here, by the record's level as it is now.
    act: id of what is done, for kinds of which a record may have several; None: there is one at a time.
    Raises NotFound.
    """
    ledger.hold_record(connection, record_id)
    row = connection.execute(
        select(record.c.archive_number, record.c.sensitivity_level, archival_file.c.fonds_code)
        .join(archival_file, archival_file.c.id == record.c.archival_file_id)
        .where(record.c.id == record_id)
    ).one_or_none()
    packages = connection.execute(
        select(package.c.number, package.c.kind, package.c.sha256, package.c.locked_until)
        .where(package.c.record_id == record_id, package.c.state == "deposited")
        .order_by(package.c.number)
    ).all()
    contents = [one for one in packages if one.kind == "content"]
    if row is None or not contents:
        raise NotFound("record", record_id)
    apart = keeps_apart(store, row.sensitivity_level)
    number, objid, key = _reserve(connection, record_id, about, act, apart=apart)
    login: str = connection.execute(
        select(principal_table.c.login).where(principal_table.c.id == principal)
    ).scalar_one()
    return SupplementPlan(
        record_id=record_id,
        archive_number=row.archive_number,
        about=about,
        number=number,
        objid=objid,
        key=key,
        parent_number=contents[-1].number,
        parent_sha256=contents[-1].sha256,
        locked_until=max((one.locked_until for one in packages if one.locked_until), default=None),
        custodian=UnitName(*reservations.custodian_of(connection, row.fonds_code, at)),
        principal=principal,
        login=login,
        at=at,
    )


def _reserve(
    connection: Connection, record_id: RecordId, about: SupplementAbout, act: str | None, *, apart: bool
) -> tuple[int, str, str]:
    left = connection.execute(
        select(package.c.number, package.c.objid, package.c.object_key).where(
            package.c.record_id == record_id,
            package.c.about == about,
            package.c.state == "reserved",
            package.c.work_item_id.is_(None) if act is None else package.c.work_item_id == act,
        )
    ).first()
    if left is not None:
        return left.number, left.objid, left.object_key
    return reservations.reserve_package(
        connection, record_id, kind="supplement", about=about, work_item_id=act, apart=apart
    )


def hold_with_record(engine: Engine, store: ObjectStore, record_id: RecordId, stored: StoredObject) -> None:
    """Hold a supplement's object while a hold stands on its record; safe to repeat.

    To be called before its row is committed, so that a crash after it leaves nothing unheld, and again after: a
    hold placed meanwhile is seen then, or sees the row.
    """
    with reading(engine) as connection:
        standing = select(hold.c.id).where(hold.c.record_id == record_id, hold.c.lifted_at.is_(None)).limit(1)
        if connection.execute(standing).first() is None:
            return
    if not store.head(stored.key, stored.version_id).held:
        store.set_hold(stored.key, stored.version_id, held=True)


def supplement_of(plan: SupplementPlan, body: Mapping[str, Any], *, event: str, detail: str) -> SupplementPackage:
    """Return the supplement a plan and its body make. event: a PREMIS event type; detail: what was done."""
    agent = Agent(id=plan.principal, type="person", name=plan.login)
    done = PreservationEvent(
        id=f"{plan.objid}-{plan.about}", type=event, at=plan.at, agent=agent.id, detail=detail, outcome="success"
    )
    return SupplementPackage(
        objid=plan.objid,
        record_id=plan.record_id,
        package_number=plan.number,
        archive_number=plan.archive_number,
        about=plan.about,
        parent_number=plan.parent_number,
        parent_sha256=plan.parent_sha256,
        created_at=plan.at.astimezone(UTC).replace(microsecond=0),
        principal_id=plan.principal,
        custodian=plan.custodian,
        body=dict(body),
        agents=(agent,),
        events=(done,),
    )


def deposit_supplement(
    store: ObjectStore,
    supplement: SupplementPackage,
    key: str,
    *,
    retain_until: datetime,
    scratch: Path,
    now: datetime,
    texts: Sequence[Member] = (),
) -> tuple[StoredObject, SupplementPackage]:
    """Store a supplement, with the page texts it carries; return its object and what the object says.

    An earlier attempt's object under this key stands, and what it says is returned. scratch: a folder of this
    process. Raises KeyTaken, StoreUnavailable, DigestMismatch.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    body = scratch / f"{supplement.objid}.zip"
    try:
        written = write_supplement(supplement, body, texts)
        stored = put_or_adopt(
            store,
            key,
            body,
            sha256=written.sha256,
            objid=supplement.objid,
            retain_until=retain_until,
            now=now,
        )
    finally:
        body.unlink(missing_ok=True)
    if stored.sha256 == written.sha256:
        return stored, supplement
    with store.read(stored.key, stored.version_id) as stream, open_package(stream) as found:
        return stored, found.supplement()
