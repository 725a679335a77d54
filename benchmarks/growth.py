"""Whether an archive grows without slowing down: deposits, memory, the log, proofs, rebuilding.

    .venv/bin/python benchmarks/growth.py [deposits] [log] [rebuild] [--records N] [--leaves N]

On SQLite and plain files. *deposits*: processor time, syncs to the disk and memory of a deposit with its events
and its log, with 100 records in the archive and with N, medians of five runs by turns (syncs are counted where
strace is). *log*: an event appended and committed, alone and by four at once; N leaves published; a proof; the
whole verification, in the program and by the verifier that runs alone. *rebuild*: N records from the vault.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import stack
from holdings import Holdings
from sqlalchemy import Engine, insert, update

from archive.database import migrate, open_engine, reading, writing
from archive.events import append, canonical_bytes, leaf_hash
from archive.log import verify_log
from archive.log.checks import check_log
from archive.log.keeper import LogKeeper, newest_checkpoint
from archive.log.merkle import inclusion_proof
from archive.log.nodes import nodes_of
from archive.log.notes import LogKey
from archive.log.outside import NOWHERE, OutsideFolder
from archive.log.verify_log import parse_checkpoint
from archive.rebuild.vault import rebuild_catalogue
from archive.record import PrincipalId
from archive.stores.file import FileStore
from archive.tables.log import event, stream_head

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WHO = PrincipalId("w" * 26)
ROUNDS, DEPOSITS = 5, 60
FEW = 100


def _fill(held: Holdings, count: int) -> None:
    for number in range(count):
        held.deposit(state="candidate", holder=(f"Nguyễn Thị {number}", f"{number:012d}"))
        if number % 100 == 99:
            held.log.publish()
    held.log.publish()


def _deposit_again(folder: Path, count: int) -> None:
    """Deposit into an archive and print processor seconds and memory; a process of its own."""
    held = Holdings.reopen(folder, AT)
    held.deposit(state="candidate")  # what is made once a process is made now
    begun = time.process_time()
    for number in range(count):
        held.deposit(state="candidate", holder=(f"Trần Văn {number}", f"9{number:011d}"))
    held.log.publish()
    used = time.process_time() - begun
    print(json.dumps({"cpu": used / count, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def _child(folder: Path, *, counted: bool) -> dict[str, float]:
    own = [sys.executable, __file__, "--child", str(folder), "--deposits", str(DEPOSITS)]
    trace = folder.parent / "syncs"
    seen = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(trace)] if counted else []
    said: dict[str, float] = json.loads(
        subprocess.run([*seen, *own], capture_output=True, text=True, check=True).stdout
    )
    if counted:
        lines = [line.split() for line in trace.read_text().splitlines()]
        calls = sum(int(line[3]) for line in lines if line and line[-1] in ("fsync", "fdatasync"))
        said["syncs"] = calls / (DEPOSITS + 1)
    return said


def measure_deposits(top: Path, records: int) -> None:
    """Print what a deposit costs with few and with many records in the archive."""
    homes = {count: Holdings(top / f"home-{count}", AT) for count in (FEW, records)}
    for count, held in homes.items():
        _fill(held, count)
        print(f"filled {count}", flush=True)
    counted = shutil.which("strace") is not None
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in homes}
    for _ in range(ROUNDS):
        for count, held in homes.items():
            runs[count].append(_child(held.folder, counted=False))
    syncs = {count: _child(held.folder, counted=True)["syncs"] for count, held in homes.items()} if counted else {}
    for name, unit, scale in (("cpu", "CPU-ms a deposit", 1000.0), ("rss", "MB at most", 1 / 1024)):
        few, many = (statistics.median(run[name] for run in runs[count]) * scale for count in (FEW, records))
        print(f"{unit}: {few:.1f} at {FEW} records, {many:.1f} at {records}: {many / few:.2f} x")
    if syncs:
        print(f"syncs a deposit: {syncs[FEW]:.1f} and {syncs[records]:.1f}: {syncs[records] / syncs[FEW]:.2f} x")


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def _append_one(engine: Engine) -> None:
    with writing(engine) as connection:
        append(connection, "records", "test.act", principal=WHO, at=AT, payload={"record": "r" * 26, "n": 7})


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def measure_log(top: Path, leaves: int) -> None:
    """Print what appending, publishing, proving and verifying cost at so many leaves."""
    engine = open_engine(f"sqlite:///{top}/log.db")
    migrate(engine)
    store, key = FileStore(top / "log-objects"), LogKey.generate("sohoa-bench")
    keeper = LogKeeper(engine, store, key, locked_days=30, scratch=top / "scratch", now=lambda: AT)
    for first in range(0, leaves, 10_000):
        rows = []
        for number in range(first, min(first + 10_000, leaves)):
            entry = canonical_bytes(
                "records",
                number,
                "test.act",
                principal=WHO,
                at=AT,
                payload={"record": f"{number:026d}", "n": number},
            )
            rows.append(
                {"stream": "records", "sequence": number, "canonical": entry, "leaf_hash": leaf_hash(entry)}
            )
        with writing(engine) as connection:
            connection.execute(insert(event), rows)
            connection.execute(
                update(stream_head)
                .where(stream_head.c.stream == "records")
                .values(next_sequence=first + len(rows))
            )
    published = _timed(keeper.publish) / 1000
    print(f"{leaves} leaves published in {published:.0f} s: {leaves / published:.0f} a second")
    alone = [_timed(lambda: _append_one(engine)) for _ in range(300)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: _timed(lambda: _append_one(engine)), range(400)))
    print(f"append and commit: p50 {statistics.median(alone):.2f} ms, p95 {_p95(alone):.2f} ms", end="; ")
    print(f"by four at once p95 {_p95(together):.2f} ms")
    keeper.publish()
    with reading(engine) as connection:
        note = newest_checkpoint(connection, "records")
        assert note is not None
        size, nodes = parse_checkpoint(note).size, nodes_of(connection, "records")
        proofs = [_timed(lambda n=n: inclusion_proof(n, size, nodes)) for n in range(0, size, size // 200)]
    print(f"inclusion proof among {size}: p50 {statistics.median(proofs):.2f} ms, p95 {_p95(proofs):.2f} ms")
    found: list[object] = []
    took = _timed(lambda: found.extend(check_log(engine, store, key.verifier, NOWHERE, deep=False)))
    print(f"whole verification in the program: {took / 1000:.1f} s, {len(found)} findings")
    out = OutsideFolder(top / "tlog", engine)
    print(f"written out as tlog-tiles: {_timed(lambda: out.tell('records', note)) / 1000:.1f} s")
    alone_took = _timed(
        lambda: subprocess.run(
            [
                sys.executable,
                "-I",
                "-S",
                verify_log.__file__,
                top / "tlog/records",
                "--key",
                key.verifier("records"),
            ],
            check=True,
            capture_output=True,
        )
    )
    print(f"whole verification by verify_log.py alone: {alone_took / 1000:.1f} s")
    engine.dispose()


def measure_rebuild(top: Path, records: int) -> None:
    """Print how long the catalogue of an archive of so many records takes from the vault alone."""
    folder = top / f"home-{records}"
    if not folder.exists():
        _fill(Holdings(folder, AT), records)
    held = Holdings.reopen(folder, AT)
    (top / "again").mkdir()
    engine = stack.new_engine(top / "again")
    key = LogKey.load(folder / "keys" / "log.key")
    begun = time.perf_counter()
    done = rebuild_catalogue(engine, held.store, key.verifier, at=AT)
    took = time.perf_counter() - begun
    print(f"rebuilt {records} records, {done.events} events in {took:.0f} s, {len(done.problems)} problems")


def main() -> None:
    """Measure what is asked for, in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["deposits", "log", "rebuild"])
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--deposits", type=int)
    given = parser.parse_args()
    if given.child is not None:
        _deposit_again(given.child, given.deposits)
        return
    with tempfile.TemporaryDirectory(prefix="sohoa-growth-") as folder:
        top = Path(folder)
        if "deposits" in given.what:
            measure_deposits(top, given.records)
        if "log" in given.what:
            measure_log(top, given.leaves)
        if "rebuild" in given.what:
            measure_rebuild(top, given.records)


if __name__ == "__main__":
    main()
