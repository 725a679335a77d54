"""Items that kill whoever works them: set aside with their reason after three deaths, while all others go on."""

from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from deliveries import asked, faults, home_with, states, told, workman_of
from poison import WAYS, work_and_die
from sqlalchemy import select

from console.home import Home, utc_now
from console.settings import read_settings
from ingest.checks import clean_scratch
from ingest.supervisor import Supervisor, spawn_context
from ingest.tables import item, work_item

COUNT = 6
FIRST = "killed-by-SIGKILL"


@pytest.mark.parametrize("ways", [(FIRST,), pytest.param(tuple(WAYS), marks=pytest.mark.drill)])
def test_items_that_kill_their_worker_are_set_aside_and_the_rest_goes_on(
    tmp_path: Path, ways: tuple[str, ...]
) -> None:
    home, lot = home_with(tmp_path, COUNT)
    ids = asked(home, lambda c: list(c.execute(select(item.c.id).order_by(item.c.position)).scalars()))
    poison = dict(zip(ids[1::2], ways, strict=False))
    opened = Home.open(read_settings(home.folder, home.environment))
    context = spawn_context()

    def new_worker() -> BaseProcess:
        return context.Process(target=work_and_die, args=(home.folder, home.environment, poison))

    supervisor = Supervisor(opened.engine, opened.settings.ingest, new_worker, workers=1, now=utc_now)
    done = supervisor.run(until_idle=True)
    opened.engine.dispose()
    assert done.deaths == 3 * len(ways)
    assert states(home) == {"archived": COUNT - len(ways), "waiting": len(ways)}
    query = select(work_item.c.subject_id, work_item.c.state, work_item.c.reason)
    rows = asked(home, lambda c: c.execute(query).all())
    assert {row.subject_id: row.reason for row in rows if row.state == "quarantined"} == poison
    shown = told(home, "batch", "show", lot)
    assert (shown["waits_for"], shown["work"]["quarantined"], shown["balanced"]) == ("mending", len(ways), True)
    assert Counter(one["reason"] for one in shown["items"])["quarantined"] == len(ways)
    assert {one.split()[0] for one in faults(home)} <= {"stray-scratch"}
    told(home, "batch", "retry", lot)
    with workman_of(home) as workman:
        assert workman.run(until_idle=True) == len(ways)
    assert states(home) == {"archived": COUNT}
    clean_scratch(opened.settings.ingest.scratch)
    assert faults(home) == set()
