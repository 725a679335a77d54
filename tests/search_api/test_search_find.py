"""Searching an archive as people do: real packages, projected; what is found, shown, withheld and logged."""

import json
import logging
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdings import Holdings
from hypothesis import given, settings
from hypothesis import strategies as st
from searchers import DECREE, OPEN, Searchers, searchers_in
from sqlalchemy import select

from archive.access.policy import Caller
from archive.database import reading
from archive.record import RecordId
from archive.tables.log import event
from search_api.errors import CursorInvalid, IndexUnavailable, QueryInvalid
from search_api.index.words import terms_of

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
DECREE_LINES = (
    "CHÍNH PHỦ",
    "Số: 96/2016/NĐ-CP Hà Nội, ngày 01 tháng 7 năm 2016",
    "NGHỊ ĐỊNH quy định điều kiện về an ninh",
    "trật tự đối với một số ngành, nghề tại Hoà Bình",
)
IDENTIFIER = "001099012345"


@pytest.fixture(scope="module")
def searchers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searchers]:
    folder = tmp_path_factory.mktemp("found")
    held = Holdings(folder / "home", AT)
    with searchers_in(folder, held) as made:
        for role in ("officer", "staff", "auditor"):
            made.caller(role)
        yield made


@pytest.fixture(scope="module")
def decree(searchers: Searchers) -> RecordId:
    made = searchers.holdings.deposit(description=DECREE, pages=[DECREE_LINES, ("Trang hai có chữ kỷ niệm",)])
    searchers.catch_up()
    return made


@pytest.mark.parametrize(
    "text",
    [
        "nghị định",
        "NGHỊ ĐỊNH",
        unicodedata.normalize("NFD", "Nghị định"),
        "nghi dinh",
        "NGHI DINH",
        '"quy dinh dieu kien"',
        "hòa bình",
        "hoà bình",
        "hoa binh",
        "96/2016/NĐ-CP",
        "96/2016/nđ-cp",
        "96/2016/nd-cp",
        unicodedata.normalize("NFD", "96/2016/NĐ-CP"),
        '"an ninh trật tự"',
        '"an ninh, trat tự"',
        "số:96/2016/NĐ-CP",
        "so:96",
        'cơ quan:"chính phủ"',
        "năm:2016",
        "loai:28",
        "nguyen xuan phuc",
        "2016 nganh nghe",
    ],
)
def test_the_decree_is_found(searchers: Searchers, decree: RecordId, text: str) -> None:
    answer = searchers.find(text)
    assert decree in {hit.record for hit in answer.hits}
    assert (answer.completeness.behind, answer.completeness.rebuilding) == (0, False)


@pytest.mark.parametrize(
    "text",
    ["nghi đinh", "nghĩ định", "hóa bình", '"ninh an"', "97/2016/NĐ-CP", "năm:2017", "kỷ nghị", '"kỳ niệm"'],
)
def test_what_is_typed_with_other_marks_or_order_is_not_found(
    searchers: Searchers, decree: RecordId, text: str
) -> None:
    assert decree not in {hit.record for hit in searchers.find(text).hits}


def test_a_hit_names_its_page_its_words_and_where_they_stand(searchers: Searchers, decree: RecordId) -> None:
    (hit,) = (hit for hit in searchers.find('"an ninh trat tự"').hits if hit.page == 1)
    assert (hit.record, hit.archive_number.split(".")[0]) == (decree, "SO-A")
    assert hit.snippet.startswith("… ")
    assert "«an ninh trật tự»" in hit.snippet
    # The last two words of the third line, the first two of the fourth, as holdings.page_text lays them out.
    assert hit.boxes == ((460, 156, 52, 26), (520, 156, 52, 26), (40, 204, 52, 26), (100, 204, 52, 26))


def test_a_described_field_is_a_hit_without_page_or_boxes(searchers: Searchers, decree: RecordId) -> None:
    (hit,) = searchers.find("xuân phúc").hits
    assert (hit.record, hit.page, hit.boxes) == (decree, None, ())
    assert "«Xuân Phúc»" in hit.snippet


