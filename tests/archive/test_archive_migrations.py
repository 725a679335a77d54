"""Expand, then contract, rehearsed: a database filled under the first schema comes to the newest with every row as
it was, and the program that filled it could go on writing meanwhile.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
import stack
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, Engine, MetaData, Table, insert, select, text
from sqlalchemy.types import Boolean, Date, DateTime, Float, Integer, LargeBinary, Numeric, String

import archive.tables
from archive import events
from archive.checks import check_events
from archive.database import MIGRATIONS, known_revisions, migrate, open_engine, reading, require_current, writing
from archive.errors import CatalogueBusy, HomeNotReady
from archive.record import PrincipalId
from archive.tables.schema import metadata

FIRST = "0001"
ROWS = 25
WHO = PrincipalId("w" * 26)
AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
LOG = ("event", "stream_head", "alembic_version")  # filled by appending


@pytest.fixture(params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of the first schema."""
    on_server = request.param == "postgresql"
    engine = open_engine(stack.new_postgres(migrated=False) if on_server else f"sqlite:///{tmp_path}/archive.db")
    migrate(engine, to=FIRST)
    yield engine
    engine.dispose()


def _value(column: Column[Any], number: int) -> Any:
    """Return a value of a column's type, another one for each number."""
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column, number)
    kind = column.type
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Integer | Numeric | Float):
        return number
    if isinstance(kind, DateTime):
        return AT.replace(microsecond=number) if kind.timezone else AT.replace(microsecond=number, tzinfo=None)
    if isinstance(kind, Date):
        return date.fromordinal(date(2026, 1, 1).toordinal() + number)
    if isinstance(kind, LargeBinary):
        return number.to_bytes(32, "big")
    if isinstance(kind, JSON):
        return {"số": [number, None, "đ"]}
    assert isinstance(kind, String), (column, kind)
    return f"{number}{column.table.name}.{column.name} ấế"[: kind.length or 200]


def _fill(engine: Engine, of: MetaData, begin: int) -> None:
    """Write ROWS rows into every table, as a program would that knows this schema only."""
    with writing(engine) as connection:
        for table in of.sorted_tables:
            if table.name not in LOG:
                rows = range(begin, begin + ROWS)
                connection.execute(insert(table), [{c.name: _value(c, n) for c in table.columns} for n in rows])
    for number in range(ROWS):
        with writing(engine) as connection:
            events.append(connection, "records", "test.act", principal=WHO, at=AT, payload={"n": number})


def _known(engine: Engine) -> MetaData:
    """Return the tables as they stand in the database."""
    found = MetaData()
    with reading(engine) as connection:
        found.reflect(connection)
    return found


def _rows(engine: Engine, table: Table) -> set[str]:
    with reading(engine) as connection:
        return {repr(tuple(row)) for row in connection.execute(select(*table.columns))}


def test_the_revisions_that_the_program_knows_are_those_of_its_migrations() -> None:
    steps = [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert known_revisions() == steps[::-1]


def test_a_filled_database_comes_to_the_newest_schema_with_every_row_as_it_was(first: Engine) -> None:
    old = _known(first)
    _fill(first, old, 1)
    before = {table.name: _rows(first, table) for table in old.sorted_tables if table.name != "alembic_version"}
    assert all(len(rows) >= ROWS for name, rows in before.items() if name != "stream_head")
    with pytest.raises(HomeNotReady, match="run `sohoa init`"):
        require_current(first)

    migrate(first)

    require_current(first)
    assert before == {name: _rows(first, old.tables[name]) for name in before}
    assert list(check_events(first)) == []


def test_the_program_of_the_first_schema_goes_on_writing_under_the_newest(first: Engine) -> None:
    old = _known(first)
    _fill(first, old, 1)
    migrate(first)
    _fill(first, old, 1 + ROWS)
    for table in old.sorted_tables:
        if table.name not in LOG:
            assert len(_rows(first, table)) == 2 * ROWS
    assert list(check_events(first)) == []


def test_the_newest_schema_is_the_same_whichever_way_it_came_about(first: Engine) -> None:
    for name in ("ingest.tables", *(f"archive.tables.{m.name}" for m in iter_modules(archive.tables.__path__))):
        import_module(name)
    migrate(first)
    with reading(first) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_a_migration_that_would_hold_everyone_up_gives_up_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever waits for a table's lock makes all others wait behind; so it does not wait for long."""
    monkeypatch.setattr("archive.postgresql.LOCK_SECONDS", 0.2)
    engine = open_engine(stack.new_postgres(migrated=False))
    migrate(engine, to=FIRST)
    with writing(engine) as busy:
        busy.execute(text("LOCK TABLE work_item IN ROW EXCLUSIVE MODE"))
        with pytest.raises(CatalogueBusy, match="lock timeout"):
            migrate(engine)
        with reading(engine) as connection:
            assert MigrationContext.configure(connection).get_current_revision() == FIRST
    migrate(engine)
    require_current(engine)
    engine.dispose()
