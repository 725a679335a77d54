"""Two stores behind one port: the key says which, neither stands in for the other, and one may be away alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from buckets import new_bucket
from servers import shared

from archive.digest import sha256_of_bytes
from archive.errors import (
    InvalidKey,
    KeyTaken,
    ObjectLocked,
    RestrictedStoreUnset,
    StoresNotApart,
    StoreUnavailable,
    UnknownUrl,
)
from archive.identifiers import new_id
from archive.keys import copy_key, is_copy, is_restricted, package_key
from archive.record import RecordId
from archive.stores.canary import prove_locks
from archive.stores.open import open_store
from archive.stores.places import NamedUrl, require_apart
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.separated import SeparatedStore, keeps_apart

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
END = NOW + timedelta(days=90)
RECORD = RecordId("abcdefghijklmnopqrstuvwxyz")
OPEN, APART = package_key(RECORD, 1), package_key(RECORD, 1, apart=True)


class Places:
    """Two folders and the stores in them, the second one away when its folder is renamed."""

    def __init__(self, top: Path) -> None:
        self.open, self.apart, self._top = open_store((top / "a").as_uri()), open_store((top / "b").as_uri()), top
        self.store = SeparatedStore(self.open, lambda: open_store((top / "b").as_uri(), make=False))

    def put(self, key: str, data: bytes = b"ban quet", store: ObjectStore | None = None) -> StoredObject:
        body = self._top / new_id()
        body.write_bytes(data)
        digest = sha256_of_bytes(data)
        return (store or self.store).put(key, body, sha256=digest, retain_until=END, now=NOW)

    def take_away(self) -> None:
        (self._top / "b").rename(self._top / "away")

    def bring_back(self) -> None:
        (self._top / "away").rename(self._top / "b")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def _keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [one.key for one in store.list_versions(prefix)]


def test_the_key_alone_says_in_which_store_an_object_lies(places: Places) -> None:
    kept, apart = places.put(OPEN), places.put(APART)

    assert (_keys(places.open), _keys(places.apart)) == ([OPEN], [APART])
    assert [places.store.head(one.key) for one in (kept, apart)] == [kept, apart]


def test_every_act_on_a_restricted_object_reaches_its_store(places: Places) -> None:
    stored = places.put(APART)
    with pytest.raises(KeyTaken):
        places.put(APART)

    longer = places.store.extend(APART, stored.version_id, END + timedelta(days=1))
    held = places.store.set_hold(APART, stored.version_id, held=True)
    with places.store.read(APART, stored.version_id) as stream:
        assert stream.read() == b"ban quet"

    assert places.store.read_range(APART, stored.version_id, 0, 3) == b"ban"
    assert (longer.retain_until, held.held) == (END + timedelta(days=1), True)
    assert places.apart.head(APART) == held
    with pytest.raises(ObjectLocked):
        places.store.delete(APART, stored.version_id, now=END + timedelta(days=2))
    places.store.set_hold(APART, stored.version_id, held=False)
    places.store.delete(APART, stored.version_id, now=END + timedelta(days=2))
    assert _keys(places.store) == []


@pytest.mark.parametrize(
    "prefix",
    ["", "c", "packages/", "packages/ab", "r", "restricted", "restricted/", "restricted/copies/", "sealed", "z"],
)
def test_both_are_listed_as_one_in_key_order(places: Places, prefix: str) -> None:
    keys = [OPEN, APART, copy_key("aa"), copy_key("aa", apart=True), "sealed/1"]
    for key in keys:
        places.put(key)

    assert _keys(places.store, prefix) == sorted(key for key in keys if key.startswith(prefix))


def test_the_folder_of_restricted_keys_is_no_key(places: Places) -> None:
    with pytest.raises(InvalidKey):
        places.put("restricted")


def test_copies_are_known_in_either_store() -> None:
    keys = [OPEN, APART, copy_key("aa"), copy_key("aa", apart=True)]
    assert [is_copy(key) for key in keys] == [False, False, True, True]
    assert [is_restricted(key) for key in keys] == [False, True, False, True]


@pytest.mark.parametrize(("level", "apart"), [(1, False), (2, False), (3, True), (4, True)])
def test_levels_3_and_4_are_kept_apart_where_there_is_a_store_for_them(
    places: Places, level: int, apart: bool
) -> None:
    assert keeps_apart(places.store, level) is apart
    assert not keeps_apart(SeparatedStore(places.open, None), level)
    assert not keeps_apart(places.open, level)


def test_without_its_store_a_restricted_object_is_refused_by_name_not_told_missing(places: Places) -> None:
    stored = places.put(APART)
    without = SeparatedStore(places.open, None)

    acts: list[Callable[[], object]] = [
        lambda: without.head(APART),
        lambda: without.read(APART, stored.version_id),
        lambda: without.read_range(APART, stored.version_id, 0, 1),
        lambda: without.extend(APART, stored.version_id, END),
        lambda: without.set_hold(APART, stored.version_id, held=True),
        lambda: without.delete(APART, stored.version_id, now=NOW),
        lambda: places.put(APART, store=without),
    ]
    for act in acts:
        with pytest.raises(RestrictedStoreUnset) as refused:
            act()
        assert APART in str(refused.value)
    assert _keys(without) == _keys(places.open) == []


def test_while_the_restricted_store_is_away_the_other_goes_on(places: Places) -> None:
    kept, apart = places.put(OPEN), places.put(APART)
    places.take_away()

    for store in (places.store, SeparatedStore(places.open, lambda: open_store("file:///none", make=False))):
        with pytest.raises(StoreUnavailable):
            store.head(APART)
        with pytest.raises(StoreUnavailable):
            _keys(store)
        assert store.head(OPEN) == kept
        assert _keys(store, "packages/") == [OPEN]
        assert store.sweep() == 0
    places.bring_back()

    assert places.store.head(APART) == apart


def test_a_store_that_could_not_be_opened_is_tried_again(places: Places, tmp_path: Path) -> None:
    places.take_away()
    with pytest.raises(StoreUnavailable):
        places.put(APART)
    assert not (tmp_path / "b").exists(), "a disk that is not mounted is not made anew"
    places.bring_back()
    places.put(APART)


def test_what_lies_in_the_wrong_store_is_a_leftover_and_no_object(places: Places, tmp_path: Path) -> None:
    places.put(APART, store=places.open)
    places.put(OPEN, store=places.apart)
    (tmp_path / "b" / "odd.txt").write_text("?")

    assert _keys(places.store) == []
    assert places.store.leftovers() == [
        f"{APART}: belongs into the other of the two stores",
        "restricted store: odd.txt",
        f"restricted store: {OPEN}: belongs into the other of the two stores",
    ]


def test_both_buckets_prove_their_locks(tmp_path: Path) -> None:
    good, weak = new_bucket(shared.minio()), new_bucket(shared.versity())
    now = datetime.now(UTC)
    allowed = frozenset({"hold-ends-with-lock"})

    assert prove_locks(SeparatedStore(good, lambda: weak), now=now, allowed=allowed) == ("hold-ends-with-lock",)
    with pytest.raises(StoreUnavailable):
        prove_locks(SeparatedStore(good, lambda: open_store("file:///none", make=False)), now=now)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("file:///kho/a", "file:///kho/a"),
        ("file:///kho/a", "file:///kho/a/"),
        ("file:///kho/a", "file:///kho/b/../a"),
        ("file:///kho/a", "file:///kho/a/b"),
        ("file:///kho/a/b", "file:///kho/a"),
        ("file:///kho/h%C3%A0", "file:///kho/hà"),
        ("memory:a", "memory:a"),
        ("s3://kho?endpoint=http://may:80", "s3://kho?endpoint=http://MAY&region=vn-1"),
        ("s3://kho?endpoint=https://may", "s3://kho/?endpoint=https://may:443&lock=none"),
    ],
)
def test_one_place_under_two_settings_is_refused(first: str, second: str) -> None:
    with pytest.raises(StoresNotApart) as refused:
        require_apart(NamedUrl("A", first), NamedUrl("B", second))
    assert (refused.value.first, refused.value.second) == ("A", "B")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("file:///kho/a", "file:///kho/ab"),
        ("file:///kho", "s3://kho?endpoint=http://may"),
        ("memory:a", "memory:b"),
        ("s3://kho?endpoint=http://may", "s3://kho-rieng?endpoint=http://may"),
        ("s3://kho?endpoint=http://may", "s3://kho?endpoint=http://may-khac"),
    ],
)
def test_two_places_are_two(first: str, second: str) -> None:
    require_apart(NamedUrl("A", first), NamedUrl("B", second))


def test_a_link_into_the_other_store_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(StoresNotApart):
        require_apart(NamedUrl("A", (tmp_path / "a").as_uri()), NamedUrl("B", (tmp_path / "b" / "c").as_uri()))


def test_the_setting_that_names_no_adapter_is_named() -> None:
    with pytest.raises(UnknownUrl) as refused:
        open_store("ftp://kho", setting="ARCHIVE_RESTRICTED_STORE_URL")
    assert refused.value.setting == "ARCHIVE_RESTRICTED_STORE_URL"
