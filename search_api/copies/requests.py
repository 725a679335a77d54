"""Requests for copies: taken, judged, approved or refused, found again; each change with its event.

1. The form is checked, the act must be the caller's somewhere, the record is found as access has it.
2. The same idempotency key with the same form is the same request; with another form it is refused.
3. The rules are asked. A request they refuse is kept, refused, with the rule: refusals are given in writing.
4. One that passes waits for a second person where the record's unit wants one, and is approved otherwise.

Name and proof of the requester are sealed and stand in no event.
"""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from archive import events, failpoints
from archive.access.policy import Caller
from archive.access.subjects import find_for
from archive.database import reading, writing
from archive.errors import NotFound
from archive.identifiers import new_id
from archive.record import RecordId
from archive.tables.copies import copy_request
from archive.tables.holdings import record
from archive.tables.parties import party
from search_api.copies.case import Asked, legal_day, load_case
from search_api.copies.eligibility import RuleVerdict, judge
from search_api.copies.forms import check_form, check_reason, deadline_of, open_person, seal_person
from search_api.copies.model import CopyDesk, RequestFacts, RequestForm
from search_api.copies.request_rows import (
    REFUSED_BY_PERSON,
    allowed,
    approve,
    asked_of,
    may_see,
    reachable,
    refuse,
    request_facts,
    request_row,
    request_seen,
    require_somewhere,
)
from search_api.errors import IdempotencyConflict, NotNow, RequestInvalid, SecondPersonNeeded


def request_copy(
    desk: CopyDesk, caller: Caller, form: RequestForm, *, idempotency_key: str | None
) -> RequestFacts:
    """Take a request and return it with its decision; one the rules refuse is stored as refused, not raised.

    Raises RequestInvalid, ActForbidden, NotFound, PurposeNeeded, IdempotencyConflict.
    """
    check_form(form, idempotency_key)  # 1
    require_somewhere(caller, "copy.request")
    at = desk.now()
    try:
        taken = _take(desk, caller, form, idempotency_key, at)
    except IntegrityError:
        # On a database with parallel writers the same key came in a moment ago; now it is found.
        taken = _take(desk, caller, form, idempotency_key, at)
    failpoints.passing("copy-requested")
    return taken


def approve_request(desk: CopyDesk, caller: Caller, request_id: str) -> RequestFacts:
    """Approve a request that waits, or refuse it by a rule that forbids it by now; return it.

    Raises ActForbidden, NotFound, NotNow, SecondPersonNeeded; LogNotSecured when it is approved and the vault does
    not know yet.
    """
    require_somewhere(caller, "copy.approve")
    at = desk.now()
    approved = None
    with writing(desk.engine) as connection:
        row = _to_decide(connection, caller, request_id, "approval")
        if row.requested_by == caller.principal:
            raise SecondPersonNeeded()
        case = load_case(
            connection, RecordId(row.record_id), asked_of(desk.seal, row), on=legal_day(at), locked=True
        )
        failing = judge(row.kind, case, on=legal_day(at))
        if failing:
            refuse(connection, row, failing[0].rule, failing[0].vi, at=at, principal=caller.principal)
        else:
            approved = approve(connection, row, caller.principal, at)
        facts = _facts(connection, row.id)
    failpoints.passing("copy-approved")
    desk.log.secure(approved)
    return facts


def refuse_request(desk: CopyDesk, caller: Caller, request_id: str, *, reason: str) -> RequestFacts:
    """Refuse a request that waits, with the reason to be given in writing (CPY-7); return it.

    Raises RequestInvalid, ActForbidden, NotFound, NotNow.
    """
    check_reason(reason)
    require_somewhere(caller, "copy.approve")
    at = desk.now()
    with writing(desk.engine) as connection:
        row = _to_decide(connection, caller, request_id, "refusal")
        refuse(connection, row, REFUSED_BY_PERSON, reason, at=at, principal=caller.principal, by_person=True)
        return _facts(connection, row.id)


def find_request(desk: CopyDesk, caller: Caller, name: str) -> RequestFacts:
    """Return a request by its id or its copy's serial. Raises NotFound, for unknown and forbidden alike."""
    with reading(desk.engine) as connection:
        return request_facts(connection, request_seen(connection, caller, name))


def list_requests(
    desk: CopyDesk, caller: Caller, *, state: str | None, limit: int, after: str | None
) -> tuple[RequestFacts, ...]:
    """Return the newest requests the caller may see, at most limit, from the one named by `after` on.

    after: id of the last request of the page before. Raises NotFound for an `after` the caller can't see.
    """
    with reading(desk.engine) as connection:
        query = select(copy_request).order_by(copy_request.c.received_at.desc(), copy_request.c.id.desc())
        if state is not None:
            query = query.where(copy_request.c.state == state)
        if after is not None:
            last = request_seen(connection, caller, after)
            query = query.where(
                (copy_request.c.received_at < last.received_at)
                | ((copy_request.c.received_at == last.received_at) & (copy_request.c.id < last.id))
            )
        seen: list[RequestFacts] = []
        for row in connection.execute(reachable(query, caller)):
            if len(seen) == limit:
                break
            if may_see(connection, caller, row):
                seen.append(request_facts(connection, row))
        return tuple(seen)


