"""Does one step of an intake, and waits with it while the batch is paused or a place cannot be written."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, select

from archive.database import reading
from archive.errors import ArchiveError, CatalogueBusy, CatalogueDiskFault, CatalogueFull, CatalogueReadOnly
from ingest.disks import WriteFault, free_bytes, item_bytes, short_places, write_fault
from ingest.errors import BatchHalted
from ingest.settings import IngestSettings
from ingest.tables import batch
from ingest.watch import look_after, pause_batch

LOOK_SECONDS = 1.0
OF_THE_DISK = (CatalogueFull, CatalogueReadOnly, CatalogueDiskFault)

log = logging.getLogger(__name__)


def written(
    engine: Engine,
    settings: IngestSettings,
    batch_id: str,
    step: Callable[[], None],
    *,
    now: Callable[[], datetime],
    go_on: Callable[[], None],
    length: int = 0,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Do a step that may be repeated, again until it is written.

    Refused for want of room or by a failing disk, the batch is paused with that reason until the place can be
    written. length: bytes of the file it is about. go_on: called with each look; what it raises ends the waiting.
    Raises BatchHalted when the batch is cancelled, and what else the step raises.
    """
    while True:
        try:
            _wait_while_paused(engine, settings, batch_id, now, go_on, pause)
            step()
            return
        except BatchHalted as halted:
            if halted.state == "cancelled":
                raise
        except OF_THE_DISK as error:
            log.warning("intake goes on when the catalogue can be written: %s", error.code)
        except (ArchiveError, OSError) as error:
            if _state(engine, batch_id) == "cancelled":  # which took away what the step was about
                raise BatchHalted(batch_id, "cancelled") from error
            fault = write_fault(error, settings.places)
            if fault is None:
                raise
            _pause_for(engine, settings, batch_id, fault, length, now)
        go_on()
        pause(LOOK_SECONDS)


def _state(engine: Engine, batch_id: str) -> str:
    with reading(engine) as connection:
        return str(connection.execute(select(batch.c.state).where(batch.c.id == batch_id)).scalar_one())


def _wait_while_paused(
    engine: Engine,
    settings: IngestSettings,
    batch_id: str,
    now: Callable[[], datetime],
    go_on: Callable[[], None],
    pause: Callable[[float], None],
) -> None:
    told = False
    while True:
        short = short_places(settings.places, floor=settings.free_floor_bytes)
        if short:
            place, free = short[0]
            pause_batch(
                engine, batch_id, f"{place.name}-full", now=now(), free=free, floor=settings.free_floor_bytes
            )
        state = _state(engine, batch_id)
        if state == "cancelled":
            raise BatchHalted(batch_id, state)
        if state != "paused":
            return
        if not told:
            log.warning("the batch is paused; intake goes on when it is resumed")
            told = True
        go_on()
        pause(LOOK_SECONDS)
        look_after(engine, settings, now=now())


def _pause_for(
    engine: Engine,
    settings: IngestSettings,
    batch_id: str,
    fault: WriteFault,
    length: int,
    now: Callable[[], datetime],
) -> None:
    place = next((one for one in settings.places if one.name == fault.place), None)
    needed = item_bytes(fault.place, length) if fault.fault == "full" else None
    free = free_bytes(place.folder) if place is not None and place.folder is not None else None
    try:
        pause_batch(engine, batch_id, fault.slug, now=now(), needed=needed, free=free)
    except CatalogueBusy as busy:
        log.warning("not written down that %s: %s", fault.slug, busy.code)
