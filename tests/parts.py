"""A part of the program as a process of its own: `sohoa serve`, `api`, `projector`, started, killed, stopped."""

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from home_of_tests import SOHOA

STOPPED_SECONDS = 60


@dataclass(frozen=True)
class Part:
    """A running part and the one JSON document it printed when it was ready."""

    process: "subprocess.Popen[str]"
    ready: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Where it answers requests, if it does."""
        return str(self.ready["url"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to its first process and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOPPED_SECONDS)

    def kill(self) -> None:
        """End it at once, with all it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def started(environment: Mapping[str, str], *command: str, log: Path | None = None) -> Iterator[Part]:
    """Start `sohoa` with a command in a process group of its own and wait until it is ready.

    log: a file for what it tells people. Ended outright at the end, unless the test ended it.
    """
    with (log or Path(os.devnull)).open("w") as told:
        process = subprocess.Popen(
            [SOHOA, *command, "--json"],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        yield Part(process, _document(process.stdout))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def _document(lines: Iterable[str]) -> dict[str, Any]:
    """Return the one JSON document a command printed, which goes on running."""
    text = ""
    for line in lines:
        text += line
        try:
            return dict(json.loads(text))
        except ValueError:
            continue
    raise AssertionError(f"it ended before it was ready: {text}")
