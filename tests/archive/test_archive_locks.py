"""The lock matrix: 24 cases put to each server bare, without our store between, with the status it really answers.

What a server does otherwise than it should is a strict expected failure, and beside it stands the test that our
counter-measure holds. docs/storage.md shows the same table.
"""

import http.client
import re
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from buckets import client_of, new_bucket
from servers import shared
from servers.minio import Minio, Versity

from archive.digest import sha256_of_bytes
from archive.errors import ObjectLocked
from archive.stores.open import open_store
from archive.stores.port import ObjectStore
from archive.stores.s3 import S3Store
from archive.stores.s3_answers import document, instant, when
from archive.stores.s3_requests import Answer, Line

BODY = b"ban quet"
BYPASS = {"x-amz-bypass-governance-retention": "true"}
SERVERS: dict[str, Callable[[], Minio | Versity]] = {"minio": shared.minio, "versity": shared.versity}

# What each server answers. docs/storage.md repeats it.
ANSWERS: dict[str, dict[str, str]] = {
    "delete a locked version": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "the same with a bypass": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "delete in a batch, with a bypass": {"minio": "InvalidRequest in a 200", "versity": "AccessDenied in a 200"},
    "delete without a version": {"minio": "204", "versity": "204"},
    "put under the same key": {"minio": "200", "versity": "200"},
    "a second claim": {"minio": "412 PreconditionFailed", "versity": "412 PreconditionFailed"},
    "shorten": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "extend": {"minio": "200", "versity": "200"},
    "COMPLIANCE to GOVERNANCE": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "lift the lock": {"minio": "400 InvalidRequest", "versity": "400 InvalidArgument"},
    "delete what is held, with a bypass": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "delete what is held and has no lock": {"minio": "400 InvalidRequest", "versity": "403 AccessDenied"},
    "suspend versioning": {"minio": "400 InvalidBucketState", "versity": "400 InvalidBucketState"},
    "delete the bucket": {"minio": "409 BucketNotEmpty", "versity": "409 BucketNotEmpty"},
    "delete the bucket by force": {"minio": "405 MethodNotAllowed", "versity": "409 BucketNotEmpty"},
    "a rule of expiry": {"minio": "200", "versity": "501 NotImplemented"},
    "bytes of another checksum": {"minio": "400 XAmzContentChecksumMismatch", "versity": "400 BadDigest"},
    "bytes of another signed digest": {
        "minio": "400 XAmzContentSHA256Mismatch",
        "versity": "400 XAmzContentSHA256Mismatch",
    },
    "a request from another year": {"minio": "403 RequestTimeTooSkewed", "versity": "403 RequestTimeTooSkewed"},
}

# What a server does otherwise than it should: strict expected failures.
DEFECTS = {
    (
        "minio",
        "a_presigned_put_cannot_be_turned_into_a_copy",
    ): "an unsigned header turns a presigned put into a copy",
    ("versity", "a_hold_outlives_its_lock"): "a hold is not looked at once the lock has ended",
    ("versity", "the_default_lock_of_a_bucket_is_on_its_objects"): "a bucket's default lock is not on its objects",
}


@dataclass(frozen=True)
class Lot:
    """A bucket of a server, and one locked version in it."""

    server: str
    line: Line
    version_id: str
    until: datetime

    def ask(self, method: str, query: dict[str, str] | None = None, **given: object) -> Answer:
        """Ask about the locked version."""
        return self.line.ask(method, "k", {"versionId": self.version_id, **(query or {})}, **given)  # type: ignore[arg-type]

    def lives(self) -> bool:
        """Whether bytes and lock are as they were put."""
        told = self.ask("GET", {"retention": ""}).xml()
        end = when(told.findtext("{*}RetainUntilDate") or "1970-01-01T00:00:00Z")
        return self.ask("GET").body == BODY and (told.findtext("{*}Mode"), end) == ("COMPLIANCE", self.until)


def _lock(until: datetime, mode: str = "COMPLIANCE") -> dict[str, str]:
    return {"x-amz-object-lock-mode": mode, "x-amz-object-lock-retain-until-date": instant(until)}


def _retention(until: datetime, mode: str = "COMPLIANCE") -> bytes:
    return document("Retention", Mode=mode, RetainUntilDate=instant(until))


def _tomorrow() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def _new_line(name: str) -> Line:
    store = new_bucket(SERVERS[name]())
    assert isinstance(store, S3Store)
    return store.line


