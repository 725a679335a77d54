"""Certified copies over HTTP on the embedded default and on production's engines, in one run.

    .venv/bin/python benchmarks/production_copies.py

The same office is served twice, in processes that take turns: with the catalogue and the store in files, and with
PostgreSQL and MinIO (those of `make servers`: their disks promise nothing there, so neither side waits for one).
Each turn asks for copies of one record one after the other, each under its own key. Milliseconds from request to
the answer that names the issued copy.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from office import API, Office, served

TURNS, COPIES_EACH, WARM_UP = 4, 50, 5
GOAL = 1.5
STACKS = ("embedded", "postgres,minio")


def ask_for_copies(folder: Path) -> list[float]:
    """Return the milliseconds of each of a turn's copies, on the stack this process runs on."""
    office = Office(folder, datetime.now(UTC))
    office.fill()
    spent = []
    with served(office.app()) as client:
        for number in range(WARM_UP + COPIES_EACH):
            form = {
                "record": office.records["open"],
                "purpose": "cấp đổi giấy phép",
                "capacity": "agency",
                "target_system": "dvc",
                "target_dossier": f"000.00.19.H99-{number}",
            }
            begun = time.perf_counter()
            answer = client.post(
                f"{API}/copies",
                json=form,
                headers={**office.bearer("officer"), "Idempotency-Key": f"k-{number:04d}"},
            )
            took = (time.perf_counter() - begun) * 1000
            assert answer.status_code == 201, answer.text
            if number >= WARM_UP:
                spent.append(took)
    office.close()
    return spent


def main() -> int:
    """Let both take turns and print; return 1 if the goal is missed."""
    spent: dict[str, list[float]] = {name: [] for name in STACKS}
    for _ in range(TURNS):
        for name in STACKS:
            done = subprocess.run(
                [sys.executable, __file__, "--turn"],
                env={**os.environ, "SOHOA_TEST_STACK": name},
                stdout=subprocess.PIPE,
                check=True,
            )
            spent[name] += json.loads(done.stdout)
    p95 = {name: statistics.quantiles(times, n=20)[18] for name, times in spent.items()}
    print("| copies over HTTP | p50 ms | p95 ms |\n|---|---|---|")
    for name, times in spent.items():
        print(f"| {name} | {statistics.median(times):.0f} | {p95[name]:.0f} |")
    ratio = p95[STACKS[1]] / p95[STACKS[0]]
    print(f"\np95 ratio {ratio:.2f} (goal {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    if "--turn" in sys.argv:
        with tempfile.TemporaryDirectory() as made:
            print(json.dumps(ask_for_copies(Path(made))))
    else:
        raise SystemExit(main())
