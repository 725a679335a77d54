"""A disk in memory that notes every change made to it, so that what a power cut may leave can be worked out.

`cut_states` does that. A rename is one change: it happens wholly or not at all.
"""

import errno
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from archive.stores.filesystem import Kind

Image = frozenset[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
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

    def copy(self) -> "SimulatedDisk":
        """Return a disk that holds the same, with nothing done to it yet."""
        made = SimulatedDisk()
        made.folders = {node: names.copy() for node, names in self.folders.items()}
        made.data = self.data.copy()
        return made

    def do(self, change: Change) -> None:
        """Apply one change and remember it."""
        self.changes.append(change)
        self.apply(change)

    def make(self, change: Change) -> None:
        """Have what a change makes, under no name yet."""
        if change.act == "link":
            if change.is_folder:
                self.folders.setdefault(change.node, {})
            else:
                self.data.setdefault(change.node, b"")

    def apply(self, change: Change) -> None:
        """Apply one change."""
        self.make(change)
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
        found: dict[str, bytes | None] = {}
        waiting = [("", 0)]
        while waiting:
            above, node = waiting.pop()
            for name, child in self.folders[node].items():
                path = f"{above}/{name}"
                if child in self.folders:
                    found[path] = None
                    waiting.append((path, child))
                else:
                    found[path] = self.data[child]
        return found

    def image(self) -> Image:
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
