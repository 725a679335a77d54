"""Which engines the tests run on: the embedded default, or the real ones of production, switched one by one.

SOHOA_TEST_STACK: `embedded` (default), `production`, or some of `postgres,minio,opensearch`. A home's settings are
made once and kept in a note beside its folder, so that other processes find the same database, buckets and index.
"""

import atexit
import json
import os
from collections.abc import Callable, Set
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Literal
from uuid import uuid4

import minio
from servers import shared
from sqlalchemy import Engine, select, update

from archive.database import migrate, open_engine, writing
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoreCredentials
from archive.tables.copies import copy
from archive.tables.log import checkpoint, log_segment
from archive.tables.packages import package
from ingest.tables import item, work_item
from search_api.index.open import open_index
from search_api.index.port import RecordIndex

Part = Literal["database", "store", "index"]
_ENGINE_OF: dict[str, Part] = {"postgres": "database", "minio": "store", "opensearch": "index"}
STACK = os.environ.get("SOHOA_TEST_STACK") or "embedded"


def _switched() -> frozenset[Part]:
    if STACK == "embedded":
        return frozenset()
    names = set(_ENGINE_OF) if STACK == "production" else set(STACK.split(","))
    if unknown := sorted(names - set(_ENGINE_OF)):
        raise ValueError(f"SOHOA_TEST_STACK knows no {unknown[0]!r}: {', '.join(_ENGINE_OF)}")
    return frozenset(_ENGINE_OF[name] for name in names)


SWITCHED = _switched()
_opened: list[Engine] = []
_NAMING = (package, copy, item, work_item, log_segment, checkpoint)  # tables that name objects by version


def put_on_servers(folder: Path, *parts: Part) -> None:
    """Give the home that will be made in a folder these parts of production, whatever the stack."""
    _made(folder, frozenset(parts), migrated=True)


def environment_for(folder: Path) -> dict[str, str]:
    """Return the settings of the home in a folder: {} for embedded parts only, else servers' parts of its own."""
    return _settings(folder, SWITCHED)


def engine_url(folder: Path) -> str:
    """Return the address of the catalogue of the home in a folder."""
    return _settings(folder, {"database"}).get("ARCHIVE_DATABASE_URL", f"sqlite:///{folder}/archive.db")


def new_engine(folder: Path) -> Engine:
    """Open the catalogue of the home in a folder, migrated."""
    _settings(folder, {"database"}, migrated=True)
    engine = known_engine(folder)
    migrate(engine)
    return engine


def known_engine(folder: Path) -> Engine:
    """Open the catalogue of the home in a folder as it is."""
    engine = open_engine(engine_url(folder))
    _opened.append(engine)
    return engine


def let_go() -> None:
    """Close the connections to servers that no test is using: a whole run would use them up."""
    for engine in _opened:
        if engine.dialect.name == "postgresql":
            engine.dispose()


def new_postgres(*, migrated: bool = True) -> str:
    """Return the address of a new PostgreSQL database, whatever the stack: for tests about PostgreSQL itself."""
    return shared.postgres().url(_new_database(like=_migrated() if migrated else None))


def new_store(folder: Path) -> ObjectStore:
    """Open the archive store of the home in a folder."""
    return _open(folder, "ARCHIVE_STORE", (folder / "objects").as_uri())


def staging_url(folder: Path) -> str:
    """Return the address of the staging store of the home in a folder."""
    return _settings(folder, {"store"}).get("INGEST_STAGING_URL", (folder / "staging").as_uri())


def new_staging(folder: Path) -> ObjectStore:
    """Open the staging store of the home in a folder."""
    return _open(folder, "INGEST_STAGING", (folder / "staging").as_uri())


def new_index(folder: Path) -> RecordIndex:
    """Open the record index of the home in a folder."""
    return open_index(_settings(folder, {"index"}).get("SEARCH_INDEX_URL", f"sqlite:///{folder}/index.db"))


def copy_parts(folder: Path, twin: Path) -> None:
    """Give a folder that was copied a database and stores of its own, equal to those of the first.

    An object gets another version id in another bucket: the twin's rows name the new one. The index of an engine
    begins empty: it is a projection.
    """
    if "database" in SWITCHED:
        like = engine_url(folder).rpartition("/")[2]
        _remember(twin, {"ARCHIVE_DATABASE_URL": shared.postgres().url(_copied_database(like))})
    _settings(twin, SWITCHED)
    if "store" in SWITCHED:
        versions = _copied_objects(new_store(folder), new_store(twin), twin)
        versions |= _copied_objects(new_staging(folder), new_staging(twin), twin)
        _rename_versions(open_engine(engine_url(twin)), versions)


