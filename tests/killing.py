"""Kills the commands of a home, at named places and at random, and looks for what a kill may leave."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from home_of_tests import TestHome

DRIVER = Path(__file__).with_name("kill_driver.py")
DEATH_SECONDS = 5.0  # until whoever depends on a dead process is dead, too


@dataclass
class Killer:
    """Runs commands over one home in children of one process; counts its kills."""

    home: TestHome
    process: "subprocess.Popen[str]"
    kills: int = 0
    places: list[str] = field(default_factory=list)

    def run(self, *command: str) -> Any:
        """Run a command that is to do its work; return what it answered."""
        ended = self._ask(command, None, None)
        assert ended.get("code") == 0, (command, ended)
        return ended["answer"]

    def kill_at(self, place: str, *command: str, tries: int = 1, count: int = 1) -> None:
        """Run a command that is to die at a place; where it may not be there yet, several times."""
        for _ in range(tries):
            ended = self._ask(command, f"{place}:{count}", None)
            if ended.get("signal") == signal.SIGKILL:
                self.kills += 1
                self.places.append(place)
                return
            time.sleep(0.3)
        raise AssertionError(f"nothing died at {place}: {ended}")

    def kill_after(self, seconds: float, *command: str) -> Any:
        """Run a command and kill it in so many seconds; return what it answered if it was done before."""
        ended = self._ask(command, None, seconds)
        if ended.get("signal") == signal.SIGKILL:
            self.kills += 1
            return None
        assert ended["code"] == 0, (command, ended)
        return ended["answer"] or {}

    def _ask(self, command: Sequence[str], place: str | None, after: float | None) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"command": command, "place": place, "after": after}) + "\n")
        self.process.stdin.flush()
        ended: dict[str, Any] = json.loads(self.process.stdout.readline())
        return ended


@contextmanager
def killing(home: TestHome) -> Iterator[Killer]:
    """Lend a killer of a home's commands."""
    path = os.pathsep.join(str(DRIVER.parents[at]) for at in (0, 1))
    home.log.touch()
    process = subprocess.Popen(
        [sys.executable, str(DRIVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**home.environment, "PYTHONPATH": path},
    )
    try:
        yield Killer(home, process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def orphans(home: TestHome) -> list[str]:
    """Name the processes that still run for a home, once those have died that were about to."""
    until = time.monotonic() + DEATH_SECONDS
    while found := _running(home):
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return found


def _running(home: TestHome) -> list[str]:
    """A process of a home has its folder among its words, or in its environment, or works in it."""
    marks = (f"SOHOA_HOME={home.folder}\0".encode(), str(home.folder).encode())
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            if (marks[0] in (entry / "environ").read_bytes() and str(DRIVER).encode() not in words) or marks[
                1
            ] in words:
                found.append(f"{entry.name} {words.decode(errors='replace')}")
        except OSError:
            continue
    return found


def scratch_left(home: TestHome) -> list[str]:
    """Name what lies in the scratch folder."""
    folder = home.folder / "scratch"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.exists() else []
