"""What runs beside the workers of one home: the index kept up with the records stream, copies left half done."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from archive.database import reading
from archive.errors import ArchiveError
from archive.log.keeper import LogKeeper
from console.home import Home
from search_api.copies.issue import resume_copies
from search_api.copies.model import CopyDesk
from search_api.errors import SearchApiError
from search_api.index.completeness import Completeness
from search_api.index.port import RecordIndex
from search_api.index.projector import Projector, records_head

POLL_SECONDS = 0.3
FIXITY_SECONDS = 5.0
RECONCILE_EVERY = timedelta(hours=6)
QUICK_SECONDS = 10.0  # how long a search waits for an index that is behind before it answers and says so

TROUBLES = (ArchiveError, SearchApiError, OperationalError, OSError)  # what may pass; the index waits for it

log = logging.getLogger(__name__)


def catch_up(home: Home, *, seconds: float | None = QUICK_SECONDS) -> Completeness:
    """Bring the index up to date, for so long at most, and say how far it is. Raises IndexUnavailable."""
    index = home.index()
    try:
        return Projector(home.engine, home.store(), home.seal(), index).catch_up(seconds=seconds)
    finally:
        index.close()


def keep_up(home: Home) -> None:
    """Bring the index up to date after an act that is done already, whatever becomes of the index."""
    try:
        catch_up(home)
    except TROUBLES as error:
        log.warning("the index is not up to date: %s", error)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done again and again. name: what a log line calls it."""

    name: str
    act: Callable[[], object]
    every_seconds: float = 60.0


class Follower:
    """Keeps the index up with the stream in a thread of its own, and does chores now and then beside it.

    What can't be done is tried again and told once: nothing else waits for it. At the end the index has its
    turn once more.
    """

    def __init__(self, home: Home, *chores: Chore) -> None:
        self._home = home
        self._chores = chores
        self._index: RecordIndex | None = None
        self._reached = -1
        self._troubled: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _follow(self) -> None:
        """Follow until told to stop, and once more then: what came last is found too."""
        done = dict.fromkeys(self._chores, float("-inf"))
        while not self._stopping.is_set():
            self._attempt("index", self._catch_up)
            for chore, last in done.items():
                if time.monotonic() - last >= chore.every_seconds:
                    self._attempt(chore.name, chore.act)
                    done[chore] = time.monotonic()
            self._stopping.wait(POLL_SECONDS)
        self._attempt("index", self._catch_up)
        if self._index is not None:
            self._index.close()

    def _attempt(self, name: str, act: Callable[[], object]) -> None:
        attempt(name, act, self._troubled)

    def _catch_up(self) -> None:
        if self._index is None:
            self._index = self._home.index()
        with reading(self._home.engine) as connection:
            head = records_head(connection)
        if head != self._reached:
            projector = Projector(self._home.engine, self._home.store(), self._home.seal(), self._index)
            behind = projector.catch_up(seconds=QUICK_SECONDS).behind
            self._reached = head if behind == 0 else -1


def chores_of(desk: CopyDesk) -> tuple[Chore, ...]:
    """Return what one process of a home does beside the index: copies left half done, the log into the vault."""
    return (Chore("copies", lambda: resume_copies(desk)), log_chore(desk.log))


def fixity_chores(home: Home, scratch: Path) -> tuple[Chore, ...]:
    """Return the chores about stored objects: the scrub, with second copies and repairs, and the locks."""
    scrub, reconciler = home.scrub(scratch), home.reconciler()
    return (
        Chore("fixity", scrub.turn, every_seconds=FIXITY_SECONDS),
        Chore("locks", lambda: reconciler.turn(RECONCILE_EVERY), every_seconds=FIXITY_SECONDS),
    )


class Tender:
    """Does chores now and then in a thread of its own, so that long ones keep nothing else waiting.

    What can't be done is tried again and told once. At the end the one under way is finished.
    """

    def __init__(self, *chores: Chore) -> None:
        self._chores = chores
        self._troubled: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="tender")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _tend(self) -> None:
        done = {chore: time.monotonic() for chore in self._chores}  # a short run has other things to do
        while not self._stopping.wait(POLL_SECONDS):
            for chore, last in done.items():
                if time.monotonic() - last >= chore.every_seconds and not self._stopping.is_set():
                    attempt(chore.name, chore.act, self._troubled)
                    done[chore] = time.monotonic()


def attempt(name: str, act: Callable[[], object], troubled: set[str]) -> None:
    """Do something that may not be possible just now; tell the first time that it is not."""
    try:
        act()
        troubled.discard(name)
    except TROUBLES as error:
        if name not in troubled:
            log.warning("%s: tried again until it works: %s", name, error)
        troubled.add(name)


def log_chore(keeper: LogKeeper) -> Chore:
    """Return the chore that brings the log into the vault when it is time."""
    return Chore("log", keeper.tend, every_seconds=5.0)


def bring_home(keeper: LogKeeper) -> None:
    """Bring the log into the vault at the end of a run; what cannot be now, the next run does."""
    try:
        keeper.publish()
    except TROUBLES as error:
        log.warning("the log is not all in the vault yet: %s", error)
