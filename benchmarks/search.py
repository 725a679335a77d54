"""Search over many generated pages: time of `search()` and of the same queries through the API, in one run.

    .venv/bin/python benchmarks/search.py [PAGES]

1. Pages are generated from a seed: 350 words each, drawn from 6,000 Vietnamese syllables as often as Zipf and
Mandelbrot's law says, with the formulas every paper begins with, its own code and date. Three units share them.
2. They go into an empty index as the projector would put them, as many records a transaction; the catalogue gets
their rows. 3. Queries of five kinds, equally often, are answered for an officer of the largest unit: rare words,
common words, phrases cut from pages (with and without tones), codes, fields. Wall-clock; every answer has its
access event committed. 4. The same once more through the API, over HTTP on the loopback, one after the other.
"""

import random
import resource
import statistics
import sys
import tempfile
import time
import unicodedata
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate, product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from office import API, Office, served
from sqlalchemy import Connection, insert, update

from archive.access.principals import caller_of, find_principal
from archive.database import reading, writing
from archive.identifiers import new_id
from archive.record import RecordId
from archive.reservations import find_archival_file
from archive.sealing import Seal
from archive.tables.holdings import record
from archive.tables.log import stream_head
from search_api.index.document import NOWHERE, indexed_field, indexed_page
from search_api.index.port import RecordDocument
from search_api.index.projector import RECORDS_AT_ONCE
from search_api.index.words import fold
from search_api.search import search

PAGES, SEED = 100_000, 7
PAGES_EACH = 4  # of a record
WORDS_EACH = 350  # of a page, as in administrative papers
SYLLABLES = 6_000
QUERIES_EACH = 60  # of a kind
P95_GOAL_MS = 50.0
AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
UNITS = ("so-a", "so-a", "so-a", "so-a", "so-a", "chi-cuc-a1", "so-b", "so-b")

_ONSETS = "b c ch d đ g gh gi h k kh l m n ng nh ph qu r s t th tr v x"
_RHYMES = (
    "a ai am an ang anh ao ap at au ay ăm ăn ăng ât âm ân âng âu ây e em en eo ê êm ên ênh êu i ia iêm iên "
    "iêng iêu im in inh iu o oa oai oan oang oi om on ong ô ôi ôm ôn ông ơ ơi ơm ơn u ua ui um un ung uôi "
    "uôn uông ư ưa ưng ươi ươm ươn ương ươu uy uyên"
)
_HEADING = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do - Hạnh phúc Số:"
TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
BODIES = tuple(f"Sở {name}" for name in ("Tài nguyên và Môi trường", "Xây dựng", "Y tế", "Công Thương"))


@dataclass(frozen=True)
class Paper:
    """A generated record: its code's parts, body and pages of words."""

    number: int
    year: int
    body: str
    unit: str
    pages: tuple[tuple[str, ...], ...]

    @property
    def code(self) -> str:
        """Its code as written."""
        return f"{self.number}/{self.year}/GP-STNMT"


def syllables(rng: random.Random) -> list[str]:
    """Return syllables in the order of their frequency."""
    made = {
        unicodedata.normalize("NFC", onset + _toned(rhyme, tone))
        for onset, rhyme, tone in product(_ONSETS.split(), _RHYMES.split(), TONES)
    }
    return rng.sample(sorted(made), SYLLABLES)


def _toned(rhyme: str, tone: str) -> str:
    marked = [n for n, letter in enumerate(rhyme) if letter in "ăâêôơư"]
    place = marked[-1] if marked else next(n for n, letter in enumerate(rhyme) if letter in "aeiouy")
    return rhyme[: place + 1] + tone + rhyme[place + 1 :]


