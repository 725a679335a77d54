"""Finds the files of a folder that are whole, and never follows a path out of it.

A file is picked up when it has lain unchanged long enough and its bytes hash the same while its size and
time stay put; the user's folder itself is never changed.
"""

import os
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archive.digest import sha256_of_file
from ingest.errors import FileUnreadable, StillBeingWritten

SCAN_SUFFIXES = frozenset({".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".png"})
SCAN_MAGIC = (b"%PDF-", b"II*\x00", b"MM\x00*", b"\xff\xd8\xff", b"\0\0\0\x0cjP  ", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file in the folder. name: path below it as found; key: its NFC form, to match a row."""

    path: Path
    name: str
    key: str


def comparison_key(name: str) -> str:
    """Return the form in which a manifest's name and a file's name are compared."""
    return unicodedata.normalize("NFC", name.replace("\\", "/")).strip()


def printable(name: str) -> str:
    """Return a file name that can be stored and shown: undecodable bytes as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown(text: str) -> str:
    """Return text of a stranger's making fit for a terminal or a page: what does not print becomes �."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def files_of(folder: Path) -> Iterator[FoundFile]:
    """Yield the regular files below a folder in name order; links and hidden files are left alone."""
    for top, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = Path(top) / name
            if name.startswith(".") or not stat.S_ISREG(path.lstat().st_mode):
                continue
            below = printable(str(path.relative_to(folder)))
            yield FoundFile(path, below, comparison_key(below))


def looks_like_scan(path: Path) -> bool:
    """Whether a file nobody declared claims to be a scan, by its name or its first bytes."""
    if path.suffix.lower() in SCAN_SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(8).startswith(SCAN_MAGIC)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that held still while it was hashed."""

    sha256: str
    length: int
    modified_at: datetime


def settle(
    path: Path,
    *,
    settle_seconds: float,
    patience_seconds: float,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> WholeFile:
    """Wait until a file has been unchanged for settle_seconds, then hash it.

    Raises StillBeingWritten, or FileUnreadable.
    """
    try:
        return _settle(path, settle_seconds, patience_seconds, pause, clock)
    except OSError as error:
        raise FileUnreadable(printable(path.name), error.strerror or type(error).__name__) from error


def _settle(
    path: Path,
    settle_seconds: float,
    patience_seconds: float,
    pause: Callable[[float], None],
    clock: Callable[[], float],
) -> WholeFile:
    waited = 0.0
    while True:
        before = path.stat()
        age = clock() - before.st_mtime
        # A time in the future (a camera's clock) says nothing; the hash between two stats still does.
        if age >= settle_seconds or age < 0:
            sha256, length = sha256_of_file(path)
            after = path.stat()
            unchanged = before.st_mtime_ns == after.st_mtime_ns
            if unchanged and before.st_size == after.st_size == length:
                return WholeFile(sha256, length, datetime.fromtimestamp(after.st_mtime, UTC))
        if waited >= patience_seconds:
            raise StillBeingWritten(str(path.name))
        step = max(0.05, min(0.5, settle_seconds - max(age, 0)))
        pause(step)
        waited += step
