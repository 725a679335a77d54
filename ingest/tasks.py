"""The Celery task that a ring starts, and the tree of processes that hear rings.

The first process listens to the broker and works nothing; each of its children has a desk of its own, opened once.
What a child holds when it dies its parent gives back at once; what the whole tree held is the sweeper's to find.
"""

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.worker import state
from celery.worker.request import Request
from sqlalchemy import Engine

from archive.database import reading, writing
from archive.errors import ArchiveError, CatalogueBusy
from ingest import worklist
from ingest.desk import Desk
from ingest.lanes import Lane
from ingest.owners import owner_name
from ingest.settings import IngestSettings
from ingest.worker import WORK_TASK, make_app, prepare_broker, queue_of
from ingest.workman import Workman

FINISH_SECONDS = 120.0  # what is at hand may take so long once told to stop; then it is given back

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Crew:
    """A tree of processes to be: which lanes they hear, how many they are, and how each opens what it needs.

    start_child: called first in every child. open_desk: opens a child's desk. open_engine: opens the catalogue in
    the first process, for a moment: no child may inherit an open connection.
    """

    lanes: Sequence[Lane]
    concurrency: int
    settings: IngestSettings
    start_child: Callable[[], None]
    open_desk: Callable[[], Desk]
    open_engine: Callable[[], Engine]
    now: Callable[[], datetime]
    pids: set[int] = field(default_factory=set)  # of the children that were given work


def run_crew(crew: Crew, url: str, password: str | None, *, ready: Callable[[], None]) -> int:
    """Hear rings and work items until SIGTERM or SIGINT, and return 0 when nothing was cut short.

    ready: called when the broker is found fit. Told to stop, the items at hand are finished; those that take too
    long are given back, with nothing counted against them.
    Raises BrokerUnavailable and BrokerUnfit before anything is started.
    """
    # That a superuser works here matters to pickled messages, which are not taken; that work goes on while the
    # broker is away is what we want.
    warnings.simplefilter("ignore", SecurityWarning)
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    app = make_app(url, password)
    prepare_broker(app, url)
    app.conf.worker_max_memory_per_child = crew.settings.worker_memory_mb * 1024
    hand = _Hand(crew)
    _register(app, hand, crew)
    signals.setup_logging.connect(_leave_logging, weak=False)
    signals.worker_process_init.connect(hand.start, weak=False)
    signals.worker_process_shutdown.connect(hand.stop, weak=False)
    signals.worker_shutting_down.connect(_stop_in_time, weak=False)
    worker = app.Worker(
        queues=[queue_of(lane) for lane in crew.lanes],
        concurrency=crew.concurrency,
        pool="prefork",
        hostname=f"sohoa-{os.getpid()}@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    ready()
    worker.start()
    for pid in sorted(crew.pids):
        _bury(crew, pid, in_order=True)
    return int(worker.exitcode or 0)


def _leave_logging(**_named: Any) -> None:
    """Stand in for Celery's own set-up of logging: the process has one already."""


def _stop_in_time(**_named: Any) -> None:
    """Let no item hold the end up for ever: SIGQUIT has Celery end what still runs."""
    timer = threading.Timer(FINISH_SECONDS, os.kill, (os.getpid(), signal.SIGQUIT))
    timer.daemon = True
    timer.start()


def _register(app: Celery, hand: "_Hand", crew: Crew) -> None:
    class Reporting(Request):  # type: ignore[misc]  # the library has no types
        """A ring in the first process, which sees who took it and whether they died of it."""

        def on_accepted(self, pid: int, time_accepted: float) -> None:
            crew.pids.add(pid)
            super().on_accepted(pid, time_accepted)

        def on_failure(self, exc_info: Any, *arguments: Any, **named: Any) -> None:
            super().on_failure(exc_info, *arguments, **named)
            if self.worker_pid is not None:
                _bury(crew, self.worker_pid, in_order=state.should_stop is not None)

    app.task(hand.work, name=WORK_TASK, Request=Reporting)


def _bury(crew: Crew, pid: int, *, in_order: bool) -> None:
    """Give back what a child held, if it is gone: at once, as a death, or uncounted when it was told to end."""
    engine = crew.open_engine()
    try:
        with writing(engine) as connection:
            for owner in worklist.lost_owners(connection, pid):
                if in_order:
                    worklist.return_held(connection, owner, now=crew.now())
                else:
                    worklist.report_death(
                        connection, owner, reason="child-died", now=crew.now(), settings=crew.settings
                    )
    except CatalogueBusy as error:
        log.warning("the sweeper gives back what a dead child held: %s", error.code)
    finally:
        engine.dispose()


class _Hand:
    """One child at its desk. A desk that cannot be opened now is tried again with the next ring."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._desk: Desk | None = None
        self._workman: Workman | None = None

    def start(self, **_named: Any) -> None:
        """Begin as a child: open the desk, so that the first ring is answered at once."""
        self._crew.start_child()
        self._opened()

    def stop(self, **_named: Any) -> None:
        """End as a child: no process and no file of the desk is left."""
        if self._desk is not None:
            self._desk.close()

    def work(self, work_item_id: str) -> None:
        """Answer a ring: work the item whose turn it is in the lane that was rung for.

        Which one that is the list says, not the ring: items of a large batch would else be worked in the order
        they were rung for, with everybody else's behind them.
        """
        workman, desk = self._opened(), self._desk
        if workman is None or desk is None:
            return
        try:
            with reading(desk.engine) as connection:
                lane = worklist.lane_of(connection, work_item_id)
            if lane is None:
                log.warning("rung for work that is not on this home's list")
                return
            workman.work_one([lane])
        except CatalogueBusy as error:
            log.warning("a ring was not answered; the sweeper rings again: %s", error.code)
        except Exception:  # the outermost door of a task: the item is counted as one that killed its worker
            log.exception("an item could not be worked for a fault of the program")
            with writing(desk.engine) as connection:
                worklist.report_death(
                    connection, owner_name(), reason="fault", now=self._crew.now(), settings=self._crew.settings
                )

    def _opened(self) -> Workman | None:
        if self._workman is None:
            try:
                self._desk = self._crew.open_desk()
            except (ArchiveError, OSError) as error:
                log.warning("no desk can be opened now: %s", error)
                return None
            self._workman = Workman(self._desk)
        return self._workman
