"""The pipeline against OCRmyPDF on the same files, in CPU-seconds a page, in one run; and a worker's memory.

    make bench

1. Sample scans are made; their PDFs are sorted by colour. 2. For each colour, OCRmyPDF with one job and the whole
pipeline (intake and work, one worker, start-up included) take the same files. 3. The same files are worked once
more with every act of the reader metered, to tell reading (decode, prepare, recognise) from everything else a
worker does; start-up is left out. 4. A worker takes 300 dpi colour pages while its processes' memory is watched.
The table goes to standard output; benchmarks/README.md keeps the last one committed.
"""

import ctypes
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from console.home import Home
from console.samples.write import make_samples
from console.settings import read_settings
from ingest.workman import Workman
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, FileProbe, ReadPage
from ocr.pdfa.rendition import Rendition
from ocr.reader import Reader

RECORDS, SEED = 60, 7
PAGES_EACH = 24
GOALS = {"colour": 0.60, "grey": 0.60, "bitonal": 0.85}
SHARE_GOAL, MEMORY_GOAL_MB = 0.15, 600
SOHOA = Path(sys.executable).with_name("sohoa")
OCRMYPDF = Path(sys.executable).with_name("ocrmypdf")
WATCH_SECONDS = 0.05
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Scans:
    """The files of one colour, how many pages they hold, and how many the first of them does."""

    colour: str
    files: tuple[Path, ...] = ()
    pages: int = 0
    first_pages: int = 0


def sorted_scans(folder: Path) -> list[Scans]:
    """Return the sample PDFs by colour, up to so many pages each."""
    found: dict[str, Scans] = {colour: Scans(colour) for colour in GOALS}
    for line in (folder / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        scans = found[truth["pages"][0]["colour"]]
        if truth["file"].endswith(".pdf") and scans.pages < PAGES_EACH:
            more = len(truth["pages"])
            files = (*scans.files, folder / truth["file"])
            found[scans.colour] = Scans(scans.colour, files, scans.pages + more, scans.first_pages or more)
    return list(found.values())


@contextmanager
def cpu_seconds() -> Iterator[list[float]]:
    """Measure the CPU time of all that is started and ends meanwhile, user and system.

    The jail's outer process does not wait for the inner one: what it leaves comes to this process to be counted.
    """
    spent: list[float] = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield spent
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def by_ocrmypdf(scans: Scans, folder: Path) -> float:
    """Return the CPU-seconds of OCRmyPDF over the files."""
    with cpu_seconds() as spent:
        for file in scans.files:
            command: list[str | Path] = [
                OCRMYPDF,
                "-q",
                "-l",
                "vie",
                "--output-type",
                "pdfa",
                "-j1",
                file,
                folder / "out.pdf",
            ]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return spent[0]


def run_sohoa(folder: Path, *arguments: str | Path) -> None:
    """Run a command of the archive in a folder; it must do its work."""
    environment = os.environ | {"INGEST_SETTLE_SECONDS": "0"}
    command: list[str | Path] = [SOHOA, "--home", folder / "var", *arguments]
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True)


