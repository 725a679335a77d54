"""The index of production against OpenSearch spoken to bare by the same client, side by side in one run.

    SOHOA_TEST_STACK=production .venv/bin/python benchmarks/production_index.py [PAGES]

1. Generated pages (those of `benchmarks/search.py`) go in by turns of as many records as the projector takes at
once: a turn is written by the projector's own `apply` (old pages away, pages, records, refresh, cursor), the next
by bare `_bulk` requests of the same sizes and one refresh into an index with the same mapping. The bare ones are
made ready before the clock runs; for ours that is part of it. 2. Queries of five kinds are asked through the API
over HTTP on the loopback, each followed by the engine queries it led to, sent again bare. Wall-clock; needs the
engines of `make servers`.
"""

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import stack
from office import API, Office, served
from opensearchpy import OpenSearch
from search import AT, PAGES_EACH, SEED, WORDS_EACH, Paper, document, enter, papers, queries, syllables
from servers import shared

from archive.identifiers import new_id
from archive.record import RecordId
from search_api.index.opensearch_client import Engine
from search_api.index.opensearch_documents import page_acts, record_acts
from search_api.index.port import RecordDocument
from search_api.index.projector import RECORDS_AT_ONCE

PAGES = 20_000
WRITING_GOAL, SEARCHING_GOAL = 0.7, 1.3
_BULK_BYTES = 5 << 20  # of a bare request, as the program's own largest


def write_by_turns(office: Office, client: OpenSearch, count: int, words: list[str]) -> tuple[list[Paper], float]:
    """Fill index and catalogue; return some papers and the ratio of our pages a second to the bare ones."""
    rng = random.Random(SEED)
    ours = bare = 0.0
    kept, batch, rows = [], [], []
    cursor = turn = 0
    index = f"bare-{new_id().lower()}"
    for paper in papers(2 * count, words, rng):
        record_id, number = RecordId(new_id()), f"SO-A.2026.B.{paper.number:07d}"
        batch.append(document(paper, record_id, number, office.holdings.seal))
        if turn % 2 == 0:
            rows.append((paper, record_id, number))
            if rng.random() < 2_000 / count:
                kept.append(paper)
        if len(batch) < RECORDS_AT_ONCE and paper.number < 2 * count - 1:
            continue
        if turn % 2 == 0:
            cursor += len(batch)
            begun = time.perf_counter()
            office.index.apply(batch, cursor=cursor)
            ours += time.perf_counter() - begun
        else:
            requests = _requests(batch, index)
            if turn == 1:
                _like_ours(office, client, index)
            begun = time.perf_counter()
            for lines in requests:
                assert not client.bulk(body=lines)["errors"]
            client.indices.refresh(index=index)
            bare += time.perf_counter() - begun
        batch, turn = [], turn + 1
    client.indices.delete(index=index)
    client.indices.forcemerge(index=f"{_prefix(office)}-*", max_num_segments=1)
    stored = client.indices.stats(index=f"{_prefix(office)}-*")["_all"]["primaries"]["store"]["size_in_bytes"]
    enter(office, rows, cursor)
    pages = count * PAGES_EACH
    print(f"pages a second: {pages / ours:.0f} by the projector's `apply`, {pages / bare:.0f} by bare `_bulk`")
    print(f"index: {stored / pages:.0f} bytes a page of {WORDS_EACH} words")
    return kept, bare / ours


def _requests(batch: list[RecordDocument], index: str) -> list[str]:
    acts = [*page_acts(batch, alias=index, cursor=1), *record_acts(batch, alias=index, cursor=1)]
    requests, lines, size = [], [], 0
    for act in acts:
        if size + act.size > _BULK_BYTES:
            requests.append("".join(lines))
            lines, size = [], 0
        lines.append(act.text)
        size += act.size
    return [*requests, "".join(lines)]


def _like_ours(office: Office, client: OpenSearch, index: str) -> None:
    """Make an index with the mapping and the settings of the one that is being filled."""
    (told,) = client.indices.get(index=f"{_prefix(office)}-*").values()
    own = {"uuid", "version", "creation_date", "provided_name"}
    settings = {name: value for name, value in told["settings"]["index"].items() if name not in own}
    client.indices.create(index=index, body={"settings": {"index": settings}, "mappings": told["mappings"]})


def _prefix(office: Office) -> str:
    return stack.environment_for(office.folder)["SEARCH_INDEX_URL"].rpartition("/")[2].partition("?")[0]


def search_by_turns(office: Office, kept: list[Paper], words: list[str]) -> tuple[float, float]:
    """Return p95 in milliseconds of searches through the API, and of the engine queries in them sent bare."""
    rng = random.Random(SEED)
    asked = [text for texts in queries(words, kept, rng).values() for text in texts]
    rng.shuffle(asked)
    engine: Engine = office.index._engine  # type: ignore[attr-defined]  # what is sent is told by the line only
    sent: list[tuple[str, str, Any, dict[str, Any]]] = []
    ask = engine.ask

    def telling(method: str, path: str, body: Any = None, **how: Any) -> Any:
        if path.endswith(("_search", "_mget")):
            sent.append((method, path, body, how))
        return ask(method, path, body, **how)

    engine.ask = telling
    ours, bare = [], []
    with served(office.app()) as client:
        headers = office.bearer("officer")
        for number, text in enumerate([*asked[:30], *asked]):  # the first warm both up
            sent.clear()
            begun = time.perf_counter()
            client.get(f"{API}/records", params={"q": text}, headers=headers).raise_for_status()
            took = time.perf_counter() - begun
            begun = time.perf_counter()
            for method, path, body, how in list(sent):
                ask(method, path, body, **how)
            took_bare = time.perf_counter() - begun
            if number >= 30:
                ours.append(took * 1000)
                bare.append(took_bare * 1000)
    for name, times in (("through the API", ours), ("bare", bare)):
        cuts = statistics.quantiles(times, n=20)
        print(f"| {name} | p50 {statistics.median(times):.1f} ms | p95 {cuts[18]:.1f} ms |")
    return statistics.quantiles(ours, n=20)[18], statistics.quantiles(bare, n=20)[18]


def main(pages: int) -> int:
    """Build, measure, print; return 1 if a goal is missed."""
    if "index" not in stack.SWITCHED:
        raise SystemExit("run it with SOHOA_TEST_STACK=production")
    words = syllables(random.Random(SEED))
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), AT)
        client = OpenSearch(hosts=[shared.opensearch().endpoint], timeout=60)
        kept, written = write_by_turns(office, client, pages // PAGES_EACH, words)
        print(f"ratio {written:.2f} (goal {WRITING_GOAL})")
        ours, bare = search_by_turns(office, kept, words)
        print(f"search p95 ratio {ours / bare:.2f} (goal {SEARCHING_GOAL})")
        office.close()
    return int(written < WRITING_GOAL or ours / bare > SEARCHING_GOAL)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PAGES))
