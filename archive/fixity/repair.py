"""Puts a good copy in the place of a bad one, in either store, and reads what it put.

1. The good side is read whole into a file of ours; only if its bytes have the catalogue's digest is anything done.
2. `restore` of the store on the bad side reads its version once more and refuses to replace a good one.
3. What stands there now is read back; row, event and, where the store could only put a new version, the version
   ids of the catalogue change in one transaction.

A version of the replica that the store itself says is another object's is never touched: it is named.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, select, update

from archive import events
from archive.database import reading, writing
from archive.errors import ArchiveError, ObjectNotFound, ObjectWhole, StoreUnavailable
from archive.fixity.examine import Found, examine
from archive.fixity.named import NamedObject
from archive.fixity.preservation import premis
from archive.fixity.register import Side, forget, note, replica_version, report_bad
from archive.record import PrincipalId
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.rules import at_least
from archive.tables.copies import copy
from archive.tables.log import checkpoint, log_segment
from archive.tables.packages import fixity_check, package

Outcome = Literal["repaired", "whole", "no-good-copy", "other-object", "not-now"]


@dataclass(frozen=True, slots=True)
class Keepers:
    """The two stores and what is needed to mend one from the other. scratch: a folder of this process."""

    engine: Engine
    primary: ObjectStore
    replica: ObjectStore
    scratch: Path
    principal: PrincipalId


@contextmanager
def good_copy(
    keepers: Keepers, named: NamedObject, side: Side, *, at: datetime
) -> Iterator[tuple[Path, StoredObject] | None]:
    """Lend one side's bytes in a file, read and right, with what the store says of them; None if they are not.

    That they are bad is written down at once.
    """
    store = keepers.primary if side == "primary" else keepers.replica
    keepers.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fixity-", dir=keepers.scratch) as folder:
        version = named.version_id if side == "primary" else second_version(keepers, named.key)
        if version is None:
            yield None
            return
        body = Path(folder) / "object"
        found = examine(store, named.key, version, sha256=named.sha256, length=named.length, into=body)
        if found.verdict == "bad":
            with writing(keepers.engine) as connection:
                report_bad(connection, side, named, version, found, at=at, principal=keepers.principal)
        yield (body, found.stored) if found.verdict == "ok" and found.stored is not None else None


def second_version(keepers: Keepers, key: str) -> str | None:
    """Return the version of an object's second copy, as written down, or as the replica says; None without one."""
    with reading(keepers.engine) as connection:
        known = replica_version(connection, key)
    if known is not None:
        return known
    try:
        return keepers.replica.head(key).version_id
    except (ObjectNotFound, StoreUnavailable):
        return None


def repair(keepers: Keepers, named: NamedObject, side: Side, version_id: str, *, at: datetime) -> Outcome:
    """Mend one side's version from the other side. What cannot be now is told, and nothing is changed."""
    store = keepers.primary if side == "primary" else keepers.replica
    good: Side = "replica" if side == "primary" else "primary"
    if side == "replica" and _is_anothers(store, named, version_id):
        return "other-object"
    with good_copy(keepers, named, good, at=at) as lent:
        if lent is None:
            return "no-good-copy"
        body, stored = lent
        wanted = StoredObject(
            named.key,
            version_id,
            named.sha256,
            stored.length,
            named.locked_until,
            named.held,
            named.stored_at.replace(microsecond=0),
        )
        try:
            restored = store.restore(at_least(wanted, stored), body)
        except ObjectWhole:
            return _found_whole(keepers, named, side, version_id, at)
        except ArchiveError:
            return "not-now"
    found = examine(store, named.key, restored.version_id, sha256=named.sha256, length=named.length)
    if found.verdict != "ok" or found.stored is None:
        return "not-now"
    with writing(keepers.engine) as connection:
        _write_down(connection, keepers, named, side, version_id, found, found.stored, at=at)
    return "repaired"


def _found_whole(keepers: Keepers, named: NamedObject, side: Side, version_id: str, at: datetime) -> Outcome:
    """It was mended by another, or could be read after all."""
    store = keepers.primary if side == "primary" else keepers.replica
    found = examine(store, named.key, version_id, sha256=named.sha256, length=named.length)
    if found.verdict != "ok":
        return "not-now"
    with writing(keepers.engine) as connection:
        note(connection, side, named.key, version_id, found, at=at)
    return "whole"


def _is_anothers(store: ObjectStore, named: NamedObject, version_id: str) -> bool:
    try:
        return store.head(named.key, version_id).sha256 != named.sha256
    except (ObjectNotFound, StoreUnavailable):
        return False


def _write_down(
    connection: Connection,
    keepers: Keepers,
    named: NamedObject,
    side: Side,
    version_id: str,
    found: Found,
    restored: StoredObject,
    *,
    at: datetime,
) -> None:
    moved = restored.version_id != version_id
    if side == "primary" and moved:
        move_version(connection, named.key, version_id, restored.version_id)
    if moved:
        forget(connection, _ids(connection, side, named.key, version_id))
    note(connection, side, named.key, restored.version_id, found, at=at)
    source = "replica" if side == "primary" else "primary"
    told = f"{side} store, {named.key}: restored from the {source} store, read back"
    events.append(
        connection,
        "records",
        "fixity.repaired",
        principal=keepers.principal,
        at=at,
        payload={
            "store": side,
            "key": named.key,
            "version": restored.version_id,
            "version_before": version_id,
            "sha256": named.sha256,
            "locked_until": restored.retain_until.isoformat() if restored.retain_until else None,
            "held": restored.held,
            "premis": premis("recovery", told, well=True),
        },
    )


def _ids(connection: Connection, side: Side, key: str, version_id: str) -> list[str]:
    where = (
        fixity_check.c.store == side,
        fixity_check.c.object_key == key,
        fixity_check.c.version_id == version_id,
    )
    return list(connection.execute(select(fixity_check.c.id).where(*where)).scalars())


def move_version(connection: Connection, key: str, before: str, after: str) -> None:
    """Let every row that names a version name the one that stands for it now."""
    for table in (package, copy, log_segment, checkpoint):
        connection.execute(
            update(table).where(table.c.object_key == key, table.c.version_id == before).values(version_id=after)
        )
