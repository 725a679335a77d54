"""Disks that are full, read-only or failing, at every single write: a pause with its reason, and nothing lost.

The store and staging fail behind their file-system port here, at every k-th change of one deposit, one intake and
one copy, for every k there is.
"""

import errno
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from copy_desk import as_caller, copy_rows, form_of, open_desk
from deliveries import (
    asked,
    check_whole,
    counts_against,
    deliver,
    desk_of,
    door_of,
    faults,
    home_with,
    states,
    told,
)
from failing_files import FailingFiles
from holdings import Holdings
from home_of_tests import TestHome
from sqlalchemy import func, select

from archive.errors import StoreDiskFault, StoreFull, StoreReadOnly
from archive.stores.file import FileStore
from ingest import waiting
from ingest.disks import Place, free_bytes, place_of_url, require_room
from ingest.errors import RoomShort
from ingest.intake import take_in
from ingest.tables import batch
from ingest.watch import look_after
from ingest.workman import Workman
from search_api.copies.issue import issue_copy
from search_api.copies.requests import request_copy

pytestmark = pytest.mark.embedded("store")  # what fails here is a local disk
MANY = 30
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
NUMBERS = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EIO: "io-error", errno.EROFS: "read-only"}


@dataclass
class Clock:
    """A clock that is an hour further each time it is told so."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def later(self) -> None:
        self.at += timedelta(hours=1)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str]:
    """A home with one scan waiting to be worked."""
    return home_with(tmp_path_factory.mktemp("disks"), 1)


def _paused(home: TestHome) -> dict[str, Any]:
    (listed,) = told(home, "batch", "list")["batches"]
    return dict(listed)


def _work_at_every_write(home: TestHome, place: str, numbers: list[int]) -> Counter[str]:
    """Have one item worked with the k-th change of a place refused, for every k; count the pauses by reason."""
    failing, clock, pauses = FailingFiles(), Clock(), Counter[str]()
    with desk_of(home, now=clock.now) as desk:
        folder = home.folder / ("objects" if place == "store" else "staging")
        desk = replace(desk, **{place: FileStore(folder, files=failing)})
        workman = Workman(desk)
        at = 0
        while True:
            at += 1
            clock.later()
            failing.arm(at, numbers[at % len(numbers)])
            workman.run(until_idle=True)
            if not failing.failed:
                break
            if states(home) == {"archived": 1}:
                continue  # refused after the deposit: its staging is released by the next run
            found = _paused(home)
            fault = NUMBERS[failing.number]
            assert (found["state"], found["state_reason"], found["waits_for"]) == (
                "paused",
                f"{place}-{fault}",
                "room",
            )
            assert (states(home), counts_against(home)) == ({"waiting": 1}, 0)
            assert not workman.work_one()
            pauses[found["state_reason"]] += 1
            assert [one for one in FileStore(folder).leftovers() if not one.startswith(".tmp/")] == []
            clock.later()
            assert look_after(desk.engine, desk.settings, now=clock.now()).resumed == 1
            clock.later()
    assert states(home) == {"archived": 1}
    assert list(home.staging().list_versions()) == []
    return pauses


def test_a_deposit_refused_at_every_write_of_its_store_in_turn_is_made_once(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    home = taken[0].copy(tmp_path / "var")
    pauses = _work_at_every_write(home, "store", list(NUMBERS))
    assert sum(pauses.values()) >= 12, pauses
    check_whole(home, taken[1], 1)
    assert len(home.read_log()) == 1  # the page was read once, however often the disk refused


def test_a_deposit_refused_at_every_write_of_staging_in_turn_is_made_once(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    home = taken[0].copy(tmp_path / "var")
    pauses = _work_at_every_write(home, "staging", list(NUMBERS))
    assert sum(pauses.values()) >= 8, pauses
    check_whole(home, taken[1], 1)


def test_an_intake_refused_at_every_write_of_staging_in_turn_takes_each_file_once(
    taken: tuple[TestHome, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder = taken[0].copy(tmp_path / "var"), deliver(tmp_path / "more", 2)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.0)
    failing, clock, at = FailingFiles(), Clock(), 1
    staging = FileStore(home.folder / "staging", files=failing)
    failing.arm(at)

    def go_on() -> None:
        nonlocal at
        clock.later()
        if failing.failed:
            at += 1
            failing.arm(at, list(NUMBERS)[at % len(NUMBERS)])

    with door_of(home, now=clock.now, staging=staging) as door:
        found = take_in(door, folder, manifest_path=None, unit=None, operator=None, go_on=go_on)
    assert at > 10
    assert found.items == 2
    receipt = told(home, "batch", "receipt", found.batch_id)
    assert (receipt["state"], receipt["received"], receipt["waiting"], receipt["balanced"]) == ("open", 2, 2, True)
    assert len(list(home.staging().list_versions(f"staging/{found.batch_id}/"))) == 2
    assert faults(home) == set()


def test_a_copy_refused_at_every_write_of_its_store_in_turn_is_issued_under_its_first_number(
    tmp_path: Path,
) -> None:
    held = Holdings(tmp_path / "home", NOW)
    officer = as_caller(held, held.principal("officer", "so-a"))
    desk = open_desk(held.folder, lambda: NOW)
    failing, at = FailingFiles(), 0
    desk = replace(desk, store=FileStore(held.folder / "objects", files=failing))
    request = request_copy(desk, officer, form_of(held.deposit()), idempotency_key=None).id
    while True:
        at += 1
        failing.arm(at, list(NUMBERS)[at % len(NUMBERS)])
        try:
            issued = issue_copy(desk, request)
        except (StoreFull, StoreReadOnly, StoreDiskFault):
            assert failing.failed
            (row,) = copy_rows(desk)
            assert (row.status, row.number) == ("reserved", 1)
            continue
        break
    assert at > 10
    (row,) = copy_rows(desk)
    assert (row.status, row.number, row.serial) == ("issued", 1, issued.serial)
    assert len(list(FileStore(held.folder / "objects").list_versions("copies/"))) == 1
    desk.engine.dispose()
    held.engine.dispose()


def test_a_batch_there_is_no_room_for_is_refused_before_it_begins_with_the_bytes_it_needs(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    home, folder = taken[0].copy(tmp_path / "var"), deliver(tmp_path / "more", 2)
    free = free_bytes(home.folder)
    full = replace(home, settings={"INGEST_FREE_FLOOR_MB": str((free >> 20) + 1000)})
    before = asked(home, lambda c: c.execute(select(func.count()).select_from(batch)).scalar_one())
    answer = told(full, "intake", str(folder), code=2)
    assert answer["error"] == "room-short"
    needed, has = (int(number) for number in re.findall(r"\d{6,}", answer["message"]))
    assert needed - has >= 500 << 20
    assert has == pytest.approx(free, rel=0.1)  # other work on this disk goes on meanwhile
    assert asked(home, lambda c: c.execute(select(func.count()).select_from(batch)).scalar_one()) == before


def test_room_is_asked_of_each_disk_once_for_all_that_lies_on_it(tmp_path: Path) -> None:
    places = [place_of_url("store", (tmp_path / "o").as_uri()), place_of_url("staging", (tmp_path / "s").as_uri())]
    free = free_bytes(tmp_path)
    require_room(places, [free // 6], floor=0)
    with pytest.raises(RoomShort) as short:
        require_room(places, [free // 4], floor=0)
    assert short.value.needed > short.value.free
    require_room([Place("store", "records", None)], [free * 9], floor=0)  # a server's room is its own to know


def test_below_the_floor_batches_are_paused_and_go_on_above_it(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    home = taken[0].copy(tmp_path / "var")
    clock = Clock()
    with desk_of(home, now=clock.now) as desk:
        high = replace(desk.settings, free_floor_bytes=free_bytes(home.folder) + (1 << 34))
        assert look_after(desk.engine, high, now=clock.now()).paused == 1
        found = _paused(home)
        assert (found["state"], found["state_reason"], found["bytes_needed"]) == (
            "paused",
            "store-full",
            high.free_floor_bytes,
        )
        assert not Workman(replace(desk, settings=high)).work_one()
        assert look_after(desk.engine, high, now=clock.now()).resumed == 0
        assert look_after(desk.engine, desk.settings, now=clock.now()).resumed == 1
        assert Workman(desk).run(until_idle=True) == 1
    check_whole(home, taken[1], 1)


def test_a_person_s_pause_is_not_lifted_by_the_system(taken: tuple[TestHome, str], tmp_path: Path) -> None:
    home = taken[0].copy(tmp_path / "var")
    with desk_of(home) as desk:
        high = replace(desk.settings, free_floor_bytes=1 << 50)
        assert look_after(desk.engine, high, now=desk.now()).paused == 1
        told(home, "batch", "pause", taken[1], "--reason", "Chờ")
        assert look_after(desk.engine, desk.settings, now=desk.now()).resumed == 0
        assert _paused(home)["waits_for"] == "a-person"


def _refused_below(home: TestHome, below: Path, number: int, library: Path) -> dict[str, Any]:
    """Work a home in a process whose every write below a folder is refused in turn; return what it says."""
    source = Path(__file__).with_name("refuse.c")
    if not library.exists():
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "tests"))
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("disk_driver.py")),
            str(home.folder),
            str(below),
            str(number),
        ],
        env={**home.environment, "LD_PRELOAD": str(library), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.drill
@pytest.mark.parametrize(
    ("place", "number", "said"),
    [
        ("scratch", errno.ENOSPC, {"scratch-full"}),
        ("scratch", errno.EIO, {"scratch-io-error"}),
        ("archive.db", errno.ENOSPC, set()),  # what cannot be written down is waited for
        ("archive.db", errno.EIO, set()),
    ],
)
@pytest.mark.embedded("database")
def test_a_deposit_refused_at_every_system_call_of_a_place_in_turn_is_made_once(
    tmp_path: Path, place: str, number: int, said: set[str]
) -> None:
    home, lot = home_with(tmp_path, MANY)
    found = _refused_below(home, home.folder / place, number, tmp_path / "refuse.so")
    print(f"{place} {errno.errorcode[number]}: {found}")
    assert found["refused"] >= 5
    assert found["counted"] == 0
    assert found["left"] > 0, "every item was done before an attempt met no refusal"
    assert set(found["pauses"]) == said
    check_whole(home, lot, MANY)