def _lot(server: str, line: Line) -> Lot:
    until = _tomorrow()
    answer = line.ask("PUT", "k", headers=_lock(until), body=BODY)
    assert answer.status == 200
    return Lot(server, line, answer.headers["x-amz-version-id"], until)


@pytest.fixture(params=sorted(SERVERS))
def lot(request: pytest.FixtureRequest) -> Lot:
    case = request.node.originalname.removeprefix("test_")
    if (request.param, case) in DEFECTS:
        request.applymarker(pytest.mark.xfail(reason=DEFECTS[request.param, case], strict=True))
    return _lot(request.param, _new_line(request.param))


def _answers(lot: Lot, act: str, answer: Answer) -> None:
    shown = str(answer.status) if answer.status < 300 else f"{answer.status} {answer.error}"
    assert ANSWERS[act][lot.server] == shown


def test_a_bucket_with_object_lock_says_so(lot: Lot) -> None:
    told = lot.line.ask("GET", None, {"object-lock": ""})
    assert told.xml().findtext("{*}ObjectLockEnabled") == "Enabled"
    assert lot.line.ask("GET", None, {"versioning": ""}).xml().findtext("{*}Status") == "Enabled"
    assert lot.lives()


def test_the_default_lock_of_a_bucket_is_on_its_objects(lot: Lot) -> None:
    default = (
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
        b"<Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
    )
    assert lot.line.ask("PUT", None, {"object-lock": ""}, body=default).status == 200
    lot.line.ask("PUT", "defaulted", body=BODY)
    told = lot.line.ask("GET", "defaulted", {"retention": ""})
    assert (told.status, b"COMPLIANCE" in told.body) == (200, True)


def test_a_locked_version_is_not_deleted(lot: Lot) -> None:
    _answers(lot, "delete a locked version", lot.ask("DELETE"))
    assert lot.lives()


def test_nor_by_root_with_a_bypass(lot: Lot) -> None:
    _answers(lot, "the same with a bypass", lot.ask("DELETE", headers=BYPASS))
    assert lot.lives()


def test_a_put_under_the_same_key_is_another_version(lot: Lot) -> None:
    answer = lot.line.ask("PUT", "k", body=b"other")
    _answers(lot, "put under the same key", answer)
    assert answer.headers["x-amz-version-id"] != lot.version_id
    assert lot.lives()


def test_a_plain_delete_only_hides(lot: Lot) -> None:
    _answers(lot, "delete without a version", lot.line.ask("DELETE", "k"))
    assert lot.line.ask("GET", "k").status == 404
    assert lot.lives()


def test_a_lock_is_extended_and_never_shortened(lot: Lot) -> None:
    earlier, later = lot.until - timedelta(hours=1), lot.until + timedelta(hours=1)
    _answers(lot, "shorten", lot.ask("PUT", {"retention": ""}, body=_retention(earlier), headers=BYPASS))
    assert lot.lives()
    _answers(lot, "extend", lot.ask("PUT", {"retention": ""}, body=_retention(later)))
    assert Lot(lot.server, lot.line, lot.version_id, later).lives()


def test_a_lock_is_neither_weakened_nor_lifted(lot: Lot) -> None:
    weaker = _retention(lot.until, "GOVERNANCE")
    _answers(lot, "COMPLIANCE to GOVERNANCE", lot.ask("PUT", {"retention": ""}, body=weaker, headers=BYPASS))
    lifted = lot.ask("PUT", {"retention": ""}, body=document("Retention"), headers=BYPASS)
    _answers(lot, "lift the lock", lifted)
    assert lot.lives()


def _held(lot: Lot, key: str, headers: dict[str, str] | None = None) -> dict[str, str]:
    made = lot.line.ask("PUT", key, headers=headers or {}, body=BODY)
    named = {"versionId": made.headers["x-amz-version-id"]}
    on = document("LegalHold", Status="ON")
    assert lot.line.ask("PUT", key, {"legal-hold": "", **named}, body=on).status == 200
    return named


def test_a_hold_beats_a_bypass(lot: Lot) -> None:
    named = _held(lot, "held", _lock(_tomorrow(), "GOVERNANCE"))
    _answers(lot, "delete what is held, with a bypass", lot.line.ask("DELETE", "held", named, headers=BYPASS))
    bare = _held(lot, "held-only")
    _answers(lot, "delete what is held and has no lock", lot.line.ask("DELETE", "held-only", bare))
    assert lot.line.ask("GET", "held", named).body == lot.line.ask("GET", "held-only", bare).body == BODY


