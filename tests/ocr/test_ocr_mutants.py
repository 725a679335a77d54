"""Damaged scans end accepted or with a typed reason, in time, and the next file is read as if nothing had been."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mutants
import pytest
import scans
from mutants import CONTAINERS, UNFORESEEN, Outcome

from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader

EACH, DRILLED = 20, 100  # mutants of each container
HANGS_SECONDS = 60.0
SHORT = ReadingOptions(page_seconds=10.0, seconds_per_megapixel=0.5, probe_seconds=10.0)


@pytest.fixture(scope="module")
def bases() -> dict[str, bytes]:
    return mutants.healthy()


@dataclass
class Bench:
    """A reader with short limits, a healthy file, and what must be told of it after every damaged one."""

    reader: Reader
    folder: Path
    scratch: Path
    sound: Path
    seen: dict[str, Outcome] = field(default_factory=dict)

    def try_mutant(self, container: str, seed: int, bases: dict[str, bytes]) -> Outcome:
        """Take one mutant the whole way, then look into the healthy file."""
        made = mutants.mutant(container, seed, bases)
        received = self.folder / f"mutant{made.suffix}"
        received.write_bytes(made.data)
        self.seen[made.name] = found = mutants.outcome_of(self.reader, received, self.scratch / "out.pdf")
        assert self.reader.probe(self.sound).captures[0].width_px == scans.SIZE[0], made.name
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder, scratch = tmp_path_factory.mktemp("mutants"), tmp_path_factory.mktemp("scratch")
    with Jail(scratch) as jail:
        reader = Reader(jail, "tesseract:?lang=vie", SHORT)
        yield Bench(reader, folder, scratch, scans.save(scans.page(), folder / "sound.pdf"))


def test_every_container_is_sound_before_it_is_damaged(bench: Bench, bases: dict[str, bytes]) -> None:
    for container, data in bases.items():
        received = bench.folder / f"whole{CONTAINERS[container][0]}"
        received.write_bytes(data)
        found = mutants.outcome_of(bench.reader, received, bench.scratch / "out.pdf")
        assert found.told == ("accepted",), (container, found)


def test_a_seed_gives_the_same_mutant_again(bases: dict[str, bytes]) -> None:
    first, again = (mutants.mutant("pdf-jpeg", 3, bases), mutants.mutant("pdf-jpeg", 3, mutants.healthy()))
    assert first == again
    assert first.data != bases["pdf-jpeg"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_mutants_end_accepted_or_with_a_typed_reason(
    container: str, bench: Bench, bases: dict[str, bytes]
) -> None:
    for seed in range(EACH):
        found = bench.try_mutant(container, seed, bases)
        assert found.slowest < HANGS_SECONDS
        assert not any(UNFORESEEN.search(said) for said in found.words), (container, seed, found)


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_a_thousand_mutants_end_accepted_or_with_a_typed_reason(bench: Bench, bases: dict[str, bytes]) -> None:
    bench.seen.clear()
    for container in CONTAINERS:
        for seed in range(DRILLED):
            bench.try_mutant(container, seed, bases)
    _print_table(bench.seen)
    assert len(bench.seen) == DRILLED * len(CONTAINERS)
    assert max(found.slowest for found in bench.seen.values()) < HANGS_SECONDS
    odd = {name: found for name, found in bench.seen.items() if any(map(UNFORESEEN.search, found.words))}
    assert not odd


def _print_table(seen: dict[str, Outcome]) -> None:
    verdicts = ("accepted", "pages failed", "refused", "not built")
    print(f"\n| container | {' | '.join(verdicts)} | longest act |\n|---|---|---|---|---|---|")
    for container in CONTAINERS:
        found = [outcome for name, outcome in seen.items() if name.split()[0] == container]
        counts = Counter(outcome.verdict for outcome in found)
        slowest = max(outcome.slowest for outcome in found)
        print(f"| {container} | {' | '.join(str(counts[v]) for v in verdicts)} | {slowest:.1f} s |")
    slugs = Counter(slug for outcome in seen.values() for slug in outcome.told)
    print("\nReasons: " + ", ".join(f"{slug} {count}" for slug, count in slugs.most_common()))
    for name, outcome in seen.items():
        for said in outcome.words:
            if UNFORESEEN.search(said) or "page-crashed" in outcome.told or "died" in said:
                print(f"{name}: {said}")
