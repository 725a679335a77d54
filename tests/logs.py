"""Logs for tests: events as the archive writes them, their stored hashes, and folders that anyone can verify."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.events import Stream, canonical_bytes
from archive.log.merkle import Nodes, new_nodes, root
from archive.log.notes import LogKey, sign_checkpoint
from archive.log.tiles import write_tiles
from archive.log.verify_log import leaf_hash
from archive.record import PrincipalId

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEY = LogKey("sohoa-test.example", bytes(range(32)))  # a key of the tests
OTHER_KEY = LogKey("sohoa-test.example", bytes(range(1, 33)))  # of the same name, and not the same


def some_entry(
    number: int, *, at: datetime | None = None, title: str = "Giấy phép", stream: Stream = "records"
) -> bytes:
    """Return the canonical bytes of event number."""
    return canonical_bytes(
        stream,
        number,
        "record.described",
        principal=PrincipalId("clerk"),
        at=at or START + timedelta(seconds=number),
        payload={
            "record": f"{number:032x}",
            "title": title,
            "ratio": number / 4 if number % 300 == 7 else None,  # a number that is not whole takes the slow way
            "sealed": number % 3 == 0,
        },
    )


def some_entries(size: int) -> list[bytes]:
    """Return the canonical bytes of the first events of a log."""
    return [some_entry(number) for number in range(size)]


class Hashes:
    """The stored hashes of a log's entries, grown at once; `read` is a reader, `reads` what it was asked."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.rows = {(0, number): leaf_hash(entry) for number, entry in enumerate(entries)}
        self.reads: list[tuple[int, int, int]] = []
        self.rows.update(
            {(level, number): value for level, number, value in new_nodes(0, len(entries), self.read)}
        )

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        """Return count hashes of a level from number first on."""
        self.reads.append((level, first, count))
        assert 1 <= count <= 256
        return [self.rows[level, number] for number in range(first, first + count)]


def write_log(folder: Path, entries: Sequence[bytes], nodes: Nodes | None = None, *, key: LogKey = KEY) -> bytes:
    """Bring a folder up to a log's entries and return the checkpoint in it."""
    read = nodes or Hashes(entries).read
    note = signed(entries, len(entries), read, key=key)
    write_tiles(folder, len(entries), lambda first, count: entries[first : first + count], read, note)
    return note


def signed(entries: Sequence[bytes], size: int, nodes: Nodes | None = None, *, key: LogKey = KEY) -> bytes:
    """Return the signed checkpoint over the first size entries."""
    return sign_checkpoint(key, "records", size, root(size, nodes or Hashes(entries[:size]).read))


def flipped(data: bytes, bit: int) -> bytes:
    """Return data with one bit changed."""
    return bytes(byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(data))


def flip_somewhere(data: bytes, chance: random.Random) -> bytes:
    """Return data with one bit changed by chance."""
    return flipped(data, chance.randrange(len(data) * 8))