def test_a_hold_outlives_its_lock(lot: Lot) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    named = _held(lot, "briefly", _lock(end))
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 1))
    lot.line.ask("DELETE", "briefly", named)
    assert lot.line.ask("GET", "briefly", named).body == BODY


def _batch(key: str, version_id: str) -> bytes:
    one = f"<Object><Key>{key}</Key><VersionId>{version_id}</VersionId></Object>"
    return f"<Delete>{one}</Delete>".encode()


def test_a_batch_deletes_nothing_that_is_locked(lot: Lot) -> None:
    answer = lot.line.ask("POST", None, {"delete": ""}, headers=BYPASS, body=_batch("k", lot.version_id))
    assert answer.xml().find("{*}Deleted") is None
    told = answer.xml().findtext("{*}Error/{*}Code")
    assert ANSWERS["delete in a batch, with a bypass"][lot.server] == f"{told} in a {answer.status}"
    assert lot.lives()


def test_versioning_is_not_suspended(lot: Lot) -> None:
    suspended = document("VersioningConfiguration", Status="Suspended")
    _answers(lot, "suspend versioning", lot.line.ask("PUT", None, {"versioning": ""}, body=suspended))
    assert lot.line.ask("GET", None, {"versioning": ""}).xml().findtext("{*}Status") == "Enabled"


def test_the_bucket_is_not_deleted(lot: Lot) -> None:
    _answers(lot, "delete the bucket", lot.line.ask("DELETE", None))
    _answers(
        lot, "delete the bucket by force", lot.line.ask("DELETE", None, headers={"x-minio-force-delete": "true"})
    )
    assert lot.lives()


def test_expiry_rules_do_not_reach_locked_versions(lot: Lot) -> None:
    rules = (
        b"<LifecycleConfiguration><Rule><ID>all</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
        b"<Expiration><Date>2026-01-01T00:00:00Z</Date></Expiration>"
        b"<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>"
        b"</Rule></LifecycleConfiguration>"
    )
    _answers(lot, "a rule of expiry", lot.line.ask("PUT", None, {"lifecycle": ""}, body=rules))
    # The first reader after such a rule may be told that nothing is there, while the server puts its marker.
    for _ in range(50):
        if lot.lives():
            break
        time.sleep(0.1)
    assert lot.lives()


def test_parts_and_copies_carry_the_lock(lot: Lot) -> None:
    begun = lot.line.ask("POST", "parts", {"uploads": ""}, headers=_lock(lot.until))
    upload = {"uploadId": begun.xml().findtext("{*}UploadId") or ""}
    part = lot.line.ask("PUT", "parts", {**upload, "partNumber": "1"}, body=BODY)
    done = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{part.headers['etag']}</ETag></Part></CompleteMultipartUpload>"
    )
    assert lot.line.ask("POST", "parts", upload, body=done.encode()).status == 200
    source = {"x-amz-copy-source": f"/{lot.line.bucket}/k?versionId={lot.version_id}"}
    assert lot.line.ask("PUT", "copy", headers={**source, **_lock(lot.until)}).status == 200
    for key in ("parts", "copy"):
        version_id = lot.line.ask("HEAD", key).headers["x-amz-version-id"]
        refused = lot.line.ask("DELETE", key, {"versionId": version_id}, headers=BYPASS)
        assert refused.status in (400, 403), key
        told = lot.line.ask("GET", key, {"retention": ""}).xml()
        assert when(told.findtext("{*}RetainUntilDate") or "") == lot.until, key


