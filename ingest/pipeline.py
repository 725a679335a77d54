"""The way of one item from its staged file to a locked package, as plain steps.

1. A twin of something already held is linked, not read again; a twin of something stopped is stopped.
2. Record id, archive number and package number are reserved.
3. Every page is read once, of a long document by several workers; what was read is kept, so a restart goes on with
   the next page.
4. A mark of secrecy stops the item here: nothing of it reaches the archive store.
5. The PDF/A is built and checked, then signed by the digitizer and the agency.
6. Fields are drawn out, retention follows from them, and everything is frozen in the work item.
7. The package is written from what was frozen, put under its key with its lock, and read back.
8. Rows and event are committed together with the end of the work.
9. Only then is the staging copy released.

Of a batch cancelled meanwhile the item is rejected, unless its package is in the store by then.
"""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from archive import events, failpoints, ledger, reservations
from archive.database import reading, writing
from archive.deposit import put_or_adopt
from archive.errors import KeyTaken, ObjectNotFound
from archive.log_subject import about
from archive.package.json import content_from_json
from archive.package.write import write_content
from archive.record import ContentPackage, RecordId
from archive.stores.port import StoredObject
from archive.stores.separated import keeps_apart
from ingest import timings, worklist
from ingest.acceptance import accept_by_policy
from ingest.assembly import assemble, package_members
from ingest.batch_state import refuse_halted
from ingest.cancelling import REASON as CANCELLED
from ingest.cancelling import cancelled_for, reject_cancelled
from ingest.desk import Desk, open_received
from ingest.disks import blame_scratch
from ingest.numbering import reserve
from ingest.outcomes import Deferred, Deposited, Linked, Outcome, Rejected, Spread, Stopped
from ingest.pages import kept_pages, read_pages
from ingest.release import release
from ingest.secrecy import find_mark
from ingest.spreading import gather, spread
from ingest.tables import capture, item, page_result
from ingest.twins import earlier_twin, has_stopped_twin
from ingest.worklist import Claim
from ocr.errors import InputRejected, ReadingError
from retention.locks import candidate_lock

log = logging.getLogger(__name__)


def process_item(desk: Desk, claim: Claim) -> Outcome:
    """Take one claimed item all the way and return where it ended.

    Safe to call again after a death at any point. Raises LeaseLost when another worker has the item by
    now, BatchHalted when its batch was paused or cancelled, and errors of the stores or the database, after which
    the work is tried again.
    """
    started = time.monotonic()
    with about(item=claim.item_id, work_item=claim.work_item_id, record=claim.frozen.get("record")):
        try:
            outcome = _process(desk, claim)
        except Exception as error:
            log.warning("item not finished: %s", getattr(error, "code", type(error).__name__))
            raise
        kind = type(outcome).__name__.lower()
        timings.took("item", kind, time.monotonic() - started)
        with about(record=getattr(outcome, "record_id", None)):
            log.info("item %s", kind)
    return outcome


def _process(desk: Desk, claim: Claim) -> Outcome:
    failpoints.passing("claim")
    workplace = desk.scratch / claim.work_item_id
    with reading(desk.engine) as connection:
        cancelled = cancelled_for(connection, claim.item_id)
    if cancelled is not None and not _may_be_stored(desk, claim):
        return _reject_cancelled(desk, claim, *cancelled)
    try:
        if "content" in claim.frozen:
            return _store(desk, claim, workplace)
        with reading(desk.engine) as connection:
            subject = connection.execute(select(item).where(item.c.id == claim.item_id)).one()
            twin = earlier_twin(connection, claim.item_id)
            secret = has_stopped_twin(connection, claim.item_id)
        if secret:
            return _stop(desk, claim, "twin-stopped", page_number=None)
        if twin is not None and twin.state == "archived":
            return _link(desk, claim, RecordId(twin.record_id))
        if twin is not None and twin.work_state != "quarantined":
            return _defer(desk, claim)
        return _read_and_store(desk, claim, subject, workplace)
    except ReadingError as error:
        blame_scratch(error, desk.settings.places, workplace / "received")
        raise
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _may_be_stored(desk: Desk, claim: Claim) -> bool:
    """Whether an object lies under the package's key: an attempt may have ended between the put and its commit."""
    if "content" not in claim.frozen:
        return False
    try:
        desk.store.head(claim.frozen["key"])
    except ObjectNotFound:
        return False
    return True


