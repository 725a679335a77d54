"""A put in one request: its headers, the claim on its key, and what becomes of it when no answer comes."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.digest import sha256_of_file
from archive.errors import DigestMismatch, InvalidKey, KeyTaken, ObjectTooLarge, StoreUnavailable
from archive.identifiers import new_id
from archive.stores.port import StoredObject
from archive.stores.s3_answers import FOLDER_TAKEN, WRONG_DIGEST, instant, trouble
from archive.stores.s3_listing import listed_page
from archive.stores.s3_objects import CLAIM, SHA256, STORED_AT, described, live, looked
from archive.stores.s3_requests import ATTEMPTS, Line, LineBroken

LENGTH_MAX = 5 * 1024**3  # bytes of one put; more would need parts, which have no digest of the whole


@dataclass(frozen=True, slots=True)
class Sending:
    """A file about to be put, with all that goes along. length in bytes."""

    key: str
    body: Path
    length: int
    headers: dict[str, str]


def prepare_sending(key: str, body: Path, *, sha256: str, until: datetime | None, stored_at: datetime) -> Sending:
    """Return what a put will send. Raises ObjectTooLarge, StoreUnavailable for an unreadable file."""
    try:
        length = body.stat().st_size
    except OSError as error:
        raise StoreUnavailable(f"{body.name} cannot be read: {error.strerror}") from error
    if length > LENGTH_MAX:
        raise ObjectTooLarge(key, length, LENGTH_MAX)
    headers = {
        "If-None-Match": "*",
        "Content-Type": "application/octet-stream",
        "x-amz-checksum-sha256": b64encode(bytes.fromhex(sha256)).decode(),
        SHA256: sha256,
        STORED_AT: instant(stored_at),
        CLAIM: new_id(),
    }
    if until is not None:
        headers["x-amz-object-lock-mode"] = "COMPLIANCE"
        headers["x-amz-object-lock-retain-until-date"] = instant(until)
    return Sending(key, body, length, headers)


def refuse_taken(line: Line, key: str) -> None:
    """Refuse a key under which anything is, or that is a folder of others. Raises KeyTaken, InvalidKey.

    A delete marker is StoreUnavailable: what it hides must not get a successor.
    """
    here, following = listed_page(line, key, at_most=2)
    for found in here:
        if found.key == key and found.marker:
            raise StoreUnavailable(f"somebody deleted {key} past this program: a delete marker hides it")
        if found.key == key:
            raise KeyTaken(key)
    # Keys such as `key-1` come before what lies in the folder; it is seldom that they fill the page.
    below = here if following is None else listed_page(line, f"{key}/", at_most=1)[0]
    if any(found.key.startswith(f"{key}/") for found in below):
        raise InvalidKey(key)


def claim(line: Line, sending: Sending, *, locked: bool) -> StoredObject:
    """Send it until an answer says what became of it, and return what the server says is stored.

    Raises KeyTaken, DigestMismatch, InvalidKey, and StoreUnavailable when nothing is known to be stored.
    """
    key = sending.key
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = line.put_file(
                key, sending.body, sending.headers, digest=sending.headers[SHA256], length=sending.length
            )
        except LineBroken:
            # It may be stored all the same: only a look tells.
            if (adopted := _adopted(line, sending, locked=locked)) is not None:
                return adopted
            if attempt == ATTEMPTS:
                raise
            continue
        if answer.status == 200:
            found = looked(line, key, answer.headers.get("x-amz-version-id"))
            return described(line, key, found, locked=locked)
        if answer.status in (409, 412):
            if (adopted := _adopted(line, sending, locked=locked)) is not None:
                return adopted
            if attempt == ATTEMPTS:
                raise KeyTaken(key)
        elif answer.error in WRONG_DIGEST:
            raise DigestMismatch(key, sending.headers[SHA256], sha256_of_file(sending.body)[0])
        elif answer.error in FOLDER_TAKEN:
            raise InvalidKey(key)
        elif answer.status < 500 or attempt == ATTEMPTS:
            raise trouble(line.bucket, f"putting {key}", answer, writing=True)
    raise AssertionError("the last attempt returns or raises")


def _adopted(line: Line, sending: Sending, *, locked: bool) -> StoredObject | None:
    """Return what this put has stored; None if nothing is there. Raises KeyTaken if another's is."""
    found = live(line, sending.key)
    if found is None:
        return None
    if found.headers.get(CLAIM) != sending.headers[CLAIM]:
        raise KeyTaken(sending.key)
    return described(line, sending.key, found, locked=locked)
