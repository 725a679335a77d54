"""Rows of requests: who may see them, what they say, how a decision on one is written down."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from archive import events
from archive.access.policy import ACTS_OF, HOLDER_ACTS, Act, Caller, decide
from archive.access.subjects import of_units, subject_of
from archive.errors import ActForbidden, NotFound
from archive.record import PartyId, PrincipalId, RecordId
from archive.sealing import Seal
from archive.tables.copies import copy, copy_request
from archive.tables.holdings import record
from search_api.copies.case import Asked, legal_day
from search_api.copies.eligibility import verdict_of
from search_api.copies.forms import open_person
from search_api.copies.model import RequestFacts
from search_api.copies.register import copy_facts, copy_of_request

REFUSED_BY_PERSON = "refused-by-person"
OWN_ONLY = frozenset(("client", "holder"))  # systems and holders see what they asked for, or what is theirs
_SEEN_BY: tuple[Act, ...] = ("copy.request", "copy.fetch", "copy.approve", "copy.revoke")


def require_somewhere(caller: Caller, act: Act) -> None:
    """Raise ActForbidden for a caller who may do an act nowhere, before anything is looked up."""
    unlimited = caller.scopes is None or act in caller.scopes
    by_role = any(act in ACTS_OF[grant.role] for grant in caller.grants)
    if not unlimited or not (by_role or (caller.party is not None and act in HOLDER_ACTS)):
        raise ActForbidden(act)


def request_row(connection: Connection, request_id: str) -> Row[Any] | None:
    """Return the row of a request by its id; None for an unknown one."""
    return connection.execute(select(copy_request).where(copy_request.c.id == request_id)).one_or_none()


def request_seen(connection: Connection, caller: Caller, name: str) -> Row[Any]:
    """Return the row of a request by id or serial that the caller may see. Raises NotFound."""
    row = connection.execute(
        select(copy_request)
        .join(copy, copy.c.request_id == copy_request.c.id, isouter=True)
        .where((copy_request.c.id == name) | (copy.c.serial == name))
    ).one_or_none()
    if row is None or not may_see(connection, caller, row):
        raise NotFound("request", name)
    return row


def may_see(connection: Connection, caller: Caller, row: Row[Any]) -> bool:
    """Say whether a caller may know of a request: by any act on its record, and as their own where it must be."""
    if caller.kind in OWN_ONLY and not is_theirs(caller, row):
        return False
    return any(allowed(connection, caller, act, row) for act in _SEEN_BY)


def allowed(connection: Connection, caller: Caller, act: Act, row: Row[Any]) -> bool:
    """Say whether the policy allows an act on a request's record, for the purpose of the request."""
    subject = subject_of(connection, row.record_id)
    return subject is not None and decide(caller, act, subject, purpose=row.purpose or None) == "allowed"


def is_theirs(caller: Caller, row: Row[Any]) -> bool:
    """Say whether a request is the caller's own, or made for the party the caller is."""
    return row.requested_by == caller.principal or (caller.party is not None and row.requester_id == caller.party)


def reachable(query: Select[Any], caller: Caller) -> Select[Any]:
    """Narrow a list to what the caller could see at all; `may_see` decides on each."""
    theirs = copy_request.c.requested_by == caller.principal
    if caller.party is not None:
        theirs = theirs | (copy_request.c.requester_id == caller.party)
    if caller.kind in OWN_ONLY:
        return query.where(theirs)
    units = frozenset().union(*(grant.units for grant in caller.grants))
    return query.where(theirs | copy_request.c.record_id.in_(select(record.c.id).where(of_units(units))))


def asked_of(seal: Seal, row: Row[Any]) -> Asked:
    """Return what of a stored request the rules ask about."""
    return Asked(
        capacity=row.capacity,
        requester=PartyId(row.requester_id) if row.requester_id else None,
        proof=open_person(seal, row.proof)[1] is not None,
        dossier=row.target_dossier is not None,
        purpose=row.purpose,
    )


def refuse(
    connection: Connection,
    row: Row[Any],
    rule: str,
    reason: str,
    *,
    at: datetime,
    principal: PrincipalId,
    by_person: bool = False,
) -> None:
    """Refuse a stored request by a rule, or by a person, with its event."""
    decided: dict[str, Any] = {
        "state": "refused",
        "refusal_rule": rule,
        "refusal_reason": reason,
        "decided_at": at,
    }
    if by_person:
        decided["approver_id"] = principal
    connection.execute(update(copy_request).where(copy_request.c.id == row.id).values(**decided))
    payload = {"request": row.id, "record": row.record_id, **decided, "decided_at": events.instant_text(at)}
    events.append(connection, "records", "copy.refused", principal=principal, at=at, payload=payload)


def approve(connection: Connection, row: Row[Any], approver: PrincipalId, at: datetime) -> int:
    """Approve a stored request; return its event's number."""
    decided = {"state": "approved", "approver_id": approver, "decided_at": at}
    connection.execute(update(copy_request).where(copy_request.c.id == row.id).values(**decided))
    payload = {"request": row.id, "record": row.record_id, **decided, "decided_at": events.instant_text(at)}
    return events.append(connection, "records", "copy.approved", principal=approver, at=at, payload=payload)


def request_facts(connection: Connection, row: Row[Any]) -> RequestFacts:
    """Return a request with its decision and its copy."""
    numbered = copy_of_request(connection, row.id)
    refusal = None
    if row.refusal_rule is not None:
        refusal = verdict_of(row.refusal_rule, legal_day(row.decided_at))
    return RequestFacts(
        id=row.id,
        record_id=RecordId(row.record_id),
        kind=row.kind,
        state=row.state,
        purpose=row.purpose,
        capacity=row.capacity,
        target_system=row.target_system,
        target_dossier=row.target_dossier,
        requested_by=PrincipalId(row.requested_by),
        approver=PrincipalId(row.approver_id) if row.approver_id else None,
        received_at=row.received_at,
        deadline=row.deadline,
        decided_at=row.decided_at,
        refusal_rule=row.refusal_rule,
        refusal_reason=row.refusal_reason,
        refusal_citation=refusal.citation if refusal else None,
        needs_approval=row.state == "received",
        copy=copy_facts(numbered) if numbered is not None else None,
        refusal_reason_en=refusal.en if refusal and refusal.rule != REFUSED_BY_PERSON else None,
    )
