"""PostgreSQL under the catalogue: what it is asked to bound, what it refuses, and how writers side by side end."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
import racers
import stack
from servers import shared
from servers.postgres import Postgres
from sqlalchemy import Engine, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from archive import events, ledger
from archive.checks import check_events
from archive.database import migrate, open_engine, reading, require_current, writing
from archive.errors import CatalogueBusy, HomeNotReady
from archive.postgresql import POOL_OVERFLOW, POOL_SIZE, BoundedConnection
from archive.record import RecordId
from archive.tables.copies import copy_register
from archive.tables.holdings import archival_file, record
from archive.tables.packages import package
from archive.tables.principals import principal
from archive.tables.units import unit
from ingest.settings import IngestSettings
from ingest.tables import work_item

EVERYONE = racers.PROCESSES * racers.THREADS


@pytest.fixture
def url() -> str:
    """Where a migrated catalogue of its own is."""
    return stack.new_postgres()


@pytest.fixture
def catalogue(url: str) -> Iterator[Engine]:
    """A migrated catalogue with a unit, its fonds and a principal."""
    engine = open_engine(url)
    racers.found_unit(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    """A server of this module's own, to be killed and to ask for passwords."""
    server = Postgres(Path("/tmp") / f"sohoa-pg-{uuid4().hex[:8]}").durable().start()
    yield server
    server.remove()


def _count(engine: Engine, query: object) -> int:
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]


# What is asked of the server and of the pool


def test_statements_locks_and_idle_transactions_have_an_end(catalogue: Engine) -> None:
    with writing(catalogue) as connection:
        found = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_isolation",
                "application_name",
            )
        }
    assert found == {
        "statement_timeout": "20s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "transaction_isolation": "read committed",
        "application_name": "sohoa",
    }


def test_a_reading_sees_one_moment_and_cannot_write(catalogue: Engine) -> None:
    query = select(func.count()).select_from(unit)
    with reading(catalogue) as looking:
        before = looking.execute(query).scalar_one()
        with writing(catalogue) as connection:
            connection.execute(insert(unit).values(id="so-b", kind="department"))
        assert looking.execute(query).scalar_one() == before
    assert _count(catalogue, query) == before + 1
    with pytest.raises(Exception, match="read-only transaction"), reading(catalogue) as looking:
        looking.execute(insert(unit).values(id="so-c", kind="department"))
    with writing(catalogue) as connection:  # the connection that could only read can write again
        connection.execute(insert(unit).values(id="so-c", kind="department"))


def test_a_statement_that_takes_too_long_is_told_as_a_busy_catalogue(catalogue: Engine) -> None:
    slow = "SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)"
    with pytest.raises(CatalogueBusy, match="statement timeout"), writing(catalogue) as connection:
        connection.execute(text(slow))


def test_a_transaction_left_idle_is_ended_and_told_as_a_busy_catalogue(catalogue: Engine) -> None:
    def dawdle() -> None:
        with writing(catalogue) as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 50"))
            time.sleep(0.5)
            connection.execute(select(unit.c.id))

    with pytest.raises(CatalogueBusy, match="idle-in-transaction"):
        dawdle()


def test_a_row_somebody_keeps_is_told_as_a_busy_catalogue(catalogue: Engine) -> None:
    wanted = "SET LOCAL lock_timeout = 50; UPDATE unit SET kind = 'other'"
    with writing(catalogue) as holder:
        holder.execute(update(unit).values(kind="held"))
        with pytest.raises(CatalogueBusy, match="lock timeout"), writing(catalogue) as connection:
            connection.execute(text(wanted))


def test_two_that_wait_for_each_other_do_not_wait_for_ever(catalogue: Engine) -> None:
    with writing(catalogue) as connection:
        connection.execute(insert(unit).values(id="so-b", kind="department"))
    ready = threading.Barrier(2)

    def change(first: str, second: str) -> str:
        try:
            with writing(catalogue) as connection:
                connection.execute(update(unit).where(unit.c.id == first).values(kind="x"))
                ready.wait()
                connection.execute(update(unit).where(unit.c.id == second).values(kind="x"))
        except CatalogueBusy:
            return "busy"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        ended = [threads.submit(change, *pair) for pair in (("so-a", "so-b"), ("so-b", "so-a"))]
        assert sorted(one.result() for one in ended) == ["busy", "done"]


def test_the_pool_has_an_end_and_says_so_in_time(catalogue: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue.pool, "_timeout", 0.1)
    taken = [catalogue.connect() for _ in range(POOL_SIZE + POOL_OVERFLOW)]
    try:
        with pytest.raises(CatalogueBusy, match="limit"), reading(catalogue):
            pass
    finally:
        for connection in taken:
            connection.close()
    with reading(catalogue):
        pass


# A server that is gone, hangs, or does not want us


