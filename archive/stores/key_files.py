"""Keys of a store in a folder: two files a role, for their owner only, as settings ending in _FILE want them."""

import os
from contextlib import suppress
from pathlib import Path

from archive.errors import StoreUnavailable
from archive.stores.port import StoreCredentials


class KeyFiles:
    """A folder of `<role>_access_key` and `<role>_secret_key`, made on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, role: str) -> StoreCredentials | None:
        """Return what was written for a role, None if nothing was. Raises StoreUnavailable for half of it."""
        told = [self._read(path) for path in self._paths(role)]
        if told == [None, None]:
            return None
        access_key, secret_key = told
        if not access_key or not secret_key:
            raise StoreUnavailable(f"{self.folder} holds only one of the two keys of the {role}; remove that one")
        return StoreCredentials(access_key, secret_key)

    def write(self, role: str, credentials: StoreCredentials) -> None:
        """Write both keys, each whole or not at all. Raises StoreUnavailable."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            values = (credentials.access_key, credentials.secret_key)
            for path, value in zip(self._paths(role), values, strict=True):
                _write_private(path, value)
        except OSError as error:
            raise StoreUnavailable(f"keys cannot be written to {self.folder}: {error.strerror}") from error

    def _paths(self, role: str) -> tuple[Path, Path]:
        return self.folder / f"{role}_access_key", self.folder / f"{role}_secret_key"

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StoreUnavailable(f"{path} cannot be read: {error}") from error


def _write_private(path: Path, value: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
