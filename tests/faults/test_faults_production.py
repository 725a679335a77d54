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
from pathlib import Path
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

RECORDS = 12
RECOVERY_SECONDS = 60
QUICK = {"INGEST_LEASE_SECONDS": "6", "INGEST_HEARTBEAT_SECONDS": "1", "INGEST_SWEEP_SECONDS": "1"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    folder = Path("/tmp") / f"sohoa-faults-{uuid4().hex[:8]}"
    folder.mkdir()
    made = OwnServers.start(folder)
    yield made
    made.close()
    folder.rmdir()


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of twelve records and what the replay engine reads on them."""
    top = tmp_path_factory.mktemp("production")
    folder, recordings = top / "scans", top / "recordings"
    rows = []
    for number in range(RECORDS):
        name, count = f"{number:02d}.pdf", 1 + number % 3
        drawn = [scans.page(mark=f"{name} {n}", size=(420, 594)) for n in range(count)]
        scans.remember(scans.save_all(drawn, folder / name), recordings, [scans.LINES] * count)
        rows.append({"file": name, "sheets": str(count), "dossier_code": f"HS-{number // 3}"})
    write_manifest(folder, rows)
    return folder, recordings


@pytest.fixture
def home(servers: OwnServers, delivery: tuple[Path, Path], tmp_path: Path) -> Iterator[TestHome]:
    """A home of the production shape with nothing in it, and healthy lines to its servers."""
    name = f"t{uuid4().hex[:10]}"
    servers.postgres.execute(f"CREATE DATABASE {name}")
    settings = servers.settings(database=name, bucket=name, prefix=name)
    log = tmp_path / "var.log"
    slow = {"OCR_ENGINE_URL": f"replay:{delivery[1]}?log={log}&wait_ms=300"}
    made = TestHome(tmp_path / "var", delivery[1], {**settings, **QUICK, **slow})
    for command in (("store", "prepare"), ("init",)):
        answer = made.run(*command)
        assert answer.code == 0, answer.told
    yield made
    for line in servers.lines.values():
        line.heal()


@contextmanager
def working(home: TestHome) -> Iterator[list["subprocess.Popen[str]"]]:
    """Run a worker of two and a sweeper beside, as an installation does; ended outright at the end."""
    with ExitStack() as stack:
        running = []
        for command in (("worker", "--concurrency", "2"), ("sweeper",)):
            process = home.start(*command)
            stack.callback(_end, process)
            running.append(process)
        yield running


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


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


def _check_whole(home: TestHome, servers: OwnServers, batch: str) -> None:
    engine = open_engine(servers.postgres.url(_database(home)))
    with reading(engine) as connection:
        assert Counter(connection.execute(select(item.c.state)).scalars()) == {"archived": RECORDS}
        shas = connection.execute(select(package.c.sha256).where(package.c.state == "deposited")).scalars().all()
        assert len(shas) == len(set(shas)) == RECORDS
        numbers = (
            connection.execute(select(record.c.archive_number).where(record.c.state == "candidate"))
            .scalars()
            .all()
        )
        assert len(numbers) == len(set(numbers)) == RECORDS
    engine.dispose()
    assert home.ask("batch", "receipt", batch)["balanced"]
    assert home.ask("index", "status")["behind"] >= 0
    home.ask("index", "rebuild")
    assert home.faults() == set()


def _run_through(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path], fault: Callable[[], None]
) -> None:
    """Take a batch in, work it, do something bad in the middle, and see it end whole."""
    batch = home.ask("intake", str(delivery[0]))["batch"]
    with working(home):
        _wait_until(lambda: _states(home, servers)["done"] >= 2, 180, lambda: _states(home, servers))
        fault()
        _wait_until(
            lambda: _states(home, servers)["done"] == RECORDS, RECOVERY_SECONDS, lambda: _states(home, servers)
        )
    _check_whole(home, servers, batch)


@pytest.mark.parametrize("name", ["postgres", "minio", "rabbitmq"])
def test_a_server_killed_under_a_running_batch_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path], name: Name
) -> None:
    def fault() -> None:
        server = servers.server(name)
        server.kill()
        time.sleep(2)
        server.start()  # type: ignore[attr-defined]  # each server has it

    _run_through(home, servers, delivery, fault)


def test_a_broker_that_lost_everything_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path]
) -> None:
    def fault() -> None:
        servers.rabbitmq.wipe()
        servers.rabbitmq.start()

    _run_through(home, servers, delivery, fault)


@pytest.mark.parametrize("name", ["postgres", "minio", "rabbitmq"])
def test_a_server_that_answers_nothing_for_a_while_costs_nothing_but_time(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path], name: Name
) -> None:
    def fault() -> None:
        servers.lines[name].black_hole()
        time.sleep(float(os.environ.get("SOHOA_BLACK_HOLE_SECONDS", "8")))
        servers.lines[name].heal()

    _run_through(home, servers, delivery, fault)


def test_puts_cut_off_in_the_middle_leave_nothing_half(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path]
) -> None:
    def fault() -> None:
        for count in (900, 5_000, 20_000):
            servers.lines["minio"].cut_after(count)
            time.sleep(1.5)
            servers.lines["minio"].heal()

    _run_through(home, servers, delivery, fault)


def test_workers_killed_again_and_again_lose_and_repeat_nothing(
    home: TestHome, servers: OwnServers, delivery: tuple[Path, Path]
) -> None:
    batch = home.ask("intake", str(delivery[0]))["batch"]
    chance = random.Random(20261129)
    sweeper = home.start("sweeper")
    try:
        for _ in range(10):
            worker = home.start("worker", "--concurrency", "2")
            time.sleep(chance.uniform(1.5, 4.0))
            _end(worker)
            if _states(home, servers)["done"] == RECORDS:
                break
        with working(home):
            _wait_until(
                lambda: _states(home, servers)["done"] == RECORDS, RECOVERY_SECONDS, lambda: _states(home, servers)
            )
    finally:
        _end(sweeper)
    _check_whole(home, servers, batch)
