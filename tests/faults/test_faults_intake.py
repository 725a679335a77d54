"""Intake killed half way: the same command on the same folder goes on where it stopped, and nothing is twice."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import func, select

from archive.database import reading
from ingest.tables import batch, item

FILES = 30


def _taken(home: TestHome) -> int:
    engine = home.engine()
    with reading(engine) as connection:
        count = connection.execute(select(func.count()).select_from(item)).scalar_one()
    engine.dispose()
    return int(count)


@pytest.mark.parametrize("after", [1, 12])
def test_a_killed_intake_goes_on_in_the_same_batch(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "scans"
    names = [f"{number:02d}.jpg" for number in range(FILES)]
    for name in names:
        scans.save(scans.page(mark=name, size=(420, 594)), folder / name)
    write_manifest(
        folder, [{"file": name, "sheets": "1"} for name in names] + [{"file": "thiếu.jpg", "sheets": "1"}]
    )
    home = TestHome(tmp_path / "var", tmp_path)
    home.run("init")
    intake = home.start("intake", str(folder))
    while _taken(home) < after:
        assert intake.poll() is None, "intake ended before it could be killed"
        with pytest.raises(subprocess.TimeoutExpired):
            intake.wait(0.02)
    os.killpg(intake.pid, signal.SIGKILL)
    intake.communicate()
    assert _taken(home) < FILES
    taken = home.ask("intake", str(folder))
    engine = home.engine()
    with reading(engine) as connection:
        assert connection.execute(select(batch.c.id)).scalars().all() == [taken["batch"]]
    engine.dispose()
    receipt = home.ask("batch", "receipt", taken["batch"])
    assert [i["file"] for i in receipt["items"]] == names
    assert (receipt["declared"], receipt["missing"], receipt["received"]) == (FILES + 1, 1, FILES)
    assert receipt["balanced"]
    assert home.faults() == set()
