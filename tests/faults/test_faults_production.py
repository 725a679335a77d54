"""The production shape under fire: a server killed, wiped, hung or cut off while a batch is being worked.

Whatever is done to the database, the store, the broker, the network or the workers, the batch ends whole soon
after all is well again: every record once, no number twice, nothing half, `doctor` content.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from servers.own import Name, OwnServers
from sqlalchemy import func, select

from archive.database import open_engine, reading
from archive.tables.holdings import record
from archive.tables.packages import package
from ingest.tables import item, work_item

pytestmark = pytest.mark.drill  # minutes on an idle machine

FOLDERS, RECORDS_EACH = 10, 2
RECORDS = FOLDERS * RECORDS_EACH
PAGES = sum(1 + number % 3 for number in range(RECORDS))
RECOVERY_SECONDS = 60
WORKER_KILLS = int(os.environ.get("SOHOA_WORKER_KILLS", "10"))
BLACK_HOLE_SECONDS = float(os.environ.get("SOHOA_BLACK_HOLE_SECONDS", "30"))
QUICK = {
    "INGEST_LEASE_SECONDS": "6",
    "INGEST_HEARTBEAT_SECONDS": "1",
    "INGEST_SWEEP_SECONDS": "1",
    "INGEST_ACCEPTANCE": "policy",
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    folder = Path("/tmp") / f"sohoa-faults-{uuid4().hex[:8]}"
    folder.mkdir()
    made = OwnServers.start(folder, opensearch=True)
    yield made
    made.close()
    folder.rmdir()


@dataclass(frozen=True)
class Delivery:
    """Folders of scans to be taken in one after the other, and what the replay engine reads on them."""

    folders: list[Path]
    recordings: Path

    def take_in(self, home: TestHome, at: slice = slice(None)) -> list[str]:
        """Take some of the folders in, each as a batch, and return the batches."""
        return [home.ask("intake", str(folder))["batch"] for folder in self.folders[at]]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    top = tmp_path_factory.mktemp("production")
    folders, recordings = [top / f"scans-{n}" for n in range(FOLDERS)], top / "recordings"
    for n, folder in enumerate(folders):
        rows = []
        for number in range(n * RECORDS_EACH, (n + 1) * RECORDS_EACH):
            name, count = f"{number:02d}.pdf", 1 + number % 3
            drawn = [scans.page(mark=f"{name} {n}", size=(420, 594)) for n in range(count)]
            scans.remember(scans.save_all(drawn, folder / name), recordings, [scans.LINES] * count)
            rows.append({"file": name, "sheets": str(count), "dossier_code": f"HS-{number // 3}"})
        write_manifest(folder, rows)
    return Delivery(folders, recordings)


@pytest.fixture
def home(servers: OwnServers, delivery: Delivery, tmp_path: Path) -> Iterator[TestHome]:
    """A home of the production shape with nothing in it, and healthy lines to its servers."""
    name = f"t{uuid4().hex[:10]}"
    servers.postgres.execute(f"CREATE DATABASE {name}")
    settings = servers.settings(database=name, bucket=name, prefix=name)
    log = tmp_path / "var.log"
    slow = {"OCR_ENGINE_URL": f"replay:{delivery.recordings}?log={log}&wait_ms=300"}
    made = TestHome(tmp_path / "var", delivery.recordings, {**settings, **QUICK, **slow})
    for command in (("store", "prepare"), ("init",)):
        answer = made.run(*command)
        assert answer.code == 0, answer.told
    yield made
    for line in servers.lines.values():
        line.heal()


@contextmanager
def working(home: TestHome) -> Iterator[None]:
    """Run a worker of two, a sweeper and a projector, as an installation does; told to stop at the end."""
    with ExitStack() as stack:
        for command in (("worker", "--concurrency", "2"), ("sweeper",), ("projector",)):
            stack.callback(_stop, home.start(*command))
        yield


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    _, told = process.communicate(timeout=150)
    assert process.returncode == 0, told


def _kill(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _states(home: TestHome, servers: OwnServers) -> Counter[str]:
    engine = open_engine(servers.postgres.url(_database(home)))
    try:
        with reading(engine) as connection:
            rows = connection.execute(select(work_item.c.state, func.count()).group_by(work_item.c.state))
            return Counter({state: count for state, count in rows})
    finally:
        engine.dispose()


def _database(home: TestHome) -> str:
    return home.settings["ARCHIVE_DATABASE_URL"].rpartition("/")[2]


def _wait_until(met: Callable[[], bool], seconds: float, told: Callable[[], object]) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, told()
        time.sleep(0.3)


def _check_whole(home: TestHome, servers: OwnServers, batches: list[str]) -> None:
    engine = open_engine(servers.postgres.url(_database(home)))
    with reading(engine) as connection:
        assert Counter(connection.execute(select(item.c.state)).scalars()) == {"archived": RECORDS}
        kept = (package.c.state == "deposited") & (package.c.kind == "content")
        shas = connection.execute(select(package.c.sha256).where(kept)).scalars().all()
        assert len(shas) == len(set(shas)) == RECORDS
        numbers = (
            connection.execute(select(record.c.archive_number).where(record.c.state != "void")).scalars().all()
        )
        assert len(numbers) == len(set(numbers)) == RECORDS
    engine.dispose()
    assert all(home.ask("batch", "receipt", batch)["balanced"] for batch in batches)
    assert home.faults() == set()


def _found(home: TestHome) -> Any:
    return home.ask("search", "nước dưới đất", "--purpose", "tra cứu")


def _wait_until_found(home: TestHome) -> None:
    """Wait until every page is found by its words, without anyone's hand."""

    def whole() -> bool:
        answer = _found(home)
        return bool(answer["total"] == PAGES and answer["completeness"]["behind"] == 0)

    _wait_until(whole, RECOVERY_SECONDS, lambda: _found(home))


