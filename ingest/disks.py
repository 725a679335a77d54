"""The places a batch is written to: how much room each has, how much a batch needs, and what a failed write says.

A folder is asked; a place on a server is not, and shows that it is full by refusing a write. What a batch needs is
an estimate on the safe side of what was measured: it keeps a batch from being begun in vain, and the pause keeps
one that was begun all the same from losing anything.
"""

import errno
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, func, select

from archive.disk_faults import Fault, fault_of
from archive.errors import StoreDiskFault, StoreFull, StoreReadOnly, StoreUnavailable
from ingest.errors import RoomShort
from ingest.tables import item

PlaceName = Literal["store", "restricted-store", "staging", "scratch", "database"]
MIB = 1 << 20
# Bytes of a place for each byte received: a package holds the scans and the PDF/A made of them, staging the scans
# and, until the deposit, the PDF/A; scratch both and the package, of one item at a time.
STORE_SHARE, STAGING_SHARE, SCRATCH_SHARE = 2.5, 2.0, 6.0
DATABASE_BYTES_AN_ITEM = 128 * 1024
PROBE_BYTES = 64 * 1024

_FAULT_OF: Final[Mapping[type[StoreUnavailable], Fault]] = {
    StoreFull: "full",
    StoreReadOnly: "read-only",
    StoreDiskFault: "io-error",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written. known_as: what a store calls itself in an error. folder: None on a server."""

    name: PlaceName
    known_as: str
    folder: Path | None


@dataclass(frozen=True, slots=True)
class WriteFault:
    """A place that could not be written. slug: place and fault, such as `store-full`."""

    place: PlaceName
    fault: Fault

    @property
    def slug(self) -> str:
        """Place and fault in one word."""
        return f"{self.place}-{self.fault}"


def place_of_url(name: PlaceName, url: str) -> Place:
    """Return the place of a store's or an SQLite catalogue's URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        return Place(name, str(folder), folder)
    if parts.scheme == "sqlite":
        folder = Path(url.removeprefix("sqlite:///")).parent
        return Place(name, str(folder), folder)
    return Place(name, parts.hostname or url, None)


def free_bytes(folder: Path) -> int:
    """Return the bytes this process may still write in a folder, or in the nearest one above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def short_places(places: Iterable[Place], *, floor: int) -> list[tuple[Place, int]]:
    """Return the folders with less room than the floor, each with what it has."""
    found = []
    for place in places:
        if place.folder is not None and (free := free_bytes(place.folder)) < floor:
            found.append((place, free))
    return found


def can_write(place: Place, *, needed: int) -> bool | None:
    """Whether a folder has room for so many bytes and takes a write; None where only trying can tell."""
    if place.folder is None:
        return None
    if not place.folder.is_dir():
        return free_bytes(place.folder) >= needed
    if free_bytes(place.folder) < max(needed, PROBE_BYTES):
        return False
    try:
        with tempfile.TemporaryFile(dir=place.folder) as probe:
            probe.write(b"\0" * PROBE_BYTES)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError:
        return False
    return True


def write_fault(error: BaseException, places: Iterable[Place]) -> WriteFault | None:
    """Return which place an error of the work says cannot be written, None if it says nothing of that kind.

    A store translates its own; what the system refuses besides is scratch.
    """
    if isinstance(error, StoreUnavailable):
        fault = next((found for kind, found in _FAULT_OF.items() if isinstance(error, kind)), None)
        if fault is None:
            return None
        names = (place.name for place in places if place.known_as == error.place)
        return WriteFault(next(names, "store"), fault)
    if isinstance(error, OSError) and (found := fault_of(error)) is not None:
        return WriteFault("scratch", found)
    return None


def blame_scratch(error: Exception, places: Iterable[Place], received: Path) -> None:
    """Raise OSError instead of an error of reading if scratch has too little room for what was received.

    What fails in the jail for want of room is told in as many ways as there are libraries.
    """
    try:
        needed = item_scratch_bytes(received.stat().st_size)
    except OSError:
        return
    for place in places:
        if place.name == "scratch" and can_write(place, needed=needed) is False:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place.folder)) from error


def item_scratch_bytes(length: int) -> int:
    """Return how much scratch one item of this length may take."""
    return int(SCRATCH_SHARE * length) + MIB


def item_bytes(place: PlaceName, length: int) -> int:
    """Return how much of a place one item of this length takes at most."""
    if place == "scratch":
        return item_scratch_bytes(length)
    if place == "database":
        return DATABASE_BYTES_AN_ITEM
    return int((STAGING_SHARE if place == "staging" else STORE_SHARE) * length)


def waiting_bytes(connection: Connection) -> tuple[int, int]:
    """Return (bytes, number) of what other batches have taken in and not yet archived: room promised to them."""
    row = connection.execute(
        select(func.coalesce(func.sum(item.c.length), 0), func.count()).where(item.c.state == "waiting")
    ).one()
    return int(row[0]), int(row[1])


def require_room(
    places: Iterable[Place], lengths: list[int], *, promised: tuple[int, int] = (0, 0), floor: int
) -> None:
    """Refuse a batch of files of these lengths if a disk has no room for it beside what is promised and the floor.

    Places of one disk share its room. Levels 3-4 are not known yet: the restricted store is asked for nothing.
    Raises RoomShort for the disk that lacks most.
    """
    if not lengths:
        return
    total, count = sum(lengths), len(lengths)
    needs: dict[PlaceName, int] = {
        "store": int(STORE_SHARE * (total + promised[0])),
        "staging": int(STAGING_SHARE * total) + promised[0],
        "scratch": item_scratch_bytes(max(lengths)),
        "database": DATABASE_BYTES_AN_ITEM * (count + promised[1]),
    }
    disks: dict[int, list[Place]] = {}
    for place in places:
        if place.folder is not None and place.name in needs:
            disks.setdefault(_device(place.folder), []).append(place)
    shortest: RoomShort | None = None
    for shared in disks.values():
        folder = shared[0].folder
        assert folder is not None
        needed, free = floor + sum(needs[place.name] for place in shared), free_bytes(folder)
        if free < needed and (shortest is None or needed - free > shortest.needed - shortest.free):
            shortest = RoomShort(" + ".join(place.name for place in shared), needed, free)
    if shortest is not None:
        raise shortest


def _device(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.stat().st_dev
