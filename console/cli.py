"""The command `sohoa`: every act of staff and auditors, for people and (with --json) for programs.

Exit codes: 0 done; 3 a verdict command found something wanting; 2 wrong use or input; 1 a fault of ours.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from archive.errors import ArchiveError
from console import batches, holdings, intake_work
from console.doctor import run_doctor
from console.home import Home, read_settings, utc_now
from console.terminal import Terminal
from console.words import Language, has_word, word
from ingest.errors import IngestError
from ocr.errors import ReadingError
from retention.errors import RetentionError

EXIT_FAULT, EXIT_USAGE, EXIT_WANTING = 1, 2, 3


def language_of(arguments: list[str], environment: dict[str, str]) -> Language:
    """Return the language asked for anywhere on the command line, in SOHOA_LANG, or Vietnamese."""
    wanted = environment.get("SOHOA_LANG", "vi")
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            wanted = arguments[index + 1]
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return "en" if wanted == "en" else "vi"


class Door:
    """What every command is given: the home's folder, the language, how to speak."""

    def __init__(self, folder: Path, language: Language, *, as_json: bool = False) -> None:
        self.folder = folder
        self.language = language
        self.terminal = Terminal(language, as_json=as_json)

    def home(self) -> Home:
        """Open the home. Raises HomeNotReady."""
        return Home.open(read_settings(self.folder, os.environ))


Command = Callable[..., None]


def _json_option(language: Language) -> Callable[[Command], Command]:
    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.find_object(Door).terminal.as_json = True  # type: ignore[union-attr]  # set by the root group

    return click.option("--json", is_flag=True, expose_value=False, callback=remember, help=word("json", language))


def build(language: Language) -> click.Group:
    """Return the whole command line in a language."""

    def say(name: str) -> str:
        return word(name, language)

    @click.group(help=say("sohoa"), context_settings={"help_option_names": ["-h", "--help"]})
    @click.option("--home", "folder", type=click.Path(path_type=Path), default=None, help=say("home"))
    @click.option("--lang", type=click.Choice(["vi", "en"]), default=None, help=say("lang"))
    @click.pass_context
    def sohoa(context: click.Context, /, folder: Path | None, **_language: str | None) -> None:
        chosen = folder or Path(os.environ.get("SOHOA_HOME", "var"))
        context.obj = Door(chosen, language)

    @sohoa.command(help=say("init"))
    @click.option("--units", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=say("init.units"))
    @_json_option(language)
    @click.pass_obj
    def init(door: Door, units: Path | None) -> None:
        home = Home.create(read_settings(door.folder, os.environ), units=units, now=utc_now())
        door.terminal.say("say.ready", folder=home.settings.folder)
        door.terminal.say("say.demo-keys")
        door.terminal.answer({"home": str(home.settings.folder), "principal": home.principal})

    @sohoa.command(help=say("intake"))
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @click.option(
        "--manifest",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=say("intake.manifest"),
    )
    @click.option("--unit", help=say("intake.unit"))
    @click.option("--operator", help=say("intake.operator"))
    @_json_option(language)
    @click.pass_obj
    def intake(door: Door, folder: Path, manifest: Path | None, unit: str | None, operator: str | None) -> None:
        intake_work.run_intake(door.home(), door.terminal, folder, manifest=manifest, unit=unit, operator=operator)

    @sohoa.command(help=say("work"))
    @click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help=say("work.workers"))
    @click.option("--until-idle", is_flag=True, help=say("work.idle"))
    @_json_option(language)
    @click.pass_obj
    def work(door: Door, workers: int, until_idle: bool) -> None:
        intake_work.run_work(door.home(), door.terminal, workers=workers, until_idle=until_idle)

    _add_batch(sohoa, language)
    _add_record(sohoa, language)
    _add_hold(sohoa, language)
    _add_upkeep(sohoa, language)
    return sohoa


