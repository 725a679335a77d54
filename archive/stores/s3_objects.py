"""What an S3 server says of one object of ours: bytes, lock and hold, and the user metadata its put carried."""

from dataclasses import replace

from archive.errors import ObjectNotFound, StoreUnavailable
from archive.stores.port import StoredObject
from archive.stores.s3_answers import trouble, when
from archive.stores.s3_lock import ask_lock, lock_told
from archive.stores.s3_requests import Answer, Line

SHA256, STORED_AT, CLAIM = "x-amz-meta-sha256", "x-amz-meta-stored-at", "x-amz-meta-claim"
RESTORES = "x-amz-meta-restores"  # the damaged version that this one stands for


def looked(line: Line, key: str, version_id: str | None) -> Answer:
    """Return the answer about a version, or the live one. Raises ObjectNotFound, StoreUnavailable."""
    query = {} if version_id is None else {"versionId": version_id}
    answer = line.ask("HEAD", key, query)
    if answer.status == 200:
        return answer
    if answer.status in (400, 404, 405):
        # An answer without a body does not say whether the object is missing or all of the bucket.
        bucket = line.ask("GET", None, {"location": ""})
        if bucket.status in (200, 403):
            raise ObjectNotFound(key, version_id)
        answer = bucket
    raise trouble(line.bucket, f"looking at {key}", answer)


def live(line: Line, key: str) -> Answer | None:
    """Return the answer about what is live under a key, None if nothing is. Raises StoreUnavailable."""
    answer = line.ask("HEAD", key)
    if answer.status == 200:
        return answer
    if answer.status in (404, 405):
        return None
    raise trouble(line.bucket, f"looking at {key}", answer)


def described(line: Line, key: str, answer: Answer, *, locked: bool, asked: bool = False) -> StoredObject:
    """Return what an answer about an object says. Raises StoreUnavailable if it is none of ours.

    locked: the bucket has locks. asked: lock and hold are asked for themselves, whatever the answer carries.
    """
    told = answer.headers
    sha256, stored_at = told.get(SHA256, ""), told.get(STORED_AT)
    if not sha256 or stored_at is None:
        raise StoreUnavailable(f"{key} was not put there by this program: it names no digest")
    version_id, length = told.get("x-amz-version-id", "null"), int(told.get("content-length", "0"))
    stored = StoredObject(key, version_id, sha256, length, None, False, when(stored_at))
    if not locked:
        return stored
    lock = None if asked else lock_told(key, answer)
    until, held = lock or ask_lock(line, key, version_id)
    return replace(stored, retain_until=until, held=held)
