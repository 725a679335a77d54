"""What a disk may refuse, in three words, however it is told: full, read-only, or failing.

Told by the system's number of an error or by a database's own code, never by the words of a message.
"""

import errno
import sqlite3
from typing import Literal

from archive.errors import (
    CatalogueBusy,
    CatalogueDiskFault,
    CatalogueFull,
    CatalogueReadOnly,
    StoreDiskFault,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

Fault = Literal["full", "read-only", "io-error"]

_OF_NUMBER: dict[int, Fault] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
    errno.EIO: "io-error",
}
_OF_STORE: dict[Fault, type[StoreFull | StoreReadOnly | StoreDiskFault]] = {
    "full": StoreFull,
    "read-only": StoreReadOnly,
    "io-error": StoreDiskFault,
}
_OF_CATALOGUE: dict[Fault, type[CatalogueBusy]] = {
    "full": CatalogueFull,
    "read-only": CatalogueReadOnly,
    "io-error": CatalogueDiskFault,
}
_OF_SQLITE: dict[int, Fault] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_IOERR: "io-error",
}
# Of PostgreSQL: disk_full, read_only_sql_transaction, io_error.
_OF_SQLSTATE: dict[str, Fault] = {"53100": "full", "25006": "read-only", "58030": "io-error"}


def fault_of(error: OSError) -> Fault | None:
    """Return what a failed write says of the disk; None if it says nothing of it."""
    return _OF_NUMBER.get(error.errno or 0)


def store_refuses(fault: Fault | None, reason: str, place: str) -> StoreUnavailable:
    """Return the error of a store that could not be written. place: its folder or bucket."""
    if fault is None:
        return StoreUnavailable(reason)
    return _OF_STORE[fault](reason, place)


def catalogue_refuses(error: Exception, reason: str) -> CatalogueBusy | None:
    """Return the error of a catalogue that could not be written, from what its driver raised, or None."""
    fault: Fault | None = None
    if isinstance(error, sqlite3.Error):
        fault = _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    elif (state := getattr(error, "sqlstate", None)) is not None:
        fault = _OF_SQLSTATE.get(state)
    return _OF_CATALOGUE[fault](reason) if fault is not None else None
