"""What the batch routes do: take an upload in, find a caller's batches, accept one."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select

from archive import failpoints
from archive.access.policy import Act, Caller, units_for
from archive.database import reading, writing
from archive.errors import NotFound
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.stores.port import ObjectStore
from archive.tables.holdings import fonds
from ingest import batch as batches
from ingest.acceptance import Acceptor, accept_batch
from ingest.batch_answers import AcceptanceForm
from ingest.batch_state import pause, resume
from ingest.bell import Bell, SilentBell
from ingest.cancelling import cancel
from ingest.errors import UploadRefused
from ingest.intake import Door, take_in
from ingest.receipt import open_matters, receipt_of
from ingest.release import release_ended
from ingest.settings import IngestSettings
from ingest.standing import standing_of
from ingest.upload_forms import Arranged, Chosen
from ocr.reader import Reader


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """What batches are taken in and accepted with.

    uploads: a folder in which uploads lie until they are taken in. prepare_signing: makes sure that a principal
    can sign as digitizer of what they bring (raises SigningFailed); called before an upload is kept. bell: rung
    for what is taken in.
    """

    engine: Engine
    store: ObjectStore
    staging: ObjectStore
    seal: Seal
    settings: IngestSettings
    uploads: Path
    new_scratch: Callable[[], Path]
    new_reader: Callable[[Path], Reader]
    prepare_signing: Callable[[PrincipalId], None]
    now: Callable[[], datetime]
    bell: Bell = field(default_factory=SilentBell)


def fonds_for(connection: Connection, caller: Caller, unit: str | None) -> str:
    """Return the fonds an upload goes to, of the unit or fonds named, or the caller's only one.

    Raises NotFound alike for a unit that is unknown, has no fonds, or is not the caller's; UploadRefused when
    several could be meant.
    """
    query = select(fonds.c.code).where(fonds.c.unit_id.in_(sorted(units_for(caller, "batch.add", purpose=None))))
    if unit is not None:
        query = query.where((fonds.c.unit_id == unit) | (fonds.c.code == unit))
    codes = connection.execute(query).scalars().all()
    if len(codes) > 1:
        raise UploadRefused(f"say which fonds in the field `unit`: {', '.join(sorted(codes))}")
    if not codes:
        raise NotFound("unit with a fonds", unit or "-")
    return str(codes[0])


def require_batch(connection: Connection, caller: Caller, act: Act, batch_id: str) -> None:
    """Raise NotFound alike for a batch that is unknown and one that is not of the caller's units."""
    row = batches.find_batch(connection, batch_id)
    if row.unit_id not in units_for(caller, act, purpose=None):
        raise NotFound("batch", batch_id)


def taken_in(
    desk: BatchDesk,
    principal: PrincipalId,
    chosen: Chosen,
    place: Arranged,
    fonds_code: str,
    *,
    go_on: Callable[[], None],
) -> dict[str, Any]:
    """Take an arranged upload in as one batch and return what was found.

    go_on: called after each file; what it raises ends the intake there.
    Raises ManifestUnreadable, and what `ingest.intake` raises.
    """
    scratch = desk.new_scratch()
    reader = desk.new_reader(scratch)
    # Whole by now: nothing has to settle.
    settings = replace(desk.settings, settle_seconds=0)
    try:
        door = Door(
            engine=desk.engine,
            staging=desk.staging,
            reader=reader,
            seal=desk.seal,
            settings=settings,
            principal=principal,
            scratch=scratch,
            now=desk.now,
            bell=desk.bell,
            waited_for=len(chosen.files) == 1,  # more than one is a batch, however it came
        )
        taken = take_in(
            door,
            place.scans,
            manifest_path=place.manifest,
            unit=fonds_code,
            operator=chosen.operator,
            progress=lambda _done, _all: go_on(),
            go_on=go_on,
        )
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        "batch": taken.batch_id,
        "items": taken.items,
        "missing_files": list(taken.missing_files),
        "ignored": list(taken.ignored),
    }


def halted(
    desk: BatchDesk, principal: PrincipalId, batch_id: str, act: Literal["pause", "resume", "cancel"], reason: str
) -> dict[str, Any]:
    """Pause, resume or cancel a batch and return how it stands. Raises BatchNotNow."""
    if act == "cancel":
        cancel(desk.engine, desk.staging, batch_id, reason, principal=principal, now=desk.now)
    else:
        change = pause if act == "pause" else resume
        with writing(desk.engine) as connection:
            change(connection, batch_id, reason, principal=principal, at=desk.now())
    with reading(desk.engine) as connection:
        return {"batch": batch_id, **standing_of(connection, batch_id).as_json(now=desk.now())}


def accepted(desk: BatchDesk, principal: PrincipalId, batch_id: str, said: AcceptanceForm) -> dict[str, Any]:
    """Accept a batch's candidates, write a person's word down, and close the batch if nothing keeps it open."""
    scratch = desk.new_scratch()
    acceptor = Acceptor(desk.engine, desk.store, scratch, desk.settings.locks, principal, desk.now())
    try:
        count, left = accept_batch(
            acceptor,
            batch_id,
            basis=said.word or "person:batch-accept",
            clean_only=said.clean_only,
            failed_pages=said.failed_pages,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with writing(desk.engine) as connection:
        if said.word:
            batches.give_word(connection, batch_id, said.word, principal=principal, at=desk.now())
        receipt = receipt_of(connection, batch_id)
        if open_matters(receipt).none:
            batches.close(connection, batch_id, principal=principal, at=desk.now())
        closed = batches.is_closed(connection, batch_id)
    if closed:
        failpoints.passing("batch-closed")
        release_ended(desk.engine, desk.staging, batch_id, now=desk.now())
    return {
        "batch": batch_id,
        "accepted": count,
        "not_accepted": [{"file": n.file, "record": n.record_id, "reasons": list(n.reasons)} for n in left],
        "closed": closed,
    }
