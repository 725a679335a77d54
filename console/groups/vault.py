"""The commands about the log and the vault."""

from pathlib import Path

import click

from console import vaulting
from console.door import EXIT_WANTING, Door, json_option
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("log"))
    def log() -> None:
        pass

    @log.command("status", help=say("log.status"))
    @json_option(language)
    @click.pass_obj
    def log_status(door: Door) -> None:
        vaulting.log_status(door.home(), door.terminal)

    @log.command("verify", help=say("log.verify"))
    @json_option(language)
    @click.pass_context
    def log_verify(context: click.Context) -> None:
        door: Door = context.obj
        if not vaulting.verify_log(door.home(), door.terminal):
            context.exit(EXIT_WANTING)

    @log.command("export", help=say("log.export"))
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @json_option(language)
    @click.pass_obj
    def log_export(door: Door, folder: Path) -> None:
        vaulting.export_log(door.home(), door.terminal, folder)

    @sohoa.command(help=say("rebuild"))
    @click.option("--check", is_flag=True, help=say("rebuild.check"))
    @json_option(language)
    @click.pass_context
    def rebuild(context: click.Context, check: bool) -> None:
        door: Door = context.obj
        whole = (
            vaulting.compare(door.home(), door.terminal)
            if check
            else vaulting.rebuild(door.settings(), door.terminal)
        )
        if not whole:
            context.exit(EXIT_WANTING)

    @sohoa.command(help=say("backup"))
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @click.option("--keys", type=click.Path(exists=False, path_type=Path), help=say("backup.keys"))
    @json_option(language)
    @click.pass_obj
    def backup(door: Door, folder: Path, keys: Path | None) -> None:
        vaulting.backup(door.home(), door.terminal, folder, keys=keys)

    @sohoa.command(help=say("restore"))
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @json_option(language)
    @click.pass_context
    def restore(context: click.Context, folder: Path) -> None:
        door: Door = context.obj
        if not vaulting.restore(door.settings(), door.terminal, folder):
            context.exit(EXIT_WANTING)


def add_custody(record: click.Group, language: Language) -> None:
    """Add the command about a record's custody to the group of records."""

    def say(name: str) -> str:
        return word(name, language)

    @record.command("custody", help=say("record.custody"))
    @click.argument("name")
    @click.option("--copy", "serial", help=say("record.custody.copy"))
    @click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help=say("record.custody.out"))
    @json_option(language)
    @click.pass_obj
    def record_custody(door: Door, name: str, serial: str | None, out: Path | None) -> None:
        vaulting.show_custody(door.home(), door.terminal, name, serial=serial, out=out)
