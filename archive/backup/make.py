"""Makes a backup: rows of one transaction, and the objects of the vault that they name.

The log is brought into the vault first, so what the vault has later can be done again on top of the backup.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, select, union_all

from archive.backup.form import VAULT, Manifest, table_file, write_lines, write_manifest
from archive.database import reading, revision_of
from archive.errors import BackupInvalid
from archive.events import STREAMS, instant_text
from archive.log.keeper import LogKeeper, newest_checkpoint
from archive.log.notes import LogKey
from archive.rebuild.columns import plain
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.copies import copy
from archive.tables.log import log_segment
from archive.tables.packages import package
from archive.tables.schema import metadata


def make_backup(
    engine: Engine,
    store: ObjectStore,
    log: LogKeeper,
    key: LogKey,
    folder: Path,
    *,
    seal: str,
    at: datetime,
) -> Manifest:
    """Write a backup into an empty folder. seal: fingerprint of the sealing keys, which are not in it.

    Raises BackupInvalid for a folder that holds anything, or a vault that misses an object; StoreUnavailable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupInvalid(str(folder), "it is not empty")
    log.publish()
    files: dict[str, str] = {}
    rows: dict[str, int] = {}
    with reading(engine) as connection:
        for table in metadata.sorted_tables:
            name = table_file(table.name)
            files[name], rows[table.name] = write_lines(folder / name, _rows(connection, table))
        files[VAULT], objects = write_lines(folder / VAULT, _objects(connection, store))
        notes = {stream: newest_checkpoint(connection, stream) for stream in STREAMS}
    manifest = Manifest(
        made_at=instant_text(at),
        schema=revision_of(engine),
        files=files,
        rows=rows,
        objects=objects,
        log={stream: note.decode() for stream, note in notes.items() if note is not None},
        log_keys={stream: key.verifier(stream) for stream in STREAMS},
        seal=seal,
    )
    write_manifest(folder, manifest)
    return manifest


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    for row in connection.execute(query).yield_per(500).mappings():
        yield {name: plain(value) for name, value in row.items()}


def _objects(connection: Connection, store: ObjectStore) -> Iterator[dict[str, Any]]:
    """Yield what the store says of each object that a row names, both in the order of their keys."""
    stored = store.list_versions()
    at = next(stored, None)
    for key, version_id, sha256 in named_objects(connection):
        while at is not None and (at.key, at.version_id) < (key, version_id):
            at = next(stored, None)
        if at is None or (at.key, at.version_id, at.sha256) != (key, version_id, sha256):
            raise BackupInvalid(
                key, "the catalogue names it, the vault has it not or not like this: run `sohoa doctor`"
            )
        yield facts_of(at)


def facts_of(stored: StoredObject) -> dict[str, Any]:
    """Return what a backup keeps of an object: who it is and until when it is locked."""
    return {
        "key": stored.key,
        "version": stored.version_id,
        "sha256": stored.sha256,
        "length": stored.length,
        "locked_until": plain(stored.retain_until),
        "held": stored.held,
    }


def named_objects(connection: Connection) -> list[tuple[str, str, str]]:
    """Return (key, version id, SHA-256) of every object that the catalogue names, in the order of the keys."""
    of_tables = [
        select(table.c.object_key, table.c.version_id, table.c.sha256).where(table.c.version_id.is_not(None))
        for table in (package, copy, log_segment)
    ]
    rows = connection.execute(union_all(*of_tables)).all()
    return sorted((row[0], row[1], row[2]) for row in rows)
