"""A batch that is paused, resumed or cancelled: what is claimed and given back, what the receipt says then."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deliveries import (
    asked,
    check_whole,
    counts_against,
    deliver,
    door_of,
    faults,
    home_with,
    states,
    told,
    workman_of,
)
from home_of_tests import TestHome
from sqlalchemy import select, update

from archive import failpoints
from archive.database import writing
from archive.errors import StoreUnavailable
from archive.tables.holdings import record
from archive.tables.log import event
from archive.tables.packages import package
from console.home import utc_now
from ingest.backlog import backlog, is_work_left
from ingest.cancelling import release_all_cancelled
from ingest.errors import BatchHalted
from ingest.intake import take_in
from ingest.tables import batch, item, work_item

COUNT = 2


class Stop(Exception):
    """What a test ends an act with, in the middle."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str]:
    """A home with a batch of two documents of two pages, waiting to be worked."""
    return home_with(tmp_path_factory.mktemp("halts"), COUNT, pages=2, kind="pdf")


@pytest.fixture
def home(taken: tuple[TestHome, str], tmp_path: Path) -> TestHome:
    return taken[0].copy(tmp_path / "var")


@pytest.fixture
def lot(taken: tuple[TestHome, str]) -> str:
    return taken[1]


def _kinds(home: TestHome) -> list[str]:
    rows = asked(home, lambda c: c.execute(select(event.c.canonical).order_by(event.c.sequence)).scalars().all())
    return [json.loads(one)["kind"] for one in rows if json.loads(one)["stream"] == "records"]


def _left(home: TestHome) -> bool:
    return bool(asked(home, is_work_left))


@contextmanager
def _at(place: failpoints.Place, act: Callable[[], object]) -> Iterator[None]:
    """Do an act each time a place between two durable steps is passed; here nobody is killed."""

    def passing(passed: failpoints.Place) -> None:
        if passed == place:
            act()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoints, "passing", passing)
        yield


def _once(act: Callable[[], object]) -> Callable[[], object]:
    """Return an act that is done the first time only."""
    left = [act]
    return lambda: left.pop()() if left else None


def _cut_off() -> None:
    raise StoreUnavailable("cut off here")


def test_nothing_of_a_paused_batch_is_claimed_until_it_is_resumed(home: TestHome, lot: str) -> None:
    answer = told(home, "batch", "pause", lot, "--reason", "Chờ bảng kê mới")
    assert (answer["state"], answer["state_by"], answer["waits_for"]) == ("paused", "person", "a-person")
    assert answer["state_reason"] == "Chờ bảng kê mới"
    with workman_of(home) as workman:
        assert not workman.work_one()
        assert not _left(home)  # `work --until-idle` ends: only a person makes it go on
        assert asked(home, lambda c: backlog(c, now=utc_now())).paused == COUNT
        told(home, "batch", "resume", lot)
        assert workman.run(until_idle=True) == COUNT
    check_whole(home, lot, COUNT)
    assert _kinds(home).count("batch.paused") == _kinds(home).count("batch.resumed") == 1


def test_what_is_under_way_is_given_back_at_its_next_page_and_read_no_page_twice(home: TestHome, lot: str) -> None:
    def pause() -> None:
        told(home, "batch", "pause", lot, "--reason", "Dừng")

    with workman_of(home) as workman:
        with _at("reading", _once(pause)):
            assert workman.work_one()
        assert states(home) == {"waiting": COUNT}
        assert asked(home, lambda c: set(c.execute(select(work_item.c.state)).scalars())) == {"ready"}
        assert counts_against(home) == 0
        told(home, "batch", "resume", lot, "--reason", "Đủ")
        threading.Event().wait(1.1)  # what was given back is due again a moment later
        assert workman.run(until_idle=True) == COUNT
    assert len(home.read_log()) == len(set(home.read_log())) == 2 * COUNT
    check_whole(home, lot, COUNT)


def test_a_cancelled_batch_rejects_what_waits_keeps_what_is_archived_and_says_so(home: TestHome, lot: str) -> None:
    with workman_of(home) as workman:
        assert workman.work_one()
    answer = told(home, "batch", "cancel", lot, "--reason", "Giao nhầm đơn vị")
    assert (answer["state"], answer["work"]) == ("cancelled", {"ready": 0, "leased": 0, "quarantined": 0})
    receipt = told(home, "batch", "receipt", lot)
    assert receipt["balanced"]
    assert (receipt["archived"], receipt["rejected"], receipt["waiting"]) == (2, 2, 0)
    assert (receipt["state"], receipt["state_reason"]) == ("cancelled", "Giao nhầm đơn vị")
    rejected = [one for one in receipt["items"] if one["state"] == "rejected"]
    assert {(one["reason"], one["word"]) for one in rejected} == {("batch-cancelled", "Giao nhầm đơn vị")}
    assert list(home.staging().list_versions()) == []
    assert faults(home) == set()
    accepted = told(home, "batch", "accept", lot)  # what is archived is still a candidate
    assert (accepted["accepted"], accepted["closed"]) == (1, False)
    assert told(home, "batch", "show", lot)["waits_for"] == "nobody"
    for act in ("pause", "resume", "cancel"):
        assert told(home, "batch", act, lot, "--reason", "x", code=2)["error"] == "batch-not-now"


