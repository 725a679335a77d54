"""Keeps the second store in step: what the first has and it has not is copied, under the same key.

What has no row of the replica in the register has no second copy yet: that is the cursor, and after a kill the
next one goes on where it stands. An object found there under the key is adopted if its bytes are right; another's
object is named and left alone. Locks and holds that change later follow with `retention.reconcile`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archive import events
from archive.database import reading, writing
from archive.errors import KeyTaken, StoreUnavailable
from archive.fixity.examine import Found, examine
from archive.fixity.named import NamedObject, named_by_key
from archive.fixity.preservation import premis
from archive.fixity.register import note, replica_version, report_bad
from archive.fixity.repair import Keepers, good_copy


@dataclass(frozen=True, slots=True)
class Copied:
    """What one lot came to: objects copied or adopted, those left out, bytes read."""

    copied: int
    left: int
    length: int


def copy_lot(keepers: Keepers, lot: Sequence[NamedObject], *, at: datetime) -> Copied | None:
    """Copy those objects of a lot that still have no second copy; None if there are none. Raises
    StoreUnavailable."""
    with reading(keepers.engine) as connection:
        named_now = named_by_key(connection, {one.key for one in lot})
        missing = [one for one in named_now.values() if replica_version(connection, one.key) is None]
    if not missing:
        return None
    done: list[tuple[NamedObject, str, Found]] = []
    bad: list[tuple[NamedObject, str, Found]] = []
    length = 0
    try:
        for named in missing:
            if (copied := _copy(keepers, named, at)) is not None:
                version, found = copied
                (done if found.verdict == "ok" else bad).append((named, version, found))
                length += 2 * found.length
    finally:
        _write_down(keepers, done, bad, at)
    return Copied(len(done), len(missing) - len(done), length)


def _copy(keepers: Keepers, named: NamedObject, at: datetime) -> tuple[str, Found] | None:
    """Copy one object and read the copy; None if the first store has nothing good, or nothing at all now."""
    with good_copy(keepers, named, "primary", at=at) as lent:
        if lent is None:
            return None
        body, stored = lent
        until = max((end for end in (stored.retain_until, named.locked_until) if end), default=None)
        try:
            there = keepers.replica.put(
                named.key, body, sha256=named.sha256, retain_until=until, now=named.stored_at
            )
        except KeyTaken:
            there = keepers.replica.head(named.key)
            if there.sha256 != named.sha256:
                return there.version_id, Found("bad", reason="another object lies there", stored=there)
        if until is not None and (there.retain_until is None or there.retain_until < until):
            keepers.replica.extend(named.key, there.version_id, until)
        if stored.held or named.held:
            keepers.replica.set_hold(named.key, there.version_id, held=True)
    version = there.version_id
    found = examine(keepers.replica, named.key, version, sha256=named.sha256, length=named.length)
    if found.verdict == "unchecked":
        raise StoreUnavailable(found.reason or "the replica does not answer")
    return version, found


def _write_down(
    keepers: Keepers,
    done: list[tuple[NamedObject, str, Found]],
    bad: list[tuple[NamedObject, str, Found]],
    at: datetime,
) -> None:
    if not done and not bad:
        return
    with writing(keepers.engine) as connection:
        for named, version, found in done:
            note(connection, "replica", named.key, version, found, at=at)
        for named, version, found in bad:
            report_bad(connection, "replica", named, version, found, at=at, principal=keepers.principal)
        if done:
            told = f"{len(done)} objects copied to the replica, each read back"
            events.append(
                connection,
                "records",
                "replica.copied",
                principal=keepers.principal,
                at=at,
                payload={
                    "objects": [f"{named.key}@{version}" for named, version, _ in done],
                    "premis": premis("replication", told, well=True),
                },
            )
