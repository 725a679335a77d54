"""Opens the catalogue's database and brings it to the current schema.

SQLite runs with WAL and synchronous=FULL, and every write transaction begins IMMEDIATE: a read that turns
into a write would fail at once with BUSY_SNAPSHOT. The same code opens PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from archive.errors import HomeNotReady
from archive.events import STREAMS
from archive.tables.log import stream_head

BUSY_SECONDS = 30  # writers queue for the one write lock; short transactions keep the wait short


def open_engine(url: str, *, password: str | None = None) -> Engine:
    """Return an engine for a SQLAlchemy URL; nothing is connected yet."""
    if not url.startswith("sqlite"):
        return create_engine(make_url(url).set(password=password), pool_size=5, max_overflow=5, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    def configure(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: `begin` below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Without it INSERT OR REPLACE would slip past the delete trigger of the event table.
        cursor.execute("PRAGMA recursive_triggers=ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view, no write lock."""
    with engine.connect().execution_options(read_only=True) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed as a whole or not at all."""
    with engine.begin() as connection:
        yield connection


def _alembic(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision and make the streams' head rows. Safe to repeat."""
    command.upgrade(_alembic(engine), "head")
    with writing(engine) as connection:
        present = set(connection.execute(select(stream_head.c.stream)).scalars())
        for stream in STREAMS:
            if stream not in present:
                connection.execute(insert(stream_head).values(stream=stream, next_sequence=0))


def require_current(engine: Engine) -> None:
    """Raise HomeNotReady, saying what to do, unless the schema is the one this program knows."""
    head = ScriptDirectory.from_config(_alembic(engine)).get_current_head()
    try:
        with reading(engine) as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise HomeNotReady(f"the database cannot be opened: {error.orig}") from error
    if current is None:
        raise HomeNotReady("there is no archive here yet; run `sohoa init`")
    if current != head:
        raise HomeNotReady(f"the database is at schema {current}, this program needs {head}; run `sohoa init`")
