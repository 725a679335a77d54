"""Rebuilds the catalogue from the vault: the log done again segment by segment, then what the log had not reached.

1. Each stream's segments in order, each in one transaction with all that its events made: their signatures, their
   place in the row and the root of the tree they complete are checked before anything of them counts.
2. Packages that lie in the vault and that no event tells of (the log reaches it up to a minute later): adopted,
   with an event of their own.

Killed anywhere it goes on where it was. What the catalogue has already must be what the vault says; nothing is
written over. The work list, requests' proofs, logins, API keys and the sealing keys are not in the vault.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from archive.database import reading, writing
from archive.doctor import Finding
from archive.errors import LogBroken, LogForked
from archive.events import STREAMS, Stream, leaf_hash, read_from
from archive.log.keeper import position, write_segment_down
from archive.log.notes import open_checkpoint
from archive.log.segments import Segment, first_of, read_segment, segments_of
from archive.log.verify_log import parse_checkpoint
from archive.rebuild.acts import ACTS, Told, Vault
from archive.rebuild.adopt import adopt_packages
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.log import checkpoint, event, log_segment, stream_head

Verifiers = Callable[
    [Stream], str
]  # the public key, as C2SP writes it, that a stream's checkpoints are signed with


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: events done again, packages adopted that no event told of, and what is not as it was."""

    events: int
    adopted: int
    problems: tuple[Finding, ...]


def rebuild_catalogue(
    engine: Engine,
    store: ObjectStore,
    verifiers: Verifiers,
    *,
    at: datetime,
    progress: Callable[[int], None] = lambda _done: None,
) -> Rebuilt:
    """Bring a migrated catalogue, empty or behind, to what the vault says. progress: told the events done so far.

    Raises LogBroken for a log that is not whole, LogForked for a catalogue or vault of another history.
    """
    vault = Vault(store)
    done = 0
    for stream in STREAMS:
        for stored in segments_of(store, stream):
            with reading(engine) as connection:
                if _is_down(connection, stream, stored):
                    continue
                _require_next(connection, stream, stored)
            segment = _checked(store, stored, verifiers(stream))
            with writing(engine) as connection:
                done += _do_again(connection, vault, stream, segment, stored)
            progress(done)
    adopted = adopt_packages(engine, vault, at=at)
    return Rebuilt(done, adopted, tuple(vault.problems))


def _is_down(connection: Connection, stream: Stream, stored: StoredObject) -> bool:
    """Say whether a segment is written down already. Raises LogForked where another was."""
    sha256 = connection.execute(
        select(log_segment.c.sha256).where(log_segment.c.stream == stream, log_segment.c.object_key == stored.key)
    ).scalar_one_or_none()
    if sha256 not in (None, stored.sha256):
        raise LogForked(stored.key, "the catalogue knows another segment there")
    return sha256 is not None


def _require_next(connection: Connection, stream: Stream, stored: StoredObject) -> None:
    kept = position(connection, stream).kept
    if first_of(stored.key) != kept:
        raise LogBroken(f"{stream}:{kept}", f"the segment from there on is missing; the next is {stored.key}")


def _checked(store: ObjectStore, stored: StoredObject, verifier: str) -> Segment:
    """Return a segment whose checkpoint is signed by this archive for the tree it says."""
    segment = read_segment(store, stored)
    signed = open_checkpoint(segment.note, verifier, name=stored.key)
    if signed.size != segment.next:
        raise LogBroken(stored.key, f"it ends before {segment.next}, its checkpoint signs {signed.size} events")
    return segment


def _do_again(connection: Connection, vault: Vault, stream: Stream, segment: Segment, stored: StoredObject) -> int:
    """Write a segment's events, those that are not there, and all that they made; return how many."""
    known = position(connection, stream).size
    ours = [one.canonical for one in read_from(connection, stream, segment.first, limit=len(segment.entries))]
    for number, (entry, other) in enumerate(zip(ours, segment.entries, strict=False), segment.first):
        if entry != other:
            raise LogForked(f"{stream}:{number}", "the catalogue has another event there than the vault")
    for number, entry in enumerate(segment.entries[len(ours) :], segment.first + len(ours)):
        told = _told(stream, number, entry)
        connection.execute(
            insert(event).values(stream=stream, sequence=number, canonical=entry, leaf_hash=leaf_hash(entry))
        )
        if stream == "records":
            act = ACTS.get(told.kind)
            if act is None:
                raise LogBroken(f"{stream}:{number}", f"an event of a kind unknown here: {told.kind}")
            act(connection, vault, told)
    if segment.next > known:
        connection.execute(
            update(stream_head).where(stream_head.c.stream == stream).values(next_sequence=segment.next)
        )
    write_segment_down(connection, stream, segment, stored, at=stored.stored_at)
    root_hash = connection.execute(
        select(checkpoint.c.root_hash).where(checkpoint.c.stream == stream, checkpoint.c.tree_size == segment.next)
    ).scalar_one()
    if parse_checkpoint(segment.note).root != bytes(root_hash):
        raise LogBroken(stored.key, "its checkpoint signs another tree than its events make")
    return len(segment.entries) - len(ours)


def _told(stream: Stream, number: int, entry: bytes) -> Told:
    try:
        body = json.loads(entry)
        if (body["stream"], body["sequence"]) != (stream, number):
            raise LogBroken(f"{stream}:{number}", f"it calls itself {body['stream']}:{body['sequence']}")
        at = datetime.fromisoformat(body["at"])
        return Told(number, body["kind"], at, body["principal"], body["payload"])
    except (ValueError, KeyError, TypeError) as error:
        raise LogBroken(f"{stream}:{number}", "no event of this archive") from error
