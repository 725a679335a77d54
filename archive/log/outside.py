"""Places beyond the vault that are told the checkpoints: who controls all else cannot take back what stands there.

One URL says which: `file:///media/log.jsonl` a file that lines are appended to, `file:///srv/log/` (with the
slash) a folder in the layout of C2SP tlog-tiles that anyone can serve and verify, `https://…` what takes a signed
note by POST. A file is told with every checkpoint; folder and address within a minute, for nobody waits for them.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import urllib3
from sqlalchemy import Engine

from archive.database import reading
from archive.errors import StoreUnavailable, UnknownUrl
from archive.events import STREAMS, Stream, read_from
from archive.log.nodes import nodes_of
from archive.log.tiles import write_tiles
from archive.log.verify_log import NoteInvalid, parse_checkpoint

SETTING = "ARCHIVE_LOG_OUTSIDE_URL"
TIMEOUT_SECONDS = 5.0
Newest = Mapping[Stream, bytes]  # the newest signed note of each stream that has one


class Outside(Protocol):
    """A place beyond the vault. quick: it may be told while somebody waits for it."""

    quick: bool

    def tell(self, stream: Stream, note: bytes) -> None:
        """Keep a checkpoint there. Raises StoreUnavailable."""
        ...

    def catch_up(self, newest: Callable[[], Newest]) -> None:
        """Tell the newest checkpoints, unless they are there. Raises StoreUnavailable."""
        ...

    def told(self) -> dict[Stream, bytes] | None:
        """Return the newest checkpoint of each stream that is there; None where it cannot be asked.

        Raises StoreUnavailable.
        """
        ...


class Nowhere:
    """No place beyond the vault is set."""

    quick = False

    def tell(self, stream: Stream, note: bytes) -> None:
        """Tell nobody."""

    def catch_up(self, newest: Callable[[], Newest]) -> None:
        """Tell nobody."""

    def told(self) -> dict[Stream, bytes] | None:
        """Say that nobody can be asked."""
        return None


NOWHERE = Nowhere()


class OutsideFile:
    """A file of JSON lines: stream, tree size and the signed note of each checkpoint, oldest first."""

    quick = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: dict[Stream, int] = {}

    def tell(self, stream: Stream, note: bytes) -> None:
        """Append a line and sync it."""
        size = _size_of(note)
        line = json.dumps({"stream": stream, "size": size, "note": note.decode()}, ensure_ascii=False)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(handle, f"{line}\n".encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as fault:
            raise StoreUnavailable(f"{self._path}: {fault.strerror}") from fault
        self._sizes[stream] = max(size, self._sizes.get(stream, 0))

    def catch_up(self, newest: Callable[[], Newest]) -> None:
        """Append what is newer than the file's last word."""
        if not self._sizes:
            self._sizes = {stream: _size_of(note) for stream, note in self.told().items()}
        for stream, note in newest().items():
            if _size_of(note) > self._sizes.get(stream, 0):
                self.tell(stream, note)

    def told(self) -> dict[Stream, bytes]:
        """Return the largest tree's note of each stream; a last line cut short by a crash counts for nothing."""
        found: dict[Stream, tuple[int, bytes]] = {}
        try:
            lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        except OSError as fault:
            raise StoreUnavailable(f"{self._path}: {fault.strerror}") from fault
        for line in lines:
            with suppress(ValueError, KeyError):
                said = json.loads(line)
                if said["size"] > found.get(said["stream"], (-1, b""))[0]:
                    found[said["stream"]] = (said["size"], said["note"].encode())
        return {stream: note for stream, (_, note) in found.items()}


class OutsideFolder:
    """A folder with one tlog-tiles log a stream, entries and all, which `verify_log.py` checks alone."""

    quick = False

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine

    def tell(self, stream: Stream, note: bytes) -> None:
        """Write the tiles that are new, then the checkpoint."""
        size = _size_of(note)
        try:
            with reading(self._engine) as connection:

                def entries(first: int, count: int) -> list[bytes]:
                    return [one.canonical for one in read_from(connection, stream, first, limit=count)]

                write_tiles(self._folder / stream, size, entries, nodes_of(connection, stream), note)
        except OSError as fault:
            raise StoreUnavailable(f"{self._folder}: {fault.strerror}") from fault

    def catch_up(self, newest: Callable[[], Newest]) -> None:
        """Bring the folder up to the newest checkpoints."""
        there = {stream: _size_of(note) for stream, note in self.told().items()}
        for stream, note in newest().items():
            if _size_of(note) > there.get(stream, 0):
                self.tell(stream, note)

    def told(self) -> dict[Stream, bytes]:
        """Return each stream's checkpoint file."""
        try:
            paths = {stream: self._folder / stream / "checkpoint" for stream in STREAMS}
            return {stream: path.read_bytes() for stream, path in paths.items() if path.exists()}
        except OSError as fault:
            raise StoreUnavailable(f"{self._folder}: {fault.strerror}") from fault


class OutsideAddress:
    """An address that takes each signed note by POST, as text/plain, and answers 2xx when it keeps it."""

    quick = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)
        self._sizes: dict[Stream, int] = {}

    def tell(self, stream: Stream, note: bytes) -> None:
        """Post the note."""
        try:
            answer = self._pool.request(
                "POST", self._url, body=note, headers={"Content-Type": "text/plain; charset=utf-8"}
            )
        except urllib3.exceptions.HTTPError as fault:
            raise StoreUnavailable(f"{self._url}: {fault}") from fault
        if not 200 <= answer.status < 300:
            raise StoreUnavailable(f"{self._url} answered {answer.status}")
        self._sizes[stream] = _size_of(note)

    def catch_up(self, newest: Callable[[], Newest]) -> None:
        """Post what this process has not posted yet."""
        for stream, note in newest().items():
            if _size_of(note) > self._sizes.get(stream, 0):
                self.tell(stream, note)

    def told(self) -> dict[Stream, bytes] | None:
        """Say that it cannot be asked."""
        return None


def _size_of(note: bytes) -> int:
    """Return the tree size a note says. Raises StoreUnavailable: what is there is no place of ours."""
    try:
        return parse_checkpoint(note).size
    except NoteInvalid as error:
        raise StoreUnavailable(f"outside: {error}") from error


def open_outside(url: str | None, engine: Engine) -> Outside:
    """Return the place a URL names. Raises UnknownUrl."""
    if url is None:
        return NOWHERE
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and path.startswith("/") and not parts.query:
        return OutsideFolder(Path(path), engine) if path.endswith("/") else OutsideFile(Path(path))
    if parts.scheme in ("https", "http") and parts.hostname and parts.password is None:
        return OutsideAddress(url)
    raise UnknownUrl(SETTING, url)
