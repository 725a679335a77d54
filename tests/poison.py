"""A worker process that dies of one item, however it is told: the children of a drill's supervisor."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from console.home import Home
from console.settings import read_settings
from ingest import workman
from ingest.desk import Desk
from ingest.worklist import Claim
from ingest.workman import run_child

# The kernel's memory killer sends SIGKILL; a library's abort and an exit of one's own are others.
WAYS: Mapping[str, Callable[[], object]] = {
    "killed-by-SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "killed-by-SIGABRT": os.abort,
    "exit-7": lambda: os._exit(7),
}


def work_and_die(folder: Path, environment: Mapping[str, str], poison: Mapping[str, str]) -> None:
    """Be a worker of a home that dies of each item named, in the way named."""
    healthy = workman.process_item

    def process(desk: Desk, claim: Claim) -> object:
        if claim.item_id in poison:
            WAYS[poison[claim.item_id]]()
        return healthy(desk, claim)

    workman.process_item = process  # type: ignore[assignment]  # in this process alone
    run_child(lambda: Home.open(read_settings(folder, environment)).desk())
