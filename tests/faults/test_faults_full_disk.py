"""A real disk of 16 MiB that a batch fills: it pauses with its reason, and goes on by itself when there is room.

Needs root, to mount; run as anyone else it fails and says so.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deliveries import asked, check_whole, counts_against, deliver, home_with, told
from home_of_tests import TestHome
from sqlalchemy import select

from ingest.tables import item

pytestmark = [pytest.mark.drill, pytest.mark.embedded("store", "database")]
MIB = 1 << 20
FEW = 30
RECORDS = 70  # their packages take more than 16 MiB
# Without a floor the disk itself is met, and not the look at it.
SETTINGS = {"INGEST_FREE_FLOOR_MB": "0", "INGEST_LEASE_SECONDS": "20", "INGEST_HEARTBEAT_SECONDS": "4"}


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """Mount a disk of memory of this size on a folder."""
    assert os.geteuid() == 0, "this drill mounts a disk: run it as root"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def enlarge(folder: Path, mebibytes: int) -> None:
    """Give a mounted disk of memory more room."""
    subprocess.run(["mount", "-o", f"remount,size={mebibytes}m", folder], check=True)


def wait_until(met: Callable[[], bool], seconds: float, said: Callable[[], object]) -> float:
    """Look until something is so, and return after how many seconds it was."""
    started = time.monotonic()
    while not met():
        assert time.monotonic() - started < seconds, said()
        time.sleep(0.5)
    return time.monotonic() - started


def listed(home: TestHome) -> dict[str, Any]:
    (one,) = told(home, "batch", "list")["batches"]
    return dict(one)


def archived(home: TestHome) -> int:
    query = select(item.c.id).where(item.c.state == "archived")
    return len(asked(home, lambda c: c.execute(query).all()))


@contextmanager
def working(home: TestHome) -> Iterator["subprocess.Popen[str]"]:
    process = home.start("work", "--workers", "1", "--until-idle")
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("place", "folder"), [("store", "objects"), ("staging", "staging"), ("scratch", "scratch")]
)
def test_a_batch_that_fills_a_disk_pauses_and_goes_on_by_itself(tmp_path: Path, place: str, folder: str) -> None:
    home, lot = home_with(tmp_path, RECORDS, SETTINGS, noise=True)
    disk, moved = home.folder / folder, tmp_path / "moved"
    # What is there already goes onto the small disk; of scratch a ballast leaves less than one item needs.
    subprocess.run(["cp", "-a", f"{disk}/.", moved], check=False) if disk.exists() else moved.mkdir()
    with small_disk(disk, 16):
        subprocess.run(["cp", "-a", f"{moved}/.", disk], check=True)
        ballast = disk.parent / "ballast"
        if place != "store":
            room = os.statvfs(disk)
            ballast = disk / (".ballast" if place == "scratch" else ".tmp/ballast")
            ballast.write_bytes(os.urandom(max(0, room.f_bavail * room.f_frsize - 60 * 1024)))
        with working(home) as work:
            wait_until(lambda: listed(home)["state"] == "paused", 240, lambda: (listed(home), archived(home)))
            found, before = listed(home), archived(home)
            assert found["state_reason"] == f"{place}-full"
            assert found["waits_for"] == "room"
            assert before < RECORDS
            assert work.poll() is None
            assert counts_against(home) == 0
            if place == "store":
                enlarge(disk, 256)
            else:
                ballast.unlink()
            resumed = wait_until(lambda: archived(home) > before, 120, lambda: listed(home))
            assert work.wait(600) == 0
        print(
            f"{place}: {before} of {RECORDS} archived when 16 MiB were full, {found['bytes_free']} bytes free of"
            f" {found['bytes_needed']} needed; went on {resumed:.1f} s after there was room"
        )
        check_whole(home, lot, RECORDS)
        assert counts_against(home) == 0


def test_an_intake_that_fills_its_disk_waits_and_goes_on(tmp_path: Path) -> None:
    folder = deliver(tmp_path, FEW, noise=True)
    home = TestHome(tmp_path / "var", tmp_path / "recordings", SETTINGS)
    told(home, "init")
    disk = home.folder / "staging"
    subprocess.run(["cp", "-a", disk, tmp_path / "moved"], check=True)
    with small_disk(disk, 16):
        subprocess.run(["cp", "-a", f"{tmp_path / 'moved'}/.", disk], check=True)
        ballast = disk / ".tmp" / "ballast"
        intake = home.start("intake", str(folder))
        try:
            wait_until(lambda: bool(told(home, "batch", "list")["batches"]), 60, lambda: "no batch yet")
            room = os.statvfs(disk)  # the room there was when it began is taken by others meanwhile
            ballast.write_bytes(os.urandom(max(0, room.f_bavail * room.f_frsize - 100 * 1024)))
            wait_until(lambda: listed(home)["state"] == "paused", 120, lambda: listed(home))
            found = listed(home)
            assert found["state_reason"] == "staging-full"
            assert intake.poll() is None
            ballast.unlink()
            assert intake.wait(300) == 0
        finally:
            if intake.poll() is None:
                os.killpg(intake.pid, signal.SIGKILL)
            intake.communicate()
        print(f"intake: paused after {found['received']} of {FEW} files, {found['bytes_free']} bytes free")
        assert listed(home)["state"] == "open"
        assert home.run("work", "--until-idle").code == 0
        check_whole(home, listed(home)["batch"], FEW)
