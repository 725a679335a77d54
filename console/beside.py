"""Threads that run beside what a process is for, as long as their context lasts."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from archive.errors import ArchiveError
from search_api.errors import SearchApiError

POLL_SECONDS = 0.3
TROUBLES = (ArchiveError, SearchApiError, OperationalError, OSError)  # what may pass; it is tried again

log = logging.getLogger(__name__)


class Beside(ABC):
    """One thread, started with the context and told to stop at its end, which waits for it."""

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Do what the thread is for until `_stopping` is set."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done again and again. name: what a log line calls it. at_once: it does not wait its time first."""

    name: str
    act: Callable[[], object]
    every_seconds: float = 60.0
    at_once: bool = True


class Chores:
    """Chores, each done when its time has come. What can't be done is tried again and told once."""

    def __init__(self, *chores: Chore) -> None:
        self._done = {one: float("-inf") if one.at_once else time.monotonic() for one in chores}
        self._troubled: set[str] = set()

    def do_due(self, stopping: threading.Event) -> None:
        """Do those that are due, until told to stop."""
        for chore, last in self._done.items():
            if time.monotonic() - last >= chore.every_seconds and not stopping.is_set():
                self.attempt(chore.name, chore.act)
                self._done[chore] = time.monotonic()

    def attempt(self, name: str, act: Callable[[], object]) -> None:
        """Do something that may not be possible just now; tell the first time that it is not."""
        try:
            act()
            self._troubled.discard(name)
        except TROUBLES as error:
            if name not in self._troubled:
                log.warning("%s: tried again until it works: %s", name, error)
            self._troubled.add(name)


class Tender(Beside):
    """Does chores now and then in a thread of its own, so that long ones keep nothing else waiting.

    At the end the one under way is finished.
    """

    def __init__(self, *chores: Chore) -> None:
        super().__init__("tender")
        self._chores = Chores(*chores)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._chores.do_due(self._stopping)
            self._stopping.wait(POLL_SECONDS)
