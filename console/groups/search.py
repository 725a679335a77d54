"""The commands that find records, look after the index, and verify copies."""

from pathlib import Path

import click

from console.door import Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command("search", help=say("search"))
    @click.argument("query")
    @click.option("--purpose", help=say("search.purpose"))
    @click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help=say("limit"))
    @click.option("--cursor", help=say("search.cursor"))
    @json_option(language)
    @click.pass_obj
    def search_(door: Door, query: str, purpose: str | None, limit: int, cursor: str | None) -> None:
        from console import searching  # loading what reads packages would slow every other command

        searching.run_search(door.home(), door.terminal, query, purpose=purpose, limit=limit, cursor=cursor)

    @sohoa.group(help=say("index"))
    def index() -> None:
        pass

    @index.command("status", help=say("index.status"))
    @json_option(language)
    @click.pass_obj
    def index_status(door: Door) -> None:
        from console import searching  # as above

        searching.show_index(door.home(), door.terminal)

    @index.command("rebuild", help=say("index.rebuild"))
    @json_option(language)
    @click.pass_obj
    def index_rebuild(door: Door) -> None:
        from console import searching  # as above

        searching.rebuild_index(door.home(), door.terminal)

    @sohoa.command("verify", help=say("verify"))
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option(
        "--root",
        "roots",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=say("verify.root"),
    )
    @click.option("--offline", is_flag=True, help=say("verify.offline"))
    @json_option(language)
    @click.pass_context
    def verify(context: click.Context, file: Path, roots: tuple[Path, ...], offline: bool) -> None:
        from console.verifying import run_verify  # what validates PDF takes a second to load

        door: Door = context.obj
        context.exit(run_verify(door.settings(), door.terminal, file, roots=roots, offline=offline))
