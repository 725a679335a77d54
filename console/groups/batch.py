"""The commands about batches."""

from pathlib import Path
from typing import Literal, get_args

import click

from console import batches
from console.door import Door, json_option
from console.words.speak import Language, word

Halt = Literal["pause", "resume", "cancel"]
HALTS: tuple[Halt, ...] = get_args(Halt)


def _add_halt(group: click.Group, act: Halt, language: Language) -> None:
    @group.command(act, help=word(f"batch.{act}", language))
    @click.argument("batch_id")
    @click.option("--reason", required=act != "resume", default="", help=word("batch.reason", language))
    @json_option(language)
    @click.pass_obj
    def halt(door: Door, batch_id: str, reason: str) -> None:
        batches.halt(door.home(), door.terminal, batch_id, act, reason)


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("batch"))
    def batch() -> None:
        pass

    @batch.command("list", help=say("batch.list"))
    @json_option(language)
    @click.pass_obj
    def batch_list(door: Door) -> None:
        batches.list_batches(door.home(), door.terminal)

    @batch.command("show", help=say("batch.show"))
    @click.argument("batch_id")
    @json_option(language)
    @click.pass_obj
    def batch_show(door: Door, batch_id: str) -> None:
        batches.show_batch(door.home(), door.terminal, batch_id)

    @batch.command("receipt", help=say("batch.receipt"))
    @click.argument("batch_id")
    @click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help=say("batch.receipt.pdf"))
    @json_option(language)
    @click.pass_obj
    def batch_receipt(door: Door, batch_id: str, pdf: Path | None) -> None:
        batches.show_receipt(door.home(), door.terminal, batch_id, pdf=pdf)

    @batch.command("quality", help=say("batch.quality"))
    @click.argument("batch_id")
    @json_option(language)
    @click.pass_obj
    def batch_quality(door: Door, batch_id: str) -> None:
        batches.show_quality(door.home(), door.terminal, batch_id)

    @batch.command("accept", help=say("batch.accept"))
    @click.argument("batch_id")
    @click.option("--word", "said", help=say("batch.accept.word"))
    @click.option("--clean-only", is_flag=True, help=say("batch.accept.clean"))
    @click.option("--failed-page", "failed_pages", multiple=True, help=say("batch.accept.page"))
    @json_option(language)
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

    for act in HALTS:
        _add_halt(batch, act, language)

    @batch.command("retry", help=say("batch.retry"))
    @click.argument("batch_id")
    @click.option("--item", "file", help=say("batch.retry.item"))
    @json_option(language)
    @click.pass_obj
    def batch_retry(door: Door, batch_id: str, file: str | None) -> None:
        batches.retry(door.home(), door.terminal, batch_id, file=file)
