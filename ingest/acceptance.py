"""Acceptance of candidates: by a person for a batch, or by the stated policy for clean items.

An acceptance is a supplement of its own in the vault. The locks of all the record's packages are extended
before it is written down, so a record that says *accepted* is always fully locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from archive import failpoints, ledger
from archive.database import reading, writing
from archive.errors import NotFound
from archive.record import ContentPackage, PrincipalId, RecordId, Retention, SupplementPackage
from archive.stores.port import ObjectStore, StoredObject
from archive.supplements import deposit_supplement, hold_with_record, plan_supplement, supplement_of
from archive.tables.holdings import record
from archive.tables.packages import page
from ingest.desk import Desk
from ingest.tables import item
from retention.holds import deposited_objects
from retention.locks import LockSettings, full_lock
from retention.longest import longest_in_file


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
        plan = plan_supplement(
            connection,
            record_id,
            "acceptance",
            principal=acceptor.principal,
            at=acceptor.at,
            store=acceptor.store,
        )
    failpoints.passing("supplement-planned")
    extended = []
    for number, key, version in objects:
        extended.append((number, acceptor.store.extend(key, version, until)))
        failpoints.passing("lock-extended")
    body = {
        "basis": basis,
        "failed_pages_accepted": list(failed_pages),
        "locked_until": until.isoformat(),
        "keep_until": row.keep_until.isoformat() if row.keep_until else None,
        "permanent": row.permanent,
        "retention_rule": row.retention_rule,
    }
    written = supplement_of(plan, body, event="appraisal", detail=f"acceptance into the archive; basis: {basis}")
    stored, supplement = deposit_supplement(
        acceptor.store, written, plan.key, retain_until=until, scratch=acceptor.scratch, now=acceptor.at
    )
    failpoints.passing("supplement-stored")
    hold_with_record(acceptor.engine, acceptor.store, record_id, stored)
    _write_down(acceptor, record_id, supplement, stored, extended, until, retention)
    failpoints.passing("accepted")
    hold_with_record(acceptor.engine, acceptor.store, record_id, stored)


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
        ledger.hold_record(connection, record_id)
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
