"""Each fault that doctor names, seeded alone in a healthy home, is named, and nothing else is."""

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import Connection, Executable, delete, select, text, update
from tampering import behind_triggers, drop_trigger

from archive.database import reading, writing
from archive.stores.port import StoredObject
from archive.tables.log import event
from archive.tables.packages import package


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    top = tmp_path_factory.mktemp("doctor")
    folder, recordings = top / "scans", top / "recordings"
    for number in range(2):
        path = scans.save(scans.page(mark=str(number)), folder / f"{number}.jpg")
        scans.remember(path, recordings, [scans.LINES])
    write_manifest(folder, [{"file": "0.jpg", "sheets": "1"}, {"file": "1.jpg", "sheets": "1"}])
    home = TestHome(top / "var", recordings)
    home.run("init")
    home.ask("intake", str(folder))
    assert home.run("work", "--until-idle").code == 0
    assert home.faults() == set()
    return home


def _first(home: TestHome) -> StoredObject:
    return next(iter(home.store().list_versions()))


def _body(home: TestHome) -> Path:
    (path, *_) = [p for p in (home.folder / "objects").rglob("*") if p.is_file() and p.stat().st_size > 20_000]
    return path


def _sql(home: TestHome, *statements: str) -> None:
    engine = home.engine()
    with writing(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _remove_object(home: TestHome) -> None:
    body = _body(home)
    os.chmod(body.parent, 0o755)  # noqa: PTH101  # the folder may be read-only
    for path in list(body.parent.iterdir()):
        path.unlink()
    body.parent.rmdir()


def _plant_object(home: TestHome) -> None:
    path = home.folder.parent / "planted"
    path.write_bytes(b"planted")
    now = datetime.now(UTC)
    digest = hashlib.sha256(b"planted").hexdigest()
    store = home.store()
    store.put("packages/zz/" + "z" * 26 + "/0001", path, sha256=digest, retain_until=now + timedelta(1), now=now)


def _plant_copy(home: TestHome) -> None:
    path = home.folder.parent / "planted"
    path.write_bytes(b"planted")
    now = datetime.now(UTC)
    digest = hashlib.sha256(b"planted").hexdigest()
    store = home.store()
    store.put("copies/zz/" + "z" * 26, path, sha256=digest, retain_until=now + timedelta(1), now=now)


def _lose_from_index(home: TestHome) -> None:
    with closing(sqlite3.connect(home.folder / "index.db")) as connection, connection:
        connection.execute("DELETE FROM record_1 WHERE rowid = (SELECT max(rowid) FROM record_1)")


def _flip(home: TestHome) -> None:
    body = _body(home)
    body.chmod(0o644)
    data = bytearray(body.read_bytes())
    data[len(data) // 2] ^= 1
    body.write_bytes(data)


def _lock_row_longer(home: TestHome) -> None:
    _sql(home, "UPDATE package SET locked_until = '2099-01-01 00:00:00.000000' WHERE number = 1")


def _hold_only_in_catalogue(home: TestHome) -> None:
    _sql(
        home,
        "INSERT INTO hold (id, record_id, placed_at, placed_by, basis)"
        " SELECT 'h', r.id, '2026-01-01', p.id, 'QĐ' FROM record r, principal p LIMIT 1",
    )


def _gap(home: TestHome) -> None:
    _tamper(home, delete(event).where(event.c.stream == "records", event.c.sequence == 2))


def _changed(home: TestHome) -> None:
    second = (event.c.stream == "records") & (event.c.sequence == 1)
    engine = home.engine()
    with reading(engine) as connection:
        canonical: bytes = connection.execute(select(event.c.canonical).where(second)).scalar_one()
    engine.dispose()
    _tamper(home, update(event).where(second).values(canonical=canonical.replace(b'"v":1', b'"v":2')))


def _tamper(home: TestHome, statement: Executable) -> None:
    engine = home.engine()
    behind_triggers(engine, statement)
    engine.dispose()


def _head(home: TestHome) -> None:
    _sql(home, "UPDATE stream_head SET next_sequence = next_sequence + 1 WHERE stream = 'records'")


def _trigger(home: TestHome) -> None:
    engine = home.engine()
    drop_trigger(engine, "event_no_update")
    engine.dispose()


def _stale_lease(home: TestHome) -> None:
    _sql(
        home,
        "UPDATE work_item SET state='leased', owner='0123456789abcdef:1:1',"
        " lease_until='2026-01-01 00:00:00.000000'",
    )


def _no_work(home: TestHome) -> None:
    _sql(home, "UPDATE item SET state='waiting'")


def _unbalanced(home: TestHome) -> None:
    _sql(home, "DELETE FROM capture WHERE item_id = (SELECT min(item_id) FROM capture)")


def _stray(place: str) -> Callable[[TestHome], None]:
    def plant(home: TestHome) -> None:
        path = home.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")

    return plant


def _dead_scratch(home: TestHome) -> None:
    (home.folder / "scratch" / "work-999999-dead").mkdir(parents=True)


def _stray_staging(home: TestHome) -> None:
    path = home.folder.parent / "staged"
    path.write_bytes(b"staged")
    digest = hashlib.sha256(b"staged").hexdigest()
    store = home.staging()
    store.put("staging/nobody/nothing/received", path, sha256=digest, retain_until=None, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("seed", "fault"),
    [
        pytest.param(_remove_object, "row-without-object", marks=pytest.mark.embedded("store")),
        (_plant_object, "object-without-row"),
        (_plant_copy, "object-without-row"),
        pytest.param(_lose_from_index, "index-missing", marks=pytest.mark.embedded("index")),
        pytest.param(_flip, "object-damaged", marks=pytest.mark.embedded("store")),
        (_lock_row_longer, "lock-too-short"),
        (_hold_only_in_catalogue, "hold-missing"),
        (_gap, "event-gap"),
        (_changed, "event-changed"),
        (_head, "event-head"),
        (_trigger, "trigger-missing"),
        (_stale_lease, "stale-lease"),
        (_no_work, "item-without-work"),
        (_unbalanced, "batch-unbalanced"),
        pytest.param(_stray("objects/odd.txt"), "stray-file", marks=pytest.mark.embedded("store")),
        pytest.param(_stray("staging/odd.txt"), "stray-file", marks=pytest.mark.embedded("store")),
        (_stray("scratch/odd.txt"), "stray-file"),
        (_dead_scratch, "stray-scratch"),
        (_stray_staging, "stray-staging"),
    ],
)
def test_a_seeded_fault_is_named_and_nothing_else(
    healthy: TestHome, tmp_path: Path, seed: Callable[[TestHome], None], fault: str
) -> None:
    home = healthy.copy(tmp_path / "var")
    seed(home)
    # A head that is ahead of its stream is also ahead of the index, which reads the stream.
    assert home.faults() == {fault} | ({"index-behind"} if fault == "event-head" else set())


def _digest_row(connection: Connection) -> None:
    connection.execute(package.update().values(sha256="0" * 64).where(package.c.number == 1))


def test_a_row_with_another_digest_than_the_store_is_named(healthy: TestHome, tmp_path: Path) -> None:
    home = healthy.copy(tmp_path / "var")
    engine = home.engine()
    with writing(engine) as connection:
        _digest_row(connection)
    engine.dispose()
    assert "digest-differs" in home.faults()


def test_a_stopped_and_resumed_work_command_mends_leases_and_scratch(healthy: TestHome, tmp_path: Path) -> None:
    home = healthy.copy(tmp_path / "var")
    _dead_scratch(home)
    assert home.run("work", "--until-idle").code == 0
    assert home.faults() == set()
    engine = home.engine()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM package")).scalar_one() == 2
    engine.dispose()