def _add_batch(sohoa: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("batch"))
    def batch() -> None:
        pass

    @batch.command("list", help=say("batch.list"))
    @_json_option(language)
    @click.pass_obj
    def batch_list(door: Door) -> None:
        batches.list_batches(door.home(), door.terminal)

    @batch.command("show", help=say("batch.show"))
    @click.argument("batch_id")
    @_json_option(language)
    @click.pass_obj
    def batch_show(door: Door, batch_id: str) -> None:
        batches.show_batch(door.home(), door.terminal, batch_id)

    @batch.command("receipt", help=say("batch.receipt"))
    @click.argument("batch_id")
    @click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help=say("batch.receipt.pdf"))
    @_json_option(language)
    @click.pass_obj
    def batch_receipt(door: Door, batch_id: str, pdf: Path | None) -> None:
        batches.show_receipt(door.home(), door.terminal, batch_id, pdf=pdf)

    @batch.command("accept", help=say("batch.accept"))
    @click.argument("batch_id")
    @click.option("--word", "said", help=say("batch.accept.word"))
    @click.option("--clean-only", is_flag=True, help=say("batch.accept.clean"))
    @click.option("--failed-page", "failed_pages", multiple=True, help=say("batch.accept.page"))
    @_json_option(language)
    @click.pass_obj
    def batch_accept(
        door: Door, batch_id: str, said: str | None, clean_only: bool, failed_pages: tuple[str, ...]
    ) -> None:
        batches.accept(
            door.home(),
            door.terminal,
            batch_id,
            said=said,
            clean_only=clean_only,
            failed_pages=failed_pages,
        )

    @batch.command("retry", help=say("batch.retry"))
    @click.argument("batch_id")
    @click.option("--item", "file", help=say("batch.retry.item"))
    @_json_option(language)
    @click.pass_obj
    def batch_retry(door: Door, batch_id: str, file: str | None) -> None:
        batches.retry(door.home(), door.terminal, batch_id, file=file)


def _add_record(sohoa: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("record"))
    def record() -> None:
        pass

    @record.command("list", help=say("record.list"))
    @click.option("--batch", "batch_id", help=say("record.list.batch"))
    @click.option("--state", help=say("record.list.state"))
    @_json_option(language)
    @click.pass_obj
    def record_list(door: Door, batch_id: str | None, state: str | None) -> None:
        holdings.list_records(door.home(), door.terminal, batch_id=batch_id, state=state)

    @record.command("show", help=say("record.show"))
    @click.argument("name")
    @_json_option(language)
    @click.pass_obj
    def record_show(door: Door, name: str) -> None:
        holdings.show_record(door.home(), door.terminal, name)

    @record.command("text", help=say("record.text"))
    @click.argument("name")
    @click.option("--purpose", default="cli", help=say("record.purpose"))
    @_json_option(language)
    @click.pass_obj
    def record_text(door: Door, name: str, purpose: str) -> None:
        holdings.show_text(door.home(), door.terminal, name, purpose=purpose)

    @record.command("export", help=say("record.export"))
    @click.argument("name")
    @click.option("-o", "--out", type=click.Path(path_type=Path), help=say("record.out"))
    @click.option("--purpose", default="cli", help=say("record.purpose"))
    @_json_option(language)
    @click.pass_obj
    def record_export(door: Door, name: str, out: Path | None, purpose: str) -> None:
        holdings.export(door.home(), door.terminal, name, out=out, purpose=purpose)


def _add_hold(sohoa: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("hold"))
    def hold() -> None:
        pass

    @hold.command("place", help=say("hold.place"))
    @click.argument("name")
    @click.option("--basis", required=True, help=say("hold.basis"))
    @_json_option(language)
    @click.pass_obj
    def hold_place(door: Door, name: str, basis: str) -> None:
        holdings.hold_record(door.home(), door.terminal, name, basis=basis)

    @hold.command("lift", help=say("hold.lift"))
    @click.argument("name")
    @click.option("--basis", required=True, help=say("hold.basis"))
    @_json_option(language)
    @click.pass_obj
    def hold_lift(door: Door, name: str, basis: str) -> None:
        holdings.lift_record(door.home(), door.terminal, name, basis=basis)


def _add_upkeep(sohoa: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command(help=say("doctor"))
    @click.option("--quick", is_flag=True, help=say("doctor.quick"))
    @_json_option(language)
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
    @_json_option(language)
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


def _explain(error: Exception, language: Language) -> str:
    code = getattr(error, "code", "other")
    name = f"error.{code}" if has_word(f"error.{code}") else "error.other"
    return word(name, language, detail=str(error))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    language = language_of(arguments, dict(os.environ))
    # --lang is accepted anywhere on the line; the root group sees it where click expects it.
    arguments = _without_language(arguments)
    try:
        # Without its standalone mode click returns the code a command asked to exit with.
        code = build(language)(arguments, prog_name="sohoa", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (ArchiveError, IngestError, ReadingError, RetentionError) as error:
        click.echo(_explain(error, language), err=True)
        if "--json" in arguments:
            click.echo(json.dumps({"error": error.code, "message": _explain(error, language)}, ensure_ascii=False))
        return EXIT_USAGE
    except BrokenPipeError:
        return 0
    except Exception:  # noqa: BLE001  # the outermost door: nothing above could say it better
        click.echo(word("error.fault", language), err=True)
        traceback.print_exc()
        return EXIT_FAULT
    return code if isinstance(code, int) else 0


def _without_language(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--lang":
            skip = True
        elif not argument.startswith("--lang="):
            kept.append(argument)
    return kept


def main() -> None:
    """The entry point of the installed command."""
    sys.exit(run(sys.argv[1:]))
