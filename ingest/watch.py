"""Looks after batches and places between rounds: pauses what cannot be written, lets it go on when it can again.

Called by whoever sweeps, however many do. Also tells whether leases may be judged now: not just after the clock
jumped or the catalogue was away, when the living had no chance to renew theirs.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from archive.database import reading, writing
from ingest.batch_state import (
    StateReason,
    go_on_after_fault,
    pause_for_fault,
    paused_by_system,
    trial_seconds,
)
from ingest.disks import Place, can_write, short_places
from ingest.settings import IngestSettings
from ingest.turns import batches_waiting

AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look did: how many batches were paused, how many go on."""

    paused: int = 0
    resumed: int = 0


def look_after(engine: Engine, settings: IngestSettings, *, now: datetime) -> Watched:
    """Pause every batch with work while a folder has less room than the floor; let those go on that can.

    Raises CatalogueBusy.
    """
    short = short_places(settings.places, floor=settings.free_floor_bytes)
    with reading(engine) as connection:
        waiting = paused_by_system(connection)
        going = [row.batch_id for row in connection.execute(batches_waiting()) if row.state in ("taking", "open")]
    paused = 0
    if short:
        place, free = short[0]
        for batch_id in going:
            paused += pause_batch(
                engine, batch_id, f"{place.name}-full", now=now, free=free, floor=settings.free_floor_bytes
            )
    may = [
        (batch_id, why)
        for batch_id, why in waiting
        if not short and why.reason and _may_go_on(why, settings, now=now)
    ]
    resumed = 0
    for batch_id, why in may:
        with writing(engine) as connection:
            resumed += go_on_after_fault(connection, batch_id, why.reason or "", at=now)
        log.info("batch goes on: %s", why.reason)
    return Watched(paused, resumed)


def pause_batch(
    engine: Engine,
    batch_id: str,
    slug: str,
    *,
    now: datetime,
    needed: int | None = None,
    free: int | None = None,
    floor: int | None = None,
) -> bool:
    """Pause a batch for a place that cannot be written; say whether it went on until now. Raises CatalogueBusy."""
    with writing(engine) as connection:
        paused = pause_for_fault(connection, batch_id, slug, at=now, needed=needed, free=free, floor=floor)
    if paused:
        log.warning("batch paused: %s", slug)
    return paused


def _may_go_on(why: StateReason, settings: IngestSettings, *, now: datetime) -> bool:
    """Whether the place that a batch waits for can be written again, or is due to be tried."""
    place = _place_of(why, settings)
    needed = max(settings.free_floor_bytes, why.needed or 0)
    writable = can_write(place, needed=needed) if place is not None else None
    if writable is False:
        return False
    if writable is None:  # only trying tells
        wait = trial_seconds(why.trials)
    else:  # the probe passes; did the work fail all the same just now, not in a rush
        wait = min(AGAIN_SECONDS, trial_seconds(why.trials - 1)) if why.trials else 0.0
    waited = now - why.since
    return not timedelta(0) <= waited < timedelta(seconds=wait)  # before: the clock went back


def _place_of(why: StateReason, settings: IngestSettings) -> Place | None:
    for place in settings.places:
        if (why.reason or "").startswith(f"{place.name}-"):
            return place
    return None


class Patience:
    """Says whether leases may be judged by the clock now.

    Leases end by the wall clock of whoever sweeps. It is compared with the clock that only runs forward: when
    they differ by more than a few seconds since the last look, or the catalogue was away, the living get one lease
    of time to renew. A process that is gone is seen without any clock.
    """

    def __init__(
        self,
        settings: IngestSettings,
        now: Callable[[], datetime],
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = settings.lease_seconds
        self._now = now
        self._steady = steady
        self._seen: tuple[datetime, float] | None = None
        self._from = float("-inf")

    def away(self) -> None:
        """Note that the catalogue could not be asked."""
        self._from = self._steady() + self._lease

    def may_judge(self) -> bool:
        """Whether leases that ran out did so for want of a sign of life."""
        now, steady = self._now(), self._steady()
        if self._seen is not None:
            jumped = (now - self._seen[0]).total_seconds() - (steady - self._seen[1])
            if abs(jumped) > min(5.0, self._lease / 4):
                self._from = steady + self._lease
                log.warning("the clock jumped by %.0f s; leases are not judged for one lease's time", jumped)
        self._seen = (now, steady)
        return steady >= self._from
