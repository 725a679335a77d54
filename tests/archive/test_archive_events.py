"""The event streams: canonical bytes, leaf hashes, no gaps, no way to change."""

import hashlib
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, Executable, delete, select, text, update
from sqlalchemy.exc import IntegrityError
from tampering import behind_triggers, drop_trigger

from archive import events
from archive.checks import check_events
from archive.database import reading, writing
from archive.errors import EventTooLarge
from archive.record import PrincipalId
from archive.tables.log import event, stream_head

WHO = PrincipalId("p" * 26)
AT = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)


def _append(engine: Engine, count: int, stream: events.Stream = "records") -> None:
    for number in range(count):
        with writing(engine) as connection:
            events.append(connection, stream, "test.act", principal=WHO, at=AT, payload={"n": number})


def test_canonical_bytes_are_rfc_8785() -> None:
    found = events.canonical_bytes(
        "records", 0, "record.deposited", principal=WHO, at=AT, payload={"b": "đ", "a": [1, 0.5, None]}
    )
    assert (
        found
        == (
            '{"at":"2026-11-24T01:02:03.456789Z","kind":"record.deposited",'
            '"payload":{"a":[1,0.5,null],"b":"đ"},"principal":"' + WHO + '","sequence":0,"stream":"records","v":1}'
        ).encode()
    )


def test_leaf_hash_is_rfc_6962s() -> None:
    # The hash of the empty leaf is a published test value of RFC 6962.
    assert events.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert events.leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()


def test_sequence_starts_at_zero_and_has_no_gap_per_stream(engine: Engine) -> None:
    _append(engine, 3)
    _append(engine, 2, "access")
    with reading(engine) as connection:
        records = [e.sequence for e in events.read_from(connection, "records", 0)]
        access = [e.sequence for e in events.read_from(connection, "access", 1)]
    assert records == [0, 1, 2]
    assert access == [1]


def test_a_rolled_back_append_leaves_no_gap(engine: Engine) -> None:
    _append(engine, 1)
    with engine.connect() as connection:
        events.append(connection, "records", "lost", principal=WHO, at=AT, payload={})
        connection.rollback()
    _append(engine, 1)
    assert list(check_events(engine)) == []


def test_concurrent_writers_leave_no_gap(engine: Engine) -> None:
    threads = [threading.Thread(target=_append, args=(engine, 25)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert [e.sequence for e in events.read_from(connection, "records", 0)] == list(range(100))
    assert list(check_events(engine)) == []


FORGED = b"\x00"


@pytest.mark.parametrize(
    "statement",
    [update(event).values(leaf_hash=FORGED), delete(event)],
    ids=["changed", "removed"],
)
def test_events_cannot_be_changed_or_removed(engine: Engine, statement: Executable) -> None:
    _append(engine, 1)
    with pytest.raises(IntegrityError, match="append-only"), writing(engine) as connection:
        connection.execute(statement)


@pytest.mark.embedded("database")
def test_events_cannot_be_replaced(engine: Engine) -> None:
    _append(engine, 1)
    replacing = "INSERT OR REPLACE INTO event SELECT stream, sequence, x'00', x'00' FROM event"
    with pytest.raises(IntegrityError, match="append-only"), writing(engine) as connection:
        connection.execute(text(replacing))


def test_an_event_over_the_limit_is_refused(engine: Engine) -> None:
    with pytest.raises(EventTooLarge), writing(engine) as connection:
        events.append(connection, "records", "big", principal=WHO, at=AT, payload={"x": "a" * 70_000})
    assert list(check_events(engine)) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (delete(event).where(event.c.sequence == 1), "event-gap"),
        (delete(event).where(event.c.sequence == 2), "event-head"),
        (update(event).where(event.c.sequence == 1).values(canonical=b"{}"), "event-changed"),
        (update(stream_head).where(stream_head.c.stream == "records").values(next_sequence=9), "event-head"),
    ],
)
def test_a_seeded_fault_of_the_log_is_named(engine: Engine, statement: Executable, fault: str) -> None:
    _append(engine, 3)
    behind_triggers(engine, statement)
    assert fault in {finding.fault for finding in check_events(engine)}


def test_a_missing_trigger_is_named(engine: Engine) -> None:
    drop_trigger(engine, "event_no_delete")
    assert [f.subject for f in check_events(engine)] == ["event_no_delete"]


@given(st.dictionaries(st.text(max_size=20), st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=50)))
def test_what_is_stored_is_what_was_said(payload: dict[str, object]) -> None:
    stored = events.canonical_bytes("records", 7, "k", principal=WHO, at=AT, payload=payload)
    body = events.Event("records", 7, stored, events.leaf_hash(stored)).body
    assert body["payload"] == payload


def test_rows_hold_the_hash_of_their_bytes(engine: Engine) -> None:
    _append(engine, 2)
    with reading(engine) as connection:
        for row in connection.execute(select(event)):
            assert row.leaf_hash == events.leaf_hash(row.canonical)
