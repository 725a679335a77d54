"""A frozen work item gives one package, whoever writes it and however often; a stranger's object is never ours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import select

from archive.database import reading
from archive.digest import sha256_of_file
from archive.tables.packages import package
from ingest.tables import work_item


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home whose one item is frozen and was killed just before its put."""
    top = tmp_path_factory.mktemp("frozen")
    folder, recordings = top / "scans", top / "recordings"
    path = scans.save_all([scans.page(mark="1"), scans.page(mark="2")], folder / "a.pdf")
    scans.remember(path, recordings, [scans.LINES, scans.LINES])
    write_manifest(folder, [{"file": "a.pdf", "sheets": "2", "holder_id": "001099012345", "holder_name": "Ai"}])
    home = TestHome(top / "var", recordings)
    home.run("init")
    home.ask("intake", str(folder))
    assert home.run("work", "--until-idle", drill="put:1:group").code < 0
    return home


def _packages(home: TestHome) -> list[Any]:
    engine = home.engine()
    with reading(engine) as connection:
        rows = connection.execute(select(package).order_by(package.c.number)).all()
    engine.dispose()
    return list(rows)


def _finish(home: TestHome) -> Any:
    assert home.run("work", "--until-idle").code == 0
    return _packages(home)[-1]


def test_one_frozen_work_item_packaged_by_two_processes_gives_equal_bytes(
    frozen: TestHome, tmp_path: Path
) -> None:
    first, second = frozen.copy(tmp_path / "one"), frozen.copy(tmp_path / "two")
    digests = {_finish(home).sha256 for home in (first, second)}
    assert len(digests) == 1
    assert first.faults() == set()


def test_a_retry_after_a_kill_between_put_and_row_adopts_the_object(frozen: TestHome, tmp_path: Path) -> None:
    home = frozen.copy(tmp_path / "var")
    assert home.run("work", "--until-idle", drill="commit:1:group").code < 0
    store = home.store()
    (orphan,) = store.list_versions("packages/")
    row = _finish(home)
    assert (row.state, row.version_id, row.sha256) == ("deposited", orphan.version_id, orphan.sha256)
    assert [stored.version_id for stored in store.list_versions("packages/")] == [orphan.version_id]
    assert home.faults() == set()


@pytest.mark.parametrize("kind", ["other bytes", "another package"])
def test_a_foreign_object_under_the_key_is_never_adopted(frozen: TestHome, tmp_path: Path, kind: str) -> None:
    home = frozen.copy(tmp_path / "var")
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"not a package of ours")
    if kind == "another package":
        other = frozen.copy(tmp_path / "other")
        _finish(other)
        record = other.ask("record", "list")["records"][0]["record"]
        other.ask("record", "export", record, "-o", str(foreign))
        _rename_the_package(foreign)
    engine = home.engine()
    with reading(engine) as connection:
        key = connection.execute(select(work_item.c.frozen)).scalar_one()["key"]
    engine.dispose()
    store = home.store()
    now = datetime.now(UTC)
    sha256, _ = sha256_of_file(foreign)
    planted = store.put(key, foreign, sha256=sha256, retain_until=now + timedelta(days=1), now=now)
    row = _finish(home)
    assert [(p.number, p.state, p.void_reason) for p in _packages(home)] == [
        (1, "void", "key-taken"),
        (2, "deposited", None),
    ]
    assert row.object_key != key
    assert store.head(key).sha256 == planted.sha256
    assert home.faults() == {"object-without-row"}


def _rename_the_package(path: Path) -> None:
    """Make a whole package of another OBJID: the same bytes with one digit of the name changed everywhere."""
    body = path.read_bytes()
    start = body.index(b"uuid-")
    objid = body[start : start + 41]
    last = b"0" if objid[-1:] != b"0" else b"1"
    path.write_bytes(body.replace(objid, objid[:-1] + last))


def test_the_record_shows_the_lock_the_store_gave_and_the_rules_last_day(frozen: TestHome, tmp_path: Path) -> None:
    home = frozen.copy(tmp_path / "var")
    row = _finish(home)
    shown = home.ask("record", "show", home.ask("record", "list")["records"][0]["record"])
    assert {"record", "package", "object", "sha256", "state", "retain_until", "locked_until"} <= set(shown)
    assert shown["object"] == f"{row.object_key}@{row.version_id}"
    assert shown["sha256"] == row.sha256
    stored = home.store().head(row.object_key, row.version_id)
    assert datetime.fromisoformat(shown["locked_until"]) == stored.retain_until
    assert stored.retain_until is not None
    assert stored.retain_until - datetime.now(UTC) > timedelta(days=89)
