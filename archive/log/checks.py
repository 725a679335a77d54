"""What `doctor` looks for in the log: events, hashes, checkpoints, segments and the outside place agree."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Row, select

from archive.checks import check_events
from archive.database import reading
from archive.doctor import Finding
from archive.errors import LogBroken, ObjectNotFound, StoreUnavailable
from archive.events import STREAMS, Stream, read_from
from archive.log.keeper import position
from archive.log.notes import open_checkpoint
from archive.log.outside import Outside
from archive.log.segments import first_of, read_segment, segments_of
from archive.log.verify_log import node_hash
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.log import checkpoint, event, log_node, log_segment

LOT = 1000
Verifiers = Callable[[Stream], str]


@dataclass(slots=True)
class _Tree:
    """A tree growing leaf by leaf: the roots of its complete subtrees, largest first."""

    size: int = 0
    _edge: list[tuple[int, bytes]] = field(default_factory=list)  # (height, hash)

    def add(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Add a leaf hash; yield (level, number, hash) of each subtree of 256 ** level leaves it completes."""
        self.size += 1
        height, value = 0, leaf
        while self._edge and self._edge[-1][0] == height:
            height, value = height + 1, node_hash(self._edge.pop()[1], value)
            if height % 8 == 0:
                yield height // 8, (self.size >> height) - 1, value
        self._edge.append((height, value))

    def root(self) -> bytes:
        """Return the root of what was added so far; there is a leaf."""
        value = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            value = node_hash(left, value)
        return value


def check_log(
    engine: Engine, store: ObjectStore, verifiers: Verifiers, outside: Outside, *, deep: bool
) -> Iterator[Finding]:
    """Compare the events with all that was ever signed of them; deep reads the vault's segments too.

    The events themselves come first (`check_events`), so what follows relies on their leaf hashes.
    """
    yield from check_events(engine)
    told, away = _told(outside)
    if away is not None:
        yield away
    for stream in STREAMS:
        with reading(engine) as connection:
            yield from _check_stream(connection, stream, verifiers(stream), told.get(stream))
            rows = connection.execute(
                select(log_segment).where(log_segment.c.stream == stream).order_by(log_segment.c.first_sequence)
            ).all()
        yield from _check_segments(engine, store, stream, rows, deep=deep)


def _told(outside: Outside) -> tuple[Mapping[Stream, bytes], Finding | None]:
    try:
        return outside.told() or {}, None
    except StoreUnavailable as error:
        return {}, Finding("log-outside-away", "outside", str(error))


def _check_stream(connection: Connection, stream: Stream, verifier: str, told: bytes | None) -> Iterator[Finding]:
    signed: dict[int, list[tuple[str, bytes]]] = {}  # (where, root) by size
    for name, note in _notes(connection, stream, told):
        try:
            one = open_checkpoint(note, verifier, name=name)
        except LogBroken as error:
            yield Finding("checkpoint-damaged", name, error.reason)
            continue
        signed.setdefault(one.size, []).append((name, one.root))
    for row in connection.execute(select(checkpoint).where(checkpoint.c.stream == stream)):
        where = f"{stream}:{row.tree_size}"
        if (where, bytes(row.root_hash)) not in signed.get(row.tree_size, []):
            yield Finding("checkpoint-damaged", where, "its row and its signed note differ")
    kept = position(connection, stream).kept
    nodes = {
        (row.level, row.number): bytes(row.hash)
        for row in connection.execute(select(log_node).where(log_node.c.stream == stream))
    }
    tree = _Tree()
    for number, leaf in _leaves(connection, stream):
        if number != tree.size:
            return  # an event is missing, which is told already; no tree can be made of the rest
        for level, place, value in tree.add(leaf):
            known = nodes.pop((level, place), None)
            if tree.size <= kept and known != value:
                told_of = "missing" if known is None else "another than the events make"
                yield Finding("log-node", f"{stream}:{level}:{place}", f"a hash of the tree is {told_of}")
        for name, value in signed.pop(tree.size, []):
            if value != tree.root():
                yield Finding("log-forked", name, f"it signs another tree of {tree.size} events than there is")
    for level, number in nodes:
        yield Finding("log-node", f"{stream}:{level}:{number}", "a hash of a tree larger than the log")
    for size, names in sorted(signed.items()):
        for name, _ in names:
            yield Finding("log-cut", name, f"{size} events were signed, {tree.size} are left")


def _notes(connection: Connection, stream: Stream, told: bytes | None) -> Iterator[tuple[str, bytes]]:
    rows = connection.execute(
        select(checkpoint.c.tree_size, checkpoint.c.note).where(checkpoint.c.stream == stream)
    )
    for row in rows:
        yield f"{stream}:{row.tree_size}", bytes(row.note)
    if told is not None:
        yield f"outside:{stream}", told


def _leaves(connection: Connection, stream: Stream) -> Iterator[tuple[int, bytes]]:
    """Yield number and leaf hash of every event."""
    rows = connection.execute(
        select(event.c.sequence, event.c.leaf_hash).where(event.c.stream == stream).order_by(event.c.sequence)
    )
    for one in rows.yield_per(LOT):
        yield one.sequence, bytes(one.leaf_hash)


def _check_segments(
    engine: Engine, store: ObjectStore, stream: Stream, rows: Iterable[Row[tuple[object, ...]]], *, deep: bool
) -> Iterator[Finding]:
    try:
        objects = {one.key: one for one in segments_of(store, stream)}
    except StoreUnavailable as error:
        yield Finding("object-unreadable", f"log/{stream}", str(error))
        return
    kept = 0
    for row in rows:
        if row.first_sequence != kept:
            yield Finding("segment-gap", f"{stream}:{kept}", f"the next segment begins at {row.first_sequence}")
        kept = row.next_sequence
        stored = objects.pop(row.object_key, None)
        if stored is None or stored.version_id != row.version_id:
            yield Finding("row-without-object", row.object_key, "the catalogue names a segment that is not there")
        elif stored.sha256 != row.sha256:
            yield Finding(
                "digest-differs", row.object_key, f"the row says {row.sha256}, the store {stored.sha256}"
            )
        elif deep:
            yield from _check_bytes(engine, store, stream, stored, row.next_sequence)
    for key in sorted(objects):
        if first_of(key) != kept:  # else it was put a moment ago; whoever publishes next adopts it
            yield Finding(
                "log-cut", key, f"the vault has a segment that the catalogue, kept to {kept}, does not know"
            )


def _check_bytes(
    engine: Engine, store: ObjectStore, stream: Stream, stored: StoredObject, next_sequence: int
) -> Iterator[Finding]:
    try:
        segment = read_segment(store, stored)
    except (LogBroken, ObjectNotFound, StoreUnavailable) as error:
        yield Finding("object-unreadable", stored.key, str(error))
        return
    with reading(engine) as connection:
        events = read_from(connection, stream, segment.first, limit=len(segment.entries))
        ours = {one.sequence: one.canonical for one in events}
        note = connection.execute(
            select(checkpoint.c.note).where(checkpoint.c.stream == stream, checkpoint.c.tree_size == next_sequence)
        ).scalar_one_or_none()
    for number, other in enumerate(segment.entries, segment.first):
        if ours.get(number, other) != other:
            yield Finding("event-changed", f"{stream}:{number}", f"{stored.key} has another event there")
            return
    if segment.next != next_sequence or note != segment.note:
        yield Finding("object-damaged", stored.key, "it does not end as the catalogue says")
