"""What a canary goes through: each attempt to destroy or unlock it, and the look at it afterwards."""

import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from lxml import etree

from archive.errors import StoreLies, StoreUnavailable
from archive.stores.s3 import CANARIES
from archive.stores.s3_answers import XMLNS, document, instant, server_time, trouble, when
from archive.stores.s3_listing import listed_page
from archive.stores.s3_lock import lock_told
from archive.stores.s3_requests import Answer, Line

SKEW_SECONDS_MAX = 30.0
OLD_SECONDS = 300  # a younger canary may be another process's
BODY, OTHER_BODY = b"\x01", b"\x02"

# What a store may be found out in: slug, and what it does.
DEFECTS = {
    "no-versions": "it stores without naming a version",
    "lock-not-stamped": "it stores without the lock that came with the bytes",
    "head-differs": "what it says of an object along with its length is not what it says of its lock",
    "weak-lock": "it locks in a mode that can be lifted",
    "deletes-locked": "it deletes a version that is locked",
    "bypass-deletes": "it deletes a locked version for whoever asks to bypass",
    "batch-deletes": "it deletes a locked version in a batch",
    "shortens-lock": "it moves the end of a lock back",
    "downgrades-lock": "it turns a lock into one that can be lifted",
    "lifts-lock": "it takes a lock away",
    "overwrites": "a put under the same key changes what was stored before",
    "claims-twice": "it lets a second put claim a key that is taken",
    "delete-hides-for-good": "a delete without a version removes what is locked",
    "suspends-versioning": "it lets versioning be suspended",
    "checksum-ignored": "it stores bytes that are not those of their checksum",
    "digest-ignored": "it stores bytes that are not those that were signed",
    "hold-not-kept": "it deletes a version that is held",
    "hold-ends-with-lock": "it deletes a version that is held once its lock has ended",
}
_BYPASS = {"x-amz-bypass-governance-retention": "true"}

Attempt = Callable[[], None]


def lie(defect: str, line: Line) -> StoreLies:
    """Return the error that names a defect of the server a line leads to."""
    return StoreLies(defect, f"bucket {line.bucket} cannot be trusted: {DEFECTS[defect]}")


def _deletion_of(key: str, version_id: str) -> bytes:
    top = etree.Element("Delete", xmlns=XMLNS)
    one = etree.SubElement(top, "Object")
    etree.SubElement(one, "Key").text = key
    etree.SubElement(one, "VersionId").text = version_id
    return bytes(etree.tostring(top))


def _answered(answer: Answer, act: str) -> Answer:
    """Return an answer that says yes or no. Raises StoreUnavailable for one that says neither."""
    if answer.status >= 500:
        raise StoreUnavailable(f"{act}: the store answered {answer.status} {answer.error}; nothing is proved")
    return answer


@dataclass(frozen=True, slots=True)
class Canary:
    """One byte stored for trial. until: the end of its lock, None without one."""

    line: Line
    key: str
    version_id: str
    until: datetime | None

    def ask(
        self, method: str, query: Mapping[str, str] | None = None, body: bytes = b"", *, bypass: bool = False
    ) -> Answer:
        """Send a request about this version."""
        asked = {"versionId": self.version_id, **(query or {})}
        headers = _BYPASS if bypass else {}
        return _answered(self.line.ask(method, self.key, asked, headers=headers, body=body), "trying a canary")

    def delete_in_batch(self) -> Answer:
        """Ask for its deletion among others; such an answer is 200 whatever became of each."""
        body = _deletion_of(self.key, self.version_id)
        return _answered(self.line.ask("POST", None, {"delete": ""}, headers=_BYPASS, body=body), "a batch")

    def hold(self, *, on: bool) -> None:
        """Place or lift its hold. Raises StoreUnavailable if that is refused."""
        answer = self.ask("PUT", {"legal-hold": ""}, document("LegalHold", Status="ON" if on else "OFF"))
        if answer.status != 200:
            raise StoreUnavailable(f"a canary cannot be held: {answer.status} {answer.error}")
        told = lock_told(self.key, self.ask("HEAD"))
        if self.until is not None and (told is None or told[1] != on):
            raise lie("head-differs", self.line)

    def lives(self) -> bool:
        """Say whether this version can still be read, byte for byte."""
        answer = self.ask("GET")
        return answer.status == 200 and answer.body == BODY

    def is_locked_as_asked(self) -> bool:
        """Say whether the lock is still the one it was put with."""
        answer = self.ask("GET", {"retention": ""})
        if answer.status != 200 or not answer.body.lstrip().startswith(b"<"):
            return False  # one server answers with the object's own bytes
        told = answer.xml()
        until = told.findtext("{*}RetainUntilDate")
        return told.findtext("{*}Mode") == "COMPLIANCE" and until is not None and when(until) == self.until


