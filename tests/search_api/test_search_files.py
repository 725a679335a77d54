"""The file of the SQLite index: which URL names it, and what becomes of one that is no index of ours."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive.access.policy import Scope
from archive.errors import UnknownUrl
from archive.record import RecordId
from search_api.errors import IndexUnavailable
from search_api.index.open import open_index
from search_api.index.port import IndexedPage, IndexedWord, RecordDocument
from search_api.index.query import parse
from search_api.index.sqlite import SqliteIndex

pytestmark = pytest.mark.embedded("index")  # about the file

SCOPE = Scope(frozenset("a"), frozenset(), frozenset(("01",)), None, frozenset())


def document(name: str) -> RecordDocument:
    page = IndexedPage(1, "nước", (IndexedWord("nước", (1, 1, 1, 1)),))
    return RecordDocument(
        RecordId(name), "accepted", frozenset("a"), "01", frozenset(), 1, "ab" * 32, name, None, None, (page,)
    )


@pytest.mark.parametrize(
    "url",
    [
        "opensearch://search:9200/",
        "sqlite://",
        "sqlite:///",
        "sqlite:///x?mode=ro",
        "sqlite:///x#y",
        "sqlite:///a\0b",
        "/x",
    ],
)
def test_a_url_that_names_no_adapter_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl):
        open_index(url)


@pytest.mark.parametrize("content", [b"", b"x" * 5_000, b"SQLite format 3\0" + bytes(5_000)])
def test_a_file_that_is_no_index_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(content)
    with closing(open_index(f"sqlite:///{path}")) as index:
        assert index.position().cursor == 0
        index.apply([document("r1")], cursor=1)
        assert [name for name, _, _ in index.records()] == ["r1"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_index_of_another_format_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with closing(open_index(f"sqlite:///{path}")) as index:
        index.apply([document("r1")], cursor=5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with closing(open_index(f"sqlite:///{path}")) as index:
        assert index.position().cursor == 0
        assert list(index.records()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(IndexUnavailable):
        open_index(f"sqlite:///{tmp_path}/file/index.db")


def test_a_scope_of_many_classes_is_answered_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_api.index.sqlite_match._AT_ONCE", 7)
    names = [f"u{n}" for n in range(30)]
    scope = Scope(frozenset(names), frozenset(), frozenset(("01",)), None, frozenset())
    query = parse("nước", lookups=lambda _: ())
    path = tmp_path / "index.db"
    with closing(SqliteIndex(path, ranked_max=60)) as index:
        documents = [replace(document(f"r{n:02}"), units=frozenset((names[n % 30],))) for n in range(90)]
        index.apply(documents[:60], cursor=1)
        found, after = [], None
        while len(found) < 60:
            part = index.search(query, scope=scope, after=after, limit=13)
            assert (part.total, part.total_is_exact) == (60, True)
            found += [hit.record_id for hit in part.hits]
            after = part.next_after
        assert after is None
        assert sorted(found) == [one.record_id for one in documents[:60]]
        index.apply(documents[60:], cursor=2)
        capped = index.search(query, scope=scope, after=None, limit=100)
        assert (capped.total, capped.total_is_exact) == (60, False)
        assert sorted(hit.record_id for hit in capped.hits) == [one.record_id for one in documents[30:]]


def test_threads_that_search_and_one_that_writes_do_not_disturb_each_other(tmp_path: Path) -> None:
    query = parse("nuoc", lookups=lambda _: ())
    with closing(open_index(f"sqlite:///{tmp_path}/index.db")) as index, ThreadPoolExecutor(3) as threads:

        def ask() -> list[int]:
            totals = []
            for _ in range(40):
                found = index.search(query, scope=SCOPE, after=None, limit=5)
                assert found.total == found.position.cursor
                totals.append(found.total)
            return totals

        asking = [threads.submit(ask) for _ in range(3)]
        for n in range(40):
            index.apply([document(f"r{n}")], cursor=n + 1)
        for one in asking:
            assert one.result() == sorted(one.result())
