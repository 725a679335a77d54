"""Puts a package into the store once, however often it is tried, and reads it back before anyone relies on it.

The object goes first: a crash after it leaves an object that the next attempt adopts (or `doctor` reports),
whereas a row without its object would be a record that cannot be produced.
"""

from datetime import datetime
from pathlib import Path

from archive import failpoints
from archive.digest import sha256_of_stream
from archive.errors import DigestMismatch, KeyTaken, PackageInvalid
from archive.package.read import open_package
from archive.stores.port import ObjectStore, StoredObject


def put_or_adopt(
    store: ObjectStore,
    key: str,
    body: Path,
    *,
    sha256: str,
    objid: str,
    retain_until: datetime,
    now: datetime,
) -> StoredObject:
    """Store a package under its key, or adopt what an earlier attempt of the same package left there.

    An object found there is adopted only if it carries this OBJID, reserved once for this work, and its
    members match its METS. Otherwise KeyTaken is raised: the number is taken, the caller reserves the next.
    Either way the object is locked at least until retain_until when this returns.
    """
    try:
        stored = store.put(key, body, sha256=sha256, retain_until=retain_until, now=now)
    except KeyTaken:
        stored = store.head(key)
        if not _is_ours(store, stored, objid):
            raise
    failpoints.passing("object-put")
    if stored.retain_until is None or stored.retain_until < retain_until:
        # An adopted object has the lock of the attempt that put it.
        stored = store.extend(key, stored.version_id, retain_until)
    read_back(store, stored)
    return stored


def _is_ours(store: ObjectStore, stored: StoredObject, objid: str) -> bool:
    try:
        with store.read(stored.key, stored.version_id) as stream, open_package(stream) as found:
            found.verify()
            return found.objid == objid
    except PackageInvalid:
        return False


def read_back(store: ObjectStore, stored: StoredObject) -> None:
    """Read a stored version whole and compare it with its digest. Raises DigestMismatch."""
    with store.read(stored.key, stored.version_id) as stream:
        found, length = sha256_of_stream(stream)
    if (found, length) != (stored.sha256, stored.length):
        raise DigestMismatch(stored.key, stored.sha256, found)
