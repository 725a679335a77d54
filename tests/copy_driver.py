"""Issues copies in a process of its own, to be raced against others or killed.

Started as `copy_driver.py ACT FOLDER AT …`; prints one JSON line for each thing as it is done.
issue: issues the requests whose ids it reads, one a line.
ask: the same, then asks for and issues COUNT copies as a principal, each of the next of some records.
kill: reads `failpoint act argument…` lines; forks a child for each, which dies there; prints how it ended.
    The acts: `issue REQUEST`, `ask RECORD PRINCIPAL KEY`, `approve REQUEST PRINCIPAL`, `revoke REQUEST PRINCIPAL`.
resume: finishes what was left, and prints how many.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from copy_desk import form_of, open_desk

from archive import failpoints
from archive.access.principals import caller_of
from archive.database import reading
from archive.record import PrincipalId, RecordId
from search_api.copies.issue import issue_copy, resume_copies
from search_api.copies.model import CopyDesk
from search_api.copies.requests import approve_request, request_copy
from search_api.copies.revoke import revoke_copy
from search_api.errors import CopyRefused


def main(act: str, folder: str, at: str, *rest: str) -> None:
    moment = datetime.fromisoformat(at)

    def desk() -> CopyDesk:
        return open_desk(Path(folder), lambda: moment, scratch=f"scratch-{os.getpid()}")

    {"issue": issue, "ask": ask, "kill": kill, "resume": resume}[act](desk, *rest)


def say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def issue_and_say(desk: CopyDesk, request: str) -> None:
    try:
        facts = issue_copy(desk, request)
    except CopyRefused as refused:
        say(request=request, refused=refused.rule)
    else:
        say(request=request, number=facts.number, serial=facts.serial, sha256=facts.sha256)


def issue(desk: Any) -> None:
    opened = desk()
    for line in sys.stdin:
        issue_and_say(opened, line.strip())


def ask(desk: Any, principal: str, count: str, *records: str) -> None:
    opened = desk()
    with reading(opened.engine) as connection:
        caller = caller_of(connection, PrincipalId(principal), at=opened.now())
    issue(desk)
    for n in range(int(count)):
        form = form_of(RecordId(records[n % len(records)]))
        key = f"{os.getpid()}-{n}"
        issue_and_say(opened, request_copy(opened, caller, form, idempotency_key=key).id)


def _done(opened: CopyDesk, act: str, argument: str, principal: str | None = None, key: str | None = None) -> None:
    if act == "issue":
        issue_copy(opened, argument)
        return
    with reading(opened.engine) as connection:
        caller = caller_of(connection, PrincipalId(principal or ""), at=opened.now())
    if act == "ask":
        request_copy(opened, caller, form_of(RecordId(argument)), idempotency_key=key)
    elif act == "approve":
        approve_request(opened, caller, argument)
    elif act == "revoke":
        revoke_copy(opened, caller, argument, reason="cấp nhầm")


def kill(desk: Any) -> None:
    for line in sys.stdin:
        failpoint, *act = line.split()
        child = os.fork()  # nothing was opened yet: the child's engine and files are its own
        if child == 0:
            failpoints.arm(failpoint)
            try:
                _done(desk(), *act)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        say(failpoint=failpoint, signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None)


def resume(desk: Any) -> None:
    say(resumed=resume_copies(desk()))


if __name__ == "__main__":
    main(*sys.argv[1:])
