"""A jail for a process of many threads."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ocr.jail.parent import Jail, Mode

T = TypeVar("T")


class SteadyJail(Jail):
    """A jail whose processes live as long as it does, whichever thread calls it.

    The kernel ties jailed processes to the thread that started them, and threads that answer requests come
    and go. So one thread of its own makes every call: a jail takes one call at a time anyway.
    """

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        self._own_thread = ThreadPoolExecutor(1, thread_name_prefix="jail")

    @property
    def mode(self) -> Mode:
        """Which walls stand; starts the jail to find out. Raises JailUnavailable."""
        return self._in_own_thread(self._parent_mode)

    def _parent_mode(self) -> Mode:
        return super().mode

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any],
        *,
        seconds: float,
        files: Mapping[str, Path] | None = None,
    ) -> Any:
        """Do what `Jail.call` does."""
        return self._in_own_thread(partial(super().call, function, arguments, seconds=seconds, files=files))

    def _in_own_thread(self, act: Callable[[], T]) -> T:
        return self._own_thread.submit(act).result()
