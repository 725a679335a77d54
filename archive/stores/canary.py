"""Proof that a store's locks hold: a canary is locked for a minute, and every known way of killing it is tried.

A server that only says that it locks looks like one that does, until something is lost. So before anything relies
on a bucket, in this order:

1. the bucket is there, with object lock and versioning, and its clock is ours;
2. what earlier canaries left and is free by now is removed;
3. one byte is put with a lock, and the lock that is stamped on it is the one asked for;
4. everything that must be refused is tried, and after each attempt the byte and its lock are looked at again:
   the answer alone proves nothing;
5. bytes are held, with and without a lock that ends, and tried again.

Keys of canaries begin with a dot: none of the program's keys does, so no listing of objects shows them.
"""

import time
from collections.abc import Callable, Set
from contextlib import ExitStack
from datetime import datetime, timedelta

from archive.errors import HomeNotReady, StoreLies
from archive.identifiers import new_id
from archive.stores.canary_attempts import (
    DEFECTS,
    Canary,
    attempts_on_held,
    attempts_on_locked,
    attempts_without_right_digest,
    put_canary,
    remove_old_canaries,
    remove_what_is_free,
    require_fit_bucket,
)
from archive.stores.file import FileStore
from archive.stores.memory import MemoryStore
from archive.stores.port import ObjectStore
from archive.stores.s3 import CANARIES, S3Store
from archive.stores.separated import SeparatedStore

LOCK_SECONDS = 60
SHORT_LOCK_SECONDS = 3  # of the byte that is still held when its lock has ended

# Defects that cannot hurt the archive, and why: they may be allowed by a setting, the others never.
COUNTERED = {
    "hold-ends-with-lock": "whoever holds a record keeps extending its lock, and no delete is sent before asking"
    " whether the object is held",
}


def allowed_defects(setting: str) -> frozenset[str]:
    """Return the defects a setting allows, separated by commas. Raises HomeNotReady for one that may not be."""
    named = frozenset(one.strip() for one in setting.split(",") if one.strip())
    for defect in sorted(named - COUNTERED.keys()):
        known = "is no defect we know" if defect not in DEFECTS else "has no counter-measure"
        raise HomeNotReady(f"ARCHIVE_STORE_ALLOW may not name {defect!r}, which {known}")
    return named


def prove_locks(store: ObjectStore, *, now: datetime, allowed: Set[str] = frozenset()) -> tuple[str, ...]:
    """Return the allowed defects that were found; a folder, memory or a bucket without locks has nothing to prove.

    Of two stores behind one port both prove it, one after the other. Takes some seconds. allowed: slugs of
    `COUNTERED`. Raises StoreLies naming the first defect that is not allowed, StoreUnavailable saying what is
    wrong with the bucket, the keys or the way there, and TypeError for a store it cannot look into.
    """
    if isinstance(store, SeparatedStore):
        defects = [one for side in store.sides() for one in prove_locks(side, now=now, allowed=allowed)]
        return tuple(dict.fromkeys(defects))
    if isinstance(store, FileStore | MemoryStore):
        return ()
    if not isinstance(store, S3Store):
        raise TypeError(f"{type(store).__name__} is not a store as open_store returns it")
    if not store.locked:
        return ()
    found: list[str] = []
    with ExitStack() as afterwards:
        _prove(store, now, _tolerant(allowed, found), afterwards)
    return tuple(found)


Attempt = Callable[[], None]


def _tolerant(allowed: Set[str], found: list[str]) -> Callable[[Attempt], None]:
    def run(attempt: Attempt) -> None:
        try:
            attempt()
        except StoreLies as lie:
            if lie.defect not in allowed:
                raise
            found.append(lie.defect)

    return run


def _prove(store: S3Store, now: datetime, run: Callable[[Attempt], None], afterwards: ExitStack) -> None:
    line = store.line
    remove_old_canaries(line, require_fit_bucket(line, now))  # 1, 2
    # Locks end by the server's clock, which may differ a little from ours.
    server_now, started = require_fit_bucket(line, now), time.monotonic()
    key = f"{CANARIES}{new_id()}"

    def put(suffix: str, seconds: int | None) -> Canary:
        lock = None if seconds is None else server_now + timedelta(seconds=seconds)
        canary = put_canary(line, f"{key}-{suffix}", lock)
        afterwards.callback(remove_what_is_free, canary)
        return canary

    brief = put("held", SHORT_LOCK_SECONDS)
    brief.hold(on=True)
    locked = put("locked", LOCK_SECONDS)  # 3
    for attempt in attempts_on_locked(locked):  # 4
        run(attempt)
    for attempt in attempts_without_right_digest(line, key):
        run(attempt)
    unlocked = put("held-only", None)  # 5
    unlocked.hold(on=True)
    for attempt in attempts_on_held(unlocked, "hold-not-kept"):
        run(attempt)
    time.sleep(max(0.0, SHORT_LOCK_SECONDS + 0.5 - (time.monotonic() - started)))
    for attempt in attempts_on_held(brief, "hold-ends-with-lock"):
        run(attempt)
