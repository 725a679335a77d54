"""Rot: bytes of stored objects changed behind the store's back, as a disk, a person or a bad copy would."""

import shutil
from collections.abc import Callable
from pathlib import Path

from servers import shared

from archive.stores.file import FileStore
from archive.stores.memory import MemoryStore
from archive.stores.port import ObjectStore
from archive.stores.s3 import S3Store
from archive.stores.separated import SeparatedStore

Change = Callable[[bytes], bytes]


def inner(store: ObjectStore) -> ObjectStore:
    """Return the plain store below."""
    return inner(store._open) if isinstance(store, SeparatedStore) else store


def _rewrite(path: Path, change: Change) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(change(data))


def folder_of(store: ObjectStore, key: str) -> Path:
    """Return the folder of an object in a file store."""
    plain = inner(store)
    assert isinstance(plain, FileStore)
    return plain._root / key


def spoil(store: ObjectStore, key: str, change: Change) -> None:
    """Change an object's bytes in place."""
    plain = inner(store)
    if isinstance(plain, MemoryStore):
        stored, data = plain._objects[key]
        plain._objects[key] = (stored, change(data))
    elif isinstance(plain, FileStore):
        _rewrite(plain._root / key / "object", change)
    else:
        assert isinstance(plain, S3Store)
        (part,) = (shared.minio().folder / "data" / plain.line.bucket / key).glob("*/part.1")
        _rewrite(part, change)


def lose(store: ObjectStore, key: str) -> None:
    """Take an object away, whatever lock it has."""
    plain = inner(store)
    if isinstance(plain, MemoryStore):
        del plain._objects[key]
    elif isinstance(plain, FileStore):
        shutil.rmtree(plain._root / key)
    else:
        assert isinstance(plain, S3Store)
        shutil.rmtree(shared.minio().folder / "data" / plain.line.bucket / key)


def swap(store: ObjectStore, one: str, other: str) -> None:
    """Let two objects' bytes change places."""
    plain = inner(store)
    if isinstance(plain, MemoryStore):
        (a, x), (b, y) = plain._objects[one], plain._objects[other]
        plain._objects[one], plain._objects[other] = (a, y), (b, x)
        return
    assert isinstance(plain, FileStore)
    first, second, aside = plain._root / one / "object", plain._root / other / "object", plain._root / "aside"
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
