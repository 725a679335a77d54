"""Looking at a file store without changing it: one object, all of them in order, and what is none.

Others put, change and delete meanwhile: what vanishes between two looks was deleted, and is no fault.
"""

import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from archive.errors import ObjectDamaged, StoreUnavailable
from archive.stores import about
from archive.stores.file_layout import ABOUT, DAMAGED, LOCK, MARKER, OBJECT, TEMPORARIES, refuse_absent, translated
from archive.stores.filesystem import FileSystem
from archive.stores.port import StoredObject
from archive.stores.rules import is_key, is_segment
from archive.stores.temporaries import is_abandoned

OF_THE_STORE = {TEMPORARIES: "folder", DAMAGED: "folder", LOCK: "file", MARKER: "file"}
_NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def look(files: FileSystem, root: Path, key: str) -> StoredObject | None:
    """Return what lies under a key, None if no object does. Raises StoreUnavailable if it is damaged."""
    with translated(root):
        data = _about(files, root, key)
        if data is None and files.kind(root / key / OBJECT) == "file":
            # Once more: it may have been put between the two looks.
            data = _about(files, root, key) or b""
        if data is None:
            refuse_absent(files, root)
            return None
    found = about.read_about(data, key)
    if found is None:
        raise ObjectDamaged(key, f"its {ABOUT} is damaged or missing")
    return found


def look_quietly(files: FileSystem, root: Path, key: str) -> StoredObject | None:
    """As `look`, and None too for what is damaged."""
    try:
        return look(files, root, key)
    except StoreUnavailable:
        return None


def _about(files: FileSystem, root: Path, key: str) -> bytes | None:
    try:
        with files.open(root / key / ABOUT) as stream:
            return stream.read(about.BYTES_MAX)
    except _NO_FILE:
        return None


def walk(files: FileSystem, root: Path, prefix: str) -> Iterator[StoredObject]:
    """Yield the objects whose key starts with prefix, in key order, one folder in memory at a time.

    An object that cannot be looked at is left out, so that one damaged file does not hide all that follow;
    `strays` names it.
    """
    with translated(root):
        refuse_absent(files, root)
    above = prefix.rpartition("/")[0]
    if not above or is_key(above):
        yield from _walk(files, root, above, prefix)


def _walk(files: FileSystem, root: Path, above: str, prefix: str) -> Iterator[StoredObject]:
    names = [name for name in _names(files, root / above, root) if is_segment(name)]
    objects: set[str] = set()
    # A folder's keys all begin with its name and a slash, and `a-b` comes before `a/b`: a name stands twice in
    # the order, once as a key, once as a folder of keys.
    for candidate in sorted([*names, *(f"{name}/" for name in names)]):
        key = f"{above}/{candidate}" if above else candidate
        if candidate.endswith("/"):
            if candidate[:-1] not in objects and (key.startswith(prefix) or prefix.startswith(key)):
                yield from _walk(files, root, key[:-1], prefix)
            continue
        if not (key.startswith(prefix) or prefix.startswith(f"{key}/")):
            continue
        try:
            found = look(files, root, key)
        except StoreUnavailable:
            objects.add(candidate)
            continue
        if found is not None:
            objects.add(candidate)
            if key.startswith(prefix):
                yield found


def _names(files: FileSystem, folder: Path, root: Path) -> list[str]:
    with translated(root):
        try:
            return files.names(folder)
        except _NO_FILE:
            return []


def strays(files: FileSystem, root: Path) -> Iterator[str]:
    """Yield, relative to root, what is no whole object nor part of one, and the damaged parts of objects.

    Unfinished work of a living process is not named, nor is an empty folder: neither hides anything. Sees that
    an object's bytes are there in full length, not that they are the right ones; fixity does that.
    """
    with translated(root):
        refuse_absent(files, root)
        for name in sorted(_names(files, root / TEMPORARIES, root)):
            if is_abandoned(name) is not False:
                yield f"{TEMPORARIES}/{name}"
        for name in sorted(_names(files, root, root)):
            if OF_THE_STORE.get(name) != files.kind(root / name):
                yield from _strays_at(files, root, name)


def _strays_at(files: FileSystem, root: Path, path: str) -> Iterator[str]:
    kind = files.kind(root / path)
    if kind is None:
        return
    if kind != "folder" or not is_key(path):
        yield path
        return
    names = sorted(_names(files, root / path, root))
    if any(name in (OBJECT, ABOUT) and files.kind(root / path / name) == "file" for name in names):
        yield from _damaged_parts(files, root, path)
        yield from (f"{path}/{name}" for name in names if name not in (OBJECT, ABOUT))
        return
    for name in names:
        yield from _strays_at(files, root, f"{path}/{name}")


def _damaged_parts(files: FileSystem, root: Path, key: str) -> Iterator[str]:
    try:
        stored = look(files, root, key)
    except StoreUnavailable:
        yield f"{key}/{ABOUT}"
        return
    if stored is None:
        return
    try:
        with files.open(root / key / OBJECT) as stream:
            whole = stream.seek(0, io.SEEK_END) == stored.length
    except OSError:
        whole = look(files, root, key) is None  # deleted this moment
    if not whole:
        yield f"{key}/{OBJECT}"


class _Guarded(io.RawIOBase):
    """A file whose read errors are StoreUnavailable: a bad sector is a finding, not a crash.

    An input/output error of this file while the store's marker can be read is ObjectDamaged.
    """

    def __init__(self, files: FileSystem, stream: BinaryIO, root: Path, key: str) -> None:
        self._files = files
        self._stream = stream
        self._root = root
        self._key = key

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        with translated(self._root):
            try:
                return cast(io.RawIOBase, self._stream).readinto(buffer) or 0
            except OSError as fault:
                if fault.errno != errno.EIO:
                    raise
                with self._files.open(self._root / MARKER) as marker:
                    marker.read(1)
                raise ObjectDamaged(self._key, "the disk cannot read its bytes") from fault


def guarded(files: FileSystem, stream: BinaryIO, root: Path, key: str) -> BinaryIO:
    """Return a buffered reader over an unbuffered stream that raises StoreUnavailable where it raises OSError."""
    return cast(BinaryIO, io.BufferedReader(_Guarded(files, stream, root, key)))