def test_an_item_in_hand_when_its_batch_is_cancelled_is_rejected_and_its_number_voided(
    home: TestHome, lot: str
) -> None:
    def cancel() -> None:
        told(home, "batch", "cancel", lot, "--reason", "Hủy")

    with workman_of(home) as workman:
        with _at("reading", _once(cancel)):
            assert workman.work_one()
        assert states(home) == {"waiting": 1, "rejected": COUNT - 1}
        assert told(home, "batch", "show", lot)["waits_for"] == "workers"
        threading.Event().wait(1.1)
        assert workman.run(until_idle=True) == 1
    assert states(home) == {"rejected": COUNT}
    voided = asked(home, lambda c: c.execute(select(record.c.state, record.c.void_reason)).all())
    assert [tuple(row) for row in voided] == [("void", "batch-cancelled")]
    assert list(home.store().list_versions("packages/")) == list(home.staging().list_versions()) == []
    assert faults(home) == set()


def test_a_package_that_is_in_the_store_already_is_archived_though_its_batch_was_cancelled(
    home: TestHome, lot: str
) -> None:
    with workman_of(home) as workman, _at("commit", _cut_off):
        assert workman.work_one()
    assert len(list(home.store().list_versions("packages/"))) == 1
    assert told(home, "batch", "cancel", lot, "--reason", "Hủy")["work"]["ready"] == 1
    with workman_of(home) as workman:
        assert workman.run(until_idle=True) == 1
    assert states(home) == {"archived": 1, "rejected": COUNT - 1}
    assert faults(home) == set()


def test_one_frozen_but_not_stored_is_rejected_with_its_numbers_voided(home: TestHome, lot: str) -> None:
    with workman_of(home) as workman, _at("put", _cut_off):
        assert workman.work_one()
    told(home, "batch", "cancel", lot, "--reason", "Hủy")
    with workman_of(home) as workman:
        assert workman.run(until_idle=True) == 1
    assert states(home) == {"rejected": COUNT}
    assert set(asked(home, lambda c: c.execute(select(package.c.state)).scalars().all())) == {"void"}
    assert faults(home) == set()


def test_a_cancellation_cut_off_in_the_middle_is_ended_by_the_workers(home: TestHome, lot: str) -> None:
    engine = home.engine()
    with writing(engine) as connection:
        reason = json.dumps({"since": "2026-11-29T00:00:00Z", "by": "person", "reason": "Hủy"})
        connection.execute(update(batch).values(state="cancelled", state_reason=reason))
    with workman_of(home) as workman:
        assert workman.run(until_idle=True) == COUNT
    assert states(home) == {"rejected": COUNT}
    assert list(home.staging().list_versions()) == []
    with writing(engine) as connection:
        connection.execute(update(item).values(released_at=None))
    assert release_all_cancelled(engine, home.staging(), now=utc_now()) == COUNT
    engine.dispose()


def test_an_intake_waits_while_its_batch_is_paused_and_ends_when_it_is_cancelled(
    home: TestHome, tmp_path: Path
) -> None:
    folder, looks = deliver(tmp_path / "more", 4), 0
    lots = select(batch.c.id).where(batch.c.folder == str(folder))

    def after(done: int, _all: int) -> None:
        if done == 2:
            told(home, "batch", "pause", asked(home, lambda c: c.execute(lots).scalar_one()), "--reason", "Khoan")

    def go_on() -> None:
        nonlocal looks
        looks += 1
        lot = asked(home, lambda c: c.execute(lots).scalar_one())
        assert len(told(home, "batch", "receipt", lot)["items"]) == 2
        if looks == 2:
            assert told(home, "batch", "resume", lot)["state"] == "taking"
            told(home, "batch", "cancel", lot, "--reason", "Thôi")

    with door_of(home) as door, pytest.raises(BatchHalted, match="cancelled"):
        take_in(door, folder, manifest_path=None, unit=None, operator=None, progress=after, go_on=go_on)
    lot = asked(home, lambda c: c.execute(lots).scalar_one())
    receipt = told(home, "batch", "receipt", lot)
    assert (receipt["balanced"], receipt["waiting"], receipt["rejected"]) == (True, 0, 2)
    assert not list(home.staging().list_versions(f"staging/{lot}/"))


def test_a_batch_that_is_not_open_is_never_closed(home: TestHome, lot: str) -> None:
    with workman_of(home) as workman:
        workman.run(until_idle=True)
    told(home, "batch", "pause", lot, "--reason", "Khoan")
    accepted = told(home, "batch", "accept", lot)
    assert (accepted["accepted"], accepted["closed"]) == (COUNT, False)
    assert told(home, "batch", "show", lot)["state"] == "paused"
    told(home, "batch", "resume", lot)
    assert told(home, "batch", "accept", lot)["closed"]
    shown = told(home, "batch", "show", lot)
    assert (shown["state"], shown["waits_for"]) == ("closed", "nobody")


def test_every_listed_batch_has_an_owner_and_an_age(home: TestHome, lot: str) -> None:
    (listed,) = told(home, "batch", "list")["batches"]
    assert (listed["state"], listed["waits_for"]) == ("open", "workers")
    assert 0 <= listed["state_age_seconds"] < 3600
    told(home, "batch", "pause", lot, "--reason", "Khoan")
    (listed,) = told(home, "batch", "list")["batches"]
    assert (listed["waits_for"], listed["state_reason"]) == ("a-person", "Khoan")
    assert listed["state_age_seconds"] < 60
