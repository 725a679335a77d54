"""A bucket as an object store: lost answers, cut bodies, strangers' objects, clocks, and what is told of them."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from buckets import bucket_url, client_of, new_bucket
from servers import shared
from servers.toxiproxy import Line as Network

from archive.digest import sha256_of_bytes
from archive.errors import (
    DigestMismatch,
    KeyTaken,
    ObjectLocked,
    ObjectNotFound,
    ObjectTooLarge,
    StoreUnavailable,
    UnknownUrl,
)
from archive.identifiers import new_id
from archive.stores import s3_listing, s3_requests
from archive.stores.open import open_store
from archive.stores.port import StoreCredentials, StoredObject
from archive.stores.s3 import S3Store
from archive.stores.s3_answers import when
from archive.stores.s3_requests import Answer, LineBroken

KEY = "packages/ab/abcdefgh/0001"
BODY = b"ban quet" * 1000
SERVERS = {"minio": shared.minio, "versity": shared.versity}

Put = Callable[..., StoredObject]


def _s3(store: object) -> S3Store:
    assert isinstance(store, S3Store)
    return store


@pytest.fixture(params=sorted(SERVERS))
def store(request: pytest.FixtureRequest) -> S3Store:
    return _s3(new_bucket(SERVERS[request.param]()))


def _tomorrow() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def _put(store: S3Store, folder: Path, key: str = KEY, data: bytes = BODY, **given: Any) -> StoredObject:
    body = folder / new_id()
    body.write_bytes(data)
    arguments: dict[str, Any] = {
        "sha256": sha256_of_bytes(data),
        "retain_until": _tomorrow(),
        "now": datetime.now(UTC),
        **given,
    }
    return store.put(key, body, **arguments)


@pytest.fixture
def network() -> Iterator[Network]:
    """A line to MinIO that can be cut."""
    line = shared.toxiproxy().before(shared.minio().port)
    yield line
    line.heal()


def _behind(network: Network, bucket: str) -> S3Store:
    keys = StoreCredentials(shared.minio().user, shared.minio().password)
    return _s3(open_store(f"s3://{bucket}?endpoint=http://127.0.0.1:{network.port}", keys))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_requests, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(s3_requests, "PAUSE_SECONDS", 0.05)


@pytest.mark.parametrize("after", [True, False])
def test_a_put_whose_answer_was_lost_is_found_or_made_once(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    send, lost = store.line.put_file, []

    def lose_the_first(*arguments: Any, **given: Any) -> Answer:
        if lost:
            return send(*arguments, **given)
        lost.append(True)
        if after:
            send(*arguments, **given)
        raise LineBroken("the answer was lost")

    monkeypatch.setattr(store.line, "put_file", lose_the_first)
    stored = _put(store, tmp_path)

    assert (stored, [stored]) == (store.head(KEY), list(store.list_versions()))
    assert store.leftovers() == []


def test_a_lost_answer_does_not_make_anothers_object_ours(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = store.line.put_file

    def overtaken(key: str, path: Path, headers: dict[str, str], **given: Any) -> Answer:
        send(key, path, headers | {"x-amz-meta-claim": "another"}, **given)
        raise LineBroken("the answer was lost")

    monkeypatch.setattr(store.line, "put_file", overtaken)
    with pytest.raises(KeyTaken):
        _put(store, tmp_path)


def test_a_server_that_answers_nothing_is_given_up_in_bounded_time(
    network: Network, tmp_path: Path, impatient: None
) -> None:
    behind = _behind(network, _s3(new_bucket(shared.minio())).line.bucket)
    stored = _put(behind, tmp_path)
    network.black_hole()
    begun = time.monotonic()

    with pytest.raises(StoreUnavailable, match="does not answer"):
        behind.head(KEY)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        _put(behind, tmp_path, "packages/ab/other/0001")
    assert time.monotonic() - begun < 15
    network.heal()
    assert behind.head(KEY) == stored
    assert [one.key for one in behind.list_versions()] == [KEY]


def test_an_acts_deadline_holds_however_many_requests_it_takes(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = _behind(network, _s3(new_bucket(shared.minio())).line.bucket)
    monkeypatch.setattr("archive.stores.s3.ACT_SECONDS", 1.0)
    network.delay(700)
    begun = time.monotonic()

    with pytest.raises(StoreUnavailable, match=r"in time|timed out"):
        _put(behind, tmp_path)
    assert time.monotonic() - begun < 5


def test_a_put_cut_in_the_middle_stores_nothing_and_can_be_made_again(
    network: Network, tmp_path: Path, impatient: None
) -> None:
    behind = _behind(network, _s3(new_bucket(shared.minio())).line.bucket)
    data = b"x" * 1_000_000
    network.cut_after(300_000)

    with pytest.raises(StoreUnavailable):
        _put(behind, tmp_path, data=data)
    network.heal()
    assert (list(behind.list_versions()), behind.leftovers()) == ([], [])
    assert _put(behind, tmp_path, data=data) == behind.head(KEY)


def test_a_line_that_is_refused_says_where_and_why(tmp_path: Path) -> None:
    nobody = _s3(open_store("s3://kho?endpoint=http://127.0.0.1:9", StoreCredentials("a", "b")))
    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:9 does not answer: Connection refused"):
        nobody.head(KEY)


def test_a_file_above_five_gibibytes_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    nobody = _s3(open_store("s3://kho?endpoint=http://127.0.0.1:9", StoreCredentials("a", "b")))
    body = tmp_path / "big"
    with body.open("wb") as file:
        file.truncate(5 * 1024**3 + 1)

    with pytest.raises(ObjectTooLarge) as refusal:
        nobody.put(KEY, body, sha256="0" * 64, retain_until=_tomorrow(), now=datetime.now(UTC))
    assert (refusal.value.length, refusal.value.limit) == (5 * 1024**3 + 1, 5 * 1024**3)


def test_a_server_that_is_briefly_overloaded_is_asked_again(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _put(store, tmp_path)
    send, answers = store.line._send, [503, 429]

    def busy(*arguments: Any) -> Answer:
        return Answer(answers.pop(), {}, b"") if answers else send(*arguments)

    monkeypatch.setattr(s3_requests, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(store.line, "_send", busy)
    assert store.head(KEY) == stored
    assert answers == []


def test_locks_end_by_the_servers_clock_whatever_ours_says(store: S3Store, tmp_path: Path) -> None:
    stored = _put(store, tmp_path)

    with pytest.raises(ObjectLocked) as refusal:
        store.delete(KEY, stored.version_id, now=datetime.now(UTC) + timedelta(days=365))
    assert refusal.value.retain_until == stored.retain_until
    assert store.head(KEY) == stored


def test_a_held_object_is_never_asked_to_be_deleted_once_its_lock_has_ended(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """versitygw would delete it: the hold is looked at before anything is sent, and none is."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    stored = _put(store, tmp_path, retain_until=end)
    store.set_hold(KEY, stored.version_id, held=True)
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 1))
    asked: list[str] = []
    ask = store.line.ask

    def watched(method: str, *arguments: Any, **given: Any) -> Answer:
        asked.append(method)
        return ask(method, *arguments, **given)

    monkeypatch.setattr(store.line, "ask", watched)
    with pytest.raises(ObjectLocked) as refusal:
        store.delete(KEY, stored.version_id, now=datetime.now(UTC))
    assert (refusal.value.held, "DELETE" in asked) == (True, False)
    assert store.head(KEY).held


