"""Our reading against OCRmyPDF's, back to back on the same files: what it costs, and how much of it is right.

    make bench-ocr [SCANS=folder]
    .venv/bin/python benchmarks/recognition.py [--scans FOLDER] [--tiers a,b] [--rounds N] [--final] [--ours]

Documents come from our generator, tier by tier (`tiers`), and from a folder of PDFs with the truth in a `.txt`
beside each. Every document is read by OCRmyPDF as it comes, by OCRmyPDF asked for the same service
(`--rotate-pages --deskew`), and by us (looked into, read, laid into a PDF/A, in the jail, warm as workers are),
one after the other. Processor time is of all processes; text is compared in NFC with one space between words.
Confidence is held against the truth word by word. --final: papers that no setting was tuned on. --ours: only our
reading, of as many papers as wrong words of a good tier take to be counted.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "ocr"))

from reading import OCRMYPDF, MemoryWatch, machine
from score import Errors, calibration, errors_of, in_order, passage_of
from tiers import FINAL_SEED, TIERS, TUNING_SEED, Document, found_documents, made_documents

from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.page import FileProbe, PageText, Word
from ocr.reader import Reader

ENGINE = "tesseract:?lang=vie"
AT = datetime(2026, 1, 5, tzinfo=UTC)
MARKS = ((160.0, 60.0), (160.0, 60.0))  # points; as large as marks are
SAME_SERVICE = ("--rotate-pages", "--deskew")
SIDES = ("default", "same service", "ours")
IN_ORDER = 0.98  # share of a page's words in order: a header or closing read across its columns leaves fewer
BAR = 20  # signs of a share of all
GOALS = {"clean": 0.6, "typical": 0.7, "poor": 0.3}  # of the default's character errors


@dataclass(slots=True)
class Read:
    """What one side made of one document: its text page by page, and the processor seconds it took."""

    texts: list[str]
    seconds: float
    words: list[Word] = field(default_factory=list)


class Ours:
    """Our reader, warm: it looks into a file, reads its pages and lays them into a PDF/A."""

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True)
        self._jail = Jail(scratch)
        self._reader = Reader(self._jail, ENGINE, ReadingOptions())
        self._out = scratch / "out.pdf"
        self._spent = 0.0

    def read(self, path: Path) -> Read:
        """Read a document; the jail's processor time and this process's own are counted."""
        before, self._spent = time.process_time(), 0.0
        probe: FileProbe = self._reader.probe(path)
        self._count()
        pages: list[PageText] = []
        for capture, following in zip_longest(probe.captures, probe.captures[1:]):
            pages.append(self._reader.read_page(path, capture, following=following).page)
            self._count()
        self._reader.build(
            path, probe, pages, self._out, title="T", made_at=AT, document_id="urn:uuid:0", mark_sizes=MARKS
        )
        self._count()
        seconds = self._spent + time.process_time() - before
        return Read([page.text for page in pages], seconds, [word for page in pages for word in page.words])

    def _count(self) -> None:
        assert self._jail.last_usage is not None
        self._spent += self._jail.last_usage.cpu_seconds

    def close(self) -> None:
        """End its processes."""
        self._reader.close()


def by_ocrmypdf(path: Path, folder: Path, *options: str, jobs: int = 1) -> Read:
    """Read a document with OCRmyPDF, its text from the sidecar, where a form feed ends each page."""
    sidecar = folder / "sidecar.txt"
    command: list[str | Path] = [OCRMYPDF, "-q", "-l", "vie", "--output-type", "pdfa", f"-j{jobs}", *options]
    command += ["--sidecar", sidecar, path, folder / "theirs.pdf"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)  # of those that ended: our warm readers have not
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Read(sidecar.read_text(encoding="utf-8").split("\f"), seconds)


def judged(document: Document, read: Read) -> Errors:
    """Compare a document's text with the truth: page by page, or with the stretch of the whole it fits best."""
    if len(document.truths) == document.pages:
        texts = [*read.texts, *[""] * document.pages][: document.pages]
        return errors_of(zip(texts, document.truths, strict=True))
    return errors_of((text, passage_of(text, document.truths[0])) for text in read.texts if text.strip())


def ordered(found: Sequence[tuple[Document, dict[str, Read]]], side: str) -> float | None:
    """Return the share of pages with a truth of their own whose words come in its order."""
    shares = [
        in_order(text, truth)
        for document, reads in found
        if len(document.truths) == document.pages
        for text, truth in zip(reads[side].texts, document.truths, strict=False)
        if truth
    ]
    return sum(share >= IN_ORDER for share in shares) / len(shares) if shares else None


def measured(
    documents: Iterable[Document], folder: Path, *, alone: bool
) -> list[tuple[Document, dict[str, Read]]]:
    """Read every document by every side, one after the other; alone: by ours."""
    ours = Ours(folder / "scratch")
    found = []
    try:
        for count, document in enumerate(documents):
            if count == 0:
                ours.read(document.path)  # loads fonts, models and libraries, as a worker has
            reads: dict[str, Read] = {}
            try:
                if not alone:
                    reads["default"] = by_ocrmypdf(document.path, folder)
                    reads["same service"] = by_ocrmypdf(document.path, folder, *SAME_SERVICE)
                reads["ours"] = ours.read(document.path)
            except subprocess.CalledProcessError as error:
                print(f"{document.path.name}: left out, OCRmyPDF ended with {error.returncode}", file=sys.stderr)
                continue
            found.append((document, reads))
            told = [round(read.seconds, 2) for read in reads.values()]
            print(f"{document.path.name}: {told}", file=sys.stderr)
    finally:
        ours.close()
    return found


