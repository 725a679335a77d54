"""The commands that examine a home and make samples."""

from pathlib import Path

import click

from console.doctor import run_doctor
from console.door import EXIT_WANTING, Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command(help=say("doctor"))
    @click.option("--quick", is_flag=True, help=say("doctor.quick"))
    @json_option(language)
    @click.pass_context
    def doctor(context: click.Context, quick: bool) -> None:
        door: Door = context.obj
        if not run_doctor(door.home(), door.terminal, deep=not quick):
            context.exit(EXIT_WANTING)

    @sohoa.group(help=say("samples"))
    def samples() -> None:
        pass

    @samples.command("make", help=say("samples.make"))
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @click.option(
        "--records",
        type=click.IntRange(1, 100_000),
        default=20,
        show_default=True,
        help=say("samples.records"),
    )
    @click.option("--seed", type=int, default=1, show_default=True, help=say("samples.seed"))
    @json_option(language)
    @click.pass_obj
    def samples_make(door: Door, folder: Path, records: int, seed: int) -> None:
        # Imported here: the drawing libraries are of no use to any other command, and slow to load.
        from console.samples.write import make_samples

        try:
            make_samples(folder, records=records, seed=seed)
        except FileExistsError as error:
            raise click.UsageError(word("samples.taken", language, file=error.filename)) from error
        door.terminal.say("say.samples", records=records, folder=folder)
        door.terminal.answer({"folder": str(folder), "records": records, "seed": seed})
