"""The promise every object store keeps: claimed once, locked in the same act, read by version."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoreCredentials:
    """Who we are to a store that asks; never part of a URL, never shown."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One stored version, as the store itself answers when asked (never as we remember it).

    length in bytes; sha256 lowercase hex; times are aware UTC, to the second.
    retain_until is None only in a store without locks (staging).
    """

    key: str
    version_id: str
    sha256: str
    length: int
    retain_until: datetime | None
    held: bool
    stored_at: datetime


class ObjectStore(Protocol):
    """Objects under keys, each version immutable and locked until a date.

    Keys are ASCII, `/`-separated segments of [a-z0-9._-], none beginning with a dot; no key is a prefix folder
    of another. What is no key, or would be such a folder, raises InvalidKey from every act. A lock's end with a
    fraction of a second is rounded up; an instant without a zone is a ValueError.
    """

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """Store a file under a key that nobody has claimed; digest and lock go in with the bytes.

        Durable when it returns what the store says of it when asked. Raises KeyTaken if an object is there
        (compare before adopting it), DigestMismatch if the bytes are not those announced, StoreUnavailable
        otherwise.
        """
        ...

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Say what the store holds; without a version, the only live one. Raises ObjectNotFound."""
        ...

    def read(self, key: str, version_id: str) -> AbstractContextManager[BinaryIO]:
        """Open one version for reading, seekable. Raises ObjectNotFound."""
        ...

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """Return at most length bytes from offset start of one version. Raises ObjectNotFound."""
        ...

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """Move a lock's end later; the same end again is no change. Raises RetentionShortened."""
        ...

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """Place or lift the hold flag, independent of the lock's end."""
        ...

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every version whose key starts with prefix, in key order; what is damaged `leftovers` names."""
        ...

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """Delete one version and free its key. Raises ObjectLocked while held or before its lock's end."""
        ...

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """Put good bytes in the place of a version that is damaged or gone, and return what stands there now.

        stored: what stood there, with the lock and the hold that it must have; what the store still knows of them
        is kept if it is more. The same version where the store can replace one, a new version under the same key
        where it cannot. The damaged bytes are kept aside as evidence, and are no object any more. Raises
        ObjectWhole if the version is whole (it is read before anything is done), DigestMismatch if the body is
        not it, StoreUnavailable.
        """
        ...

    def leftovers(self) -> list[str]:
        """Name what is no whole object nor part of one (torn puts, strange files, damage), for `doctor`."""
        ...

    def sweep(self) -> int:
        """Remove unfinished puts whose process is gone; return how many. Never touches an object."""
        ...
