"""The commands about principals: who may act, in which role, with which key."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from sqlalchemy import Connection

from archive.access.api_keys import make_key, revoke_keys
from archive.access.policy import Caller, Role, may
from archive.access.principals import (
    PrincipalFacts,
    add_principal,
    disable_principal,
    find_principal,
    grant_role,
    list_principals,
)
from archive.database import reading, writing
from archive.errors import ActForbidden
from archive.record import PrincipalId
from console.home import Home, utc_now
from console.terminal import Terminal


def _administrator(home: Home) -> Caller:
    """Return who acts, if they may manage principals. Raises ActForbidden."""
    caller = home.caller()
    if not may(caller, "principal.manage"):
        raise ActForbidden("principal.manage")
    return caller


def add(home: Home, terminal: Terminal, login: str, *, kind: str, name: str) -> None:
    """Add a principal, without any right yet."""
    by = _administrator(home).principal
    with writing(home.engine) as connection:
        made = add_principal(connection, kind=kind, login=login, display_name=name, by=by, at=utc_now())
    terminal.say("say.principal-added", login=login)
    terminal.answer({"principal": made, "login": login, "kind": kind})


def show_all(home: Home, terminal: Terminal) -> None:
    """List every principal with its rights of today and how many of its keys work."""
    _administrator(home)
    with reading(home.engine) as connection:
        listed = list_principals(connection, at=utc_now())
    terminal.table(
        ["login", "kind", "rights", "keys", "disabled"],
        [
            [p.login, p.kind, _rights(p), str(p.keys), p.disabled_at.isoformat() if p.disabled_at else ""]
            for p in listed
        ],
    )
    terminal.answer({"principals": [_as_json(p) for p in listed]})


def _rights(facts: PrincipalFacts) -> str:
    return ", ".join(
        f"{role}@{unit}" + (f" ({purpose})" if purpose else "") for role, unit, purpose in facts.grants
    )


def _as_json(facts: PrincipalFacts) -> dict[str, object]:
    return {
        "principal": facts.id,
        "login": facts.login,
        "kind": facts.kind,
        "display_name": facts.display_name,
        "created_at": facts.created_at.isoformat(),
        "disabled_at": facts.disabled_at.isoformat() if facts.disabled_at else None,
        "grants": [{"role": role, "unit": unit, "purpose": purpose} for role, unit, purpose in facts.grants],
        "keys": facts.keys,
    }


def disable(home: Home, terminal: Terminal, login: str) -> None:
    """End a principal and its keys."""
    by = _administrator(home).principal
    with writing(home.engine) as connection:
        ended = disable_principal(connection, login, by=by, at=utc_now())
    terminal.say("say.principal-disabled", login=login)
    terminal.answer({"principal": ended, "disabled": True})


@dataclass(frozen=True, slots=True)
class RightAsked:
    """A role over a unit's sub-tree, as typed. purpose: only for that; until: last day."""

    role: str
    unit: str
    purpose: str | None
    until: date | None


def grant(home: Home, terminal: Terminal, login: str, asked: RightAsked) -> None:
    """Give a principal a role over a unit and everything below it."""
    by = _administrator(home).principal
    with writing(home.engine) as connection:
        made = grant_role(
            connection,
            _principal_id(connection, login),
            cast(Role, asked.role),
            asked.unit,
            by=by,
            at=utc_now(),
            purpose=asked.purpose,
            valid_until=asked.until,
        )
    terminal.say("say.granted", login=login, role=asked.role, unit=asked.unit)
    terminal.answer({"grant": made, "login": login, "role": asked.role, "unit": asked.unit})


def _principal_id(connection: Connection, login: str) -> PrincipalId:
    return PrincipalId(str(find_principal(connection, login).id))


def new_key(
    home: Home, terminal: Terminal, login: str, *, days: int, scopes: tuple[str, ...], unit: str | None
) -> None:
    """Make an API key and show it once, on standard error (with --json: in the answer only)."""
    by = _administrator(home).principal
    now = utc_now()
    with writing(home.engine) as connection:
        text = make_key(
            connection,
            home.seal(),
            login,
            expires_at=now + timedelta(days=days),
            by=by,
            at=now,
            scopes=frozenset(scopes) or None,
            unit_id=unit,
        )
    if not terminal.as_json:
        terminal.say("say.key", login=login, key=text)
    terminal.answer({"login": login, "api_key": text, "expires_at": (now + timedelta(days=days)).isoformat()})


def end_keys(home: Home, terminal: Terminal, login: str) -> None:
    """Revoke all keys of a principal."""
    by = _administrator(home).principal
    with writing(home.engine) as connection:
        ended = revoke_keys(connection, login, by=by, at=utc_now())
    terminal.say("say.keys-ended", login=login, count=ended)
    terminal.answer({"login": login, "revoked": ended})
