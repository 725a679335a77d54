"""Whoever edits rows or objects behind the program's back is found out, and the first wrong row is named."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import stack
from full_home import AT, make_full_home
from home_of_tests import TestHome
from sqlalchemy import Column, Connection, Engine, Table, delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import JSON, Boolean, Date, Float, Integer, LargeBinary, Numeric

from archive.checks import check_copies, check_objects
from archive.database import reading
from archive.doctor import Finding
from archive.log.checks import check_log
from archive.log.notes import LogKey
from archive.log.outside import open_outside
from archive.rebuild.export import LEFT_OUT, check_against_vault
from archive.rebuild.vault import rebuild_catalogue
from archive.tables.schema import Instant

pytestmark = pytest.mark.embedded("database", "store")  # files and rows are edited as whoever has the machine can


@dataclass
class Scene:
    """A home, and the catalogue its vault gives."""

    home: TestHome
    engine: Engine
    vault: Engine
    key: LogKey
    outside: str


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    top = tmp_path_factory.mktemp("tampering")
    outside = f"file://{top}/log.jsonl"
    home = make_full_home(top, {"ARCHIVE_LOG_OUTSIDE_URL": outside})
    (top / "again").mkdir()
    vault = stack.new_engine(top / "again")
    key = LogKey.load(home.folder / "keys" / "log.key")
    rebuild_catalogue(vault, home.store(), key.verifier, at=AT)
    yield Scene(home, home.engine(), vault, key, outside)
    vault.dispose()


def _other(column: Column[Any], value: Any, chance: random.Random) -> Any:
    """Return another value of a column than the one it has."""
    if isinstance(column.type, Instant):
        return (value or AT) - timedelta(days=chance.randint(1, 4000))
    if isinstance(column.type, Date):
        return (value or AT.date()) - timedelta(days=chance.randint(1, 4000))
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer | Numeric | Float):
        return (value or 0) + chance.randint(1, 9)
    if isinstance(column.type, LargeBinary):
        flipped = bytearray(value or bytes(32))
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        return bytes(flipped)
    if isinstance(column.type, JSON):
        return [value, "x"]
    return f"{value or ''}x"


def _edit(connection: Connection, chance: random.Random) -> str:
    """Change, delete or swap something in one row, as an administrator of the database could; say what."""
    tables = [table for table in LEFT_OUT if connection.execute(select(table).limit(1)).first() is not None]
    table: Table = chance.choice(tables)
    rows = connection.execute(select(table)).mappings().all()
    row, other = chance.choice(rows), chance.choice(rows)
    here, there = ([column == one[column.name] for column in table.primary_key.columns] for one in (row, other))
    if chance.random() < 0.2:
        connection.execute(delete(table).where(*here))
        return f"{table.name}: a row deleted"
    column = chance.choice([one for one in table.columns if one.name not in LEFT_OUT[table]])
    if chance.random() < 0.3 and row[column.name] != other[column.name] and not column.primary_key:
        connection.execute(update(table).where(*there).values({column: row[column.name]}))
        connection.execute(update(table).where(*here).values({column: other[column.name]}))
        return f"{table.name}.{column.name}: swapped between two rows"
    connection.execute(update(table).where(*here).values({column: _other(column, row[column.name], chance)}))
    return f"{table.name}.{column.name}: changed"


def _found(scene: Scene, connection: Connection) -> list[Finding]:
    with reading(scene.vault) as vault:
        return list(check_against_vault(connection, vault))


def _edit_rows(scene: Scene, count: int, seed: int) -> list[str]:
    """Edit rows one at a time, each undone again; return the edits that were not found out.

    What the database refuses by a constraint of its own is no edit; another is made.
    """
    chance = random.Random(seed)
    unseen, done = [], 0
    while done < count:
        with scene.engine.connect() as connection:
            connection.begin()
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
            for trigger in ("event_no_update", "event_no_delete"):
                connection.execute(text(f"DROP TRIGGER {trigger}"))
            try:
                edit = _edit(connection, chance)
            except IntegrityError:
                connection.rollback()
                continue
            found = _found(scene, connection)
            connection.rollback()
        done += 1
        if not found:
            unseen.append(edit)
    return unseen


def test_an_edited_row_is_named(scene: Scene) -> None:
    with reading(scene.engine) as connection:
        assert _found(scene, connection) == []
    assert _edit_rows(scene, 60, seed=1) == []


@pytest.mark.drill
def test_of_eight_thousand_edited_rows_each_is_named(scene: Scene) -> None:
    unseen = _edit_rows(scene, 8000, seed=2)
    print(f"\nrows edited 8000, not found out {len(unseen)}")
    assert unseen == []


def _damage(paths: list[Path], chance: random.Random) -> tuple[str, dict[Path, bytes]]:
    """Damage one object; return what was done, and what puts it right again."""
    path = chance.choice(paths)
    before = {path: path.read_bytes()}
    data = bytearray(before[path])
    path.chmod(0o644)
    kind = chance.choice(("flip", "cut", "swap", "delete", "append"))
    if kind == "flip":
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    elif kind == "cut":
        path.write_bytes(data[: chance.randrange(len(data))])
    elif kind == "append":
        path.write_bytes(data + b"\n")
    elif kind == "swap":
        other = chance.choice([one for one in paths if one != path])
        before[other] = other.read_bytes()
        other.chmod(0o644)
        path.write_bytes(before[other])
        other.write_bytes(before[path])
    else:
        path.unlink()
    return f"{kind} {path.parent.name}", before


def _damage_objects(scene: Scene, count: int, seed: int) -> list[str]:
    """Damage objects, one or two at a time, each put right again; return what was not found out."""
    chance = random.Random(seed)
    store, outside = scene.home.store(), open_outside(scene.outside, scene.engine)
    paths = sorted((scene.home.folder / "objects").rglob("object"))
    unseen = []
    for _ in range(count):
        what, before = _damage(paths, chance)
        checks = (
            check_objects(scene.engine, store, deep=True),
            check_copies(scene.engine, store, deep=True),
            check_log(scene.engine, store, scene.key.verifier, outside, deep=True),
        )
        if next(chain(*checks), None) is None:
            unseen.append(what)
        for path, data in before.items():
            path.write_bytes(data)
            path.chmod(0o444)
    return unseen


def test_a_damaged_object_is_named(scene: Scene) -> None:
    assert _damage_objects(scene, 25, seed=3) == []


@pytest.mark.drill
def test_of_two_thousand_damaged_objects_each_is_named(scene: Scene) -> None:
    unseen = _damage_objects(scene, 2000, seed=4)
    print(f"\nobjects damaged 2000, not found out {len(unseen)}")
    assert unseen == []


@pytest.mark.drill
def test_a_thousand_clean_runs_raise_no_alarm(scene: Scene) -> None:
    store, outside = scene.home.store(), open_outside(scene.outside, scene.engine)
    for _ in range(1000):
        with reading(scene.engine) as connection:
            assert _found(scene, connection) == []
        assert list(check_log(scene.engine, store, scene.key.verifier, outside, deep=True)) == []
    print("\nclean runs 1000, false alarms 0")


def test_a_home_put_back_to_yesterday_is_found_by_the_outside_place(scene: Scene, tmp_path: Path) -> None:
    old = scene.home.copy(tmp_path / "var")
    record = scene.home.ask("record", "list")["records"][0]["record"]
    scene.home.ask("hold", "place", record, "--basis", "QĐ sau")
    answer = old.run("log", "verify", "--json")
    assert answer.code == 3, answer.told
    assert {one["fault"] for one in answer.document["findings"]} == {"log-cut"}
