"""Batches of small scans for drills, and workers for them in this process."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import Engine, func, select

from archive.checks import check_events, check_leftovers, check_objects
from archive.database import open_engine, reading
from archive.doctor import examine
from archive.tables.holdings import record
from archive.tables.packages import package
from console.cli import run
from console.home import Home, utc_now
from console.settings import read_settings
from ingest.checks import check_batches, check_leases, check_scratch, check_staging
from ingest.desk import Desk
from ingest.intake import Door
from ingest.tables import item, work_item
from ingest.workman import Workman

SMALL = (300, 424)


def deliver(top: Path, count: int, *, pages: int = 1, kind: str = "png", noise: bool = False) -> Path:
    """Draw a folder of so many scans with its manifest, and record their readings beside; return the folder.

    noise: pages that hardly compress, about 120 kB each, to fill a disk with.
    """
    folder = top / "scans"
    rows = []
    for number in range(count):
        name = f"{number:04d}.{kind}"
        drawn = [scans.page(mark=f"{name} {n}", size=SMALL) for n in range(pages)]
        if noise:
            drawn = [scans.noisy(one, seed=number * 100 + n) for n, one in enumerate(drawn)]
        scans.remember(scans.save_all(drawn, folder / name), top / "recordings", [scans.LINES] * pages)
        rows.append({"file": name, "sheets": str(pages), "dossier_code": f"HS-{number // 3}"})
    write_manifest(folder, rows)
    return folder


def home_with(top: Path, count: int, settings: dict[str, str] | None = None, **kinds: Any) -> tuple[TestHome, str]:
    """Make a home with one batch of so many scans, waiting to be worked; return it and the batch."""
    folder = deliver(top, count, **kinds)
    home = TestHome(top / "var", top / "recordings", settings or {})
    home.log.touch()
    told(home, "init")
    return home, told(home, "intake", str(folder))["batch"]


@contextmanager
def desk_of(home: TestHome, **changes: Any) -> Iterator[Desk]:
    """Lend a desk of a home in this process, some of its parts changed."""
    home.log.touch()
    with ExitStack() as stack:
        opened = Home.open(read_settings(home.folder, home.environment))
        stack.callback(opened.engine.dispose)
        desk = opened.desk()
        stack.callback(desk.close)
        yield replace(desk, **changes)


@contextmanager
def door_of(home: TestHome, **changes: Any) -> Iterator[Door]:
    """Lend what intake needs of a home in this process, some of its parts changed."""
    with desk_of(home) as desk:
        door = Door(
            engine=desk.engine,
            staging=desk.staging,
            reader=desk.reader,
            seal=desk.seal,
            settings=desk.settings,
            principal=desk.principal,
            scratch=desk.scratch,
            now=desk.now,
        )
        yield replace(door, **changes)


@contextmanager
def workman_of(home: TestHome, **changes: Any) -> Iterator[Workman]:
    """Lend a worker of a home in this process."""
    with desk_of(home, **changes) as desk:
        yield Workman(desk)


def asked(home: TestHome, question: Callable[[Any], Any]) -> Any:
    """Ask a home's catalogue something."""
    engine = home.engine()
    with reading(engine) as connection:
        answer = question(connection)
    engine.dispose()
    return answer


def told(home: TestHome, *arguments: str, code: int = 0) -> Any:
    """Run a command in this process, which starts none, and return its JSON document."""
    out = io.StringIO()
    engines: list[Engine] = []  # a process of its own would leave them to its end
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(io.StringIO()) as err:
        for name, value in home.environment.items():
            patch.setenv(name, value)

        def remembered(url: str, *, password: str | None = None) -> Engine:
            engines.append(open_engine(url, password=password))
            return engines[-1]

        patch.setattr("console.home.open_engine", remembered)
        found = run([*arguments, "--json"])
    for engine in engines:
        engine.dispose()
    assert found == code, err.getvalue()
    return json.loads(out.getvalue())


def faults(home: TestHome) -> set[str]:
    """Return the faults `doctor` names, run in this process."""
    opened = Home.open(read_settings(home.folder, home.environment))
    try:
        store, staging, now = opened.store(), opened.staging(), utc_now()
        found = examine(
            [
                lambda: check_objects(opened.engine, store, deep=True),
                lambda: check_leftovers(store, "objects"),
                lambda: check_leftovers(staging, "staging"),
                lambda: check_events(opened.engine),
                lambda: check_leases(opened.engine, now=now),
                lambda: check_batches(opened.engine),
                lambda: check_staging(opened.engine, staging),
                lambda: check_scratch(opened.settings.ingest.scratch),
            ]
        )
    finally:
        opened.engine.dispose()
    return {f"{one.fault} {one.subject}" for one in found}


def states(home: TestHome) -> Counter[str]:
    """Count a home's items by state."""
    return Counter(asked(home, lambda c: list(c.execute(select(item.c.state)).scalars())))


def counts_against(home: TestHome) -> int:
    """Sum what is counted against any work: deaths, interruptions, failures."""
    summed = func.sum(work_item.c.deaths + work_item.c.interruptions + work_item.c.failures)
    return int(asked(home, lambda c: c.execute(select(summed)).scalar_one()))


def check_whole(home: TestHome, batch: str, count: int) -> None:
    """Every item archived once: one record, package and digest each; the batch balances, doctor is clean."""
    receipt = told(home, "batch", "receipt", batch)
    assert Counter(i["state"] for i in receipt["items"]) == {"archived": count}
    assert receipt["balanced"]
    deposited = select(package.c.sha256).where(package.c.state == "deposited")
    shas = asked(home, lambda c: list(c.execute(deposited).scalars()))
    assert (len(shas), len(set(shas))) == (count, count)
    live = select(func.count()).select_from(record).where(record.c.state == "candidate")
    assert asked(home, lambda c: c.execute(live).scalar_one()) == count
    assert faults(home) == set()
