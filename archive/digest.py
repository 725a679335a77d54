"""SHA-256 of bytes and files, as lowercase hex: the only digest that leaves this package."""

import hashlib
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20  # bytes read at a time; keeps memory flat whatever the file's size


def sha256_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of data, lowercase hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_stream(stream: BinaryIO) -> tuple[str, int]:
    """Read a stream to its end; return (SHA-256 lowercase hex, length in bytes)."""
    digest = hashlib.sha256()
    length = 0
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        length += len(chunk)
    return digest.hexdigest(), length


def sha256_of_file(path: Path) -> tuple[str, int]:
    """Return (SHA-256 lowercase hex, length in bytes) of a file."""
    with path.open("rb") as stream:
        return sha256_of_stream(stream)
