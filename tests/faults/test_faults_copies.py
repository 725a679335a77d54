"""Copies under races and kill -9: no number twice, none unexplained, none issued after the record was revoked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from copy_desk import as_caller, asked, copy_rows, faults, form_of, open_desk, records_events, require_explained
from holdings import Holdings

from archive.access.policy import Caller
from archive.record import RecordId
from search_api.copies.issue import issue_copy, resume_copies
from search_api.copies.model import CopyDesk, CopySettings
from search_api.copies.produce import make_copy
from search_api.copies.requests import find_request, request_copy
from search_api.copies.revoke import revoke_copy
from search_api.errors import CopyRefused

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "tests" / "copy_driver.py"
PLACES = ("copy-reserved", "copy-signed", "copy-put", "copy-stored", "copy-issued")
KILLS_EACH = 2


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    return Holdings(tmp_path_factory.mktemp("copies") / "home", NOW)


@pytest.fixture(scope="module")
def officer(held: Holdings) -> Caller:
    return as_caller(held, held.principal("officer", "so-a"))


@pytest.fixture
def desk(held: Holdings) -> Iterator[CopyDesk]:
    opened = open_desk(held.folder, lambda: NOW)
    yield opened
    opened.engine.dispose()


def start(held: Holdings, act: str, *rest: str) -> "subprocess.Popen[str]":
    """Start a process that issues copies over the same home."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "tests", "tests/ocr"))
    return subprocess.Popen(
        [sys.executable, str(DRIVER), act, str(held.folder), NOW.isoformat(), *rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def finish(process: "subprocess.Popen[str]", lines: list[str]) -> list[dict[str, Any]]:
    """Give a process its lines and return what it told, one document a line."""
    assert process.stdin is not None
    assert process.stdout is not None
    if not process.stdin.closed:
        give(process, lines)
        process.stdin.close()
    told = [json.loads(line) for line in process.stdout]
    assert process.wait(60) == 0
    process.stdout.close()
    return told


def give(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    """Give a process lines to work on while others get theirs."""
    assert process.stdin is not None
    process.stdin.write("".join(f"{line}\n" for line in lines))
    process.stdin.flush()


def race(held: Holdings, desk: CopyDesk, officer: Caller, count: int) -> None:
    records = [held.deposit() for _ in range(3)]
    shared = [asked(desk, officer, records[0]) for _ in range(5)]
    before = len(copy_rows(desk))
    processes = [start(held, "ask", officer.principal, str(count // 3), *records) for _ in range(3)]
    for process in processes:  # the same five requests in three processes at once
        give(process, shared)
        process.stdin.close()  # type: ignore[union-attr]
    told = [finish(process, []) for process in processes]
    assert told[0][:5] == told[1][:5] == told[2][:5], "processes on one request gave different answers"
    own = [one for answers in told for one in answers[5:]]
    assert not any("refused" in one for one in own)
    assert len({one["number"] for one in own + told[0][:5]}) == 3 * (count // 3) + 5
    assert len(copy_rows(desk)) == before + 3 * (count // 3) + 5
    require_explained(desk)


def test_sixty_requests_over_processes_at_once_take_every_number_once(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    race(held, desk, officer, 60)


@pytest.mark.drill
def test_two_hundred_requests_over_processes_at_once_take_every_number_once(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    race(held, desk, officer, 200)


def test_killed_anywhere_the_same_number_is_gone_on_with_or_voided_with_its_reason(
    held: Holdings, desk: CopyDesk, officer: Caller, tmp_path: Path
) -> None:
    record_id, ending = held.deposit(), held.deposit()
    kills = [(place, asked(desk, officer, record_id)) for place in PLACES for _ in range(KILLS_EACH - 1)]
    overtaken = [(place, asked(desk, officer, ending)) for place in PLACES]
    told = finish(start(held, "kill"), [f"{place}:1 issue {request}" for place, request in (*kills, *overtaken)])
    assert [one["signal"] for one in told] == [signal.SIGKILL] * len(PLACES) * KILLS_EACH
    before = {row.request_id: row for row in copy_rows(desk)}
    stored = {one.key: one.sha256 for one in desk.store.list_versions("copies/")}
    held.effect(ending, "revoked")
    assert (
        resume_copies(desk)
        == (len(PLACES) - 1) * KILLS_EACH
        == sum(r.status == "reserved" for r in before.values())
    )
    require_explained(desk)
    after = {row.request_id: row for row in copy_rows(desk)}
    for place, request in (*kills, *overtaken):
        was, now = before[request], after[request]
        assert (now.number, now.serial, now.reserved_at) == (was.number, was.serial, was.reserved_at), place
        expected = "void" if (place, request) in overtaken and place != "copy-issued" else "issued"
        assert now.status == expected, place
        if place in ("copy-put", "copy-stored", "copy-issued"):
            assert stored[now.object_key] == now.sha256, "the bytes left by the kill are the copy's"
    for number, (place, request) in enumerate(kills):
        folder = tmp_path / f"again-{number}"
        folder.mkdir()
        assert make_copy(desk, after[request], folder).sha256 == after[request].sha256, place


def test_killed_while_finishing_what_was_left_it_is_finished_the_next_time(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    request = asked(desk, officer, held.deposit())
    lines = [
        f"{place}:1 issue {request}" for place in ("copy-reserved", "copy-signed", "copy-stored", "copy-stored")
    ]
    assert [one["signal"] for one in finish(start(held, "kill"), lines)] == [signal.SIGKILL] * 4
    (was,) = [row for row in copy_rows(desk) if row.request_id == request]
    assert finish(start(held, "resume"), []) == [{"resumed": 1}]
    facts = find_request(desk, officer, request).copy
    assert facts is not None
    assert (facts.status, facts.number, facts.serial) == ("issued", was.number, was.serial)
    require_explained(desk)


def test_killed_before_the_answer_the_same_word_given_again_is_answered_the_same(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    """What was asked, approved, voided or revoked is so although nobody heard it; said again it is so once."""
    approver = as_caller(held, held.principal("approver", "so-a"))
    record_id, ending = held.deposit(), held.deposit()
    waiting = replace(desk, settings=CopySettings(approval_units=None))
    to_approve, issued, to_void = (
        asked(waiting, officer, record_id),
        asked(desk, officer, record_id),
        asked(desk, officer, ending),
    )
    issue_copy(desk, issued)
    lines = [
        f"copy-requested:1 ask {record_id} {officer.principal} khoa-1",
        f"copy-approved:1 approve {to_approve} {approver.principal}",
        f"copy-revoked:1 revoke {issued} {approver.principal}",
        f"copy-reserved:1 issue {to_void}",
    ]
    told = finish(start(held, "kill"), lines)
    held.effect(ending, "revoked")
    told += finish(start(held, "kill"), [f"copy-voided:1 issue {to_void}"])
    assert [one["signal"] for one in told] == [signal.SIGKILL] * 5
    again = request_copy(desk, officer, form_of(record_id), idempotency_key="khoa-1")
    assert len([e for e in records_events(desk, "copy.requested") if e["payload"]["request"] == again.id]) == 1
    assert find_request(desk, officer, to_approve).state == "approved"
    assert revoke_copy(desk, approver, issued, reason="cấp nhầm").status == "revoked"
    with pytest.raises(CopyRefused):
        issue_copy(desk, to_void)
    for request in (again.id, to_approve):
        issue_copy(desk, request)
    rows = {row.request_id: row.status for row in copy_rows(desk)}
    assert [rows[one] for one in (again.id, to_approve, issued, to_void)] == [
        "issued",
        "issued",
        "revoked",
        "void",
    ]
    assert faults(desk) == []


def test_of_a_hundred_issues_racing_a_revocation_none_is_issued_after_it(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    record_id = held.deposit()
    requests = [asked(desk, officer, record_id) for _ in range(100)]
    issuing = [start(held, "issue") for _ in range(2)]
    for n, process in enumerate(issuing):
        give(process, requests[n::2])
    heard = [[process.stdout.readline() for _ in range(8)] for process in issuing if process.stdout]
    held.effect(record_id, "revoked")
    told = [json.loads(line) for lines in heard for line in lines]
    told += [one for process in issuing for one in finish(process, [])]
    issued = [one for one in told if "serial" in one]
    refused = [one["refused"] for one in told if "refused" in one]
    assert len(told) == len(requests)
    assert len(issued) >= 16
    assert set(refused) == {"in-force"}, "the revocation came too late to meet any"
    (revoked,) = sequences_of(desk, "record.effect", record_id)
    sequences = sequences_of(desk, "copy.issued", record_id)
    assert len(sequences) == len(issued)
    assert max(sequences) < revoked
    require_explained(desk)


def sequences_of(desk: CopyDesk, kind: str, record_id: RecordId) -> list[int]:
    return [e["sequence"] for e in records_events(desk, kind) if e["payload"]["record"] == record_id]