def read_requester(desk: CopyDesk, caller: Caller, request_id: str) -> tuple[str | None, str | None]:
    """Return (requester's name, proof) to who may decide on the request; the access event is committed first.

    Raises ActForbidden, NotFound.
    """
    require_somewhere(caller, "copy.approve")
    with writing(desk.engine) as connection:
        row = request_row(connection, request_id)
        if row is None or not allowed(connection, caller, "copy.approve", row):
            raise NotFound("request", request_id)
        payload = {"request": row.id, "record": row.record_id, "purpose": row.purpose}
        events.append(
            connection, "access", "copy.requester", principal=caller.principal, at=desk.now(), payload=payload
        )
    return open_person(desk.seal, row.proof)


def _take(desk: CopyDesk, caller: Caller, form: RequestForm, key: str | None, at: datetime) -> RequestFacts:
    with writing(desk.engine) as connection:
        record_id = find_for(connection, caller, "copy.request", form.record, purpose=form.purpose or None)
        earlier = _with_key(connection, caller, key)
        if earlier is not None:  # 2
            if not _says_the_same(desk, earlier, record_id, form):
                raise IdempotencyConflict()
            return request_facts(connection, earlier)
        known = select(party.c.id).where(party.c.id == form.requester)
        if form.requester is not None and connection.execute(known).first() is None:
            raise RequestInvalid("requester", "no party of this archive")
        asked = Asked(
            form.capacity,
            form.requester,
            form.proof is not None,
            form.target_dossier is not None,
            form.purpose,
        )
        case = load_case(connection, record_id, asked, on=legal_day(at))
        failing = judge(form.kind, case, on=legal_day(at))  # 3
        row_id = _store(desk, connection, caller, record_id, form, key, at, failing)
        return _facts(connection, row_id)


def _store(
    desk: CopyDesk,
    connection: Connection,
    caller: Caller,
    record_id: RecordId,
    form: RequestForm,
    key: str | None,
    at: datetime,
    failing: tuple[RuleVerdict, ...],
) -> str:
    waits = not failing and _wants_approval(desk, connection, record_id)  # 4
    values: dict[str, Any] = {
        "id": new_id(),
        "record_id": record_id,
        "kind": form.kind,
        "requester_id": form.requester,
        "requested_by": caller.principal,
        "capacity": form.capacity,
        "purpose": form.purpose,
        "target_system": form.target_system,
        "target_dossier": form.target_dossier,
        "received_at": at,
        "deadline": deadline_of(at),
        "decided_at": None if waits else at,
        "state": "received" if waits else "refused" if failing else "approved",
        "refusal_rule": failing[0].rule if failing else None,
        "refusal_reason": failing[0].vi if failing else None,
        "valid_until": form.valid_until,
        "idempotency_key": key,
    }
    sealed = seal_person(desk.seal, form)
    connection.execute(insert(copy_request).values(**values, proof=sealed))
    payload = {name: _plain(value) for name, value in values.items()}
    payload |= {"request": payload.pop("id"), "record": payload.pop("record_id")}
    payload |= {"sealed_person": sealed is not None, "failing": [one.rule for one in failing]}
    events.append(connection, "records", "copy.requested", principal=caller.principal, at=at, payload=payload)
    new: str = values["id"]
    return new


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return events.instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _wants_approval(desk: CopyDesk, connection: Connection, record_id: RecordId) -> bool:
    units = desk.settings.approval_units
    custodian = connection.execute(select(record.c.custodian_unit_id).where(record.c.id == record_id)).scalar_one()
    return units is None or custodian in units


def _with_key(connection: Connection, caller: Caller, key: str | None) -> Row[Any] | None:
    if key is None:
        return None
    return connection.execute(
        select(copy_request).where(
            copy_request.c.requested_by == caller.principal, copy_request.c.idempotency_key == key
        )
    ).one_or_none()


def _says_the_same(desk: CopyDesk, row: Row[Any], record_id: RecordId, form: RequestForm) -> bool:
    said = {name: value for name, value in asdict(form).items() if name != "record"}
    name, proof = open_person(desk.seal, row.proof)
    stored = {
        "kind": row.kind,
        "purpose": row.purpose,
        "capacity": row.capacity,
        "requester": row.requester_id,
        "requester_name": name,
        "proof": proof,
        "target_system": row.target_system,
        "target_dossier": row.target_dossier,
        "valid_until": row.valid_until,
    }
    return row.record_id == record_id and stored == said


def _to_decide(connection: Connection, caller: Caller, request_id: str, act: str) -> Row[Any]:
    row = connection.execute(
        select(copy_request).where(copy_request.c.id == request_id).with_for_update()
    ).one_or_none()
    if row is None or not allowed(connection, caller, "copy.approve", row):
        raise NotFound("request", request_id)
    if row.state != "received":
        raise NotNow(act, row.state)
    return row


def _facts(connection: Connection, request_id: str) -> RequestFacts:
    row = request_row(connection, request_id)
    assert row is not None
    return request_facts(connection, row)
