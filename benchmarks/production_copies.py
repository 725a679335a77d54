"""Certified copies over HTTP on the embedded default and on production's engines, in one run.

    .venv/bin/python benchmarks/production_copies.py

The same office is served by two processes at once: with the catalogue and the store in files, and with PostgreSQL
and MinIO (those of `make servers`: their disks promise nothing there, so neither side waits for one). They take
turns copy by copy, each for one record under its own key. Milliseconds from request to the answer that names the
issued copy.
"""

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

COPIES, WARM_UP = 200, 10
GOAL = 1.5
STACKS = ("embedded", "postgres,minio")


def serve_copies(folder: Path) -> None:
    """Ask for a copy at each line that comes in, and print its milliseconds; end with the input."""
    office = Office(folder, datetime.now(UTC))
    office.fill()
    with served(office.app()) as client:
        for number, _ in enumerate(sys.stdin):
            form = {
                "record": office.records["open"],
                "purpose": "cấp đổi giấy phép",
                "capacity": "agency",
                "target_system": "dvc",
                "target_dossier": f"000.00.19.H99-{number}",
            }
            headers = {**office.bearer("officer"), "Idempotency-Key": f"k-{number:04d}"}
            begun = time.perf_counter()
            answer = client.post(f"{API}/copies", json=form, headers=headers)
            took = (time.perf_counter() - begun) * 1000
            assert answer.status_code == 201, answer.text
            print(took, flush=True)
    office.close()


def ask(side: "subprocess.Popen[str]") -> float:
    """Have a side issue one copy and return its milliseconds."""
    assert side.stdin is not None
    assert side.stdout is not None
    side.stdin.write("\n")
    side.stdin.flush()
    return float(side.stdout.readline())


def main() -> int:
    """Let both take turns and print; return 1 if the goal is missed."""
    sides = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env={**os.environ, "SOHOA_TEST_STACK": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in STACKS
    ]
    rounds = [[ask(side) for side in sides] for _ in range(WARM_UP + COPIES)][WARM_UP:]
    for side in sides:
        side.communicate()
    print("| copies over HTTP | p50 ms | p95 ms |\n|---|---|---|")
    p95 = []
    for name, times in zip(STACKS, zip(*rounds, strict=True), strict=True):
        p95.append(statistics.quantiles(times, n=20)[18])
        print(f"| {name} | {statistics.median(times):.0f} | {p95[-1]:.0f} |")
    ratio = p95[1] / p95[0]
    print(f"\np95 ratio {ratio:.2f} (goal {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        with tempfile.TemporaryDirectory() as made:
            serve_copies(Path(made))
    else:
        raise SystemExit(main())
