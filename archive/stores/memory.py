"""Objects in this process's memory, for tests: every promise of the port but durability."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from archive.digest import sha256_of_bytes
from archive.errors import (
    DigestMismatch,
    InvalidKey,
    KeyTaken,
    ObjectNotFound,
    ObjectWhole,
    StoreUnavailable,
)
from archive.identifiers import new_id
from archive.stores.port import StoredObject
from archive.stores.rules import (
    at_least,
    check_key,
    folders_above,
    lock_end,
    refuse_locked,
    to_the_second,
    with_lock,
)


class MemoryStore:
    """ObjectStore over a dictionary. Safe to share between threads; gone with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[StoredObject, bytes]] = {}
        self._lock = Lock()

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """Store a file under a key nobody has claimed; see the port."""
        check_key(key)
        try:
            data = body.read_bytes()
        except OSError as fault:
            raise StoreUnavailable(f"the file to store cannot be read: {fault.strerror}") from fault
        stored = StoredObject(
            key=key,
            version_id=new_id(),
            sha256=sha256_of_bytes(data),
            length=len(data),
            retain_until=None if retain_until is None else lock_end(retain_until),
            held=False,
            stored_at=to_the_second(now),
        )
        with self._lock:
            self._refuse_taken(key)
            if stored.sha256 != sha256:
                raise DigestMismatch(key, sha256, stored.sha256)
            self._objects[key] = (stored, data)
        return stored

    def _refuse_taken(self, key: str) -> None:
        if key in self._objects:
            raise KeyTaken(key)
        if any(above in self._objects for above in folders_above(key)):
            raise InvalidKey(key)
        if any(other.startswith(f"{key}/") for other in self._objects):
            raise InvalidKey(key)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Say what is stored under a key; see the port."""
        return self._find(key, version_id)[0]

    def _find(self, key: str, version_id: str | None) -> tuple[StoredObject, bytes]:
        check_key(key)
        found = self._objects.get(key)
        if found is None or version_id not in (None, found[0].version_id):
            raise ObjectNotFound(key, version_id)
        return found

    def read(self, key: str, version_id: str) -> AbstractContextManager[BinaryIO]:
        """Open one version for reading, seekable; see the port."""
        return io.BytesIO(self._find(key, version_id)[1])

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """Return at most length bytes from offset start; see the port."""
        if start < 0 or length < 0:
            raise ValueError("a range has no negative numbers")
        return self._find(key, version_id)[1][start : start + length]

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """Move a lock's end later; see the port."""
        with self._lock:
            stored, data = self._find(key, version_id)
            changed = with_lock(stored, retain_until)
            self._objects[key] = (changed, data)
        return changed

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """Place or lift the hold flag; see the port."""
        with self._lock:
            stored, data = self._find(key, version_id)
            changed = replace(stored, held=held)
            self._objects[key] = (changed, data)
        return changed

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every version whose key starts with prefix, in key order."""
        with self._lock:
            found = sorted((key, entry[0]) for key, entry in self._objects.items() if key.startswith(prefix))
        for _, stored in found:
            yield stored

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """Delete one version that is neither held nor locked; see the port."""
        with self._lock:
            refuse_locked(self._find(key, version_id)[0], now)
            del self._objects[key]

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """Put good bytes in the place of a damaged or missing version; see the port. Keeps no evidence."""
        check_key(stored.key)
        data = body.read_bytes()
        if (found := sha256_of_bytes(data)) != stored.sha256:
            raise DigestMismatch(stored.key, stored.sha256, found)
        with self._lock:
            there = self._objects.get(stored.key)
            if there is not None and there[0].version_id == stored.version_id:
                if sha256_of_bytes(there[1]) == stored.sha256:
                    raise ObjectWhole(stored.key, stored.version_id)
                stored = at_least(stored, there[0])
            elif there is not None:
                raise KeyTaken(stored.key)
            self._objects[stored.key] = (stored, data)
        return stored

    def leftovers(self) -> list[str]:
        """Return nothing: memory holds objects only."""
        return []

    def sweep(self) -> int:
        """Return 0: an unfinished put leaves nothing in memory."""
        return 0
