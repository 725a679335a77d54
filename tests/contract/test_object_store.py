"""What every object store promises, whichever adapter a store URL names."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest
import rot
from buckets import new_bucket
from servers import shared

from archive.digest import sha256_of_bytes
from archive.errors import (
    DigestMismatch,
    InvalidKey,
    KeyTaken,
    ObjectDamaged,
    ObjectLocked,
    ObjectNotFound,
    ObjectWhole,
    RetentionShortened,
    StoreUnavailable,
)
from archive.identifiers import new_id
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.rules import to_the_second
from archive.stores.s3 import S3Store
from archive.stores.separated import SeparatedStore

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
END = NOW + timedelta(days=90)
LATER = END + timedelta(days=365)
KEY = "packages/ab/abcdefghijklmnopqrstuvwxyz/0001"
BODY = "bản quét".encode() * 1000
FOREIGN = "nothing-has-this-version"

Put = Callable[..., StoredObject]

ADAPTERS: dict[str, Callable[[Path], ObjectStore]] = {
    "file": lambda folder: open_store((folder / "kho").as_uri()),
    "memory": lambda folder: open_store(f"memory:{new_id()}"),
    "separated": lambda folder: SeparatedStore(
        open_store((folder / "kho").as_uri()), lambda: open_store((folder / "kho-rieng").as_uri())
    ),
    "minio": lambda folder: new_bucket(shared.minio()),
    "versity": lambda folder: new_bucket(shared.versity()),
}


@pytest.fixture(params=sorted(ADAPTERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return ADAPTERS[request.param](tmp_path)


@pytest.fixture
def put(store: ObjectStore, tmp_path: Path) -> Put:
    """Put bytes, announced with their right digest unless said otherwise."""

    def act(key: str = KEY, data: bytes = BODY, **given: Any) -> StoredObject:
        body = tmp_path / new_id()
        body.write_bytes(data)
        arguments = {"sha256": sha256_of_bytes(data), "retain_until": END, "now": NOW, **given}
        return store.put(key, body, **arguments)

    return act


def _read(store: ObjectStore, stored: StoredObject) -> bytes:
    with store.read(stored.key, stored.version_id) as stream:
        return stream.read()


def _listed(store: ObjectStore, prefix: str = "") -> list[str]:
    return [stored.key for stored in store.list_versions(prefix)]


def test_what_was_put_is_read_back_and_described(store: ObjectStore, put: Put) -> None:
    stored = put()

    assert _read(store, stored) == BODY
    assert StoredObject(KEY, stored.version_id, sha256_of_bytes(BODY), len(BODY), END, False, NOW) == stored
    assert stored == store.head(KEY) == store.head(KEY, stored.version_id)
    assert [stored] == list(store.list_versions())
    assert store.leftovers() == []


def test_a_second_put_under_the_key_is_refused_and_changes_nothing(store: ObjectStore, put: Put) -> None:
    first = put()

    with pytest.raises(KeyTaken) as refusal:
        put(data=b"khac", retain_until=LATER)
    assert refusal.value.key == KEY
    assert first == store.head(KEY)
    assert _read(store, first) == BODY
    assert [first] == list(store.list_versions())


def test_of_eight_racers_for_a_key_one_wins_and_its_bytes_stay(store: ObjectStore, put: Put) -> None:
    start = Barrier(8)

    def race(racer: int) -> StoredObject | None:
        start.wait()
        try:
            return put(data=bytes([racer]) * 100_000)
        except KeyTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))

    winners = [(racer, stored) for racer, stored in enumerate(results) if stored is not None]
    assert len(winners) == 1
    racer, stored = winners[0]
    assert stored == store.head(KEY)
    assert bytes([racer]) * 100_000 == _read(store, stored)
    assert store.leftovers() == []


def test_threads_putting_under_one_folder_do_not_hinder_each_other(store: ObjectStore, put: Put) -> None:
    keys = [f"staging/b/{number:02d}/received" for number in range(24)]

    def put_and_delete(key: str) -> None:
        for _ in range(3):
            stored = put(key, retain_until=None)
            store.delete(key, stored.version_id, now=NOW)
        put(key, retain_until=None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_and_delete, keys))

    assert keys == _listed(store)


@pytest.mark.parametrize("length", [0, 8999, 9001])
def test_bytes_that_are_not_those_announced_leave_nothing(store: ObjectStore, put: Put, length: int) -> None:
    with pytest.raises(DigestMismatch) as refusal:
        put(data=(BODY + b"!")[:length], sha256=sha256_of_bytes(BODY))

    assert sha256_of_bytes(BODY) == refusal.value.expected
    assert _listed(store) == []
    assert store.leftovers() == []
    with pytest.raises(ObjectNotFound):
        store.head(KEY)
    assert _read(store, put()) == BODY


def test_a_body_that_is_not_there_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        store.put(KEY, tmp_path / "gone", sha256=sha256_of_bytes(b""), retain_until=END, now=NOW)
    assert _listed(store) == []


def test_the_lock_is_there_as_soon_as_the_object_is(store: ObjectStore, put: Put) -> None:
    stored = put()

    assert store.head(KEY).retain_until == END
    with pytest.raises(ObjectLocked) as refusal:
        store.delete(KEY, stored.version_id, now=END - timedelta(seconds=1))
    assert (refusal.value.retain_until, refusal.value.held) == (END, False)
    assert _read(store, stored) == BODY


@pytest.fixture
def soon(store: ObjectStore) -> datetime:
    """A lock's end that comes in the test: real stores go by their own clock."""
    return to_the_second(datetime.now(UTC)) + timedelta(seconds=3) if isinstance(store, S3Store) else END


