"""What a worker has at hand: the catalogue, both stores, the jailed reader, the keys and the rules."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row

from archive.digest import sha256_of_file
from archive.errors import DigestMismatch
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.signers.port import Signer
from archive.stores.port import ObjectStore
from ingest import timings
from ingest.bell import Bell
from ingest.settings import IngestSettings
from ocr.page import FileProbe
from ocr.reader import Reader
from retention.schedule import Rule


@dataclass(frozen=True, slots=True)
class Desk:
    """One worker's surroundings.

    scratch: its own folder, emptied after every item. bell: rung for work it puts on the list itself.
    """

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
    now: Callable[[], datetime]
    bell: Bell

    def close(self) -> None:
        """Leave no process, no line and no file of the desk behind."""
        self.reader.close()
        self.bell.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def open_received(desk: Desk, subject: Row[Any], workplace: Path) -> tuple[Path, FileProbe]:
    """Fetch an item's received file from staging and look into it; return where it lies and what it is.

    Raises DigestMismatch, and an InputRejected.
    """
    with timings.stage("fetch"):
        received = fetch(
            desk.staging,
            subject.staging_key,
            subject.staging_version,
            workplace / "received",
            sha256=subject.sha256,
        )
    with timings.stage("probe"):
        return received, desk.reader.probe(received)


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
