"""The commands that work for a broker: `worker` hears its rings, `sweeper` looks after the list."""

import click

from console.door import Door, json_option
from console.words.speak import Language, word
from ingest.lanes import LANES, Lane


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command("worker", help=say("worker"))
    @click.option("--lanes", default=",".join(LANES), show_default=True, help=say("worker.lanes"))
    @click.option(
        "--concurrency", type=click.IntRange(1, 64), default=1, show_default=True, help=say("work.workers")
    )
    @json_option(language)
    @click.pass_context
    def worker(context: click.Context, lanes: str, concurrency: int) -> None:
        from console.crew import run_worker  # no other command needs what speaks to the broker

        door: Door = context.obj
        heard = _lanes(lanes, language)
        context.exit(run_worker(door.home(), door.terminal, lanes=heard, concurrency=concurrency))

    @sohoa.command("sweeper", help=say("sweeper"))
    @json_option(language)
    @click.pass_obj
    def sweeper(door: Door) -> None:
        from console.crew import run_sweeper  # no other command needs what speaks to the broker

        run_sweeper(door.home(), door.terminal)


def _lanes(value: str, language: Language) -> list[Lane]:
    """Return the lanes named, each once. Raises click.UsageError."""
    named = {one.strip() for one in value.split(",") if one.strip()}
    if not named or named - set(LANES):
        raise click.UsageError(word("worker.no-lane", language, value=value, lanes=", ".join(LANES)))
    return [lane for lane in LANES if lane in named]
