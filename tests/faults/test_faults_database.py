"""The database killed or cut off while a batch is worked and while requests are answered.

Nobody has to do anything but start it again: work goes on by itself, requests are told to come again and in time,
and afterwards nothing is lost and nothing is twice.
"""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import scans
import stack
from home_of_tests import TestHome, write_manifest
from served_home import served
from servers.postgres import Postgres
from sqlalchemy import func, select

from archive.database import open_engine, reading
from archive.errors import CatalogueBusy
from archive.tables.holdings import record
from archive.tables.packages import package
from ingest.tables import item, work_item

pytestmark = pytest.mark.drill  # minutes: a database of its own is killed again and again

RECORDS = 12
KILLS = 5
PATIENCE_SECONDS = 180
ASKED = ("/api/v1/batches", "/api/v1/copies", "/api/v1/records?q=abc", "/api/v1/principals")
ANSWERED_SECONDS = 20  # a request while the database is away; it is refused at once when nothing listens


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL of this module's own, which syncs to disk."""
    made = Postgres(Path("/tmp") / f"sohoa-fault-db-{uuid4().hex[:8]}").durable().start()
    yield made
    made.remove()


@pytest.fixture
def home(server: Postgres, tmp_path: Path) -> TestHome:
    """A home on that server; stores and index as the stack has them."""
    others = {k: v for k, v in stack.environment_for(tmp_path / "var").items() if k != "ARCHIVE_DATABASE_URL"}
    quick = {"INGEST_LEASE_SECONDS": "6", "INGEST_HEARTBEAT_SECONDS": "1"}
    settings = {**others, **quick, "ARCHIVE_DATABASE_URL": server.url(server.new_database())}
    made = TestHome(tmp_path / "var", tmp_path / "recordings", settings)
    (tmp_path / "key").write_text(made.ask("init")["api_key"])
    return made


def _take_in(home: TestHome, top: Path) -> str:
    rows = []
    for number in range(RECORDS):
        name, count = f"{number:02d}.pdf", 1 + number % 3
        drawn = [scans.page(mark=f"{name} {n}", size=(420, 594)) for n in range(count)]
        scans.remember(scans.save_all(drawn, top / "scans" / name), top / "recordings", [scans.LINES] * count)
        rows.append({"file": name, "sheets": str(count), "dossier_code": f"HS-{number // 3}"})
    write_manifest(top / "scans", rows)
    return str(home.ask("intake", str(top / "scans"))["batch"])


def _done(home: TestHome) -> int:
    engine = open_engine(home.settings["ARCHIVE_DATABASE_URL"])
    try:
        with reading(engine) as connection:
            query = select(func.count()).where(work_item.c.state == "done")
            return int(connection.execute(query).scalar_one())
    except CatalogueBusy:
        return -1
    finally:
        engine.dispose()


def _check_whole(home: TestHome, batch: str) -> None:
    receipt = home.ask("batch", "receipt", batch)
    assert Counter(i["state"] for i in receipt["items"]) == {"archived": RECORDS}
    assert receipt["balanced"]
    engine = open_engine(home.settings["ARCHIVE_DATABASE_URL"])
    with reading(engine) as connection:
        linked = connection.execute(select(func.count(item.c.record_id.distinct()))).scalar_one()
        deposited = select(func.count()).select_from(package).where(package.c.state == "deposited")
        assert (linked, connection.execute(deposited).scalar_one()) == (RECORDS, RECORDS)
        ordinals = connection.execute(select(record.c.archival_file_id, record.c.ordinal)).all()
        assert len(set(ordinals)) == RECORDS
    engine.dispose()
    assert home.faults() == set()


def test_workers_outlive_a_database_killed_again_and_again(
    home: TestHome, server: Postgres, tmp_path: Path
) -> None:
    batch = _take_in(home, tmp_path)
    work = home.start("work", "--until-idle", "--workers", "2")
    try:
        for kill in range(KILLS):
            _wait(lambda kill=kill: _done(home) > kill, work)  # type: ignore[misc]
            server.kill()
            time.sleep(0.3 * kill)  # from a blink to longer than a beat
            server.start()
        told = work.communicate(timeout=PATIENCE_SECONDS)[1]
    finally:
        if work.poll() is None:
            os.killpg(work.pid, signal.SIGKILL)
            work.communicate()
    assert work.returncode == 0, told
    assert "Traceback" not in told
    _check_whole(home, batch)


def _wait(look: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if process.poll() is not None or time.monotonic() > until:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"nothing went on: {process.communicate()[1]}")
        time.sleep(0.05)


def test_requests_are_told_to_come_again_and_in_time(home: TestHome, server: Postgres, tmp_path: Path) -> None:
    with served(home, (tmp_path / "key").read_text(), workers=0) as there:
        assert [there.client.get(path).status_code for path in ASKED] == [200] * len(ASKED)
        server.kill()
        try:
            for path in ASKED:
                started = time.monotonic()
                answer = there.client.get(path)
                assert time.monotonic() - started < ANSWERED_SECONDS
                assert answer.status_code == 503, path
                assert answer.json()["type"] == "urn:sohoa:problem:catalogue-busy"
                assert answer.headers["retry-after"] == "2"
            assert there.client.get("/health/live").status_code == 200
            ready = there.client.get("/health/ready")
            assert ready.status_code == 503
        finally:
            server.start()
        there.wait(lambda: there.client.get("/health/ready").status_code == 200)
        assert [there.client.get(path).status_code for path in ASKED] == [200] * len(ASKED)
