"""Compares what the rows say of every object with what the stores say, page by page, and mends upwards only.

For each version: 1. it is there, and nothing hides it or lies above it; 2. its lock ends no sooner than its row
says and than its retention asks for now; 3. it is held if a hold stands; 4. its row says what the store says, if
that is longer; 5. its second copy is locked and held no less. A lock is extended, a hold set, a row raised:
nothing is ever shortened or lifted. A hold flag without a standing hold stays and is named.

The clock: one that stands before the end of the last round is named and does no harm, for an early `now` extends
less and shortens nothing. One more than AHEAD after it (a holiday is shorter, a wrong year is longer) is named and
renews no lock until a person says that it is right (`confirm_clock`): locks cannot be taken back.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from archive import events, failpoints, ledger
from archive.database import insert_new, reading, writing
from archive.doctor import Finding
from archive.errors import ObjectDamaged, ObjectNotFound, StoreUnavailable
from archive.fixity.register import replica_version
from archive.keys import is_restricted
from archive.record import PrincipalId, RecordId
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.separated import replica_of
from archive.tables.packages import sweep
from retention.holds import active_holds
from retention.locks import LockSettings
from retention.pages import LockedObject, next_page

SWEEP = "locks"
PAGE = 200
AHEAD = timedelta(days=45)
BEHIND = timedelta(hours=1)
LONG = timedelta(days=2)
TOLD_MOST = 50  # findings in one event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: slug, the version it is about, a sentence, and whether it is mended."""

    fault: str
    subject: str
    detail: str
    mended: bool = False


@dataclass(slots=True)
class Reconciled:
    """What a page, or all of them, came to. extended: locks renewed in time; held: flags that were set."""

    looked: int = 0
    extended: int = 0
    held: int = 0
    unchecked: int = 0
    drift: list[Drift] = field(default_factory=list)
    ended: bool = False

    def add(self, other: "Reconciled") -> None:
        """Add what another came to."""
        self.looked += other.looked
        self.extended += other.extended
        self.held += other.held
        self.unchecked += other.unchecked
        self.drift += other.drift
        self.ended = other.ended


