"""Sees to it that one process of a home does a chore and the others wait to take over."""

import fcntl
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, TimeoutError

SWEEPING = 7_305_112_027  # the advisory lock of PostgreSQL that stands for "this home is being swept"
SILENT_SECONDS = 60  # the server ends the session of a holder that says nothing for so long


# The server looks after its end: a holder whose machine is gone would else keep the place for hours. A setting
# that a server is too old for is left out.
_HELD_BY_THE_LIVING = text(
    "SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES ('idle_session_timeout', :seconds), "
    "('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')) "
    "AS wanted (wanted_name, value) ON name = wanted_name"
)


class Turnstile(Protocol):
    """Lets one through. Asked again before each round: what was held may have been lost meanwhile."""

    def holds(self) -> bool:
        """Whether this process may go on, having taken the place if it was free."""
        ...

    def leave(self) -> None:
        """Give the place to another."""
        ...


def turnstile(engine: Engine, folder: Path) -> Turnstile:
    """Return the one of a home: at its database server, or in its folder where the database is a file of it."""
    return _ServerLock(engine) if engine.dialect.name == "postgresql" else _FileLock(folder / "sweeper.lock")


class _FileLock:
    """A lock that the system lets go of when its holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def holds(self) -> bool:
        if self._file is not None:
            return True
        opened = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self._file = opened
        return True

    def leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


class _ServerLock:
    """A lock of one session with the server, which ends it when its holder is gone, hung or cut off."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None

    def holds(self) -> bool:
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return True
            return self._take()
        except (DBAPIError, TimeoutError):
            self.leave()
            return False

    def _take(self) -> bool:
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            session.execute(_HELD_BY_THE_LIVING, {"seconds": f"{SILENT_SECONDS}s"})
            taken = session.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": SWEEPING}).scalar_one()
        except BaseException:
            session.invalidate()
            session.close()
            raise
        if taken:
            self._session = session
        else:
            session.invalidate()  # its settings are not those of the pool
            session.close()
        return bool(taken)

    def leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()  # which closes it, and the lock goes with it
            session.close()
