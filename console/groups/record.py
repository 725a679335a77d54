"""The commands about records."""

from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from archive.effects import EffectKind
from console import holdings
from console.door import EXIT_UNCHECKED, EXIT_WANTING, Door, json_option
from console.groups.vault import add_custody
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("record"))
    def record() -> None:
        pass

    @record.command("list", help=say("record.list"))
    @click.option("--batch", "batch_id", help=say("record.list.batch"))
    @click.option("--state", help=say("record.list.state"))
    @json_option(language)
    @click.pass_obj
    def record_list(door: Door, batch_id: str | None, state: str | None) -> None:
        holdings.list_records(door.home(), door.terminal, batch_id=batch_id, state=state)

    @record.command("show", help=say("record.show"))
    @click.argument("name")
    @json_option(language)
    @click.pass_obj
    def record_show(door: Door, name: str) -> None:
        holdings.show_record(door.home(), door.terminal, name)

    @record.command("text", help=say("record.text"))
    @click.argument("name")
    @click.option("--purpose", default="cli", help=say("record.purpose"))
    @json_option(language)
    @click.pass_obj
    def record_text(door: Door, name: str, purpose: str) -> None:
        holdings.show_text(door.home(), door.terminal, name, purpose=purpose)

    @record.command("export", help=say("record.export"))
    @click.argument("name")
    @click.option("-o", "--out", type=click.Path(path_type=Path), help=say("record.out"))
    @click.option("--purpose", default="cli", help=say("record.purpose"))
    @json_option(language)
    @click.pass_obj
    def record_export(door: Door, name: str, out: Path | None, purpose: str) -> None:
        holdings.export(door.home(), door.terminal, name, out=out, purpose=purpose)

    @record.command("effect", help=say("record.effect"))
    @click.argument("name")
    @click.argument("kind", type=click.Choice(get_args(EffectKind)))
    @click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help=say("record.effect.on"))
    @click.option("--basis", required=True, help=say("record.effect.basis"))
    @click.option("--part", help=say("record.effect.part"))
    @click.option("--linked", help=say("record.effect.linked"))
    @json_option(language)
    @click.pass_obj
    def record_effect(door: Door, /, name: str, kind: EffectKind, on: datetime, **typed: Any) -> None:
        holdings.write_effect(door.home(), door.terminal, name, kind, on=on.date(), **typed)

    add_custody(record, language)
    _add_readings(record, language)


def _add_readings(record: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    purpose_option = click.option("--purpose", default="cli", help=say("record.purpose"))
    number = click.IntRange(1, 9999)

    @record.command("reread", help=say("record.reread"))
    @click.argument("name")
    @click.option("--keep-old", is_flag=True, help=say("record.reread.keep-old"))
    @click.option("--check", "checked", type=number, metavar="NUMBER", help=say("record.reread.check"))
    @purpose_option
    @json_option(language)
    @click.pass_context
    def record_reread(
        context: click.Context, /, name: str, keep_old: bool, checked: int | None, purpose: str
    ) -> None:
        from console import rereading

        door = context.find_object(Door)
        assert door is not None
        if checked is None:
            rereading.reread(door.home(), door.terminal, name, keep_old=keep_old, purpose=purpose)
            return
        if keep_old:
            raise click.UsageError(say("record.reread.one"))
        reproduced = rereading.check(door.home(), door.terminal, name, checked, purpose=purpose)
        if not reproduced:
            context.exit(EXIT_UNCHECKED if reproduced is None else EXIT_WANTING)

    @record.command("texts", help=say("record.texts"))
    @click.argument("name")
    @purpose_option
    @json_option(language)
    @click.pass_obj
    def record_texts(door: Door, name: str, purpose: str) -> None:
        from console import rereading

        rereading.show_readings(door.home(), door.terminal, name, purpose=purpose)

    @record.command("text-use", help=say("record.text-use"))
    @click.argument("name")
    @click.argument("number", type=number)
    @purpose_option
    @json_option(language)
    @click.pass_obj
    def record_text_use(door: Door, name: str, number: int, purpose: str) -> None:
        from console import rereading

        rereading.use_text(door.home(), door.terminal, name, number, purpose=purpose)
