"""Principals and their dated grants: made, ended and listed, each act with its event.

A login names a person or a system inside the archive; events and rows carry the opaque id only.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import get_args

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from archive import events
from archive.access.policy import Caller, Grant, Role
from archive.access.units import covered_units
from archive.database import insert_new
from archive.errors import NotFound, PrincipalRefused
from archive.identifiers import new_id
from archive.record import PartyId, PrincipalId
from archive.tables.principals import access_grant, api_key, principal
from archive.tables.units import unit

KINDS = ("staff", "officer", "auditor", "administrator", "client", "holder", "verifier")
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LEGAL_TIME = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class PrincipalFacts:
    """A principal as administrators see it. grants: (role, unit, purpose) in force today."""

    id: PrincipalId
    kind: str
    login: str
    display_name: str
    created_at: datetime
    disabled_at: datetime | None
    grants: tuple[tuple[str, str, str | None], ...]
    keys: int


def add_principal(
    connection: Connection,
    *,
    kind: str,
    login: str,
    display_name: str,
    by: PrincipalId | None,
    at: datetime,
    party: PartyId | None = None,
) -> PrincipalId:
    """Add a principal. by: who adds it; None: itself, the first of a home. Raises PrincipalRefused."""
    if kind not in KINDS:
        raise PrincipalRefused(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if not LOGIN.fullmatch(login):
        raise PrincipalRefused("a login is 1 to 64 of a-z, 0-9, dot, dash and underscore, letter or digit first")
    name = " ".join(display_name.split())
    if not name or len(name) > 200:
        raise PrincipalRefused("a display name is 1 to 200 characters")
    new = PrincipalId(new_id())
    row = {
        "id": new,
        "kind": kind,
        "login": login,
        "display_name": name,
        "party_id": party,
        "created_at": at,
    }
    if not insert_new(connection, principal, row):
        raise PrincipalRefused(f"the login {login} is taken")
    payload = {"principal": new, "kind": kind, "party": party}
    events.append(connection, "records", "principal.added", principal=by or new, at=at, payload=payload)
    return new


def grant_role(
    connection: Connection,
    to: PrincipalId,
    role: Role,
    unit_id: str,
    *,
    by: PrincipalId,
    at: datetime,
    purpose: str | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> str:
    """Give a principal a role over a unit's sub-tree and return the grant's id. Raises PrincipalRefused."""
    if role not in get_args(Role):
        raise PrincipalRefused(f"role must be one of {', '.join(get_args(Role))}, not {role!r}")
    if connection.execute(select(unit.c.id).where(unit.c.id == unit_id)).first() is None:
        raise PrincipalRefused(f"there is no unit {unit_id!r}")
    start = valid_from or at.astimezone(LEGAL_TIME).date()
    grant_id = new_id()
    connection.execute(
        insert(access_grant).values(
            id=grant_id,
            principal_id=to,
            role=role,
            unit_id=unit_id,
            purpose=purpose,
            valid_from=start,
            valid_until=valid_until,
            approved_by=by,
        )
    )
    payload = {
        "grant": grant_id,
        "principal": to,
        "role": role,
        "unit": unit_id,
        "purpose": purpose,
        "valid_from": start.isoformat(),
        "valid_until": valid_until.isoformat() if valid_until else None,
    }
    events.append(connection, "records", "access.granted", principal=by, at=at, payload=payload)
    return grant_id


def disable_principal(connection: Connection, login: str, *, by: PrincipalId, at: datetime) -> PrincipalId:
    """End a principal: its keys stop working at once. Raises NotFound."""
    row = find_principal(connection, login, locked=True)
    if row.disabled_at is None:
        connection.execute(update(principal).where(principal.c.id == row.id).values(disabled_at=at))
        connection.execute(
            update(api_key)
            .where(api_key.c.principal_id == row.id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        events.append(
            connection, "records", "principal.disabled", principal=by, at=at, payload={"principal": row.id}
        )
    return PrincipalId(row.id)


def find_principal(connection: Connection, login: str, *, locked: bool = False) -> Row[tuple[object, ...]]:
    """Return the row of a principal by login or id. locked: and keep it to the end. Raises NotFound."""
    found = select(principal).where((principal.c.login == login) | (principal.c.id == login))
    row = connection.execute(found.with_for_update(key_share=True) if locked else found).one_or_none()
    if row is None:
        raise NotFound("principal", login)
    return row


def list_principals(connection: Connection, *, at: datetime) -> list[PrincipalFacts]:
    """Return every principal with the grants in force and how many keys work."""
    today = at.astimezone(LEGAL_TIME).date()
    grants: dict[str, list[tuple[str, str, str | None]]] = {}
    for row in connection.execute(select(access_grant).where(*_in_force(today)).order_by(access_grant.c.role)):
        grants.setdefault(row.principal_id, []).append((row.role, row.unit_id, row.purpose))
    keys: dict[str, int] = {}
    for row in connection.execute(
        select(api_key.c.principal_id).where(api_key.c.revoked_at.is_(None), api_key.c.expires_at > at)
    ):
        keys[row.principal_id] = keys.get(row.principal_id, 0) + 1
    rows = connection.execute(select(principal).order_by(principal.c.created_at, principal.c.login))
    return [
        PrincipalFacts(
            id=PrincipalId(row.id),
            kind=row.kind,
            login=row.login,
            display_name=row.display_name,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            grants=tuple(grants.get(row.id, ())),
            keys=keys.get(row.id, 0),
        )
        for row in rows
    ]


def caller_of(
    connection: Connection,
    principal_id: str,
    *,
    at: datetime,
    scopes: frozenset[str] | None = None,
    within: str | None = None,
) -> Caller:
    """Return a principal as a caller, its grants of today resolved to units.

    scopes, within: the acts and the unit an API key is limited to. Raises NotFound for an unknown or disabled one.
    """
    row = find_principal(connection, principal_id)
    if row.disabled_at is not None:
        raise NotFound("principal", principal_id)
    today = at.astimezone(LEGAL_TIME).date()
    limit = covered_units(connection, within, today) if within else None
    grants = []
    for one in connection.execute(
        select(access_grant).where(access_grant.c.principal_id == row.id, *_in_force(today))
    ):
        units = covered_units(connection, one.unit_id, today)
        grants.append(Grant(one.role, units if limit is None else units & limit, one.purpose))
    return Caller(
        principal=PrincipalId(row.id),
        kind=str(row.kind),
        grants=tuple(grants),
        scopes=scopes,
        party=PartyId(row.party_id) if row.party_id else None,
    )


def _in_force(today: date) -> tuple[ColumnElement[bool], ...]:
    return (
        access_grant.c.valid_from <= today,
        (access_grant.c.valid_until.is_(None)) | (access_grant.c.valid_until >= today),
    )
