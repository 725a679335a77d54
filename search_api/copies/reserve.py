"""Reserves a copy's number, serial and time, and freezes all that the copy will say; transaction 1 of an issue."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from archive import events
from archive.database import reading, writing
from archive.errors import NotFound
from archive.identifiers import new_id
from archive.keys import is_restricted
from archive.record import PrincipalId, RecordId
from archive.retrieve import current_package
from archive.signers.readiness import ready
from archive.stores.separated import keeps_apart
from archive.tables.copies import copy, copy_request
from archive.tables.holdings import record
from archive.tables.packages import part
from archive.tables.units import unit_name
from search_api.copies.case import legal_day, load_case
from search_api.copies.eligibility import RuleVerdict, judge, verdict_of
from search_api.copies.model import CopyDesk
from search_api.copies.register import BOOK, copy_of_request, next_number, number_text
from search_api.copies.request_rows import asked_of, refuse
from search_api.copies.stamp import ROLE
from search_api.errors import CopyRefused, NotNow

MAIN_PART = 1  # the main document; annexes are parts of their own and not copied with it
PUBLIC_PATH = "/v/"


def reserve_or_find(desk: CopyDesk, request_id: str) -> Row[Any]:
    """Return the copy of an approved request, reserved now or before. Raises as `issue.issue_copy` does."""
    at = desk.now()
    _look_at_key(desk, request_id, at)
    with writing(desk.engine) as connection:
        request = connection.execute(
            select(copy_request).where(copy_request.c.id == request_id).with_for_update()
        ).one_or_none()
        if request is None:
            raise NotFound("request", request_id)
        numbered = copy_of_request(connection, request_id)
        if request.state == "refused":
            raise refusal_of(request)
        if numbered is not None:
            return numbered
        if request.state != "approved":
            raise NotNow("issue", request.state)
        failing = judge_again(desk, connection, request, at)
        if not failing:
            return _reserve(desk, connection, request, at)
        refuse(connection, request, failing[0].rule, failing[0].vi, at=at, principal=actor_of(request))
    raise CopyRefused(failing[0].rule, failing[0].vi, failing[0].citation)


def _look_at_key(desk: CopyDesk, request_id: str, at: datetime) -> None:
    """Open the agency's key before any number is taken and any lock is held. Raises SigningFailed."""
    with reading(desk.engine) as connection:
        row = connection.execute(
            select(record.c.custodian_unit_id)
            .join(copy_request, copy_request.c.record_id == record.c.id)
            .where(copy_request.c.id == request_id, copy_request.c.state == "approved")
        ).one_or_none()
        numbered = copy_of_request(connection, request_id)
    if row is not None and numbered is None:
        ready(desk.signer, f"{ROLE}:{row.custodian_unit_id}", at)


def judge_again(
    desk: CopyDesk, connection: Connection, request: Row[Any], at: datetime
) -> tuple[RuleVerdict, ...]:
    """Return the rules that forbid a request today; what they rest on stands to the transaction's end."""
    on = legal_day(at)
    case = load_case(connection, RecordId(request.record_id), asked_of(desk.seal, request), on=on, locked=True)
    return judge(request.kind, case, on=on)


def _reserve(desk: CopyDesk, connection: Connection, request: Row[Any], at: datetime) -> Row[Any]:
    record_id = RecordId(request.record_id)
    kept = connection.execute(
        select(record.c.archive_number, record.c.custodian_unit_id, record.c.sensitivity_level).where(
            record.c.id == record_id
        )
    ).one()
    source = current_package(connection, record_id)
    main = connection.execute(
        select(part).where(
            part.c.record_id == record_id, part.c.package_number == source.number, part.c.number == MAIN_PART
        )
    ).one()
    agency = kept.custodian_unit_id
    signed_at = at.astimezone(UTC).replace(microsecond=0)
    register_id, number, year = next_number(
        connection, agency, request.kind, at=signed_at, principal=actor_of(request)
    )
    serial = new_id()
    public = desk.settings.public_url
    frozen = {
        "signed_at": signed_at.isoformat(),
        "agency": agency,
        "agency_name": _agency_name(connection, agency, signed_at),
        "number_text": number_text(number, year),
        "book": BOOK,
        "archive_number": kept.archive_number,
        "url": f"{public}{PUBLIC_PATH}{serial}" if public else serial,
        "timestamp_url": desk.settings.timestamp_url,
        "package_key": source.object_key,
        "package_version": source.version_id,
        "apart": is_restricted(source.object_key) or keeps_apart(desk.store, kept.sensitivity_level),
        "member": main.member,
        "archived_sha256": main.archived_sha256,
        "rendition_length": main.rendition_length,
        "rendition_sha256": main.rendition_sha256,
        "conformance": main.conformance,
    }
    values = {
        "id": new_id(),
        "serial": serial,
        "request_id": request.id,
        "register_id": register_id,
        "number": number,
        "kind": request.kind,
        "record_id": record_id,
        "package_number": source.number,
        "package_sha256": source.sha256,
        "status": "reserved",
        "demo": desk.signer.credential(f"{ROLE}:{agency}").demo,
        "frozen": frozen,
        "reserved_at": signed_at,
    }
    payload = {
        name.removesuffix("_id") if name in ("request_id", "register_id", "record_id") else name: value
        for name, value in values.items()
        if name not in ("id", "reserved_at")
    }
    payload |= {"copy": values["id"], "reserved_at": events.instant_text(signed_at)}
    said = events.append(
        connection, "records", "copy.reserved", principal=actor_of(request), at=at, payload=payload
    )
    connection.execute(insert(copy).values(**values, last_event=said))
    row = copy_of_request(connection, request.id)
    assert row is not None
    return row


def _agency_name(connection: Connection, unit_id: str, at: datetime) -> str:
    name: str = connection.execute(
        select(unit_name.c.name)
        .where(unit_name.c.unit_id == unit_id, unit_name.c.valid_from <= legal_day(at))
        .order_by(unit_name.c.valid_from.desc())
        .limit(1)
    ).scalar_one()
    return name


def actor_of(request: Row[Any]) -> PrincipalId:
    """Return on whose word a copy is made: who approved it, or who asked where one person may."""
    return PrincipalId(request.approver_id or request.requested_by)


def refusal_of(request: Row[Any]) -> CopyRefused:
    """Return what tells of a refused request."""
    told = verdict_of(request.refusal_rule, legal_day(request.decided_at))
    return CopyRefused(told.rule, request.refusal_reason, told.citation)