def _reject_cancelled(desk: Desk, claim: Claim, reason: str, worded_by: str) -> Rejected:
    with writing(desk.engine) as connection:
        worklist.finish(connection, claim, reason=CANCELLED, now=desk.now())
        reject_cancelled(
            connection,
            claim.item_id,
            claim.frozen.get("record"),
            reason,
            principal=desk.principal,
            worded_by=worded_by,
            at=desk.now(),
        )
    release(desk.engine, desk.staging, claim.item_id, now=desk.now())
    return Rejected(CANCELLED)


def _read_and_store(desk: Desk, claim: Claim, subject: Row[Any], workplace: Path) -> Outcome:
    if "spread" in claim.frozen:
        gathered = gather(desk, claim)
        if gathered is None:
            return Spread()
        claim = gathered
    try:
        received, probe = open_received(desk, subject, workplace)
    except InputRejected as error:
        blame_scratch(error, desk.settings.places, workplace / "received")
        return _reject(desk, claim, error.code, str(error))
    claim = reserve(desk, claim, subject)
    failpoints.passing("numbered")
    if spread(desk, claim, probe):
        return Spread()
    with timings.stage("read"):
        pages = read_pages(desk, claim, received, probe)
    texts = ((n, p.reading.page) for n, p in enumerate(pages, start=1) if p.reading is not None)
    if (found := find_mark(texts)) is not None:
        return _stop(desk, claim, f"read-{found[1]}", page_number=found[0])
    with reading(desk.engine) as connection:
        refuse_halted(connection, claim.item_id)
    claim = assemble(desk, claim, subject, received, probe, pages, workplace)
    return _store(desk, claim, workplace)


def _store(desk: Desk, claim: Claim, workplace: Path) -> Outcome:
    """Steps 7-9, from what is frozen alone."""
    content = content_from_json(claim.frozen["content"])
    with reading(desk.engine) as connection:
        subject = connection.execute(select(item).where(item.c.id == claim.item_id)).one()
        readings = kept_pages(connection, claim.work_item_id)
    with timings.stage("package"):
        members = package_members(desk, claim, content, subject, readings, workplace)
        failpoints.passing("packaging")
        written = write_content(content, members, workplace / "package.zip")
    failpoints.passing("put")
    try:
        with timings.stage("deposit"):
            stored = put_or_adopt(
                desk.store,
                claim.frozen["key"],
                workplace / "package.zip",
                sha256=written.sha256,
                objid=content.objid,
                retain_until=candidate_lock(desk.now(), desk.settings.locks),
                now=desk.now(),
            )
    except KeyTaken:
        return _next_number(desk, claim, workplace)
    failpoints.passing("commit")
    with timings.stage("commit"):
        _commit(desk, claim, content, stored)
    failpoints.passing("release")
    release(desk.engine, desk.staging, claim.item_id, now=desk.now())
    if desk.settings.acceptance == "policy":
        accept_by_policy(desk, content)
    return Deposited(content.record_id, content.review)


def _next_number(desk: Desk, claim: Claim, workplace: Path) -> Outcome:
    """A foreign object is under our key: void the number with its reason and go on with the next."""
    old = content_from_json(claim.frozen["content"])
    with writing(desk.engine) as connection:
        reservations.void_package(
            connection,
            old.record_id,
            old.package_number,
            reason="key-taken",
            at=desk.now(),
            principal=desk.principal,
        )
        number, objid, key = reservations.reserve_package(
            connection,
            old.record_id,
            kind="content",
            about=None,
            work_item_id=claim.work_item_id,
            apart=keeps_apart(desk.store, old.description.sensitivity_level),
        )
        content = {**claim.frozen["content"], "package_number": number, "objid": objid}
        claim = worklist.freeze(
            connection, claim, {**claim.frozen, "content": content, "key": key}, now=desk.now()
        )
    failpoints.passing("number-voided")
    return _store(desk, claim, workplace)


