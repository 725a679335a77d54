"""Puts the log into the vault, segment by segment, each closed by a signed checkpoint.

1. Look how far the catalogue is and how far the vault.
2. Take the next events, as many as go into one segment, and sign the tree that they complete.
3. Claim the segment's key with its bytes, locked. Its key names its first event, so of two who publish at once one
   wins; the other, and who comes after a crash, finds the object, compares it with the catalogue and adopts it.
4. Write down segment, checkpoint and the tree's new hashes in one transaction.
5. Tell the outside place.

What the vault has is never written over: an object that does not agree with the catalogue is LogForked.
"""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, func, select

from archive import failpoints
from archive.database import insert_new, reading, writing
from archive.digest import sha256_of_file
from archive.errors import KeyTaken, LogBroken, LogForked, LogNotSecured, StoreUnavailable
from archive.events import STREAMS, Stream, read_from
from archive.identifiers import new_id
from archive.keys import segment_key
from archive.log.merkle import root
from archive.log.nodes import grown, keep_grown, nodes_of
from archive.log.notes import LogKey, open_checkpoint, sign_checkpoint
from archive.log.outside import NOWHERE, Outside
from archive.log.segments import MOST_LEAVES, Segment, fill, read_segment
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.log import checkpoint, log_segment, stream_head

PUBLISH_SECONDS = 60.0  # nothing waits longer for its way into the vault while the program runs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream is: events in the catalogue, in the vault, and when the vault last grew."""

    stream: Stream
    size: int
    kept: int
    kept_at: datetime | None

    @property
    def waiting(self) -> int:
        """How many events are in the catalogue alone."""
        return self.size - self.kept


def position(connection: Connection, stream: Stream) -> Position:
    """Return how far a stream is."""
    size = connection.execute(
        select(stream_head.c.next_sequence).where(stream_head.c.stream == stream)
    ).scalar_one_or_none()
    kept = connection.execute(
        select(func.max(log_segment.c.next_sequence), func.max(log_segment.c.stored_at)).where(
            log_segment.c.stream == stream
        )
    ).one()
    return Position(stream, size or 0, kept[0] or 0, kept[1])


