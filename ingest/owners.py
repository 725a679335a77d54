"""Who holds a piece of work: names of processes that say whether the process still runs."""

import os
from functools import cache
from pathlib import Path


def owner_name() -> str:
    """Return who this process is: its host, process id and start time, so that a reused pid is another."""
    return owner_name_of(os.getpid())


def owner_name_of(pid: int) -> str:
    """Return the owner name of a process of this host."""
    return f"{host_name()}:{pid}:{_start_ticks(pid)}"


def owner_is_alive(owner: str) -> bool | None:
    """Say whether the process that holds a lease still runs; None if it is not of this host."""
    host, pid, ticks = owner.split(":")
    if host != host_name():
        return None
    return _start_ticks(int(pid)) == ticks


@cache
def host_name() -> str:
    """Return the name of the space in which this process's id means something.

    It is this boot of the machine, and in it the pid namespace: two containers of one machine share the boot, and
    a process id of one says nothing in the other.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]
    return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"


def _start_ticks(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "gone"
    fields = stat.rpartition(")")[2].split()
    # A zombie has left its work already.
    return "gone" if fields[0] == "Z" else fields[19]
