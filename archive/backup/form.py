"""The files of a backup: rows, one file a table; the vault's objects; a manifest with the digest of each file."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.digest import sha256_of_file
from archive.errors import BackupInvalid

FORMAT = "sohoa-backup/1"
MANIFEST = "manifest.json"
VAULT = "vault.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of. files: SHA-256 of each file by name. log: signed checkpoint of each stream, as text.

    schema: revision of the database. log_keys: the public keys that the checkpoints verify with. seal: the
    fingerprint of the sealing keys, which are kept apart.
    """

    made_at: str
    schema: str
    files: Mapping[str, str]
    rows: Mapping[str, int]
    objects: int
    log: Mapping[str, str]
    log_keys: Mapping[str, str]
    seal: str
    format: str = FORMAT


def table_file(name: str) -> str:
    """Return the file a table's rows are in."""
    return f"tables/{name}.jsonl.gz"


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> tuple[str, int]:
    """Write JSON lines, packed, durably; return the file's SHA-256 and how many lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed:
            for line in lines:
                packed.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                count += 1
        raw.flush()
        os.fsync(raw.fileno())
    return sha256_of_file(path)[0], count


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of such a file. Raises BackupInvalid."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as packed:
            for line in packed:
                yield json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise BackupInvalid(path.name, "it cannot be read whole") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, last of all: a backup without one is none."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1, sort_keys=True)
    with (folder / MANIFEST).open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def read_manifest(folder: Path) -> Manifest:
    """Return a backup's manifest, every file compared with it. Raises BackupInvalid."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**told)
    except (OSError, ValueError, TypeError) as error:
        raise BackupInvalid(MANIFEST, "it is missing or cannot be read") from error
    if manifest.format != FORMAT:
        raise BackupInvalid(MANIFEST, f"its format is {manifest.format}, this program reads {FORMAT}")
    for name, sha256 in manifest.files.items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path)[0] != sha256:
            raise BackupInvalid(name, "it is missing or was changed")
    return manifest


def fingerprint(secret: bytes) -> str:
    """Return what tells two key files apart and says nothing of the keys."""
    return hashlib.sha256(b"sohoa key file\0" + secret).hexdigest()[:32]