def test_a_held_object_whose_lock_is_extended_is_safe_from_anyone(store: S3Store, tmp_path: Path) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    stored = _put(store, tmp_path, retain_until=end)
    store.set_hold(KEY, stored.version_id, held=True)
    store.extend(KEY, stored.version_id, _tomorrow())
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 1))

    answer = store.line.ask("DELETE", KEY, {"versionId": stored.version_id})
    assert answer.status in (400, 403)
    assert store.head(KEY).held


def test_a_strangers_doings_are_leftovers_and_stop_no_listing(store: S3Store, tmp_path: Path) -> None:
    mine = _put(store, tmp_path)
    hidden = _put(store, tmp_path, "packages/ab/hidden/0001")
    line = store.line
    line.ask("PUT", "packages/ab/stranger", body=b"x")
    line.ask("PUT", "Strange Name", body=b"x")
    line.ask("PUT", KEY, body=b"another version")
    line.ask("DELETE", hidden.key)
    line.ask("POST", "packages/ab/parts", {"uploads": ""})

    told = sorted(re.sub(r" \(version [^)]*\)", "", one) for one in store.leftovers())
    assert told == [
        "Strange Name: no key of this program",
        f"{KEY}: not put there by this program",
        "packages/ab/hidden/0001: a delete marker",
        "packages/ab/parts: parts of an unfinished put",
        "packages/ab/stranger: not put there by this program",
    ]
    assert sorted(one.key for one in store.list_versions()) == sorted((mine.key, hidden.key))
    assert store.head(KEY, mine.version_id) == mine
    assert store.head(hidden.key, hidden.version_id) == hidden
    with pytest.raises(ObjectNotFound):
        store.head(hidden.key)
    with pytest.raises(StoreUnavailable, match="a delete marker hides it"):
        _put(store, tmp_path, hidden.key)


def test_unfinished_puts_in_parts_are_given_up_after_a_day(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.line.ask("POST", "packages/ab/parts", {"uploads": ""})

    assert (store.sweep(), len(store.leftovers())) == (0, 1)
    monkeypatch.setattr("archive.stores.s3._UPLOAD_AGE", -timedelta(minutes=1))
    assert (store.sweep(), store.leftovers()) == (1, [])


def test_a_listing_of_many_pages_is_whole_and_in_order(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"packages/{number % 7:02d}/{number:03d}/0001" for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: _put(store, tmp_path, key, b"x"), keys))
    monkeypatch.setattr(s3_listing, "PAGE", 7)

    assert [one.key for one in store.list_versions()] == sorted(keys)
    assert [one.key for one in store.list_versions("packages/03/")] == sorted(k for k in keys if "/03/" in k[8:12])


