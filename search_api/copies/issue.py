"""Issues a copy: number first, then the file, then a second look at the record.

1. Transaction 1 judges again and reserves: number, serial, time and all the copy will say. A request has one
   copy; found reserved, it is gone on with, under the same number and time.
2. Revision 1 of the archived file is cut out of the package, digests checked.
3. The mark, the QR and one certifying signature are added.
4. The final bytes are checked again.
5. They are stored under the copy's own key, locked as long as the package; or found there from an earlier attempt.
6. Transaction 2 judges once more, holding the records stream, and issues, or voids the number with the rule.
7. Nobody is told before the vault's log holds what became of it.

What fails for a while (keys, time stamps, a store out of reach) leaves the copy reserved, to be gone on with;
what will not get better voids it with its slug. No number is used twice, and each that is not issued says why.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select, update

from archive import events, failpoints
from archive.database import reading, writing
from archive.disk_faults import fault_of, store_refuses
from archive.errors import ArchiveError, DigestMismatch, ObjectNotFound, PackageInvalid
from archive.pades.stamp import MarkDoesNotFit
from archive.stores.port import StoredObject
from archive.tables.copies import copy, copy_request
from archive.tables.packages import package
from search_api.copies.case import legal_day
from search_api.copies.eligibility import verdict_of
from search_api.copies.model import CopyDesk, CopyFacts
from search_api.copies.produce import MadeCopy, deposit_copy, make_copy
from search_api.copies.register import copy_facts, copy_of_request, end_copy
from search_api.copies.request_rows import refuse
from search_api.copies.reserve import actor_of, judge_again, refusal_of, reserve_or_find
from search_api.errors import CopyInvalid, CopyObjectTaken, CopyRefused, MarkPlacesUnknown, SearchApiError

LOG = logging.getLogger(__name__)
# Trying again would end the same way: the number is voided with the error's slug, which `rules.toml` words.
PERMANENT = (
    DigestMismatch,
    ObjectNotFound,
    PackageInvalid,
    MarkDoesNotFit,
    MarkPlacesUnknown,
    CopyInvalid,
    CopyObjectTaken,
)


def issue_copy(desk: CopyDesk, request_id: str) -> CopyFacts:
    """Issue the copy of an approved request and return it; the same request again gives the same copy.

    Raises NotFound; NotNow while it waits for approval; CopyRefused when it was refused, or is refused or voided
    now; SigningFailed, FontMissing, StoreUnavailable when it stays reserved, to be tried again; LogNotSecured when
    it is issued and may not be told yet.
    """
    numbered = reserve_or_find(desk, request_id)  # 1
    if numbered.status == "reserved":
        numbered = _go_on(desk, numbered)
    desk.log.secure(numbered.last_event)  # 7
    return copy_facts(numbered)


def _go_on(desk: CopyDesk, numbered: Row[Any]) -> Row[Any]:
    """Bring a reserved copy to its end, and return its row. Raises CopyRefused where that is no copy."""
    failpoints.passing("copy-reserved")
    try:
        with _workplace(desk) as folder:
            made = make_copy(desk, numbered, folder)  # 2, 3, 4
            failpoints.passing("copy-signed")
            stored = _deposit(desk, numbered, made)  # 5
            failpoints.passing("copy-stored")
    except PERMANENT as error:
        raise _give_up(desk, numbered, error.code) from error
    settled = _settle(desk, numbered.request_id, made, stored)  # 6
    failpoints.passing("copy-issued")
    return settled


def resume_copies(desk: CopyDesk) -> int:
    """Go on with every copy that is reserved; return how many were issued or voided.

    What cannot be made now stays reserved and is named in the log by its id and the error's slug.
    """
    with reading(desk.engine) as connection:
        left = connection.execute(
            select(copy.c.id, copy.c.request_id).where(copy.c.status == "reserved").order_by(copy.c.reserved_at)
        ).all()
    finished = 0
    for row in left:
        try:
            issue_copy(desk, row.request_id)
        except CopyRefused:
            pass
        except (ArchiveError, SearchApiError) as error:
            LOG.warning("copy %s stays reserved: %s", row.id, error.code)
            continue
        finished += 1
    return finished


@contextmanager
def _workplace(desk: CopyDesk) -> Iterator[Path]:
    """A folder of its own for one attempt, gone afterwards. Raises StoreUnavailable when it cannot be used."""
    try:
        desk.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="copy-", dir=desk.scratch) as folder:
            yield Path(folder)
    except OSError as fault:
        raise store_refuses(fault_of(fault), f"scratch: {fault.strerror or fault}", str(desk.scratch)) from fault


def _deposit(desk: CopyDesk, numbered: Row[Any], made: MadeCopy) -> StoredObject:
    with reading(desk.engine) as connection:
        locked_until = connection.execute(
            select(package.c.locked_until).where(
                package.c.record_id == numbered.record_id, package.c.number == numbered.package_number
            )
        ).scalar_one()
    return deposit_copy(desk, numbered, made, retain_until=locked_until or numbered.reserved_at, now=desk.now())


def _settle(desk: CopyDesk, request_id: str, made: MadeCopy, stored: StoredObject) -> Row[Any]:
    at = desk.now()
    object_values = {
        "sha256": stored.sha256,
        "length": stored.length,
        "object_key": stored.key,
        "version_id": stored.version_id,
        "demo": made.demo,
    }
    with writing(desk.engine) as connection:
        request, numbered = _both(connection, request_id)
        if numbered.status != "reserved":  # another process, with the same number, was faster
            if request.state == "refused":
                raise refusal_of(request)
            return numbered
        failing = judge_again(desk, connection, request, at)
        if not failing:
            return _issue(connection, request, numbered, object_values, made, at)
        rule = failing[0]
        actor = actor_of(request)
        end_copy(connection, numbered, "void", reason=rule.rule, at=at, principal=actor, **object_values)
        refuse(connection, request, rule.rule, rule.vi, at=at, principal=actor)
    failpoints.passing("copy-voided")
    raise CopyRefused(rule.rule, rule.vi, rule.citation)


def _both(connection: Connection, request_id: str) -> tuple[Row[Any], Row[Any]]:
    request = connection.execute(
        select(copy_request).where(copy_request.c.id == request_id).with_for_update()
    ).one()
    numbered = copy_of_request(connection, request_id, locked=True)
    assert numbered is not None
    return request, numbered


def _issue(
    connection: Connection,
    request: Row[Any],
    numbered: Row[Any],
    object_values: dict[str, Any],
    made: MadeCopy,
    at: datetime,
) -> Row[Any]:
    connection.execute(update(copy_request).where(copy_request.c.id == request.id).values(state="done"))
    payload = {
        "copy": numbered.id,
        "serial": numbered.serial,
        "record": numbered.record_id,
        "package": numbered.package_number,
        "request": request.id,
        "register": numbered.register_id,
        "number": numbered.number,
        "issued_at": events.instant_text(at),
        "level": made.level,
        "conformance": numbered.frozen["conformance"],
        **object_values,
    }
    said = events.append(connection, "records", "copy.issued", principal=actor_of(request), at=at, payload=payload)
    connection.execute(
        update(copy)
        .where(copy.c.id == numbered.id)
        .values(status="issued", issued_at=at, issued_event=said, last_event=said, **object_values)
    )
    issued = copy_of_request(connection, request.id)
    assert issued is not None
    return issued


def _give_up(desk: CopyDesk, numbered: Row[Any], slug: str) -> CopyRefused:
    """Void a reserved number whose file cannot be made; return what to tell."""
    at = desk.now()
    told = verdict_of(slug, legal_day(at))
    with writing(desk.engine) as connection:
        request, found = _both(connection, numbered.request_id)
        if found.status == "reserved":
            actor = actor_of(request)
            end_copy(connection, found, "void", reason=slug, at=at, principal=actor)
            refuse(connection, request, slug, told.vi, at=at, principal=actor)
    failpoints.passing("copy-voided")
    return CopyRefused(told.rule, told.vi, told.citation)
