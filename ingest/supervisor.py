"""Runs workers as child processes, gives back at once what a dead child held, and stops them cleanly.

A database or store that is away for a while stops nothing: what had to be written down is written down later, and
children that cannot begin are started anew, not in a rush.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.process import BaseProcess

from sqlalchemy import Engine

from archive.database import reading, writing
from archive.errors import CatalogueBusy, StoreUnavailable
from ingest import worklist
from ingest.backlog import Backlog, backlog, is_work_left
from ingest.owners import owner_name_of
from ingest.settings import IngestSettings
from ingest.stopping import stopped_by_signals
from ingest.sweeping import sweep
from ingest.watch import Patience, look_after

POLL_SECONDS = 0.2
GRACE_SECONDS = 20.0
AWAY_SECONDS = 1.0  # between attempts while the database or a store is away
SWEEP_SECONDS = 5.0
EARLY_SECONDS = 5.0  # a child that dies sooner had not begun: the next one waits AWAY_SECONDS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkDone:
    """How the run ended: what is left on the list, and how many children died."""

    backlog: Backlog
    deaths: int


class Supervisor:
    """Keeps a number of workers alive until told to stop or until the list is empty.

    start_worker: makes an unstarted child process (in its own interpreter: nothing of ours survives a fork).
    """

    def __init__(
        self,
        engine: Engine,
        settings: IngestSettings,
        start_worker: Callable[[], BaseProcess],
        *,
        workers: int,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._start_worker = start_worker
        self._workers = workers
        self._now = now
        self._children: dict[str, BaseProcess] = {}
        self._started: dict[str, float] = {}
        self._unreported: list[tuple[str, str]] = []  # (owner, reason) of deaths
        self._hire_from = 0.0
        self._swept = float("-inf")
        self._patience = Patience(settings, now)
        self._deaths = 0
        self._stopping = False

    def run(self, *, until_idle: bool, tick: Callable[[], None] = lambda: None) -> WorkDone:
        """Work until stopped by SIGTERM or SIGINT, or, with until_idle, until nothing is ready or leased."""
        with stopped_by_signals(self._stop):
            try:
                while not self._stopping:
                    try:
                        if self._round(tick, until_idle=until_idle):
                            break
                        pause = POLL_SECONDS
                    except (CatalogueBusy, StoreUnavailable) as error:
                        self._patience.away()
                        log.warning("workers go on when it is back: %s", error.code)
                        pause = AWAY_SECONDS
                    time.sleep(pause)
            finally:
                self._dismiss()
        return WorkDone(self._backlog(), self._deaths)

    def _round(self, tick: Callable[[], None], *, until_idle: bool) -> bool:
        """Look after everything once; return whether all is done. Raises CatalogueBusy, StoreUnavailable."""
        self._bury_the_dead()
        if time.monotonic() - self._swept > min(SWEEP_SECONDS, self._settings.lease_seconds / 2):
            self._sweep()
        if until_idle and self._is_idle():
            return True
        self._hire()
        tick()
        return False

    def _stop(self) -> None:
        self._stopping = True

    def _backlog(self) -> Backlog:
        with reading(self._engine) as connection:
            return backlog(connection, now=self._now())

    def _is_idle(self) -> bool:
        with reading(self._engine) as connection:
            return not is_work_left(connection)

    def _sweep(self) -> None:
        with writing(self._engine) as connection:
            judge = self._patience.may_judge()
            sweep(connection, now=self._now(), settings=self._settings, judge=judge)
        look_after(self._engine, self._settings, now=self._now())
        self._swept = time.monotonic()

    def _hire(self) -> None:
        while len(self._children) < self._workers and time.monotonic() >= self._hire_from:
            child = self._start_worker()
            child.start()
            owner = owner_name_of(child.pid or 0)
            self._children[owner], self._started[owner] = child, time.monotonic()

    def _bury_the_dead(self) -> None:
        for owner, child in list(self._children.items()):
            if child.is_alive():
                continue
            del self._children[owner]
            began = self._started.pop(owner)
            if child.exitcode == 0:
                continue
            self._deaths += 1
            self._unreported.append((owner, _exit_reason(child.exitcode)))
            if time.monotonic() - began < EARLY_SECONDS:
                self._hire_from = time.monotonic() + AWAY_SECONDS
        while self._unreported:
            owner, reason = self._unreported[0]
            with writing(self._engine) as connection:
                worklist.report_death(connection, owner, reason=reason, now=self._now(), settings=self._settings)
            del self._unreported[0]

    def _dismiss(self) -> None:
        """Ask every child to finish its item, wait, then end those that do not and give back their work."""
        for child in self._children.values():
            if child.is_alive() and child.pid:
                os.kill(child.pid, signal.SIGTERM)
        # Sooner than a lease ends: what is given back here is nobody else's meanwhile.
        deadline = time.monotonic() + min(GRACE_SECONDS, self._settings.lease_seconds / 2)
        for owner, child in self._children.items():
            child.join(max(0.0, deadline - time.monotonic()))
            if child.is_alive():
                child.kill()
                child.join()
            try:
                with writing(self._engine) as connection:
                    worklist.return_held(connection, owner, now=self._now())
            except CatalogueBusy as error:
                log.warning("what a worker held is given back when its lease ends: %s", error.code)
        self._children.clear()


def _exit_reason(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        number = -exitcode
        return f"killed-by-{signal.Signals(number).name if number in set(signal.Signals) else number}"
    return f"exit-{exitcode}"


def spawn_context() -> multiprocessing.context.SpawnContext:
    """Return the way children are started: a fresh interpreter each."""
    return multiprocessing.get_context("spawn")
