"""What runs beside the workers of one home: the index kept up with the records stream, and what is done now and
then about stored objects, locks and the log."""

import logging
import time
from datetime import timedelta
from pathlib import Path

from archive.database import reading
from archive.log.keeper import LogKeeper
from console.beside import POLL_SECONDS, TROUBLES, Beside, Chore, Chores
from console.home import Home
from search_api.index.completeness import Completeness
from search_api.index.port import RecordIndex
from search_api.index.projector import Projector, records_head

FIXITY_SECONDS = 5.0
PAGE_SECONDS = 1.0  # between two pages of a round of the locks
RECONCILE_EVERY = timedelta(hours=6)
QUICK_SECONDS = 10.0  # how long a search waits for an index that is behind before it answers and says so

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


class Follower(Beside):
    """Keeps the index up with the stream in a thread of its own, and does chores now and then beside it.

    Nothing else waits for it. At the end the index has its turn once more: what came last is found too.
    """

    def __init__(self, home: Home, *chores: Chore) -> None:
        super().__init__("follower")
        self._home = home
        self._chores = Chores(*chores)
        self._index: RecordIndex | None = None
        self._reached = -1

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._chores.attempt("index", self._catch_up)
            self._chores.do_due(self._stopping)
            self._stopping.wait(POLL_SECONDS)
        self._chores.attempt("index", self._catch_up)
        if self._index is not None:
            self._index.close()

    def _catch_up(self) -> None:
        if self._index is None:
            self._index = self._home.index()
        with reading(self._home.engine) as connection:
            head = records_head(connection)
        if head != self._reached:
            projector = Projector(self._home.engine, self._home.store(), self._home.seal(), self._index)
            behind = projector.catch_up(seconds=QUICK_SECONDS).behind
            self._reached = head if behind == 0 else -1


def fixity_chore(home: Home, scratch: Path) -> Chore:
    """Return the chore about stored objects: the scrub, with second copies and repairs.

    A short run has other things to do than to read what was stored long ago.
    """
    return Chore("fixity", home.scrub(scratch).turn, every_seconds=FIXITY_SECONDS, at_once=False)


def locks_chore(home: Home, *, seconds: float = 0.0) -> Chore:
    """Return the chore that compares locks, and extends those that are due, page by page.

    seconds: for so long it goes on with the next page at once; for whoever comes back to it seldom.
    """
    reconciler = home.reconciler()

    def compare() -> None:
        until = time.monotonic() + seconds
        while (page := reconciler.turn(RECONCILE_EVERY)) is not None and not page.ended:
            if time.monotonic() >= until:
                return

    return Chore("locks", compare, every_seconds=PAGE_SECONDS)


def log_chore(keeper: LogKeeper) -> Chore:
    """Return the chore that brings the log into the vault when it is time."""
    return Chore("log", keeper.tend, every_seconds=5.0)


def bring_home(keeper: LogKeeper) -> None:
    """Bring the log into the vault at the end of a run; what cannot be now, the next run does."""
    try:
        keeper.publish()
    except TROUBLES as error:
        log.warning("the log is not all in the vault yet: %s", error)
