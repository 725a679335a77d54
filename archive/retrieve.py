"""Gets things back out: a record with its packages, and a package's bytes, checked on the way.

Whoever hands content out writes the access event first: `released` commits it before it opens the object.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, Row, select

from archive import events
from archive.database import writing
from archive.digest import sha256_of_file
from archive.errors import DigestMismatch, NotFound
from archive.fixity.reading import Wanted, opened_good
from archive.record import PrincipalId, RecordId
from archive.stores.port import ObjectStore
from archive.tables.holdings import archival_file, effect, hold, record, record_party
from archive.tables.packages import package


def find_record(connection: Connection, name: str) -> RecordId:
    """Return the record with this id or archive number. Raises NotFound."""
    found = connection.execute(
        select(record.c.id).where(
            (record.c.id == name) | (record.c.archive_number == name),
            record.c.state.not_in(("reserved", "void")),
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("record", name)
    return RecordId(found)


def current_package(connection: Connection, record_id: RecordId) -> Row[Any]:
    """Return the row of a record's newest content package. Raises NotFound."""
    row = connection.execute(
        select(package)
        .where(package.c.record_id == record_id, package.c.kind == "content", package.c.state == "deposited")
        .order_by(package.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound("package of record", record_id)
    return row


def describe_record(connection: Connection, record_id: RecordId) -> dict[str, Any]:
    """Return everything non-personal the catalogue says of a record, as JSON-ready values by field name."""
    row = connection.execute(select(record).where(record.c.id == record_id)).mappings().one()
    file = (
        connection.execute(select(archival_file).where(archival_file.c.id == row["archival_file_id"]))
        .mappings()
        .one()
    )
    stored = current_package(connection, record_id)
    packages = connection.execute(
        select(package).where(package.c.record_id == record_id).order_by(package.c.number)
    ).mappings()
    parties = connection.execute(
        select(record_party.c.party_id, record_party.c.role).where(record_party.c.record_id == record_id)
    ).mappings()
    effects = connection.execute(
        select(effect).where(effect.c.record_id == record_id).order_by(effect.c.effective_on)
    ).mappings()
    held = connection.execute(
        select(hold.c.id).where(hold.c.record_id == record_id, hold.c.lifted_at.is_(None))
    ).all()
    values = {k: v for k, v in row.items() if k not in ("id", "keep_until", "permanent")}
    retain_until = "permanent" if row["permanent"] else row["keep_until"]
    described: dict[str, Any] = _plain(
        {
            "record": row["id"],
            "package": stored.number,
            "object": f"{stored.object_key}@{stored.version_id}",
            "sha256": stored.sha256,
            "state": row["state"],
            "retain_until": retain_until,
            "locked_until": stored.locked_until,
            "held": bool(held),
            **values,
            "archival_file": dict(file),
            "packages": [dict(p) for p in packages],
            "parties": [dict(p) for p in parties],
            "effects": [dict(e) for e in effects],
        }
    )
    return described


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@contextmanager
def released(
    engine: Engine,
    store: ObjectStore,
    record_id: RecordId,
    *,
    act: str,
    principal: PrincipalId,
    purpose: str,
    at: datetime,
) -> Iterator[tuple[Row[Any], BinaryIO]]:
    """Commit the access event, then open the record's current content package for reading, its digest checked.

    Yields (package row, seekable stream). Raises NotFound, ObjectNotFound, DigestMismatch.
    """
    with writing(engine) as connection:
        row = current_package(connection, record_id)
        events.append(
            connection,
            "access",
            act,
            principal=principal,
            at=at,
            payload={
                "record": record_id,
                "package": row.number,
                "sha256": row.sha256,
                "purpose": purpose,
            },
        )
    wanted = Wanted(row.object_key, row.version_id, row.sha256, principal, at)
    with opened_good(engine, store, wanted) as stream:
        yield row, stream


def export_package(row: Row[Any], stream: BinaryIO, out: Path) -> None:
    """Write an opened package to a file and check what was written. Raises DigestMismatch; leaves nothing then."""
    with out.open("wb") as target:
        while chunk := stream.read(1 << 20):
            target.write(chunk)
    found, _ = sha256_of_file(out)
    if found != row.sha256:
        out.unlink()
        raise DigestMismatch(row.object_key, row.sha256, found)
