"""The command that judges scans before they are taken in."""

from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import click

from archive.access.principals import LEGAL_TIME
from console.door import EXIT_WANTING, Door, json_option
from console.home import utc_now
from console.words.speak import Language, word
from ocr.quality.rules import PaperKind


def add(sohoa: click.Group, language: Language) -> None:
    """Add it to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command(help=say("inspect"))
    @click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option(
        "--kind",
        type=click.Choice(get_args(PaperKind)),
        default="document",
        show_default=True,
        help=say("inspect.kind"),
    )
    @click.option("--on", "scanned_on", type=click.DateTime(["%Y-%m-%d"]), help=say("inspect.on"))
    @click.option(
        "--sides", type=click.Choice(["1", "2"]), default="2", show_default=True, help=say("inspect.sides")
    )
    @json_option(language)
    @click.pass_context
    def inspect(
        context: click.Context,
        files: tuple[Path, ...],
        kind: PaperKind,
        scanned_on: datetime | None,
        sides: Literal["1", "2"],
    ) -> None:
        # Imported here: what reads pages is slow to load.
        from console.inspecting import run_inspect

        door: Door = context.obj
        day = scanned_on.date() if scanned_on is not None else utc_now().astimezone(LEGAL_TIME).date()
        if not run_inspect(door.home(), door.terminal, files, kind=kind, on=day, sides=1 if sides == "1" else 2):
            context.exit(EXIT_WANTING)