def new_home(folder: Path) -> None:
    """Make an empty archive in a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run_sohoa(folder, "init")


def take_in(files: Sequence[Path], folder: Path) -> None:
    """Take files in as one batch."""
    scans = folder / "scans"
    shutil.rmtree(scans, ignore_errors=True)
    scans.mkdir()
    for file in files:
        shutil.copy(file, scans)
    run_sohoa(folder, "intake", scans)


def by_pipeline(files: Sequence[Path], folder: Path) -> float:
    """Return the CPU-seconds of intake and work over the files, in an archive of its own, start-up included."""
    new_home(folder)
    with cpu_seconds() as spent:
        take_in(files, folder)
        run_sohoa(folder, "work", "--workers", "1", "--until-idle")
    return spent[0]


class MeteredReader(Reader):
    """A reader that adds up the CPU-seconds of its acts: reading pages, and everything else it does."""

    def __init__(self, jail: Jail) -> None:
        super().__init__(jail, "tesseract:?lang=vie", ReadingOptions())
        self._metered = jail
        self.reading = self.others = 0.0

    def read_page(self, path: Path, capture: CaptureProbe, *, following: CaptureProbe | None = None) -> ReadPage:
        """Read, and count it as reading."""
        page = super().read_page(path, capture, following=following)
        self.reading += self._spent()
        return page

    def probe(self, path: Path) -> FileProbe:
        """Look in, and count it as the rest."""
        found = super().probe(path)
        self.others += self._spent()
        return found

    def build(self, *arguments: Any, **named: Any) -> Rendition:
        """Build, and count it as the rest."""
        built = super().build(*arguments, **named)
        self.others += self._spent()
        return built

    def _spent(self) -> float:
        assert self._metered.last_usage is not None
        return self._metered.last_usage.cpu_seconds


def shares_of_work(files: Sequence[Path], folder: Path) -> tuple[float, float]:
    """Return the CPU-seconds of (reading, everything else) of work on the files, in one run, start-up left out.

    The first file is worked before the clock starts: it loads fonts, keys and libraries.
    """
    new_home(folder)
    opened = Home.open(read_settings(folder / "var", os.environ))
    scratch = opened.new_scratch()
    reader = MeteredReader(Jail(scratch))
    desk = replace(opened.desk(), reader=reader, scratch=scratch)
    workman = Workman(desk)
    try:
        take_in(files[:1], folder)
        workman.run(until_idle=True)
        reader.reading = reader.others = 0.0
        take_in(files[1:], folder)
        before = time.process_time()
        workman.run(until_idle=True)
        return reader.reading, time.process_time() - before + reader.others
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)


class MemoryWatch(threading.Thread):
    """Watches the proportional resident memory of a process and all below it; peak in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._ended.wait(WATCH_SECONDS):
            for worker in _children(self._pid):
                self.peak = max(self.peak, resident_tree(worker))

    def end(self) -> int:
        """Stop watching and return the peak of any one worker with its jail."""
        self._ended.set()
        self.join()
        return self.peak


def _children(pid: int) -> list[int]:
    """Return the children of a process, whichever of its threads started them."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def resident_tree(pid: int, name: str = "Pss") -> int:
    """Return the resident bytes of a process and all below it; 0 when it is gone.

    Pages shared by several of the processes are counted once: proportional set sizes add up. name: another of
    them, Pss_Anon for what they hold of their own: it knows no files, whose share falls to whoever has them open.
    """
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith(f"{name}:")), 0)
    return own + sum(resident_tree(child, name) for child in _children(pid))


def memory_of_a_worker(files: Sequence[Path], folder: Path) -> int:
    """Return the peak resident bytes of one worker and its jail on the files."""
    new_home(folder)
    take_in(files, folder)
    command: list[str | Path] = [SOHOA, "--home", folder / "var", "work", "--workers", "1", "--until-idle"]
    work = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    watch = MemoryWatch(work.pid)
    watch.start()
    work.wait()
    return watch.end()


def colour_at_300(folder: Path) -> list[Path]:
    """Return the sample files whose pages are colour at 300 dpi."""
    truths = map(json.loads, (folder / "truth.jsonl").read_text().splitlines())
    return [
        folder / t["file"] for t in truths if t["pages"][0]["colour"] == "colour" and t["pages"][0]["dpi"] == 300
    ]


def machine() -> str:
    """Say what ran this: processor, cores, system, Python."""
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )


def main() -> None:
    """Run everything and print the tables."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="sohoa-bench-") as name:
        top = Path(name)
        make_samples(top / "samples", records=RECORDS, seed=SEED)
        print(f"Machine: {machine()}\n")
        print("| colour | pages | OCRmyPDF | pipeline | ratio | goal | reading | the rest | share of the rest |")
        print("|---|---|---|---|---|---|---|---|---|")
        for scans in sorted_scans(top / "samples"):
            theirs = by_ocrmypdf(scans, top)
            ours = by_pipeline(scans.files, top / "home")
            reading, rest = shares_of_work(scans.files, top / "home")
            worked = scans.pages - scans.first_pages
            print(
                f"| {scans.colour} | {scans.pages} | {theirs / scans.pages:.2f} | {ours / scans.pages:.2f} "
                f"| {ours / theirs:.2f} | {GOALS[scans.colour]} | {reading / worked:.2f} | {rest / worked:.2f} "
                f"| {rest / (reading + rest):.0%} (goal {SHARE_GOAL:.0%}) |",
                flush=True,
            )
        peak = memory_of_a_worker(colour_at_300(top / "samples"), top / "home") / 1e6
        print(f"\nPeak resident memory of a worker with its jail, 300 dpi A4 colour: {peak:.0f} MB", end=" ")
        print(f"(goal {MEMORY_GOAL_MB})")


if __name__ == "__main__":
    main()
