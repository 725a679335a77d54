"""API keys: 256 random bits, shown once, kept as a keyed digest; each limited to acts, a unit and a time.

A keyed SHA-256 is enough for 256 random bits, and costs a request microseconds where a password hash would
cost it 0.2 s; for what people choose themselves it would not be.
"""

import base64
import re
import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from archive import events
from archive.access.policy import ALL_ACTS, Caller
from archive.access.principals import caller_of, find_principal
from archive.errors import KeyRefused, NotFound, PrincipalRefused
from archive.identifiers import new_id
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.tables.principals import api_key
from archive.tables.units import unit

PREFIX = "sohoa_"
SHAPE = re.compile(PREFIX + r"[a-z2-7]{52}")
_SCHEME = "api-key"


def make_key(
    connection: Connection,
    seal: Seal,
    login: str,
    *,
    expires_at: datetime,
    by: PrincipalId,
    at: datetime,
    scopes: frozenset[str] | None = None,
    unit_id: str | None = None,
) -> str:
    """Make a key for a principal and return its text, which is kept nowhere.

    scopes: acts it is limited to; None: all its principal may do. Raises NotFound, PrincipalRefused.
    """
    row = find_principal(connection, login)
    if row.disabled_at is not None:
        raise PrincipalRefused(f"{login} is disabled")
    if unknown := sorted((scopes or frozenset()) - ALL_ACTS):
        raise PrincipalRefused(f"no such scope: {unknown[0]}; scopes are {', '.join(sorted(ALL_ACTS))}")
    if unit_id is not None and connection.execute(select(unit.c.id).where(unit.c.id == unit_id)).first() is None:
        raise PrincipalRefused(f"there is no unit {unit_id!r}")
    if expires_at <= at:
        raise PrincipalRefused("the key would have expired already")
    text = PREFIX + base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()
    key_id = new_id()
    connection.execute(
        insert(api_key).values(
            id=key_id,
            principal_id=row.id,
            digest=seal.lookup(_SCHEME, text),
            scopes=sorted(ALL_ACTS if scopes is None else scopes),
            unit_id=unit_id,
            created_at=at,
            expires_at=expires_at,
        )
    )
    payload = {
        "key": key_id,
        "principal": row.id,
        "scopes": sorted(scopes) if scopes is not None else None,
        "unit": unit_id,
        "expires_at": events.instant_text(expires_at),
    }
    events.append(connection, "records", "key.made", principal=by, at=at, payload=payload)
    return text


def revoke_keys(connection: Connection, login: str, *, by: PrincipalId, at: datetime) -> int:
    """Revoke all keys of a principal and return how many still worked. Raises NotFound."""
    row = find_principal(connection, login, locked=True)
    ids = list(
        connection.execute(
            select(api_key.c.id).where(api_key.c.principal_id == row.id, api_key.c.revoked_at.is_(None))
        ).scalars()
    )
    if ids:
        connection.execute(update(api_key).where(api_key.c.id.in_(ids)).values(revoked_at=at))
        payload = {"principal": row.id, "keys": ids}
        events.append(connection, "records", "key.revoked", principal=by, at=at, payload=payload)
    return len(ids)


def caller_by_key(connection: Connection, seal: Seal, text: str, *, at: datetime) -> Caller:
    """Return who a key stands for. Raises KeyRefused, the same for every key that does not work."""
    if not SHAPE.fullmatch(text):
        raise KeyRefused()
    row = connection.execute(
        select(api_key).where(api_key.c.digest.in_(seal.lookups(_SCHEME, text)))
    ).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= at:
        raise KeyRefused()
    try:
        return caller_of(connection, row.principal_id, at=at, scopes=frozenset(row.scopes), within=row.unit_id)
    except NotFound as error:
        raise KeyRefused() from error
