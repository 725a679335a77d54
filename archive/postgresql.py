"""How the catalogue speaks to PostgreSQL: bounded in time and in connections, whatever becomes of the server.

The server ends a statement that takes too long, a wait for a lock and a transaction left idle; we end a connection
that does not answer at all, for then the server's own limits reach us no more. Keep-alives find a dead host.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

STATEMENT_SECONDS = 20  # a statement of ours takes milliseconds; what takes so long would hold up everyone
LOCK_SECONDS = 10
IDLE_IN_TRANSACTION_SECONDS = 60
ANSWER_SECONDS = 25.0  # the server has given up a statement by then, so an answer that is missing will not come
PING_SECONDS = 3.0
FRESH_SECONDS = 1.0  # who answered just now is not asked for a sign of life
CONNECT_SECONDS = 5
POOL_SIZE, POOL_OVERFLOW, POOL_SECONDS = 5, 10, 10
_SERVER_SIDE = {
    "statement_timeout": STATEMENT_SECONDS * 1000,
    "lock_timeout": LOCK_SECONDS * 1000,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS * 1000,
}
_CONNECTION = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "sohoa",
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds in which what we sent must have arrived
    "client_encoding": "utf8",
    "options": " ".join(f"-c {name}={value}" for name, value in _SERVER_SIDE.items()),
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is given up when the server does not answer.

    patience: seconds to wait for each answer; None: for as long as it takes.
    """

    patience: float | None = ANSWER_SECONDS
    _answered_at: float = float("-inf")

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer. Raises psycopg.OperationalError, the connection closed, when none comes in time."""
        try:
            answer = super().wait(gen, interval, timeout if timeout is not None else self.patience)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("the server does not answer; the connection was closed") from error
        self._answered_at = time.monotonic()
        return answer

    def ping(self) -> None:
        """Ask for a sign of life, unless there was one just now. Raises psycopg.Error when there is none."""
        if time.monotonic() - self._answered_at < FRESH_SECONDS:
            return
        self.patience = PING_SECONDS
        try:
            self.autocommit = True
            self.execute("SELECT 1")
            self.autocommit = False
        finally:
            self.patience = ANSWER_SECONDS


def open_postgresql(url: URL) -> Engine:
    """Return an engine with bounded connections for a `postgresql+psycopg` URL; nothing is connected yet."""
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_SECONDS,
        pool_recycle=1800,
        isolation_level="READ COMMITTED",
        connect_args=_CONNECTION,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _check)
    return engine


@contextmanager
def patiently(connection: Connection) -> Iterator[None]:
    """Let each statement of a connection take its time; it waits for locks no longer than others do."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, BoundedConnection):
        yield
        return
    driver.patience = None
    try:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield
    finally:
        driver.patience = ANSWER_SECONDS


def _connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **named)


def _check(connection: BoundedConnection, _record: Any, _fairy: Any) -> None:
    """Look before use whether a connection of the pool still lives; when it does not, the others do not either."""
    try:
        connection.ping()
    except psycopg.Error as error:
        raise InvalidatePoolError() from error


def refusal(url: URL, error: Exception) -> str:
    """Return why no connection came about and how to mend it, in one sentence."""
    named = f"database {url.database!r} at {url.host or 'the local socket'}:{url.port or 5432}"
    cause = getattr(error, "orig", error)
    tried = cause.pgconn if isinstance(cause, psycopg.Error) else None
    if tried is not None and tried.needs_password and not url.password:
        return f"the {named} asks for a password; set ARCHIVE_DATABASE_PASSWORD or its _FILE"
    if tried is not None and tried.used_password:
        return f"the {named} refuses user {url.username!r}; mend ARCHIVE_DATABASE_PASSWORD or ARCHIVE_DATABASE_URL"
    said = str(cause).strip().partition("\n")[0]
    return f"the {named} cannot be opened; start the server or mend ARCHIVE_DATABASE_URL: {said}"