def papers(count: int, words: list[str], rng: random.Random) -> Iterator[Paper]:
    """Yield records; the n-th word of the list comes up as often as 1/(n + 8) says: the first in 2 of 100 words,
    as `và` and `của` do."""
    weights = list(accumulate(1 / (rank + 8) for rank in range(1, len(words) + 1)))
    for number in range(count):
        year = rng.randrange(1990, 2027)
        pages = []
        for page in range(PAGES_EACH):
            drawn = [words[bisect(weights, rng.random() * weights[-1])] for _ in range(WORDS_EACH)]
            opening = [*_HEADING.split(), f"{number}/{year}/GP-STNMT", "ngày", f"{page + 1}/{page + 1}/{year}"]
            pages.append(tuple((opening if page == 0 else []) + drawn))
        yield Paper(number, year, BODIES[number % len(BODIES)], UNITS[number % len(UNITS)], tuple(pages))


def document(paper: Paper, record_id: RecordId, archive_number: str, seal: Seal) -> RecordDocument:
    """Return a paper for the index."""
    described = f"Giấy phép {paper.code} {paper.body} {archive_number}".split()
    pages = [indexed_page(0, [(word, NOWHERE) for word in described], seal)]
    for number, words in enumerate(paper.pages, start=1):
        placed = ((word, (90 + 120 * (n % 12), 150 + 55 * (n // 12), 100, 30)) for n, word in enumerate(words))
        pages.append(indexed_page(number, placed, seal))
    fields = [
        indexed_field("number", paper.code, seal),
        indexed_field("year", str(paper.year), seal),
        indexed_field("body", paper.body, seal),
        indexed_field("archive", archive_number, seal),
    ]
    return RecordDocument(
        record_id=record_id,
        state="accepted",
        units=frozenset((paper.unit,)),
        mode="01",
        holders=frozenset(),
        package_number=1,
        package_sha256="ab" * 32,
        archive_number=archive_number,
        document_type=None,
        issued_year=paper.year,
        pages=tuple(pages),
        fields=tuple(one for one in fields if one is not None),
    )


def fill(office: Office, count: int, words: list[str], rng: random.Random) -> list[Paper]:
    """Put records into index and catalogue; return some of them, to ask for."""
    held = office.holdings
    kept: list[Paper] = []
    batch: list[RecordDocument] = []
    rows: list[tuple[Paper, RecordId, str]] = []
    cursor = 0
    for paper in papers(count, words, rng):
        record_id, number = RecordId(new_id()), f"SO-A.2026.B.{paper.number:07d}"
        batch.append(document(paper, record_id, number, held.seal))
        rows.append((paper, record_id, number))
        if rng.random() < 2_000 / count:
            kept.append(paper)
        if len(batch) == RECORDS_AT_ONCE or paper.number == count - 1:
            cursor += len(batch)
            office.index.apply(batch, cursor=cursor)
            batch.clear()
    enter(office, rows, cursor)
    return kept


def enter(office: Office, rows: list[tuple[Paper, RecordId, str]], cursor: int) -> None:
    """Give the catalogue the rows of papers that are indexed, by record id and archive number."""
    with writing(office.holdings.engine) as connection:
        file = _file(connection, office)
        connection.execute(insert(record), [_row(*one, file) for one in rows])
        # The index stands at the head of a stream of one event a record.
        connection.execute(
            update(stream_head).where(stream_head.c.stream == "records").values(next_sequence=cursor)
        )


def _file(connection: Connection, office: Office) -> str:
    return find_archival_file(
        connection,
        fonds_code="SO-A",
        year=2026,
        code="B",
        title="Đo tìm kiếm",
        closed_on=None,
        paper_place=None,
        at=AT,
        principal=office.holdings.admin,
    ).id


def _row(paper: Paper, record_id: str, archive_number: str, file: str) -> dict[str, object]:
    return {
        "id": record_id,
        "archival_file_id": file,
        "ordinal": paper.number + 1,
        "archive_number": archive_number,
        "state": "accepted",
        "custodian_unit_id": paper.unit,
        "managing_unit_id": paper.unit,
        "issued_on": date(paper.year, 1, 1),
        "languages": [],
        "source_form": "paper",
        "source_status": "authentic",
        "access_mode": "01",
        "sensitivity_level": 1,
        "personal_data_class": "basic",
        "received_at": AT,
    }


def queries(words: list[str], known: list[Paper], rng: random.Random) -> dict[str, list[str]]:
    """Return queries of every kind."""

    def phrase() -> str:
        page = rng.choice(rng.choice(known).pages)
        start = rng.randrange(len(page) - 3)
        cut = page[start : start + rng.choice((2, 3))]
        how = rng.randrange(3)
        told = (
            cut if how == 0 else [fold(word.casefold()) if how == 1 or n else word for n, word in enumerate(cut)]
        )
        return f'"{" ".join(told)}"'

    def asked_field() -> str:
        paper = rng.choice(known)
        ways = (
            f"số:{paper.number}",
            f"năm:{paper.year}",
            f'cơ quan:"{paper.body}" năm:{paper.year}',
            f"năm:{paper.year} {words[rng.randrange(40)]}",
        )
        return rng.choice(ways)

    kinds: dict[str, Callable[[], str]] = {
        "rare": lambda: words[rng.randrange(SYLLABLES // 3, SYLLABLES)],
        "common": lambda: rng.choice((words[rng.randrange(30)], fold(words[rng.randrange(30)]), "việt nam")),
        "phrase": phrase,
        "code": lambda: rng.choice(known).code,
        "field": asked_field,
    }
    return {kind: [make() for _ in range(QUERIES_EACH)] for kind, make in kinds.items()}


def measure(
    asked: dict[str, list[str]], answer: Callable[[str], object], rng: random.Random
) -> dict[str, list[float]]:
    """Return milliseconds by kind; kinds take turns, and each query is asked once."""
    order = [(kind, text) for kind, texts in asked.items() for text in texts]
    rng.shuffle(order)
    spent: dict[str, list[float]] = {kind: [] for kind in asked}
    for kind, text in order:
        start = time.perf_counter()
        answer(text)
        spent[kind].append((time.perf_counter() - start) * 1000)
    return spent


def table(title: str, spent: dict[str, list[float]]) -> float:
    """Print a table and return the p95 of the whole mix."""
    every = [one for times in spent.values() for one in times]
    print(f"\n| {title} | p50 ms | p95 ms | most ms |\n|---|---|---|---|")
    for kind, times in [*spent.items(), ("all", every)]:
        cuts = statistics.quantiles(times, n=20)
        print(f"| {kind} | {statistics.median(times):.1f} | {cuts[18]:.1f} | {max(times):.1f} |")
    return statistics.quantiles(every, n=20)[18]


def main(pages: int) -> int:
    """Build, measure, print; return 1 if a goal is missed."""
    rng = random.Random(SEED)
    words = syllables(rng)
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), AT)
        start, cpu = time.perf_counter(), time.process_time()
        known = fill(office, pages // PAGES_EACH, words, rng)
        built, spent_cpu = time.perf_counter() - start, time.process_time() - cpu
        size = sum(path.stat().st_size for path in Path(folder).glob("index.db*")) / 1e6
        print(f"{pages:,} pages: made, read and indexed in {built:.0f} s ({spent_cpu:.0f} CPU-s); {size:.0f} MB")
        held = office.holdings
        with reading(held.engine) as connection:
            officer = caller_of(connection, str(find_principal(connection, "officer")[0]), at=AT)
        asked = queries(words, known, rng)
        capped = sum(
            search(office.services, officer, text, purpose=None, limit=1).ranking_capped
            for text in asked["common"]
        )
        print(f"ranking capped, and said, in {capped} of {len(asked['common'])} common queries")
        direct = measure(asked, lambda text: search(office.services, officer, text, purpose=None), rng)
        table("search()", direct)
        with served(office.app()) as client:
            headers = office.bearer("officer")

            def over_http(text: str) -> None:
                client.get(f"{API}/records", params={"q": text}, headers=headers).raise_for_status()

            p95 = table("through the API", measure(asked, over_http, rng))
        office.close()
        print(f"\nresident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        print(f"p95 through the API {p95:.1f} ms, goal {P95_GOAL_MS:.0f} ms")
        return int(p95 > P95_GOAL_MS)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PAGES))