def _wait_for(end: datetime, store: ObjectStore) -> None:
    while isinstance(store, S3Store) and datetime.now(UTC) <= end:
        time.sleep(0.1)


def test_at_its_locks_end_a_version_can_be_deleted_and_its_key_is_free_again(
    store: ObjectStore, put: Put, soon: datetime
) -> None:
    first = put(retain_until=soon)
    _wait_for(soon, store)

    store.delete(KEY, first.version_id, now=soon)

    with pytest.raises(ObjectNotFound):
        store.head(KEY)
    with pytest.raises(ObjectNotFound):
        _read(store, first)
    with pytest.raises(ObjectNotFound):
        store.delete(KEY, first.version_id, now=soon)
    assert _listed(store) == []
    second = put(data=b"moi")
    assert first.version_id != second.version_id
    assert _read(store, second) == b"moi"
    with pytest.raises(ObjectNotFound):
        _read(store, first)


def test_an_object_without_a_lock_can_be_deleted_at_once(store: ObjectStore, put: Put) -> None:
    stored = put(retain_until=None)

    assert stored.retain_until is None
    store.delete(KEY, stored.version_id, now=NOW)
    assert _listed(store) == []


def test_a_lock_moves_later_and_never_earlier(store: ObjectStore, put: Put) -> None:
    stored = put()

    extended = store.extend(KEY, stored.version_id, LATER)

    assert extended.retain_until == LATER
    assert extended == store.head(KEY)
    with pytest.raises(RetentionShortened) as refusal:
        store.extend(KEY, stored.version_id, LATER - timedelta(seconds=1))
    assert (LATER, LATER - timedelta(seconds=1)) == (refusal.value.current, refusal.value.asked)
    assert extended == store.head(KEY)
    with pytest.raises(ObjectLocked):
        store.delete(KEY, stored.version_id, now=END)
    assert _read(store, stored) == BODY


def test_the_same_end_again_changes_nothing(store: ObjectStore, put: Put) -> None:
    stored = put()

    assert stored == store.extend(KEY, stored.version_id, END)
    assert stored == store.head(KEY)


def test_an_object_without_a_lock_can_be_given_one(store: ObjectStore, put: Put) -> None:
    stored = put(retain_until=None)

    assert store.extend(KEY, stored.version_id, END).retain_until == END
    with pytest.raises(ObjectLocked):
        store.delete(KEY, stored.version_id, now=NOW)


@pytest.mark.parametrize("locked", [True, False])
def test_a_hold_keeps_an_object_whose_lock_has_ended(
    store: ObjectStore, put: Put, locked: bool, soon: datetime
) -> None:
    retain_until = soon if locked else None
    stored = put(retain_until=retain_until)

    held = store.set_hold(KEY, stored.version_id, held=True)
    _wait_for(soon, store)

    assert (True, retain_until) == (held.held, held.retain_until)
    assert held == store.head(KEY) == store.set_hold(KEY, stored.version_id, held=True)
    with pytest.raises(ObjectLocked) as refusal:
        store.delete(KEY, stored.version_id, now=LATER)
    assert refusal.value.held
    assert _read(store, stored) == BODY
    assert stored == store.set_hold(KEY, stored.version_id, held=False)
    store.delete(KEY, stored.version_id, now=LATER)
    assert _listed(store) == []


