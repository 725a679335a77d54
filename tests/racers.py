"""Acts raced against each other: one function by several processes, in several threads of each, at one moment."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cache
from threading import Barrier
from typing import Any

from sqlalchemy import Connection, Engine, insert

from archive import events, reservations
from archive.access.principals import add_principal
from archive.database import migrate, open_engine, reading, require_current, writing
from archive.errors import PrincipalRefused
from archive.identifiers import new_id
from archive.record import ArchivalFile, PrincipalId, RecordId
from archive.tables.holdings import fonds
from archive.tables.principals import principal
from archive.tables.units import unit
from ingest import worklist
from ingest.settings import IngestSettings
from search_api.copies.register import next_number

AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
WHO = PrincipalId("w" * 26)
PROCESSES, THREADS = 2, 4
Act = Callable[[Engine, Any], Any]


def race(act: Act, url: str, argument: Any = None, *, times: int = 1) -> list[Any]:
    """Do an act times over in each thread of each process and return all it answered. Raises what the act does."""
    running = [_processes().submit(_in_threads, act, url, argument, times) for _ in range(PROCESSES)]
    return [answer for one in running for answer in one.result()]


@cache
def _processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn"))


def _in_threads(act: Act, url: str, argument: Any, times: int) -> list[Any]:
    engine = open_engine(url)
    ready = Barrier(THREADS)

    def run() -> list[Any]:
        ready.wait()
        return [act(engine, argument) for _ in range(times)]

    try:
        with ThreadPoolExecutor(THREADS) as threads:
            running = [threads.submit(run) for _ in range(THREADS)]
            return [answer for one in running for answer in one.result()]
    finally:
        engine.dispose()


def found_unit(engine: Engine) -> None:
    """Enter a unit with its fonds, and who acts."""
    with writing(engine) as connection:
        connection.execute(insert(unit).values(id="so-a", kind="department"))
        connection.execute(insert(fonds).values(code="SO-A", title="Sở A", unit_id="so-a"))
        connection.execute(
            insert(principal).values(
                id=WHO, kind="administrator", login="who", display_name="Người", created_at=AT
            )
        )


def bring_up_to_date(engine: Engine, _: Any) -> None:
    """Migrate, as `init` does, and look."""
    migrate(engine)
    require_current(engine)


def append_event(engine: Engine, _: Any) -> int:
    """Append one event and return its sequence number."""
    with writing(engine) as connection:
        return events.append(connection, "records", "test.act", principal=WHO, at=AT, payload={})


def open_file(engine: Engine, code: str) -> tuple[str, int]:
    """Reserve a record in a file that may not be there yet; return (file, ordinal)."""
    with writing(engine) as connection:
        file: ArchivalFile = reservations.find_archival_file(
            connection,
            fonds_code="SO-A",
            year=2026,
            code=code,
            title="Hồ sơ",
            closed_on=date(2026, 12, 31),
            paper_place=None,
            at=AT,
            principal=WHO,
        )
        _, _, ordinal = reservations.reserve_record(
            connection, file, custodian_id="so-a", work_item_id=new_id(), at=AT, principal=WHO
        )
    return file.id, ordinal


def reserve_package(engine: Engine, record_id: RecordId) -> int:
    """Reserve the next package number of a record."""
    with writing(engine) as connection:
        return reservations.reserve_package(
            connection, record_id, kind="supplement", about="effect", work_item_id=new_id()
        )[0]


def void_and_reserve(engine: Engine, record_id: RecordId) -> int:
    """Take a number, then void it with its event in another transaction, as an act that is given up does."""
    number = reserve_package(engine, record_id)
    with writing(engine) as connection:
        reservations.void_package(connection, record_id, number, reason="given-up", at=AT, principal=WHO)
    return number


def take_copy_number(engine: Engine, _: Any) -> int:
    """Take the next number of a register that may not be open yet."""
    with writing(engine) as connection:
        return next_number(connection, "so-a", "office-copy", at=AT, principal=WHO)[1]


def add_same_login(engine: Engine, login: str) -> bool:
    """Add a principal under a login; say whether it was free."""
    try:
        with writing(engine) as connection:
            add_principal(connection, kind="officer", login=login, display_name="A", by=WHO, at=AT)
    except PrincipalRefused:
        return False
    return True


def add_work(connection: Connection, number: int) -> None:
    """Put a piece of work on the list."""
    worklist.add_work(connection, f"{number:026d}", batch_id="b", lane="batch", now=AT)


def claim_work(engine: Engine, settings: IngestSettings) -> str | None:
    """Claim the next work item and return its id."""
    with writing(engine) as connection:
        claim = worklist.claim_next(connection, owner="host:1:1", now=AT, settings=settings)
    return claim.work_item_id if claim else None


def follow(engine: Engine, until: int) -> list[int]:
    """Read the stream by cursor, as the index does, until its end is reached; return what was seen, in order."""
    seen: list[int] = []
    while len(seen) < until:
        with reading(engine) as connection:
            seen += [one.sequence for one in events.read_from(connection, "records", len(seen))]
    return seen


def append_or_follow(engine: Engine, until: int) -> list[int]:
    """Append a share of the events, then follow all of them from the beginning while others still append."""
    for _ in range(until // (PROCESSES * THREADS)):
        append_event(engine, None)
    return follow(engine, until)
