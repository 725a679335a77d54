"""The commands about copies: ask, decide, issue, fetch, revoke."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from console.beside import Chore
from console.home import Home
from console.terminal import Terminal
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy, resume_copies
from search_api.copies.model import CopyDesk, CopyFacts, RequestFacts, RequestForm
from search_api.copies.requests import approve_request, find_request, list_requests, refuse_request, request_copy
from search_api.copies.revoke import revoke_copy
from search_api.errors import CopyRefused, SecondPersonNeeded


def request(home: Home, terminal: Terminal, form: RequestForm, *, key: str | None) -> None:
    """Ask for a copy and say what was decided at once; nothing is issued yet."""
    with home.copy_desk() as desk:
        facts = request_copy(desk, home.caller(), form, idempotency_key=key)
    _not_refused(facts)
    _tell(terminal, facts)


def issue(
    home: Home,
    terminal: Terminal,
    form: RequestForm | None,
    *,
    request_id: str | None,
    key: str | None,
    out: Path | None,
    purpose: str | None,
) -> None:
    """Go the whole way from request to file, or from an approved request on. out: file or folder.

    Raises CopyRefused with the rule, SecondPersonNeeded where another person has to approve first.
    """
    with home.copy_desk() as desk:
        caller = home.caller()
        if form is not None:
            facts = request_copy(desk, caller, form, idempotency_key=key)
        else:
            facts = find_request(desk, caller, request_id or "")
        _not_refused(facts)
        if facts.state == "received":
            terminal.say("say.copy-waits", request=facts.id)
            raise SecondPersonNeeded()
        copy = facts.copy if facts.state == "done" and facts.copy else issue_copy(desk, facts.id)
        with copy_released(desk, caller, copy.serial, purpose=purpose or facts.purpose) as (copy, stream):
            target, sha256 = write_file(stream, out, f"{copy.serial}.pdf")
    _tell_issued(terminal, copy, target)
    terminal.answer(
        {
            "serial": copy.serial,
            "number": copy.number_text,
            "file": str(target),
            "sha256": sha256,
            "request": facts.id,
            "demo": copy.demo,
        }
    )


def approve(home: Home, terminal: Terminal, request_id: str) -> None:
    """Approve a request as a second person, and issue its copy."""
    with home.copy_desk() as desk:
        facts = approve_request(desk, home.caller(), request_id)
        _not_refused(facts)
        issue_copy(desk, facts.id)
        facts = find_request(desk, home.caller(), facts.id)
    _tell(terminal, facts)


def refuse(home: Home, terminal: Terminal, request_id: str, *, reason: str) -> None:
    """Refuse a request as a second person, with the reason."""
    with home.copy_desk() as desk:
        facts = refuse_request(desk, home.caller(), request_id, reason=reason)
    _tell(terminal, facts)


def show(home: Home, terminal: Terminal, name: str) -> None:
    """Show a request with its decision and its copy. name: request id or serial."""
    with home.copy_desk() as desk:
        facts = find_request(desk, home.caller(), name)
    shown = facts.as_json()
    rows = [[key, str(value)] for key, value in shown.items() if value is not None and key != "copy"]
    rows += [[f"copy.{key}", str(value)] for key, value in (shown["copy"] or {}).items() if value is not None]
    terminal.table(["field", "value"], rows)
    terminal.answer(shown)


def show_all(home: Home, terminal: Terminal, *, state: str | None, limit: int, after: str | None) -> None:
    """List requests, newest first."""
    with home.copy_desk() as desk:
        listed = list_requests(desk, home.caller(), state=state, limit=limit, after=after)
    terminal.table(
        ["request", "record", "kind", "state", "copy-number", "serial"],
        [
            [
                one.id,
                one.record_id,
                one.kind,
                one.copy.status if one.copy else one.state,
                one.copy.number_text if one.copy else "",
                one.copy.serial if one.copy else "",
            ]
            for one in listed
        ],
    )
    terminal.answer({"requests": [one.as_json() for one in listed]})


def fetch(home: Home, terminal: Terminal, name: str, *, out: Path | None, purpose: str) -> None:
    """Write an issued copy to a file, byte for byte; logged before it is opened."""
    with (
        home.copy_desk() as desk,
        copy_released(desk, home.caller(), name, purpose=purpose) as (copy, stream),
    ):
        target, sha256 = write_file(stream, out, f"{copy.serial}.pdf")
    terminal.say("say.exported", file=target, sha256=sha256)
    terminal.answer({"serial": copy.serial, "number": copy.number_text, "file": str(target), "sha256": sha256})


def revoke(home: Home, terminal: Terminal, name: str, *, reason: str) -> None:
    """Revoke an issued copy: its status says so at once, everywhere."""
    with home.copy_desk() as desk:
        copy = revoke_copy(desk, home.caller(), name, reason=reason)
    terminal.say("say.copy-revoked", number=copy.number_text, serial=copy.serial)
    terminal.answer(
        {"serial": copy.serial, "number": copy.number_text, "status": copy.status, "reason": copy.reason}
    )


def write_file(stream: BinaryIO, out: Path | None, name: str) -> tuple[Path, str]:
    """Write a stream to a file, whole or not at all, and return where and its SHA-256. out: file or folder."""
    target = out or Path(name)
    if target.is_dir():
        target = target / name
    digest = hashlib.sha256()
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target, digest.hexdigest()


def _not_refused(facts: RequestFacts) -> None:
    if facts.state == "refused":
        raise CopyRefused(facts.refusal_rule or "", facts.refusal_reason or "", facts.refusal_citation or "")


def _tell(terminal: Terminal, facts: RequestFacts) -> None:
    terminal.say(f"say.request-{facts.state}", request=facts.id)
    shown: dict[str, Any] = facts.as_json()
    terminal.answer({"request": facts.id, **{k: v for k, v in shown.items() if k != "id"}})


def _tell_issued(terminal: Terminal, copy: CopyFacts, target: Path) -> None:
    terminal.say("say.copy-issued", number=copy.number_text, serial=copy.serial, file=target)
    if copy.demo:
        terminal.say("say.copy-demo")


def copies_chore(desk: CopyDesk) -> Chore:
    """Return the chore that finishes copies that were left half done."""
    return Chore("copies", lambda: resume_copies(desk))