def test_a_hold_and_a_lock_do_not_touch_each_other(store: ObjectStore, put: Put) -> None:
    stored = put()

    store.set_hold(KEY, stored.version_id, held=True)
    store.extend(KEY, stored.version_id, LATER)
    assert (store.head(KEY).held, store.head(KEY).retain_until) == (True, LATER)
    store.set_hold(KEY, stored.version_id, held=False)
    with pytest.raises(ObjectLocked):
        store.delete(KEY, stored.version_id, now=END)


def test_racing_extensions_and_holds_lose_none(store: ObjectStore, put: Put) -> None:
    stored = put()
    ends = [END + timedelta(days=day) for day in range(1, 17)]
    Random(7).shuffle(ends)

    def change(end: datetime) -> None:
        try:
            store.extend(KEY, stored.version_id, end)
        except RetentionShortened:
            assert END < end < max(ends)
        if end == max(ends):
            store.set_hold(KEY, stored.version_id, held=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, ends))

    assert (max(ends), True) == (store.head(KEY).retain_until, store.head(KEY).held)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (END.replace(microsecond=1), END + timedelta(seconds=1)),
        (END.replace(microsecond=999_999), END + timedelta(seconds=1)),
        (END.astimezone(timezone(timedelta(hours=7))), END),
        (END.astimezone(timezone(-timedelta(hours=9, minutes=30))), END),
    ],
)
def test_a_locks_end_is_kept_in_utc_and_never_before_the_instant_given(
    store: ObjectStore, put: Put, given: datetime, kept: datetime
) -> None:
    stored = put(retain_until=given, now=NOW.replace(microsecond=999_999))

    assert (kept, UTC) == (stored.retain_until, stored.retain_until.tzinfo if stored.retain_until else None)
    assert stored.stored_at == NOW
    assert stored == store.extend(KEY, stored.version_id, given) == store.head(KEY)