def test_an_answer_is_plain_json(searchers: Searchers, decree: RecordId) -> None:
    told = json.loads(json.dumps(searchers.find("kỷ niệm").as_json(), ensure_ascii=False))
    assert told["total"] == 1
    assert told["total_is_exact"] is True
    assert told["hits"][0]["boxes"] == [[280, 60, 52, 26], [340, 60, 52, 26]]
    assert told["completeness"].keys() == {"indexed_to", "behind", "rebuilding", "from_catalogue"}


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, sum(len(line.split()) for line in DECREE_LINES) - 1), form=st.integers(0, 3))
def test_every_word_of_a_page_finds_its_page_and_its_box(
    searchers: Searchers, decree: RecordId, place: int, form: int
) -> None:
    word = " ".join(DECREE_LINES).split()[place]
    typed = (word, word.upper(), unicodedata.normalize("NFD", word), " ".join(t.folded for t in terms_of(word)))[
        form
    ]
    hits = [hit for hit in searchers.find(f'"{typed}"').hits if (hit.record, hit.page) == (decree, 1)]
    row, column = next((r, c) for r, c, n in _grid() if n == place)
    assert (40 + 60 * column, 60 + 48 * row, 52, 26) in hits[0].boxes


def _grid() -> Iterator[tuple[int, int, int]]:
    number = 0
    for row, line in enumerate(DECREE_LINES):
        for column, _ in enumerate(line.split()):
            yield row, column, number
            number += 1


def test_a_foreign_unit_shows_in_no_answer_count_or_snippet(searchers: Searchers, decree: RecordId) -> None:
    deposit = searchers.holdings.deposit
    deposit(unit_id="so-b", description=OPEN, pages=[("nghị định kim-yen-canary",)])
    deposit(state="candidate", description=OPEN, pages=[("nghị định ung-vien-canary",)])
    deposit(state="destroyed", description=OPEN, pages=[("nghị định tieu-huy-canary",)])
    deposit(description=replace(OPEN, access_mode="02"), pages=[("nghị định dieu-kien-canary",)])
    searchers.catch_up()
    for asked in ("canary", "kim yen", "ung-vien-canary", "tieu huy", "dieu-kien-canary", "nghị định canary"):
        answer = searchers.find(asked, searchers.caller("auditor"))
        assert (answer.total, answer.hits, answer.next_cursor) == (0, (), None)
    assert "canary" not in json.dumps(searchers.find("nghị định", limit=100).as_json())


def test_who_is_entitled_does_find_them(searchers: Searchers, decree: RecordId) -> None:
    def found(caller: Caller, purpose: str | None = None) -> set[str]:
        told = " ".join(hit.snippet for hit in searchers.find("canary", caller, purpose=purpose).hits)
        return {name for name in ("kim-yen", "ung-vien", "tieu-huy", "dieu-kien") if name in told}

    assert found(searchers.caller("officer", "so-b")) == {"kim-yen"}
    assert found(searchers.caller("staff")) == {"ung-vien"}
    assert found(searchers.caller(), "giải quyết hồ sơ") == {"dieu-kien"}
    nobody = Caller(searchers.holdings.admin, "officer")
    assert found(nobody, "giải quyết hồ sơ") == set()


def test_an_identifier_is_dots_for_those_without_the_right(searchers: Searchers) -> None:
    made = searchers.holdings.deposit(
        description=OPEN, pages=[("Số định danh 001 099 012 345 cấp ngày 01/02/2020", f"CCCD:{IDENTIFIER}.")]
    )
    searchers.catch_up()
    entitled, auditor = searchers.caller("officer"), searchers.caller("auditor")
    (hit,) = searchers.find("001.099.012.345", entitled).hits
    assert hit.record == made
    assert "«001 099 012 345»" in hit.snippet
    assert f"«CCCD:{IDENTIFIER}.»" in hit.snippet
    assert len(hit.boxes) == 5
    assert searchers.find(IDENTIFIER, auditor).total == 0
    (hidden,) = searchers.find('"định danh"', auditor).hits
    assert "«định danh» ••• ••• ••• ••• cấp" in hidden.snippet
    assert "012" not in hidden.snippet
    (shown,) = searchers.find('"định danh"', entitled).hits
    assert "«định danh» 001 099 012 345 cấp" in shown.snippet


@pytest.mark.embedded("index")
def test_no_identifier_and_no_holder_is_in_the_index_file(searchers: Searchers, decree: RecordId) -> None:
    searchers.holdings.deposit(
        description=replace(OPEN, subject=f"Cấp phép cho CCCD {IDENTIFIER}"),
        pages=[(f"CCCD {IDENTIFIER}", "001 099 012 345")],
        holder=("Trịnh Thị Xyzabc", IDENTIFIER),
    )
    searchers.catch_up()
    path = searchers.scratch.parent / "index.db"
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # A table without content gives none; what it is made of is among the tables.
        rows = [row for name in tables for row in connection.execute(f'SELECT * FROM "{name}"')]
    values = [value for row in rows for value in row]
    held = b"".join(_readable(value) for value in values)
    assert "định".encode() in held
    assert b"_" in held
    for name in (IDENTIFIER, "001 099", "099\t012", "Xyzabc", "xyzabc"):
        assert name.encode() not in held, name


