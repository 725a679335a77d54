"""The two append-only streams: audit trail, feed and leaves of a Merkle log in one.

An event's bytes are RFC 8785 JSON (at most 65,535), its leaf hash is RFC 6962's. Sequence numbers start at 0
and have no gaps: each append takes the stream's head row, so commit order is cursor order. There is no way
to change or remove an event; triggers refuse it in the database too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import rfc8785
from sqlalchemy import Connection, insert, select, update

from archive.errors import EventTooLarge, HomeNotReady
from archive.record import PrincipalId
from archive.tables.log import event, stream_head

Stream = Literal["records", "access"]
STREAMS: tuple[Stream, ...] = ("records", "access")
MAX_BYTES = 65_535  # a log entry's length is a 16-bit field in C2SP tlog-tiles bundles


@dataclass(frozen=True, slots=True)
class Event:
    """One event as stored. body is the parsed canonical JSON."""

    stream: Stream
    sequence: int
    canonical: bytes
    leaf_hash: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The event as JSON: v, stream, sequence, kind, at, principal, payload."""
        parsed: dict[str, Any] = json.loads(self.canonical)
        return parsed


def leaf_hash(canonical: bytes) -> bytes:
    """Return RFC 6962's leaf hash, SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + canonical).digest()


def instant_text(at: datetime) -> str:
    """Return an aware instant as RFC 3339 UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical_bytes(
    stream: Stream,
    sequence: int,
    kind: str,
    *,
    principal: PrincipalId,
    at: datetime,
    payload: Mapping[str, Any],
) -> bytes:
    """Return the bytes that are hashed, stored and later proven. Raises EventTooLarge."""
    body = {
        "v": 1,
        "stream": stream,
        "sequence": sequence,
        "kind": kind,
        "at": instant_text(at),
        "principal": principal,
        "payload": dict(payload),
    }
    encoded = rfc8785.dumps(body)
    if len(encoded) > MAX_BYTES:
        raise EventTooLarge(kind, len(encoded))
    return encoded


def append(
    connection: Connection,
    stream: Stream,
    kind: str,
    *,
    principal: PrincipalId,
    at: datetime,
    payload: Mapping[str, Any],
) -> int:
    """Append an event inside the caller's transaction and return its sequence number.

    The head row is taken first and held to the end of the transaction: append late, commit soon.
    """
    sequence = connection.execute(
        update(stream_head)
        .where(stream_head.c.stream == stream)
        .values(next_sequence=stream_head.c.next_sequence + 1)
        .returning(stream_head.c.next_sequence - 1)
    ).scalar_one_or_none()
    if sequence is None:
        raise HomeNotReady(f"the event stream {stream!r} has no head row; run `sohoa init`")
    encoded = canonical_bytes(stream, sequence, kind, principal=principal, at=at, payload=payload)
    connection.execute(
        insert(event).values(stream=stream, sequence=sequence, canonical=encoded, leaf_hash=leaf_hash(encoded))
    )
    return int(sequence)


def read_from(connection: Connection, stream: Stream, cursor: int, *, limit: int = 1000) -> Iterator[Event]:
    """Yield at most limit events of a stream from sequence number cursor on, in order."""
    rows = connection.execute(
        select(event.c.sequence, event.c.canonical, event.c.leaf_hash)
        .where(event.c.stream == stream, event.c.sequence >= cursor)
        .order_by(event.c.sequence)
        .limit(limit)
    )
    for row in rows:
        yield Event(stream, row.sequence, row.canonical, row.leaf_hash)
