"""Holds while other things happen to the record: whatever is stored of it is held while one stands."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdings import Holdings

from archive.checks import check_objects
from archive.database import reading
from archive.stores.port import ObjectStore
from retention.holds import deposited_objects, lift_hold, place_hold

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


class _Meanwhile:
    """A store in which something else happens once, straight after the first flag is set or lifted."""

    def __init__(self, store: ObjectStore, happens: Callable[[], object]) -> None:
        self._store = store
        self._waiting = [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def set_hold(self, key: str, version_id: str, *, held: bool) -> Any:
        done = self._store.set_hold(key, version_id, held=held)
        if self._waiting:
            self._waiting.pop()()
        return done


@pytest.fixture
def held(tmp_path: Path) -> Holdings:
    return Holdings(tmp_path / "home", NOW)


def _flags(held: Holdings, record_id: Any) -> list[bool]:
    with reading(held.engine) as connection:
        objects = deposited_objects(connection, record_id)
    return [held.store.head(key, version_id).held for _, key, version_id in objects]


def test_what_is_stored_while_a_hold_is_being_placed_is_held_too(held: Holdings) -> None:
    record_id = held.deposit()
    store: Any = _Meanwhile(held.store, lambda: held.effect(record_id, "suspended"))
    place_hold(held.engine, store, held.log, record_id, basis="QĐ 1", principal=held.admin, at=NOW)

    assert _flags(held, record_id) == [True, True]
    assert list(check_objects(held.engine, held.store, deep=False)) == []


def test_a_hold_placed_while_another_is_being_lifted_keeps_everything_held(held: Holdings) -> None:
    record_id = held.deposit()
    said: dict[str, Any] = {"principal": held.admin, "at": NOW}
    place_hold(held.engine, held.store, held.log, record_id, basis="QĐ 1", **said)
    store: Any = _Meanwhile(
        held.store, lambda: place_hold(held.engine, held.store, held.log, record_id, basis="QĐ 2", **said)
    )
    held.effect(record_id, "suspended")
    lift_hold(held.engine, store, held.log, record_id, basis="QĐ 3", **said)

    assert _flags(held, record_id) == [True, True]
    assert list(check_objects(held.engine, held.store, deep=False)) == []


def test_a_hold_lifted_leaves_nothing_held(held: Holdings) -> None:
    record_id = held.deposit()
    said: dict[str, Any] = {"principal": held.admin, "at": NOW}
    place_hold(held.engine, held.store, held.log, record_id, basis="QĐ 1", **said)
    held.effect(record_id, "suspended")
    assert _flags(held, record_id) == [True, True]

    assert lift_hold(held.engine, held.store, held.log, record_id, basis="QĐ 3", **said) == 1
    assert _flags(held, record_id) == [False, False]
