"""Objects in an S3 bucket with object lock: MinIO, its fork, or another that the canary lets through.

A put is one request: bytes with their digest, the lock, and `If-None-Match: *`, so that the server itself lets one
writer win. What is stored is looked at again, lock and hold included, before anyone is told: in one look, which
the canary has found to say what the locks are. A put whose answer was lost is looked for by a claim that it alone
carries. Reads, locks and deletes always name the version. A plain delete is never sent: a delete marker found in
the bucket is another's doing and stands among the leftovers.

The digest, the instant of storing and the claim are user metadata, written in the same act as the bytes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from archive.digest import sha256_of_stream
from archive.errors import (
    InvalidKey,
    ObjectDamaged,
    ObjectNotFound,
    ObjectWhole,
    RetentionShortened,
    StoreLies,
    StoreUnavailable,
)
from archive.stores.port import StoredObject
from archive.stores.rules import (
    at_least,
    check_key,
    folders_above,
    is_key,
    lock_end,
    refuse_locked,
    to_the_second,
    with_lock,
)
from archive.stores.s3_answers import server_time, trouble
from archive.stores.s3_listing import listed, uploads
from archive.stores.s3_lock import send_hold, send_lock
from archive.stores.s3_objects import RESTORES, SHA256, described, live, looked
from archive.stores.s3_put import claim, prepare_sending, refuse_taken
from archive.stores.s3_reading import PIECE, Pieces, fetch
from archive.stores.s3_requests import ACT_SECONDS, SLOWEST_BYTES_A_SECOND, Line, one_act
from archive.stores.s3_restore import put_above

CANARIES = ".canary/"  # no key begins with a dot, so what lies there is no object
_UPLOAD_AGE = timedelta(days=1)
_FOLDERS_KNOWN_MAX = 4096


class S3Store:
    """ObjectStore over one bucket. locked: the bucket has object lock (the archive's); without it objects can be
    deleted at once (staging). Safe between threads and processes."""

    def __init__(self, line: Line, *, locked: bool) -> None:
        self._line = line
        self._locked = locked
        self._free_folders: set[str] = set()

    @property
    def line(self) -> Line:
        """The way to the bucket, for those who examine the server itself."""
        return self._line

    @property
    def locked(self) -> bool:
        """Whether this store promises locks."""
        return self._locked

    def put(
        self, key: str, body: Path, *, sha256: str, retain_until: datetime | None, now: datetime
    ) -> StoredObject:
        """Store a file under a key nobody has claimed; see the port.

        Raises ObjectTooLarge above 5 GiB before anything is sent; StoreLies if what is stored is not what was.
        """
        check_key(key)
        until = None if retain_until is None else lock_end(retain_until)
        if until is not None and not self._locked:
            raise StoreUnavailable("this store has no locks (lock=none in its URL), and a lock was asked for")
        sending = prepare_sending(key, body, sha256=sha256, until=until, stored_at=to_the_second(now))
        with one_act(ACT_SECONDS + sending.length / SLOWEST_BYTES_A_SECOND):
            self._refuse_folders(key)
            refuse_taken(self._line, key)
            stored = claim(self._line, sending, locked=self._locked)
        if stored.length != sending.length or stored.sha256 != sha256:
            raise StoreLies("other-bytes", f"{key} is stored with other bytes than were sent")
        if until is not None and (stored.retain_until is None or stored.retain_until < until):
            raise StoreLies("lock-not-stamped", f"{key} is stored without the lock that its put carried")
        return stored

    def _refuse_folders(self, key: str) -> None:
        for above in folders_above(key):
            if above not in self._free_folders:
                if live(self._line, above) is not None:
                    raise InvalidKey(key)
                if len(self._free_folders) >= _FOLDERS_KNOWN_MAX:
                    self._free_folders.clear()
                self._free_folders.add(above)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Say what the store holds; see the port."""
        check_key(key)
        with one_act():
            return described(self._line, key, looked(self._line, key, version_id), locked=self._locked)

    def _asked(self, key: str, version_id: str | None) -> StoredObject:
        """As head, and the lock and the hold are asked for themselves."""
        answer = looked(self._line, key, version_id)
        return described(self._line, key, answer, locked=self._locked, asked=True)

    @contextmanager
    def read(self, key: str, version_id: str) -> Iterator[BinaryIO]:
        """Open one version for reading, seekable, fetched a MiB at a time; see the port.

        An object deleted meanwhile stays readable as far as it was fetched; further on ObjectNotFound is raised.
        """
        check_key(key)
        with one_act():
            pieces = Pieces(self._line, key, version_id)
        with BufferedReader(pieces, PIECE) as stream:
            yield cast(BinaryIO, stream)

    def read_range(self, key: str, version_id: str, start: int, length: int) -> bytes:
        """Return at most length bytes from offset start of one version; see the port."""
        if start < 0 or length < 0:
            raise ValueError("a range has no negative numbers")
        check_key(key)
        if length == 0:
            with one_act():
                looked(self._line, key, version_id)
            return b""
        return fetch(self._line, key, version_id, start, length)[0]

    def extend(self, key: str, version_id: str, retain_until: datetime) -> StoredObject:
        """Move a lock's end later; see the port. Raises StoreLies if the server says so and does not."""
        check_key(key)
        with one_act():
            stored = self._asked(key, version_id)
            wanted = with_lock(stored, retain_until).retain_until
            if wanted is None or wanted == stored.retain_until:
                return stored
            answer = send_lock(self._line, key, version_id, wanted)
            changed = self._asked(key, version_id)
        if changed.retain_until is not None and changed.retain_until >= wanted:
            if changed.retain_until > wanted and answer.status != 200:
                raise RetentionShortened(key, changed.retain_until, wanted)
            return changed
        if answer.status != 200:
            raise trouble(self._line.bucket, f"extending the lock of {key}", answer, writing=True)
        raise StoreLies("lock-not-extended", f"the lock of {key} was said to be extended and is not")

    def set_hold(self, key: str, version_id: str, *, held: bool) -> StoredObject:
        """Place or lift the hold flag; see the port. Raises StoreLies if the server says so and does not.

        One server no longer looks at holds once a lock has ended: whoever holds a record keeps extending its lock
        too, and `delete` asks for the hold before anything is sent.
        """
        check_key(key)
        with one_act():
            self._asked(key, version_id)
            answer = send_hold(self._line, key, version_id, held=held)
            if answer.status != 200:
                raise trouble(self._line.bucket, f"changing the hold of {key}", answer, writing=True)
            changed = self._asked(key, version_id)
        if changed.held != held:
            raise StoreLies("hold-not-changed", f"the hold of {key} was said to be changed and is not")
        return changed

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every version whose key starts with prefix, in key order; see the port."""
        if prefix and not is_key(prefix.removesuffix("/")):
            return
        replaced: set[str] = set()
        for found in listed(self._line, prefix):
            if not found.marker and is_key(found.key) and found.version_id not in replaced:
                try:
                    with one_act():
                        answer = looked(self._line, found.key, found.version_id)
                        if SHA256 not in answer.headers:
                            continue  # not of this program: `leftovers` names it
                        if RESTORES in answer.headers:
                            replaced.add(answer.headers[RESTORES])  # it comes after: newest first
                        stored = described(self._line, found.key, answer, locked=self._locked)
                except ObjectNotFound:
                    continue  # deleted since it was listed
                yield stored

    def delete(self, key: str, version_id: str, *, now: datetime) -> None:
        """Delete one version and free its key; see the port. The server's own clock has the last word."""
        check_key(key)
        with one_act():
            stored = self._asked(key, version_id)
            refuse_locked(stored, now)
            answer = self._line.ask("DELETE", key, {"versionId": version_id})
            if answer.status in (200, 204):
                return
            # One server says 400 and another 403 of what is locked: what it says of the lock now decides.
            again = self._asked(key, version_id)
        refuse_locked(again, server_time(answer) or datetime.now(UTC))
        raise trouble(self._line.bucket, f"deleting {key}", answer)

    def restore(self, stored: StoredObject, body: Path) -> StoredObject:
        """Put a good version above a damaged or missing one; see the port.

        The damaged version stays under its lock; the new one names it, and no listing tells of it any more.
        """
        check_key(stored.key)
        wanted = stored
        with suppress(ObjectDamaged, ObjectNotFound):
            with one_act():
                there = self._asked(stored.key, stored.version_id)
            wanted = at_least(stored, there)
            with self.read(stored.key, stored.version_id) as stream:
                if sha256_of_stream(stream)[0] == stored.sha256 == there.sha256:
                    raise ObjectWhole(stored.key, stored.version_id)
        with one_act(ACT_SECONDS + stored.length / SLOWEST_BYTES_A_SECOND):
            restored = put_above(self._line, wanted, body, locked=self._locked)
        if restored.sha256 != stored.sha256 or at_least(restored, wanted) != restored:
            raise StoreLies("other-bytes", f"{stored.key} is restored otherwise than it was sent")
        return restored

    def leftovers(self) -> list[str]:
        """Name delete markers, second versions, what this program did not put, and puts in parts never ended.

        A damaged version that was restored is evidence and is not named.
        """
        found, before, replaced = [], "", set[str]()
        for one in listed(self._line, ""):
            if one.key.startswith(CANARIES) or one.version_id in replaced:
                continue
            named = f"{one.key} (version {one.version_id})"
            if one.marker:
                found.append(f"{named}: a delete marker")
                continue
            if not is_key(one.key):
                found.append(f"{named}: no key of this program")
                continue
            headers = self._headers(one.key, one.version_id)
            if RESTORES in headers:
                replaced.add(headers[RESTORES])
            if headers and SHA256 not in headers:
                found.append(f"{named}: not put there by this program")
            elif one.key == before:
                found.append(f"{named}: a second version")
            else:
                before = one.key
        return found + [f"{one.key}: parts of an unfinished put" for one in uploads(self._line)]

    def _headers(self, key: str, version_id: str) -> Mapping[str, str]:
        with one_act():
            answer = self._line.ask("HEAD", key, {"versionId": version_id})
        return answer.headers if answer.status == 200 else {}

    def sweep(self) -> int:
        """Give up puts in parts begun a day ago or more. A put of this program leaves nothing unfinished."""
        old = [one for one in uploads(self._line) if one.begun_at < datetime.now(UTC) - _UPLOAD_AGE]
        for one in old:
            with one_act():
                answer = self._line.ask("DELETE", one.key, {"uploadId": one.upload_id})
            if answer.status not in (200, 204, 404):
                raise trouble(self._line.bucket, f"giving up an unfinished put of {one.key}", answer)
        return len(old)
