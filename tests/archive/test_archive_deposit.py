"""A package is put once however often it is tried: ours is adopted with the lock asked for, a stranger's never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import packages
import pytest

from archive.deposit import put_or_adopt
from archive.digest import sha256_of_file
from archive.errors import DigestMismatch, KeyTaken
from archive.package.write import write_supplement
from archive.stores.file import FileStore
from archive.stores.port import ObjectStore, StoredObject

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
KEY = "packages/ab/abcdefghijklmnopqrstuvwxyz/0002"
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=90)
OURS = packages.supplement("description")


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "objects")


@pytest.fixture
def body(tmp_path: Path) -> Path:
    write_supplement(OURS, tmp_path / "ours.zip")
    return tmp_path / "ours.zip"


def _put(store: ObjectStore, body: Path, *, until: datetime = LATER) -> StoredObject:
    sha256, _ = sha256_of_file(body)
    return put_or_adopt(store, KEY, body, sha256=sha256, objid=OURS.objid, retain_until=until, now=NOW)


def test_what_is_returned_is_what_the_store_says_when_asked(store: FileStore, body: Path) -> None:
    stored = _put(store, body)
    assert stored == store.head(KEY)
    assert stored.retain_until == LATER


def test_a_second_attempt_adopts_the_object_and_moves_its_lock_on(store: FileStore, body: Path) -> None:
    first = _put(store, body, until=SOON)
    second = _put(store, body, until=LATER)
    assert (second.version_id, second.sha256) == (first.version_id, first.sha256)
    assert store.head(KEY).retain_until == LATER


def test_adopting_never_shortens_a_lock(store: FileStore, body: Path) -> None:
    _put(store, body, until=LATER)
    assert _put(store, body, until=SOON).retain_until == LATER


@pytest.mark.parametrize("kind", ["no package", "another package", "ours, damaged"])
def test_an_object_that_is_not_our_package_whole_is_not_adopted(
    store: FileStore, body: Path, tmp_path: Path, kind: str
) -> None:
    foreign = tmp_path / "foreign"
    if kind == "no package":
        foreign.write_bytes(b"something else")
    elif kind == "another package":
        write_supplement(replace(OURS, objid=packages.supplement("text").objid), foreign)
    else:
        data = body.read_bytes()
        foreign.write_bytes(data.replace(b"documentation", b"documentatjon", 1))
    sha256, _ = sha256_of_file(foreign)
    store.put(KEY, foreign, sha256=sha256, retain_until=SOON, now=NOW)
    with pytest.raises(KeyTaken):
        _put(store, body)
    assert store.head(KEY).sha256 == sha256


def test_bytes_that_changed_on_the_disk_are_noticed_on_reading_back(store: FileStore, body: Path) -> None:
    stored = _put(store, body)
    (data,) = (body.parent / "objects").rglob("object")
    data.chmod(0o644)
    damaged = bytearray(data.read_bytes())
    damaged[100] ^= 1
    data.write_bytes(damaged)
    with pytest.raises((DigestMismatch, KeyTaken)):
        _put(store, body)
    assert store.head(KEY).version_id == stored.version_id
