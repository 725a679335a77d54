"""The file of a SQLite index: opened, shared between threads, made anew when it is gone or another format's."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from search_api.errors import IndexUnavailable

BUSY_SECONDS = 30.0
IDLE_MAX = 4  # connections kept between acts, each with a cache of its own
CACHE_KB = 32_768
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_SIDE_FILES = ("", "-wal", "-shm")


@contextmanager
def translated() -> Iterator[None]:
    """Raise what SQLite raises as IndexUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        raise IndexUnavailable(str(error)) from error


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file is no database, or not a whole one."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


class IndexFile:
    """Connections to one index file, reused; any thread may take one.

    format_number: of what `make` lays into an empty file (its user_version); a file of another number, or one
    that is no database, is thrown away and made anew: nothing in it is anywhere the only copy.
    """

    def __init__(self, path: Path, *, format_number: int, make: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._format = format_number
        self._make = make
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._inode: int | None = None
        self._prepare()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one state of the index. Raises IndexUnavailable."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed as a whole or not at all. Raises IndexUnavailable."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def throw_away(self) -> None:
        """Delete the file and make an empty one."""
        self.close()
        self._unlink()
        self._prepare()

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with translated():
            connection = self._take()
            try:
                connection.execute(begin)
                yield connection
                connection.commit()
            except BaseException:
                # Whatever state it is in, it is not used again.
                connection.close()
                raise
            with self._guard:
                if spare := len(self._idle) < IDLE_MAX:
                    self._idle.append(connection)
            if not spare:
                connection.close()

    def _take(self) -> sqlite3.Connection:
        # A file deleted or replaced under an open connection would go on answering from what is gone.
        if self._found_inode() != self._inode:
            self.close()
            self._prepare()
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # For a new file only: rows of 2 kB leave a third of the usual 4,096 bytes empty.
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA journal_mode=WAL")
        # What a power cut may undo is projected again: the cursor goes back with it.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        # No mmap: a file cut short under it would kill the process instead of raising.
        return connection

    def _prepare(self) -> None:
        with translated():
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lay_out()
            except OSError as error:
                raise IndexUnavailable(f"{self._path.name}: {error.strerror}") from error
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._unlink()
                self._lay_out()
            self._inode = self._found_inode()

    def _unlink(self) -> None:
        for side in _SIDE_FILES:
            self._path.with_name(self._path.name + side).unlink(missing_ok=True)

    def _lay_out(self) -> None:
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found != self._format:
                for name in _tables(connection):
                    connection.execute(f'DROP TABLE IF EXISTS "{name}"')
                self._make(connection)
                connection.execute(f"PRAGMA user_version={self._format}")
            connection.commit()
        finally:
            connection.close()
        self._path.chmod(0o600)

    def _found_inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables, virtual ones first: dropping one drops the tables it is made of."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    return [name for (name,) in rows]
