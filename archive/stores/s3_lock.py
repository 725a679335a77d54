"""The lock and the hold of one stored version: asked for themselves, and changed."""

from datetime import datetime

from archive.errors import ObjectNotFound, StoreLies
from archive.stores.s3_answers import NO_LOCK, NO_SUCH_VERSION, document, instant, trouble, when
from archive.stores.s3_requests import Answer, Line

_MODE, _UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
_HOLD = "x-amz-object-lock-legal-hold"

Lock = tuple[datetime | None, bool]  # its end, None without one; whether it is held


def lock_told(key: str, answer: Answer) -> Lock | None:
    """Return the lock that an answer about an object carries; None if it carries none, which proves nothing."""
    if _MODE not in answer.headers:
        return None
    return _end(key, answer.headers[_MODE], answer.headers.get(_UNTIL)), answer.headers.get(_HOLD) == "ON"


def ask_lock(line: Line, key: str, version_id: str) -> Lock:
    """Ask for the lock and the hold themselves. Raises ObjectNotFound, StoreLies, StoreUnavailable."""
    answer = line.ask("GET", key, {"retention": "", "versionId": version_id})
    until = None
    if answer.status == 200:
        told = answer.xml()
        until = _end(key, told.findtext("{*}Mode"), told.findtext("{*}RetainUntilDate"))
    elif answer.error not in NO_LOCK:
        raise _refused(line, key, version_id, answer)
    answer = line.ask("GET", key, {"legal-hold": "", "versionId": version_id})
    if answer.status != 200 and answer.error not in NO_LOCK:
        raise _refused(line, key, version_id, answer)
    return until, answer.status == 200 and answer.xml().findtext("{*}Status") == "ON"


def _end(key: str, mode: str | None, until: str | None) -> datetime | None:
    if not until:
        return None
    if mode != "COMPLIANCE":
        raise StoreLies("weak-lock", f"{key} is locked as {mode}, which can be lifted")
    return when(until)


def _refused(line: Line, key: str, version_id: str, answer: Answer) -> Exception:
    if answer.error in NO_SUCH_VERSION:
        return ObjectNotFound(key, version_id)
    return trouble(line.bucket, f"asking for the lock of {key}", answer)


def send_lock(line: Line, key: str, version_id: str, until: datetime) -> Answer:
    """Ask the server to move a lock's end to an instant."""
    body = document("Retention", Mode="COMPLIANCE", RetainUntilDate=instant(until))
    return line.ask("PUT", key, {"retention": "", "versionId": version_id}, body=body)


def send_hold(line: Line, key: str, version_id: str, *, held: bool) -> Answer:
    """Ask the server to place or lift a hold."""
    body = document("LegalHold", Status="ON" if held else "OFF")
    return line.ask("PUT", key, {"legal-hold": "", "versionId": version_id}, body=body)
