"""No program started by a jailed call outlives it: the real tesseract, slow, and whoever above it is killed -9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from ocr.jail.parent import Jail
with Jail(Path(sys.argv[1]), packages=("ocr", "jailed_acts"), isolation=sys.argv[2]) as made:
    made.call("jailed_acts:read_with_program", {"side": 4000}, seconds=120)
"""


def _below(top: int) -> dict[int, str]:
    """Every living process below one, by its command."""
    found: dict[int, str] = {}
    waiting = [top]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            waiting += children
            found |= {child: _command(child) for child in children}
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(met: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    pause = 0.02
    while not met():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True


@pytest.mark.parametrize("isolation", ["best", "rlimits"])
@pytest.mark.parametrize("victim", ["worker", "zygote"])
def test_a_slow_tesseract_ends_with_whoever_above_it_is_killed(
    tmp_path: Path, isolation: Literal["best", "rlimits"], victim: str
) -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "ocr")))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), isolation],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    )
    try:

        def reading() -> bool:
            return any(command.startswith("tesseract /") for command in _below(holder.pid).values())

        assert _wait_until(reading, 60), _below(holder.pid)
        below = _below(holder.pid)
        zygotes = [
            pid for pid, command in below.items() if "ocr.jail.zygote" in command and "bwrap" not in command
        ]
        os.kill(holder.pid if victim == "worker" else min(zygotes), signal.SIGKILL)
        assert _wait_until(lambda: not any(_alive(pid) for pid in below), 1.5), {
            pid: command for pid, command in below.items() if _alive(pid)
        }
    finally:
        holder.kill()
        holder.wait()
        for pid in _below(os.getpid()):
            if "tesseract" in _command(pid):
                os.kill(pid, signal.SIGKILL)
