"""The commands about holds."""

import click

from console import holdings
from console.door import Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("hold"))
    def hold() -> None:
        pass

    @hold.command("place", help=say("hold.place"))
    @click.argument("name")
    @click.option("--basis", required=True, help=say("hold.basis"))
    @json_option(language)
    @click.pass_obj
    def hold_place(door: Door, name: str, basis: str) -> None:
        holdings.hold_record(door.home(), door.terminal, name, basis=basis)

    @hold.command("lift", help=say("hold.lift"))
    @click.argument("name")
    @click.option("--basis", required=True, help=say("hold.basis"))
    @json_option(language)
    @click.pass_obj
    def hold_lift(door: Door, name: str, basis: str) -> None:
        holdings.lift_record(door.home(), door.terminal, name, basis=basis)