class Reconciler:
    """Goes over every object of one archive, again and again; a page done twice changes nothing."""

    def __init__(
        self,
        engine: Engine,
        store: ObjectStore,
        settings: LockSettings,
        *,
        principal: PrincipalId,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._principal = principal
        self._now = now

    def turn(self, every: timedelta) -> Reconciled | None:
        """Do the next page, if a round is under way or the last one ended so long ago. Raises StoreUnavailable."""
        with reading(self._engine) as connection:
            at = _sweep(connection)
        if at is not None and at.cursor == "" and at.ended_at is not None:
            since = self._now() - at.ended_at
            if timedelta() <= since < every:
                return None
        return self.page()

    def round(self) -> Reconciled:
        """Do what is left of a round, or all of one. Raises StoreUnavailable when the open store is away."""
        whole = Reconciled()
        while not whole.ended:
            whole.add(self.page())
        return whole

    def page(self, at_most: int = PAGE) -> Reconciled:
        """Do one page and move the sweep behind it. Raises StoreUnavailable when the open store is away."""
        now = self._now()
        self._begin(now)
        with reading(self._engine) as connection:
            at = _sweep(connection)
            assert at is not None
            clock = _clock(at.ended_at, now)
            ahead = clock is not None and clock.fault == "clock-ahead"
            cursor, objects = next_page(connection, at.cursor, now, self._settings, at_most, renew=not ahead)
            versions = {one.key: replica_version(connection, one.key) for one in objects}
        done = Reconciled(drift=[clock] if clock is not None and at.cursor == "" else [])
        replica = self._replica()
        restricted_away = False
        for one in objects:
            if restricted_away and is_restricted(one.key):
                done.unchecked += 1
                continue
            try:
                stored = self._compare(one, done, now)
            except StoreUnavailable as error:
                if not is_restricted(one.key):
                    raise
                log.warning("objects of levels 3-4 are compared when their store is back: %s", error.code)
                restricted_away = True
                done.unchecked += 1
                continue
            version = versions[one.key]
            if stored is not None and replica is not None and version is not None:
                self._follow(replica, stored, version, done)
        done.ended = cursor == ""
        self._move(at, cursor, now, done, trusted=not ahead)
        for drift in done.drift:
            log.warning("%s: %s: %s%s", drift.fault, drift.subject, drift.detail, " (mended)" * drift.mended)
        return done

    def _replica(self) -> ObjectStore | None:
        try:
            return replica_of(self._store)
        except StoreUnavailable:
            return None

    def _begin(self, now: datetime) -> None:
        with reading(self._engine) as connection:
            if _sweep(connection) is not None:
                return
        with writing(self._engine) as connection:
            insert_new(connection, sweep, {"name": SWEEP, "cursor": "", "begun_at": now})

    def _compare(self, one: LockedObject, done: Reconciled, now: datetime) -> StoredObject | None:
        done.looked += 1
        stored = self._looked(one, done)
        if stored is None:
            return None
        stored = self._lock(one, stored, done, now)
        return self._hold(one, stored, done)

    def _looked(self, one: LockedObject, done: Reconciled) -> StoredObject | None:
        try:
            try:
                live = self._store.head(one.key)
            except ObjectNotFound:
                stored = self._store.head(one.key, one.version_id)
                told = "a delete marker hides it; who made it did so past this program"
                done.drift.append(Drift("object-hidden", one.subject, told))
                return stored
            if live.version_id == one.version_id:
                return live
            stored = self._store.head(one.key, one.version_id)
            told = f"another version lies above it: {live.version_id}"
            done.drift.append(Drift("second-version", one.subject, told))
        except ObjectNotFound:
            done.drift.append(Drift("row-without-object", one.subject, "the store does not have it"))
            return None
        except ObjectDamaged as error:
            done.drift.append(Drift("object-damaged", one.subject, str(error)))
            return None
        return stored

    def _lock(self, one: LockedObject, stored: StoredObject, done: Reconciled, now: datetime) -> StoredObject:
        until = stored.retain_until
        wanted = [end for end in (one.locked_until, one.goal, one.rolled(until)) if end is not None]
        floor = max(wanted, default=None)
        if floor is not None and (until is None or until < floor):
            stored = self._store.extend(one.key, one.version_id, floor)
            failpoints.passing("lock-renewed")
            if one.locked_until is not None and (until is None or until < one.locked_until):
                told = f"the row says {one.locked_until}, the store said {until}"
                done.drift.append(Drift("lock-too-short", one.subject, told, mended=True))
            else:
                done.extended += 1
        elif until is None:
            done.drift.append(Drift("lock-missing", one.subject, "the store has no lock on it"))
        elif one.locked_until is not None and until > one.locked_until:
            told = f"the row said {one.locked_until}, the store says {until}"
            done.drift.append(Drift("row-behind", one.subject, told, mended=True))
        if one.record is not None and stored.retain_until != one.locked_until:
            with writing(self._engine) as connection:
                ledger.record_lock(
                    connection,
                    RecordId(one.record),
                    one.number,
                    stored,
                    at=now,
                    principal=self._principal,
                    basis="renewal" if until is not None and until == one.locked_until else "reconciled",
                )
        return stored

    def _hold(self, one: LockedObject, stored: StoredObject, done: Reconciled) -> StoredObject:
        if one.held == stored.held:
            return stored
        # Once more, for a hold may have been placed or lifted since the page was read.
        stands = False
        if one.record is not None:
            with reading(self._engine) as connection:
                stands = active_holds(connection, RecordId(one.record)) > 0
        if stands and not stored.held:
            stored = self._store.set_hold(one.key, one.version_id, held=True)
            done.held += 1
            told = "a hold stands and the store did not know it"
            done.drift.append(Drift("hold-missing", one.subject, told, mended=True))
        elif stored.held and not stands:
            told = "the store holds it and no hold stands; place one and lift it to let it go"
            done.drift.append(Drift("hold-unfounded", one.subject, told))
        return stored

    def _follow(self, replica: ObjectStore, stored: StoredObject, version: str, done: Reconciled) -> None:
        """Lock and hold the second copy no less than the first."""
        subject = f"replica: {stored.key}@{version}"
        try:
            there = replica.head(stored.key, version)
            until = stored.retain_until
            if until is not None and (there.retain_until is None or there.retain_until < until):
                replica.extend(stored.key, version, until)
                told = f"extended to {until}"
                done.drift.append(Drift("replica-lock-too-short", subject, told, mended=True))
            if stored.held and not there.held:
                replica.set_hold(stored.key, version, held=True)
                done.drift.append(Drift("replica-hold-missing", subject, "held now", mended=True))
        except (ObjectNotFound, ObjectDamaged) as error:
            done.drift.append(Drift("replica-damaged", subject, str(error)))
        except StoreUnavailable:
            done.unchecked += 1

    def _move(self, at: Any, cursor: str, now: datetime, done: Reconciled, *, trusted: bool) -> None:
        values: dict[str, Any] = {"cursor": cursor}
        if at.cursor == "":
            values["begun_at"] = now
        if done.ended and trusted:
            values["ended_at"] = now
        with writing(self._engine) as connection:
            where = (sweep.c.name == SWEEP, sweep.c.cursor == at.cursor)
            connection.execute(update(sweep).where(*where).values(**values))
            if done.drift:
                _tell(connection, done.drift, at=now, principal=self._principal)


def _tell(connection: Connection, drift: Sequence[Drift], *, at: datetime, principal: PrincipalId) -> None:
    listed = [{"fault": d.fault, "subject": d.subject, "mended": d.mended} for d in drift[:TOLD_MOST]]
    payload = {"findings": len(drift), "listed": listed}
    events.append(connection, "records", "locks.reconciled", principal=principal, at=at, payload=payload)


def _sweep(connection: Connection) -> Any:
    return connection.execute(select(sweep).where(sweep.c.name == SWEEP)).one_or_none()


def _clock(ended_at: datetime | None, now: datetime) -> Drift | None:
    if ended_at is None:
        return None
    if now < ended_at - BEHIND:
        told = f"it says {now:%Y-%m-%d %H:%M}, and the last round ended at {ended_at:%Y-%m-%d %H:%M}"
        return Drift("clock-behind", "clock", told)
    if now > ended_at + AHEAD:
        told = (
            f"it says {now:%Y-%m-%d %H:%M}, the last round ended at {ended_at:%Y-%m-%d %H:%M}: no lock is renewed"
            " until somebody says that it is right (`sohoa store locks --clock-is-right`)"
        )
        return Drift("clock-ahead", "clock", told)
    return None


def clock_drift(connection: Connection, now: datetime) -> Drift | None:
    """Say what is wrong with the clock by the last round of the locks; None for nothing."""
    at = _sweep(connection)
    return None if at is None else _clock(at.ended_at, now)


def last_round(connection: Connection) -> datetime | None:
    """Return when the locks were last all compared; None: never yet."""
    at = _sweep(connection)
    return None if at is None else at.ended_at


def check_round(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    """Name a clock that cannot be right, and locks that were not compared for long: for `doctor`."""
    with reading(engine) as connection:
        clock, ended = clock_drift(connection, now), last_round(connection)
    if clock is not None:
        yield Finding(clock.fault, clock.subject, clock.detail)
    elif ended is not None and ended < now - LONG:
        yield Finding("locks-not-compared", "locks", f"the last round ended at {ended:%Y-%m-%d %H:%M}")


def confirm_clock(engine: Engine, *, now: datetime, principal: PrincipalId) -> None:
    """Let the clock count as right from now on: a person looked at it."""
    with writing(engine) as connection:
        insert_new(connection, sweep, {"name": SWEEP, "cursor": "", "begun_at": now})
        connection.execute(update(sweep).where(sweep.c.name == SWEEP).values(ended_at=now))
        events.append(connection, "records", "clock.confirmed", principal=principal, at=now, payload={})
