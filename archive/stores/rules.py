"""What every store decides alike: which keys are keys, how instants are kept, when a change is refused."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from archive.errors import InvalidKey, ObjectLocked, RetentionShortened
from archive.stores.port import StoredObject

KEY_LENGTH_MAX = 900  # characters; below S3's 1,024 and the path limits of every file system we name
SEGMENT_LENGTH_MAX = 200
_SEGMENT = re.compile(rf"[a-z0-9_-][a-z0-9._-]{{0,{SEGMENT_LENGTH_MAX - 1}}}")


def is_segment(name: str) -> bool:
    """Say whether a name may stand between two slashes of a key; none begins with a dot."""
    return _SEGMENT.fullmatch(name) is not None


def is_key(key: str) -> bool:
    """Say whether a text is a key: segments joined by single slashes, none at either end."""
    return len(key) <= KEY_LENGTH_MAX and all(is_segment(segment) for segment in key.split("/"))


def check_key(key: str) -> None:
    """Refuse what is no key. Raises InvalidKey."""
    if not is_key(key):
        raise InvalidKey(key)


def folders_above(key: str) -> Iterator[str]:
    """Yield the prefix folders of a key, the nearest first; none of them may be a key."""
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def to_the_second(at: datetime) -> datetime:
    """Return an aware instant in UTC without its fraction. Raises ValueError if it names no zone."""
    if at.tzinfo is None:
        raise ValueError("an instant without a zone")
    return at.astimezone(UTC).replace(microsecond=0)


def lock_end(at: datetime) -> datetime:
    """Return a lock's end in UTC, a fraction rounded up: a lock never ends before the instant asked for."""
    whole = to_the_second(at)
    return whole + timedelta(seconds=1) if at.microsecond else whole


def with_lock(stored: StoredObject, retain_until: datetime) -> StoredObject:
    """Return the object with its lock's end moved later, or as it is. Raises RetentionShortened."""
    end = lock_end(retain_until)
    if stored.retain_until is not None and end < stored.retain_until:
        raise RetentionShortened(stored.key, stored.retain_until, end)
    return replace(stored, retain_until=end)


def at_least(stored: StoredObject, known: StoredObject) -> StoredObject:
    """Return the first with the later of the two locks, and held if either is."""
    ends = [end for end in (stored.retain_until, known.retain_until) if end is not None]
    return replace(stored, retain_until=max(ends, default=None), held=stored.held or known.held)


def refuse_locked(stored: StoredObject, now: datetime) -> None:
    """Raise ObjectLocked while the object is held or its lock has not ended."""
    locked = stored.retain_until is not None and now < stored.retain_until
    if stored.held or locked:
        raise ObjectLocked(stored.key, stored.retain_until, held=stored.held)
