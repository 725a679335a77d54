"""The scrub: every object of the catalogue, in both stores, is read again and again, the oldest check first.

A lot is small: claim, read, write down, one event. Killed at any point, a lot is claimed anew an hour later and
nothing of it was lost but the reading. Once a store does not answer, what is left of its lot is unchecked.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from archive import events
from archive.database import reading, writing
from archive.errors import StoreUnavailable
from archive.fixity.examine import Found, examine
from archive.fixity.named import NamedObject, named_by_key
from archive.fixity.newcomers import Looks, enrol, objects_without_replica, unknown_objects
from archive.fixity.pace import Pace
from archive.fixity.preservation import premis
from archive.fixity.register import Claimed, Side, claim, due_at, forget, note, report_bad
from archive.fixity.repair import Keepers, Outcome, repair
from archive.fixity.replica import Copied, copy_lot
from archive.record import PrincipalId
from archive.stores.port import ObjectStore
from archive.stores.separated import replica_of, separates
from archive.tables.packages import fixity_check

LOT = 32
READY = 0.9  # of the days: when a check is due, so that it is done when they are over


@dataclass(frozen=True, slots=True)
class FixitySettings:
    """days: within which every stored version is read once. bytes_per_second: read on the average; 0: no limit."""

    days: int = 90
    bytes_per_second: int = 0


@dataclass(frozen=True, slots=True)
class Lot:
    """What was found in one lot of one store."""

    side: Side
    ok: int
    bad: int
    unchecked: int
    length: int


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What a run came to: verdicts, repairs, objects copied to the replica; unmended: left bad."""

    ok: int = 0
    bad: int = 0
    unchecked: int = 0
    repaired: int = 0
    unmended: int = 0
    copied: int = 0
    length: int = 0


