"""The commands that make a home, take scans in and work them off."""

from pathlib import Path

import click

from console import intake_work
from console.door import Door, json_option
from console.home import Home, utc_now
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.command(help=say("init"))
    @click.option("--units", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=say("init.units"))
    @json_option(language)
    @click.pass_obj
    def init(door: Door, units: Path | None) -> None:
        home = Home.create(door.settings(), units=units, now=utc_now())
        door.terminal.say("say.ready", folder=home.settings.folder)
        door.terminal.say("say.demo-keys")
        key = home.first_key(utc_now())
        if key is not None and not door.terminal.as_json:
            door.terminal.say("say.first-key", key=key)
        door.terminal.answer({"home": str(home.settings.folder), "principal": home.principal, "api_key": key})

    @sohoa.command(help=say("intake"))
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @click.option(
        "--manifest",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=say("intake.manifest"),
    )
    @click.option("--unit", help=say("intake.unit"))
    @click.option("--operator", help=say("intake.operator"))
    @json_option(language)
    @click.pass_obj
    def intake(door: Door, folder: Path, manifest: Path | None, unit: str | None, operator: str | None) -> None:
        intake_work.run_intake(door.home(), door.terminal, folder, manifest=manifest, unit=unit, operator=operator)

    @sohoa.command(help=say("work"))
    @click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help=say("work.workers"))
    @click.option("--until-idle", is_flag=True, help=say("work.idle"))
    @json_option(language)
    @click.pass_obj
    def work(door: Door, workers: int, until_idle: bool) -> None:
        intake_work.run_work(door.home(), door.terminal, workers=workers, until_idle=until_idle)
