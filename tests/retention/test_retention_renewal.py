"""Locks are extended in both stores, and a restricted store that is away keeps no other lock waiting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdings import Holdings
from sqlalchemy import select, update

from archive.database import reading, writing
from archive.errors import StoreUnavailable
from archive.keys import is_restricted
from archive.stores.open import open_store
from archive.stores.separated import SeparatedStore
from archive.tables.holdings import record
from archive.tables.packages import package
from retention.locks import LockSettings
from retention.reconcile import Reconciler

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
DUE = AT + timedelta(days=3640)  # the locks of what was deposited end ten days later


@pytest.fixture
def held(tmp_path: Path) -> Holdings:
    """Two records. What came of the first, of level 3, since there is a restricted store lies in it."""
    open_store((tmp_path / "apart").as_uri())
    made = Holdings(tmp_path / "home", AT)
    first, _ = made.deposit(), made.deposit()
    with writing(made.engine) as connection:
        connection.execute(update(record).where(record.c.id == first).values(sensitivity_level=3))
    made.store = SeparatedStore(made.store, lambda: open_store((tmp_path / "apart").as_uri(), make=False))
    made.effect(first, "revoked")
    return made


def _renew(held: Holdings) -> tuple[int, int]:
    """Do a round; return how many locks were extended and how many holds set."""
    done = Reconciler(held.engine, held.store, LockSettings(), principal=held.admin, now=lambda: DUE).round()
    return done.extended, done.held


def _short(held: Holdings) -> list[bool]:
    """Say of each package whose lock still ends soon whether it is restricted."""
    with reading(held.engine) as connection:
        keys = connection.execute(
            select(package.c.object_key).where(package.c.locked_until < DUE + timedelta(days=30))
        ).scalars()
        return [is_restricted(key) for key in keys]


def test_locks_are_extended_in_both_stores(held: Holdings) -> None:
    assert sorted(_short(held)) == [False, False, True]
    assert _renew(held) == (3, 0)
    assert _short(held) == []
    assert _renew(held) == (0, 0)


def test_only_the_locks_of_a_store_that_is_away_wait(held: Holdings, tmp_path: Path) -> None:
    (tmp_path / "apart").rename(tmp_path / "away")
    assert _renew(held) == (2, 0)
    assert _short(held) == [True]

    (tmp_path / "away").rename(tmp_path / "apart")
    assert _renew(held) == (1, 0)


@pytest.mark.embedded("store")
def test_an_open_store_that_is_away_is_told(held: Holdings) -> None:
    (held.folder / "objects").rename(held.folder / "away")
    with pytest.raises(StoreUnavailable):
        _renew(held)