@pytest.mark.parametrize("kind", [Minio, Versity])
def test_locks_survive_a_kill_and_a_restart(
    kind: type[Minio] | type[Versity], tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = kind(tmp_path_factory.mktemp("own") / "server")
    server.start()
    try:
        store = new_bucket(server)
        assert isinstance(store, S3Store)
        lot = _lot("own", store.line)
        server.kill()
        server.start()
        assert lot.ask("DELETE", headers=BYPASS).status in (400, 403)
        assert lot.lives()
    finally:
        server.remove()


@pytest.mark.parametrize("days", [-365, 365])
def test_a_clients_clock_unlocks_nothing(lot: Lot, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "datetime":  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=days)

    monkeypatch.setattr("archive.stores.s3_requests.datetime", Clock)
    _answers(lot, "a request from another year", lot.ask("DELETE"))
    monkeypatch.undo()
    assert lot.lives()


def test_a_key_is_claimed_once(lot: Lot) -> None:
    _answers(lot, "a second claim", lot.line.ask("PUT", "k", headers={"If-None-Match": "*"}, body=b"other"))
    assert lot.lives()


def test_bytes_of_another_digest_are_refused(lot: Lot, tmp_path: Path) -> None:
    other = {"x-amz-checksum-sha256": b64encode(sha256(b"other").digest()).decode()}
    _answers(lot, "bytes of another checksum", lot.line.ask("PUT", "sum", headers=other, body=BODY))
    body = tmp_path / "body"
    body.write_bytes(BODY)
    wrong = lot.line.put_file("sum", body, {}, digest=sha256(b"other").hexdigest(), length=len(BODY))
    _answers(lot, "bytes of another signed digest", wrong)
    assert lot.line.ask("HEAD", "sum").status == 404


def test_a_body_cut_short_is_never_seen(lot: Lot) -> None:
    digest = sha256(b"x" * 1000).hexdigest()
    signed = lot.line._signed(
        "PUT", f"{lot.line.endpoint}/{lot.line.bucket}/cut", {"Content-Length": "1000"}, digest
    )
    connection = http.client.HTTPConnection(urlsplit(lot.line.endpoint).netloc, timeout=5)
    connection.putrequest("PUT", f"/{lot.line.bucket}/cut", skip_host=True, skip_accept_encoding=True)
    for name, value in signed.items():
        connection.putheader(name, str(value))
    connection.endheaders(b"x" * 500)
    connection.close()
    time.sleep(0.5)
    assert lot.line.ask("HEAD", "cut").status == 404


def test_an_instant_is_kept_to_the_second(lot: Lot) -> None:
    given = lot.until.strftime("%Y-%m-%dT%H:%M:%S.999Z")
    headers = {"x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": given}
    assert lot.line.ask("PUT", "instant", headers=headers, body=BODY).status == 200
    told = lot.line.ask("GET", "instant", {"retention": ""}).xml().findtext("{*}RetainUntilDate") or ""
    assert when(told) - lot.until in (timedelta(0), timedelta(seconds=1))


def test_a_listing_of_many_versions_is_complete(lot: Lot) -> None:
    for number in range(25):
        lot.line.ask("PUT", f"many/{number % 5}", body=str(number).encode())
    store = S3Store(lot.line, locked=True)
    found = [one for one in store.leftovers() if one.startswith("many/")]
    assert len(found) == len(set(found)) == 25


def test_a_presigned_put_cannot_be_turned_into_a_copy(lot: Lot) -> None:
    url = client_of(SERVERS[lot.server]()).presigned_put_object(lot.line.bucket, "presigned")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    with suppress(OSError):
        connection.request(
            "PUT", f"{parts.path}?{parts.query}", headers={"x-amz-copy-source": f"/{lot.line.bucket}/k"}
        )
        connection.getresponse().read()
    connection.close()
    copied = lot.line.ask("GET", "presigned")
    assert copied.body != BODY


def test_this_program_gives_out_no_presigned_requests() -> None:
    """Which is why nobody can turn one into a copy: where a server allows it."""
    root = Path(__file__).parents[2]
    packages = ("archive", "console", "ingest", "ocr", "retention", "search_api")
    sources = [path for package in packages for path in (root / package).rglob("*.py")]
    assert len(sources) > 100
    assert [path for path in sources if "presign" in path.read_text().lower()] == []


# The cases of a folder of files: the same promises through the port; the others are a server's.


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStore:
    return open_store((tmp_path / "kho").as_uri())


def test_a_folder_keeps_a_locked_file_across_restarts_and_whatever_the_clock_says(
    folder: ObjectStore, tmp_path: Path
) -> None:
    body = tmp_path / "body"
    body.write_bytes(BODY)
    until = _tomorrow()
    stored = folder.put("k", body, sha256=sha256_of_bytes(BODY), retain_until=until, now=datetime.now(UTC))
    again = open_store((tmp_path / "kho").as_uri())

    for at in (datetime.now(UTC) - timedelta(days=365), until - timedelta(seconds=1)):
        with pytest.raises(ObjectLocked):
            again.delete("k", stored.version_id, now=at)
    assert again.head("k") == stored


def test_the_documents_show_these_answers() -> None:
    text = (Path(__file__).parents[2] / "docs/storage.md").read_text()
    section = text.partition("## Locks, as servers answered")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    shown = {act: {"minio": one, "versity": other} for act, one, other in rows[1:]}
    assert shown == ANSWERS
