"""What `doctor` looks for in the archive: objects against rows, locks, the event streams and their triggers."""

from collections.abc import Iterator
from itertools import chain

from sqlalchemy import Engine, null, select, text

from archive.database import reading
from archive.digest import sha256_of_stream
from archive.doctor import Finding
from archive.errors import ObjectNotFound, StoreUnavailable
from archive.events import STREAMS, leaf_hash
from archive.keys import COPIES, RESTRICTED, copy_key, is_copy, is_restricted, is_segment
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.separated import keeps_apart
from archive.tables.copies import copy
from archive.tables.holdings import hold, record
from archive.tables.log import event, stream_head
from archive.tables.packages import package

TRIGGERS = frozenset({"event_no_update", "event_no_delete", "event_no_overwrite"})


def check_objects(engine: Engine, store: ObjectStore, *, deep: bool) -> Iterator[Finding]:
    """Compare every package row with its object and every such object with its row; deep reads the bytes too."""
    # Rows are read after the listing: a deposit under way has its object first, its row a moment later.
    listed = store.list_versions()
    objects = {(o.key, o.version_id): o for o in listed if not (is_copy(o.key) or is_segment(o.key))}
    with reading(engine) as connection:
        rows = connection.execute(
            select(package, record.c.sensitivity_level).join(record, record.c.id == package.c.record_id)
        ).all()
        held = set(connection.execute(select(hold.c.record_id).where(hold.c.lifted_at.is_(None))).scalars())
    reserved = {row.object_key for row in rows if row.state == "reserved"}
    for row in rows:
        if row.state != "deposited":
            continue
        stored = objects.pop((row.object_key, row.version_id), None)
        if stored is None:
            yield Finding("row-without-object", row.object_key, "the catalogue names an object that is not there")
            continue
        yield from _compare(store, stored, row, held=row.record_id in held, deep=deep)
        yield from _look_where_it_lies(store, stored, row.sensitivity_level)
    for key, version_id in objects:
        if key in reserved:
            continue  # a put whose row comes with the next attempt; the work list holds it
        yield Finding("object-without-row", f"{key}@{version_id}", "no row of the catalogue names this object")


def check_copies(engine: Engine, store: ObjectStore, *, deep: bool) -> Iterator[Finding]:
    """Compare every copy of the register with its object and every copy's object with its row.

    A number still reserved, or voided before its file was settled, may have an object no row names yet.
    """
    listed = chain(store.list_versions(COPIES), store.list_versions(RESTRICTED + COPIES))
    objects = {(o.key, o.version_id): o for o in listed}
    with reading(engine) as connection:
        rows = connection.execute(
            select(copy, null().label("locked_until"), record.c.sensitivity_level).join(
                record, record.c.id == copy.c.record_id
            )
        ).all()
    unsettled = {
        copy_key(row.id, apart=apart) for row in rows if row.object_key is None for apart in (False, True)
    }
    for row in rows:
        if row.object_key is None:
            continue
        stored = objects.pop((row.object_key, row.version_id), None)
        if stored is None:
            yield Finding("row-without-object", row.object_key, "the register names an object that is not there")
            continue
        yield from _compare(store, stored, row, held=False, deep=deep)
        yield from _look_where_it_lies(store, stored, row.sensitivity_level)
    for key, version_id in objects:
        if key not in unsettled:
            yield Finding("object-without-row", f"{key}@{version_id}", "no copy of the register is this object")


def _compare(
    store: ObjectStore, stored: StoredObject, row: object, *, held: bool, deep: bool
) -> Iterator[Finding]:
    sha256, locked_until = row.sha256, row.locked_until  # type: ignore[attr-defined]  # a Row names its columns
    if stored.sha256 != sha256:
        yield Finding("digest-differs", stored.key, f"the row says {sha256}, the store {stored.sha256}")
    if stored.retain_until is None or (locked_until is not None and stored.retain_until < locked_until):
        yield Finding(
            "lock-too-short", stored.key, f"the row says {locked_until}, the store {stored.retain_until}"
        )
    if held and not stored.held:
        yield Finding("hold-missing", stored.key, "a hold stands in the catalogue, the store does not know it")
    if deep:
        try:
            with store.read(stored.key, stored.version_id) as stream:
                found, length = sha256_of_stream(stream)
        except (ObjectNotFound, StoreUnavailable) as error:
            yield Finding("object-unreadable", stored.key, str(error))
            return
        if (found, length) != (sha256, stored.length):
            yield Finding("object-damaged", stored.key, f"expected {sha256}, the bytes give {found}")


def _look_where_it_lies(store: ObjectStore, stored: StoredObject, level: int) -> Iterator[Finding]:
    """Name what levels 3-4 have in the open store: it was locked there before it had to be apart."""
    if keeps_apart(store, level) and not is_restricted(stored.key):
        detail = f"of sensitivity level {level}, among levels 1-2; locked there until {stored.retain_until}"
        yield Finding("restricted-in-open-store", stored.key, detail)


def check_leftovers(store: ObjectStore, name: str) -> Iterator[Finding]:
    """Report what lies in a store and is no object."""
    for left in store.leftovers():
        yield Finding("stray-file", f"{name}:{left}", "not an object of this store, nor part of one")


def check_events(engine: Engine) -> Iterator[Finding]:
    """Walk both streams: no gap, right head, right leaf hashes, body in its place; triggers present."""
    with reading(engine) as connection:
        heads = {row.stream: row.next_sequence for row in connection.execute(select(stream_head))}
        for stream in STREAMS:
            expected = 0
            rows = connection.execute(select(event).where(event.c.stream == stream).order_by(event.c.sequence))
            for row in rows.yield_per(1000):
                if row.sequence != expected:
                    yield Finding("event-gap", f"{stream}:{expected}", f"the next event is {row.sequence}")
                    expected = row.sequence
                if leaf_hash(row.canonical) != row.leaf_hash:
                    yield Finding("event-changed", f"{stream}:{row.sequence}", "its bytes and leaf hash differ")
                expected += 1
            if heads.get(stream) != expected:
                yield Finding(
                    "event-head", stream, f"head says {heads.get(stream)}, the stream ends at {expected}"
                )
        if engine.dialect.name == "sqlite":
            names = set(
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
            )
        else:
            names = set(connection.execute(text("SELECT tgname FROM pg_trigger")).scalars())
    for missing in sorted(TRIGGERS - names):
        yield Finding("trigger-missing", missing, "events could be changed or removed unseen; run `sohoa init`")
