"""What a worker has at hand: the catalogue, both stores, the jailed reader, the keys and the rules."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from archive.digest import sha256_of_file
from archive.errors import DigestMismatch
from archive.failpoints import Failpoints
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.signers.port import Signer
from archive.stores.port import ObjectStore
from ingest.settings import IngestSettings
from ocr.reader import Reader
from retention.schedule import Rule


@dataclass(frozen=True, slots=True)
class Desk:
    """One worker's surroundings. scratch is its own folder, emptied after every item."""

    engine: Engine
    store: ObjectStore
    staging: ObjectStore
    reader: Reader
    signer: Signer
    seal: Seal
    rules: tuple[Rule, ...]
    settings: IngestSettings
    principal: PrincipalId
    scratch: Path
    failpoints: Failpoints
    now: Callable[[], datetime]


def fetch(store: ObjectStore, key: str, version_id: str, target: Path, *, sha256: str) -> Path:
    """Copy a stored version to scratch and check its digest. Raises DigestMismatch."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with store.read(key, version_id) as stream, target.open("wb") as out:
        while chunk := stream.read(1 << 20):
            out.write(chunk)
    found, _ = sha256_of_file(target)
    if found != sha256:
        raise DigestMismatch(key, sha256, found)
    return target
