"""Reading for whoever hands bytes out: from the first store, or from the second where the first has none that are
right; what is found bad on the way is written down and told in the log."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, TypeVar

from sqlalchemy import Engine, select

from archive.database import reading, writing
from archive.digest import sha256_of_stream
from archive.errors import (
    ArchiveError,
    DigestMismatch,
    ObjectDamaged,
    ObjectNotFound,
    PackageInvalid,
    RestrictedStoreUnset,
    StoreUnavailable,
)
from archive.fixity.examine import examine
from archive.fixity.named import named_by_key
from archive.fixity.register import Side, replica_version, report_bad
from archive.record import PrincipalId
from archive.stores.port import ObjectStore
from archive.stores.separated import replica_of
from archive.tables.packages import fixity_check

T = TypeVar("T")
_DAMAGE = (DigestMismatch, PackageInvalid, ObjectNotFound, ObjectDamaged)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to be read, by whom and when: what is found bad is reported in their name."""

    key: str
    version_id: str
    sha256: str
    principal: PrincipalId
    at: datetime


def from_good_copy(engine: Engine, store: ObjectStore, wanted: Wanted, use: Callable[[BinaryIO], T]) -> T:
    """Return what `use` makes of an object's bytes, of the second copy if it refuses the first.

    use raises DigestMismatch or PackageInvalid for bytes that are not right, before anything left. Raises what the
    first store's bytes raised, where there is no good second copy.
    """
    try:
        with store.read(wanted.key, wanted.version_id) as stream:
            return use(stream)
    except (*_DAMAGE, StoreUnavailable) as error:
        second = _second(engine, store, wanted, error)
        if second is None:
            raise
        replica, version = second
        try:
            with replica.read(wanted.key, version) as stream:
                return use(stream)
        except (*_DAMAGE, StoreUnavailable):
            _report(engine, replica, wanted, "replica", version)
            raise error from None


@contextmanager
def opened_good(engine: Engine, store: ObjectStore, wanted: Wanted, *, whole: bool = True) -> Iterator[BinaryIO]:
    """Open an object for reading, seekable, from a store that has it right.

    whole: it is read once to its end first, and has the recorded digest; without it, who reads it checks what it
    takes, and the second copy is opened where the first cannot be or is known to be bad. Raises as
    `from_good_copy`.
    """
    with ExitStack() as stack:
        try:
            if not whole and _is_known_bad(engine, wanted):
                whole = True
            stream = _open(stack, store, wanted, wanted.version_id, whole=whole)
        except (*_DAMAGE, StoreUnavailable) as error:
            second = _second(engine, store, wanted, error)
            if second is None:
                raise
            try:
                stream = _open(stack, second[0], wanted, second[1], whole=True)
            except (*_DAMAGE, StoreUnavailable):
                _report(engine, second[0], wanted, "replica", second[1])
                raise error from None
        yield stream


@contextmanager
def damage_reported(engine: Engine, store: ObjectStore, wanted: Wanted) -> Iterator[None]:
    """Write down what a reader inside finds wrong with the first copy."""
    try:
        yield
    except _DAMAGE:
        _report(engine, store, wanted, "primary", wanted.version_id)
        raise


def _is_known_bad(engine: Engine, wanted: Wanted) -> bool:
    where = (fixity_check.c.store == "primary", fixity_check.c.object_key == wanted.key)
    query = select(fixity_check.c.id).where(
        *where, fixity_check.c.version_id == wanted.version_id, fixity_check.c.verdict == "bad"
    )
    with reading(engine) as connection:
        return connection.execute(query).first() is not None


def _open(stack: ExitStack, store: ObjectStore, wanted: Wanted, version: str, *, whole: bool) -> BinaryIO:
    with ExitStack() as trial:
        stream = trial.enter_context(store.read(wanted.key, version))
        if whole:
            require_digest(stream, wanted)
        stack.push(trial.pop_all())
    return stream


def require_digest(stream: BinaryIO, wanted: Wanted) -> None:
    """Read a stream whole, compare it with the recorded digest and go back to its beginning.

    Raises DigestMismatch.
    """
    found, _ = sha256_of_stream(stream)
    if found != wanted.sha256:
        raise DigestMismatch(wanted.key, wanted.sha256, found)
    stream.seek(0)


def _second(
    engine: Engine, store: ObjectStore, wanted: Wanted, error: ArchiveError
) -> tuple[ObjectStore, str] | None:
    """Report what is wrong with the first copy and return where the second is, None without one."""
    if isinstance(error, _DAMAGE):
        _report(engine, store, wanted, "primary", wanted.version_id)
    if isinstance(error, RestrictedStoreUnset):
        return None
    try:
        replica = replica_of(store)
    except StoreUnavailable:
        return None
    if replica is None:
        return None
    with reading(engine) as connection:
        version = replica_version(connection, wanted.key)
    return None if version is None else (replica, version)


def _report(engine: Engine, store: ObjectStore, wanted: Wanted, side: Side, version: str) -> None:
    """Look once more, alone: what is bad then is written down; what the reader's own doing was is not."""
    with reading(engine) as connection:
        named = named_by_key(connection, [wanted.key]).get(wanted.key)
    if named is None or (side == "primary" and named.version_id != version):
        return
    found = examine(store, named.key, version, sha256=named.sha256, length=named.length)
    if found.verdict == "bad":
        with writing(engine) as connection:
            report_bad(connection, side, named, version, found, at=wanted.at, principal=wanted.principal)