def require_fit_bucket(line: Line, now: datetime) -> datetime:
    """Return the server's time if the bucket can lock. Raises StoreUnavailable saying what is wrong."""
    # Versioning first: of a bucket that is not there one server says that it has no lock.
    versioning = line.ask("GET", None, {"versioning": ""})
    if versioning.status != 200:
        raise trouble(line.bucket, "asking for its versioning", versioning)
    answer = line.ask("GET", None, {"object-lock": ""})
    if answer.error == "ObjectLockConfigurationNotFoundError" or (
        answer.status == 200 and answer.xml().findtext("{*}ObjectLockEnabled") != "Enabled"
    ):
        raise StoreUnavailable(
            f"bucket {line.bucket} has no object lock, and a bucket cannot be given one later: name another in"
            " ARCHIVE_STORE_URL and run `sohoa store prepare`"
        )
    if answer.status != 200:
        raise trouble(line.bucket, "asking for its object lock", answer)
    if versioning.xml().findtext("{*}Status") != "Enabled":
        raise StoreUnavailable(f"bucket {line.bucket} keeps no versions: run `sohoa store prepare`")
    rules = line.ask("GET", None, {"lifecycle": ""})
    if rules.status == 200 and b"Expiration" in rules.body:
        raise StoreUnavailable(f"bucket {line.bucket} has rules that let objects expire: remove them")
    server = server_time(versioning) or now.replace(microsecond=0)
    skew = (server - now).total_seconds()
    if abs(skew) > SKEW_SECONDS_MAX:
        raise StoreUnavailable(
            f"the clocks of the store and of this host differ by {abs(skew):.0f} s: set both by one source"
        )
    return server


def put_canary(line: Line, key: str, until: datetime | None) -> Canary:
    """Store one byte, locked until a date or not. Raises StoreLies if the lock is not stamped on it."""
    headers = {"If-None-Match": "*"}
    if until is not None:
        headers |= {
            "x-amz-object-lock-mode": "COMPLIANCE",
            "x-amz-object-lock-retain-until-date": instant(until),
        }
    answer = _answered(line.ask("PUT", key, headers=headers, body=BODY), "putting a canary")
    if answer.status != 200:
        raise StoreUnavailable(f"a canary cannot be put into bucket {line.bucket}: {answer.status} {answer.error}")
    version_id = answer.headers.get("x-amz-version-id")
    if not version_id or version_id == "null":
        raise lie("no-versions", line)
    canary = Canary(line, key, version_id, until)
    if until is not None and not canary.is_locked_as_asked():
        weak = b"GOVERNANCE" in canary.ask("GET", {"retention": ""}).body
        raise lie("weak-lock" if weak else "lock-not-stamped", line)
    if until is not None and _lock_along(canary) != (until, False):
        raise lie("head-differs", line)
    return canary


def _lock_along(canary: Canary) -> tuple[datetime | None, bool]:
    """Return lock and hold as a look at the object tells them along, which is what every put goes by."""
    return lock_told(canary.key, canary.ask("HEAD")) or (None, False)


def attempts_on_locked(canary: Canary) -> Iterator[Attempt]:
    """Yield every attempt on a locked canary; each raises StoreLies if it succeeds."""
    assert canary.until is not None
    earlier = instant(canary.until - timedelta(seconds=30))
    shorter = document("Retention", Mode="COMPLIANCE", RetainUntilDate=earlier)
    weaker = document("Retention", Mode="GOVERNANCE", RetainUntilDate=instant(canary.until))
    retention = {"retention": ""}
    yield lambda: _must_fail(canary, "shortens-lock", lambda: canary.ask("PUT", retention, shorter))
    yield lambda: _must_fail(canary, "shortens-lock", lambda: canary.ask("PUT", retention, shorter, bypass=True))
    yield lambda: _must_fail(canary, "downgrades-lock", lambda: canary.ask("PUT", retention, weaker, bypass=True))
    yield lambda: _must_fail(
        canary, "lifts-lock", lambda: canary.ask("PUT", retention, document("Retention"), bypass=True)
    )
    yield lambda: _must_fail(canary, "deletes-locked", lambda: canary.ask("DELETE"))
    yield lambda: _must_fail(canary, "bypass-deletes", lambda: canary.ask("DELETE", bypass=True))
    yield lambda: _must_not_be_deleted_in_a_batch(canary, "batch-deletes")
    yield lambda: _must_not_be_claimed_twice(canary)
    yield lambda: _must_not_be_overwritten(canary)
    yield lambda: _must_not_be_hidden_for_good(canary)
    yield lambda: _must_keep_versioning(canary)


