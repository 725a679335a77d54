"""`store prepare` makes buckets that lock, and keys that can neither destroy nor unlock what they wrote."""

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from buckets import client_of
from servers import shared

from archive.digest import sha256_of_bytes
from archive.errors import ObjectLocked, StoreUnavailable
from archive.identifiers import new_id
from archive.stores.canary import prove_locks
from archive.stores.key_files import KeyFiles
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoreCredentials, StoredObject
from archive.stores.s3 import S3Store
from archive.stores.s3_answers import document, instant
from archive.stores.s3_prepare import make_buckets, make_identities
from archive.stores.s3_url import read_bucket_url
from console.cli import run
from console.settings import HomeSettings, read_settings
from console.stores import archive_store, restricted_store

KEY = "packages/ab/abcdefgh/0001"


@dataclass(frozen=True)
class Prepared:
    """What was prepared on the shared MinIO: the stores' URLs, and the keys by role."""

    archive: str
    staging: str
    keys: dict[str, StoreCredentials]

    def store(self, role: str) -> S3Store:
        store = open_store(self.archive, self.keys[role])
        assert isinstance(store, S3Store)
        return store


def _urls() -> tuple[str, str]:
    name, endpoint = f"t-{new_id()[:16]}", shared.minio().endpoint
    return f"s3://{name}?endpoint={endpoint}", f"s3://{name}-staging?endpoint={endpoint}&lock=none"


def _admin() -> StoreCredentials:
    return StoreCredentials(shared.minio().user, shared.minio().password)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    archive, staging = _urls()
    where, aside = read_bucket_url("A", archive), read_bucket_url("S", staging)
    make_buckets(where, aside, _admin(), now=datetime.now(UTC))
    made = make_identities(where, aside, _admin(), known=lambda _role: None)
    return Prepared(
        archive, staging, {one.role: one.credentials for one in made if one.credentials} | {"root": _admin()}
    )


def _put(store: ObjectStore, tmp_path: Path, key: str, until: datetime | None) -> StoredObject:
    body = tmp_path / new_id()
    body.write_bytes(b"ban quet")
    now = datetime.now(UTC)
    return store.put(key, body, sha256=sha256_of_bytes(b"ban quet"), retain_until=until, now=now)


def _tomorrow() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def test_the_writer_does_the_days_work(prepared: Prepared, tmp_path: Path) -> None:
    store = prepared.store("writer")

    stored = _put(store, tmp_path, KEY, _tomorrow())
    extended = store.extend(KEY, stored.version_id, _tomorrow() + timedelta(days=1))
    held = store.set_hold(KEY, stored.version_id, held=True)

    assert (True, extended.retain_until) == (held.held, held.retain_until)
    assert store.read_range(KEY, stored.version_id, 0, 3) == b"ban"
    assert KEY in [one.key for one in store.list_versions("packages/")]
    assert (store.leftovers(), store.sweep()) == ([], 0)
    aside = open_store(prepared.staging, prepared.keys["writer"])
    received = _put(aside, tmp_path, "staging/b/i/received", None)
    aside.delete(received.key, received.version_id, now=datetime.now(UTC))
    assert list(aside.list_versions()) == []


def test_the_writers_keys_prove_the_locks_too(prepared: Prepared) -> None:
    assert prove_locks(prepared.store("writer"), now=datetime.now(UTC)) == ()


