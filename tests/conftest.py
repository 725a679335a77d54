"""Fixtures every room's tests share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from archive.database import migrate, open_engine

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """The instant a test happens at."""
    return NOW


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A migrated catalogue of its own."""
    opened = open_engine(f"sqlite:///{tmp_path}/archive.db")
    migrate(opened)
    yield opened
    opened.dispose()