def test_a_bucket_that_is_gone_is_not_an_object_that_is_gone() -> None:
    gone = _s3(
        open_store(
            bucket_url(shared.minio(), f"t-{new_id()}"),
            StoreCredentials(shared.minio().user, shared.minio().password),
        )
    )
    with pytest.raises(StoreUnavailable, match="is not there"):
        gone.head(KEY)
    with pytest.raises(StoreUnavailable, match="is not there"):
        list(gone.list_versions())


@pytest.mark.parametrize("versioned", [True, False])
def test_staging_has_no_locks_and_a_delete_really_deletes(tmp_path: Path, versioned: bool) -> None:
    store = _s3(new_bucket(shared.minio(), lock="none"))
    if versioned:
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        store.line.ask("PUT", None, {"versioning": ""}, body=body)
    key = "staging/b/i/received"

    first = _put(store, tmp_path, key, retain_until=None)
    with pytest.raises(KeyTaken):
        _put(store, tmp_path, key, retain_until=None)
    assert ([first], first.retain_until, first.held) == (list(store.list_versions()), None, False)
    store.delete(key, first.version_id, now=datetime.now(UTC))
    assert (
        list(client_of(shared.minio()).list_objects(store.line.bucket, recursive=True, include_version=True)) == []
    )
    assert _put(store, tmp_path, key, retain_until=None) == store.head(key)
    with pytest.raises(StoreUnavailable, match="has no locks"):
        _put(store, tmp_path, "staging/b/i/other", retain_until=_tomorrow())


def test_a_large_body_is_streamed_both_ways(store: S3Store, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4 * 1024 * 12  # 12 MiB and no repetition of a MiB that would hide a wrong place
    stored = _put(store, tmp_path, data=data)

    with store.read(KEY, stored.version_id) as stream:
        assert stream.seek(5_000_003) == 5_000_003
        assert stream.read(10) == data[5_000_003:5_000_013]
        stream.seek(0)
        assert stream.read() == data


def test_bytes_cut_short_in_the_store_are_not_read_as_whole(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _put(store, tmp_path)
    monkeypatch.setattr("archive.stores.s3_reading.fetch", lambda *_asked: (b"short", len(BODY)))

    with pytest.raises(StoreUnavailable, match="cut short"), store.read(KEY, stored.version_id):
        pass


def test_a_file_changed_while_it_is_put_is_refused(store: S3Store, tmp_path: Path) -> None:
    body = tmp_path / "changed"
    body.write_bytes(b"x" * len(BODY))

    with pytest.raises(DigestMismatch):
        store.put(KEY, body, sha256=sha256_of_bytes(BODY), retain_until=_tomorrow(), now=datetime.now(UTC))
    assert (list(store.list_versions()), store.leftovers()) == ([], [])


def test_threads_share_a_store(store: S3Store, tmp_path: Path) -> None:
    stored = _put(store, tmp_path)
    found: list[StoredObject] = []
    threads = [Thread(target=lambda: found.append(store.head(KEY))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [stored] * 8


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-30T08:50:20Z", datetime(2026, 11, 30, 8, 50, 20, tzinfo=UTC)),
        ("2026-11-30T08:50:20.000Z", datetime(2026, 11, 30, 8, 50, 20, tzinfo=UTC)),
        ("2026-11-30T08:50:20.000000001Z", datetime(2026, 11, 30, 8, 50, 21, tzinfo=UTC)),
        ("2026-11-30T08:50:59.648040317Z", datetime(2026, 11, 30, 8, 51, 0, tzinfo=UTC)),
    ],
)
def test_servers_instants_are_read_to_the_second(text: str, at: datetime) -> None:
    assert when(text) == at


@pytest.mark.parametrize(
    "url",
    [
        "s3://kho", "s3://kho?endpoint=host:9000", "s3://kho?endpoint=ftp://host", "s3://?endpoint=http://host",
        "s3://kho/sub?endpoint=http://host", "s3://kho?endpoint=http://user:secret@host",
        "s3://user:secret@kho?endpoint=http://host", "s3://kho?endpoint=http://host&lock=governance",
        "s3://kho?endpoint=http://host&secret=1", "s3://kho?endpoint=http://host&lock=none&lock=compliance",
        "s3://kho?endpoint=http://host/path", "s3://KHO?endpoint=http://host", "s3://kho?endpoint=http://host#x",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl):
        open_store(url, StoreCredentials("a", "b"))


def test_a_bucket_needs_keys_and_its_certificates_and_shows_no_secret(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="needs an access key and a secret key"):
        open_store("s3://kho?endpoint=http://host")
    with pytest.raises(StoreUnavailable, match="the file of certificates"):
        open_store(f"s3://kho?endpoint=https://host&ca={tmp_path}/none.pem", StoreCredentials("a", "b"))
    assert "b-secret" not in repr(StoreCredentials("a", "b-secret"))
    store = _s3(open_store("s3://kho/?endpoint=https://host:9000&region=vn-1", StoreCredentials("a", "b")))
    assert (store.locked, store.line.bucket, store.line.endpoint) == (True, "kho", "https://host:9000")
