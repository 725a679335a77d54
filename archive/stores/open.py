"""Which object store a URL names."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.errors import StoreUnavailable, UnknownUrl
from archive.stores.file import FileStore
from archive.stores.file_layout import MARKER, translated
from archive.stores.memory import MemoryStore
from archive.stores.port import ObjectStore, StoreCredentials

SETTING = "ARCHIVE_STORE_URL"
_NAME = re.compile(r"[a-z0-9-]*")
_in_memory: dict[str, MemoryStore] = {}


def open_store(
    url: str, credentials: StoreCredentials | None = None, *, setting: str = SETTING, make: bool = True
) -> ObjectStore:
    """Return the store a URL names: `file:///folder`, `memory:name`, the same one for the whole process, or
    `s3://bucket?endpoint=http(s)://host:port`, with `lock=compliance` (as without it) or `none`, region, ca.

    setting: whose URL it is. make: a folder that is not there is made, durably, readable by its owner only;
    without it one that is no store may be a disk that is not mounted, and is StoreUnavailable. A bucket is not
    asked for anything yet. Raises UnknownUrl, or StoreUnavailable if the folder cannot be a store or a bucket's
    keys are missing.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return _open_bucket(url, credentials, setting)
    folder = unquote(parts.path)
    if "?" in url or "#" in url or parts.netloc:
        raise UnknownUrl(setting, url)
    if parts.scheme == "memory" and _NAME.fullmatch(folder):
        return _in_memory.setdefault(folder, MemoryStore())
    if parts.scheme == "file" and url.startswith("file:///") and folder.strip("/") and "\0" not in folder:
        if not make:
            _require_there(Path(folder))
        return FileStore(Path(folder))
    raise UnknownUrl(setting, url)


def _require_there(folder: Path) -> None:
    with translated(folder):
        there = (folder / MARKER).exists()
    if not there:
        raise StoreUnavailable(f"{folder}: no store is there; mount it, or make it with `sohoa init`")


def _open_bucket(url: str, credentials: StoreCredentials | None, setting: str) -> ObjectStore:
    from archive.stores.s3 import S3Store  # its library is loaded where there is a bucket
    from archive.stores.s3_requests import line_to
    from archive.stores.s3_url import read_bucket_url

    where = read_bucket_url(setting, url)
    if credentials is None:
        raise StoreUnavailable(f"bucket {where.bucket} needs an access key and a secret key in the settings")
    return S3Store(line_to(where, credentials), locked=where.locked)