def _wait_until_whole(home: TestHome, servers: OwnServers) -> None:
    begun = time.monotonic()
    _wait_until(
        lambda: _states(home, servers)["done"] == RECORDS, RECOVERY_SECONDS, lambda: _states(home, servers)
    )
    _wait_until_found(home)
    print(f"whole {time.monotonic() - begun:.0f} s after recovery")


def _run_through(home: TestHome, servers: OwnServers, delivery: Delivery, fault: Callable[[], None]) -> None:
    """Take all in, work it, do something bad in the middle, and see it end whole."""
    batches = delivery.take_in(home)
    with working(home):
        _wait_until(lambda: _states(home, servers)["done"] >= 2, 180, lambda: _states(home, servers))
        fault()
        _wait_until_whole(home, servers)
    _check_whole(home, servers, batches)


@pytest.mark.parametrize(("name", "each"), [("postgres", 1), ("minio", 1), ("rabbitmq", 1), ("opensearch", 2)])
def test_a_server_killed_again_and_again_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: Delivery, name: Name, each: int
) -> None:
    """each: folders taken in before each kill."""
    batches: list[str] = []
    with working(home):
        for first in range(0, FOLDERS, each):
            done = _states(home, servers)["done"]
            batches += delivery.take_in(home, slice(first, first + each))
            seen = max(done, first * RECORDS_EACH)  # until it is worked: something is in hand or just done
            _wait_until(
                lambda: (now := _states(home, servers))["leased"] > 0 or now["done"] > seen,  # noqa: B023
                180,
                lambda: _states(home, servers),
            )
            servers.restart(name, after_seconds=1)
        _wait_until_whole(home, servers)
    _check_whole(home, servers, batches)


def test_searches_answer_while_the_engine_is_down(home: TestHome, servers: OwnServers, delivery: Delivery) -> None:
    def fault() -> None:
        assert servers.opensearch is not None
        servers.opensearch.kill()
        try:
            answer = home.ask("search", "15/GP-STNMT", "--purpose", "tra cứu")
            assert answer["hits"]
            assert answer["completeness"]["from_catalogue"]
        finally:
            servers.opensearch.start()

    _run_through(home, servers, delivery, fault)


def test_a_broker_that_lost_everything_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: Delivery
) -> None:
    def fault() -> None:
        servers.rabbitmq.wipe()
        servers.rabbitmq.start()

    _run_through(home, servers, delivery, fault)


@pytest.mark.parametrize("name", ["postgres", "minio", "rabbitmq", "opensearch"])
def test_a_server_that_answers_nothing_for_a_while_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: Delivery, name: Name
) -> None:
    def fault() -> None:
        servers.lines[name].black_hole()
        time.sleep(BLACK_HOLE_SECONDS)
        servers.lines[name].heal()

    _run_through(home, servers, delivery, fault)


def test_puts_cut_off_in_the_middle_leave_nothing_half(
    home: TestHome, servers: OwnServers, delivery: Delivery
) -> None:
    def fault() -> None:
        for count in (900, 5_000, 20_000):
            servers.lines["minio"].cut_after(count)
            time.sleep(1.5)
            servers.lines["minio"].heal()

    _run_through(home, servers, delivery, fault)


def test_workers_killed_again_and_again_lose_and_repeat_nothing(
    home: TestHome, servers: OwnServers, delivery: Delivery
) -> None:
    batches: list[str] = []
    chance = random.Random(20261129)
    sweeper = home.start("sweeper")
    try:
        for killed in range(WORKER_KILLS):
            fed = slice(FOLDERS * killed // WORKER_KILLS, FOLDERS * (killed + 1) // WORKER_KILLS)
            batches += delivery.take_in(home, fed)
            worker = home.start("worker", "--concurrency", "2")
            # Alternately before it could begin, and in the middle of something.
            time.sleep(chance.uniform(0.5, 4.0) if killed % 2 else chance.uniform(4.0, 8.0))
            _kill(worker)
    finally:
        _stop(sweeper)
    with working(home):
        _wait_until_whole(home, servers)
    _check_whole(home, servers, batches)
