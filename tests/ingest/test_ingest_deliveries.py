"""Every claim and every message three times, in any order: the result is that of one delivery each."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from deliveries import asked, check_whole, desk_of, home_with
from home_of_tests import TestHome
from sqlalchemy import select

from archive.database import reading, writing
from archive.errors import ObjectNotFound
from archive.tables.holdings import record
from archive.tables.packages import package
from ingest import worklist
from ingest.errors import LeaseLost
from ingest.pipeline import process_item
from ingest.tables import item, work_item
from ingest.worklist import Claim
from ingest.workman import Workman


def _result(home: TestHome) -> Counter[tuple[Any, ...]]:
    """What came of a home: of each file its state, its bytes, its record's state and how many packages it has."""
    query = (
        select(item.c.file, item.c.state, item.c.sha256, record.c.state, package.c.state, package.c.kind)
        .join(record, record.c.id == item.c.record_id)
        .join(package, package.c.record_id == record.c.id)
    )
    return Counter(tuple(row) for row in asked(home, lambda c: c.execute(query).all()))


def _deliver_three_times(home: TestHome, count: int, seed: int) -> tuple[int, int]:
    """Have each claim worked three times and each ring heard three times, in random order by two workers.

    A claim is delivered again by giving its lease up while its first holder works on: every step of a stale holder
    comes beside those of the newer ones. Returns (claims worked, leases found lost).
    """
    chance = random.Random(seed)
    lost = worked = 0
    with desk_of(home) as desk:
        claims: list[Claim] = []
        for _ in range(3):
            with writing(desk.engine) as connection:
                while (
                    claim := worklist.claim_next(connection, owner="o:1:1", now=desk.now(), settings=desk.settings)
                ) is not None:
                    claims.append(claim)
                connection.execute(work_item.update().values(state="ready", owner=None, lease_until=None))
        assert len(claims) == 3 * count
        with writing(desk.engine) as connection:
            # The newest of the three holds it now; the two before it know nothing of that.
            newest = {claim.work_item_id: claim for claim in claims}
            for claim in newest.values():
                connection.execute(
                    work_item.update()
                    .where(work_item.c.id == claim.work_item_id)
                    .values(state="leased", owner=claim.owner, lease_until=desk.now())
                )
        chance.shuffle(claims)
        for claim in claims:
            worked += 1
            try:
                process_item(desk, claim)
            except (LeaseLost, ObjectNotFound):  # what it began with is released, for it is archived by then
                lost += 1
                with pytest.raises(LeaseLost), writing(desk.engine) as connection:
                    worklist.fail(connection, claim, reason="stale", now=desk.now(), settings=desk.settings)
        rings = [claim.work_item_id for claim in claims] * 3
        chance.shuffle(rings)
        workman = Workman(desk)
        for _ in rings:  # as `ingest.tasks` answers one: whatever is ready in its lane, if anything is
            workman.work_one(["batch"])
        with reading(desk.engine) as connection:
            assert set(connection.execute(select(work_item.c.state)).scalars()) == {"done"}
    return worked, lost


def _compare(top: Path, count: int, seed: int) -> None:
    once, lot = home_with(top, count)
    thrice = once.copy(top / "thrice")
    with desk_of(once) as desk:
        assert Workman(desk).run(until_idle=True) == count
    worked, lost = _deliver_three_times(thrice, count, seed)
    assert _result(thrice) == _result(once)
    assert sum(_result(thrice).values()) == count
    check_whole(thrice, lot, count)
    print(f"{worked} claims of {count} items worked in random order (seed {seed}): {lost} found their lease lost")
    assert lost == 2 * count


def test_a_dozen_items_delivered_three_times_are_archived_once(tmp_path: Path) -> None:
    _compare(tmp_path, 12, seed=20261129)


@pytest.mark.drill
def test_a_thousand_items_delivered_three_times_are_archived_once(tmp_path: Path) -> None:
    _compare(tmp_path, 1000, seed=20261130)
