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
    if settings.restricted_store_url is None:
        return SeparatedStore(store, None)
    return SeparatedStore(store, lambda: watch(restricted_store(settings, make=False), "restricted"))


def restricted_store(settings: HomeSettings, *, make: bool) -> ObjectStore:
    """Open the store of levels 3-4, which is set. make: a folder that is not there. Raises StoreUnavailable."""
    url = settings.restricted_store_url
    assert url is not None
    return open_store(url, settings.secrets.restricted_store, setting=RESTRICTED, make=make)


def require_places_apart(settings: HomeSettings) -> None:
    """Refuse settings by which levels 3-4 would lie among others. Raises StoresNotApart, UnknownUrl."""
    if settings.restricted_store_url is None:
        return
    restricted = NamedUrl(RESTRICTED, settings.restricted_store_url)
    require_apart(restricted, NamedUrl(OPEN, settings.store_url))
    require_apart(restricted, NamedUrl(STAGING, settings.ingest.staging_url))


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
