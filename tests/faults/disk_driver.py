"""Works one home's items in a process whose every k-th write below a folder is refused by the loaded `refuse.c`.

Arguments: home folder, the folder below which writes are refused, errno; settings come from the environment.
Prints one JSON line: how many writes were refused, how many calls the last attempt made, what the batches said.
"""

import ctypes
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from archive.database import reading
from console.home import Home
from console.settings import read_settings
from ingest import workman
from ingest.batch_state import reason_of
from ingest.tables import batch, item, work_item
from ingest.watch import look_after
from ingest.workman import Workman


def main(folder: Path, below: str, number: int) -> dict[str, Any]:
    """Refuse each write in turn until an attempt meets none."""
    workman.AWAY_SECONDS = workman.GIVEN_BACK_SECONDS = 0.0
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    home = Home.open(read_settings(folder, os.environ))
    home.engine.dispose()
    clock = datetime.now(UTC)
    desk = replace(home.desk(), now=lambda: clock)
    pauses: set[str] = set()
    refused, at = 0, 0
    try:
        while at < 2000:
            at += 1
            clock += timedelta(hours=1)
            shim.refuse_arm(below.encode(), at, number)
            Workman(desk).work_one()
            hit, calls = bool(shim.refuse_done()), shim.refuse_calls()
            shim.refuse_arm(b"", 0, 0)
            refused += hit
            with reading(desk.engine) as connection:
                rows = connection.execute(select(batch)).all()
                pauses |= {reason_of(row).reason or "" for row in rows if row.state == "paused"}
                counted = connection.execute(
                    select(func.sum(work_item.c.deaths + work_item.c.failures + work_item.c.interruptions))
                ).scalar_one()
                left = connection.execute(
                    select(func.count()).select_from(item).where(item.c.state == "waiting")
                ).scalar_one()
            clock += timedelta(hours=1)
            look_after(desk.engine, desk.settings, now=clock)
            if not hit:
                Workman(desk).run(until_idle=True)
                return {
                    "refused": refused,
                    "calls": calls,
                    "pauses": sorted(pauses),
                    "counted": counted,
                    "left": left,  # before the last run, which meets no refusal
                }
    finally:
        desk.close()
        home.engine.dispose()
    raise SystemExit("no attempt met no refusal")


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
