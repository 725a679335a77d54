"""Segments: the log's events as objects of the vault, each closed by the checkpoint of the tree it completes.

A segment is a row of blobs, each after its length as two bytes, big-endian, as in C2SP tlog-tiles entry bundles:
first the checkpoint (a signed note), then the canonical bytes of every event from the one its key names on. Made
again from the same events it is the same bytes, for its signature is deterministic: an attempt that was
interrupted is known again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archive.errors import LogBroken
from archive.events import Stream
from archive.keys import LOG
from archive.log.tiles import decode_bundle, encode_bundle
from archive.stores.port import ObjectStore, StoredObject

MOST_LEAVES = 1000  # events in one segment
MOST_BYTES = 8 << 20  # bytes of events in one segment, but for a single event


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment holds: the events from number first on, and the checkpoint over them and all before."""

    first: int
    note: bytes
    entries: tuple[bytes, ...]

    @property
    def next(self) -> int:
        """The sequence number of the first event behind it: the size of the tree its checkpoint signs."""
        return self.first + len(self.entries)

    def encoded(self) -> bytes:
        """Return the object's bytes."""
        return encode_bundle([self.note, *self.entries])


def decode_segment(first: int, encoded: bytes, *, name: str) -> Segment:
    """Return what an object says; name: its key. Raises LogBroken for what is no segment."""
    try:
        note, *entries = decode_bundle(encoded)
    except ValueError as error:
        raise LogBroken(name, f"no segment of a log: {error}") from error
    if not entries:
        raise LogBroken(name, "a segment without an event")
    return Segment(first, note, tuple(entries))


def read_segment(store: ObjectStore, stored: StoredObject) -> Segment:
    """Read a segment from the vault. Raises LogBroken, ObjectNotFound, StoreUnavailable."""
    first = first_of(stored.key)
    with store.read(stored.key, stored.version_id) as stream:
        return decode_segment(first, stream.read(), name=stored.key)


def first_of(key: str) -> int:
    """Return the sequence number that a segment's key names. Raises LogBroken."""
    last = key.rpartition("/")[2]
    if not last.isdecimal() or len(last) != 20:
        raise LogBroken(key, "no segment's key")
    return int(last)


def segments_of(store: ObjectStore, stream: Stream) -> Iterator[StoredObject]:
    """Yield a stream's segments in the vault, in the order of their events."""
    return store.list_versions(f"{LOG}{stream}/")


def fill(entries: Iterable[bytes]) -> list[bytes]:
    """Return as many events as go into one segment."""
    taken: list[bytes] = []
    size = 0
    for entry in entries:
        size += len(entry)
        if taken and (size > MOST_BYTES or len(taken) == MOST_LEAVES):
            break
        taken.append(entry)
    return taken