def test_an_instant_without_a_zone_is_refused(store: ObjectStore, put: Put) -> None:
    with pytest.raises(ValueError, match="zone"):
        put(retain_until=END.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        put(now=NOW.replace(tzinfo=None))
    assert _listed(store) == []


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 10, BODY[:10]),
        (4096, 17, BODY[4096:4113]),
        (len(BODY) - 5, 100, BODY[-5:]),
        (len(BODY), 1, b""),
        (len(BODY) + 7, 1, b""),
        (3, 0, b""),
        (0, len(BODY), BODY),
    ],
)
def test_a_range_is_those_bytes_or_what_there_is_of_them(
    store: ObjectStore, put: Put, start: int, length: int, expected: bytes
) -> None:
    assert expected == store.read_range(KEY, put().version_id, start, length)


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_negative_range_is_refused(store: ObjectStore, put: Put, start: int, length: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        store.read_range(KEY, put().version_id, start, length)


def test_an_opened_version_can_be_read_from_any_place(store: ObjectStore, put: Put) -> None:
    stored = put()

    with store.read(KEY, stored.version_id) as stream:
        assert stream.seekable()
        assert len(BODY) == stream.seek(0, 2)
        stream.seek(-9, 2)
        assert BODY[-9:] == stream.read()
        stream.seek(100)
        assert (BODY[100:107], 107) == (stream.read(7), stream.tell())


def test_an_opened_version_stays_readable_while_it_is_deleted(store: ObjectStore, put: Put) -> None:
    stored = put(retain_until=None)

    with store.read(KEY, stored.version_id) as stream:
        store.delete(KEY, stored.version_id, now=NOW)
        assert stream.read() == BODY


@pytest.mark.parametrize("key", [KEY, "packages/zz/none", "packages"])
def test_what_is_not_there_is_not_found(store: ObjectStore, put: Put, key: str) -> None:
    put()
    acts: list[Callable[[], object]] = [
        lambda: store.head(key, FOREIGN),
        lambda: store.read(key, FOREIGN).__enter__(),
        lambda: store.read_range(key, FOREIGN, 0, 1),
        lambda: store.extend(key, FOREIGN, LATER),
        lambda: store.set_hold(key, FOREIGN, held=True),
        lambda: store.delete(key, FOREIGN, now=LATER),
    ]
    for act in acts:
        with pytest.raises(ObjectNotFound) as refusal:
            act()
        assert (key, FOREIGN) == (refusal.value.key, refusal.value.version_id)
    assert (store.head(KEY).retain_until, store.head(KEY).held) == (END, False)


def test_an_empty_file_is_stored_like_any_other(store: ObjectStore, put: Put) -> None:
    stored = put(data=b"")

    assert (0, hashlib.sha256().hexdigest()) == (stored.length, stored.sha256)
    assert b"" == _read(store, stored) == store.read_range(KEY, stored.version_id, 0, 10)


def test_five_million_bytes_come_back_as_they_were(store: ObjectStore, put: Put) -> None:
    data = Random(5).randbytes(5_000_001)
    stored = put(data=data)

    assert data == _read(store, stored)
    assert data[4_999_990:] == store.read_range(KEY, stored.version_id, 4_999_990, 100)


SORTED_KEYS = [
    "a",
    "a-b",
    "a-b.c/x",
    "a.b",
    "ab/c-d",
    "ab/c-d-e/x",
    "ab/c.d/x",
    "ab/c/x",
    "ab0",
    "b/0001",
    "b/0010",
]


def test_keys_are_listed_in_order(store: ObjectStore, put: Put) -> None:
    assert sorted(SORTED_KEYS) == SORTED_KEYS
    shuffled = list(SORTED_KEYS)
    Random(3).shuffle(shuffled)
    for key in shuffled:
        put(key, b"x")

    assert _listed(store) == SORTED_KEYS
    assert store.leftovers() == []


@pytest.mark.parametrize(
    "prefix",
    [
        "a",
        "a-",
        "ab",
        "ab/",
        "ab/c",
        "ab/c-d",
        "ab/c/",
        "ab/c/x",
        "ab/c/x/",
        "b/00",
        "b/0001",
        "c",
        "../",
        "/",
        "A",
    ],
)
def test_a_prefix_lists_exactly_the_keys_that_start_with_it(store: ObjectStore, put: Put, prefix: str) -> None:
    for key in SORTED_KEYS:
        put(key, b"x")

    assert [key for key in SORTED_KEYS if key.startswith(prefix)] == _listed(store, prefix)


def test_a_listing_goes_on_while_its_objects_are_deleted(store: ObjectStore, put: Put) -> None:
    for key in SORTED_KEYS:
        put(key, b"x", retain_until=None)

    seen = []
    for stored in store.list_versions():
        seen.append(stored.key)
        store.delete(stored.key, stored.version_id, now=NOW)

    assert seen == SORTED_KEYS
    assert _listed(store) == []


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", "a/./b", ".tmp/a", "a/.b", "A", "a/B",
        "a b", "a\0", "a\0b", "a\n", "a\\b", "ả", "a:b", "a%2fb", "~", "a" * 201, "/".join(["abcdefghi"] * 91),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_by_every_act(store: ObjectStore, put: Put, key: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: put(key),
        lambda: store.head(key),
        lambda: store.read(key, FOREIGN).__enter__(),
        lambda: store.read_range(key, FOREIGN, 0, 1),
        lambda: store.extend(key, FOREIGN, LATER),
        lambda: store.set_hold(key, FOREIGN, held=True),
        lambda: store.delete(key, FOREIGN, now=LATER),
    ]
    for act in acts:
        with pytest.raises(InvalidKey) as refusal:
            act()
        assert key == refusal.value.key
    assert _listed(store) == []


@pytest.mark.parametrize("key", ["a", "a/object", "object/about.json", "0", "a/b.c-d_e", "_", "a" * 200])
def test_every_key_of_the_alphabet_is_taken(store: ObjectStore, put: Put, key: str) -> None:
    stored = put(key)

    assert [key] == _listed(store)
    assert _read(store, stored) == BODY
    assert store.leftovers() == []


@pytest.mark.parametrize(("first", "second"), [("a/b", "a"), ("a", "a/b"), ("a/b/c", "a"), ("a", "a/object")])
def test_no_key_is_a_prefix_folder_of_another(store: ObjectStore, put: Put, first: str, second: str) -> None:
    put(first)

    with pytest.raises(InvalidKey):
        put(second)
    assert [first] == _listed(store)
    with pytest.raises(ObjectNotFound):
        store.head(second)


def test_sweeping_touches_no_object(store: ObjectStore, put: Put) -> None:
    stored = [put("a/b"), put("c", retain_until=None)]

    assert store.sweep() == 0
    assert stored == list(store.list_versions())


def _body(folder: Path, data: bytes = BODY) -> Path:
    path = folder / new_id()
    path.write_bytes(data)
    return path


def test_what_is_whole_is_not_restored(store: ObjectStore, put: Put, tmp_path: Path) -> None:
    stored = put()

    with pytest.raises(ObjectWhole) as refusal:
        store.restore(stored, _body(tmp_path))
    assert (KEY, stored.version_id) == (refusal.value.key, refusal.value.version_id)
    assert [stored] == list(store.list_versions())


@pytest.mark.parametrize("held", [True, False])
def test_what_is_gone_is_restored_with_its_lock_and_hold(
    store: ObjectStore, put: Put, tmp_path: Path, *, held: bool
) -> None:
    stored = put(retain_until=None)
    store.delete(KEY, stored.version_id, now=NOW)

    restored = store.restore(replace(stored, retain_until=END, held=held), _body(tmp_path))

    assert (END, held, stored.stored_at) == (restored.retain_until, restored.held, restored.stored_at)
    assert _read(store, restored) == BODY
    assert restored == store.head(KEY) == store.head(KEY, restored.version_id)
    assert [restored] == list(store.list_versions())
    with pytest.raises(ObjectLocked):
        store.delete(KEY, restored.version_id, now=NOW)
    assert store.leftovers() == []


def test_bytes_that_are_not_the_lost_ones_restore_nothing(store: ObjectStore, put: Put, tmp_path: Path) -> None:
    stored = put(retain_until=None)
    store.delete(KEY, stored.version_id, now=NOW)

    with pytest.raises(DigestMismatch):
        store.restore(stored, _body(tmp_path, b"khac"))
    assert list(store.list_versions()) == []
    assert store.leftovers() == []
    with pytest.raises(ObjectNotFound):
        store.head(KEY)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "cut": lambda data: data[:-1],
    "zeros": lambda data: data[:4096] + bytes(4096) + data[8192:],
}