def _readable(value: object) -> bytes:
    """Return a stored value as bytes, unpacked where it is packed."""
    if isinstance(value, bytes):
        with suppress(zlib.error):
            return zlib.decompress(value)
        return value
    return str(value).encode()


def test_every_answer_leaves_one_access_event_that_tells_no_query(searchers: Searchers, decree: RecordId) -> None:
    before = _access_events(searchers)
    searchers.find("kỷ niệm", purpose="giải quyết hồ sơ")
    searchers.find("không-có-gì-như-thế")
    first, second = _access_events(searchers)[len(before) :]
    assert first["kind"] == "record.search"
    assert first["principal"] == searchers.caller().principal
    assert first["payload"]["records"] == [decree]
    assert first["payload"]["purpose"] == "giải quyết hồ sơ"
    assert second["payload"]["records"] == []
    assert "niệm" not in json.dumps((first, second), ensure_ascii=False)


def _access_events(searchers: Searchers) -> list[dict[str, Any]]:
    with reading(searchers.holdings.engine) as connection:
        rows = connection.execute(
            select(event.c.canonical).where(event.c.stream == "access").order_by(event.c.sequence)
        ).scalars()
        return [json.loads(row) for row in rows]


def test_a_record_withdrawn_a_moment_ago_is_left_out_and_told(
    searchers: Searchers, caplog: pytest.LogCaptureFixture
) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("rút khỏi khai thác zyxw",)])
    searchers.catch_up()
    assert searchers.find("zyxw").total == 1
    searchers.holdings.change(made, "withdrawn")
    with caplog.at_level(logging.WARNING):
        answer = searchers.find("zyxw")
    assert (answer.total, answer.hits) == (0, ())
    assert answer.completeness.behind == 1
    assert made in caplog.text
    searchers.catch_up()
    assert searchers.find("zyxw").completeness.behind == 0


def test_an_answer_says_how_far_behind_the_index_is(searchers: Searchers) -> None:
    searchers.catch_up()
    searchers.holdings.deposit(description=OPEN, pages=[("chưa kịp vào mục lục qwvu",)])
    behind = searchers.find("qwvu")
    assert behind.total == 0
    assert behind.completeness.behind > 0
    searchers.catch_up()
    assert searchers.find("qwvu").total == 1


def test_pages_of_an_answer_follow_each_other(searchers: Searchers) -> None:
    for n in range(7):
        searchers.holdings.deposit(description=OPEN, pages=[(f"phân trang lần thứ {n}",)])
    searchers.catch_up()
    first = searchers.find("phân trang", limit=3)
    second = searchers.find("phân trang", limit=3, cursor=first.next_cursor)
    third = searchers.find("phân trang", limit=3, cursor=second.next_cursor)
    assert [len(one.hits) for one in (first, second, third)] == [3, 3, 1]
    assert third.next_cursor is None
    assert len({hit.record for one in (first, second, third) for hit in one.hits}) == 7
    with pytest.raises(CursorInvalid):
        searchers.find("phân trang", searchers.caller("staff"), limit=3, cursor=first.next_cursor)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 5_000_000, '"', "", "năm:"], ids=lambda t: repr(t[:4]))
def test_a_bad_query_is_refused_and_nothing_is_logged(searchers: Searchers, text: str) -> None:
    before = len(_access_events(searchers))
    with pytest.raises(QueryInvalid):
        searchers.find(text)
    assert len(_access_events(searchers)) == before


@pytest.mark.parametrize(
    ("purpose", "limit"), [("x" * 201, 20), ("\ud800", 20), ("a\0", 20), (None, 0), (None, 101)]
)
def test_a_purpose_or_limit_out_of_bounds_is_refused(
    searchers: Searchers, purpose: str | None, limit: int
) -> None:
    with pytest.raises(QueryInvalid):
        searchers.find("nước", purpose=purpose, limit=limit)


@pytest.mark.embedded("index")
def test_a_damaged_index_is_told_and_never_answers_less(searchers: Searchers, tmp_path: Path) -> None:
    with searchers_in(tmp_path, searchers.holdings) as own:
        own.catch_up()
        own.index.close()
        path = tmp_path / "index.db"
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
        assert own.find("nghị định").completeness.from_catalogue
        with pytest.raises(IndexUnavailable):
            own.index.position()
        own.projector.rebuild()
        whole = own.find("nghị định")
        assert (whole.total > 0, whole.completeness.from_catalogue) == (True, False)
