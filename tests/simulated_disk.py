"""A disk in memory that forgets, at a power cut, whatever was not synced: every state it may come back in.

What a sync call covered is certain. Of the rest any part may be there: each change of a folder's names on its
own, applied or lost, in the order they were made; a file's unsynced bytes whole, lost, cut at a sector or as
zeros. A rename is one change: it happens wholly or not at all, and is certain once its target folder is synced.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from random import Random
from typing import BinaryIO, Literal

from archive.stores.filesystem import Kind

SECTOR = 512
SUBSETS_MAX = 64  # of a moment's uncertain changes, unless more are asked for; all while there are fewer
Loss = Literal["whole", "lost", "torn", "zeros"]


@dataclass(frozen=True)
class Change:
    """One act on the disk. node: what was made, moved, written or synced; folder and name: where it is now."""

    act: Literal["link", "unlink", "rename", "write", "sync"]
    node: int
    folder: int = -1
    name: str = ""
    from_folder: int = -1
    from_name: str = ""
    is_folder: bool = False
    data: bytes = b""


class SimulatedDisk:
    """FileSystem in memory. `changes` is everything done to it since it was new."""

    def __init__(self) -> None:
        self.folders: dict[int, dict[str, int]] = {0: {}}
        self.data: dict[int, bytes] = {}
        self.changes: list[Change] = []

    def do(self, change: Change) -> None:
        """Apply one change and remember it."""
        self.changes.append(change)
        if change.act == "link" and change.is_folder:
            self.folders.setdefault(change.node, {})
        elif change.act == "link":
            self.data.setdefault(change.node, b"")
        if change.act == "rename":
            self.folders[change.from_folder].pop(change.from_name, None)
        if change.act in ("link", "rename"):
            self.folders[change.folder][change.name] = change.node
        elif change.act == "unlink":
            self.folders[change.folder].pop(change.name, None)
        elif change.act == "write":
            self.data[change.node] += change.data

    def tree(self) -> dict[str, bytes | None]:
        """Return every path with its bytes, None for a folder."""

        def below(node: int, path: str) -> Iterator[tuple[str, bytes | None]]:
            for name, child in self.folders[node].items():
                yield f"{path}/{name}", self.data.get(child)
                if child in self.folders:
                    yield from below(child, f"{path}/{name}")

        return dict(below(0, ""))

    def fingerprint(self) -> frozenset[tuple[str, bytes | None]]:
        """Return what is equal for equal trees only."""
        return frozenset(self.tree().items())

    def reachable(self) -> set[int]:
        """Return every node that has a name."""
        found, waiting = set(), [0]
        while waiting:
            node = waiting.pop()
            found.add(node)
            waiting += self.folders.get(node, {}).values()
        return found

    def _find(self, path: Path) -> int | None:
        node: int | None = 0
        for name in path.parts[1:]:
            node = self.folders.get(node, {}).get(name) if node is not None else None
        return node

    def _node(self, path: Path) -> int:
        node = self._find(path)
        if node is None:
            raise _fault(errno.ENOENT, path)
        return node

    def _folder(self, path: Path) -> int:
        node = self._node(path)
        if node not in self.folders:
            raise _fault(errno.ENOTDIR, path)
        return node

    def _link(self, path: Path, *, is_folder: bool) -> int:
        folder = self._folder(path.parent)
        if path.name in self.folders[folder]:
            raise _fault(errno.EEXIST, path)
        node = 1 + len(self.folders) + len(self.data)
        self.do(Change("link", node, folder, path.name, is_folder=is_folder))
        return node

    def kind(self, path: Path) -> Kind | None:
        node = self._find(path)
        if node is None:
            return None
        return "folder" if node in self.folders else "file"

    def names(self, folder: Path) -> list[str]:
        return list(self.folders[self._folder(folder)])

    def make_folder(self, path: Path, *, mode: int = 0o755) -> None:
        self._link(path, is_folder=True)

    def create(self, path: Path) -> int:
        return self._link(path, is_folder=False)

    def write(self, handle: int, data: bytes) -> None:
        self.do(Change("write", handle, data=data))

    def make_read_only(self, handle: int) -> None:
        assert handle in self.data

    def sync(self, handle: int) -> None:
        self.do(Change("sync", handle))

    def close(self, handle: int) -> None:
        assert handle in self.data

    def sync_folder(self, folder: Path) -> None:
        self.do(Change("sync", self._folder(folder)))

    def _rename(self, source: Path, target: Path) -> None:
        node, folder, from_folder = self._node(source), self._folder(target.parent), self._folder(source.parent)
        self.do(Change("rename", node, folder, target.name, from_folder, source.name))

    def rename_folder(self, source: Path, target: Path) -> None:
        there = self._find(target)
        if there is not None and self.folders.get(there) != {}:
            raise _fault(errno.EEXIST, target)
        self._rename(source, target)

    def replace_file(self, source: Path, target: Path) -> None:
        self._rename(source, target)

    def remove_file(self, path: Path) -> None:
        node = self._node(path)
        if node in self.folders:
            raise _fault(errno.EISDIR, path)
        self.do(Change("unlink", node, self._folder(path.parent), path.name))

    def remove_folder(self, path: Path) -> None:
        node = self._folder(path)
        if self.folders[node]:
            raise _fault(errno.ENOTEMPTY, path)
        self.do(Change("unlink", node, self._folder(path.parent), path.name))

    def open(self, path: Path) -> BinaryIO:
        node = self._node(path)
        if node in self.folders:
            raise _fault(errno.EISDIR, path)
        return BytesIO(self.data[node])

    def exclusive(self, path: Path) -> AbstractContextManager[None]:
        if self._find(path) is None:
            self._link(path, is_folder=False)
        return nullcontext()


def _fault(code: int, path: Path) -> OSError:
    return OSError(code, os.strerror(code), str(path))


def states_after_a_cut(changes: list[Change], subsets_max: int = SUBSETS_MAX) -> Iterator[SimulatedDisk]:
    """Yield every state, each once, that the disk may come back in when power fails after these changes."""
    synced: dict[int, int] = {}
    for position, change in enumerate(changes):
        if change.act == "sync":
            synced[change.node] = position
    # A change of names is kept by its folder, a write by its file.
    open_ = [
        position
        for position, change in enumerate(changes)
        if change.act != "sync"
        and synced.get(change.node if change.act == "write" else change.folder, -1) < position
    ]
    with_all = _replay(changes, lost=set(), loss="whole").reachable()
    with_none = _replay(changes, lost=set(open_), loss="lost").reachable()
    taken_away = {
        name: position
        for position, change in enumerate(changes)
        if position not in open_
        for name in _leaves(change)
    }
    # What happened to a node that nobody can find, whatever was lost, makes no difference, nor does a name that
    # was certainly taken away again.
    names = [
        p
        for p in open_
        if changes[p].act != "write"
        and changes[p].folder in with_all | with_none
        and taken_away.get((changes[p].folder, changes[p].name), -1) < p
    ]
    writes = {p for p in open_ if changes[p].act == "write"}
    losses: tuple[Loss, ...] = ("whole", "lost", "torn", "zeros") if writes else ("whole",)
    seen = set()
    for lost, loss in product(_subsets(names, subsets_max), losses):
        state = _replay(changes, lost=lost | writes, loss=loss)
        fingerprint = state.fingerprint()
        if fingerprint not in seen:
            seen.add(fingerprint)
            yield state


def _leaves(change: Change) -> list[tuple[int, str]]:
    """Return the folder and name that no longer lead anywhere after a change."""
    if change.act == "rename":
        return [(change.from_folder, change.from_name)]
    return [(change.folder, change.name)] if change.act == "unlink" else []


def _subsets(positions: list[int], subsets_max: int) -> list[set[int]]:
    """Return all subsets; of many positions: none, all, each alone, all but each, all from each on, some drawn."""
    if 2 ** len(positions) <= subsets_max:
        return [
            {position for bit, position in enumerate(positions) if chosen >> bit & 1}
            for chosen in range(2 ** len(positions))
        ]
    draw = Random(len(positions))
    chosen: Iterable[set[int]] = (
        [set(), set(positions)]
        + [{position} for position in positions]
        + [set(positions) - {position} for position in positions]
        + [set(positions[first:]) for first in range(len(positions))]
        + [{p for p in positions if draw.random() < 0.5} for _ in range(subsets_max)]
    )
    return list(chosen)


def _replay(changes: list[Change], *, lost: set[int], loss: Loss) -> SimulatedDisk:
    disk = SimulatedDisk()
    unsynced: dict[int, bytes] = {}
    for position, change in enumerate(changes):
        if position not in lost:
            if change.act != "sync":
                disk.do(change)
        elif change.act == "link" and change.is_folder:
            disk.folders.setdefault(change.node, {})
        elif change.act == "link":
            disk.data.setdefault(change.node, b"")
        elif change.act == "write":
            unsynced[change.node] = unsynced.get(change.node, b"") + change.data
    for node, data in unsynced.items():
        kept = {"whole": len(data), "lost": 0, "torn": len(data) // 2 // SECTOR * SECTOR, "zeros": 0}[loss]
        disk.data[node] = disk.data.get(node, b"") + data[:kept] + (bytes(len(data)) if loss == "zeros" else b"")
    disk.changes.clear()
    return disk
