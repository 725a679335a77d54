"""Objects as plain files: one folder per object, readable without any program; docs/storage.md has the layout.

A put, step by step; until step 4 nothing can be seen, after step 5 nothing can be lost:

1. refuse a key that is taken, before any byte is copied;
2. copy the bytes into a folder under `.tmp`, hashing them, and compare; write what is known of them beside;
3. sync both files, then their folder;
4. alone in the store: look at the key again, make the folders above it, rename the folder onto the key. The
   rename is the claim: a folder that holds anything is never replaced by it;
5. sync every folder above, also those found there: whoever made them may not have synced them yet.

A lock or a hold is changed by replacing `about.json` whole. Deleting renames the folder back under `.tmp`
first, so that no half-deleted object is ever seen. Locks on plain files are advisory: root can remove them.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256 as new_sha256
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

from archive.digest import CHUNK, sha256_of_stream
from archive.errors import (
    DigestMismatch,
    InvalidKey,
    KeyTaken,
    ObjectDamaged,
    ObjectNotFound,
    ObjectWhole,
)
from archive.identifiers import new_id
from archive.stores import about, file_walk
from archive.stores.file_layout import ABOUT, LOCK, OBJECT, TEMPORARIES, prepare, translated
from archive.stores.file_restore import put_aside, with_what_is_known
from archive.stores.filesystem import FileSystem, LocalFiles, write_file
from archive.stores.port import StoredObject
from archive.stores.rules import (
    check_key,
    folders_above,
    is_segment,
    lock_end,
    refuse_locked,
    to_the_second,
    with_lock,
)
from archive.stores.temporaries import is_abandoned, new_name, this_process


class FileStore:
    """ObjectStore over a folder of a local disk, made on first use. Safe between threads and processes.

    files: the file system. owner: names the process that unfinished work belongs to, asked for each time
    because a process may fork. Raises StoreUnavailable if root is no store and cannot be made one.
    """

    def __init__(
        self, root: Path, *, files: FileSystem | None = None, owner: Callable[[], str] = this_process
    ) -> None:
        self._root = root
        self._files = files or LocalFiles()
        self._owner = owner
        prepare(self._files, root, owner())

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """Store a file under a key nobody has claimed; see the port and the steps above."""
        check_key(key)
        locked_until = None if retain_until is None else lock_end(retain_until)
        stored_at = to_the_second(now)
        with translated(self._root, writing=True), ExitStack() as undo:
            self._refuse_taken(key)  # 1
            temporary = self._temporary()
            undo.callback(self._discard, temporary)
            self._files.make_folder(temporary)
            length = self._copy(body, temporary / OBJECT, key, sha256)  # 2, 3
            stored = StoredObject(key, new_id(), sha256, length, locked_until, False, stored_at)
            write_file(self._files, temporary / ABOUT, [about.about_bytes(stored)])
            self._files.sync_folder(temporary)
            self._claim(key, temporary)  # 4
            undo.pop_all()
            # 5. If this fails the object stays: another process may have found and adopted it by now. The put
            # is not acknowledged; tried again it finds its key taken and syncs again before it says so.
            self._sync_above(key)
        return self.head(key, stored.version_id)

    def _copy(self, body: Path, target: Path, key: str, sha256: str) -> int:
        digest = new_sha256()
        length = 0

        def chunks(source: BinaryIO) -> Iterator[bytes]:
            nonlocal length
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                length += len(chunk)
                yield chunk
            if digest.hexdigest() != sha256:
                raise DigestMismatch(key, sha256, digest.hexdigest())

        with body.open("rb") as source:
            write_file(self._files, target, chunks(source))
        return length

    def _claim(self, key: str, temporary: Path) -> None:
        with self._alone():
            self._refuse_taken(key)
            self._make_above(key)
            self._files.rename_folder(temporary, self._root / key)

    def _make_above(self, key: str) -> None:
        for above in reversed(list(folders_above(key))):
            with suppress(FileExistsError):
                self._files.make_folder(self._root / above)

    def _refuse_taken(self, key: str) -> None:
        if any(self._is_object(above) for above in folders_above(key)):
            raise InvalidKey(key)
        folder = self._root / key
        if self._is_object(key):
            self._sync_above(key)  # who is told that the key is taken may rely on the object there
            raise KeyTaken(key)
        if self._files.kind(folder) == "folder" and any(
            is_segment(name) and self._files.kind(folder / name) == "folder" for name in self._files.names(folder)
        ):
            raise InvalidKey(key)

    def _is_object(self, key: str) -> bool:
        return any(self._files.kind(self._root / key / name) == "file" for name in (ABOUT, OBJECT))

    def _sync_above(self, key: str) -> None:
        for above in folders_above(key):
            self._files.sync_folder(self._root / above)
        self._files.sync_folder(self._root)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from claiming, changing or deleting meanwhile: one lock for the store, held for moments."""
        with self._files.exclusive(self._root / LOCK):
            yield

    def _temporary(self) -> Path:
        return self._root / TEMPORARIES / new_name(self._owner())

    def _discard(self, path: Path) -> None:
        """Remove unfinished work if that is possible; what stays is swept when this process is gone."""
        with suppress(OSError):
            if self._files.kind(path) == "folder":
                for name in self._files.names(path):
                    self._files.remove_file(path / name)
                self._files.remove_folder(path)
            else:
                self._files.remove_file(path)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Say what is stored under a key; see the port. A damaged about.json is StoreUnavailable."""
        check_key(key)
        return self._find(key, version_id)

    def _find(self, key: str, version_id: str | None) -> StoredObject:
        found = file_walk.look(self._files, self._root, key)
        if found is None or version_id not in (None, found.version_id):
            raise ObjectNotFound(key, version_id)
        return found

    @contextmanager
    def read(self, key: str, version_id: str) -> Iterator[BinaryIO]:
        """Open one version for reading, seekable; see the port. A file cut short is StoreUnavailable."""
        check_key(key)
        with self._open(key, version_id) as stream:
            yield file_walk.guarded(self._files, stream, self._root, key)

    def _open(self, key: str, version_id: str) -> BinaryIO:
        self._find(key, version_id)
        with translated(self._root), ExitStack() as undo:
            try:
                stream = undo.enter_context(self._files.open(self._root / key / OBJECT))
            except FileNotFoundError:
                self._find(key, version_id)  # raises ObjectNotFound if it was deleted this moment
                raise ObjectDamaged(key, "its bytes are gone") from None
            length = stream.seek(0, SEEK_END)
            stream.seek(0)
            # Looked at again: the file opened is that version's only if it was there before and after.
            stored = self._find(key, version_id)
            if length != stored.length:
                raise ObjectDamaged(key, f"{length} bytes are left of {stored.length}")
            undo.pop_all()
            return stream

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """Return at most length bytes from offset start, reading no others; see the port."""
        if start < 0 or length < 0:
            raise ValueError("a range has no negative numbers")
        with self.read(key, version_id) as stream:
            stream.seek(start)
            return stream.read(length)

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """Move a lock's end later; see the port."""
        return self._change(key, version_id, lambda stored: with_lock(stored, retain_until))

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """Place or lift the hold flag; see the port."""
        return self._change(key, version_id, lambda stored: replace(stored, held=held))

    def _change(self, key: str, version_id: str, change: Callable[[StoredObject], StoredObject]) -> StoredObject:
        check_key(key)
        with translated(self._root, writing=True), self._alone(), ExitStack() as undo:
            stored = self._find(key, version_id)
            changed = change(stored)
            if changed != stored:
                temporary = self._temporary()
                undo.callback(self._discard, temporary)
                write_file(self._files, temporary, [about.about_bytes(changed)])
                self._files.replace_file(temporary, self._root / key / ABOUT)
                undo.pop_all()
            # Without a change too: who made it may have died before syncing it.
            self._files.sync_folder(self._root / key)
        return changed

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every version whose key starts with prefix, in key order; the damaged ones `leftovers` names."""
        return file_walk.walk(self._files, self._root, prefix)

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """Delete one version that is neither held nor locked; see the port. Its key is free again."""
        check_key(key)
        temporary = self._temporary()
        with translated(self._root, writing=True):
            with self._alone():
                refuse_locked(self._find(key, version_id), now)
                self._files.rename_folder(self._root / key, temporary)
                self._files.sync_folder((self._root / key).parent)
                self._files.sync_folder(self._root / TEMPORARIES)
                with suppress(OSError):  # up to the first folder that still holds something
                    for above in folders_above(key):
                        self._files.remove_folder(self._root / above)
            self._discard(temporary)

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """Put good bytes in the place of a damaged or missing version; see the port.

        The new bytes are written whole and synced first. Then, alone in the store, what is damaged is moved under
        `.damaged` and the new folder onto the key. A crash between the two leaves a missing object, which is
        restored like any other.
        """
        key = stored.key
        check_key(key)
        with translated(self._root), ExitStack() as undo:
            self._refuse_whole(stored)
            temporary = self._temporary()
            undo.callback(self._discard, temporary)
            self._files.make_folder(temporary)
            self._copy(body, temporary / OBJECT, key, stored.sha256)
            with self._alone():
                kept = with_what_is_known(self._files, self._root, stored)
                write_file(self._files, temporary / ABOUT, [about.about_bytes(kept)])
                self._files.sync_folder(temporary)
                put_aside(self._files, self._root, key)
                self._make_above(key)
                self._files.rename_folder(temporary, self._root / key)
            undo.pop_all()
            self._sync_above(key)
        return self.head(key, kept.version_id)

    def _refuse_whole(self, stored: StoredObject) -> None:
        """Raise ObjectWhole if the version is, KeyTaken if another object has its key."""
        with suppress(ObjectDamaged, ObjectNotFound):
            there = self._find(stored.key, None)
            if there.version_id != stored.version_id:
                raise KeyTaken(stored.key)
            with self.read(stored.key, stored.version_id) as stream:
                if sha256_of_stream(stream)[0] == stored.sha256 == there.sha256:
                    raise ObjectWhole(stored.key, stored.version_id)

    def leftovers(self) -> list[str]:
        """Name what is no whole object nor part of one, relative to the store; live work is not named."""
        return list(file_walk.strays(self._files, self._root))

    def sweep(self) -> int:
        """Remove unfinished work whose process is gone; return how many pieces. Never touches an object."""
        swept = 0
        with translated(self._root):
            for name in self._files.names(self._root / TEMPORARIES):
                if is_abandoned(name):
                    swept += self._sweep(self._root / TEMPORARIES / name)
        return swept

    def _sweep(self, path: Path) -> int:
        try:
            if self._files.kind(path) == "folder":
                # Renamed before it is emptied: were its owner alive after all, its put fails and leaves nothing.
                mine = self._temporary()
                self._files.rename_folder(path, mine)
                path = mine
        except FileNotFoundError:
            return 0  # another sweep was faster
        self._discard(path)
        return int(self._files.kind(path) is None)
