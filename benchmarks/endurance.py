"""Whether a reader's memory stays flat over a long day: thousands of pages through one reader and its jail.

    make bench-endurance

1. Small scans are drawn, six pages a file, in every container. 2. Each is looked into, read page by page and
built, as a worker does it, until so many pages are done; after every 50 it is noted what this process and its
jail hold of their own at rest, and the most they had resident meanwhile. 3. The first and last tenth and the slope
are told: at rest is where a leak would show, for each act runs in a child of its own. 4. Colour pages of A4 at 300
dpi go through the same reader: the most it takes. benchmarks/README.md keeps the last figures.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import scans
from PIL import Image
from reading import machine, resident_tree

from ocr.errors import PageFailed
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.page import PageText
from ocr.reader import Reader

PAGES, EVERY, PAGES_EACH = 2000, 50, 6
SMALL = (413, 583)  # A6 at 100 dpi
A4_300 = (2480, 3508)
WATCH_SECONDS = 0.05
MADE_AT = datetime(2026, 11, 24, tzinfo=UTC)
MARKS = ((90.0, 20.0), (90.0, 20.0))
GOAL_MB, FLAT_MB = 600, 10  # the most of a worker; growth over all pages that is still called none


class Watch(threading.Thread):
    """Watches the proportional memory of this process and all below it; the most in bytes since last asked."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._most = 0

    def run(self) -> None:
        while not self._ended.wait(WATCH_SECONDS):
            self._most = max(self._most, resident_tree(os.getpid()))

    def most(self) -> int:
        """Return the most seen since the last call."""
        found, self._most = self._most, 0
        return found

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()
        self.join()


@dataclass(frozen=True)
class Sample:
    """Memory after so many pages, in bytes.

    rest: what this process and its jail hold of their own at rest. most: the most resident since the sample
    before, files and libraries included.
    """

    pages: int
    rest: int
    most: int


def small_scans(folder: Path, count: int) -> list[Path]:
    """Draw files of six small pages in every container; no two pages are alike."""
    kinds = (".pdf", ".tif", ".jpg", ".png")
    made: list[Path] = []
    for number in range(count):
        pages = [
            scans.page((f"Điều {number}", f"Số {page}"), mark=f"{number}-{page}", size=SMALL)
            for page in range(PAGES_EACH)
        ]
        kind = kinds[number % 4]
        if kind in (".pdf", ".tif"):
            made.append(scans.save_all(pages, folder / f"{number}{kind}"))
        else:
            made += [scans.save(page, folder / f"{number}-{n}{kind}") for n, page in enumerate(pages)]
    return made


def take(reader: Reader, file: Path, out: Path) -> int:
    """Take one file as a worker does; return how many pages it has. A page that can't be read is built without."""
    probe = reader.probe(file)
    texts: list[PageText | None] = []
    for capture, following in zip_longest(probe.captures, probe.captures[1:]):
        try:
            texts.append(reader.read_page(file, capture, following=following).page)
        except PageFailed:
            texts.append(None)
    reader.build(file, probe, texts, out, title="1", made_at=MADE_AT, document_id="1", mark_sizes=MARKS)
    out.unlink()
    return len(probe.captures)


def long_day(reader: Reader, files: Sequence[Path], out: Path, pages: int) -> list[Sample]:
    """Take the files over and over until so many pages are done; return the samples."""
    watch, samples, done = Watch(), [], 0
    watch.start()
    while done < pages:
        for file in files:
            before, done = done, done + take(reader, file, out)
            if done // EVERY > before // EVERY:
                gc.collect()
                samples.append(Sample(done, resident_tree(os.getpid(), "Pss_Anon"), watch.most()))
                print(f"{done} pages: {samples[-1].rest / 1e6:.1f} MB at rest", file=sys.stderr)
            if done >= pages:
                break
    watch.end()
    return samples


def slope(samples: Sequence[Sample]) -> float:
    """Return the growth at rest in bytes for each 1,000 pages, by least squares; the first tenth is warming up."""
    later = samples[len(samples) // 10 :]
    return 1000 * statistics.linear_regression([s.pages for s in later], [s.rest for s in later]).slope


def colour_pages(folder: Path, count: int) -> list[Path]:
    """Colour pages of A4 at 300 dpi with a page of print and a grain that hardly compresses, as JPEG in PDF."""
    made = []
    for number in range(count):
        lines = [f"Điều {n}. Cấp phép khai thác nước dưới đất, thời hạn {n} năm" for n in range(60)]
        page = np.asarray(scans.page(lines, size=A4_300).convert("RGB")).astype(np.int16)
        page += np.random.default_rng(number).integers(-12, 3, page.shape, np.int16)
        image = Image.fromarray(page.clip(0, 255).astype(np.uint8))
        made.append(folder / f"a4-{number}.pdf")
        image.save(made[-1], "PDF", resolution=300.0, quality=85)
    return made


def most_on(reader: Reader, files: Sequence[Path], out: Path) -> int:
    """Return the most memory the reader's processes take on these files, in bytes."""
    watch = Watch()
    watch.start()
    for file in files:
        take(reader, file, out)
    watch.end()
    return watch.most()


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description="Whether a reader's memory stays flat.")
    parser.add_argument("--pages", type=int, default=PAGES)
    pages: int = parser.parse_args().pages
    if pages < 4 * EVERY:
        parser.error(f"at least {4 * EVERY} pages are needed to tell anything")
    with tempfile.TemporaryDirectory(prefix="sohoa-endurance-") as name:
        folder, scratch = Path(name) / "scans", Path(name) / "scratch"
        scratch.mkdir()
        files = small_scans(folder, 24)
        colour = colour_pages(folder, 3)
        with Jail(scratch) as jail:
            reader = Reader(jail, "tesseract:?lang=vie", ReadingOptions())
            started = time.monotonic()
            samples = long_day(reader, files, scratch / "out.pdf", pages)
            seconds = time.monotonic() - started
            print(
                f"Machine: {machine()}; jail: {reader.jail_mode}; {samples[-1].pages} pages in {seconds:.0f} s\n"
            )
            tell(samples)
            most = most_on(reader, colour, scratch / "out.pdf") / 1e6
    print(f"\nMost on A4 in colour at 300 dpi, this process and its jail: {most:.0f} MB (goal {GOAL_MB})")


def tell(samples: Sequence[Sample]) -> None:
    """Print the table of the first and last tenth, and whether memory is flat."""
    tenth = max(1, len(samples) // 10)
    print("| pages | at rest, median | most at rest | most while working |\n|---|---|---|---|")
    for part in (samples[:tenth], samples[-tenth:]):
        rest = statistics.median(s.rest for s in part) / 1e6
        print(
            f"| {part[0].pages}-{part[-1].pages} | {rest:.1f} MB | {max(s.rest for s in part) / 1e6:.1f} MB "
            f"| {max(s.most for s in part) / 1e6:.1f} MB |"
        )
    grown = slope(samples) / 1e6
    flat = abs(grown) * samples[-1].pages / 1000 <= FLAT_MB
    print(f"\nSlope at rest after the first tenth: {grown:+.2f} MB for 1,000 pages: {'flat' if flat else 'GROWS'}")


if __name__ == "__main__":
    main()
