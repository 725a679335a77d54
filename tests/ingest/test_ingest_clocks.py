"""Leases when the clock jumps: nothing is worked twice, nothing waits for a time that never comes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stack
from sqlalchemy import Engine, select

from archive.database import reading, writing
from ingest import worklist
from ingest.owners import owner_name
from ingest.settings import IngestSettings
from ingest.sweeping import sweep
from ingest.tables import work_item
from ingest.watch import Patience

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
SETTINGS = IngestSettings(staging_url="memory:", scratch=Path("scratch"))
ELSEWHERE = "elsewhere:1:1"  # a process whose life cannot be judged from here
LEAP = [timedelta(days=-1), timedelta(days=3650), timedelta(days=-3650)]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return stack.new_engine(tmp_path)


def _claim(engine: Engine, owner: str, now: datetime) -> worklist.Claim | None:
    with writing(engine) as connection:
        return worklist.claim_next(connection, owner=owner, now=now, settings=SETTINGS)


def _sweep(engine: Engine, now: datetime, *, judge: bool = True) -> int:
    with writing(engine) as connection:
        return sweep(connection, now=now, settings=SETTINGS, judge=judge)


def _add(engine: Engine, now: datetime) -> None:
    with writing(engine) as connection:
        worklist.add_work(connection, "item-1", batch_id="b", lane="batch", now=now)


def test_a_lease_given_by_a_clock_that_was_set_back_ends_one_lease_from_now(engine: Engine) -> None:
    _add(engine, NOW)
    assert _claim(engine, ELSEWHERE, NOW + timedelta(days=3650)) is not None
    assert _sweep(engine, NOW) == 0
    assert _sweep(engine, NOW + timedelta(seconds=SETTINGS.lease_seconds - 1)) == 0
    assert _sweep(engine, NOW + timedelta(seconds=SETTINGS.lease_seconds + 1)) == 1
    assert _claim(engine, "other:1:1", NOW + timedelta(seconds=SETTINGS.lease_seconds + 2)) is not None


def test_work_due_by_a_clock_that_was_set_back_is_due_now(engine: Engine) -> None:
    _add(engine, NOW + timedelta(days=3650))
    assert _claim(engine, ELSEWHERE, NOW) is None
    _sweep(engine, NOW)
    assert _claim(engine, ELSEWHERE, NOW) is not None


def test_a_dead_owner_of_this_host_is_seen_whatever_the_clock_says(engine: Engine) -> None:
    for leap in LEAP:
        with writing(engine) as connection:
            connection.execute(work_item.delete())
        _add(engine, NOW + min(leap, timedelta()))
        gone = owner_name().rpartition(":")[0] + ":1"  # this process id, begun at another time
        assert _claim(engine, gone, NOW) is not None
        assert _sweep(engine, NOW + leap, judge=False) == 1


@pytest.mark.parametrize("leap", LEAP)
def test_a_living_owner_renews_before_leases_are_judged_after_a_jump(engine: Engine, leap: timedelta) -> None:
    clock, steady = NOW, 1000.0
    patience = Patience(SETTINGS, lambda: clock, steady=lambda: steady)
    _add(engine, min(NOW, NOW + leap))
    claim = _claim(engine, ELSEWHERE, clock)
    assert claim is not None
    assert patience.may_judge()
    clock, steady = clock + leap + timedelta(seconds=5), steady + 5
    assert not patience.may_judge()
    assert _sweep(engine, clock, judge=patience.may_judge()) == 0
    clock, steady = clock + timedelta(seconds=15), steady + 15
    with writing(engine) as connection:
        worklist.renew(connection, claim, now=clock, settings=SETTINGS)  # its heartbeat, by the new clock
    clock, steady = clock + timedelta(seconds=46), steady + 46
    assert patience.may_judge()
    assert _sweep(engine, clock, judge=True) == 0
    clock, steady = clock + timedelta(seconds=60), steady + 60
    assert patience.may_judge()
    assert _sweep(engine, clock, judge=True) == 1  # it died after its last sign of life
    with reading(engine) as connection:
        assert connection.execute(select(work_item.c.fence)).scalar_one() == 1


def test_after_the_catalogue_was_away_leases_are_not_judged_for_one_lease(engine: Engine) -> None:
    passed = [0.0]
    patience = Patience(SETTINGS, lambda: NOW + timedelta(seconds=passed[-1]), steady=lambda: passed[-1])
    assert patience.may_judge()
    patience.away()
    for seconds, may in ((1.0, False), (59.0, False), (61.0, True)):
        passed.append(seconds)
        assert patience.may_judge() is may
