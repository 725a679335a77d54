"""The pipeline against OCRmyPDF on the same files, in CPU-seconds a page, in one run; and a worker's memory.

    make bench

1. Sample scans are made; their PDFs are sorted by colour. 2. For each colour, OCRmyPDF with one job and the whole
pipeline (intake and work, one worker, start-up included) take the same files. 3. The same pages are read alone,
in the jail, to tell reading (decode, prepare, recognise) from everything else; start-up is told apart by working
one file and then all. 4. A worker takes 300 dpi colour pages while the memory of its processes is watched.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from console.samples.write import make_samples
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
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
    """The files of one colour and how many pages they hold."""

    colour: str
    files: list[Path] = field(default_factory=list)
    pages: int = 0


def sorted_scans(folder: Path) -> list[Scans]:
    """Return the sample PDFs by colour, up to so many pages each."""
    found: dict[str, Scans] = {colour: Scans(colour) for colour in GOALS}
    for line in (folder / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        scans = found[truth["pages"][0]["colour"]]
        if truth["file"].endswith(".pdf") and scans.pages < PAGES_EACH:
            scans.files.append(folder / truth["file"])
            found[scans.colour] = Scans(scans.colour, scans.files, scans.pages + len(truth["pages"]))
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
            command = [OCRMYPDF, "-q", "-l", "vie", "--output-type", "pdfa", "-j1", file, folder / "out.pdf"]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return spent[0]


def by_pipeline(files: Sequence[Path], folder: Path) -> float:
    """Return the CPU-seconds of intake and work over the files, in an archive of its own."""
    scans = folder / "scans"
    shutil.rmtree(folder, ignore_errors=True)
    scans.mkdir(parents=True)
    for file in files:
        shutil.copy(file, scans)
    home = ["--home", str(folder / "var")]
    quiet = {"env": os.environ | {"INGEST_SETTLE_SECONDS": "0"}, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run([SOHOA, *home, "init"], **quiet)
    with cpu_seconds() as spent:
        subprocess.run([SOHOA, *home, "intake", scans], **quiet)
        subprocess.run([SOHOA, *home, "work", "--workers", "1", "--until-idle"], **quiet)
    return spent[0]


def reading_alone(files: Sequence[Path], folder: Path) -> float:
    """Return the CPU-seconds that reading every page of the files takes inside the jail."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    jail = Jail(scratch)
    reader = Reader(jail, "tesseract:?lang=vie", ReadingOptions())
    total = 0.0
    try:
        for file in files:
            for capture in reader.probe(file).captures:
                reader.read_page(file, capture)
                assert jail.last_usage is not None
                total += jail.last_usage.cpu_seconds
    finally:
        reader.close()
    return total


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
                self.peak = max(self.peak, _resident(worker))

    def end(self) -> int:
        """Stop watching and return the peak of any one worker with its jail."""
        self._ended.set()
        self.join()
        return self.peak


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    """Pages shared by several of the processes are counted once: proportional set sizes add up."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own + sum(_resident(child) for child in _children(pid))


def memory_of_a_worker(files: Sequence[Path], folder: Path) -> int:
    """Return the peak resident bytes of one worker and its jail on 300 dpi colour pages."""
    by_pipeline([], folder)
    for file in files:
        shutil.copy(file, folder / "scans")
    home = ["--home", str(folder / "var")]
    quiet = {"env": os.environ | {"INGEST_SETTLE_SECONDS": "0"}, "stderr": subprocess.DEVNULL}
    subprocess.run([SOHOA, *home, "intake", folder / "scans"], check=True, **quiet)
    work = subprocess.Popen([SOHOA, *home, "work", "--workers", "1", "--until-idle"], **quiet)
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
        print("| colour | pages | OCRmyPDF | pipeline | ratio | goal | reading alone | the rest, start-up apart |")
        print("|---|---|---|---|---|---|---|---|")
        for scans in sorted_scans(top / "samples"):
            theirs = by_ocrmypdf(scans, top)
            ours = by_pipeline(scans.files, top / "home")
            first = by_pipeline(scans.files[:1], top / "home")
            reading = reading_alone(scans.files, top)
            reading_first = reading_alone(scans.files[:1], top)
            rest = ((ours - first) - (reading - reading_first)) / (ours - first)
            print(
                f"| {scans.colour} | {scans.pages} | {theirs / scans.pages:.2f} | {ours / scans.pages:.2f} "
                f"| {ours / theirs:.2f} | {GOALS[scans.colour]} | {reading / scans.pages:.2f} | {rest:.0%} |",
                flush=True,
            )
        peak = memory_of_a_worker(colour_at_300(top / "samples"), top / "home") / 1e6
        print(f"\nPeak resident memory of a worker with its jail, 300 dpi A4 colour: {peak:.0f} MB", end=" ")
        print(f"(goal {MEMORY_GOAL_MB})")


if __name__ == "__main__":
    main()
