"""Reads one stored version whole and says ok, bad or unchecked; the three are never mixed."""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import BinaryIO, Literal

from archive.digest import CHUNK
from archive.errors import ObjectDamaged, ObjectNotFound, StoreLies, StoreUnavailable
from archive.stores.port import ObjectStore, StoredObject

Verdict = Literal["ok", "bad", "unchecked"]


@dataclass(frozen=True, slots=True)
class Found:
    """What reading showed. sha256: of the bytes as read, None if not all could be; length: bytes read; reason: a
    sentence for bad and unchecked; stored: what the store says of it, where it says anything."""

    verdict: Verdict
    sha256: str | None = None
    length: int = 0
    reason: str | None = None
    stored: StoredObject | None = None


def examine(
    store: ObjectStore,
    key: str,
    version_id: str,
    *,
    sha256: str,
    length: int | None,
    into: Path | None = None,
) -> Found:
    """Read a version and compare it with the digest recorded for it.

    ok: read whole, and right. bad: the store is there, and the version is missing, cannot be read whole, or is
    other bytes. unchecked: the store does not answer, which says nothing of the object. into: a file that gets the
    bytes; it is there afterwards only if they are ok.
    """
    stored, read = None, 0
    try:
        stored = store.head(key, version_id)
        with store.read(key, version_id) as stream:
            found, read = _hashed(stream, into)
    except ObjectNotFound:
        verdict = Found("bad", reason="it is not there", stored=stored)
    except ObjectDamaged as error:
        verdict = Found("bad", reason=str(error), stored=stored)
    except (StoreUnavailable, StoreLies) as error:
        verdict = Found("unchecked", reason=str(error), stored=stored)
    else:
        if found != sha256 or length not in (None, read):
            verdict = Found("bad", found, read, "its bytes are not those that were stored", stored)
        elif stored.sha256 != sha256:
            told = "the store names another digest for it than the catalogue"
            verdict = Found("bad", found, read, told, stored)
        else:
            verdict = Found("ok", found, read, None, stored)
    if into is not None and verdict.verdict != "ok":
        with suppress(FileNotFoundError):
            into.unlink()
    return verdict


def _hashed(stream: BinaryIO, into: Path | None) -> tuple[str, int]:
    digest, length = new_sha256(), 0
    if into is not None:
        with into.open("wb") as target:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
                length += len(chunk)
        return digest.hexdigest(), length
    buffer = memoryview(bytearray(CHUNK))
    while count := stream.readinto(buffer):  # type: ignore[attr-defined]  # every binary stream of ours has it
        digest.update(buffer[:count])
        length += count
    return digest.hexdigest(), length