def _commit(desk: Desk, claim: Claim, content: ContentPackage, stored: StoredObject) -> None:
    at = desk.now()
    with writing(desk.engine) as connection:
        worklist.finish(connection, claim, reason=None, now=at)
        ledger.record_deposit(connection, content, stored, at=at, principal=desk.principal)
        # The package holds the texts now; the work list keeps them only between attempts.
        _forget_pages(connection, claim)
        connection.execute(
            update(item)
            .where(item.c.id == claim.item_id)
            .values(state="archived", record_id=content.record_id, review=list(content.review))
        )
        for page in content.pages:
            connection.execute(
                update(capture)
                .where(capture.c.item_id == claim.item_id, capture.c.file_index == page.file_index)
                .values(state="blank" if page.state == "blank" else "archived")
            )


def _forget_pages(connection: Connection, claim: Claim) -> None:
    connection.execute(delete(page_result).where(page_result.c.work_item_id == claim.work_item_id))


def _link(desk: Desk, claim: Claim, record_id: RecordId) -> Linked:
    at = desk.now()
    with writing(desk.engine) as connection:
        worklist.finish(connection, claim, reason="duplicate", now=at)
        connection.execute(
            update(item)
            .where(item.c.id == claim.item_id)
            .values(state="duplicate", reason="duplicate", record_id=record_id)
        )
        connection.execute(update(capture).where(capture.c.item_id == claim.item_id).values(state="archived"))
        events.append(
            connection,
            "records",
            "item.duplicate",
            principal=desk.principal,
            at=at,
            payload={"item": claim.item_id, "record": record_id},
        )
    failpoints.passing("linked")
    release(desk.engine, desk.staging, claim.item_id, now=desk.now())
    return Linked(record_id)


def _defer(desk: Desk, claim: Claim) -> Deferred:
    with writing(desk.engine) as connection:
        worklist.put_back(connection, claim, now=desk.now(), after_seconds=2.0)
    return Deferred()


def _void_reserved(desk: Desk, connection: Connection, claim: Claim, reason: str) -> None:
    if (record_id := claim.frozen.get("record")) is not None:
        reservations.void_record(
            connection, RecordId(record_id), reason=reason, at=desk.now(), principal=desk.principal
        )


def _reject(desk: Desk, claim: Claim, reason: str, detail: str) -> Rejected:
    at = desk.now()
    with writing(desk.engine) as connection:
        worklist.finish(connection, claim, reason=reason, now=at)
        _void_reserved(desk, connection, claim, reason)
        connection.execute(
            update(item)
            .where(item.c.id == claim.item_id)
            .values(state="rejected", reason=reason, reason_detail=detail[:500])
        )
        connection.execute(update(capture).where(capture.c.item_id == claim.item_id).values(state="rejected"))
        events.append(
            connection,
            "records",
            "item.rejected",
            principal=desk.principal,
            at=at,
            payload={"item": claim.item_id, "reason": reason},
        )
    return Rejected(reason)


def _stop(desk: Desk, claim: Claim, reason: str, *, page_number: int | None) -> Stopped:
    """Stop for a mark of secrecy: the texts already read are deleted, the captures keep waiting."""
    at = desk.now()
    with writing(desk.engine) as connection:
        worklist.finish(connection, claim, reason=reason, now=at)
        _forget_pages(connection, claim)
        _void_reserved(desk, connection, claim, reason)
        connection.execute(update(item).where(item.c.id == claim.item_id).values(state="stopped", reason=reason))
        events.append(
            connection,
            "records",
            "item.stopped",
            principal=desk.principal,
            at=at,
            payload={"item": claim.item_id, "reason": reason, "page": page_number},
        )
    return Stopped(reason)
