"""Objects of the catalogue that the register does not know yet, or knows no second copy of.

A look for them goes over the whole catalogue, so looks are few: what one finds is handed out over many turns, and
one that found all there was is followed by a rest many times as long as it took.
"""

import random
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Engine, and_, select

from archive.database import insert_new, reading, writing
from archive.fixity.named import NamedObject, named_objects, of_row
from archive.fixity.register import unchecked_row
from archive.tables.packages import fixity_check

T = TypeVar("T")
FOUND_MOST = 10_000  # in one look
RESTS = 20  # times as long as the look before it took
ENROLLED_MOST = 1000  # in one transaction


class Looks(Generic[T]):
    """Hands out what looks find, in no order: of several processes each then has others to work on."""

    def __init__(self, look: Callable[[], list[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._found: list[T] = []
        self._rested_at = clock()

    def take(self, at_most: int, *, at_once: bool = False) -> list[T]:
        """Return some of what is there to do. at_once: without a rest after a look that found all there was."""
        begun = self._clock()
        if not self._found and (at_once or begun >= self._rested_at):
            self._found = self._look()
            random.shuffle(self._found)
            if len(self._found) < FOUND_MOST:
                ended = self._clock()
                self._rested_at = ended + RESTS * (ended - begun)
        taken, self._found = self._found[:at_most], self._found[at_most:]
        return taken


def unknown_objects(engine: Engine) -> list[NamedObject]:
    """Return objects that the register has no row of for the first store."""
    named = named_objects()
    known = and_(
        fixity_check.c.store == "primary",
        fixity_check.c.object_key == named.c.key,
        fixity_check.c.version_id == named.c.version_id,
    )
    query = select(named).outerjoin(fixity_check, known).where(fixity_check.c.id.is_(None)).limit(FOUND_MOST)
    with reading(engine) as connection:
        return [of_row(row) for row in connection.execute(query)]


def enrol(engine: Engine, looks: Looks[NamedObject], *, at_once: bool = False) -> int:
    """Give some objects their row for the first store, as checked when they were stored; return how many."""
    new = looks.take(ENROLLED_MOST, at_once=at_once)
    if new:
        rows = [unchecked_row("primary", one.key, one.version_id, one.stored_at) for one in new]
        with writing(engine) as connection:
            insert_new(connection, fixity_check, rows)
    return len(new)


def objects_without_replica(engine: Engine, *, restricted: bool) -> list[NamedObject]:
    """Return objects that no second copy is known of. restricted: those of levels 3-4 too."""
    named, bad = named_objects(), fixity_check.alias("bad")
    known = and_(fixity_check.c.store == "replica", fixity_check.c.object_key == named.c.key)
    # What is known to be bad cannot be copied.
    is_bad = and_(
        bad.c.store == "primary",
        bad.c.object_key == named.c.key,
        bad.c.version_id == named.c.version_id,
        bad.c.verdict == "bad",
    )
    query = (
        select(named)
        .outerjoin(fixity_check, known)
        .outerjoin(bad, is_bad)
        .where(fixity_check.c.id.is_(None), bad.c.id.is_(None))
    )
    if not restricted:
        query = query.where(named.c.key.not_like("restricted/%"))
    with reading(engine) as connection:
        return [of_row(row) for row in connection.execute(query.limit(FOUND_MOST))]
