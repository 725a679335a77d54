"""One worker's loop: claim, process, finish; a heartbeat beside it; clean at the end."""

import ctypes
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from archive.database import writing
from archive.errors import ArchiveError
from ingest import worklist
from ingest.desk import Desk
from ingest.errors import LeaseLost
from ingest.pipeline import process_item
from ingest.release import release_finished
from ingest.worklist import Claim
from ocr.errors import ReadingError

IDLE_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its supervisor is gone: nobody else would stop it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and os.getppid() != supervisor.pid:
        os._exit(1)  # it died before the kernel was asked


class Workman:
    """Works items until told to stop; stops between items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._owner = worklist.owner_name()
        self._stopping = threading.Event()

    def stop(self, *_signal: object) -> None:
        """Finish the item at hand, then end."""
        self._stopping.set()

    def run(self, *, until_idle: bool = False) -> int:
        """Work until stopped (or until nothing is ready) and return how many items ended here."""
        done = 0
        release_finished(self._desk.engine, self._desk.staging, now=self._desk.now())
        while not self._stopping.is_set():
            with writing(self._desk.engine) as connection:
                claim = worklist.claim_next(
                    connection, owner=self._owner, now=self._desk.now(), settings=self._desk.settings
                )
            if claim is None:
                if until_idle:
                    break
                self._stopping.wait(IDLE_SECONDS)
                continue
            self._work(claim)
            done += 1
        return done

    def _work(self, claim: Claim) -> None:
        try:
            with self._heartbeat(claim):
                process_item(self._desk, claim)
        except LeaseLost:
            return  # another worker has it; what it does is the truth
        except (ArchiveError, ReadingError, OperationalError, OSError) as error:
            self._put_aside(claim, error)

    def _put_aside(self, claim: Claim, error: Exception) -> None:
        """Give an item back after an error that may pass: later, with its reason, and not for ever."""
        reason = getattr(error, "code", type(error).__name__)
        try:
            with writing(self._desk.engine) as connection:
                worklist.fail(
                    connection,
                    claim,
                    reason=f"{reason}: {error}"[:1000],
                    now=self._desk.now(),
                    settings=self._desk.settings,
                )
        except LeaseLost:
            return

    @contextmanager
    def _heartbeat(self, claim: Claim) -> Iterator[None]:
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._desk.settings.heartbeat_seconds):
                try:
                    with writing(self._desk.engine) as connection:
                        worklist.renew(connection, claim, now=self._desk.now(), settings=self._desk.settings)
                except LeaseLost:
                    return
                except OperationalError:
                    continue  # the database is busy; the lease outlasts several beats

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def run_child(open_desk: Callable[[], Desk]) -> None:
    """Be a supervised child: open a desk, work until asked to stop, leave no scratch behind."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides, not the terminal
    desk = open_desk()
    workman = Workman(desk)
    signal.signal(signal.SIGTERM, workman.stop)
    try:
        workman.run()
    finally:
        desk.reader.close()
        shutil.rmtree(desk.scratch, ignore_errors=True)
