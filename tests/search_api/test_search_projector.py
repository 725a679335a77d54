"""The projector: the index follows the records stream, whatever state it is cut short or finds a package in."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from holdings import Holdings
from searchers import OPEN, Searchers, searchers_in
from sqlalchemy import select, update

from archive.database import reading, writing
from archive.errors import ObjectNotFound, StoreUnavailable
from archive.record import RecordId
from archive.tables.packages import package
from archive.text_deposit import choose_text, set_text
from search_api.errors import IndexUnavailable
from search_api.index.checks import check_index
from search_api.index.port import Change
from search_api.index.projector import Projector

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def holdings(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    """One archive for all: its signed file takes seconds to make. Every test has an index of its own."""
    return Holdings(tmp_path_factory.mktemp("projected") / "home", AT)


@pytest.fixture
def searchers(holdings: Holdings, tmp_path: Path) -> Iterator[Searchers]:
    with searchers_in(tmp_path, holdings) as made:
        made.caller()
        yield made


def found(searchers: Searchers, text: str) -> set[RecordId]:
    return {hit.record for hit in searchers.find(text, limit=100).hits}


def test_a_deposit_is_found_once_it_is_projected_and_gone_once_it_may_not_be_seen(searchers: Searchers) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("giếng khoan abcd",)])
    assert found(searchers, "abcd") == set()
    done = searchers.catch_up()
    assert done.behind == 0
    assert found(searchers, "abcd") == {made}
    for state in ("withdrawn", "accepted", "destroyed"):
        searchers.holdings.change(made, state)
        searchers.catch_up()
        assert (made in {name for name, _, _ in searchers.index.records()}) == (state == "accepted")


def test_a_record_marked_secret_later_is_taken_out(searchers: Searchers) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("mật bcde",)])
    searchers.catch_up()
    searchers.holdings.change(made, "accepted", access_mode="03")
    searchers.catch_up()
    assert made not in {name for name, _, _ in searchers.index.records()}


def test_a_record_is_read_once_however_often_it_is_named(
    searchers: Searchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("nhiều lần",)])
    searchers.catch_up()
    for _ in range(5):
        searchers.holdings.change(made, "accepted")
    applied: list[Change] = []
    plain = searchers.index.apply

    def apply(changes: list[Change], *, cursor: int, building: bool = False) -> None:
        applied.extend(changes)
        plain(changes, cursor=cursor, building=building)

    monkeypatch.setattr(searchers.index, "apply", apply)
    searchers.catch_up()
    assert [change.record_id for change in applied] == [made]


def test_no_time_at_all_changes_nothing_and_says_how_far_behind_it_is(searchers: Searchers) -> None:
    searchers.holdings.deposit(description=OPEN)
    before = searchers.index.position()
    done = searchers.projector.catch_up(seconds=0)
    assert searchers.index.position() == before
    assert (done.indexed_to, done.behind > 0) == (before.cursor, True)


@pytest.mark.embedded("store")
def test_a_damaged_package_stops_nothing_and_is_named(
    searchers: Searchers, caplog: pytest.LogCaptureFixture
) -> None:
    described = replace(OPEN, subject="Giấy phép số cdef")
    bad = searchers.holdings.deposit(description=described, pages=[("chữ trong trang defg",)])
    good = searchers.holdings.deposit(description=described, pages=[("chữ trong trang defg",)])
    with reading(searchers.holdings.engine) as connection:
        row = connection.execute(select(package).where(package.c.record_id == bad)).one()
    (stored,) = (p for p in _files(searchers.holdings, row.object_key) if p.stat().st_size == row.length)
    whole = stored.read_bytes()
    place = whole.index(b"defg")
    stored.chmod(0o600)
    stored.write_bytes(whole[:place] + b"X" + whole[place + 1 :])
    try:
        with caplog.at_level(logging.WARNING):
            assert searchers.catch_up().behind == 0
        assert found(searchers, "cdef") == {bad, good}
        assert found(searchers, "defg") == {good}
        assert bad in caplog.text
        faults = {(one.fault, one.subject) for one in check_index(searchers.holdings.engine, searchers.index)}
        assert faults == {("index-without-texts", bad)}
    finally:
        stored.write_bytes(whole)
    searchers.projector.rebuild()
    assert found(searchers, "defg") == {bad, good}
    assert list(check_index(searchers.holdings.engine, searchers.index)) == []


def _files(holdings: Holdings, key: str) -> list[Path]:
    return [p for p in (holdings.folder / "objects").rglob("*") if p.is_file() and key.split("/")[-2] in str(p)]


def test_a_store_that_is_down_leaves_the_index_behind_not_wrong(
    searchers: Searchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("kho hỏng efgh",)])
    plain = searchers.holdings.store.read

    def down(key: str, version_id: str) -> object:
        raise StoreUnavailable("no route to it")

    monkeypatch.setattr(searchers.holdings.store, "read", down)
    with pytest.raises(StoreUnavailable):
        searchers.catch_up()
    assert searchers.find("efgh").completeness.behind > 0
    monkeypatch.setattr(searchers.holdings.store, "read", plain)
    searchers.catch_up()
    assert found(searchers, "efgh") == {made}


def test_a_lost_object_is_searched_by_its_fields(searchers: Searchers, monkeypatch: pytest.MonkeyPatch) -> None:
    made = searchers.holdings.deposit(description=replace(OPEN, subject="mất vật fghi"))

    def lost(key: str, version_id: str) -> object:
        raise ObjectNotFound(key, version_id)

    monkeypatch.setattr(searchers.holdings.store, "read", lost)
    searchers.catch_up()
    assert found(searchers, "fghi") == {made}


def test_the_reading_in_force_is_found_and_no_other(searchers: Searchers) -> None:
    held = searchers.holdings
    made = held.deposit(description=OPEN, pages=[("chữ đọc sai ghij",), ("trang hai hijk",)])
    first, second = held.read_again(made, "chữ đọc lại ijkl", "trang hai jklm", adopt=False)
    old, new = [{made}, {made}, set(), set()], [set(), set(), {made}, {made}]
    for number, expected in ((first, old), (second, new), (first, old), (second, new)):
        choose_text(held.engine, held.log, made, number, principal=held.admin, at=AT)
        searchers.catch_up()
        assert [found(searchers, text) for text in ("ghij", "hijk", "ijkl", "jklm")] == expected
        assert list(check_index(held.engine, searchers.index)) == []
    searchers.projector.rebuild()
    assert found(searchers, "ijkl") == {made}
    with writing(held.engine) as connection:  # a choice the index was not told of
        set_text(connection, made, 1, None)
    assert [one.fault for one in check_index(held.engine, searchers.index)] == ["index-differs"]
    with writing(held.engine) as connection:
        set_text(connection, made, first, second)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def test_a_rebuild_killed_at_any_batch_goes_on_and_the_old_index_answers_meanwhile(
    searchers: Searchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {searchers.holdings.deposit(description=OPEN, pages=[(f"xây lại klmn {n}",)]) for n in range(3)}
    searchers.catch_up()
    monkeypatch.setattr("search_api.index.projector.RECORDS_AT_ONCE", 1)
    plain, passed = searchers.index.apply, []

    def killed_after(changes: list[Change], *, cursor: int, building: bool = False) -> None:
        plain(changes, cursor=cursor, building=building)
        passed.append(cursor)
        raise Killed

    deaths = 0
    while deaths < 1000:
        monkeypatch.setattr(searchers.index, "apply", killed_after)
        try:
            done = Projector(
                searchers.holdings.engine, searchers.holdings.store, searchers.holdings.seal, searchers.index
            ).rebuild()
            break
        except Killed:
            deaths += 1
            answer = searchers.find("klmn")
            assert {hit.record for hit in answer.hits} == made
            assert answer.completeness.rebuilding
    assert deaths >= 3
    assert passed == sorted(set(passed))
    assert (done.behind, done.rebuilding) == (0, False)
    assert found(searchers, "klmn") == made


def test_a_rebuild_gives_what_following_gave(searchers: Searchers) -> None:
    searchers.catch_up()
    before = sorted(searchers.index.records())
    counts = {text: searchers.find(text, limit=1).total for text in ("giấy", "cấp phép", "trang", "HS1")}
    told: list[tuple[int, int]] = []
    searchers.projector.rebuild(progress=lambda done, of: told.append((done, of)))
    assert sorted(searchers.index.records()) == before
    assert {text: searchers.find(text, limit=1).total for text in counts} == counts
    assert told[-1][0] == told[-1][1]


def test_an_index_ahead_of_its_archive_does_not_answer_until_it_is_rebuilt(searchers: Searchers) -> None:
    searchers.index.apply([], cursor=1_000_000)
    assert searchers.find("giấy").completeness.from_catalogue
    with pytest.raises(IndexUnavailable):
        searchers.catch_up()
    searchers.index.start_rebuild()
    searchers.index.apply([], cursor=2_000_000, building=True)
    searchers.projector.rebuild()
    answer = searchers.find("giấy")
    assert (answer.total > 0, answer.completeness.from_catalogue) == (True, False)


@pytest.mark.embedded("index")
def test_an_index_file_deleted_while_it_is_open_is_made_again(searchers: Searchers, tmp_path: Path) -> None:
    made = searchers.holdings.deposit(description=OPEN, pages=[("xóa tệp lmno",)])
    searchers.catch_up()
    (tmp_path / "index.db").unlink()
    answer = searchers.find("lmno")
    assert (answer.total, answer.completeness.indexed_to) == (0, 0)
    searchers.catch_up()
    assert found(searchers, "lmno") == {made}


def test_what_the_index_lacks_or_has_too_much_is_named(searchers: Searchers) -> None:
    made = searchers.holdings.deposit(description=OPEN)
    engine = searchers.holdings.engine
    searchers.catch_up()
    assert list(check_index(engine, searchers.index)) == []
    searchers.holdings.change(made, "due")
    assert {one.fault for one in check_index(engine, searchers.index)} == {"index-behind"}
    searchers.catch_up()
    with writing(engine) as connection:  # behind the stream's back
        connection.execute(update(package).where(package.c.record_id == made).values(sha256="cd" * 32))
    assert {(one.fault, one.subject) for one in check_index(engine, searchers.index)} == {("index-differs", made)}
    with writing(engine) as connection:
        connection.execute(update(package).where(package.c.record_id == made).values(state="void"))
    assert {(one.fault, one.subject) for one in check_index(engine, searchers.index)} == {("index-surplus", made)}
