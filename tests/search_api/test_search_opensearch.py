"""OpenSearch behind the record index: what lies in it, and what becomes of a batch that is cut or raced."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from engine_doors import certificate, guarded
from indices import remove_indices
from servers.shared import opensearch, toxiproxy

from archive.access.policy import Scope
from archive.errors import UnknownUrl
from archive.record import PartyId, RecordId
from archive.sealing import Seal
from search_api.errors import IndexUnavailable, IndexUnfit
from search_api.index.document import indexed_page
from search_api.index.open import open_index
from search_api.index.opensearch import OpenSearchIndex
from search_api.index.opensearch_bulk import Bulk
from search_api.index.opensearch_client import Engine, EngineAddress
from search_api.index.opensearch_documents import page_acts
from search_api.index.opensearch_generations import Generations
from search_api.index.opensearch_shape import Layout
from search_api.index.port import IndexCredentials, RecordDocument, RecordGone, RecordIndex
from search_api.index.query import parse

EVERYTHING = Scope(frozenset("a"), frozenset("a"), frozenset(("01",)), None, frozenset("a"))
SOON = 5.0  # seconds within which an engine that is gone must have been noticed


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal.create(tmp_path / "keys" / "sealing.json")


@pytest.fixture
def prefix() -> Iterator[str]:
    made = f"engine-{uuid4().hex[:12]}"
    yield made
    remove_indices(made)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(EngineAddress("127.0.0.1", opensearch().port, tls=False))
    yield made
    made.close()


@pytest.fixture
def index(engine: Engine, prefix: str) -> OpenSearchIndex:
    return OpenSearchIndex(engine, Layout(prefix))


@pytest.fixture
def document(seal: Seal) -> Callable[..., RecordDocument]:
    def make(name: str, *texts: str, state: str = "accepted") -> RecordDocument:
        pages = [
            indexed_page(n, [(word, (1, 2, 3, 4)) for word in text.split()], seal) for n, text in enumerate(texts)
        ]
        return RecordDocument(
            record_id=RecordId(name),
            state=state,
            units=frozenset("a"),
            mode="01",
            holders=frozenset((PartyId("p-held"),)),
            package_number=1,
            package_sha256="ab" * 32,
            archive_number=f"TN.{name}",
            document_type=None,
            issued_year=None,
            pages=tuple(pages),
        )

    return make


def found(index: RecordIndex, text: str) -> list[tuple[str, int]]:
    """Return the records and pages that a text finds, in order."""
    answer = index.search(parse(text, lookups=lambda _: ()), scope=EVERYTHING, after=None, limit=50)
    assert answer.total == len(answer.hits)
    return sorted((hit.record_id, hit.page.number) for hit in answer.hits)


def lying(prefix: str) -> list[dict[str, Any]]:
    """Return all documents of an index as the engine has them, seen or not."""
    opensearch().ask("POST", f"/{prefix}/_refresh")
    hits: list[dict[str, Any]] = opensearch().ask("GET", f"/{prefix}/_search?size=1000")["hits"]["hits"]
    return hits


def test_one_document_lies_there_for_each_page_and_record_and_no_text_is_stored(
    index: OpenSearchIndex, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "giấy phép", "nước mặt")], cursor=3)
    there = {hit["_id"]: hit["_source"] for hit in lying(prefix)}
    assert sorted(there) == ["position", "r1", "r1:0", "r1:1"]
    assert there["r1:1"].keys() == {"kind", "record", "batch", "number", "order", "units", "mode", "kept", "words"}
    assert there["r1"]["pages"] == 2
    told = json.dumps(there, ensure_ascii=False)
    assert "phép" not in told
    assert "phep" not in told
    assert "p-held" not in told


def test_a_generation_has_its_alias_and_a_swap_moves_the_common_one(index: OpenSearchIndex, prefix: str) -> None:
    index.position()
    index.start_rebuild()
    assert _aliases(prefix) == {
        f"{prefix}-g000001-pages": {prefix, f"{prefix}-g000001"},
        f"{prefix}-g000002-pages": {f"{prefix}-building", f"{prefix}-g000002"},
    }
    index.finish_rebuild()
    assert _aliases(prefix) == {f"{prefix}-g000002-pages": {prefix, f"{prefix}-g000002"}}


def _aliases(prefix: str) -> dict[str, set[str]]:
    told = opensearch().ask("GET", f"/{prefix}-*/_alias")
    return {name: set(one["aliases"]) for name, one in told.items()}


def test_many_who_begin_at_once_agree_on_one_generation(engine: Engine, prefix: str) -> None:
    def begin(_: int) -> str:
        return OpenSearchIndex(engine, Layout(prefix)).position().generation

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(begin, range(4)))) == 1
    assert len(_aliases(prefix)) == 1


def test_nothing_of_a_batch_is_seen_before_all_of_it(
    index: OpenSearchIndex, engine: Engine, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "cũ một", "cũ hai")], cursor=1)
    Bulk(engine).write(page_acts([document("r1", "mới một")], alias=f"{prefix}-g000001", cursor=2))
    assert found(index, "cu") == [("r1", 0), ("r1", 1)]
    assert found(index, "moi") == []


def test_what_a_writer_that_died_has_left_is_never_shown_and_goes_with_the_next_batch(
    index: OpenSearchIndex, engine: Engine, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "cũ")], cursor=1)
    half = page_acts(
        [document("r1", "mới", "mới", "mới"), document("r2", "mới")], alias=f"{prefix}-g000001", cursor=2
    )
    Bulk(engine).write(half)
    opensearch().ask("POST", f"/{prefix}/_refresh")  # as a restart of the engine does
    assert found(index, "moi") == []
    assert index.position().cursor == 1
    assert "3 pages" in (index.damage() or "") or "4 pages" in (index.damage() or "")
    index.apply([document("r1", "mới", "mới"), RecordGone(RecordId("r2"))], cursor=3)
    assert found(index, "moi") == [("r1", 0), ("r1", 1)]
    assert index.damage() is None


@pytest.mark.parametrize("before", ["pages", "cursor"])
def test_of_two_who_write_the_same_records_the_newer_stays(
    index: OpenSearchIndex,
    engine: Engine,
    prefix: str,
    document: Callable[..., RecordDocument],
    monkeypatch: pytest.MonkeyPatch,
    before: str,
) -> None:
    index.apply([document("r1", "gốc"), document("r2", "gốc")], cursor=1)
    newer = OpenSearchIndex(engine, Layout(prefix))

    def overtake() -> None:
        monkeypatch.undo()
        newer.apply([document("r1", "mới"), RecordGone(RecordId("r2"))], cursor=9)

    _before(monkeypatch, before, overtake)
    index.apply([document("r1", "già", "già", "già"), document("r2", "già")], cursor=5)
    assert index.position().cursor == 9
    assert found(index, "moi") == [("r1", 0)]
    assert found(index, "gia") == found(index, "goc") == []
    assert sorted(hit["_id"] for hit in lying(prefix)) == ["position", "r1", "r1:0"]
    assert index.damage() is None


def _before(monkeypatch: pytest.MonkeyPatch, what: str, act: Callable[[], None]) -> None:
    """Do something just before the next pages are written, or the next cursor is moved."""
    if what == "pages":
        write = Bulk.write

        def late(bulk: Bulk, acts: Any) -> None:
            act()
            write(bulk, acts)

        monkeypatch.setattr(Bulk, "write", late)
    else:
        move = Generations.move

        def late_move(generations: Generations, one: Any, cursor: int) -> bool:
            act()
            return move(generations, one, cursor)

        monkeypatch.setattr(Generations, "move", late_move)


def test_two_who_write_at_once_move_the_cursor_to_the_later(
    index: OpenSearchIndex,
    engine: Engine,
    prefix: str,
    document: Callable[..., RecordDocument],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = OpenSearchIndex(engine, Layout(prefix))
    other.position()

    def overtake() -> None:
        monkeypatch.undo()
        other.apply([document("r1", "một")], cursor=4)

    _before(monkeypatch, "cursor", overtake)
    index.apply([document("r1", "một"), document("r2", "hai")], cursor=6)
    assert index.position().cursor == 6
    assert (found(index, "mot"), found(index, "hai")) == ([("r1", 0)], [("r2", 0)])
    assert index.damage() is None


def test_a_late_writer_does_not_call_a_dropped_generation_back(
    index: OpenSearchIndex,
    engine: Engine,
    prefix: str,
    document: Callable[..., RecordDocument],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index.position()

    def swap() -> None:
        monkeypatch.undo()
        index.start_rebuild()
        index.finish_rebuild()

    _before(monkeypatch, "pages", swap)
    with pytest.raises(IndexUnavailable):
        OpenSearchIndex(engine, Layout(prefix)).apply([document("r1", "một")], cursor=1)
    assert list(_aliases(prefix)) == [f"{prefix}-g000002-pages"]
    assert index.position().cursor == 0


def test_a_word_longer_than_any_query_hinders_nothing(
    index: OpenSearchIndex, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", f"trước {'ế' * 40_000} sau")], cursor=1)
    assert found(index, "truoc sau") == [("r1", 0)]
    assert found(index, '"trước sau"') == []


def test_pages_that_are_missing_behind_its_back_are_damage(
    index: OpenSearchIndex, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "một", "hai")], cursor=1)
    assert index.damage() is None
    opensearch().ask("DELETE", f"/{prefix}-g000001/_doc/r1:1?routing=r1")
    assert index.damage() == f"{prefix}-g000001-pages has 1 pages, and its records say 2"


def test_words_that_are_damaged_are_told_and_not_guessed(
    index: OpenSearchIndex, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "một")], cursor=1)
    page = {"kind": "page", "record": "r1", "batch": 1, "number": 0, "order": 1, "units": ["a"], "mode": "01"}
    body = {**page, "kept": True, "folded": "mot", "words": "AAAA"}
    opensearch().ask("PUT", f"/{prefix}-g000001/_doc/r1:0?routing=r1&refresh=true", body)
    with pytest.raises(IndexUnavailable, match="damaged"):
        found(index, "mot")


def test_an_index_of_somebody_else_under_our_name_is_refused(index: OpenSearchIndex, prefix: str) -> None:
    opensearch().ask("PUT", f"/{prefix}-foreign", {"aliases": {prefix: {}}})
    with pytest.raises(IndexUnfit, match="not ours"):
        index.position()


def test_a_generation_of_another_format_waits_for_a_rebuild(
    index: OpenSearchIndex, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "một")], cursor=1)
    position = {"kind": "position", "format": 99, "cursor": 1, "name": "x", "key": "AAAA"}
    opensearch().ask("PUT", f"/{prefix}-g000001/_doc/position?routing=position", position)
    with pytest.raises(IndexUnfit, match="sohoa index rebuild"):
        found(index, "mot")
    index.start_rebuild()
    index.apply([document("r1", "một")], cursor=1, building=True)
    index.finish_rebuild()
    assert found(index, "mot") == [("r1", 0)]


def test_a_disk_at_its_flood_stage_is_told_and_over_when_it_is_over(
    index: OpenSearchIndex, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    index.apply([document("r1", "một")], cursor=1)
    _block(prefix, True)
    with pytest.raises(IndexUnavailable, match="takes no writes"):
        index.apply([document("r1", "hai"), document("r2", "hai")], cursor=2)
    assert found(index, "mot") == [("r1", 0)]
    assert found(index, "hai") == []
    _block(prefix, None)
    index.apply([document("r1", "hai"), document("r2", "hai")], cursor=2)
    assert (found(index, "mot"), found(index, "hai")) == ([], [("r1", 0), ("r2", 0)])


def _block(prefix: str, on: bool | None) -> None:
    opensearch().ask("PUT", f"/{prefix}-*/_settings", {"index.blocks.read_only_allow_delete": on})


@pytest.mark.parametrize("fault", ["refuse", "black_hole"])
def test_an_engine_that_is_gone_is_noticed_in_time_and_used_again_when_it_is_back(
    prefix: str, document: Callable[..., RecordDocument], fault: str
) -> None:
    line = toxiproxy().before(opensearch().port)
    with closing(open_index(f"opensearch://127.0.0.1:{line.port}/{prefix}?tls=off")) as index:
        index.apply([document("r1", "một")], cursor=1)
        getattr(line, fault)()
        asked: Sequence[Callable[[], object]] = (
            index.position,
            lambda: found(index, "mot"),
            lambda: index.apply([document("r2", "hai")], cursor=2),
        )
        for ask in asked:
            began = time.monotonic()
            with pytest.raises(IndexUnavailable):
                ask()
            assert time.monotonic() - began < SOON
        line.heal()
        assert found(index, "mot") == [("r1", 0)]
        index.apply([document("r2", "hai")], cursor=2)
        assert found(index, "hai") == [("r2", 0)]


def test_while_it_is_gone_one_asks_and_the_others_are_told_at_once(prefix: str) -> None:
    line = toxiproxy().before(opensearch().port)
    line.black_hole()
    with closing(open_index(f"opensearch://127.0.0.1:{line.port}/{prefix}?tls=off")) as index:
        with pytest.raises(IndexUnavailable):
            index.position()

        def seconds(_: int) -> float:
            began = time.monotonic()
            with pytest.raises(IndexUnavailable):
                index.position()
            return time.monotonic() - began

        with ThreadPoolExecutor(6) as threads:
            took = sorted(threads.map(seconds, range(6)))
    assert took[-1] < 2.0
    assert took[4] < 0.5


def test_tls_and_a_password_lead_to_the_engine(
    tmp_path: Path, prefix: str, document: Callable[..., RecordDocument]
) -> None:
    ca, tls = certificate(tmp_path, "search")
    known, unknown = IndexCredentials("sohoa", "một mật khẩu"), IndexCredentials("sohoa", "khác")
    with guarded(opensearch().port, tls, user=known.user, password=known.password) as port:
        bare = f"opensearch://127.0.0.1:{port}/{prefix}"
        with closing(open_index(f"{bare}?ca={ca}", known)) as index:
            index.apply([document("r1", "một")], cursor=1)
            assert found(index, "mot") == [("r1", 0)]
        with pytest.raises(IndexUnfit, match="SEARCH_INDEX_USER"):
            _position(f"{bare}?ca={ca}", unknown)
        with pytest.raises(IndexUnfit, match="certificate"):
            _position(bare, known)
        with pytest.raises(IndexUnavailable):
            _position(f"{bare}?tls=off", known)


def _position(url: str, credentials: IndexCredentials) -> None:
    with closing(open_index(url, credentials)) as index:
        index.position()


def test_an_authority_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(IndexUnfit, match="certificates"):
        open_index(f"opensearch://127.0.0.1:9200/records?ca={tmp_path}/none.pem")


def test_a_password_is_shown_nowhere() -> None:
    assert "geheim" not in repr(IndexCredentials("sohoa", "geheim"))


@pytest.mark.parametrize(
    "url",
    [
        "opensearch://",
        "opensearch:///records",
        "opensearch://search:9200",
        "opensearch://search:9200/",
        "opensearch://search:9200/Records",
        "opensearch://search:9200/a/b",
        "opensearch://search:9200/_all",
        "opensearch://search:9200/*",
        "opensearch://search:no/records",
        "opensearch://user:word@search:9200/records",
        "opensearch://search:9200/records?tls=maybe",
        "opensearch://search:9200/records?verify=off",
        "opensearch://search:9200/records?shards=0",
        "opensearch://search:9200/records?shards=many",
        "opensearch://search:9200/records?replicas=-1",
        "opensearch://search:9200/records#x",
    ],
)
def test_a_url_that_names_no_engine_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl):
        open_index(url)
