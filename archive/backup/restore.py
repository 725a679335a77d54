"""Restores a backup into an empty database, once backup, vault and keys are seen to belong together.

What the vault got since is done again on top (`archive/rebuild`): nothing acknowledged after the backup is lost.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select

from archive.backup.form import VAULT, Manifest, read_lines, read_manifest, table_file
from archive.database import reading, revision_of, writing
from archive.errors import BackupInvalid
from archive.events import STREAMS
from archive.log.notes import LogKey
from archive.rebuild.columns import row_of
from archive.rebuild.vault import Rebuilt, rebuild_catalogue
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.log import event
from archive.tables.schema import metadata

LOT = 500


def restore_backup(
    engine: Engine,
    store: ObjectStore,
    key: LogKey,
    folder: Path,
    *,
    seal: str,
    at: datetime,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[Manifest, Rebuilt]:
    """Fill a migrated, empty database from a backup and bring it up to the vault; return what was done.

    Raises BackupInvalid naming what does not fit: a file, the schema, the keys, the vault, a database in use;
    LogForked where the vault has another history than the backup.
    """
    manifest = read_manifest(folder)
    _require_fit(engine, key, manifest, seal)
    _require_vault(store, folder)
    with writing(engine) as connection:
        for table in reversed(metadata.sorted_tables):  # what making the database put there, the backup has too
            if table is not event:
                connection.execute(delete(table))
        for table in metadata.sorted_tables:
            _fill(connection, table, read_lines(folder / table_file(table.name)))
    rebuilt = rebuild_catalogue(engine, store, key.verifier, at=at, progress=progress)
    return manifest, rebuilt


def _require_fit(engine: Engine, key: LogKey, manifest: Manifest, seal: str) -> None:
    if manifest.schema != revision_of(engine):
        reason = f"it is of schema {manifest.schema}, this program makes {revision_of(engine)}; use its program"
        raise BackupInvalid("schema", reason)
    if dict(manifest.log_keys) != {stream: key.verifier(stream) for stream in STREAMS}:
        raise BackupInvalid("log.key", "it is not the key of the archive the backup is of")
    if manifest.seal != seal:
        raise BackupInvalid("sealing.json", "it is not the key file of the archive the backup is of")
    with reading(engine) as connection:
        if connection.execute(select(func.count()).select_from(event)).scalar_one():
            raise BackupInvalid("database", "it holds an archive already; restore into an empty one")


def _require_vault(store: ObjectStore, folder: Path) -> None:
    """Compare the vault with what the backup says of it: each object there, the same, locked no less."""
    stored = store.list_versions()
    at = next(stored, None)
    for told in read_lines(folder / VAULT):
        here = (told["key"], told["version"])
        while at is not None and (at.key, at.version_id) < here:
            at = next(stored, None)
        if at is None or (at.key, at.version_id) != here:
            raise BackupInvalid(told["key"], "the vault has it not: it is another vault, or has lost it")
        _require_same(told, at)


def _require_same(told: Mapping[str, Any], stored: StoredObject) -> None:
    if (stored.sha256, stored.length) != (told["sha256"], told["length"]):
        raise BackupInvalid(told["key"], "the vault has other bytes there")
    until = told["locked_until"]
    if until is not None and (stored.retain_until is None or stored.retain_until < datetime.fromisoformat(until)):
        raise BackupInvalid(told["key"], "the vault locks it for less than at the backup")


def _fill(connection: Connection, table: Table, lines: Iterator[dict[str, Any]]) -> None:
    while rows := [row_of(table, line) for line in islice(lines, LOT)]:
        connection.execute(insert(table), rows)
