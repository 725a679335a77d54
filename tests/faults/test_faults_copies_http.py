"""Copies asked for over HTTP, many at once from several processes of one home, one of them killed in the middle.

Every number is one copy, issued or void with its reason; every idempotency key is one request, one copy and one
answer.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
import stack
from by_http import copy_form
from copy_desk import copy_rows, open_desk, require_explained
from holdings import Holdings
from home_of_tests import TestHome
from parts import Part, started
from served import person
from sqlalchemy import select, update

from archive.database import reading, writing
from archive.record import RecordId
from archive.tables.copies import copy_request, idempotency
from search_api.idempotency import TAKEN_OVER_AFTER

TOLD_TO_COME_AGAIN = {409: "request-in-flight", 503: "catalogue-busy"}
LONGEST_WAIT_SECONDS = 8.0


@dataclass(frozen=True)
class Rush:
    """How much happens at once.

    patience_seconds: how long a client asks again while it is told that the same request is under way.
    """

    keys: int
    processes: int
    clients: int
    patience_seconds: float

    def times(self, number: int) -> int:
        """How often a key is sent at once: once, twice, once, three times, and so on."""
        return (1, 2, 1, 3)[number % 4]


@dataclass
class Fleet:
    """`sohoa api`, several times over one home, and a client for each."""

    home: TestHome
    parts: list[Part]
    clients: list[httpx.Client]
    open: ExitStack
    told: "Counter[str]" = field(default_factory=Counter)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, key: str, record: RecordId, *, at: int, patience_seconds: float) -> bytes | None:
        """Ask for a copy as a sound client does: elsewhere when nobody answers, again when told to come again.

        None: it was still under way when the patience ended.
        """
        deadline, wait = time.monotonic() + patience_seconds, 0.25
        form, headers = copy_form(record, "giải quyết hồ sơ"), {"Idempotency-Key": key}
        while time.monotonic() < deadline:
            try:
                answer = self.clients[at].post("/api/v1/copies", json=form, headers=headers)
            except httpx.TransportError:
                self._note("broken")
                at = (at + 1) % len(self.clients)
                continue
            if answer.status_code == 201:
                self._note("answered")
                return answer.content
            slug = str(answer.json()["type"]).rpartition(":")[2]
            assert TOLD_TO_COME_AGAIN.get(answer.status_code) == slug, answer.text
            self._note(slug)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        return None

    def _note(self, what: str) -> None:
        with self.heard:
            self.told[what] += 1
            self.heard.notify_all()

    def wait_for_answers(self, count: int) -> None:
        """Wait until so many requests were answered."""
        with self.heard:
            assert self.heard.wait_for(lambda: self.told["answered"] >= count, timeout=300), self.told

    def kill_and_start_again(self, number: int) -> None:
        """End a process outright and start another at its address."""
        self.parts[number].kill()
        port = str(urlsplit(self.parts[number].url).port)
        self.parts[number] = self.open.enter_context(started(self.home.environment, "api", "--port", port))


@contextmanager
def fleet_of(home: TestHome, count: int, key: str) -> Iterator[Fleet]:
    """Start them all at once; at the end each must end by itself when told to."""
    with ExitStack() as opened:
        contexts = [started(home.environment, "api", "--port", "0") for _ in range(count)]
        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(opened.enter_context, contexts))
        clients = [
            opened.enter_context(
                httpx.Client(
                    base_url=part.url,
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=300,
                    limits=httpx.Limits(max_connections=None),
                )
            )
            for part in parts
        ]
        fleet = Fleet(home, parts, clients, opened)
        yield fleet
        assert [part.stop() for part in fleet.parts] == [0] * count


@pytest.fixture
def held(tmp_path: Path) -> Holdings:
    """An archive of three records on PostgreSQL and MinIO."""
    stack.put_on_servers(tmp_path / "var", "database", "store")
    made = Holdings(tmp_path / "var", datetime.now(UTC))
    for _ in range(3):
        made.deposit()
    return made


def rush(held: Holdings, size: Rush) -> None:
    """Let the clients ask, kill a process when a third is answered, and look at all that is left."""
    home = TestHome(held.folder)
    key = person(held, "officer", ("so-a",), login="can-bo")
    keys = [f"yeu-cau-{number:03d}" for number in range(size.keys)]
    records = {one: held.records[number % len(held.records)] for number, one in enumerate(keys)}
    with fleet_of(home, size.processes, key) as fleet, ThreadPoolExecutor(size.clients) as clients:

        def ask(one: str, at: int, at_once: threading.Barrier | None = None) -> bytes | None:
            if at_once is not None:
                at_once.wait()
            return fleet.ask(one, records[one], at=at % size.processes, patience_seconds=size.patience_seconds)

        started_at = time.monotonic()
        asking = []
        for number, one in enumerate(keys):
            at_once = threading.Barrier(size.times(number))
            asking += [(one, clients.submit(ask, one, number + n, at_once)) for n in range(size.times(number))]
        fleet.wait_for_answers(size.keys // 3)
        fleet.kill_and_start_again(0)
        first = [(one, future.result()) for one, future in asking]
        assert fleet.told["broken"] > 0, "the kill met no request under way"
        let_grow_old(held)
        answers = [(one, ask(one, 0) if answer is None else answer) for one, answer in first]
        took = time.monotonic() - started_at
        everywhere = [(one, at) for one in keys for at in range(size.processes)]
        answers += zip(
            (one for one, _ in everywhere), clients.map(lambda each: ask(*each), everywhere), strict=True
        )
    print(f"{size.keys} copies over {size.processes} processes in {took:.1f} s: {dict(fleet.told)}")
    require_one_each(held, keys, answers)
    assert home.faults() == set()


def let_grow_old(held: Holdings) -> None:
    """Let two minutes pass for the keys that a killed process left claimed: nobody is at work on them any more."""
    claimed = idempotency.c.response.is_(None)
    with writing(held.engine) as connection:
        for row in connection.execute(select(idempotency).where(claimed)).all():
            here = (idempotency.c.key == row.key, idempotency.c.principal_id == row.principal_id)
            earlier = row.created_at - TAKEN_OVER_AFTER
            connection.execute(update(idempotency).where(*here).values(created_at=earlier))


def require_one_each(held: Holdings, keys: list[str], answers: list[tuple[str, bytes | None]]) -> None:
    """Each key has one request, one copy and one answer, wherever and however often it was asked."""
    said: dict[str, set[bytes | None]] = {one: set() for one in keys}
    for one, answer in answers:
        said[one].add(answer)
    assert {one: len(different) for one, different in said.items()} == dict.fromkeys(keys, 1)
    assert None not in {answer for _, answer in answers}
    desk = open_desk(held.folder, lambda: held.at)
    with reading(desk.engine) as connection:
        requests = connection.execute(select(copy_request.c.id, copy_request.c.idempotency_key)).all()
    assert sorted(row.idempotency_key for row in requests) == keys
    rows = copy_rows(desk)
    assert Counter(row.request_id for row in rows) == Counter(row.id for row in requests)
    assert [row.number for row in rows] == list(range(1, len(keys) + 1))
    require_explained(desk)
    desk.engine.dispose()
    held.engine.dispose()


@pytest.mark.drill
def test_forty_requests_over_two_processes_one_killed_give_each_key_one_copy_and_one_answer(
    held: Holdings,
) -> None:
    rush(held, Rush(keys=40, processes=2, clients=12, patience_seconds=2))


@pytest.mark.drill
def test_five_hundred_requests_at_once_over_four_processes_one_killed_give_each_key_one_copy_and_one_answer(
    held: Holdings,
) -> None:
    patience = TAKEN_OVER_AFTER.total_seconds() * 3
    rush(held, Rush(keys=500, processes=4, clients=500, patience_seconds=patience))
