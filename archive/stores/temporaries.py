"""Names of unfinished work in a file store, which say whose it is, so that only what nobody finishes is swept.

A name is `<boot>-<process>-<start>-<random>`: the host's boot, the process id, and when that process started
(clock ticks after boot), for a process id alone is given out again.
"""

import os
import re
from pathlib import Path

from archive.identifiers import new_id

_NAME = re.compile(r"([0-9a-f]{16})-([0-9]+)-([0-9]+)-[a-z2-7]{26}")


def this_process() -> str:
    """Return the part of a name that tells this process from every other one, of this boot and before."""
    pid = os.getpid()
    return f"{_boot()}-{pid}-{_started(pid)}"


def new_name(owner: str) -> str:
    """Return a name nobody has used for an unfinished thing of an owner."""
    return f"{owner}-{new_id()}"


def is_abandoned(name: str) -> bool | None:
    """Say whether the process that made an unfinished thing is gone; None if the name is not one of ours.

    A process of another boot is gone. A store is therefore written by one host only.
    """
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    boot, pid, started = parts.groups()
    return boot != _boot() or started != _started(int(pid))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]


def _started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program stands in parentheses and may hold spaces: count after the last one.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
