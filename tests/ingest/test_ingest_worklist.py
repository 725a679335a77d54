"""The work list: one holder at a time, leases, fences, deaths and interruptions."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text, update

from archive.database import insert_new, reading, writing
from archive.identifiers import new_id
from archive.tables.holdings import fonds
from archive.tables.principals import principal
from archive.tables.units import unit
from ingest import worklist
from ingest.backlog import backlog
from ingest.errors import LeaseLost
from ingest.lanes import LANES, Lane, lane_for
from ingest.owners import owner_is_alive, owner_name
from ingest.settings import IngestSettings
from ingest.sweeping import sweep
from ingest.tables import batch, work_item
from ingest.turns import batches_with_work

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SETTINGS = IngestSettings(staging_url="memory:", scratch=Path("scratch"))
ME = owner_name()
GONE = f"{ME.split(':')[0]}:999999:1"


def _add(engine: Engine, count: int = 1) -> None:
    with writing(engine) as connection:
        for _ in range(count):
            worklist.add_work(connection, new_id(), batch_id="b", lane="batch", now=NOW)


def _claim(engine: Engine, owner: str = ME, now: datetime = NOW) -> worklist.Claim | None:
    with writing(engine) as connection:
        return worklist.claim_next(connection, owner=owner, now=now, settings=SETTINGS)


def _state(engine: Engine) -> tuple[str, int, int]:
    with reading(engine) as connection:
        row = connection.execute(select(work_item)).one()
    return row.state, row.deaths, row.interruptions


def test_an_item_is_claimed_once(engine: Engine) -> None:
    _add(engine)
    assert _claim(engine) is not None
    assert _claim(engine) is None


def test_a_lost_lease_refuses_every_write(engine: Engine) -> None:
    _add(engine)
    first = _claim(engine, owner=GONE)
    assert first is not None
    with writing(engine) as connection:
        sweep(connection, now=NOW, settings=SETTINGS)
    second = _claim(engine)
    assert second is not None
    assert second.fence == first.fence + 1
    for act in (
        lambda c: worklist.finish(c, first, reason=None, now=NOW),
        lambda c: worklist.renew(c, first, now=NOW, settings=SETTINGS),
        lambda c: worklist.freeze(c, first, {"x": 1}, now=NOW),
    ):
        with pytest.raises(LeaseLost), writing(engine) as connection:
            act(connection)
    with writing(engine) as connection:
        worklist.finish(connection, second, reason=None, now=NOW)


def test_what_was_frozen_is_there_for_the_next_attempt(engine: Engine) -> None:
    _add(engine)
    claim = _claim(engine, owner=GONE)
    assert claim is not None
    with writing(engine) as connection:
        worklist.freeze(connection, claim, {"record": "r"}, now=NOW)
        sweep(connection, now=NOW, settings=SETTINGS)
    again = _claim(engine)
    assert again is not None
    assert again.frozen == {"record": "r"}


def test_a_child_seen_dying_three_times_is_quarantined(engine: Engine) -> None:
    _add(engine)
    for deaths in (1, 2, 3):
        assert _claim(engine, owner="b:1:1") is not None
        with writing(engine) as connection:
            worklist.report_death(connection, "b:1:1", reason="killed", now=NOW, settings=SETTINGS)
        assert _state(engine) == ("quarantined" if deaths == 3 else "ready", deaths, 0)
    assert _claim(engine) is None


def test_leases_that_run_out_are_interruptions_and_end_at_ten(engine: Engine) -> None:
    _add(engine)
    for count in range(1, 11):
        later = NOW + timedelta(hours=count)
        assert _claim(engine, owner="other-host:1:1", now=later) is not None
        with writing(engine) as connection:
            sweep(connection, now=later + timedelta(seconds=30), settings=SETTINGS)
        assert _state(engine)[0] == "leased"
        with writing(engine) as connection:
            sweep(connection, now=later + timedelta(seconds=61), settings=SETTINGS)
        assert _state(engine) == ("quarantined" if count == 10 else "ready", 0, count)


def test_a_lease_whose_process_is_gone_is_given_back_before_it_runs_out(engine: Engine) -> None:
    _add(engine)
    assert _claim(engine, owner=GONE) is not None
    with writing(engine) as connection:
        assert sweep(connection, now=NOW, settings=SETTINGS) == 1
    assert _state(engine) == ("ready", 0, 1)


def test_a_gone_process_is_left_to_its_supervisor_to_report_for_a_moment(engine: Engine) -> None:
    """A death counts for more than an interruption, and only who saw it may count it."""
    _add(engine)
    assert _claim(engine, owner=GONE) is not None
    patience = timedelta(seconds=30)
    for seconds, given_back in ((0, 0), (29, 0), (30, 1)):
        at = NOW + timedelta(seconds=seconds)
        with writing(engine) as connection:
            assert sweep(connection, now=at, settings=SETTINGS, patience=patience) == given_back


def test_a_living_holder_is_left_alone(engine: Engine) -> None:
    _add(engine)
    assert _claim(engine) is not None
    with writing(engine) as connection:
        assert sweep(connection, now=NOW, settings=SETTINGS) == 0


def test_errors_that_may_pass_wait_longer_each_time_and_end(engine: Engine) -> None:
    _add(engine)
    settings = replace(SETTINGS, failure_limit=3)
    at = NOW
    pauses = []
    for _ in range(3):
        claim = _claim(engine, now=at)
        assert claim is not None
        with writing(engine) as connection:
            worklist.fail(connection, claim, reason="store-unavailable", now=at, settings=settings)
            row = connection.execute(select(work_item)).one()
        pauses.append((row.next_try_at - at).total_seconds())
        at = row.next_try_at
    assert pauses == [2.0, 4.0, 8.0]
    assert _state(engine)[0] == "quarantined"


def test_owner_names_tell_a_reused_process_id_apart() -> None:
    assert owner_is_alive(ME) is True
    boot, pid, _ = ME.split(":")
    assert owner_is_alive(f"{boot}:{pid}:1") is False
    assert owner_is_alive(f"elsewhere:{os.getpid()}:1") is None


def test_claims_of_one_item_by_two_connections_have_one_winner(engine: Engine) -> None:
    _add(engine, 20)
    owners = []
    for number in range(25):
        claim = _claim(engine, owner=f"h:{number}:1")
        owners.append(claim.work_item_id if claim else None)
    claimed = [o for o in owners if o]
    assert len(claimed) == len(set(claimed)) == 20


def test_the_frozen_inputs_of_finished_work_stay(engine: Engine) -> None:
    _add(engine)
    claim = _claim(engine)
    assert claim is not None
    with writing(engine) as connection:
        worklist.freeze(connection, claim, {"a": 1}, now=NOW)
        worklist.finish(connection, claim, reason=None, now=NOW)
        assert connection.execute(text("SELECT count(*) FROM work_item WHERE state = 'done'")).scalar() == 1


def test_backlog_counts_what_is_ready_and_what_waits(engine: Engine) -> None:
    _add(engine, 3)
    claim = _claim(engine)
    assert claim is not None
    with writing(engine) as connection:
        worklist.put_back(connection, claim, now=NOW, after_seconds=5)
    with reading(engine) as connection:
        found = backlog(connection, now=NOW)
    assert (found.ready, found.later, found.leased) == (2, 1, 0)


def _add_to(engine: Engine, batch_id: str, count: int, *, lane: Lane = "batch", at: datetime = NOW) -> list[str]:
    with writing(engine) as connection:
        return [
            worklist.add_work(connection, new_id(), batch_id=batch_id, lane=lane, now=at) for _ in range(count)
        ]


def _add_batch(engine: Engine, batch_id: str, unit_id: str) -> None:
    """Note whose a batch is, with nothing else about it."""
    fonds_code = f"F-{unit_id}"
    with writing(engine) as connection:
        insert_new(connection, unit, {"id": unit_id, "kind": "department"})
        insert_new(connection, fonds, {"code": fonds_code, "unit_id": unit_id, "title": fonds_code})
        person = {"id": "p", "kind": "staff", "login": "p", "display_name": "p", "created_at": NOW}
        insert_new(connection, principal, person)
        connection.execute(
            insert(batch).values(
                id=batch_id,
                label=batch_id,
                folder=batch_id,
                unit_id=unit_id,
                fonds_code=fonds_code,
                principal_id="p",
                state="open",
                received_on=NOW.date(),
                received_at=NOW,
            )
        )


def _batches_claimed(engine: Engine, count: int, lanes: Sequence[Lane] = LANES) -> list[str]:
    """Claim so often and return whose turn it was each time."""
    found = []
    for _ in range(count):
        with writing(engine) as connection:
            claim = worklist.claim_next(connection, owner=ME, now=NOW, settings=SETTINGS, lanes=lanes)
            assert claim is not None
            found.append(
                connection.execute(
                    select(work_item.c.batch_id).where(work_item.c.id == claim.work_item_id)
                ).scalar_one()
            )
    return found


def test_a_small_batch_is_not_kept_waiting_by_a_large_one_that_came_first(engine: Engine) -> None:
    _add_to(engine, "large", 200, at=NOW - timedelta(hours=1))
    _add_to(engine, "small", 2)
    assert _batches_claimed(engine, 5) == ["large", "small", "large", "small", "large"]


def test_units_share_alike_however_many_batches_they_have(engine: Engine) -> None:
    for batch_id in ("a1", "a2", "a3"):
        _add_batch(engine, batch_id, "unit-a")
        _add_to(engine, batch_id, 5, at=NOW - timedelta(minutes=1))
    _add_batch(engine, "b1", "unit-b")
    _add_to(engine, "b1", 5)
    turns = _batches_claimed(engine, 6)
    assert turns.count("b1") == 3
    assert {"a1", "a2", "a3"} <= set(turns)


def test_what_somebody_waits_for_comes_first(engine: Engine) -> None:
    _add_to(engine, "old", 3, at=NOW - timedelta(hours=1))
    _add_to(engine, "heavy", 1, lane="heavy", at=NOW - timedelta(hours=2))
    _add_to(engine, "upload", 1, lane="interactive")
    assert _batches_claimed(engine, 3) == ["upload", "heavy", "old"]


def test_a_worker_of_one_lane_takes_nothing_of_another(engine: Engine) -> None:
    _add_to(engine, "heavy", 1, lane="heavy")
    with writing(engine) as connection:
        assert (
            worklist.claim_next(connection, owner=ME, now=NOW, settings=SETTINGS, lanes=["batch", "interactive"])
            is None
        )
    assert _batches_claimed(engine, 1, ["heavy"]) == ["heavy"]


def test_work_that_is_due_later_takes_no_turn(engine: Engine) -> None:
    _add_to(engine, "later", 3, at=NOW + timedelta(seconds=5))
    _add_to(engine, "now", 2)
    assert _batches_claimed(engine, 2) == ["now", "now"]
    assert _claim(engine) is None


def test_work_of_an_older_program_without_its_batch_is_claimed_too(engine: Engine) -> None:
    (work_item_id,) = _add_to(engine, "x", 1)
    with writing(engine) as connection:
        connection.execute(update(work_item).values(batch_id=""))
    claim = _claim(engine)
    assert claim is not None
    assert claim.work_item_id == work_item_id


@pytest.mark.embedded("database")  # the words of SQLite's plan
def test_whose_turn_it_is_is_found_in_the_index_alone(engine: Engine) -> None:
    _add_to(engine, "a", 5)
    query = str(batches_with_work(LANES).compile(engine, compile_kwargs={"literal_binds": True}))
    with reading(engine) as connection:
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    about_work = [step for step in plan if "work_item" in step]
    assert len(about_work) == 2 + len(LANES)
    assert all("COVERING INDEX ix_work_item_turn (state=?" in step for step in about_work)


def test_ready_work_of_a_lane_is_listed_in_turn_and_no_further(engine: Engine) -> None:
    first = _add_to(engine, "a", 4)
    _add_to(engine, "b", 4, lane="heavy")
    with reading(engine) as connection:
        assert sorted(worklist.ready_work(connection, "batch", now=NOW, at_most=10)) == sorted(first)
        assert len(worklist.ready_work(connection, "batch", now=NOW, at_most=3)) == 3
        assert worklist.ready_work(connection, "interactive", now=NOW, at_most=3) == []


def test_a_process_of_another_container_is_not_taken_for_a_dead_one_of_ours() -> None:
    """Containers of one machine share its boot; a process id of one says nothing in another."""
    boot = ME.split("-")[0]
    assert owner_is_alive(f"{boot}-4026539999:{os.getpid()}:1") is None


def test_a_lost_child_is_found_by_its_process_id_and_a_living_one_is_not(engine: Engine) -> None:
    _add(engine, 2)
    assert _claim(engine, owner=GONE) is not None
    assert _claim(engine, owner=ME) is not None
    with reading(engine) as connection:
        assert worklist.lost_owners(connection, 999999) == [GONE]
        assert worklist.lost_owners(connection, 99999) == []
        assert worklist.lost_owners(connection, os.getpid()) == []


@pytest.mark.parametrize(
    ("pages", "length", "waited_for", "lane"),
    [
        (1, 1, True, "interactive"),
        (200, 1 << 20, False, "batch"),
        (201, 1 << 20, True, "heavy"),
        (3, 600 << 20, False, "heavy"),
    ],
)
def test_long_files_wait_in_their_own_lane(pages: int, length: int, waited_for: bool, lane: Lane) -> None:
    assert lane_for(pages=pages, length=length, waited_for=waited_for) == lane
