"""The log's hashes as the catalogue keeps them: leaf hashes with the events, roots of complete subtrees beside."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from archive.database import insert_new
from archive.errors import LogBroken
from archive.events import Stream
from archive.log.merkle import Nodes, new_nodes
from archive.tables.log import event, log_node


def nodes_of(connection: Connection, stream: Stream) -> Nodes:
    """Return what reads a stream's kept hashes inside a transaction. It raises LogBroken where one is missing."""

    def read(level: int, first: int, count: int) -> Sequence[bytes]:
        if level == 0:
            number, value = event.c.sequence, event.c.leaf_hash
            query = select(value).where(event.c.stream == stream)
        else:
            number, value = log_node.c.number, log_node.c.hash
            query = select(value).where(log_node.c.stream == stream, log_node.c.level == level)
        found = connection.execute(query.where(number >= first, number < first + count).order_by(number))
        hashes = [bytes(one) for one in found.scalars()]
        if len(hashes) != count:
            raise LogBroken(f"{stream}:{level}:{first}", f"{len(hashes)} of {count} hashes are left")
        return hashes

    return read


def grown(connection: Connection, stream: Stream, old_size: int, new_size: int) -> Nodes:
    """Return what reads the hashes of a tree that has grown, those that became complete with it too."""
    kept = nodes_of(connection, stream)
    new = {(level, number): value for level, number, value in new_nodes(old_size, new_size, kept)}

    def read(level: int, first: int, count: int) -> Sequence[bytes]:
        numbers = range(first, first + count)
        known = next((number for number in numbers if (level, number) in new), first + count)
        before = kept(level, first, known - first) if known > first else []
        return [*before, *(new[level, number] for number in range(known, first + count))]

    return read


def keep_grown(connection: Connection, stream: Stream, old_size: int, new_size: int) -> None:
    """Write down the roots of the subtrees that became complete when the tree grew; safe to repeat."""
    rows = [
        {"stream": stream, "level": level, "number": number, "hash": value}
        for level, number, value in new_nodes(old_size, new_size, nodes_of(connection, stream))
    ]
    insert_new(connection, log_node, rows)