def test_the_writer_can_neither_delete_nor_unlock_nor_change_the_bucket(
    prepared: Prepared, tmp_path: Path
) -> None:
    line = prepared.store("writer").line
    free = _put(prepared.store("writer"), tmp_path, "copies/ab/free", None)
    weak = {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": instant(_tomorrow()),
    }
    governed = prepared.store("root").line.ask("PUT", "packages/ab/governed", headers=weak, body=b"x")
    of_governed = {"versionId": governed.headers["x-amz-version-id"]}
    bypass = {"x-amz-bypass-governance-retention": "true"}
    batch = (
        f"<Delete><Object><Key>{free.key}</Key><VersionId>{free.version_id}</VersionId></Object></Delete>"
    ).encode()
    shorter = document(
        "Retention", Mode="GOVERNANCE", RetainUntilDate=instant(datetime.now(UTC) + timedelta(hours=1))
    )
    lifecycle = (
        b"<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
        b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    default = (
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
        b"<Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
    )
    suspended = document("VersioningConfiguration", Status="Suspended")
    answers = {
        "delete": line.ask("DELETE", free.key),
        "delete version": line.ask("DELETE", free.key, {"versionId": free.version_id}),
        "bypass": line.ask("DELETE", "packages/ab/governed", of_governed, headers=bypass),
        "shorten": line.ask(
            "PUT", "packages/ab/governed", {"retention": "", **of_governed}, headers=bypass, body=shorter
        ),
        "weak lock": line.ask("PUT", "packages/ab/weak", headers=weak, body=b"x"),
        "lock configuration": line.ask("PUT", None, {"object-lock": ""}, body=default),
        "versioning": line.ask("PUT", None, {"versioning": ""}, body=suspended),
        "lifecycle": line.ask("PUT", None, {"lifecycle": ""}, body=lifecycle),
        "policy": line.ask("PUT", None, {"policy": ""}, body=b"{}"),
        "delete bucket": line.ask("DELETE", None),
        "force delete": line.ask("DELETE", None, headers={"x-minio-force-delete": "true"}),
    }
    batched = line.ask("POST", None, {"delete": ""}, body=batch)

    assert {name: (one.status, one.error) for name, one in answers.items()} == dict.fromkeys(
        answers, (403, "AccessDenied")
    )
    assert batched.xml().findtext("{*}Error/{*}Code") == "AccessDenied"
    assert prepared.store("writer").head(free.key, free.version_id) == free


def test_a_delete_that_the_keys_forbid_is_told_as_that(prepared: Prepared, tmp_path: Path) -> None:
    store = prepared.store("writer")
    free = _put(store, tmp_path, "copies/ab/forbidden", None)

    with pytest.raises(StoreUnavailable, match="deleting copies/ab/forbidden is not allowed with these keys"):
        store.delete(free.key, free.version_id, now=datetime.now(UTC))


def test_the_destroyer_deletes_what_is_free_and_nothing_else(prepared: Prepared, tmp_path: Path) -> None:
    writer, destroyer = prepared.store("writer"), prepared.store("destroyer")
    free = _put(writer, tmp_path, "packages/zz/free", None)
    locked = _put(writer, tmp_path, "packages/zz/locked", _tomorrow())

    destroyer.delete(free.key, free.version_id, now=datetime.now(UTC))
    with pytest.raises(ObjectLocked):
        destroyer.delete(locked.key, locked.version_id, now=_tomorrow())
    with pytest.raises(StoreUnavailable, match="not allowed"):
        _put(destroyer, tmp_path, "packages/zz/other", None)
    assert destroyer.line.ask("DELETE", locked.key).status == 403  # no delete marker either
    assert [one.key for one in destroyer.list_versions("packages/zz/")] == ["packages/zz/locked"]


def test_preparing_again_changes_nothing_and_keys_stay_valid(prepared: Prepared) -> None:
    where, aside = read_bucket_url("A", prepared.archive), read_bucket_url("S", prepared.staging)

    made = make_buckets(where, aside, _admin(), now=datetime.now(UTC))
    again = make_identities(where, aside, _admin(), known=lambda _role: None)
    known = make_identities(where, aside, _admin(), known=prepared.keys.get)

    assert (made, [one.credentials for one in again]) == ((), [None, None])
    assert {one.role: one.credentials for one in known} | {"root": _admin()} == prepared.keys
    assert list(prepared.store("writer").list_versions("nothing/")) == []


def test_a_bucket_that_is_there_without_locks_is_refused() -> None:
    archive, _ = _urls()
    where = read_bucket_url("A", archive)
    client_of(shared.minio()).make_bucket(where.bucket)

    with pytest.raises(StoreUnavailable, match="has no object lock, and a bucket cannot be given one later"):
        make_buckets(where, None, _admin(), now=datetime.now(UTC))


def test_a_server_without_minios_administration_gets_its_buckets_and_a_word() -> None:
    server = shared.versity()
    admin = StoreCredentials(server.user, server.password)
    where = read_bucket_url("A", f"s3://t-{new_id()[:16]}?endpoint={server.endpoint}")

    assert make_buckets(where, None, admin, now=datetime.now(UTC)) == (where.bucket,)
    with pytest.raises(StoreUnavailable, match="lets no keys be made as MinIO does"):
        make_identities(where, None, admin, known=lambda _role: None)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings of a home on new buckets, with the administrator's keys in files; returns the home."""
    archive, staging = _urls()
    (tmp_path / "access").write_text(shared.minio().user)
    (tmp_path / "secret").write_text(shared.minio().password)
    for name, value in {
        "ARCHIVE_STORE_URL": archive,
        "INGEST_STAGING_URL": staging,
        "ARCHIVE_STORE_ADMIN_ACCESS_KEY_FILE": str(tmp_path / "access"),
        "ARCHIVE_STORE_ADMIN_SECRET_KEY_FILE": str(tmp_path / "secret"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "home"


def test_the_command_writes_keys_that_only_their_owner_reads_and_check_proves_with_them(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys"
    for _ in range(2):
        assert run(["--home", str(environment), "store", "prepare", "--keys-folder", str(keys), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [(one["role"], one["secret_key"]) for one in told["keys"]] == [
            ("writer", None),
            ("destroyer", None),
        ]
    files = {path.name: oct(path.stat().st_mode & 0o777) for path in keys.iterdir()}
    assert files == dict.fromkeys(
        ("writer_access_key", "writer_secret_key", "destroyer_access_key", "destroyer_secret_key"), "0o600"
    )
    monkeypatch.setenv("ARCHIVE_STORE_ACCESS_KEY_FILE", str(keys / "writer_access_key"))
    monkeypatch.setenv("ARCHIVE_STORE_SECRET_KEY_FILE", str(keys / "writer_secret_key"))
    assert run(["--home", str(environment), "store", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"proved": True, "allowed_defects": []}


def test_without_a_folder_keys_are_shown_once(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(environment), "store", "prepare"]) == 0
    shown = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert shown.keys() == {
        f"{role}_{kind}_key" for role in ("writer", "destroyer") for kind in ("access", "secret")
    }
    assert run(["--home", str(environment), "store", "prepare"]) == 0
    again = capsys.readouterr()
    assert again.out == ""
    assert shown["writer_secret_key"] not in again.err


@pytest.fixture
def apart(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with a bucket for levels 3-4 on the same server."""
    url = f"s3://t-{new_id()[:16]}?endpoint={shared.minio().endpoint}"
    monkeypatch.setenv("ARCHIVE_RESTRICTED_STORE_URL", url)
    return environment


def test_the_command_prepares_both_stores_each_with_keys_that_open_that_one_alone(
    apart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys"
    assert run(["--home", str(apart), "store", "prepare", "--keys-folder", str(keys), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    roles = ["writer", "destroyer", "restricted_writer", "restricted_destroyer"]
    assert [one["role"] for one in told["keys"]] == roles
    assert len(told["buckets"]) == len(told["made"]) == 3

    for name, role in (("ARCHIVE_STORE", "writer"), ("ARCHIVE_RESTRICTED_STORE", "restricted_writer")):
        for kind in ("access", "secret"):
            monkeypatch.setenv(f"{name}_{kind.upper()}_KEY_FILE", str(keys / f"{role}_{kind}_key"))
    assert run(["--home", str(apart), "store", "check", "--json"]) == 0
    capsys.readouterr()
    settings = read_settings(apart, os.environ)
    store = archive_store(settings)
    stored = _put(store, tmp_path, f"restricted/{KEY}", _tomorrow())
    assert [one.key for one in store.list_versions()] == [stored.key]
    with pytest.raises(StoreUnavailable):
        restricted_store(_with_other_keys(settings), make=False).head(stored.key)


def _with_other_keys(settings: HomeSettings) -> HomeSettings:
    """Return settings by which the restricted store is asked with the keys of the other."""
    return replace(settings, secrets=replace(settings.secrets, restricted_store=settings.secrets.store))


def test_a_restricted_bucket_without_locks_is_refused(
    apart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--home", str(apart), "store", "prepare", "--buckets-only"]) == 0
    for name in ("ARCHIVE_STORE", "ARCHIVE_RESTRICTED_STORE"):
        monkeypatch.setenv(f"{name}_ACCESS_KEY", shared.minio().user)
        monkeypatch.setenv(f"{name}_SECRET_KEY", shared.minio().password)
    bucket = f"t-{new_id()[:16]}"
    client_of(shared.minio()).make_bucket(bucket)
    monkeypatch.setenv("ARCHIVE_RESTRICTED_STORE_URL", f"s3://{bucket}?endpoint={shared.minio().endpoint}")
    capsys.readouterr()
    assert run(["--home", str(apart), "store", "check", "--json"]) == 2
    assert bucket in json.loads(capsys.readouterr().out)["message"]


def test_a_restricted_store_on_another_server_is_prepared_by_itself(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket, other = f"t-{new_id()[:16]}", shared.versity()
    monkeypatch.setenv("ARCHIVE_RESTRICTED_STORE_URL", f"s3://{bucket}?endpoint={other.endpoint}")
    assert run(["--home", str(environment), "store", "prepare", "--buckets-only", "--json"]) == 0
    told = capsys.readouterr()
    assert bucket not in json.loads(told.out)["buckets"]
    assert "--restricted" in told.err

    for kind, value in (("ACCESS", other.user), ("SECRET", other.password)):
        monkeypatch.delenv(f"ARCHIVE_STORE_ADMIN_{kind}_KEY_FILE")
        monkeypatch.setenv(f"ARCHIVE_STORE_ADMIN_{kind}_KEY", value)
    assert run(["--home", str(environment), "store", "prepare", "--buckets-only", "--restricted", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made"] == [bucket]


def test_half_of_a_pair_of_keys_is_not_taken_for_one(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    assert files.read("writer") is None
    (tmp_path / "writer_access_key").write_text("a")
    with pytest.raises(StoreUnavailable, match="only one of the two keys of the writer"):
        files.read("writer")
