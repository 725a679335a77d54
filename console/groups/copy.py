"""The commands about copies."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

import click

from console.door import Command, Door, json_option
from console.words.speak import Language, word
from search_api.copies.model import Capacity, CopyKind, RequestForm

DAY = click.DateTime(["%Y-%m-%d"])


def _request_options(language: Language) -> Callable[[Command], Command]:
    """The options that make up a request form."""

    def say(name: str) -> str:
        return word(name, language)

    options = [
        click.option("--for", "requester", help=say("copy.for")),
        click.option("--purpose", help=say("copy.purpose")),
        click.option(
            "--kind",
            type=click.Choice(get_args(CopyKind)),
            default="office-copy",
            show_default=True,
            help=say("copy.kind"),
        ),
        click.option(
            "--capacity",
            type=click.Choice(get_args(Capacity)),
            default="officer",
            show_default=True,
            help=say("copy.capacity"),
        ),
        click.option("--proof", help=say("copy.proof")),
        click.option("--dossier", help=say("copy.dossier")),
        click.option("--valid-until", type=DAY, help=say("copy.valid-until")),
        click.option("--key", help=say("copy.key")),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _form(
    language: Language,
    record: str,
    *,
    requester: str | None,
    purpose: str | None,
    kind: str,
    capacity: str,
    proof: str | None,
    dossier: str | None,
    valid_until: datetime | None,
) -> RequestForm:
    """Return the form as typed. Raises click.UsageError for what can't be understood or is missing."""
    if not requester or not purpose:
        raise click.UsageError(word("copy.missing", language))
    system, colon, code = (dossier or "").partition(":")
    if dossier and not (system and colon and code):
        raise click.UsageError(word("copy.dossier.shape", language))
    return RequestForm(
        record=record,
        kind=cast(CopyKind, kind),
        purpose=purpose,
        capacity=cast(Capacity, capacity),
        requester_name=requester,
        proof=proof,
        target_system=system or None,
        target_dossier=code or None,
        valid_until=valid_until.date() if valid_until else None,
    )


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("copy"))
    def copy() -> None:
        pass

    _add_asking(copy, language)
    _add_deciding(copy, language)

    @copy.command("show", help=say("copy.show"))
    @click.argument("name")
    @json_option(language)
    @click.pass_obj
    def copy_show(door: Door, name: str) -> None:
        from console import copying

        copying.show(door.home(), door.terminal, name)

    @copy.command("list", help=say("copy.list"))
    @click.option(
        "--state", type=click.Choice(["received", "approved", "refused", "done"]), help=say("copy.state")
    )
    @click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help=say("limit"))
    @click.option("--after", help=say("copy.after"))
    @json_option(language)
    @click.pass_obj
    def copy_list(door: Door, state: str | None, limit: int, after: str | None) -> None:
        from console import copying

        copying.show_all(door.home(), door.terminal, state=state, limit=limit, after=after)

    @copy.command("fetch", help=say("copy.fetch"))
    @click.argument("name")
    @click.option("-o", "--out", type=click.Path(path_type=Path), help=say("copy.out"))
    @click.option("--purpose", required=True, help=say("copy.purpose"))
    @json_option(language)
    @click.pass_obj
    def copy_fetch(door: Door, name: str, out: Path | None, purpose: str) -> None:
        from console import copying

        copying.fetch(door.home(), door.terminal, name, out=out, purpose=purpose)

    @copy.command("revoke", help=say("copy.revoke"))
    @click.argument("name")
    @click.option("--reason", required=True, help=say("copy.reason"))
    @json_option(language)
    @click.pass_obj
    def copy_revoke(door: Door, name: str, reason: str) -> None:
        from console import copying

        copying.revoke(door.home(), door.terminal, name, reason=reason)


# The acts are imported inside their commands: what signs and validates PDF takes a second to load.


def _add_asking(copy: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @copy.command("request", help=say("copy.request"))
    @click.argument("record")
    @_request_options(language)
    @json_option(language)
    @click.pass_obj
    def copy_request(door: Door, /, record: str, key: str | None, **typed: Any) -> None:
        from console import copying

        copying.request(door.home(), door.terminal, _form(language, record, **typed), key=key)

    @copy.command("issue", help=say("copy.issue"))
    @click.argument("record", required=False)
    @_request_options(language)
    @click.option("--request", "request_id", help=say("copy.issue.request"))
    @click.option("-o", "--out", type=click.Path(path_type=Path), help=say("copy.out"))
    @json_option(language)
    @click.pass_obj
    def copy_issue(
        door: Door, /, record: str | None, request_id: str | None, key: str | None, out: Path | None, **typed: Any
    ) -> None:
        from console import copying

        if (record is None) == (request_id is None):
            raise click.UsageError(say("copy.issue.one"))
        copying.issue(
            door.home(),
            door.terminal,
            _form(language, record, **typed) if record is not None else None,
            request_id=request_id,
            key=key,
            out=out,
            purpose=typed["purpose"],
        )


def _add_deciding(copy: click.Group, language: Language) -> None:
    def say(name: str) -> str:
        return word(name, language)

    @copy.command("approve", help=say("copy.approve"))
    @click.argument("request_id")
    @json_option(language)
    @click.pass_obj
    def copy_approve(door: Door, request_id: str) -> None:
        from console import copying

        copying.approve(door.home(), door.terminal, request_id)

    @copy.command("refuse", help=say("copy.refuse"))
    @click.argument("request_id")
    @click.option("--reason", required=True, help=say("copy.reason"))
    @json_option(language)
    @click.pass_obj
    def copy_refuse(door: Door, request_id: str, reason: str) -> None:
        from console import copying

        copying.refuse(door.home(), door.terminal, request_id, reason=reason)