class Scrub:
    """Checks, copies and mends for one archive; several may run anywhere. scratch: a folder of this process."""

    def __init__(
        self,
        engine: Engine,
        store: ObjectStore,
        settings: FixitySettings,
        *,
        principal: PrincipalId,
        scratch: Path,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._principal = principal
        self._scratch = scratch
        self._now = now
        self._sleep = sleep
        self._pace = Pace(settings.bytes_per_second)
        self._unknown = Looks(lambda: unknown_objects(engine))
        self._uncopied = Looks(self._without_replica)

    def turn(self) -> Scrubbed:
        """Do a little of each, unless more was read than may be: a chore of what runs for long.

        Raises StoreUnavailable when a store is away, after what could be done.
        """
        if self._pace.wait_seconds() > 0:
            return Scrubbed()
        enrol(self._engine, self._unknown)
        before = self._now() - timedelta(days=self._settings.days * READY)
        return self._round(before)

    def run(self, *, everything: bool = False, until_done: bool = True) -> Iterator[Scrubbed]:
        """Yield what each round comes to until nothing is due. everything: all is due that was checked before now.

        Raises StoreUnavailable when a store is away.
        """
        started = self._now()
        before = started if everything else started - timedelta(days=self._settings.days * READY)
        while enrol(self._engine, self._unknown, at_once=True):
            pass
        while True:
            if (wait := self._pace.wait_seconds()) > 0:
                self._sleep(wait)
            done = self._round(before, at_once=True)
            yield done
            if not until_done or done == Scrubbed() or not (done.ok or done.bad or done.copied or done.repaired):
                return

    def _without_replica(self) -> list[NamedObject]:
        replica = replica_of(self._store)
        # Where the replica keeps no levels 3-4 apart, none of theirs may lie in it.
        return objects_without_replica(self._engine, restricted=replica is not None and separates(replica))

    def _round(self, before: datetime, *, at_once: bool = False) -> Scrubbed:
        keepers = self._keepers()
        uncopied = self._uncopied.take(LOT, at_once=at_once) if keepers is not None else []
        copied = copy_lot(keepers, uncopied, at=self._now()) if keepers is not None else None
        sides: tuple[Side, ...] = ("primary",) if keepers is None else ("primary", "replica")
        lots = [lot for side in sides if (lot := self._lot(side, before)) is not None]
        mended = self._mend(keepers) if keepers is not None else []
        return self._sum(lots, mended, copied)

    def _sum(self, lots: list[Lot], mended: list[Outcome], copied: Copied | None) -> Scrubbed:
        length = sum(lot.length for lot in lots) + (copied.length if copied else 0)
        self._pace.spent(length)
        return Scrubbed(
            ok=sum(lot.ok for lot in lots),
            bad=sum(lot.bad for lot in lots),
            unchecked=sum(lot.unchecked for lot in lots),
            repaired=mended.count("repaired"),
            unmended=sum(one not in ("repaired", "whole") for one in mended),
            copied=copied.copied if copied else 0,
            length=length,
        )

    def _keepers(self) -> Keepers | None:
        replica = replica_of(self._store)
        if replica is None:
            return None
        return Keepers(self._engine, self._store, replica, self._scratch, self._principal)

    def _lot(self, side: Side, before: datetime) -> Lot | None:
        now = self._now()
        claimed = claim(self._engine, side, due_at(before, now), now=now, at_most=LOT)
        if not claimed:
            return None
        with reading(self._engine) as connection:
            named = named_by_key(connection, {one.key for one in claimed})
        store = self._side(side)
        checked: list[tuple[Claimed, NamedObject, Found]] = []
        gone: list[str] = []
        away: str | None = None
        for one in claimed:
            known = named.get(one.key)
            if known is None or (side == "primary" and known.version_id != one.version_id):
                gone.append(one.id)
                continue
            if away is not None:
                found = Found("unchecked", reason=away)
            else:
                found = examine(store, one.key, one.version_id, sha256=known.sha256, length=known.length)
                away = found.reason if found.verdict == "unchecked" else None
            checked.append((one, known, found))
        with writing(self._engine) as connection:
            forget(connection, gone)
            return self._write_down(connection, side, checked)

    def _side(self, side: Side) -> ObjectStore:
        if side == "primary":
            return self._store
        replica = replica_of(self._store)
        if replica is None:
            raise StoreUnavailable("no replica is named")
        return replica

    def _write_down(
        self, connection: Connection, side: Side, checked: list[tuple[Claimed, NamedObject, Found]]
    ) -> Lot:
        at = self._now()
        told: dict[str, list[str]] = {"ok": [], "bad": [], "unchecked": []}
        for one, known, found in checked:
            told[found.verdict].append(f"{one.key}@{one.version_id}")
            if found.verdict == "bad":
                report_bad(
                    connection,
                    side,
                    known,
                    one.version_id,
                    found,
                    at=at,
                    principal=self._principal,
                    release=True,
                )
            else:
                note(connection, side, one.key, one.version_id, found, at=at)
        counts = {verdict: len(keys) for verdict, keys in told.items()}
        if counts["ok"] or counts["bad"]:
            said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            events.append(
                connection,
                "records",
                "fixity.checked",
                principal=self._principal,
                at=at,
                payload={
                    "store": side,
                    "counts": counts,
                    "objects": told,
                    "premis": premis("fixity check", f"{side} store: {said}", well=not counts["bad"]),
                },
            )
        length = sum(found.length for _, _, found in checked)
        return Lot(side, **counts, length=length)

    def _mend(self, keepers: Keepers) -> list[Outcome]:
        """Mend bad versions, those of the first store first; what cannot be mended now is tried again later."""
        outcomes: list[Outcome] = []
        for side in ("primary", "replica"):
            now = self._now()
            bad = claim(self._engine, side, fixity_check.c.verdict == "bad", now=now, at_most=LOT)
            with reading(self._engine) as connection:
                named = named_by_key(connection, {one.key for one in bad})
            for one in bad:
                known = named.get(one.key)
                if known is None or (side == "primary" and known.version_id != one.version_id):
                    with writing(self._engine) as connection:
                        forget(connection, [one.id])
                    continue
                outcome = repair(keepers, known, side, one.version_id, at=self._now())
                outcomes.append(outcome)
                if outcome not in ("repaired", "whole"):
                    self._put_off(one, outcome)
        return outcomes

    def _put_off(self, one: Claimed, outcome: Outcome) -> None:
        reason = {
            "no-good-copy": "bad, and the other store has no good copy now",
            "other-object": "another object lies there, which is not touched",
        }.get(outcome, "bad, and could not be restored just now")
        with writing(self._engine) as connection:
            note(connection, one.side, one.key, one.version_id, Found("unchecked", reason=reason), at=self._now())


def total(rounds: Iterator[Scrubbed]) -> Scrubbed:
    """Return what several rounds came to together."""
    done = Scrubbed()
    for one in rounds:
        sums = {name: getattr(done, name) + getattr(one, name) for name in Scrubbed.__slots__}
        done = replace(done, **sums)
    return done
