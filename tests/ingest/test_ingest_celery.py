"""Workers that hear a real broker: all is archived once, whoever is killed, whatever is lost or repeated."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import scans
from home_of_tests import SOHOA, TestHome, write_manifest
from kombu import Connection
from servers.program import free_port
from servers.rabbitmq import RabbitMq
from servers.shared import rabbitmq
from sqlalchemy import select, update

from archive.database import reading, writing
from archive.tables.packages import package
from ingest.bell import Ring
from ingest.spreading import SHARE_PAGES
from ingest.tables import item, work_item
from ingest.worker import DEAD, BrokerBell, queue_of

pytestmark = pytest.mark.drill  # minutes: every test kills trees of workers on a broker of its own

RECORDS = 6
QUICK = {"INGEST_SWEEP_SECONDS": "0.5", "INGEST_LEASE_SECONDS": "6", "INGEST_HEARTBEAT_SECONDS": "1"}
PATIENT = {"INGEST_LEASE_SECONDS": "60", "INGEST_HEARTBEAT_SECONDS": "15"}  # a death is reported long before
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def server() -> RabbitMq:
    return rabbitmq()


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with six records of two pages each, taken in without a broker and waiting to be worked."""
    top = tmp_path_factory.mktemp("celery")
    _save_scans(top / "scans", top / "recordings")
    home = TestHome(top / "var", top / "recordings")
    home.ask("init")
    home.ask("intake", str(top / "scans"))
    return home


def _save_scans(folder: Path, recordings: Path) -> None:
    rows = []
    for number in range(RECORDS):
        name = f"{number}.tif"
        path = scans.save_all([scans.page(mark=f"{name} {n}", size=(420, 594)) for n in range(2)], folder / name)
        scans.remember(path, recordings, [scans.LINES] * 2)
        rows.append({"file": name, "sheets": "2", "dossier_code": f"HS-{number // 3}"})
    write_manifest(folder, rows)


@pytest.fixture
def vhost(server: RabbitMq) -> Iterator[str]:
    name = server.new_vhost()
    yield name
    server.drop(name)


def _heard(home: TestHome, server: RabbitMq, vhost: str, **more: str) -> TestHome:
    """The same home with a broker."""
    broker = {"INGEST_BROKER_URL": server.url(vhost), "INGEST_BROKER_PASSWORD": server.password}
    return replace(home, settings={**home.settings, **QUICK, **broker, **more})


@pytest.fixture
def home(taken: TestHome, server: RabbitMq, vhost: str, tmp_path: Path) -> TestHome:
    """A copy of it, with a broker nobody has rung through yet."""
    return _heard(taken.copy(tmp_path / "var"), server, vhost)


