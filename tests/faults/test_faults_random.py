"""Two hundred kills at random of everything a home does, on files and on servers: nothing acknowledged is lost.

SOHOA_KILLS: how many instead. What a command answered before it was killed is what was acknowledged.
"""

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import scans
import stack
from home_of_tests import TestHome, write_manifest
from killing import Killer, killing, orphans, scratch_left
from sqlalchemy import select

from archive.database import reading
from archive.tables.holdings import effect, hold, record
from archive.tables.packages import package
from ingest.tables import item, work_item

pytestmark = [pytest.mark.drill, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("SOHOA_KILLS", "200"))
FOLDER_FILES = 2
# A lease outlasts no kill by long, and no item is given up for being in a worker's hands so often.
SETTINGS = {"INGEST_LEASE_SECONDS": "6", "INGEST_HEARTBEAT_SECONDS": "1", "INGEST_SWEEP_SECONDS": "1"}


@dataclass
class Clerk:
    """Does the acts of a home, each killed as chance has it and given again until it is answered.

    Everything that was answered is kept: batches by their folder, holds, effects.
    """

    killer: Killer
    top: Path
    chance: random.Random
    folders: int = 0
    batches: dict[Path, str] = field(default_factory=dict)
    holds: set[str] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)

    def until_answered(self, *command: str, longest: float = 1.5) -> Any:
        """Give a command again and again until it is answered before it is killed."""
        while (answer := self.killer.kill_after(self.chance.uniform(0.05, longest), *command)) is None:
            longest *= 1.5
        return answer

    def take_in(self) -> None:
        folder = self.top / f"scans-{self.folders}"
        rows = []
        for number in range(FOLDER_FILES):
            name, count = f"{self.folders}-{number}.pdf", 1 + number
            drawn = [scans.page(mark=f"{name} {n}", size=(210, 297)) for n in range(count)]
            scans.remember(scans.save_all(drawn, folder / name), self.top / "recordings", [scans.LINES] * count)
            rows.append({"file": name, "sheets": str(count)})
        write_manifest(folder, rows)
        self.folders += 1
        self.batches[folder] = self.until_answered("intake", str(folder))["batch"]

    def work(self) -> None:
        self.killer.kill_after(self.chance.uniform(0.3, 8.0), "one-worker")

    def accept(self) -> None:
        self.until_answered("batch", "accept", self.chance.choice(list(self.batches.values())))

    def hold(self) -> None:
        if (record_id := self._any_record()) is not None:
            self.holds.add(self.until_answered("hold", "place", record_id, "--basis", "QĐ")["hold"])

    def give_effect(self) -> None:
        if (record_id := self._any_record()) is not None:
            words = ("suspended", "--on", "2026-01-02", "--basis", f"QĐ {len(self.effects)}")
            self.effects.add(self.until_answered("record", "effect", record_id, *words)["effect"])

    def _any_record(self) -> str | None:
        listed = self.killer.run("record", "list")["records"]
        return str(self.chance.choice(listed)["record"]) if listed else None


def _end_well(clerk: Clerk) -> int:
    """Let everything come to its end; return how many items had to be put back on the list by hand.

    An item that was in a worker's hands at ten of the kills is quarantined with that reason, as it should be.
    """
    killer, put_back = clerk.killer, Counter(_waiting(clerk.killer.home))["quarantined"]
    for batch in {one["batch"] for one in killer.run("batch", "list")["batches"]}:
        killer.run("batch", "retry", batch)
    for _ in range(20):
        killer.run("one-worker")
        if not any(_waiting(killer.home)):
            break
    for one in killer.run("batch", "list")["batches"]:
        killer.run("batch", "accept", one["batch"], "--word", "đã xem")
    return put_back


def _waiting(home: TestHome) -> list[str]:
    engine = home.engine()
    with reading(engine) as connection:
        found = list(connection.execute(select(work_item.c.state).where(work_item.c.state != "done")).scalars())
    engine.dispose()
    return found


def _figures(clerk: Clerk) -> dict[str, int]:
    """Count what was acknowledged and is not there, what is there twice, and what has come to no end."""
    engine = clerk.killer.home.engine()
    with reading(engine) as connection:
        sources = connection.execute(
            select(item.c.sha256, item.c.record_id).where(item.c.state == "archived")
        ).all()
        holds = set(connection.execute(select(hold.c.id)).scalars())
        effects = set(connection.execute(select(effect.c.id)).scalars())
        states = Counter(connection.execute(select(record.c.state)).scalars())
        packages = (
            connection.execute(select(package.c.sha256).where(package.c.state == "deposited")).scalars().all()
        )
        batches = set(connection.execute(select(item.c.batch_id)).scalars())
    engine.dispose()
    expected = clerk.folders * FOLDER_FILES
    digests = Counter(sha256 for sha256, _ in sources)
    lost = expected - len(digests) + len(clerk.holds - holds) + len(clerk.effects - effects)
    return {
        "lost": lost + len(set(clerk.batches.values()) - batches),
        "doubled": sum(n - 1 for n in digests.values()) + len(packages) - len(set(packages)),
        "non-terminal": len(_waiting(clerk.killer.home))
        + sum(states.values())
        - states["accepted"]
        - states["void"],
    }


@pytest.mark.parametrize("servers", [False, True], ids=["embedded", "production"])
def test_killed_at_random_everything_acknowledged_is_there_and_everything_ends(
    tmp_path: Path, servers: bool
) -> None:
    if servers:
        stack.put_on_servers(tmp_path / "var", "database", "store")
    home = TestHome(tmp_path / "var", tmp_path / "recordings", SETTINGS)
    home.run("init")
    with killing(home) as killer:
        clerk = Clerk(killer, tmp_path, random.Random(20261129))
        acts = (clerk.take_in, clerk.work, clerk.work, clerk.work, clerk.accept, clerk.hold, clerk.give_effect)
        clerk.take_in()
        while killer.kills < KILLS:
            clerk.chance.choice(acts[1:] if clerk.folders > 1 + killer.kills // 12 else acts)()
        put_back = _end_well(clerk)
        figures = _figures(clerk)
        findings = killer.run("doctor")["findings"]
    figures |= {"orphan processes": len(orphans(home)), "scratch left": len(scratch_left(home))}
    told = f"{killer.kills} kills, {clerk.folders * FOLDER_FILES} files, {len(clerk.holds)} holds, "
    told += f"{len(clerk.effects)} effects acknowledged, {put_back} items quarantined and put back"
    print(f"{told}: {figures}")
    assert set(figures.values()) == {0}
    assert findings == []
