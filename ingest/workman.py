"""One worker: claims, processes, finishes; a heartbeat beside it; clean at the end."""

import ctypes
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from archive.database import writing
from archive.errors import (
    ArchiveError,
    CatalogueBusy,
    CatalogueDiskFault,
    CatalogueFull,
    CatalogueReadOnly,
    StoreUnavailable,
)
from ingest import worklist
from ingest.batch_state import pause_for_fault
from ingest.cancelling import release_all_cancelled
from ingest.desk import Desk
from ingest.disks import WriteFault, free_bytes, item_bytes, short_places, write_fault
from ingest.errors import BatchHalted, LeaseLost
from ingest.lanes import LANES, Lane
from ingest.owners import owner_name
from ingest.pipeline import process_item
from ingest.release import release_finished
from ingest.spreading import read_share
from ingest.tables import item
from ingest.worklist import Claim
from ocr.errors import ReadingError

IDLE_SECONDS = 0.2
AWAY_SECONDS = 1.0  # between attempts while the catalogue cannot be written
RELEASE_SECONDS = 60.0  # between attempts to release what is finished
GIVEN_BACK_SECONDS = 1.0  # until what was given back is due again
DISK_FAULTS = (CatalogueFull, CatalogueReadOnly, CatalogueDiskFault)
PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its supervisor is gone: nobody else would stop it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and os.getppid() != supervisor.pid:
        os._exit(1)  # it died before the kernel was asked


class Workman:
    """Works items of a desk, one at a time, and keeps the lease of the one at hand."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._owner = owner_name()
        self._stopping = threading.Event()
        self._release_from = float("inf")  # when what is finished and not released is to be seen to

    def stop(self, *_signal: object) -> None:
        """Finish the item or share at hand, then end."""
        self._stopping.set()

    def run(self, *, until_idle: bool = False) -> int:
        """Work until stopped (or until nothing is ready) and return how many pieces of work were taken up."""
        done = 0
        self._release()
        while not self._stopping.is_set():
            if self.work_one():
                done += 1
            elif time.monotonic() >= self._release_from:
                self._release()
            elif until_idle:
                break
            else:
                self._stopping.wait(IDLE_SECONDS)
        return done

    def _release(self) -> None:
        """Release what is finished and was not released, by whomever: it may be what a full disk waits for."""
        self._release_from = float("inf")
        try:
            release_finished(self._desk.engine, self._desk.staging, now=self._desk.now())
            release_all_cancelled(self._desk.engine, self._desk.staging, now=self._desk.now())
        except (CatalogueBusy, StoreUnavailable) as error:
            log.warning("what is finished is released later: %s", error.code)
            self._release_from = time.monotonic() + RELEASE_SECONDS

    def work_one(self, lanes: Sequence[Lane] = LANES) -> bool:
        """Take the piece of work whose turn it is in some lanes as far as it goes; False when nothing is ready.

        A database that is out of reach counts as nothing ready, and so does a folder without room to work in.
        """
        if short_places(self._desk.settings.places, floor=self._desk.settings.free_floor_bytes):
            return False
        try:
            with writing(self._desk.engine) as connection:
                claim = worklist.claim_next(
                    connection, owner=self._owner, now=self._desk.now(), settings=self._desk.settings, lanes=lanes
                )
        except CatalogueBusy as error:
            log.warning("nothing can be claimed now: %s", error.code)
            return False
        if claim is None:
            return False
        self._work(claim)
        return True

    def _work(self, claim: Claim) -> None:
        try:
            with self._heartbeat(claim):
                if claim.kind == "pages":
                    read_share(self._desk, claim)
                else:
                    process_item(self._desk, claim)
        except LeaseLost:
            return  # another worker has it; what it does is the truth
        except BatchHalted:
            self._give_back(claim)
        except (ArchiveError, ReadingError, OperationalError, OSError) as error:
            if isinstance(error, DISK_FAULTS):
                self._give_back(claim)
            elif (fault := write_fault(error, self._desk.settings.places)) is not None:
                self._pause(claim, fault)
            else:
                self._put_aside(claim, error)

    def _give_back(self, claim: Claim, *, pause: WriteFault | None = None) -> None:
        """Give work back with nothing counted against it, however long the catalogue cannot be written."""
        while True:
            try:
                with writing(self._desk.engine) as connection:
                    if pause is not None:
                        self._pause_batch(connection, claim, pause)
                    worklist.put_back(connection, claim, now=self._desk.now(), after_seconds=GIVEN_BACK_SECONDS)
                return
            except LeaseLost:
                self._release_from = 0.0  # if it was ours: finished, and then something could not be written
                return
            except CatalogueBusy as busy:
                log.warning("work is given back when the catalogue can be written: %s", busy.code)
                if self._stopping.wait(AWAY_SECONDS):
                    return  # who stops us gives back what we held

    def _pause(self, claim: Claim, fault: WriteFault) -> None:
        """Give work back and pause its batch, for a place that cannot be written: no fault of the item's."""
        log.warning("not written: %s", fault.slug)
        self._give_back(claim, pause=fault)

    def _pause_batch(self, connection: Connection, claim: Claim, fault: WriteFault) -> None:
        found = connection.execute(select(item.c.batch_id, item.c.length).where(item.c.id == claim.item_id)).one()
        place = next((p for p in self._desk.settings.places if p.name == fault.place), None)
        free = free_bytes(place.folder) if place is not None and place.folder is not None else None
        pause_for_fault(
            connection,
            found.batch_id,
            fault.slug,
            at=self._desk.now(),
            needed=item_bytes(fault.place, found.length or 0) if fault.fault == "full" else None,
            free=free,
        )

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
            self._release_from = 0.0
            return
        except CatalogueBusy as busy:
            log.warning("work is given back when its lease ends: %s", busy.code)

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
                except CatalogueBusy:
                    continue  # the lease outlasts several beats

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
    try:
        desk = open_desk()
    except ArchiveError as error:
        log.warning("a worker cannot begin: %s", error)
        raise SystemExit(1) from error
    workman = Workman(desk)
    signal.signal(signal.SIGTERM, workman.stop)
    try:
        workman.run()
    finally:
        desk.close()