@contextmanager
def _running(home: TestHome, *commands: tuple[str, ...], drill: str | None = None) -> Iterator[list[Any]]:
    """Run commands side by side, each in a process group of its own, and stop them at the end."""
    home.log.touch()
    extra = {"SOHOA_DRILL": "kill-me", "SOHOA_FAILPOINT": drill} if drill else {}
    with ExitStack() as stack:
        running = []
        for command in commands:
            process = subprocess.Popen(
                [SOHOA, *command],
                env={**home.environment, **extra},
                stdout=subprocess.DEVNULL,
                stderr=stack.enter_context((home.folder.parent / f"{command[0]}.err").open("w")),
                start_new_session=True,
            )
            stack.callback(_end, process)
            running.append(process)
        yield running


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _children(pid: int) -> list[int]:
    """The pool processes of a worker: children that are this program and not what they started."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in found]


def _states(home: TestHome) -> Counter[str]:
    engine = home.engine()
    try:
        with reading(engine) as connection:
            return Counter(connection.execute(select(work_item.c.state)).scalars())
    finally:
        engine.dispose()


def _wait_until(met: Callable[[], bool], home: TestHome) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not met():
        said = "".join(path.read_text()[-2000:] for path in home.folder.parent.glob("*.err"))
        assert time.monotonic() < until, f"{_states(home)}\n{said}"
        time.sleep(0.2)


def _wait_until_done(home: TestHome) -> None:
    _wait_until(lambda: _states(home)["done"] == RECORDS, home)


def _check_whole(home: TestHome) -> None:
    engine = home.engine()
    with reading(engine) as connection:
        assert Counter(connection.execute(select(item.c.state)).scalars()) == {"archived": RECORDS}
        digests = (
            connection.execute(select(package.c.sha256).where(package.c.state == "deposited")).scalars().all()
        )
    engine.dispose()
    assert len(digests) == len(set(digests)) == RECORDS
    home.ask("index", "rebuild")
    assert home.faults() == set()


def test_what_is_taken_in_is_archived_by_whoever_hears_the_broker(
    server: RabbitMq, vhost: str, tmp_path: Path
) -> None:
    _save_scans(tmp_path / "scans", tmp_path / "recordings")
    home = _heard(TestHome(tmp_path / "var", tmp_path / "recordings"), server, vhost)
    home.ask("init")
    with _running(home, ("worker", "--concurrency", "2")) as (worker,):
        home.ask("intake", str(tmp_path / "scans"))
        _wait_until_done(home)  # no sweeper runs: each item was rung for
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert list((home.folder / "scratch").iterdir()) == []
    assert len(home.read_log()) == 2 * RECORDS  # no page was read twice
    _check_whole(home)


def test_a_long_document_is_read_in_shares_that_its_reader_rings_for(
    server: RabbitMq, vhost: str, tmp_path: Path
) -> None:
    pages = 2 * SHARE_PAGES + 5
    drawn = [scans.page(mark=f"{n}", size=(420, 594)) for n in range(pages)]
    path = scans.save_all(drawn, tmp_path / "scans" / "long.pdf")
    scans.remember(path, tmp_path / "recordings", [scans.LINES] * pages)
    home = TestHome(tmp_path / "var", tmp_path / "recordings", {"INGEST_SPREAD_PAGES": "10"})
    home = _heard(home, server, vhost)
    home.ask("init")
    with _running(home, ("worker", "--concurrency", "2")):
        home.ask("intake", str(tmp_path / "scans"))
        _wait_until(lambda: _states(home) == {"done": 1}, home)  # no sweeper runs: each step was rung for
    assert len(home.read_log()) == len(set(home.read_log())) == pages
    assert home.faults() <= {"index-behind"}


def test_children_killed_in_the_middle_cost_no_item_and_double_none(home: TestHome) -> None:
    slow = f"replay:{home.recordings}?log={home.log}&wait_ms=300"
    home = replace(home, settings={**home.settings, "OCR_ENGINE_URL": slow})
    home = replace(home, settings={**home.settings, **PATIENT})
    with _running(home, ("worker", "--concurrency", "2"), ("sweeper",)) as (worker, _):
        chance = random.Random(20261129)
        for _ in range(3):
            seen = len(home.read_log())
            _wait_until(lambda seen=seen: len(home.read_log()) > seen or not _states(home)["ready"], home)
            os.kill(chance.choice(_children(worker.pid)), signal.SIGKILL)
        _wait_until_done(home)
    engine = home.engine()
    with reading(engine) as connection:
        deaths = sum(connection.execute(select(work_item.c.deaths)).scalars())
    engine.dispose()
    assert deaths >= 1  # seen by the parent, not found out when a lease ended
    _check_whole(home)


def test_a_whole_tree_killed_at_once_loses_nothing(home: TestHome) -> None:
    slow = f"replay:{home.recordings}?log={home.log}&wait_ms=300"
    home = replace(home, settings={**home.settings, "OCR_ENGINE_URL": slow})
    with _running(home, ("sweeper",)):
        with _running(home, ("worker", "--concurrency", "2")) as (worker,):
            _wait_until(lambda: len(home.read_log()) >= 2, home)
            children = _children(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)  # the first process alone: the others must not outlive it
            worker.wait()
            _wait_until(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children), home)
        with _running(home, ("worker", "--concurrency", "2")):
            _wait_until_done(home)
    _check_whole(home)


def test_an_item_that_kills_its_worker_three_times_is_set_aside_and_the_worker_lives(home: TestHome) -> None:
    home = replace(home, settings={**home.settings, **PATIENT})
    engine = home.engine()
    with writing(engine) as connection:
        one = connection.execute(select(work_item.c.id).limit(1)).scalar_one()
        later = update(work_item).where(work_item.c.id != one)
        connection.execute(later.values(next_try_at=datetime.now(UTC) + timedelta(days=1)))
    with _running(home, ("worker",), ("sweeper",), drill="claim:1") as (worker, _):
        _wait_until(lambda: _states(home)["quarantined"] == 1, home)
        assert worker.poll() is None
    with writing(engine) as connection:
        row = connection.execute(select(work_item).where(work_item.c.id == one)).one()
        assert (row.deaths, row.interruptions, row.reason) == (3, 0, "child-died")
        connection.execute(later.values(next_try_at=datetime.now(UTC)))
    engine.dispose()
    assert home.ask("batch", "retry", home.ask("batch", "list")["batches"][0]["batch"])["retried"] == 1
    with _running(home, ("worker", "--concurrency", "2"), ("sweeper",)):
        _wait_until_done(home)
    _check_whole(home)


def test_rings_that_come_three_times_in_any_order_change_nothing(
    home: TestHome, server: RabbitMq, vhost: str
) -> None:
    engine = home.engine()
    with reading(engine) as connection:
        ids = connection.execute(select(work_item.c.id)).scalars().all()
    engine.dispose()
    rings = [Ring(work_item_id, "batch") for work_item_id in ids] * 3
    random.Random(20261129).shuffle(rings)
    bell = BrokerBell(server.url(vhost), server.password)
    bell.prepare()
    assert bell.ring(rings) == 3 * RECORDS
    with _running(home, ("worker", "--concurrency", "2")):
        _wait_until_done(home)
        _wait_until(lambda: bell.waiting("batch") == 0, home)
    bell.close()
    assert len(home.read_log()) == 2 * RECORDS
    _check_whole(home)


def test_rings_that_mean_nothing_are_set_aside_and_work_goes_on(
    home: TestHome, server: RabbitMq, vhost: str
) -> None:
    """One of another program, one that is no message of ours at all, one for work of another home."""
    bell = BrokerBell(server.url(vhost), server.password)
    bell.prepare()
    bell.ring([Ring("of-another-home", "batch")])
    with Connection(server.url(vhost), userid=server.user, password=server.password) as connection:
        producer = connection.Producer()
        queue = queue_of("batch")
        headers = {"task": "others.task", "id": "x", "lang": "py"}
        producer.publish([[], {}, {}], routing_key=queue, exchange="", headers=headers, serializer="json")
        producer.publish(
            b"\x00\xff", routing_key=queue, exchange="", content_type="application/x-python-serialize"
        )
    with _running(home, ("worker",), ("sweeper",)) as (worker, _):
        _wait_until_done(home)
        assert worker.poll() is None
    bell.close()
    with Connection(server.url(vhost), userid=server.user, password=server.password) as connection:
        dead = connection.default_channel.queue_declare(DEAD, passive=True).message_count
        assert dead == 1  # the first is kept for a person to look at; the second nobody could read
    _check_whole(home)


def test_losing_the_broker_in_the_middle_costs_nothing_but_time(
    taken: TestHome, home: TestHome, server: RabbitMq, vhost: str, tmp_path: Path
) -> None:
    with _running(home, ("worker",), ("sweeper",)):
        _wait_until(lambda: _states(home)["done"] >= 1, home)
        server.drop(vhost)
    done = _states(home)["done"]
    assert done < RECORDS
    more = tmp_path / "more"
    path = scans.save_all([scans.page(mark="thêm", size=(420, 594))], more / "a.tif")
    scans.remember(path, taken.folder.parent / "recordings", [scans.LINES])
    started = time.monotonic()
    assert home.ask("intake", str(more))["items"] == 1  # nothing rings, and nobody is told of an error
    assert time.monotonic() - started < 30
    home.ask("work", "--until-idle")
    assert _states(home) == {"done": RECORDS + 1}
    assert home.faults() <= {"index-behind"}


def test_told_to_stop_a_worker_finishes_the_item_at_hand(home: TestHome) -> None:
    slow = f"replay:{home.recordings}?log={home.log}&wait_ms=1500"
    home = replace(home, settings={**home.settings, "OCR_ENGINE_URL": slow})
    with _running(home, ("worker",), ("sweeper",)) as (worker, _):
        _wait_until(lambda: len(home.read_log()) >= 1, home)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert _states(home)["leased"] == 0
        assert _states(home)["done"] >= 1
    engine = home.engine()
    with reading(engine) as connection:
        rows = connection.execute(
            select(work_item.c.deaths, work_item.c.interruptions, work_item.c.failures)
        ).all()
    engine.dispose()
    assert all(tuple(row) == (0, 0, 0) for row in rows)


def test_a_child_that_has_grown_is_replaced_after_its_item(home: TestHome) -> None:
    home = replace(home, settings={**home.settings, "INGEST_WORKER_MEMORY_MB": "1"})  # any child is larger
    with _running(home, ("worker",), ("sweeper",)) as (worker, _):
        _wait_until(lambda: bool(_children(worker.pid)), home)
        first = _children(worker.pid)
        _wait_until_done(home)
        assert not set(first) & set(_children(worker.pid))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert list((home.folder / "scratch").iterdir()) == []
    _check_whole(home)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"INGEST_BROKER_URL": ""}, "home-not-ready", "INGEST_BROKER_URL is not set"),
        ({"INGEST_BROKER_PASSWORD": "wrong"}, "broker-unfit", "INGEST_BROKER_PASSWORD"),
        ({"INGEST_BROKER_URL": "amqp://guest@127.0.0.1:{free}/"}, "broker-unavailable", "cannot be reached"),
        ({"INGEST_BROKER_URL": "amqp://guest:secret@127.0.0.1/"}, "home-not-ready", "carries a password"),
        ({"INGEST_BROKER_URL": "redis://127.0.0.1/"}, "home-not-ready", "amqp://user@host"),
    ],
)
def test_a_worker_without_a_broker_that_will_do_says_why_and_does_not_start(
    taken: TestHome, server: RabbitMq, settings: dict[str, str], error: str, says: str
) -> None:
    named = {name: value.format(free=free_port()) for name, value in settings.items()}
    answer = _heard(taken, server, "%2F", **named).run("--lang", "en", "worker", "--json")
    assert answer.code == 2
    assert answer.document["error"] == error
    assert says in answer.document["message"]
    assert "secret" not in answer.told
    assert len(answer.told.strip().splitlines()) == 1


def test_a_lane_that_is_none_is_refused(taken: TestHome, server: RabbitMq) -> None:
    answer = _heard(taken, server, "%2F").run("--lang", "en", "worker", "--lanes", "batch,fast")
    assert answer.code == 2
    assert "batch,fast" in answer.told
