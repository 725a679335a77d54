"""Looks after the work list from outside: gives back leases that ran out, rings for work nobody was rung for.

How many rings of a lane are on their way the broker says; there need be as many as there is work, up to a bound,
for a ring is for the lane and not for the item it names. So rings that were lost are replaced, and none pile up.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from archive.database import reading, writing
from archive.errors import ArchiveError
from ingest import worklist
from ingest.alone import Turnstile
from ingest.bell import Bell, Ring
from ingest.lanes import LANES, Lane
from ingest.settings import IngestSettings
from ingest.sweeping import sweep
from ingest.watch import Patience, look_after

RINGS_AT_ONCE = 500  # in a lane; workers are busy for longer than until the next round with so many
REPORT_SECONDS = 15.0  # until a parent has certainly reported a dead child, if it lives itself

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one round did: how much work was given back, and how much was rung for."""

    given_back: int
    rung: int


class Sweeper:
    """Sweeps one home again and again; of several, one does and the others stand by.

    chore: what else one process of a home does now and then, after a round.
    """

    def __init__(
        self,
        engine: Engine,
        bell: Bell,
        turnstile: Turnstile,
        settings: IngestSettings,
        now: Callable[[], datetime],
        *,
        chore: Callable[[], object] = lambda: None,
    ) -> None:
        self._engine = engine
        self._bell = bell
        self._turnstile = turnstile
        self._settings = settings
        self._now = now
        self._chore = chore
        # A sign of life comes with each heartbeat, and a child's death is known to its parent soon after.
        self._reporting = timedelta(seconds=settings.heartbeat_seconds + REPORT_SECONDS)
        self._patience = Patience(settings, now)

    def run(self, told_to_stop: threading.Event) -> None:
        """Sweep until told to stop. A database or store that is out of reach is tried again with each round."""
        try:
            while not told_to_stop.is_set():
                try:
                    if self._turnstile.holds():
                        self.round()
                        self._chore()
                except (ArchiveError, OSError) as error:
                    self._patience.away()
                    log.warning("not swept; tried again: %s", getattr(error, "code", type(error).__name__))
                told_to_stop.wait(self._settings.sweep_seconds)
        finally:
            self._turnstile.leave()

    def round(self) -> Swept:
        """Give back what nobody holds any more, look after what is paused, ring for what is ready.

        Raises CatalogueBusy.
        """
        with writing(self._engine) as connection:
            given_back = sweep(
                connection,
                now=self._now(),
                settings=self._settings,
                patience=self._reporting,
                judge=self._patience.may_judge(),
            )
        look_after(self._engine, self._settings, now=self._now())
        if given_back:
            log.info("given back: %d", given_back)
        return Swept(given_back, sum(self._ring_for(lane) for lane in LANES))

    def _ring_for(self, lane: Lane) -> int:
        with reading(self._engine) as connection:
            ready = worklist.ready_work(connection, lane, now=self._now(), at_most=RINGS_AT_ONCE)
        if not ready:
            return 0
        waiting = self._bell.waiting(lane)
        if waiting is None or waiting >= len(ready):
            return 0
        return self._bell.ring([Ring(work_item_id, lane) for work_item_id in ready[waiting:]])
