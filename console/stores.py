"""The archive's stores as the settings name them: one, or two of which one holds sensitivity levels 3-4 alone."""

from collections.abc import Callable

from sqlalchemy import Engine, func, select

from archive.database import reading
from archive.errors import RestrictedStoreUnset
from archive.keys import is_restricted
from archive.stores.open import open_store
from archive.stores.places import NamedUrl, require_apart
from archive.stores.port import ObjectStore
from archive.stores.separated import SeparatedStore
from archive.tables.copies import copy
from archive.tables.packages import package
from console.settings import HomeSettings

OPEN, RESTRICTED, STAGING = "ARCHIVE_STORE_URL", "ARCHIVE_RESTRICTED_STORE_URL", "INGEST_STAGING_URL"

REPLICA, RESTRICTED_REPLICA = "ARCHIVE_REPLICA_URL", "ARCHIVE_RESTRICTED_REPLICA_URL"

Watch = Callable[[ObjectStore, str], ObjectStore]  # a store and its name in the figures


def as_it_is(store: ObjectStore, _name: str) -> ObjectStore:
    """Watch nothing."""
    return store


def archive_store(settings: HomeSettings, *, watch: Watch = as_it_is) -> SeparatedStore:
    """Open the archive's store; a restricted one is opened when it is needed, so that it alone may be away.

    Raises StoresNotApart, UnknownUrl, StoreUnavailable.
    """
    require_places_apart(settings)
    store = watch(open_store(settings.store_url, settings.secrets.store), "archive")
    replica = None if settings.replica_url is None else (lambda: _replica(settings, watch, make=False))
    if settings.restricted_store_url is None:
        return SeparatedStore(store, None, replica=replica)
    return SeparatedStore(
        store, lambda: watch(restricted_store(settings, make=False), "restricted"), replica=replica
    )


def make_replica(settings: HomeSettings) -> None:
    """Make the store of second copies where one is named, as folders: a disk that is not mounted is none."""
    if settings.replica_url is not None:
        next(_replica(settings, as_it_is, make=True).list_versions("log/"), None)


def _replica(settings: HomeSettings, watch: Watch, *, make: bool) -> SeparatedStore:
    """Open the store of second copies; its levels 3-4 lie apart too, or nowhere."""
    url, apart = settings.replica_url, settings.restricted_replica_url
    assert url is not None
    secrets = settings.secrets
    plain = watch(open_store(url, secrets.replica, setting=REPLICA, make=make), "replica")
    if apart is None:
        return SeparatedStore(plain, None)

    def restricted() -> ObjectStore:
        opened = open_store(apart, secrets.restricted_replica, setting=RESTRICTED_REPLICA, make=make)
        return watch(opened, "restricted-replica")

    if make:
        restricted()
    return SeparatedStore(plain, restricted)


def restricted_store(settings: HomeSettings, *, make: bool) -> ObjectStore:
    """Open the store of levels 3-4, which is set. make: a folder that is not there. Raises StoreUnavailable."""
    url = settings.restricted_store_url
    assert url is not None
    return open_store(url, settings.secrets.restricted_store, setting=RESTRICTED, make=make)


def require_places_apart(settings: HomeSettings) -> None:
    """Refuse settings by which levels 3-4 would lie among others, or second copies beside the first.

    Raises StoresNotApart, UnknownUrl.
    """
    plain = [NamedUrl(OPEN, settings.store_url), NamedUrl(STAGING, settings.ingest.staging_url)]
    if settings.replica_url is not None:
        replica = NamedUrl(REPLICA, settings.replica_url)
        for other in plain:
            require_apart(replica, other)
        plain.append(replica)
    for setting, url in (
        (RESTRICTED, settings.restricted_store_url),
        (RESTRICTED_REPLICA, settings.restricted_replica_url),
    ):
        if url is not None:
            for other in plain:
                require_apart(NamedUrl(setting, url), other)
            plain.append(NamedUrl(setting, url))


def require_restricted_set(engine: Engine, settings: HomeSettings) -> None:
    """Refuse to work without the restricted store where the catalogue names objects in it.

    Without it they would be told as missing, and the next of their kind would go among levels 1-2. Raises
    RestrictedStoreUnset.
    """
    if settings.restricted_store_url is not None:
        return
    with reading(engine) as connection:
        # `restricted/` sorts behind `copies/` and `packages/` in any order of letters, so the last key of an index
        # tells whether there is one.
        for column in (package.c.object_key, copy.c.object_key):
            last = connection.execute(select(func.max(column))).scalar_one()
            if last is not None and is_restricted(last):
                raise RestrictedStoreUnset(last)