def throughput(documents: Sequence[Document], folder: Path) -> tuple[float, float, float]:
    """Return pages a minute with all cores, of OCRmyPDF and of ours, and the peak MB of a reader of ours."""
    cores = os.cpu_count() or 1
    pages = sum(document.pages for document in documents)
    begun = time.perf_counter()
    for document in documents:
        by_ocrmypdf(document.path, folder, jobs=cores)
    theirs = time.perf_counter() - begun
    readers = [Ours(folder / f"scratch-{number}") for number in range(cores)]
    for reader in readers:
        reader.read(documents[0].path)
    watch = MemoryWatch(os.getpid())
    watch.start()
    begun = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        shares = [documents[number::cores] for number in range(cores)]
        list(pool.map(lambda reader, share: [reader.read(one.path) for one in share], readers, shares))
    ours = time.perf_counter() - begun
    for reader in readers:
        reader.close()
    return 60 * pages / theirs, 60 * pages / ours, watch.end() / 1e6


def report(found: Sequence[tuple[Document, dict[str, Read]]]) -> Iterable[str]:
    """Yield the tables: by tier, each document's, and how far confidence can be trusted."""
    tiers = list(dict.fromkeys(document.tier for document, _ in found))
    sides = [side for side in SIDES if side in found[0][1]]
    yield from _costs_and_errors(found, tiers, sides)
    yield from _heads("document", *(f"CER, {side}" for side in sides))
    for document, reads in found:
        yield _row(document.path.name, *(f"{judged(document, reads[side]).cer:.2%}" for side in sides))
    yield from _heads("tier", *(f"made pages in reading order, {side}" for side in sides))
    for tier in tiers:
        shares = [ordered([one for one in found if one[0].tier == tier], side) for side in sides]
        if all(share is not None for share in shares):
            yield _row(tier, *(f"{share:.0%}" for share in shares))
    yield from _trust(found, tiers)


def _costs_and_errors(
    found: Sequence[tuple[Document, dict[str, Read]]], tiers: Sequence[str], sides: Sequence[str]
) -> Iterable[str]:
    yield from _heads(
        "tier",
        "pages",
        "side",
        "CPU-s a page",
        f"of {sides[0]}",
        "CER",
        "without marks",
        "WER",
        "recall",
        "precision",
    )
    for tier in tiers:
        of_tier = [(document, reads) for document, reads in found if document.tier == tier]
        pages = sum(document.pages for document, _ in of_tier)
        base = sum(reads[sides[0]].seconds for _, reads in of_tier)
        for side in sides:
            seconds = sum(reads[side].seconds for _, reads in of_tier)
            errors = sum((judged(document, reads[side]) for document, reads in of_tier), Errors())
            rates = (errors.cer, errors.bare_cer, errors.wer, errors.recall, errors.precision)
            yield _row(
                tier,
                str(pages),
                side,
                f"{seconds / pages:.2f}",
                f"{seconds / base:.2f}",
                *(f"{rate:.2%}" for rate in rates),
            )


def _trust(found: Sequence[tuple[Document, dict[str, Read]]], tiers: Sequence[str]) -> Iterable[str]:
    """Yield how far confidence can be trusted: by tier, and as the diagram of all words."""
    pairs = {
        tier: [
            (reads["ours"].words, "\n".join(document.truths)) for document, reads in found if document.tier == tier
        ]
        for tier in tiers
    }
    yield from _heads("tier", "words", "right", "expected error of confidence", "AUROC")
    for tier, of_tier in pairs.items():
        trusted = calibration(of_tier)
        if trusted.words:
            rates = f"{trusted.right:.2%}", f"{trusted.expected_error:.3f}", f"{trusted.auroc:.3f}"
            yield _row(tier, str(trusted.words), *rates)
    yield from _heads("reliability: confidence says", "right", "words", "")
    for one in calibration(pair for of_tier in pairs.values() for pair in of_tier).diagram:
        bar = "█" * round(one.right * BAR)
        yield _row(f"{one.said:.1%}", f"{one.right:.1%}", str(one.words), bar)


def _heads(*names: str) -> Iterable[str]:
    yield from ("", _row(*names), "|---" * len(names) + "|")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scans", type=Path)
    parser.add_argument("--tiers", type=lambda given: given.split(","), default=list(TIERS), help="comma between")
    parser.add_argument("--rounds", type=int, default=1, help="times four documents a tier")
    parser.add_argument("--pages", type=int, default=12, help="most pages of a document of --scans")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sohoa-bench-") as name:
        top = Path(name)
        seed = FINAL_SEED if options.final else TUNING_SEED
        documents = list(made_documents(top, options.tiers, rounds=options.rounds, seed=seed))
        if options.scans:
            (top / "found").mkdir()
            documents += found_documents(options.scans, top / "found", pages_most=options.pages)
        found = measured(documents, top, alone=options.ours)
        said = [
            f"Machine: {machine()}; {datetime.now(UTC):%Y-%m-%d}; seed {seed}, {len(documents)} documents.",
            *report(found),
        ]
        if not options.ours:
            mixed = [document for document in documents if document.tier in GOALS] or documents
            theirs, ours, peak = throughput(mixed, top)
            said += [
                f"\nPages a minute with all cores: OCRmyPDF {theirs:.1f}, ours {ours:.1f}, {ours / theirs:.2f} x. "
                f"Peak of one reader with its jail: {peak:.0f} MB."
            ]
    print("\n".join(said))
    if options.out:
        options.out.write_text("\n".join(said) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
