"""Two stores behind one port: what records of sensitivity levels 3-4 have lies apart from levels 1-2 [STO-8].

The object's key says which of the two holds it, for ever: keys that begin with `restricted/` lie in the restricted
store, all others in the open one. So an object stays where it was put, whatever is set or learnt later: what was
stored before there was a restricted store is read where it lies. Without a restricted store such a key is refused
by name, never told as missing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from heapq import merge
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from archive.errors import InvalidKey, RestrictedStoreUnset, StoreUnavailable
from archive.keys import COPIES, PACKAGES, RESTRICTED, RESTRICTED_FROM, is_restricted
from archive.stores.port import ObjectStore, StoredObject

Opening = Callable[[], ObjectStore]


class SeparatedStore:
    """ObjectStore over an open store and, where there is one, a restricted one.

    restricted: opens it, when it is first needed and again until that works: while it is away, every act on its
    objects is StoreUnavailable and the open store goes on. replica: opens the store with a second copy of
    every object, in the same way; no act of the port touches it. Safe between threads if the stores are.
    """

    def __init__(self, store: ObjectStore, restricted: Opening | None, *, replica: Opening | None = None) -> None:
        self._open = store
        self._opening = restricted
        self._opened: ObjectStore | None = None
        self._replica_opening = replica
        self._replica: ObjectStore | None = None
        self._lock = Lock()

    @property
    def separates(self) -> bool:
        """Whether there is a restricted store."""
        return self._opening is not None

    def replica(self) -> ObjectStore | None:
        """Return the store of second copies; None where there is none. Raises StoreUnavailable."""
        if self._replica_opening is None:
            return None
        with self._lock:
            if self._replica is None:
                self._replica = self._replica_opening()
            return self._replica

    def sides(self) -> Iterator[ObjectStore]:
        """Yield the open store, then the restricted one if there is one. Raises StoreUnavailable."""
        yield self._open
        if self.separates:
            yield self._restricted()

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """As the port says."""
        return self._of(key).put(key, body, sha256=sha256, retain_until=retain_until, now=now)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """As the port says."""
        return self._of(key).head(key, version_id)

    def read(self, key: str, version_id: str) -> AbstractContextManager[BinaryIO]:
        """As the port says."""
        return self._of(key).read(key, version_id)

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """As the port says."""
        return self._of(key).read_range(key, version_id, start, length)

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """As the port says."""
        return self._of(key).extend(key, version_id, retain_until)

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """As the port says."""
        return self._of(key).set_hold(key, version_id, held=held)

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """As the port says, over both stores; what lies in the wrong one is left out, and `leftovers` names it."""
        sides: list[Iterator[StoredObject]] = []
        if not is_restricted(prefix):
            sides.append(one for one in self._open.list_versions(prefix) if not is_restricted(one.key))
        if self.separates and (is_restricted(prefix) or RESTRICTED.startswith(prefix)):
            sides.append(self._restricted().list_versions(max(prefix, RESTRICTED)))
        yield from merge(*sides, key=lambda one: one.key)

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """As the port says."""
        self._of(key).delete(key, version_id, now=now)

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """As the port says."""
        return self._of(stored.key).restore(stored, body)

    def leftovers(self) -> list[str]:
        """As the port says, over both stores, and each object that lies in the wrong one."""
        found = [*self._open.leftovers(), *_belongs_elsewhere(self._open, RESTRICTED)]
        if self.separates:
            restricted = self._restricted()
            strays = [*restricted.leftovers(), *_belongs_elsewhere(restricted, COPIES, PACKAGES)]
            found += [f"restricted store: {one}" for one in strays]
        return found

    def sweep(self) -> int:
        """As the port says, over both stores; of a restricted one that is away another day's sweep takes care."""
        swept = self._open.sweep()
        if self.separates:
            with suppress(StoreUnavailable):
                swept += self._restricted().sweep()
        return swept

    def _of(self, key: str) -> ObjectStore:
        if is_restricted(key):
            return self._restricted(key)
        if f"{key}/" == RESTRICTED:
            raise InvalidKey(key)  # the prefix folder of every restricted key
        return self._open

    def _restricted(self, key: str = RESTRICTED) -> ObjectStore:
        if self._opening is None:
            raise RestrictedStoreUnset(key)
        with self._lock:
            if self._opened is None:
                self._opened = self._opening()
            return self._opened


def _belongs_elsewhere(store: ObjectStore, *prefixes: str) -> Iterator[str]:
    for prefix in prefixes:
        for one in store.list_versions(prefix):
            yield f"{one.key}: belongs into the other of the two stores"


def separates(store: ObjectStore) -> bool:
    """Say whether a store keeps levels 3-4 apart; of a plain one nobody can say so."""
    return isinstance(store, SeparatedStore) and store.separates


def replica_of(store: ObjectStore) -> ObjectStore | None:
    """Return a store's store of second copies; None where there is none. Raises StoreUnavailable."""
    return store.replica() if isinstance(store, SeparatedStore) else None


def keeps_apart(store: ObjectStore, level: int) -> bool:
    """Say whether a store keeps what has this sensitivity level apart, so that its keys begin as restricted."""
    return level >= RESTRICTED_FROM and separates(store)
