"""Rows and stores are compared and mended upwards only; nothing held or locked can ever be deleted."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import pytest
from buckets import client_of, new_bucket
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from servers import shared
from sqlalchemy import Engine, insert, select, update

from archive import ledger, reservations
from archive.database import migrate, open_engine, reading, writing
from archive.digest import sha256_of_bytes
from archive.errors import ObjectLocked
from archive.fixity.scrub import FixitySettings, Scrub
from archive.identifiers import new_id
from archive.log.keeper import LogKeeper
from archive.log.notes import LogKey
from archive.record import PrincipalId, RecordId, Retention
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoredObject
from archive.stores.s3 import S3Store
from archive.stores.separated import SeparatedStore
from archive.tables.holdings import archival_file, fonds, hold, record
from archive.tables.packages import package
from archive.tables.principals import principal
from archive.tables.units import unit
from retention.holds import lift_hold, place_hold
from retention.locks import LockSettings, candidate_lock, full_lock
from retention.reconcile import Reconciled, Reconciler, confirm_clock

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
LOCKS = LockSettings()


WHO = PrincipalId("w" * 26)
_numbers = count()


def add_package(
    engine: Engine, store: ObjectStore, folder: Path, *, now: datetime, until: datetime, **values: Any
) -> tuple[RecordId, StoredObject]:
    """Store something and let the catalogue name it as the package of a new record."""
    number, record_id = next(_numbers), RecordId(new_id())
    data = f"bản quét {number}".encode()
    body = folder / "body"
    body.write_bytes(data)
    key = f"packages/{record_id[:2]}/{record_id}/0001"
    stored = store.put(key, body, sha256=sha256_of_bytes(data), retain_until=until, now=now)
    row = {"ordinal": number, "archive_number": f"A-{number}", "state": "candidate", "languages": []}
    row |= {"custodian_unit_id": "u", "managing_unit_id": "u", "sensitivity_level": 1, "received_at": now}
    row |= {"source_form": "paper", "source_status": "authentic", "access_mode": "01"}
    row |= {"personal_data_class": "none", **values}
    of_object = {"object_key": key, "version_id": stored.version_id, "sha256": stored.sha256}
    of_object |= {"length": stored.length, "locked_until": stored.retain_until, "deposited_at": now}
    of_object |= {"kind": "content", "state": "deposited", "objid": f"o-{number}"}
    with writing(engine) as connection:
        connection.execute(insert(record).values(id=record_id, archival_file_id="f", **row))
        connection.execute(insert(package).values(record_id=record_id, number=1, **of_object))
    return record_id, stored


def prepare_catalogue(engine: Engine) -> None:
    """Give an empty catalogue what every record must name."""
    with writing(engine) as connection:
        connection.execute(insert(unit).values(id="u", kind="department"))
        connection.execute(insert(fonds).values(code="U", title="u", unit_id="u"))
        who = {"kind": "officer", "login": "w", "display_name": "w", "created_at": AT}
        connection.execute(insert(principal).values(id=WHO, **who))
        file = {"fonds_code": "U", "year": 2026, "code": reservations.UNFILED, "title": "x", "created_at": AT}
        connection.execute(insert(archival_file).values(id="f", **file))


class Small:
    """A catalogue and a store with as many permanent records as asked for, locked for the long while."""

    admin = WHO

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.store: ObjectStore = SeparatedStore(open_store((folder / "kho").as_uri()), None)
        key = LogKey.generate("kho-thu")
        self.log = LogKeeper(engine, self.store, key, locked_days=3650, scratch=folder, now=lambda: AT)
        self.records: list[RecordId] = []
        prepare_catalogue(engine)

    def deposit(self) -> None:
        until = AT + timedelta(days=LOCKS.permanent_days)
        kept = {"state": "accepted", "permanent": True}
        made, _ = add_package(self.engine, self.store, self.folder, now=AT, until=until, **kept)
        self.records.append(made)


@pytest.fixture
def held(engine: Engine, tmp_path: Path) -> Small:
    made = Small(engine, tmp_path)
    made.deposit()
    return made


def _round(held: Small, now: datetime = AT) -> Reconciled:
    return Reconciler(held.engine, held.store, LOCKS, principal=held.admin, now=lambda: now).round()


def _stored(held: Small) -> StoredObject:
    return next(one for one in held.store.list_versions("packages/"))


def _row_says(held: Small) -> datetime:
    with reading(held.engine) as connection:
        return connection.execute(select(package.c.locked_until)).scalar_one()


def test_a_lock_shorter_than_its_row_is_extended_and_named(held: Small) -> None:
    before, longer = _stored(held), AT + timedelta(days=9000)
    with writing(held.engine) as connection:
        connection.execute(update(package).values(locked_until=longer))

    (drift,) = _round(held).drift
    assert (drift.fault, drift.mended) == ("lock-too-short", True)
    assert f"{before.key}@{before.version_id}" == drift.subject
    assert _stored(held).retain_until == longer
    assert _round(held).drift == []


def test_a_row_behind_its_store_is_raised_and_never_the_store_lowered(held: Small) -> None:
    stored, longer = _stored(held), AT + timedelta(days=9000)
    _round(held)
    held.store.extend(stored.key, stored.version_id, longer)

    (drift,) = _round(held).drift
    assert (drift.fault, drift.mended) == ("row-behind", True)
    assert longer == _row_says(held) == _stored(held).retain_until


def test_a_hold_the_store_forgot_is_set_and_one_nobody_placed_is_only_named(held: Small) -> None:
    stored = _stored(held)
    place_hold(held.engine, held.store, held.log, held.records[0], basis="QĐ 1", principal=held.admin, at=AT)
    _round(held)
    held.store.set_hold(stored.key, stored.version_id, held=False)
    assert [(one.fault, one.mended) for one in _round(held).drift] == [("hold-missing", True)]
    assert _stored(held).held

    with writing(held.engine) as connection:
        connection.execute(update(hold).values(lifted_at=AT, lifted_by=held.admin, lift_basis="x"))
    for _ in range(2):
        assert [(one.fault, one.mended) for one in _round(held).drift] == [("hold-unfounded", False)]
    assert _stored(held).held


@pytest.mark.parametrize("back", [timedelta(days=1), timedelta(days=3650)])
def test_a_clock_set_back_shortens_nothing_and_is_named(held: Small, back: timedelta) -> None:
    _round(held)
    before = _stored(held)
    assert [one.fault for one in _round(held, AT - back).drift] == ["clock-behind"]
    assert (before, before.retain_until) == (_stored(held), _row_says(held))


def test_a_clock_far_ahead_renews_no_lock_until_somebody_says_that_it_is_right(held: Small) -> None:
    _round(held)
    before, ahead = _stored(held), AT + timedelta(days=3650)
    for _ in range(2):
        assert [one.fault for one in _round(held, ahead).drift] == ["clock-ahead"]
        assert before == _stored(held)

    confirm_clock(held.engine, now=ahead, principal=held.admin)
    done = _round(held, ahead)
    assert (done.extended, done.drift) == (1, [])
    assert _stored(held).retain_until == ahead + timedelta(days=LOCKS.permanent_days)


def test_segments_of_the_log_keep_the_long_rolling_lock(held: Small) -> None:
    place_hold(held.engine, held.store, held.log, held.records[0], basis="QĐ 1", principal=held.admin, at=AT)
    segment = next(held.store.list_versions("log/"))
    assert segment.retain_until is not None
    now = segment.retain_until - timedelta(days=20)
    confirm_clock(held.engine, now=now, principal=held.admin)
    _round(held, now)
    assert held.store.head(segment.key).retain_until == now + timedelta(days=LOCKS.permanent_days)


def test_a_round_is_done_in_pages_and_goes_on_where_another_stopped(held: Small) -> None:
    for _ in range(4):
        held.deposit()
    first = Reconciler(held.engine, held.store, LOCKS, principal=held.admin, now=lambda: AT)
    assert ((page := first.page(2)).looked, page.ended) == (2, False)
    second = Reconciler(held.engine, held.store, LOCKS, principal=held.admin, now=lambda: AT)
    pages = [second.page(2) for _ in range(4)]
    assert [one.looked for one in pages] == [2, 1, 0, 0]
    assert [one.ended for one in pages] == [False, False, False, True]
    assert second.turn(timedelta(hours=6)) is None


def test_the_second_copy_is_locked_and_held_no_less(held: Small, tmp_path: Path) -> None:
    replica = open_store((tmp_path / "ban-hai").as_uri())
    held.store = SeparatedStore(held.store, None, replica=lambda: replica)
    scrub = Scrub(
        held.engine,
        held.store,
        FixitySettings(),
        principal=held.admin,
        scratch=tmp_path / "scratch",
        now=lambda: AT,
    )
    assert scrub.turn().copied == 1
    stored, longer = _stored(held), AT + timedelta(days=9000)
    held.store.extend(stored.key, stored.version_id, longer)
    place_hold(held.engine, held.store, held.log, held.records[0], basis="QĐ 1", principal=held.admin, at=AT)
    _round(held)
    second = replica.head(stored.key)
    assert (longer, True) == (second.retain_until, second.held)


# Whatever happens in whatever order


@dataclass
class Truth:
    """What is certain of one object. lock: the latest end its store ever had; flag: whether its store holds it;
    stands: whether a hold does; there: whether it was not deleted; hidden: whether a marker lies above it."""

    record: RecordId
    stored: StoredObject
    lock: datetime
    flag: bool = False
    stands: bool = False
    there: bool = True
    hidden: bool = False


class Locks(RuleBasedStateMachine):
    """Records that are held, lifted, accepted, extended, let run out, under a clock that jumps and acts that stop
    half way, in a store of one kind."""

    make_store: ClassVar[Callable[[Path], ObjectStore]]
    template: ClassVar[Path]
    markers: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="locks-"))
        shutil.copy(self.template, self.folder / "archive.db")
        self.engine: Engine = open_engine(f"sqlite:///{self.folder}/archive.db")
        self.store = type(self).make_store(self.folder)
        self.now = AT
        key = LogKey.generate("kho-thu")
        self.log = LogKeeper(
            self.engine, self.store, key, locked_days=3650, scratch=self.folder / "log", now=lambda: AT
        )
        self.all: list[Truth] = []
        self.expected: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def _one(self, number: int) -> Truth | None:
        alive = [one for one in self.all if one.there]
        return alive[number % len(alive)] if alive else None

    def _drift(self, one: Truth, fault: str) -> None:
        self.expected.add((fault, f"{one.stored.key}@{one.stored.version_id}"))

    @precondition(lambda self: len(self.all) < 4)
    @rule()
    def deposit(self) -> None:
        until = candidate_lock(max(self.now, AT), LOCKS)  # a server goes by its own clock
        record_id, stored = add_package(self.engine, self.store, self.folder, now=self.now, until=until)
        assert stored.retain_until is not None
        self.all.append(Truth(record_id, stored, stored.retain_until))

    @rule(n=st.integers(0, 3))
    def hold(self, n: int) -> None:
        if (one := self._one(n)) is not None:
            place_hold(self.engine, self.store, self.log, one.record, basis="QĐ", principal=WHO, at=self.now)
            one.stands = one.flag = True

    @rule(n=st.integers(0, 3))
    def lift(self, n: int) -> None:
        if (one := self._one(n)) is not None and one.stands:
            lift_hold(self.engine, self.store, self.log, one.record, basis="QĐ", principal=WHO, at=self.now)
            one.stands = one.flag = False

    @rule(n=st.integers(0, 3))
    def hold_stops_half_way(self, n: int) -> None:
        """The flag is set, and the process dies before the catalogue knows."""
        if (one := self._one(n)) is not None:
            self.store.set_hold(one.stored.key, one.stored.version_id, held=True)
            one.flag = True

    @rule(n=st.integers(0, 3))
    def lift_stops_half_way(self, n: int) -> None:
        """The catalogue lifts the hold, and the process dies before the flag falls."""
        if (one := self._one(n)) is not None and one.stands:
            with writing(self.engine) as connection:
                lifted = {"lifted_at": self.now, "lifted_by": WHO, "lift_basis": "QĐ"}
                connection.execute(update(hold).where(hold.c.record_id == one.record).values(**lifted))
            one.stands = False

    @rule(n=st.integers(0, 3))
    def a_flag_is_lost(self, n: int) -> None:
        """Somebody lifts the flag past this program."""
        if (one := self._one(n)) is not None and one.flag:
            self.store.set_hold(one.stored.key, one.stored.version_id, held=False)
            one.flag = False

    @rule(n=st.integers(0, 3), days=st.sampled_from([None, 10, 4000]))
    def accept(self, n: int, days: int | None) -> None:
        """days: of keeping from now on; None: permanent."""
        if (one := self._one(n)) is None:
            return
        ends = None if days is None else (self.now + timedelta(days=days)).date()
        values = {"state": "accepted", "permanent": days is None, "keep_until": ends}
        until = full_lock(self.now, Retention(None, ends, days is None, None, None, None), LOCKS)
        with writing(self.engine) as connection:
            connection.execute(update(record).where(record.c.id == one.record).values(**values))
        if until > one.lock:
            stored = self.store.extend(one.stored.key, one.stored.version_id, until)
            one.lock = until
            with writing(self.engine) as connection:
                ledger.record_lock(
                    connection, one.record, 1, stored, at=self.now, principal=WHO, basis="acceptance"
                )

    @rule(n=st.integers(0, 3), days=st.integers(1, 400))
    def extension_stops_half_way(self, n: int, days: int) -> None:
        """The store extends, and the process dies before the row is written."""
        if (one := self._one(n)) is not None:
            one.lock += timedelta(days=days)
            self.store.extend(one.stored.key, one.stored.version_id, one.lock)

    @rule(n=st.integers(0, 3), days=st.integers(1, 400))
    def a_row_runs_ahead(self, n: int, days: int) -> None:
        """A catalogue restored beside an older store: its row says more than the store has."""
        if (one := self._one(n)) is not None:
            with writing(self.engine) as connection:
                ahead = {"locked_until": one.lock + timedelta(days=days)}
                connection.execute(update(package).where(package.c.record_id == one.record).values(**ahead))

    @rule(jump=st.sampled_from([-3650, -1, 1, 20, 40, 3650]))
    def the_clock_jumps(self, jump: int) -> None:
        self.now += timedelta(days=jump)

    @rule(n=st.integers(0, 3))
    def a_lock_runs_out(self, n: int) -> None:
        if (one := self._one(n)) is not None:
            self.now = max(self.now, one.lock + timedelta(seconds=1))

    @rule()
    def somebody_says_that_the_clock_is_right(self) -> None:
        confirm_clock(self.engine, now=self.now, principal=WHO)

    @rule(n=st.integers(0, 3))
    def delete(self, n: int) -> None:
        """It goes only when neither lock nor flag keeps it."""
        if (one := self._one(n)) is None:
            return
        keeps = one.flag or self.now < one.lock
        try:
            self.store.delete(one.stored.key, one.stored.version_id, now=self.now)
        except ObjectLocked:
            assert keeps or self.markers  # a server goes by its own clock
            return
        assert not keeps
        one.there = False

    @precondition(lambda self: self.markers)
    @rule(n=st.integers(0, 3))
    def a_marker_hides_it(self, n: int) -> None:
        if (one := self._one(n)) is not None and not one.hidden:
            assert isinstance(self.store, S3Store)
            client_of(shared.minio()).remove_object(self.store.line.bucket, one.stored.key)
            one.hidden = True

    @rule()
    def one_round(self) -> None:
        """Within one round every difference is found and, upwards, mended."""
        alive = [one for one in self.all if one.there]
        for one in alive:
            row = self._row(one)
            if one.lock < row:
                self._drift(one, "lock-too-short")
            if one.stands and not one.flag:
                self._drift(one, "hold-missing")
            if one.flag and not one.stands:
                self._drift(one, "hold-unfounded")
            if one.hidden:
                self._drift(one, "object-hidden")
        done = Reconciler(self.engine, self.store, LOCKS, principal=WHO, now=lambda: self.now).round()
        found = {(one.fault, one.subject) for one in done.drift}
        assert self.expected <= found
        ahead = any(one.fault == "clock-ahead" for one in done.drift)
        for one in alive:
            stored = self.store.head(one.stored.key, one.stored.version_id)
            assert stored.retain_until is not None
            assert stored.retain_until >= one.lock
            assert not ahead or stored.retain_until <= max(one.lock, self._row(one))
            assert stored.held == (one.flag or one.stands)
            assert self._row(one) == stored.retain_until
            one.lock, one.flag = stored.retain_until, stored.held
        self.expected.clear()

    def _row(self, one: Truth) -> datetime:
        with reading(self.engine) as connection:
            query = select(package.c.locked_until).where(package.c.record_id == one.record)
            return connection.execute(query).scalar_one()

    @invariant()
    def nothing_held_or_locked_is_gone(self) -> None:
        for one in self.all:
            if one.there and (one.flag or self.now < one.lock):
                self.store.head(one.stored.key, one.stored.version_id)


def _template(folder: Path) -> Path:
    engine = open_engine(f"sqlite:///{folder}/template.db")
    migrate(engine)
    prepare_catalogue(engine)
    engine.dispose()
    return folder / "template.db"


MADE: dict[str, Callable[[Path], ObjectStore]] = {
    "memory": lambda _folder: open_store(f"memory:{new_id()}"),
    "file": lambda folder: open_store((folder / "kho").as_uri()),
    "minio": lambda _folder: new_bucket(shared.minio()),
}


def _run(kind: str, folder: Path, *, examples: int, steps: int) -> None:
    machine = type(
        f"Locks_{kind}",
        (Locks,),
        {"make_store": staticmethod(MADE[kind]), "template": _template(folder), "markers": kind == "minio"},
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),  # a failure is told as it came: making it smaller takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize(("kind", "examples"), [("memory", 5), ("file", 3), ("minio", 1)])
def test_nothing_held_or_locked_can_be_deleted_whatever_happens(kind: str, examples: int, tmp_path: Path) -> None:
    _run(kind, tmp_path, examples=examples, steps=25)


@pytest.mark.drill
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "examples"), [("memory", 400), ("file", 300), ("minio", 60)])
def test_nothing_held_or_locked_can_be_deleted_for_long(kind: str, examples: int, tmp_path: Path) -> None:
    _run(kind, tmp_path, examples=examples, steps=60)
    print(f"{kind}: {examples} runs of at most 60 steps: nothing held or locked was deleted, all drift was found")