@pytest.mark.parametrize("adapter", ["file", "memory", "separated"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_restored_as_the_same_version(adapter: str, damage: str, tmp_path: Path) -> None:
    store = ADAPTERS[adapter](tmp_path)
    stored = store.put(KEY, _body(tmp_path), sha256=sha256_of_bytes(BODY), retain_until=LATER, now=NOW)
    store.set_hold(KEY, stored.version_id, held=True)
    rot.spoil(store, KEY, DAMAGES[damage])

    # The caller knows of a shorter lock and of no hold: what the store still knows of them is kept.
    restored = store.restore(replace(stored, retain_until=END), _body(tmp_path))

    assert replace(stored, held=True) == restored == store.head(KEY)
    assert _read(store, restored) == BODY
    assert store.leftovers() == []
    assert [restored] == list(store.list_versions())


def test_a_file_store_keeps_what_was_damaged_as_evidence(tmp_path: Path) -> None:
    store = ADAPTERS["file"](tmp_path)
    stored = store.put(KEY, _body(tmp_path), sha256=sha256_of_bytes(BODY), retain_until=END, now=NOW)
    rot.spoil(store, KEY, DAMAGES["flipped"])
    store.restore(stored, _body(tmp_path))

    (evidence,) = (tmp_path / "kho" / ".damaged" / KEY).iterdir()
    assert DAMAGES["flipped"](BODY) == (evidence / "object").read_bytes()


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_above_a_damaged_version_in_a_bucket_a_good_one_is_put(damage: str, tmp_path: Path) -> None:
    store = ADAPTERS["minio"](tmp_path)
    data = Random(5).randbytes(600_000)  # above what the server keeps beside its own notes
    stored = store.put(KEY, _body(tmp_path, data), sha256=sha256_of_bytes(data), retain_until=LATER, now=NOW)
    store.set_hold(KEY, stored.version_id, held=True)
    rot.spoil(store, KEY, DAMAGES[damage])
    with pytest.raises(ObjectDamaged):
        _read(store, stored)

    restored = store.restore(replace(stored, retain_until=END), _body(tmp_path, data))

    assert replace(stored, held=True, version_id=restored.version_id) == restored == store.head(KEY)
    assert restored.version_id != stored.version_id
    assert _read(store, restored) == data
    assert [restored] == list(store.list_versions())
    assert store.leftovers() == []
