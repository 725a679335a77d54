"""Any object store with a word on how long each of its acts took; it promises what the store inside promises."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from archive.errors import ArchiveError
from archive.stores.port import ObjectStore, StoredObject

Took = Callable[[str, str, float], None]  # act, outcome (`ok` or the error's slug), seconds


class TimedStore:
    """Passes every act on and reports it when it ends.

    A refusal that belongs to the contract (KeyTaken, ObjectLocked) is reported by its slug like a failure: which
    ones are trouble is for the reader to say. Reading reports the opening, not how long the reader kept it
    open; listing reports the first answer. Reporting never fails an act.
    """

    def __init__(self, store: ObjectStore, took: Took) -> None:
        self._store = store
        self._took = took

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """As the port says."""
        with self._timed("put"):
            return self._store.put(key, body, sha256=sha256, retain_until=retain_until, now=now)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """As the port says."""
        with self._timed("head"):
            return self._store.head(key, version_id)

    def read(self, key: str, version_id: str) -> AbstractContextManager[BinaryIO]:
        """As the port says."""
        return self._opened(key, version_id)

    @contextmanager
    def _opened(self, key: str, version_id: str) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            with self._timed("read"):
                stream = stack.enter_context(self._store.read(key, version_id))
            yield stream

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """As the port says."""
        with self._timed("read_range"):
            return self._store.read_range(key, version_id, start, length)

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """As the port says."""
        with self._timed("extend"):
            return self._store.extend(key, version_id, retain_until)

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """As the port says."""
        with self._timed("set_hold"):
            return self._store.set_hold(key, version_id, held=held)

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """As the port says."""
        listed = self._store.list_versions(prefix)
        with self._timed("list"):
            first = next(listed, None)
        if first is not None:
            yield first
            yield from listed

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """As the port says."""
        with self._timed("delete"):
            self._store.delete(key, version_id, now=now)

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """As the port says."""
        with self._timed("restore"):
            return self._store.restore(stored, body)

    def leftovers(self) -> list[str]:
        """As the port says."""
        with self._timed("leftovers"):
            return self._store.leftovers()

    def sweep(self) -> int:
        """As the port says."""
        with self._timed("sweep"):
            return self._store.sweep()

    @contextmanager
    def _timed(self, act: str) -> Iterator[None]:
        started, outcome = time.monotonic(), "failed"
        try:
            yield
            outcome = "ok"
        except ArchiveError as error:
            outcome = error.code
            raise
        finally:
            self._took(act, outcome, time.monotonic() - started)
