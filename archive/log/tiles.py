"""A log as static files that any web server can publish and anyone verify: C2SP tlog-tiles."""

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shutil import rmtree

from archive.errors import LogBroken, LogForked
from archive.log.merkle import TILE_HEIGHT, Nodes, root
from archive.log.verify_log import TILE, NoteInvalid, parse_checkpoint, split_bundle, tile_name

MAX_ENTRY_BYTES = 65_535
Entries = Callable[[int, int], Sequence[bytes]]
"""Reads count entries from number first on; called as entries(first, count), count 1 to 256."""


def tile_path(level: int | str, number: int, width: int = TILE) -> str:
    """Return a tile's path in a log's folder. level: a number, or "entries" for a bundle; width: 256 is full."""
    return f"tile/{tile_name(level, number, width)}"


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries one after the other, each behind its length in 2 bytes, big-endian.

    Raises OverflowError for an entry above 65,535 bytes.
    """
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(encoded: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises ValueError if it is cut off."""
    return list(split_bundle(encoded))


def write_tiles(folder: Path, size: int, entries: Entries, nodes: Nodes, note: bytes) -> None:
    """Bring a folder up to a tree of size, which note signs: bundles, tiles, and at the end its checkpoint, note.

    At any moment, and after a crash at any moment, the folder is whole under the checkpoint in it; done again, it
    goes on. Partial tiles stay until the full one is there, for those who have an older checkpoint.
    Raises OSError; LogForked for a folder with another log, or with more of this one; LogBroken if its checkpoint
    is none; ValueError for a note of another size.
    """
    if parse_checkpoint(note).size != size:
        raise ValueError(f"the checkpoint is not of a tree of {size}")
    before = _size_there(folder, size, nodes)
    changed = _Writer(folder)
    for level, first, width in _new_tiles("entries", before, size):
        changed.write(tile_path(level, first // TILE, width), encode_bundle(entries(first, width)))
    height = 0
    while size >> height * TILE_HEIGHT:
        old, new = before >> height * TILE_HEIGHT, size >> height * TILE_HEIGHT
        for _, first, width in _new_tiles(height, old, new):
            changed.write(tile_path(height, first // TILE, width), b"".join(nodes(height, first, width)))
        height += 1
    changed.sync()
    changed.write("checkpoint", note)
    changed.sync()
    changed.drop_partials()


def _size_there(folder: Path, size: int, nodes: Nodes) -> int:
    """Return the size of the log in a folder, a beginning of ours; 0 for none."""
    path = folder / "checkpoint"
    try:
        there = parse_checkpoint(path.read_bytes())
    except FileNotFoundError:
        return 0
    except NoteInvalid as error:
        raise LogBroken(str(path), str(error)) from error
    if there.size > size:
        raise LogForked(str(path), f"it is of {there.size} entries, more than the {size} there are here")
    if there.root != root(there.size, nodes):
        raise LogForked(str(path), f"its first {there.size} entries are not those of this log")
    return there.size


def _new_tiles(level: int | str, old: int, new: int) -> Iterable[tuple[int | str, int, int]]:
    """Yield (level, first, width) of the tiles that grow with a level, from old to new hashes."""
    for first in range(old - old % TILE, new, TILE):
        if old < new:
            yield level, first, min(TILE, new - first)


class _Writer:
    """Writes files of a log so that each is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folders: set[Path] = set()  # with a new name in them, not synced yet
        self._full: list[Path] = []

    def write(self, name: str, data: bytes) -> None:
        """Write a file beside its place, sync it, and put it there."""
        path = self._folder / name
        self._make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(stream.fileno(), 0o644)
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._folders.add(path.parent)
        if path.parent.suffix != ".p":
            self._full.append(path)

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            self._folders.add(folder.parent)

    def sync(self) -> None:
        """Make sure that every new name outlives a loss of power."""
        for folder in self._folders:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._folders.clear()

    def drop_partials(self) -> None:
        """Remove the partial forms of the full tiles that were written."""
        for path in self._full:
            rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
