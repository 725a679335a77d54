"""The commands about principals, their rights and their keys."""

from datetime import datetime
from typing import get_args

import click

from archive.access.policy import ALL_ACTS, Role
from archive.access.principals import KINDS
from console import people
from console.door import Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("principal"))
    def principal() -> None:
        pass

    @principal.command("add", help=say("principal.add"))
    @click.argument("login")
    @click.option("--kind", type=click.Choice(KINDS), required=True, help=say("principal.kind"))
    @click.option("--name", required=True, help=say("principal.name"))
    @json_option(language)
    @click.pass_obj
    def principal_add(door: Door, login: str, kind: str, name: str) -> None:
        people.add(door.home(), door.terminal, login, kind=kind, name=name)

    @principal.command("list", help=say("principal.list"))
    @json_option(language)
    @click.pass_obj
    def principal_list(door: Door) -> None:
        people.show_all(door.home(), door.terminal)

    @principal.command("disable", help=say("principal.disable"))
    @click.argument("login")
    @json_option(language)
    @click.pass_obj
    def principal_disable(door: Door, login: str) -> None:
        people.disable(door.home(), door.terminal, login)

    @principal.command("grant", help=say("principal.grant"))
    @click.argument("login")
    @click.argument("role", type=click.Choice(get_args(Role)))
    @click.argument("unit")
    @click.option("--purpose", help=say("principal.grant.purpose"))
    @click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=say("principal.grant.until"))
    @json_option(language)
    @click.pass_obj
    def principal_grant(
        door: Door, login: str, role: str, unit: str, purpose: str | None, until: datetime | None
    ) -> None:
        asked = people.RightAsked(role, unit, purpose, until.date() if until else None)
        people.grant(door.home(), door.terminal, login, asked)

    @principal.command("key", help=say("principal.key"))
    @click.argument("login")
    @click.option(
        "--days", type=click.IntRange(1, 3650), default=365, show_default=True, help=say("principal.key.days")
    )
    @click.option(
        "--scope", "scopes", multiple=True, type=click.Choice(sorted(ALL_ACTS)), help=say("principal.key.scope")
    )
    @click.option("--unit", help=say("principal.key.unit"))
    @click.option("--revoke", is_flag=True, help=say("principal.key.revoke"))
    @json_option(language)
    @click.pass_obj
    def principal_key(
        door: Door, login: str, days: int, scopes: tuple[str, ...], unit: str | None, revoke: bool
    ) -> None:
        if revoke:
            people.end_keys(door.home(), door.terminal, login)
        else:
            people.new_key(door.home(), door.terminal, login, days=days, scopes=scopes, unit=unit)
