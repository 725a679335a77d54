"""The few things a file store asks of a file system, one call each.

The port is this narrow so that a test can count the calls, fail any one of them, and work out every state a
power cut between two of them may leave.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

Kind = Literal["file", "folder", "other"]


class FileSystem(Protocol):
    """Primitives of a local file system; each raises OSError, FileNotFoundError and FileExistsError as usual.

    Nothing is promised to survive a power cut but what a sync call covered: `sync` a file's bytes and mode,
    `sync_folder` which names a folder holds. A rename happens wholly or not at all.
    """

    def kind(self, path: Path) -> Kind | None:
        """Say what lies at a path itself, a link not followed; None if nothing does."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, in no order."""
        ...

    def make_folder(self, path: Path, *, mode: int = 0o755) -> None:
        """Make one folder. Raises FileExistsError."""
        ...

    def create(self, path: Path) -> int:
        """Make a new, empty file and return a handle to write it. Raises FileExistsError."""
        ...

    def write(self, handle: int, data: bytes) -> None:
        """Append all of data."""
        ...

    def make_read_only(self, handle: int) -> None:
        """Let everyone read the file and nobody write it."""
        ...

    def sync(self, handle: int) -> None:
        """Return when the file's bytes and mode are on the disk."""
        ...

    def close(self, handle: int) -> None:
        """Give the handle back."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""
        ...

    def rename_folder(self, source: Path, target: Path) -> None:
        """Move a folder to a free name or onto an empty folder. Raises FileExistsError if that holds anything."""
        ...

    def replace_file(self, source: Path, target: Path) -> None:
        """Move a file onto a name, in place of the file there."""
        ...

    def remove_file(self, path: Path) -> None:
        """Remove one file."""
        ...

    def remove_folder(self, path: Path) -> None:
        """Remove one empty folder. Raises OSError if it holds anything."""
        ...

    def open(self, path: Path) -> BinaryIO:
        """Open a plain file for reading, unbuffered. Raises IsADirectoryError, OSError for a link or a device."""
        ...

    def exclusive(self, path: Path) -> AbstractContextManager[None]:
        """Keep every other thread and process out while the context lasts; path is the lock's file."""
        ...


class LocalFiles:
    """The file system of this host."""

    def kind(self, path: Path) -> Kind | None:
        """Say what lies at a path itself."""
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISREG(mode):
            return "file"
        return "folder" if stat.S_ISDIR(mode) else "other"

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder."""
        return os.listdir(folder)  # noqa: PTH208 - names are wanted, a million of them without a Path each

    def make_folder(self, path: Path, *, mode: int = 0o755) -> None:
        """Make one folder."""
        path.mkdir(mode)

    def create(self, path: Path) -> int:
        """Make a new, empty file and open it for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def write(self, handle: int, data: bytes) -> None:
        """Append all of data; the system may take it in pieces."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]

    def make_read_only(self, handle: int) -> None:
        """Set the mode 0444."""
        os.fchmod(handle, 0o444)

    def sync(self, handle: int) -> None:
        """Call fsync. After an error it must not be called again: the kernel may have dropped the pages."""
        os.fsync(handle)

    def close(self, handle: int) -> None:
        """Close the handle."""
        os.close(handle)

    def sync_folder(self, folder: Path) -> None:
        """Call fsync on a folder."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename_folder(self, source: Path, target: Path) -> None:
        """Move a folder; POSIX refuses to put it in place of a folder that holds anything."""
        try:
            source.rename(target)
        except OSError as fault:
            if fault.errno == errno.ENOTEMPTY:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from fault
            raise

    def replace_file(self, source: Path, target: Path) -> None:
        """Move a file onto a name."""
        source.replace(target)

    def remove_file(self, path: Path) -> None:
        """Remove one file."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Remove one empty folder."""
        path.rmdir()

    def open(self, path: Path) -> BinaryIO:
        """Open a plain file for reading; a link, a pipe or a device in its place is refused, not waited for."""
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            raise OSError(code, "not a plain file", str(path))
        return os.fdopen(handle, "rb", buffering=0)

    @contextmanager
    def exclusive(self, path: Path) -> Iterator[None]:
        """Hold an flock; the system lifts it when the process dies."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # Lifted by name, not only by closing: a child forked meanwhile would keep the lock alive.
                fcntl.flock(handle, fcntl.LOCK_UN)
        finally:
            os.close(handle)


def write_file(files: FileSystem, path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new read-only file and sync it; an error at any step is the end of that file."""
    handle = files.create(path)
    try:
        for chunk in chunks:
            files.write(handle, chunk)
        files.make_read_only(handle)
        files.sync(handle)
    finally:
        files.close(handle)
