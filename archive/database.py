"""Opens the catalogue's database and brings it to the current schema.

SQLite runs with WAL and synchronous=FULL, and every write transaction begins IMMEDIATE: a read that turns
into a write would fail at once with BUSY_SNAPSHOT. PostgreSQL runs READ COMMITTED: writers run side by side, so
whoever decides by what they read locks that row first, or lets a unique constraint decide (`insert_new`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, TimeoutError

from archive.disk_faults import catalogue_refuses
from archive.errors import CatalogueBusy, HomeNotReady, UnknownUrl
from archive.events import STREAMS
from archive.tables.log import stream_head

SETTING = "ARCHIVE_DATABASE_URL"
MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_SECONDS = 30  # writers queue for the one write lock; short transactions keep the wait short
_MIGRATING = Lock()
OLDEST_POSTGRESQL = 13  # what the tests run on is 15
_POSTGRESQL = ("postgresql", "postgresql+psycopg")


def open_engine(url: str, *, password: str | None = None) -> Engine:
    """Return an engine for `sqlite:///folder/archive.db` or `postgresql+psycopg://user@host/name`; nothing is
    connected yet.

    Raises UnknownUrl; HomeNotReady for a URL that carries a password, for a URL is shown and logged.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnknownUrl(SETTING, "(unreadable)") from error
    if parsed.password is not None:
        raise HomeNotReady(f"{SETTING} carries a password; give it in ARCHIVE_DATABASE_PASSWORD or its _FILE")
    if parsed.drivername == "sqlite":
        return _open_sqlite(url)
    if parsed.drivername not in _POSTGRESQL or not parsed.database:
        raise UnknownUrl(SETTING, url)
    from archive.postgresql import open_postgresql  # its driver is loaded where it is needed

    return open_postgresql(_with_password(parsed.set(drivername=_POSTGRESQL[-1]), password))


def _with_password(url: URL, password: str | None) -> URL:
    return url if password is None else url.set(password=password)


def _open_sqlite(url: str) -> Engine:
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
    """A transaction that only reads: one consistent view, no write lock. Raises CatalogueBusy."""
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _told(), engine.connect() as connection:
        connection.execution_options(**options)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed as a whole or not at all.

    Raises CatalogueBusy; whether a commit that was under way took place is unknown then, and what is done again
    must find out.
    """
    with _told(), engine.begin() as connection:
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    """Raise CatalogueBusy for what passes: locked for long, restarting, out of reach, no connection free; and what
    it is of that kind when the disk is full, read-only or failing."""
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        told = _first_line(error)
        if isinstance(error, DBAPIError) and error.orig is not None:
            refused = catalogue_refuses(error.orig, told)
            if refused is not None:
                raise refused from error
        if isinstance(error, OperationalError | InterfaceError | TimeoutError) or error.connection_invalidated:
            raise CatalogueBusy(told) from error  # whatever it was told as
        raise


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


def insert_new(
    connection: Connection,
    table: Table,
    rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    by: Sequence[str] | None = None,
) -> bool:
    """Insert the rows that are not there yet; those that are there stay as they are.

    by: columns of the one unique constraint that says so; None: any. Another transaction that inserts the same is
    waited for, and its rows are there to be read after. Returns, for a single row, whether it was inserted.
    """
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    if not rows:
        return False
    given = dict(rows) if isinstance(rows, Mapping) else [dict(row) for row in rows]
    statement = insert(table).on_conflict_do_nothing(index_elements=by).execution_options(preserve_rowcount=True)
    return connection.execute(statement, given).rowcount == 1


def known_revisions() -> list[str]:
    """Return the schema's revisions that this program knows, oldest first; their files begin with them."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate(engine: Engine, *, to: str = "head") -> None:
    """Bring the schema to the newest revision and make the streams' head rows. Safe to repeat and to race.

    to: an earlier revision, to rehearse what comes after it.
    Raises HomeNotReady if the database cannot be used, or is of a newer program; CatalogueBusy if others hold a
    table that must change.
    """
    current = _revision(engine)
    if current is not None and current not in known_revisions():
        raise _newer(current)
    from alembic import command  # takes a while to load, and an archive that is up to date has no need of it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    with _MIGRATING, _told():  # alembic keeps the step under way in variables of its modules
        command.upgrade(config, to)
    with writing(engine) as connection:
        insert_new(connection, stream_head, [{"stream": stream, "next_sequence": 0} for stream in STREAMS])


def require_current(engine: Engine, *, running: bool = False) -> None:
    """Raise HomeNotReady, saying what to do, unless the database is there and of this program's schema.

    running: of a program that started before: a newer schema only adds to what it knows, and it goes on.
    """
    known, current = known_revisions(), _revision(engine)
    if current is None:
        raise HomeNotReady("there is no archive here yet; run `sohoa init`")
    if current == known[-1]:
        return
    if current in known:
        raise HomeNotReady(
            f"the database is at schema {current}, this program needs {known[-1]}; run `sohoa init`"
        )
    if not running:
        raise _newer(current)


def revision_of(engine: Engine) -> str:
    """Return the schema's revision. Raises HomeNotReady if there is none, or the database cannot be used."""
    current = _revision(engine)
    if current is None:
        raise HomeNotReady("there is no archive here yet; run `sohoa init`")
    return current


def _newer(revision: str) -> HomeNotReady:
    return HomeNotReady(f"the database is at schema {revision}, made by a newer program; use that program")


def _revision(engine: Engine) -> str | None:
    """Return the schema's revision, None without one. Raises HomeNotReady if the database cannot be used."""
    try:
        with engine.connect() as connection:
            connection.execution_options(read_only=True)
            if engine.dialect.name == "postgresql":
                _require_fit(connection)
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found
    except (DBAPIError, TimeoutError) as error:
        raise HomeNotReady(_why_closed(engine, error)) from error


def _require_fit(connection: Connection) -> None:
    version, encoding, read_only = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), "
            "current_setting('transaction_read_only')"
        )
    ).one()
    if version < OLDEST_POSTGRESQL * 10_000:
        raise HomeNotReady(f"the database server is PostgreSQL {version // 10_000}; {OLDEST_POSTGRESQL} is needed")
    if encoding != "UTF8":
        raise HomeNotReady(f"the database has encoding {encoding}; make one with ENCODING 'UTF8'")
    if read_only == "on":
        raise HomeNotReady(f"the database only lets us read; name the primary server in {SETTING}")


def _why_closed(engine: Engine, error: Exception) -> str:
    """Return what stands between us and the database and how to mend it, in one sentence."""
    if engine.dialect.name == "postgresql":
        from archive.postgresql import refusal

        return refusal(engine.url, error)
    return f"the database cannot be opened: {_first_line(error)}"
