"""The canary refuses whatever store lets a lock go, by the defect's name, and lets a true one through."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from buckets import bucket_url, client_of, new_bucket
from lying_store import lying_store
from moto.server import ThreadedMotoServer
from servers import shared

from archive.errors import HomeNotReady, StoreLies, StoreUnavailable
from archive.identifiers import new_id
from archive.stores.canary import COUNTERED, allowed_defects, prove_locks
from archive.stores.canary_attempts import DEFECTS
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoreCredentials
from archive.stores.s3 import S3Store
from archive.stores.timed import TimedStore

# What each lie is found out as, where that is not its own name: an earlier attempt sees it.
FOUND_AS = {"remembers-locks": "shortens-lock"}
LIES = sorted({*DEFECTS, *FOUND_AS})


def _now() -> datetime:
    return datetime.now(UTC)


def _bucket() -> str:
    store = new_bucket(shared.minio())
    assert isinstance(store, S3Store)
    return store.line.bucket


@pytest.fixture
def through(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    """A new bucket of MinIO as seen through a proxy that lies as the parameter says."""
    server, bucket = shared.minio(), _bucket()
    with lying_store(server.endpoint, server.user, server.password, request.param) as endpoint:
        credentials = StoreCredentials(server.user, server.password)
        yield open_store(f"s3://{bucket}?endpoint={endpoint}", credentials)


@pytest.mark.parametrize("through", LIES, indirect=True)
def test_a_lying_store_is_refused_by_the_name_of_its_defect(
    through: ObjectStore, request: pytest.FixtureRequest
) -> None:
    lie = request.node.callspec.params["through"]

    with pytest.raises(StoreLies) as refusal:
        prove_locks(through, now=_now())

    assert FOUND_AS.get(lie, lie) == refusal.value.defect
    assert DEFECTS[refusal.value.defect] in str(refusal.value)


@pytest.mark.parametrize("through", [None], indirect=True)
def test_the_same_proxy_without_a_lie_is_let_through(through: ObjectStore) -> None:
    assert prove_locks(through, now=_now()) == ()


@pytest.mark.parametrize("through", ["clock"], indirect=True)
def test_clocks_that_differ_are_told(through: ObjectStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"clocks of the store and of this host differ by 3[56]\d\d s"):
        prove_locks(through, now=_now())


def start_four_at_a_time(times: int) -> None:
    """Prove one bucket's locks as each start of a process does, without a false alarm; tell how long it took."""
    store = new_bucket(shared.minio())

    def start(_: int) -> float:
        began = time.perf_counter()
        assert prove_locks(store, now=_now()) == ()
        return time.perf_counter() - began

    with ThreadPoolExecutor(4) as pool:
        seconds = list(pool.map(start, range(times)))
    # Most of it is waiting for a lock of three seconds to end.
    print(f"{times} starts, no false alarm: median {median(seconds):.2f} s, longest {max(seconds):.2f} s")
    assert (list(store.list_versions()), store.leftovers()) == ([], [])


def test_minio_raises_no_false_alarm_at_twenty_starts_and_nothing_is_listed() -> None:
    start_four_at_a_time(20)


@pytest.mark.drill
def test_minio_raises_no_false_alarm_at_a_hundred_starts() -> None:
    start_four_at_a_time(100)


def test_a_known_defect_is_refused_until_a_setting_allows_it() -> None:
    store = new_bucket(shared.versity())

    with pytest.raises(StoreLies) as refusal:
        prove_locks(store, now=_now())
    assert refusal.value.defect == "hold-ends-with-lock"
    found = prove_locks(store, now=_now(), allowed=allowed_defects("hold-ends-with-lock"))
    assert set(found) == {"hold-ends-with-lock"}


def test_only_defects_with_a_counter_measure_can_be_allowed() -> None:
    assert allowed_defects(" hold-ends-with-lock, ") == COUNTERED.keys()
    assert allowed_defects("") == frozenset()
    for defect in sorted({*DEFECTS} - COUNTERED.keys()):
        with pytest.raises(HomeNotReady, match=f"'{defect}', which has no counter-measure"):
            allowed_defects(defect)
    with pytest.raises(HomeNotReady, match="'typo', which is no defect we know"):
        allowed_defects("typo")


def test_the_stand_in_of_unit_tests_is_refused() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        bucket = f"t-{new_id()}"
        store = open_store(f"s3://{bucket}?endpoint=http://{host}:{port}", StoreCredentials("test", "test-secret"))
        assert isinstance(store, S3Store)
        made = store.line.ask("PUT", None, headers={"x-amz-bucket-object-lock-enabled": "true"})
        assert made.status == 200

        with pytest.raises(StoreLies) as refusal:
            prove_locks(store, now=_now())
        assert refusal.value.defect in DEFECTS
    finally:
        server.stop()


def test_a_folder_memory_and_staging_have_nothing_to_prove(tmp_path: Path) -> None:
    stores = [
        open_store((tmp_path / "kho").as_uri()),
        open_store(f"memory:{new_id()}"),
        new_bucket(shared.minio(), lock="none"),
    ]
    assert [prove_locks(store, now=_now()) for store in stores] == [()] * 3


def test_a_store_it_cannot_look_into_is_not_taken_for_proved() -> None:
    wrapped = TimedStore(new_bucket(shared.minio()), lambda *_told: None)
    with pytest.raises(TypeError, match="TimedStore"):
        prove_locks(wrapped, now=_now())


def _minio(bucket: str, *, secret: str = "", access: str = "") -> ObjectStore:
    server = shared.minio()
    keys = StoreCredentials(access or server.user, secret or server.password)
    return open_store(bucket_url(server, bucket), keys)


def test_what_is_wrong_with_a_bucket_or_its_keys_is_said_in_a_sentence() -> None:
    plain, versioned = f"t-{new_id()}", _bucket()
    client_of(shared.minio()).make_bucket(plain)
    expiring = _bucket()
    rules = (
        b"<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
        b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    ruled = _minio(expiring)
    assert isinstance(ruled, S3Store)
    ruled.line.ask("PUT", None, {"lifecycle": ""}, body=rules)
    nobody = open_store("s3://kho?endpoint=http://127.0.0.1:9", StoreCredentials("a", "b"))
    cases = [
        (_minio(plain), "has no object lock, and a bucket cannot be given one later"),
        (_minio(f"t-{new_id()}"), "is not there; run `sohoa store prepare`"),
        (_minio(versioned, secret="wrong-secret"), "the secret key is not the access key's"),
        (_minio(versioned, access="nobody"), "does not know the access key"),
        (_minio(expiring), "has rules that let objects expire: remove them"),
        (nobody, "http://127.0.0.1:9 does not answer: Connection refused"),
    ]
    for store, told in cases:
        with pytest.raises(StoreUnavailable) as refusal:
            prove_locks(store, now=_now())
        assert told in str(refusal.value)


def test_old_canaries_are_removed_and_young_ones_left(monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_bucket(shared.minio())
    assert isinstance(store, S3Store)
    made = store.line.ask("PUT", ".canary/dead", body=b"\x01")
    held = {"legal-hold": "", "versionId": made.headers["x-amz-version-id"]}
    store.line.ask("PUT", ".canary/dead", held, body=b"<LegalHold><Status>ON</Status></LegalHold>")

    prove_locks(store, now=_now())
    assert store.line.ask("HEAD", ".canary/dead").status == 200

    monkeypatch.setattr("archive.stores.canary_attempts.OLD_SECONDS", -timedelta(minutes=1).total_seconds())
    prove_locks(store, now=_now())
    assert store.line.ask("HEAD", ".canary/dead").status == 404
