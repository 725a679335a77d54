"""How fast the scrub reads, beside `sha256sum` on the same files: python benchmarks/fixity.py

Five interleaved runs of each over a file store; the medians and their ratio are printed, best to be 0.7 or more.
The files are in the page cache for both, so it is the program that is measured and not the disk.
"""

import argparse
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from archive.database import migrate, open_engine, writing
from archive.digest import sha256_of_bytes
from archive.fixity.scrub import FixitySettings, Scrub, total
from archive.record import PrincipalId
from archive.stores.file import FileStore
from archive.tables.log import log_segment

AT = datetime(2026, 11, 24, tzinfo=UTC)


def main() -> None:
    """Make a store, read it both ways by turns, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--kilobytes", type=int, default=2048, help="of an object, on the average")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-fixity-") as name:
        folder = Path(name)
        length = _fill(folder, asked.objects, asked.kilobytes * 1024)
        files = sorted(str(path) for path in (folder / "objects").rglob("object"))
        engine = open_engine(f"sqlite:///{folder}/archive.db")
        store = FileStore(folder / "objects")
        now = AT

        def scrub() -> None:
            nonlocal now
            now += timedelta(hours=1)
            made = Scrub(
                engine,
                store,
                FixitySettings(),
                principal=PrincipalId("w" * 26),
                scratch=folder,
                now=lambda: now,
            )
            assert total(made.run(everything=True)).ok == asked.objects

        def plain() -> None:
            subprocess.run(["sha256sum", "--", *files], check=True, stdout=subprocess.DEVNULL)

        scrub()
        plain()
        ours, theirs = [], []
        for _ in range(asked.runs):
            theirs.append(_took(plain))
            ours.append(_took(scrub))
        rate = [length / 1e6 / statistics.median(taken) for taken in (ours, theirs)]
        print(f"{asked.objects} objects, {length / 1e6:.0f} MB, medians of {asked.runs} interleaved runs")
        print(f"scrub      {rate[0]:7.0f} MB/s")
        print(f"sha256sum  {rate[1]:7.0f} MB/s")
        print(f"ratio      {rate[0] / rate[1]:7.2f}")
        engine.dispose()


def _took(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _fill(folder: Path, count: int, size: int) -> int:
    """Store objects that the catalogue names; return their bytes together."""
    seeded = random.Random(1)
    engine = open_engine(f"sqlite:///{folder}/archive.db")
    migrate(engine)
    store = FileStore(folder / "objects")
    rows, length = [], 0
    for number in range(count):
        body = folder / "body"
        data = seeded.randbytes(seeded.randrange(size // 2, size * 3 // 2))
        body.write_bytes(data)
        key, sha256 = f"log/records/{number:020d}", sha256_of_bytes(data)
        stored = store.put(key, body, sha256=sha256, retain_until=AT + timedelta(days=90), now=AT)
        names = {"object_key": key, "version_id": stored.version_id, "sha256": sha256, "stored_at": AT}
        rows.append({"stream": "records", "first_sequence": number, "next_sequence": number + 1, **names})
        length += len(data)
    with writing(engine) as connection:
        connection.execute(insert(log_segment), rows)
    engine.dispose()
    return length


if __name__ == "__main__":
    main()
