"""Verifying a copy of six pages in a warm jail, with the register at hand: CPU-ms of one verification.

    .venv/bin/python benchmarks/verify.py

1. A rendition of six pages is built from drawn scans, signed as a copy and entered in a register. 2. It is
verified many times, with the register and without; what is counted is the CPU of the jailed call and of this
process together (digest, roots, look-ups, the pipe). The first ones are not counted: a server's jail is warm.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import issued
import marked_pages
from holdings import Holdings

from archive.identifiers import new_id
from ocr.jail.parent import Jail
from search_api.copies.stamp import CopyMark, sign_copy
from search_api.copies.verify import exit_code, prepare_jail, verify_file

ROUNDS, WARM_UP = 60, 5
GOAL_MS = 60


def six_page_copy(folder: Path, now: datetime) -> tuple[Path, Engine, Sequence[x509.Certificate]]:
    """Issue a copy of six pages; return it, the register it is in and the root it leads to."""
    held = Holdings(folder / "home", now)
    (folder / "pages").mkdir()
    rendition, facts = marked_pages.built(marked_pages.SHEETS["six pages"], folder / "pages", made_at=now)
    content = marked_pages.content_of(facts, folder / "pages")
    serial = new_id()
    mark = CopyMark(
        kind="office-copy",
        agency_id="so-a",
        agency_name="Đơn vị so-a",
        number_text="01/2026",
        book=1,
        archive_number=content.archive_number,
        serial=serial,
        url=f"https://xacminh.example.vn/v/{serial}",
    )
    copy = folder / "copy.pdf"
    sign_copy(rendition, copy, content=content, mark=mark, signer=held.signer, signed_at=now, timestamp_url=None)
    issued.enter(held, held.deposit(), copy, mark, at=now)
    return copy, held.engine, held.signer.credential(f"copies:{mark.agency_id}").chain[-1:]


def measure(
    copy: Path, engine: Engine | None, roots: Sequence[x509.Certificate], jail: Jail, now: datetime
) -> tuple[float, float]:
    """Return the CPU milliseconds of one verification: in the jail and in this process, each the median."""
    inside, outside = [], []
    for _ in range(ROUNDS + WARM_UP):
        before = time.process_time()
        report = verify_file(copy, engine=engine, roots=roots, jail=jail, now=now)
        outside.append((time.process_time() - before) * 1000)
        assert exit_code(report) == (0 if engine is not None else 4), report
        assert jail.last_usage is not None
        inside.append(jail.last_usage.cpu_seconds * 1000)
    return statistics.median(inside[WARM_UP:]), statistics.median(outside[WARM_UP:])


def main() -> None:
    """Print the rows of the table in benchmarks/README.md."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy, engine, roots = six_page_copy(folder, now)
        size = copy.stat().st_size
        with Jail(folder) as jail:
            prepare_jail(jail)
            rows = {
                "with the register": measure(copy, engine, roots, jail, now),
                "with the root alone": measure(copy, None, roots, jail, now),
            }
        engine.dispose()
    print(f"| a copy of six pages, {size // 1024} KiB | in the jail | outside | CPU-ms (goal {GOAL_MS}) |")
    print("|---|---|---|---|")
    for told, (inside, outside) in rows.items():
        print(f"| {told} | {inside:.0f} | {outside:.1f} | {inside + outside:.0f} |")


if __name__ == "__main__":
    main()
