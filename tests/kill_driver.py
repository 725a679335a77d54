"""Runs commands of a home in children of its own and has them killed; started by `killing.Driver`.

Reads one JSON document a line: `command`, the words after `sohoa` or one of the acts below; `place`, where the
child is to die (`place:count`), or none; `after`, in how many seconds it is killed with its whole group, or none.
Prints for each how it ended: `signal`, or `code` with the document the command answered.
"""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive.database import writing
from console.cli import run
from console.home import Home, utc_now
from console.settings import read_settings
from ingest.checks import clean_scratch
from ingest.sweeping import sweep
from ingest.workman import Workman
from search_api.copies.issue import resume_copies


def opened() -> Home:
    return Home.open(read_settings(Path(os.environ["SOHOA_HOME"]), os.environ))


def work() -> int:
    """Be one worker until nothing is ready; what a dead one held is given back first."""
    home = opened()
    clean_scratch(home.settings.ingest.scratch)
    home.store().sweep()
    home.staging().sweep()
    with writing(home.engine) as connection:
        sweep(connection, now=utc_now(), settings=home.settings.ingest)
    desk = home.desk()
    try:
        Workman(desk).run(until_idle=True)
    finally:
        desk.close()
    return 0


def renew() -> int:
    """Extend the locks that are due."""
    opened().reconciler().round()
    return 0


def resume() -> int:
    """Go on with every copy that is reserved."""
    with opened().copy_desk() as desk:
        resume_copies(desk)
    return 0


ACTS: dict[str, Callable[[], int]] = {"one-worker": work, "renew": renew, "resume": resume}


def child(command: list[str], place: str | None, out: Path) -> None:
    """Be the child: run one command and write what it answered."""
    os.setsid()
    if place is not None:
        os.environ |= {"SOHOA_DRILL": "kill-me", "SOHOA_FAILPOINT": place}
    answered = io.StringIO()
    with out.open("w") as told, contextlib.redirect_stdout(answered):
        os.dup2(told.fileno(), 2)
        code = ACTS[command[0]]() if command[0] in ACTS else run([*command, "--json"])
    out.with_suffix(".json").write_text(answered.getvalue())
    os._exit(code)


def told_of(pid: int, after: float | None) -> dict[str, Any]:
    """Wait for a child, kill it when its time is over, and say how it ended."""
    deadline = None if after is None else time.monotonic() + after
    while True:
        done, status = os.waitpid(pid, os.WNOHANG if deadline else 0)
        if done:
            break
        if deadline and time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            deadline = None
        time.sleep(0.002)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"code": os.WEXITSTATUS(status)}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kill-driver-") as folder:
        out = Path(folder) / "told"
        for line in sys.stdin:
            asked = json.loads(line)
            out.with_suffix(".json").unlink(missing_ok=True)
            pid = os.fork()  # nothing was opened yet: the child's engine and files are its own
            if pid == 0:
                try:
                    child(asked["command"], asked["place"], out)
                except BaseException:
                    traceback.print_exc()
                    raise
                finally:
                    os._exit(70)
            ended = told_of(pid, asked["after"])
            answer = out.with_suffix(".json").read_text() if out.with_suffix(".json").exists() else ""
            said = out.read_text()[-2000:] if out.exists() else ""
            print(
                json.dumps({**ended, "answer": json.loads(answer) if answer else None, "said": said}), flush=True
            )


if __name__ == "__main__":
    main()