def attempts_on_held(canary: Canary, defect: str) -> Iterator[Attempt]:
    """Yield every attempt on a canary that is held and has no lock, or one that has ended."""
    yield lambda: _must_fail(canary, defect, lambda: canary.ask("DELETE"))
    yield lambda: _must_fail(canary, defect, lambda: canary.ask("DELETE", bypass=True))
    yield lambda: _must_not_be_deleted_in_a_batch(canary, defect)


def _must_fail(canary: Canary, defect: str, act: Callable[[], Answer]) -> None:
    answer = act()
    locked = canary.until is None or canary.is_locked_as_asked()
    if answer.status < 400 or not canary.lives() or not locked:
        raise lie(defect, canary.line)


def _must_not_be_deleted_in_a_batch(canary: Canary, defect: str) -> None:
    answer = canary.delete_in_batch()
    deleted = answer.status == 200 and answer.xml().find("{*}Deleted") is not None
    if deleted or not canary.lives():
        raise lie(defect, canary.line)


def _must_not_be_claimed_twice(canary: Canary) -> None:
    answer = canary.line.ask("PUT", canary.key, headers={"If-None-Match": "*"}, body=OTHER_BODY)
    _remove_version(canary, answer)
    if _answered(answer, "claiming again").status < 400:
        raise lie("claims-twice", canary.line)


def _must_not_be_overwritten(canary: Canary) -> None:
    answer = canary.line.ask("PUT", canary.key, body=OTHER_BODY)
    _remove_version(canary, answer)
    same = answer.headers.get("x-amz-version-id") == canary.version_id
    if same or not canary.lives() or not canary.is_locked_as_asked():
        raise lie("overwrites", canary.line)


def _must_not_be_hidden_for_good(canary: Canary) -> None:
    answer = canary.line.ask("DELETE", canary.key)
    lives = canary.lives() and canary.is_locked_as_asked()
    _remove_version(canary, answer)
    if not lives:
        raise lie("delete-hides-for-good", canary.line)


def _must_keep_versioning(canary: Canary) -> None:
    line = canary.line
    line.ask("PUT", None, {"versioning": ""}, body=document("VersioningConfiguration", Status="Suspended"))
    told = line.ask("GET", None, {"versioning": ""})
    if told.status == 200 and told.xml().findtext("{*}Status") != "Enabled":
        line.ask("PUT", None, {"versioning": ""}, body=document("VersioningConfiguration", Status="Enabled"))
        raise lie("suspends-versioning", line)


def attempts_without_right_digest(line: Line, key: str) -> Iterator[Attempt]:
    """Yield puts whose checksum, or whose signed digest, is that of other bytes."""
    yield lambda: _must_not_be_stored(line, f"{key}-checksum", sha256(BODY).hexdigest(), "checksum-ignored")
    yield lambda: _must_not_be_stored(line, f"{key}-digest", sha256(OTHER_BODY).hexdigest(), "digest-ignored")


def _must_not_be_stored(line: Line, key: str, signed: str, defect: str) -> None:
    checksum = b64encode(sha256(OTHER_BODY).digest()).decode()
    headers = {"x-amz-checksum-sha256": checksum} if defect == "checksum-ignored" else {}
    with tempfile.NamedTemporaryFile() as file:
        file.write(BODY)
        file.flush()
        answer = line.put_file(key, Path(file.name), headers, digest=signed, length=len(BODY))
    stored = line.ask("HEAD", key)
    _remove_version(Canary(line, key, "", None), answer)
    if _answered(answer, "putting other bytes").status < 400 or stored.status == 200:
        raise lie(defect, line)


def _remove_version(canary: Canary, answer: Answer) -> None:
    """Remove what an attempt has left beside the canary: a version or a delete marker."""
    version_id = answer.headers.get("x-amz-version-id")
    if answer.status < 300 and version_id not in (None, canary.version_id):
        canary.line.ask("DELETE", canary.key, {"versionId": str(version_id)})


def remove_what_is_free(canary: Canary) -> None:
    """Lift the hold of a canary and delete it if its lock lets it go; what stays, a later start removes."""
    canary.ask("PUT", {"legal-hold": ""}, document("LegalHold", Status="OFF"))
    canary.ask("DELETE")


def remove_old_canaries(line: Line, server_now: datetime) -> None:
    """Remove what canaries of five minutes ago and more left behind, at most a thousand versions."""
    for one in listed_page(line, CANARIES)[0]:
        if one.changed_at < server_now - timedelta(seconds=OLD_SECONDS):
            remove_what_is_free(Canary(line, one.key, one.version_id, None))