class LogKeeper:
    """Keeps the log of one archive in its vault. Safe between threads and processes.

    key: signs the checkpoints. locked_days: how long a segment is locked at first; renewal extends it. scratch: a
    folder of this process. outside: where checkpoints are told to beyond the vault.
    """

    def __init__(
        self,
        engine: Engine,
        store: ObjectStore,
        key: LogKey,
        *,
        locked_days: int,
        scratch: Path,
        now: Callable[[], datetime],
        outside: Outside = NOWHERE,
    ) -> None:
        self._engine = engine
        self._store = store
        self._key = key
        self._locked_days = locked_days
        self._scratch = scratch
        self._now = now
        self._outside = outside
        self._one_at_a_time = Lock()  # who waits here finds its events published by the one before

    def secure(self, through: int | None) -> None:
        """Return when the vault holds the records stream up to and with event number through.

        None: of an older program, whose events went in long ago. Raises LogNotSecured, LogForked, CatalogueBusy.
        """
        if through is None:
            return
        try:
            self._publish("records", through + 1)
        except StoreUnavailable as error:
            raise LogNotSecured(error.reason) from error

    def publish(self) -> None:
        """Bring both streams into the vault as far as they are.

        Raises StoreUnavailable, LogForked, CatalogueBusy.
        """
        for stream in STREAMS:
            with reading(self._engine) as connection:
                size = position(connection, stream).size
            self._publish(stream, size)

    def tend(self) -> None:
        """Publish what has waited long enough or is enough for a segment; a chore of what runs for long."""
        for stream in STREAMS:
            with reading(self._engine) as connection:
                now = position(connection, stream)
            since = (self._now() - now.kept_at).total_seconds() if now.kept_at is not None else PUBLISH_SECONDS
            # A clock set back makes it look young for long: then each turn publishes.
            if now.waiting >= MOST_LEAVES or (now.waiting and not 0 <= since < PUBLISH_SECONDS):
                self._publish(stream, now.size)
        self._outside.catch_up(self._newest_notes)

    def _publish(self, stream: Stream, size: int) -> None:
        """Publish until the vault holds size events at least."""
        with self._one_at_a_time:
            note = None
            while True:
                with reading(self._engine) as connection:
                    kept = position(connection, stream).kept
                    if kept >= size:
                        break
                    segment = self._next_segment(connection, stream, kept)
                note = self._keep(stream, segment)
        if note is not None and self._outside.quick:
            self._outside.tell(stream, note)

    def _next_segment(self, connection: Connection, stream: Stream, first: int) -> Segment:
        events = list(read_from(connection, stream, first, limit=MOST_LEAVES))
        if [one.sequence for one in events] != list(range(first, first + len(events))) or not events:
            raise LogBroken(f"{stream}:{first}", "events from there on are missing")
        entries = fill(one.canonical for one in events)
        size = first + len(entries)
        note = sign_checkpoint(self._key, stream, size, root(size, grown(connection, stream, first, size)))
        return Segment(first, note, tuple(entries))

    def _keep(self, stream: Stream, segment: Segment) -> bytes:
        """Store a segment, or adopt the one that is there, and write it down; return its checkpoint."""
        now = self._now()
        key = segment_key(stream, segment.first)
        until = now + timedelta(days=self._locked_days)
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="segment-") as body:
            body.write(segment.encoded())
            body.flush()
            sha256, _ = sha256_of_file(Path(body.name))
            try:
                stored = self._store.put(key, Path(body.name), sha256=sha256, retain_until=until, now=now)
            except KeyTaken:
                stored = self._store.head(key)
                if stored.sha256 != sha256:
                    segment = self._found(stream, stored)
        failpoints.passing("segment-put")
        self._write_down(stream, segment, stored, now)
        failpoints.passing("segment-written")
        return segment.note

    def _found(self, stream: Stream, stored: StoredObject) -> Segment:
        """Return the segment that lies where ours should go, if it tells of the same events. Raises LogForked."""
        found = read_segment(self._store, stored)
        signed = open_checkpoint(found.note, self._key.verifier(stream), name=stored.key)
        with reading(self._engine) as connection:
            ours = [one.canonical for one in read_from(connection, stream, found.first, limit=len(found.entries))]
            if len(ours) < len(found.entries):
                size = found.first + len(ours)
                raise LogForked(
                    f"{stream}:{size}",
                    f"the vault knows events up to {found.next - 1}, the catalogue ends before {size}: it was put"
                    " back to an older state; run `sohoa rebuild`",
                )
            for number, (entry, other) in enumerate(zip(ours, found.entries, strict=True), found.first):
                if entry != other:
                    raise LogForked(f"{stream}:{number}", f"{stored.key} has another event there")
            if (signed.size, signed.root) != (
                found.next,
                root(found.next, grown(connection, stream, found.first, found.next)),
            ):
                raise LogForked(f"{stream}:{found.next}", f"{stored.key} signs another tree")
        return found

    def _write_down(self, stream: Stream, segment: Segment, stored: StoredObject, now: datetime) -> None:
        with writing(self._engine) as connection:
            write_segment_down(connection, stream, segment, stored, at=now)

    def _newest_notes(self) -> dict[Stream, bytes]:
        with reading(self._engine) as connection:
            return {
                stream: bytes(note)
                for stream in STREAMS
                if (note := newest_checkpoint(connection, stream)) is not None
            }


def write_segment_down(
    connection: Connection, stream: Stream, segment: Segment, stored: StoredObject, *, at: datetime
) -> None:
    """Note that a segment is in the vault, its checkpoint, and the hashes that became complete with it."""
    where = {"stream": stream, "object_key": stored.key, "version_id": stored.version_id}
    new = insert_new(
        connection,
        log_segment,
        {
            **where,
            "first_sequence": segment.first,
            "next_sequence": segment.next,
            "sha256": stored.sha256,
            "stored_at": at,
        },
    )
    if not new:
        return  # another hand was faster
    keep_grown(connection, stream, segment.first, segment.next)
    signed = {
        **where,
        "tree_size": segment.next,
        "id": new_id(),
        "root_hash": root(segment.next, nodes_of(connection, stream)),
        "note": segment.note,
        "signed_at": at,
    }
    insert_new(connection, checkpoint, signed)


def newest_checkpoint(connection: Connection, stream: Stream) -> bytes | None:
    """Return the signed note over the largest tree of a stream; None before the first."""
    note: bytes | None = connection.execute(
        select(checkpoint.c.note)
        .where(checkpoint.c.stream == stream)
        .order_by(checkpoint.c.tree_size.desc())
        .limit(1)
    ).scalar_one_or_none()
    return note