def test_a_server_that_does_not_answer_is_given_up_in_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 1.0)
    line = shared.toxiproxy().before(shared.postgres().port)
    engine = open_engine(url.replace(f":{shared.postgres().port}/", f":{line.port}/"))
    query = select(func.count()).select_from(unit)
    assert _count(engine, query) == 0
    line.black_hole()
    started = time.monotonic()
    with pytest.raises(CatalogueBusy):
        _count(engine, query)
    assert time.monotonic() - started < 15
    line.heal()
    assert _count(engine, query) == 0
    engine.dispose()


def _enter(engine: Engine, name: str, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    with writing(engine) as connection:
        connection.execute(insert(unit).values(id=name, kind="department"))
        meanwhile()


def test_a_server_killed_and_started_again_is_found_again(own: Postgres) -> None:
    engine = open_engine(own.url(own.new_database()))
    migrate(engine)
    racers.found_unit(engine)
    for round_ in range(3):
        with pytest.raises(CatalogueBusy):
            _enter(engine, f"never-{round_}", meanwhile=own.kill)
        started = time.monotonic()
        with pytest.raises(CatalogueBusy), reading(engine):
            pass
        assert time.monotonic() - started < 10
        own.start()
        _enter(engine, f"kept-{round_}")
    with reading(engine) as connection:
        found = connection.execute(select(unit.c.id).order_by(unit.c.id)).scalars().all()
    assert found == ["kept-0", "kept-1", "kept-2", "so-a"]
    engine.dispose()


def test_a_server_started_again_while_nobody_asked_is_not_noticed(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.postgresql.FRESH_SECONDS", 0.0)
    engine = open_engine(own.url(own.new_database()))
    migrate(engine)
    connections = [engine.connect() for _ in range(3)]
    for connection in connections:
        connection.close()  # to the pool
    own.kill()
    own.start()
    for number in range(4):
        _enter(engine, f"so-{number}")
    engine.dispose()


def test_what_is_not_ready_says_what_and_how_to_mend_it(own: Postgres) -> None:
    def told(address: str, password: str | None = None) -> str:
        engine = open_engine(address, password=password)
        try:
            with pytest.raises(HomeNotReady) as refused:
                require_current(engine)
        finally:
            engine.dispose()
        assert "\n" not in str(refused.value)
        return str(refused.value)

    empty = own.new_database()
    assert "run `sohoa init`" in told(own.url(empty))
    assert "cannot be opened; start the server or mend ARCHIVE_DATABASE_URL" in told(
        own.url(empty).replace(f":{own.port}/", ":1/")
    )
    assert "'nowhere'" in told(own.url("nowhere"))
    standby = own.new_database()
    own.execute(f"ALTER DATABASE {standby} SET default_transaction_read_only = on")
    assert "name the primary server" in told(own.url(standby))
    own.execute("CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "make one with ENCODING 'UTF8'" in told(own.url("narrow"))

    own.execute("CREATE ROLE asked LOGIN PASSWORD 'dung'")
    rules = own.data / "pg_hba.conf"
    rules.write_text(f"host all asked 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    own.execute("SELECT pg_reload_conf()")
    address = own.url(empty).replace("sohoa@", "asked@")
    for _ in range(100):  # the server reads its rules a moment later
        if "ARCHIVE_DATABASE_PASSWORD" in (wanted := told(address)):
            break
    assert "asks for a password; set ARCHIVE_DATABASE_PASSWORD" in wanted
    wrong = told(address, "sai")
    assert "refuses user 'asked'" in wrong
    assert "sai" not in wrong
    assert "run `sohoa init`" in told(address, "dung")


# What nobody may do


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE event",
        "INSERT INTO event SELECT stream, sequence, canonical, leaf_hash FROM event "
        "ON CONFLICT (stream, sequence) DO UPDATE SET canonical = '\\x00'",
        "UPDATE event SET sequence = sequence + 1",
        "DELETE FROM event",
    ],
)
def test_events_cannot_be_changed_by_any_statement(catalogue: Engine, statement: str) -> None:
    racers.append_event(catalogue, None)
    with pytest.raises(IntegrityError, match="append-only"), writing(catalogue) as connection:
        connection.execute(text(statement))
    assert list(check_events(catalogue)) == []


def test_a_fault_of_our_own_is_not_told_as_a_busy_catalogue(catalogue: Engine) -> None:
    with pytest.raises(ProgrammingError), writing(catalogue) as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


# Writers side by side


def test_events_of_many_writers_have_no_gap_and_a_cursor_misses_none(url: str, catalogue: Engine) -> None:
    total = 10 * EVERYONE
    seen = racers.race(racers.append_or_follow, url, total)
    assert seen == [list(range(total))] * EVERYONE
    assert list(check_events(catalogue)) == []


def test_a_file_asked_for_by_all_at_once_is_opened_once_and_its_ordinals_have_no_gap(
    url: str, catalogue: Engine
) -> None:
    answers = racers.race(racers.open_file, url, "HS1", times=3)
    assert len({file for file, _ in answers}) == 1
    assert sorted(ordinal for _, ordinal in answers) == list(range(1, 3 * EVERYONE + 1))
    assert _count(catalogue, select(func.count()).select_from(archival_file)) == 1
    with reading(catalogue) as connection:
        kinds = Counter(one.body["kind"] for one in events.read_from(connection, "records", 0))
    assert kinds == {"archival-file.opened": 1, "record.reserved": 3 * EVERYONE}


@pytest.fixture
def reserved(catalogue: Engine) -> RecordId:
    """A record with its numbers reserved."""
    racers.open_file(catalogue, "HS1")
    with reading(catalogue) as connection:
        return RecordId(connection.execute(select(record.c.id)).scalar_one())


@pytest.mark.parametrize("act", [racers.reserve_package, racers.void_and_reserve])
def test_package_numbers_have_no_gap(url: str, catalogue: Engine, reserved: RecordId, act: racers.Act) -> None:
    numbers = racers.race(act, url, reserved, times=3)
    assert sorted(numbers) == list(range(1, 3 * EVERYONE + 1))
    assert _count(catalogue, select(func.count()).select_from(package)) == 3 * EVERYONE


def test_acts_on_one_record_and_on_the_stream_do_not_lock_each_other_out(
    catalogue: Engine, reserved: RecordId
) -> None:
    """One keeps the record and wants the stream's head, another has the head and names the record."""
    has_record, has_head = threading.Event(), threading.Event()

    def keeps_record() -> None:
        with writing(catalogue) as connection:
            ledger.hold_record(connection, reserved)
            has_record.set()
            has_head.wait()
            events.append(connection, "records", "test.act", principal=racers.WHO, at=racers.AT, payload={})

    def has_stream() -> None:
        with writing(catalogue) as connection:
            events.append(connection, "records", "test.act", principal=racers.WHO, at=racers.AT, payload={})
            has_head.set()
            has_record.wait()
            # A row that names the record by a foreign key, as a copy does.
            connection.execute(
                insert(package).values(
                    record_id=reserved, number=9, kind="content", state="reserved", objid="o", object_key="k"
                )
            )

    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(keeps_record), threads.submit(has_stream)]:
            one.result()


def test_register_numbers_have_no_gap_and_the_book_is_opened_once(url: str, catalogue: Engine) -> None:
    numbers = racers.race(racers.take_copy_number, url, times=4)
    assert sorted(numbers) == list(range(1, 4 * EVERYONE + 1))
    assert _count(catalogue, select(func.count()).select_from(copy_register)) == 1


def test_a_login_wanted_by_all_at_once_is_one_principals(url: str, catalogue: Engine) -> None:
    assert sorted(racers.race(racers.add_same_login, url, "an")) == [False] * (EVERYONE - 1) + [True]
    assert _count(catalogue, select(func.count()).where(principal.c.login == "an")) == 1


def test_work_is_claimed_once_and_none_is_left(url: str, catalogue: Engine, tmp_path: Path) -> None:
    waiting = 5 * EVERYONE
    with writing(catalogue) as connection:
        for number in range(waiting):
            racers.add_work(connection, number)
    settings = IngestSettings(staging_url="", scratch=tmp_path)
    claimed = racers.race(racers.claim_work, url, settings, times=6)
    ids = [one for one in claimed if one is not None]
    assert len(ids) == len(set(ids)) == waiting
    assert _count(catalogue, select(func.count()).where(work_item.c.state == "leased")) == waiting
    assert _count(catalogue, select(func.max(work_item.c.fence))) == 1


def test_a_claim_under_way_holds_nobody_up(catalogue: Engine, tmp_path: Path) -> None:
    with writing(catalogue) as connection:
        for number in range(2):
            racers.add_work(connection, number)
    settings = IngestSettings(staging_url="", scratch=tmp_path)
    with writing(catalogue) as holder:
        kept = holder.execute(
            select(work_item.c.id).order_by(work_item.c.id).limit(1).with_for_update()
        ).scalar_one()
        started = time.monotonic()
        other = racers.claim_work(catalogue, settings)
        assert time.monotonic() - started < 2
        assert other not in (None, kept)
        assert racers.claim_work(catalogue, settings) is None
    assert racers.claim_work(catalogue, settings) == kept


def test_two_that_migrate_at_once_make_one_schema() -> None:
    url = stack.new_postgres(migrated=False)
    racers.race(racers.bring_up_to_date, url)
    engine = open_engine(url)
    assert list(check_events(engine)) == []
    engine.dispose()
