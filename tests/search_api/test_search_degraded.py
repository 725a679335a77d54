"""Search while the index cannot be used: the catalogue answers, within the same rights, and says so."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from holdings import Holdings
from office import API, Office, served
from searchers import DECREE, OPEN, Searchers, searchers_in
from servers.program import free_port

from archive import events
from archive.access.policy import scope_of
from archive.database import reading
from archive.record import RecordId
from search_api.app import create_app
from search_api.catalogue_search import find_in_catalogue
from search_api.errors import IndexUnavailable
from search_api.index.document import LOOKUP_SCHEME
from search_api.index.open import open_index
from search_api.index.port import Found, RecordIndex
from search_api.index.query import parse
from search_api.search import SearchAnswer

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
IDENTIFIER = "001099012345"


@pytest.fixture(scope="module")
def searchers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searchers]:
    """An archive whose index is an engine that nobody answers for."""
    folder = tmp_path_factory.mktemp("degraded")
    held = Holdings(folder / "home", AT)
    with searchers_in(folder, held) as made:
        made.index.close()
        made.index = _nobody()
        yield made


@pytest.fixture(scope="module")
def decree(searchers: Searchers) -> RecordId:
    return searchers.holdings.deposit(description=DECREE, pages=[("chỉ có trên trang",)])


@pytest.fixture(scope="module")
def others(searchers: Searchers, decree: RecordId) -> Sequence[RecordId]:
    return [
        searchers.holdings.deposit(
            description=replace(OPEN, subject=f"Giấy phép số {n} của {IDENTIFIER}"), pages=[("một trang",)]
        )
        for n in (7, 8)
    ]


def found(answer: SearchAnswer) -> set[RecordId]:
    assert answer.completeness.from_catalogue
    assert answer.completeness.indexed_to == 0
    assert answer.completeness.behind > 0
    return {hit.record for hit in answer.hits}


@pytest.mark.parametrize(
    "text",
    [
        "an ninh trật tự",
        "AN NINH TRAT TU",
        '"điều kiện ve an ninh"',
        "96/2016/NĐ-CP",
        "96/nd-cp",
        "số:96",
        "so:96/2016",
        "năm:2016",
        "loại:28",
        'cơ quan:"chinh phu"',
        "nguyen xuan phuc",
        "mã lưu trữ:SO",
        "năm:2016 trật tự",
    ],
)
def test_a_record_is_found_by_what_the_catalogue_says_of_it(
    searchers: Searchers, decree: RecordId, others: Sequence[RecordId], text: str
) -> None:
    assert decree in found(searchers.find(text))


@pytest.mark.parametrize(
    "text",
    [
        "chỉ có trên trang",
        "an ninh trặt tự",
        '"ninh an"',
        "số:2016",
        "số:97",
        "năm:201",
        'cơ quan:"phu chinh"',
        "96/2017/NĐ-CP",
    ],
)
def test_what_only_a_page_says_or_nothing_says_is_not_found(
    searchers: Searchers, decree: RecordId, others: Sequence[RecordId], text: str
) -> None:
    assert decree not in found(searchers.find(text))


def test_a_hit_is_of_the_described_fields_with_its_words_marked(searchers: Searchers, decree: RecordId) -> None:
    (hit,) = searchers.find('"an ninh, trật tự"').hits
    assert (hit.page, hit.boxes, hit.score) == (None, (), 0.0)
    assert "«an ninh, trật tự»" in hit.snippet
    assert json.loads(json.dumps(searchers.find("số:96").as_json()))["completeness"]["from_catalogue"] is True


def test_a_stranger_finds_nothing_and_an_identifier_is_for_those_entitled(
    searchers: Searchers, others: Sequence[RecordId]
) -> None:
    assert found(searchers.find("cap phep", searchers.caller("officer", "so-b"))) == set()
    assert found(searchers.find(IDENTIFIER)) == set(others)
    assert found(searchers.find(IDENTIFIER, searchers.caller("auditor"))) == set()
    (hit,) = searchers.find('"giay phep so 7"', searchers.caller("auditor")).hits
    assert IDENTIFIER not in hit.snippet
    (hit,) = searchers.find('"giay phep so 7"').hits
    assert IDENTIFIER in hit.snippet


def test_conditional_records_need_a_purpose_here_too(searchers: Searchers) -> None:
    description = replace(OPEN, subject="Hạn chế riêng", access_mode="02")
    conditional = searchers.holdings.deposit(description=description, pages=[("trang",)])
    assert found(searchers.find("hạn chế riêng")) == set()
    assert found(searchers.find("hạn chế riêng", purpose="giải quyết hồ sơ")) == {conditional}


def test_who_looked_is_told_in_the_log_as_ever(searchers: Searchers, decree: RecordId) -> None:
    searchers.find("số:96")
    with reading(searchers.holdings.engine) as connection:
        last = list(events.read_from(connection, "access", 0))[-1].body
    assert (last["kind"], last["payload"]["records"]) == ("record.search", [decree])


def test_a_further_page_of_an_answer_of_the_index_waits_for_it(searchers: Searchers, decree: RecordId) -> None:
    with pytest.raises(IndexUnavailable):
        searchers.find("an ninh", cursor="A" * 56)


def test_an_answer_says_when_there_was_more_than_could_be_looked_at(
    searchers: Searchers, others: Sequence[RecordId]
) -> None:
    def ask(**limits: float) -> Found:
        query = parse("giay phep", lookups=partial(searchers.holdings.seal.lookups, LOOKUP_SCHEME))
        scope = scope_of(searchers.caller(), purpose=None)
        with reading(searchers.holdings.engine) as connection:
            return find_in_catalogue(
                connection,
                query,
                scope=scope,
                seal=searchers.holdings.seal,
                limit=1,
                **limits,  # type: ignore[arg-type]
            )

    whole = ask()
    assert (whole.total, whole.total_is_exact, len(whole.hits)) == (2, True, 1)
    assert ask(looked_at_max=1).total_is_exact is False
    assert (ask(seconds_max=-1.0).total, ask(seconds_max=-1.0).total_is_exact) == (0, False)


def test_the_interface_answers_while_the_engine_is_down(office: Office) -> None:
    with closing(_nobody()) as nobody, served(create_app(replace(office.services, index=nobody))) as client:
        answer = client.get(f"{API}/records", params={"q": "cap phep"}, headers=office.bearer("officer"))
    assert answer.status_code == 200
    assert answer.json()["completeness"]["from_catalogue"] is True
    assert {hit["record"] for hit in answer.json()["hits"]} == {office.records["open"]}


def _nobody() -> RecordIndex:
    """Return an index in an engine that does not run."""
    return open_index(f"opensearch://127.0.0.1:{free_port()}/records?tls=off")
