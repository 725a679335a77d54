"""A good version put above a damaged one, which a lock keeps where it is: evidence that names its successor."""

from pathlib import Path

from archive.digest import sha256_of_file
from archive.errors import DigestMismatch
from archive.stores.port import StoredObject
from archive.stores.s3_answers import WRONG_DIGEST, trouble
from archive.stores.s3_objects import CLAIM, RESTORES, described, live, looked
from archive.stores.s3_put import prepare_sending
from archive.stores.s3_requests import ATTEMPTS, Line, LineBroken


def put_above(line: Line, stored: StoredObject, body: Path, *, locked: bool) -> StoredObject:
    """Put the body as the newest version under its key, with the lock and hold in the same act.

    An answer that was lost is looked for by its claim. Raises DigestMismatch, StoreUnavailable, ObjectTooLarge.
    """
    key = stored.key
    sending = prepare_sending(
        key,
        body,
        sha256=stored.sha256,
        until=stored.retain_until if locked else None,
        stored_at=stored.stored_at,
    )
    headers = {name: value for name, value in sending.headers.items() if name != "If-None-Match"}
    headers[RESTORES] = stored.version_id
    if locked and stored.held:
        headers["x-amz-object-lock-legal-hold"] = "ON"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = line.put_file(key, body, headers, digest=stored.sha256, length=sending.length)
        except LineBroken:
            found = live(line, key)
            if found is not None and found.headers.get(CLAIM) == headers[CLAIM]:
                return described(line, key, found, locked=locked)
            if attempt == ATTEMPTS:
                raise
            continue
        if answer.status == 200:
            found = looked(line, key, answer.headers.get("x-amz-version-id"))
            return described(line, key, found, locked=locked)
        if answer.error in WRONG_DIGEST:
            raise DigestMismatch(key, stored.sha256, sha256_of_file(body)[0])
        if answer.status < 500 or attempt == ATTEMPTS:
            raise trouble(line.bucket, f"restoring {key}", answer)
    raise AssertionError("the last attempt returns or raises")
