"""The production shape against its own engines spoken to bare, side by side in one run.

    .venv/bin/python benchmarks/production.py [deposits] [workers] [claim] [memory ITEMS]

Brings up a PostgreSQL that syncs, a MinIO, a RabbitMQ of its own. *deposits*: packages put under lock, read
back and entered in the catalogue with their event, against a locked put and a commit of one row of the same sizes
by the same client libraries, by turns. *workers*: pages a second with 1, 2 and 4 workers whose engine waits 200 ms
a page. *claim*: how long an item lies on the list until an idle worker claims it. *memory*: resident memory of
a crew of two over many items, in their first tenth and in their last.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import scans
from home_of_tests import TestHome, write_manifest
from minio import Minio as Client
from minio.commonconfig import COMPLIANCE
from minio.retention import Retention
from servers.own import OwnServers
from sqlalchemy import Engine, Row, func, insert, select, text

from archive.database import migrate, open_engine, reading, writing
from archive.deposit import read_back
from archive.digest import sha256_of_file
from archive.events import append
from archive.stores.open import open_store
from archive.stores.port import StoreCredentials
from archive.tables.principals import principal
from ingest.tables import item, work_item

DEPOSITS, SIZE = 150, 180_000  # bytes of a package of two pages
# Long ones: making a package is the processor's work, of which two workers leave nothing over on two cores.
RECORDS, PAGES_EACH, WAIT_MS = 16, 20, 200
CLAIMS = 15


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def measure_deposits(servers: OwnServers, folder: Path) -> tuple[float, float]:
    """Return deposits a second: ours, and the bare put with a bare commit."""
    name = f"b{uuid4().hex[:10]}"
    servers.postgres.execute(f"CREATE DATABASE {name}")
    engine = open_engine(servers.postgres.url(name))
    migrate(engine)
    client = Client(
        f"127.0.0.1:{servers.minio.port}",
        access_key=servers.minio.user,
        secret_key=servers.minio.password,
        secure=False,
    )
    client.make_bucket(name, object_lock=True)
    store = open_store(
        f"s3://{name}?endpoint={servers.minio.endpoint}&lock=compliance",
        StoreCredentials(servers.minio.user, servers.minio.password),
    )
    now = datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(
            insert(principal).values(
                id="bench", kind="administrator", login="bench", display_name="bench", created_at=now
            )
        )
        connection.execute(text("CREATE TABLE bare (id text PRIMARY KEY, sha256 text, canonical bytea)"))
    bodies = []
    for number in range(2 * DEPOSITS):
        path = folder / f"{number:04d}"
        path.write_bytes(number.to_bytes(8, "big") * (SIZE // 8))
        bodies.append(path)
    until = now + timedelta(days=1)
    ours, bare = 0.0, 0.0

    def deposit(path: Path) -> None:
        sha256, _ = sha256_of_file(path)
        stored = store.put(f"packages/{path.name}", path, sha256=sha256, retain_until=until, now=now)
        read_back(store, stored)
        with writing(engine) as connection:
            append(
                connection,
                "records",
                "record.deposited",
                principal="bench",
                at=now,
                payload={"record": path.name, "sha256": sha256, "filler": "x" * 800},
            )

    def put_bare(path: Path) -> None:
        client.fput_object(name, f"bare/{path.name}", str(path), retention=Retention(COMPLIANCE, until))
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO bare VALUES (:id, :sha, :body)"),
                {"id": path.name, "sha": "", "body": b"x" * 1100},
            )

    for mine, other in zip(bodies[::2], bodies[1::2], strict=True):
        ours += _timed(lambda one=mine: deposit(one))
        bare += _timed(lambda one=other: put_bare(one))
    engine.dispose()
    return DEPOSITS / ours, DEPOSITS / bare


def _delivery(folder: Path, records: int, *, pages: int = 1) -> tuple[Path, Path]:
    scanned, recordings = folder / "scans", folder / "recordings"
    rows = []
    for number in range(records):
        name = f"{number:05d}.pdf"
        drawn = [scans.page(mark=f"{folder.name} {name} {n}", size=(420, 594)) for n in range(pages)]
        scans.remember(scans.save_all(drawn, scanned / name), recordings, [scans.LINES] * pages)
        rows.append({"file": name, "sheets": str(pages), "dossier_code": f"HS-{number // 4}"})
    write_manifest(scanned, rows)
    return scanned, recordings


def _home(servers: OwnServers, folder: Path, recordings: Path, wait_ms: int) -> TestHome:
    name = f"b{uuid4().hex[:10]}"
    servers.postgres.execute(f"CREATE DATABASE {name}")
    settings = {
        **servers.settings(database=name, bucket=name, prefix=name),
        "OCR_ENGINE_URL": f"replay:{recordings}?wait_ms={wait_ms}",
    }
    home = TestHome(folder / name, recordings, settings)
    for command in (("store", "prepare"), ("init",)):
        answer = home.run(*command)
        assert answer.code == 0, answer.told
    return home


def measure_workers(servers: OwnServers, folder: Path, workers: int) -> float:
    """Return pages a second of a batch with so many workers, from the first claim to the last item done."""
    scanned, recordings = _delivery(folder / f"w{workers}", RECORDS, pages=PAGES_EACH)
    home = _home(servers, folder, recordings, WAIT_MS)
    engine = open_engine(home.settings["ARCHIVE_DATABASE_URL"])
    running = home.start("worker", "--concurrency", str(workers))
    try:
        time.sleep(20)  # every process of it has its engine loaded
        home.ask("intake", str(scanned))
        begun = time.perf_counter()
        while True:
            with reading(engine) as connection:
                done = connection.execute(
                    select(func.count()).select_from(item).where(item.c.state == "archived")
                ).scalar_one()
            if done == RECORDS:
                return RECORDS * PAGES_EACH / (time.perf_counter() - begun)
            time.sleep(0.05)
    finally:
        running.terminate()
        running.communicate(timeout=60)
        engine.dispose()


def measure_claim(servers: OwnServers, folder: Path) -> float:
    """Return the median milliseconds from when an item can be seen on the list to its claim by an idle worker."""
    deliveries = [_delivery(folder / f"claim-{number}", 1) for number in range(CLAIMS)]
    read = folder / "read"
    for _, recordings in deliveries:
        shutil.copytree(recordings, read, dirs_exist_ok=True)
    home = _home(servers, folder, read, 0)
    engine = open_engine(home.settings["ARCHIVE_DATABASE_URL"])
    running = home.start("worker", "--concurrency", "1")
    waits = []
    try:
        time.sleep(15)  # its process has its engine loaded
        for scanned, _ in deliveries:
            before = _work(engine)
            taking = home.start("intake", str(scanned))
            while not (added := _work(engine).keys() - before.keys()):
                time.sleep(0.004)
            seen = datetime.now(UTC)
            (added_id,) = added
            while (row := _work(engine)[added_id]).state == "ready":
                time.sleep(0.004)
            waits.append((row.changed_at - seen).total_seconds() * 1000)
            taking.communicate()
            while _work(engine)[added_id].state != "done":
                time.sleep(0.1)
    finally:
        running.terminate()
        running.communicate(timeout=60)
        engine.dispose()
    return statistics.median(waits)


def _work(engine: Engine) -> dict[str, Row[Any]]:
    with reading(engine) as connection:
        return {row.id: row for row in connection.execute(select(work_item))}


def measure_memory(servers: OwnServers, folder: Path, items: int) -> tuple[int, int]:
    """Return the MB the largest process of a crew has at most in the first tenth of the items, and in the last."""
    scanned, recordings = _delivery(folder / "memory", items)
    home = _home(servers, folder, recordings, 0)
    engine = open_engine(home.settings["ARCHIVE_DATABASE_URL"])
    running = home.start("worker", "--concurrency", "2", told=folder / "worker.log")
    sweeper = home.start("sweeper", told=folder / "sweeper.log")
    first = last = 0
    empty = _size(engine)
    begun = time.perf_counter()
    taking = home.start("intake", str(scanned), told=folder / "intake.log")
    try:
        while True:
            with reading(engine) as connection:
                done = connection.execute(
                    select(func.count()).select_from(item).where(item.c.state == "archived")
                ).scalar_one()
            largest = max((_resident_mb(pid) for pid in _children(running.pid)), default=0)
            if done <= items // 10:
                first = max(first, largest)
            if done >= items - items // 10:
                last = max(last, largest)
            if done == items:
                print(f"{items / (time.perf_counter() - begun):.2f} items a second, intake counted")
                print(f"catalogue: {(_size(engine) - empty) / items:.0f} bytes an item of one page")
                return first, last
            time.sleep(1)
    finally:
        for process in (running, sweeper, taking):
            process.terminate()
            process.communicate(timeout=60)
        engine.dispose()


def _size(engine: Engine) -> int:
    with reading(engine) as connection:
        size: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return size


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_mb(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return int(told[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def main() -> int:
    """Measure what is asked for and print it beside its goal."""
    wanted = sys.argv[1:] or ["deposits", "workers", "claim"]
    with tempfile.TemporaryDirectory(prefix="sohoa-bench-") as made:
        top = Path(made)
        top.chmod(0o755)
        work = top / "work"
        work.mkdir()
        servers = OwnServers.start(top)
        try:
            if "deposits" in wanted:
                ours, bare = measure_deposits(servers, work)
                print(f"deposits a second: {ours:.1f} ours, {bare:.1f} bare: ratio {ours / bare:.2f} (goal 0.6)")
            if "workers" in wanted:
                one, two, four = (measure_workers(servers, work, n) for n in (1, 2, 4))
                print(f"pages a second: {one:.2f}, {two:.2f}, {four:.2f} with 1, 2, 4 workers;")
                print(f"ratios {two / one:.2f} (goal 1.9) and {four / one:.2f} (goal 3.5)")
            if "claim" in wanted:
                print(f"claim to start: {measure_claim(servers, work):.0f} ms median (goal 50)")
            if "memory" in wanted:
                first, last = measure_memory(servers, work, int(wanted[-1]))
                print(f"resident memory of a worker: {first} MB in the first tenth, {last} MB in the last")
        finally:
            servers.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
