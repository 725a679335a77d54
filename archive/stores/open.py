"""Which object store a URL names."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.errors import UnknownUrl
from archive.stores.file import FileStore
from archive.stores.memory import MemoryStore
from archive.stores.port import ObjectStore, StoreCredentials

SETTING = "ARCHIVE_STORE_URL"
_NAME = re.compile(r"[a-z0-9-]*")
_in_memory: dict[str, MemoryStore] = {}


def open_store(url: str, credentials: StoreCredentials | None = None) -> ObjectStore:
    """Return the store a URL names: `file:///folder`, or `memory:name`, the same one for the whole process.

    A folder that is not there is made, durably, readable by its owner only. Raises UnknownUrl, or
    StoreUnavailable if the folder cannot be a store.
    """
    parts = urlsplit(url)
    folder = unquote(parts.path)
    if "?" in url or "#" in url or parts.netloc:
        raise UnknownUrl(SETTING, url)
    if parts.scheme == "memory" and _NAME.fullmatch(folder):
        return _in_memory.setdefault(folder, MemoryStore())
    if parts.scheme == "file" and url.startswith("file:///") and folder.strip("/") and "\0" not in folder:
        return FileStore(Path(folder))
    raise UnknownUrl(SETTING, url)
