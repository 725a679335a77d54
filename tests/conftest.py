"""Fixtures every room's tests share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stack
from sqlalchemy import Engine

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """The instant a test happens at."""
    return NOW


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A migrated catalogue of its own."""
    opened = stack.new_engine(tmp_path)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    yield
    stack.let_go()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about an embedded part (marker `embedded`, which may name it) where another stands in."""
    left_out = [item for item in items if any(_names_switched(mark) for mark in item.iter_markers("embedded"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _names_switched(mark: pytest.Mark) -> bool:
    return bool(stack.SWITCHED & set(mark.args)) if mark.args else bool(stack.SWITCHED)
