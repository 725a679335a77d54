"""A backup is of one instant and knows what it belongs to; a home lost is there again, by it or by the vault."""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import stack
from full_home import AT, make_full_home
from home_of_tests import TestHome
from sqlalchemy import func, select

from archive.backup.form import MANIFEST, VAULT, fingerprint, table_file
from archive.backup.restore import restore_backup
from archive.codes import shipped_codes, store_codes
from archive.database import reading, writing
from archive.errors import BackupInvalid
from archive.log.notes import LogKey
from archive.rebuild.export import differences
from ingest.tables import batch, item, work_item

pytestmark = pytest.mark.embedded("database", "store")  # homes are taken apart and put together as files


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with a backup beside it, `backup` and `keys`, and a hold that was placed after it."""
    top = tmp_path_factory.mktemp("backup")
    made = make_full_home(top)
    made.ask("backup", str(top / "backup"), "--keys", str(top / "keys"))
    made.ask("hold", "place", made.ask("record", "list")["records"][4]["record"], "--basis", "QĐ sau sao lưu")
    return made


def _beside(home: TestHome, name: str) -> Path:
    return home.folder.parent / name


def _lost(home: TestHome, folder: Path) -> TestHome:
    """Return a home of which nothing is left but vault and keys."""
    new = TestHome(folder / "var", home.recordings)
    shutil.copytree(home.folder / "objects", new.folder / "objects")
    shutil.copytree(_beside(home, "keys"), new.folder / "keys")
    return new


def _require_same(home: TestHome, other: TestHome) -> None:
    with reading(home.engine()) as one, reading(other.engine()) as two:
        assert list(differences(one, two)) == []


def test_a_restored_home_has_what_the_backup_had_and_what_was_acknowledged_since(
    home: TestHome, tmp_path: Path
) -> None:
    new = _lost(home, tmp_path)
    shutil.copytree(home.folder / "staging", new.folder / "staging")
    told = new.ask("restore", str(_beside(home, "backup")))
    assert told["problems"] == []
    assert told["events"] >= 1  # the hold
    _require_same(home, new)
    with reading(home.engine()) as one, reading(new.engine()) as two:
        for table in (batch, item, work_item):
            count = select(func.count()).select_from(table)
            assert one.execute(count).scalar_one() == two.execute(count).scalar_one() > 0
    assert new.faults() == set()
    assert new.run("rebuild", "--check").code == 0


def test_a_home_rebuilt_by_the_command_is_the_same_and_goes_on(home: TestHome, tmp_path: Path) -> None:
    new = _lost(home, tmp_path)
    refused = new.run("init", "--json")
    assert refused.document["error"] == "home-not-ready", refused.told  # a second archive over this vault
    shutil.rmtree(new.folder, ignore_errors=True)
    new = _lost(home, tmp_path)
    assert new.ask("rebuild")["problems"] == []
    _require_same(home, new)
    assert new.ask("search", "giấy", "--purpose", "x") is not None
    record = new.ask("record", "list")["records"][3]["record"]
    assert new.ask("hold", "place", record, "--basis", "QĐ mới")["hold"]
    assert new.faults() == set()


def _rebuild_killed(home: TestHome, folder: Path, kills: int) -> int:
    """Rebuild, killed so often at random; return how many kills hit it while it ran."""
    new, chance, hit = _lost(home, folder), random.Random(7), 0
    for _ in range(kills):
        running = new.start("rebuild")
        try:
            running.wait(chance.uniform(0.7, 2.5))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            hit += 1
        running.communicate()
    new.ask("rebuild")
    _require_same(home, new)
    assert new.faults() == set()
    return hit


@pytest.mark.drill
def test_a_rebuild_killed_ten_times_ends_equal(home: TestHome, tmp_path: Path) -> None:
    hit = _rebuild_killed(home, tmp_path, 10)
    print(f"\nrebuild killed {hit} times while it ran, equal at the end")
    assert hit >= 5


def test_a_rebuild_killed_twice_ends_equal(home: TestHome, tmp_path: Path) -> None:
    assert _rebuild_killed(home, tmp_path, 2) >= 1


def _changed_row(folder: Path, _new: TestHome) -> str:
    path = folder / table_file("record")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[1:])))
    return table_file("record")


def _lost_file(folder: Path, _new: TestHome) -> str:
    (folder / VAULT).unlink()
    return VAULT


def _no_manifest(folder: Path, _new: TestHome) -> str:
    (folder / MANIFEST).unlink()
    return MANIFEST


def _other_schema(folder: Path, _new: TestHome) -> str:
    told = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**told, "schema": "0001"}))
    return "schema"


def _other_log_key(_folder: Path, new: TestHome) -> str:
    (new.folder / "keys" / "log.key").unlink()
    LogKey.generate("kho-khac").write(new.folder / "keys" / "log.key")
    return "log.key"


def _other_sealing_keys(_folder: Path, new: TestHome) -> str:
    path = new.folder / "keys" / "sealing.json"
    path.write_text(path.read_text().replace("a", "b"))
    return "sealing.json"


def _lost_object(_folder: Path, new: TestHome) -> str:
    lost = sorted((new.folder / "objects" / "packages").rglob("object"))[0].parent
    shutil.rmtree(lost)
    return str(lost.relative_to(new.folder / "objects"))


@pytest.mark.parametrize(
    "spoil",
    [
        _changed_row,
        _lost_file,
        _no_manifest,
        _other_schema,
        _other_log_key,
        _other_sealing_keys,
        _lost_object,
    ],
)
def test_what_does_not_belong_together_is_named_and_nothing_is_restored(
    home: TestHome, tmp_path: Path, spoil: Callable[[Path, TestHome], str]
) -> None:
    folder = Path(shutil.copytree(_beside(home, "backup"), tmp_path / "backup"))
    new = _lost(home, tmp_path)
    part = spoil(folder, new)
    engine = stack.new_engine(new.folder)
    with writing(engine) as connection:
        store_codes(connection, shipped_codes())
    keys = new.folder / "keys"
    with pytest.raises(BackupInvalid) as refused:
        restore_backup(
            engine,
            new.store(),
            LogKey.load(keys / "log.key"),
            folder,
            seal=fingerprint((keys / "sealing.json").read_bytes()),
            at=AT,
        )
    assert refused.value.part == part
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(batch)).scalar_one() == 0


def test_a_backup_is_not_restored_over_an_archive_nor_made_into_a_folder_in_use(home: TestHome) -> None:
    over = home.run("restore", str(_beside(home, "backup")), "--json")
    assert over.document["error"] == "backup-invalid", over.told
    into = home.run("backup", str(_beside(home, "keys")), "--json")
    assert into.document["error"] == "backup-invalid", into.told
