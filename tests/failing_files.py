"""A local disk that refuses its k-th write, as a full or failing one does: half of the bytes may be there."""

import errno as numbers
import os
from contextlib import AbstractContextManager
from pathlib import Path

from archive.stores.filesystem import LocalFiles


class FailingFiles(LocalFiles):
    """FileSystem of this host whose `at`-th call that changes anything raises `number`; 0: none does.

    calls: how many there were since it was armed. failed: whether one was refused.
    """

    def __init__(self) -> None:
        self.at = self.calls = 0
        self.number = numbers.ENOSPC
        self.failed = False

    def arm(self, at: int, number: int = numbers.ENOSPC) -> None:
        """Refuse the at-th change from now on, once."""
        self.at, self.number, self.calls, self.failed = at, number, 0, False

    def _change(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.failed = True
            raise OSError(self.number, os.strerror(self.number))

    def make_folder(self, path: Path, *, mode: int = 0o755) -> None:
        self._change()
        super().make_folder(path, mode=mode)

    def create(self, path: Path) -> int:
        self._change()
        return super().create(path)

    def write(self, handle: int, data: bytes) -> None:
        if self.calls + 1 == self.at:
            super().write(handle, data[: len(data) // 2])
        self._change()
        super().write(handle, data)

    def make_read_only(self, handle: int) -> None:
        self._change()
        super().make_read_only(handle)

    def sync(self, handle: int) -> None:
        self._change()
        super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        self._change()
        super().sync_folder(folder)

    def rename_folder(self, source: Path, target: Path) -> None:
        self._change()
        super().rename_folder(source, target)

    def replace_file(self, source: Path, target: Path) -> None:
        self._change()
        super().replace_file(source, target)

    def exclusive(self, path: Path) -> AbstractContextManager[None]:
        self._change()
        return super().exclusive(path)
