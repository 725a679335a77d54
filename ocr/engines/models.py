"""Digests of the model files an engine reads with: a derivation record names them."""

import hashlib
from functools import cache
from pathlib import Path


def model_digests(folder: Path, *names: str) -> dict[str, str]:
    """Return SHA-256 by model name; a model that is not installed is left out."""
    files = {name: folder / f"{name}.traineddata" for name in names}
    return {name: _digest(file) for name, file in files.items() if file.is_file()}


@cache
def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
