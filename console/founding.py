"""Who is there from the first day: the local principal, its rights over every root unit, its first API key."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from archive.access.api_keys import make_key
from archive.access.policy import Role
from archive.access.principals import LEGAL_TIME, add_principal, find_principal, grant_role
from archive.access.units import root_units
from archive.database import writing
from archive.errors import NotFound, PrincipalRefused
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.tables.principals import access_grant, api_key

LOCAL_LOGIN = "local"
LOCAL_ROLES: tuple[Role, ...] = ("administrator", "staff", "officer", "approver", "auditor")
FIRST_KEY_DAYS = 365


def found_local(engine: Engine, *, at: datetime) -> PrincipalId:
    """Make the local principal if there is nobody yet, and give it its rights; safe to repeat.

    Whoever can write the home's files can do anything in it already: the rights only say so, dated and with
    their events. A root unit on which it was ever given anything is left as it is.
    """
    with writing(engine) as connection:
        local = local_principal(connection, at)
        given = set(
            connection.execute(
                select(access_grant.c.unit_id).where(access_grant.c.principal_id == local)
            ).scalars()
        )
        for unit_id in root_units(connection, at.astimezone(LEGAL_TIME).date()):
            if unit_id not in given:
                for role in LOCAL_ROLES:
                    grant_role(connection, local, role, unit_id, by=local, at=at)
    return local


def local_principal(connection: Connection, at: datetime) -> PrincipalId:
    """Return the local principal, made now if there is none, its row kept: two who found a home wait in line."""
    try:
        return PrincipalId(str(find_principal(connection, LOCAL_LOGIN, locked=True).id))
    except NotFound:
        pass
    try:
        return _add_local(connection, at)
    except PrincipalRefused:  # another made it this moment
        return PrincipalId(str(find_principal(connection, LOCAL_LOGIN, locked=True).id))


def _add_local(connection: Connection, at: datetime) -> PrincipalId:
    return add_principal(
        connection,
        kind="administrator",
        login=LOCAL_LOGIN,
        display_name="Người quản trị tại chỗ",
        by=None,
        at=at,
    )


def first_key(engine: Engine, seal: Seal, *, at: datetime) -> str | None:
    """Return the local principal's first API key, made now; None if it ever had one. It is kept nowhere."""
    with writing(engine) as connection:
        local = find_principal(connection, LOCAL_LOGIN, locked=True).id
        if connection.execute(select(api_key.c.id).where(api_key.c.principal_id == local)).first():
            return None
        ends = at + timedelta(days=FIRST_KEY_DAYS)
        return make_key(connection, seal, LOCAL_LOGIN, expires_at=ends, by=PrincipalId(str(local)), at=at)
