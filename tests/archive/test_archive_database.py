"""The catalogue's schema: one migration makes it, and it says what the tables in the code say."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
import stack
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import OperationalError, TimeoutError

import archive.tables
from archive.database import insert_new, migrate, open_engine, reading, require_current, writing
from archive.errors import CatalogueBusy, HomeNotReady, UnknownUrl
from archive.tables.schema import metadata
from archive.tables.units import unit


def test_the_migration_makes_what_the_tables_say(engine: Engine) -> None:
    for name in ("ingest.tables", *(f"archive.tables.{m.name}" for m in iter_modules(archive.tables.__path__))):
        import_module(name)  # registers its tables on the one MetaData
    assert len(metadata.tables) > 40
    with engine.connect().execution_options(read_only=True) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = _schema(engine)
    migrate(engine)
    require_current(engine)
    assert _schema(engine) == before


def _schema(engine: Engine) -> Any:
    """Return tables, columns, indexes and constraints as the database tells them, and its triggers."""
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    if engine.dialect.name == "postgresql":
        triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
    with reading(engine) as connection:
        look = inspect(connection)
        tables = {
            name: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(name)],
                sorted(str(index) for index in look.get_indexes(name)),
                sorted(str(unique) for unique in look.get_unique_constraints(name)),
                sorted(str(key) for key in look.get_foreign_keys(name)),
            )
            for name in look.get_table_names()
        }
        return tables, connection.execute(text(triggers)).scalars().all()


@pytest.mark.embedded("database")
def test_the_database_survives_power_loss_settings(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA recursive_triggers")).scalar() == 1


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeNotReady, match="sohoa init"):
        require_current(stack.known_engine(tmp_path))


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (require_current, migrate):
        with pytest.raises(HomeNotReady, match="9999, made by a newer program"):
            act(engine)
    require_current(engine, running=True)  # it came while the program ran


def test_a_database_of_an_older_program_says_what_to_do(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(HomeNotReady, match=r"at schema 0001, this program needs \d{4}; run `sohoa init`"):
        require_current(engine)


@pytest.mark.parametrize("url", ["", "nothing", "mysql://a/b", "postgresql+asyncpg://a/b", "postgresql://a"])
def test_an_address_of_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl, match="ARCHIVE_DATABASE_URL"):
        open_engine(url)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(HomeNotReady, match="ARCHIVE_DATABASE_PASSWORD") as refused:
        open_engine("postgresql+psycopg://sohoa:matkhau@host/sohoa")
    assert "matkhau" not in str(refused.value)


def test_rows_that_are_there_already_are_left_as_they_are(engine: Engine) -> None:
    with writing(engine) as connection:
        assert insert_new(connection, unit, {"id": "so-a", "kind": "department"})
        assert not insert_new(connection, unit, {"id": "so-a", "kind": "other"})
        assert not insert_new(connection, unit, [])
        insert_new(connection, unit, [{"id": "so-a", "kind": "other"}, {"id": "so-b", "kind": "other"}])
        kinds = connection.execute(select(unit.c.id, unit.c.kind).order_by(unit.c.id)).all()
    assert [tuple(row) for row in kinds] == [("so-a", "department"), ("so-b", "other")]


def test_what_passes_by_itself_is_told_as_a_busy_catalogue(engine: Engine) -> None:
    with pytest.raises(CatalogueBusy, match="gone"), writing(engine):
        raise OperationalError("SELECT 1", {}, Exception("gone"))
    with pytest.raises(CatalogueBusy), reading(engine):
        raise TimeoutError("no connection came free")
