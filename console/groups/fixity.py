"""The commands about fixity: check, copy and mend stored objects now; say how they stand."""

import click

from console import fixing
from console.door import EXIT_WANTING, Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("fixity"))
    def fixity() -> None:
        pass

    @fixity.command("run", help=say("fixity.run"))
    @click.option("--until-done", is_flag=True, help=say("fixity.until-done"))
    @click.option("--all", "everything", is_flag=True, help=say("fixity.all"))
    @json_option(language)
    @click.pass_context
    def fixity_run(context: click.Context, until_done: bool, everything: bool) -> None:
        door: Door = context.obj
        if not fixing.run_fixity(door.home(), door.terminal, everything=everything, until_done=until_done):
            context.exit(EXIT_WANTING)

    @fixity.command("status", help=say("fixity.status"))
    @json_option(language)
    @click.pass_context
    def fixity_status(context: click.Context) -> None:
        door: Door = context.obj
        if not fixing.fixity_status(door.home(), door.terminal):
            context.exit(EXIT_WANTING)
