"""The catalogue's schema: one migration makes it, and it says what the tables in the code say."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

import archive.tables
from archive.database import migrate, open_engine, reading, require_current
from archive.errors import HomeNotReady
from archive.tables.schema import metadata


def test_the_migration_makes_what_the_tables_say(engine: Engine) -> None:
    for name in ("ingest.tables", *(f"archive.tables.{m.name}" for m in iter_modules(archive.tables.__path__))):
        import_module(name)  # registers its tables on the one MetaData
    assert len(metadata.tables) > 40
    with engine.connect().execution_options(read_only=True) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    with reading(engine) as connection:
        before = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()
    migrate(engine)
    require_current(engine)
    with reading(engine) as connection:
        after = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()
    assert after == before


def test_the_database_survives_power_loss_settings(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA recursive_triggers")).scalar() == 1


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    opened = open_engine(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(HomeNotReady, match="sohoa init"):
        require_current(opened)
    opened.dispose()
