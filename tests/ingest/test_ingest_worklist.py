"""The work list: one holder at a time, leases, fences, deaths and interruptions."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from archive.database import reading, writing
from archive.identifiers import new_id
from ingest import worklist
from ingest.errors import LeaseLost
from ingest.settings import IngestSettings
from ingest.tables import work_item

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SETTINGS = IngestSettings(staging_url="memory:", scratch=Path("scratch"))
ME = worklist.owner_name()
GONE = f"{ME.split(':')[0]}:999999:1"


def _add(engine: Engine, count: int = 1) -> None:
    with writing(engine) as connection:
        for _ in range(count):
            worklist.add_work(connection, new_id(), lane="batch", now=NOW)


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
        worklist.sweep(connection, now=NOW, settings=SETTINGS)
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
        worklist.sweep(connection, now=NOW, settings=SETTINGS)
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
            worklist.sweep(connection, now=later + timedelta(seconds=30), settings=SETTINGS)
        assert _state(engine)[0] == "leased"
        with writing(engine) as connection:
            worklist.sweep(connection, now=later + timedelta(seconds=61), settings=SETTINGS)
        assert _state(engine) == ("quarantined" if count == 10 else "ready", 0, count)


def test_a_lease_whose_process_is_gone_is_given_back_before_it_runs_out(engine: Engine) -> None:
    _add(engine)
    assert _claim(engine, owner=GONE) is not None
    with writing(engine) as connection:
        assert worklist.sweep(connection, now=NOW, settings=SETTINGS) == 1
    assert _state(engine) == ("ready", 0, 1)


def test_a_living_holder_is_left_alone(engine: Engine) -> None:
    _add(engine)
    assert _claim(engine) is not None
    with writing(engine) as connection:
        assert worklist.sweep(connection, now=NOW, settings=SETTINGS) == 0


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
    assert worklist.owner_is_alive(ME) is True
    boot, pid, _ = ME.split(":")
    assert worklist.owner_is_alive(f"{boot}:{pid}:1") is False
    assert worklist.owner_is_alive(f"elsewhere:{os.getpid()}:1") is None


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
        found = worklist.backlog(connection, now=NOW)
    assert (found.ready, found.later, found.leased) == (2, 1, 0)
