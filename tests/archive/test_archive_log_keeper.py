"""The log's way into the vault: claimed once, adopted after a crash, never written over, told outside."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stack
from sqlalchemy import Engine, delete, select, text, update

from archive import events
from archive.database import reading, writing
from archive.errors import LogBroken, LogForked, LogNotSecured, StoreUnavailable
from archive.events import Stream
from archive.log.checks import check_log
from archive.log.keeper import LogKeeper, position
from archive.log.notes import LogKey, open_checkpoint
from archive.log.outside import NOWHERE, Outside, open_outside
from archive.log.segments import MOST_LEAVES, read_segment, segments_of
from archive.record import PrincipalId
from archive.stores.port import ObjectStore
from archive.tables.log import checkpoint, event, log_node, log_segment, stream_head

AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
WHO = PrincipalId("w" * 26)


@dataclass
class Log:
    """A catalogue and a vault with nothing but a log."""

    engine: Engine
    store: ObjectStore
    key: LogKey
    folder: Path
    at: datetime = AT

    def keeper(self, *, key: LogKey | None = None, outside: Outside = NOWHERE, store: Any = None) -> LogKeeper:
        return LogKeeper(
            self.engine,
            store or self.store,
            key or self.key,
            locked_days=3650,
            scratch=self.folder / "scratch",
            now=lambda: self.at,
            outside=outside,
        )

    def append(self, count: int, stream: Stream = "records") -> int:
        """Append events; return the number of the last."""
        with writing(self.engine) as connection:
            for number in range(count):
                last = events.append(
                    connection, stream, "test.act", principal=WHO, at=self.at, payload={"n": number}
                )
        return last

    def kept(self, stream: Stream = "records") -> int:
        with reading(self.engine) as connection:
            return position(connection, stream).kept

    def faults(self, outside: Outside = NOWHERE) -> set[str]:
        found = check_log(self.engine, self.store, self.key.verifier, outside, deep=True)
        return {one.fault for one in found}

    def forget(self, size: int) -> None:
        """Cut the catalogue back to an older, valid state."""
        with writing(self.engine) as connection:
            for trigger in ("event_no_delete",):
                drop = f"DROP TRIGGER {trigger}"
                on = "" if self.engine.dialect.name == "sqlite" else " ON event"
                connection.execute(text(drop + on))
            connection.execute(delete(event).where(event.c.sequence >= size))
            connection.execute(delete(log_segment).where(log_segment.c.next_sequence > size))
            connection.execute(delete(checkpoint).where(checkpoint.c.tree_size > size))
            connection.execute(delete(log_node))
            connection.execute(
                update(stream_head).where(stream_head.c.stream == "records").values(next_sequence=size)
            )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    folder = tmp_path / "home"
    folder.mkdir()
    engine = stack.new_engine(folder)
    yield Log(engine, stack.new_store(folder), LogKey.generate("kho-thu"), folder)
    engine.dispose()


def test_what_is_secured_is_in_the_vault_locked_and_signed(log: Log) -> None:
    log.append(3)
    keeper = log.keeper()
    keeper.secure(log.append(2))
    (stored,) = segments_of(log.store, "records")
    segment = read_segment(log.store, stored)
    assert (segment.first, segment.next) == (0, 5)
    assert open_checkpoint(segment.note, log.key.verifier("records"), name="it").size == 5
    assert stored.retain_until is not None
    assert stored.retain_until >= AT + timedelta(days=3650)
    with reading(log.engine) as connection:
        ours = [one.canonical for one in events.read_from(connection, "records", 0)]
    assert list(segment.entries) == ours
    assert log.faults() == set()
    keeper.secure(2)
    assert len(list(segments_of(log.store, "records"))) == 1


def test_a_long_log_is_published_in_segments(log: Log) -> None:
    log.append(MOST_LEAVES + 300)
    log.append(700, "access")
    log.keeper().publish()
    sizes = [read_segment(log.store, one).next for one in segments_of(log.store, "records")]
    assert sizes == [MOST_LEAVES, MOST_LEAVES + 300]
    with reading(log.engine) as connection:
        levels = connection.execute(select(log_node.c.level, log_node.c.number).order_by(*log_node.c)).all()
    assert len(levels) == (MOST_LEAVES + 300) // 256 + 700 // 256
    assert log.faults() == set()


def test_many_who_secure_at_once_leave_one_log(log: Log) -> None:
    def act(number: int) -> None:
        keeper = keepers[number % len(keepers)]
        for _ in range(5):
            last = log.append(1)
            keeper.secure(last)
            assert log.kept() > last

    keepers = [log.keeper() for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(6)))
    assert log.kept() == 30
    assert log.faults() == set()


def test_a_segment_put_before_a_crash_is_adopted(log: Log) -> None:
    log.append(4)
    log.keeper().publish()
    with writing(log.engine) as connection:
        for table in (log_segment, checkpoint, log_node):
            connection.execute(delete(table))
    log.append(3)
    log.keeper().publish()
    first, second = segments_of(log.store, "records")
    assert (read_segment(log.store, first).next, read_segment(log.store, second).next) == (4, 7)
    assert log.faults() == set()


class _Away:
    """A store that is out of reach."""

    def put(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("nobody answers")


def test_an_act_is_not_acknowledged_while_the_vault_is_away(log: Log) -> None:
    last = log.append(1)
    with pytest.raises(LogNotSecured):
        log.keeper(store=_Away()).secure(last)
    log.keeper().secure(last)
    assert log.kept() == 1


def test_a_catalogue_put_back_in_time_is_named_and_nothing_is_written_over(log: Log) -> None:
    log.append(4)
    log.keeper().publish()
    log.append(4)
    log.keeper().publish()
    log.forget(4)
    assert "log-cut" not in log.faults()  # the vault's next segment might have been put this moment
    log.append(2)
    before = {(one.key, one.version_id, one.sha256) for one in log.store.list_versions("log/")}
    with pytest.raises(LogForked, match="records:"):
        log.keeper().publish()
    assert {(one.key, one.version_id, one.sha256) for one in log.store.list_versions("log/")} == before
    assert log.kept() == 4


def test_a_vault_of_another_installation_is_named(log: Log) -> None:
    log.append(2)
    log.keeper(key=LogKey.generate("kho-khac")).publish()
    with writing(log.engine) as connection:
        for table in (log_segment, checkpoint):
            connection.execute(delete(table))
    with pytest.raises(LogBroken, match="log/records/"):
        log.keeper().publish()


def test_an_event_that_is_missing_stops_the_log(log: Log) -> None:
    log.append(3)
    with writing(log.engine) as connection:
        on = "" if log.engine.dialect.name == "sqlite" else " ON event"
        connection.execute(text(f"DROP TRIGGER event_no_delete{on}"))
        connection.execute(delete(event).where(event.c.sequence == 1))
    with pytest.raises(LogBroken, match="records:0"):
        log.keeper().publish()


def test_it_publishes_by_time_or_when_a_segment_is_full(log: Log) -> None:
    keeper = log.keeper()
    log.append(1)
    keeper.tend()
    assert log.kept() == 1
    log.append(1)
    keeper.tend()
    assert log.kept() == 1
    log.at = AT + timedelta(seconds=61)
    keeper.tend()
    assert log.kept() == 2
    log.append(MOST_LEAVES)
    keeper.tend()
    assert log.kept() == MOST_LEAVES + 2
    log.append(1)
    log.at = AT - timedelta(days=365)
    keeper.tend()
    assert log.kept() == MOST_LEAVES + 3


@pytest.mark.parametrize("name", ["log.jsonl", "tlog/"])
def test_the_outside_place_is_told_and_finds_a_cut(log: Log, tmp_path: Path, name: str) -> None:
    outside = open_outside(f"file://{tmp_path}/{name}", log.engine)
    log.append(3)
    keeper = log.keeper(outside=outside)
    keeper.publish()
    keeper.tend()
    assert log.faults(outside) == set()
    log.forget(0)
    log.append(1)
    found = list(check_log(log.engine, log.store, log.key.verifier, outside, deep=True))
    assert "log-cut" in {one.fault for one in found if one.subject == "outside:records"}


def test_an_outside_file_keeps_every_checkpoint(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    keeper = log.keeper(outside=open_outside(f"file://{path}", log.engine))
    for _ in range(3):
        keeper.secure(log.append(1))
    assert [json.loads(line)["size"] for line in path.read_text().splitlines()] == [1, 2, 3]
