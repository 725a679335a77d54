"""kill -9 at named places and at random, in a batch of twenty: nothing lost, nothing twice, nothing left.

Each kill takes the whole process group, supervisor and workers and jails, as a power cut would.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import and_, func, select

from archive.database import reading
from archive.tables.holdings import record
from archive.tables.packages import package
from ingest.tables import capture, page_result, work_item

RECORDS = 20
PLACES = ("reading", "commit")  # every other one: test_faults_places
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str]:
    """A home with a batch of twenty records, one to three pages each, waiting to be worked."""
    top = tmp_path_factory.mktemp("kill")
    folder, recordings = top / "scans", top / "recordings"
    rows = []
    for number in range(RECORDS):
        kind = ("pdf", "tif", "jpg", "pdf")[number % 4]
        count = 1 if kind == "jpg" else 1 + number % 3
        name = f"{number:02d}.{kind}"
        drawn = [scans.page(mark=f"{name} {n}", size=(420, 594)) for n in range(count)]
        scans.remember(scans.save_all(drawn, folder / name), recordings, [scans.LINES] * count)
        rows.append({"file": name, "sheets": str(count), "dossier_code": f"HS-{number // 3}"})
    write_manifest(folder, rows)
    home = TestHome(top / "var", recordings)
    assert home.run("init").code == 0
    return home, home.ask("intake", str(folder))["batch"]


def _kept(home: TestHome) -> set[str]:
    """The digests of the pages whose results are kept."""
    engine = home.engine()
    with reading(engine) as connection:
        rows = connection.execute(
            select(capture.c.image_sha256)
            .join(work_item, work_item.c.subject_id == capture.c.item_id)
            .join(
                page_result,
                and_(
                    page_result.c.work_item_id == work_item.c.id,
                    page_result.c.file_index == capture.c.file_index,
                ),
            )
        )
        kept = set(rows.scalars())
    engine.dispose()
    return kept


def _none_read_again(home: TestHome, *, since: int, kept: set[str]) -> None:
    assert not kept & set(home.read_log()[since:]), "a page was read again though its result was kept"


def _check_whole(home: TestHome, batch: str) -> None:
    """Every capture archived once, every record one package, every object its row, doctor clean."""
    receipt = home.ask("batch", "receipt", batch)
    assert Counter(i["state"] for i in receipt["items"]) == {"archived": RECORDS}
    assert receipt["balanced"]
    assert receipt["archived"] == receipt["received"] == receipt["declared"]
    engine = home.engine()
    with reading(engine) as connection:
        deposited = select(func.count()).select_from(package).where(package.c.state == "deposited")
        assert connection.execute(deposited).scalar_one() == RECORDS
        records = select(func.count()).select_from(record).where(record.c.state == "candidate")
        assert connection.execute(records).scalar_one() == RECORDS
        shas = connection.execute(select(package.c.sha256).where(package.c.state == "deposited")).scalars().all()
        assert len(set(shas)) == RECORDS
    engine.dispose()
    assert home.faults() == set()
    running = subprocess.run(["pgrep", "-f", str(home.folder)], capture_output=True, text=True, check=False)
    assert running.stdout == ""


@pytest.mark.parametrize("place", PLACES)
def test_killed_three_times_at_a_place_a_restart_loses_and_repeats_nothing(
    taken: tuple[TestHome, str], tmp_path: Path, place: str
) -> None:
    home, batch = taken[0].copy(tmp_path / "var"), taken[1]
    for count in (1, 3, 2):
        kept, since = _kept(home), len(home.read_log())
        answer = home.run("work", "--workers", "2", "--until-idle", drill=f"{place}:{count}:group")
        assert answer.code == KILLED, f"nothing was killed at {place}: {answer.told}"
        _none_read_again(home, since=since, kept=kept)
    kept, since = _kept(home), len(home.read_log())
    assert home.run("work", "--workers", "2", "--until-idle").code == 0
    _none_read_again(home, since=since, kept=kept)
    _check_whole(home, batch)


def test_killed_ten_times_at_random_a_restart_loses_and_repeats_nothing(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    twin, batch = taken[0].copy(tmp_path / "var"), taken[1]
    slow = {"OCR_ENGINE_URL": f"replay:{twin.recordings}?log={twin.log}&wait_ms=400"}
    home = TestHome(twin.folder, twin.recordings, slow)
    chance = random.Random(20261124)
    for _ in range(10):
        kept, since = _kept(home), len(home.read_log())
        work = home.start("work", "--workers", "2", "--until-idle")
        deadline = time.monotonic() + chance.uniform(0.8, 4.0)
        with pytest.raises(subprocess.TimeoutExpired):
            work.wait(deadline - time.monotonic())
        os.killpg(work.pid, signal.SIGKILL)
        work.communicate()
        _none_read_again(home, since=since, kept=kept)
    assert home.run("work", "--workers", "2", "--until-idle").code == 0
    _check_whole(home, batch)


def test_a_worker_killed_alone_is_replaced_at_once_and_its_item_given_back(
    taken: tuple[TestHome, str], tmp_path: Path
) -> None:
    home, batch = taken[0].copy(tmp_path / "var"), taken[1]
    answer = home.run("work", "--workers", "2", "--until-idle", "--json", drill="put:8")
    assert answer.code == 0
    assert answer.document["deaths"] >= 1
    _check_whole(home, batch)


def test_a_failpoint_alone_in_the_environment_arms_nothing(taken: tuple[TestHome, str], tmp_path: Path) -> None:
    twin = taken[0].copy(tmp_path / "var")
    left_behind = TestHome(twin.folder, twin.recordings, {"SOHOA_FAILPOINT": "claim:1:group"})
    assert left_behind.run("work", "--until-idle").code == 0
    _check_whole(left_behind, taken[1])