def _note(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.stack.json"


def _known(folder: Path) -> dict[str, str]:
    note = _note(folder)
    known: dict[str, str] = json.loads(note.read_text()) if note.exists() else {}
    return known


def _settings(folder: Path, parts: Set[Part], *, migrated: bool = False) -> dict[str, str]:
    """Return the settings of a home, switched parts that it lacks made now."""
    return _made(folder, parts & SWITCHED, migrated=migrated)


def _made(folder: Path, parts: Set[Part], *, migrated: bool) -> dict[str, str]:
    """Return the settings of a home, parts that it lacks made now. migrated: begin with a database that is."""
    settings = before = _known(folder)
    for part in sorted(parts):
        if _SETTING_OF[part] not in settings:
            settings = settings | _MAKERS[part](migrated)
    if settings != before:
        _remember(folder, settings)
    return settings


def _remember(folder: Path, settings: dict[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _note(folder).write_text(json.dumps(settings))


def _open(folder: Path, name: str, default: str) -> ObjectStore:
    settings = _settings(folder, {"store"})
    url = settings.get(f"{name}_URL", default)
    if not url.startswith("s3:"):
        return open_store(url)
    keys = StoreCredentials(settings[f"{name}_ACCESS_KEY"], settings[f"{name}_SECRET_KEY"])
    return open_store(url, keys)


def _new_database(*, like: str | None = None) -> str:
    name = shared.postgres().new_database(like=like)
    atexit.register(_drop, name)
    return name


def _drop(name: str) -> None:
    with suppress(CalledProcessError):  # the servers may have been stopped meanwhile, and everything with them
        shared.postgres().drop(name)


@cache
def _migrated() -> str:
    """Return a migrated database that nobody is connected to, to be copied."""
    name = _new_database()
    engine = open_engine(shared.postgres().url(name))
    migrate(engine)
    engine.dispose()
    return name


def _copied_database(name: str) -> str:
    others = f"datname = '{name}' AND pid <> pg_backend_pid()"
    shared.postgres().execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    return _new_database(like=name)


def _new_catalogue(migrated: bool) -> dict[str, str]:
    return {"ARCHIVE_DATABASE_URL": new_postgres(migrated=migrated)}


def _new_buckets(_: bool) -> dict[str, str]:
    server, name = shared.minio(), f"t-{uuid4().hex[:16]}"
    client = minio.Minio(
        server.endpoint.removeprefix("http://"), access_key=server.user, secret_key=server.password, secure=False
    )
    client.make_bucket(name, object_lock=True)
    client.make_bucket(f"{name}-staging")
    keys = {"ACCESS_KEY": server.user, "SECRET_KEY": server.password}
    return {
        "ARCHIVE_STORE_URL": f"s3://{name}?endpoint={server.endpoint}&lock=compliance",
        "INGEST_STAGING_URL": f"s3://{name}-staging?endpoint={server.endpoint}&lock=none",
        **{f"ARCHIVE_STORE_{key}": value for key, value in keys.items()},
        **{f"INGEST_STAGING_{key}": value for key, value in keys.items()},
    }


def _new_prefix(_: bool) -> dict[str, str]:
    server, prefix = shared.opensearch(), f"t-{uuid4().hex[:16]}"
    atexit.register(_forget, prefix)
    address = server.endpoint.removeprefix("http://")
    return {"SEARCH_INDEX_URL": f"opensearch://{address}/{prefix}?tls=off"}


def _forget(prefix: str) -> None:
    with suppress(OSError):
        shared.opensearch().ask("DELETE", f"/{prefix}*")


_SETTING_OF: dict[Part, str] = {
    "database": "ARCHIVE_DATABASE_URL",
    "store": "ARCHIVE_STORE_URL",
    "index": "SEARCH_INDEX_URL",
}
_MAKERS: dict[Part, Callable[[bool], dict[str, str]]] = {
    "database": _new_catalogue,
    "store": _new_buckets,
    "index": _new_prefix,
}


def _copied_objects(source: ObjectStore, target: ObjectStore, scratch: Path) -> dict[str, str]:
    """Copy every object with its lock and hold; return the new version id of each old one."""
    renamed = {}
    path = scratch / "object-in-copy"
    for stored in source.list_versions():
        with source.read(stored.key, stored.version_id) as stream:
            path.write_bytes(stream.read())
        put = target.put(
            stored.key, path, sha256=stored.sha256, retain_until=stored.retain_until, now=stored.stored_at
        )
        if stored.held:
            target.set_hold(put.key, put.version_id, held=True)
        renamed[stored.version_id] = put.version_id
    path.unlink(missing_ok=True)
    return renamed


def _rename_versions(engine: Engine, renamed: dict[str, str]) -> None:
    """Write new version ids wherever rows of the catalogue name old ones."""
    with writing(engine) as connection:
        for table in _NAMING:
            for name in set(table.columns.keys()) & {"version_id", "staging_version", "frozen"}:
                known = [*table.primary_key.columns, table.c[name]]
                for *key, old in connection.execute(select(*known)).all():
                    new = _renamed(old, renamed)
                    if new != old:
                        here = [column == value for column, value in zip(known, key, strict=False)]
                        connection.execute(update(table).where(*here).values({name: new}))
    engine.dispose()


def _renamed(value: Any, renamed: dict[str, str]) -> Any:
    """Return a value of a row, or a JSON one, with new version ids in place of old ones."""
    if isinstance(value, dict):
        return {name: _renamed(inner, renamed) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, renamed) for inner in value]
    return renamed.get(value, value) if isinstance(value, str) else value
