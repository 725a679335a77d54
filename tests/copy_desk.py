"""A desk that issues copies over an archive filled by `holdings`, and those who ask, approve and fetch there."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import stack
from holdings import Holdings, keep_log
from sqlalchemy import Row, select

from archive import events
from archive.access.policy import Caller
from archive.access.principals import caller_of
from archive.checks import check_copies, check_events, check_objects
from archive.database import reading
from archive.record import PrincipalId, RecordId
from archive.sealing import Seal
from archive.signers.file import FileSigner
from archive.tables.copies import copy, copy_register
from search_api.copies.model import CopyDesk, CopySettings, RequestForm
from search_api.copies.requests import request_copy


def open_desk(
    folder: Path,
    now: Callable[[], datetime],
    *,
    settings: CopySettings | None = None,
    scratch: str = "scratch",
) -> CopyDesk:
    """Open a home of `Holdings` for copies, as another process would."""
    engine, store = stack.known_engine(folder), stack.new_store(folder)
    return CopyDesk(
        engine=engine,
        store=store,
        log=keep_log(folder, engine, store, now),
        signer=FileSigner(folder / "keys"),
        seal=Seal.load(folder / "keys" / "sealing.json"),
        settings=settings or CopySettings(),
        scratch=folder / scratch,
        now=now,
    )


def as_caller(held: Holdings, principal: PrincipalId, *, at: datetime | None = None) -> Caller:
    """Return a principal as a caller, with the grants of today."""
    with reading(held.engine) as connection:
        return caller_of(connection, principal, at=at or held.at)


def form_of(record_id: RecordId, **changes: Any) -> RequestForm:
    """An officer's request for an office copy, or one changed."""
    values: dict[str, Any] = {
        "record": record_id,
        "kind": "office-copy",
        "purpose": "giải quyết hồ sơ",
        "capacity": "officer",
    }
    return RequestForm(**{**values, **changes})


def asked(desk: CopyDesk, caller: Caller, record_id: RecordId, **changes: Any) -> str:
    """Ask for a copy and return the request's id."""
    return request_copy(desk, caller, form_of(record_id, **changes), idempotency_key=None).id


def copy_rows(desk: CopyDesk) -> list[Row[Any]]:
    """Every copy of the register in the order of its numbers."""
    with reading(desk.engine) as connection:
        return list(connection.execute(select(copy).order_by(copy.c.register_id, copy.c.number)))


def records_events(desk: CopyDesk, kind: str | None = None) -> list[dict[str, Any]]:
    """Every event of the records stream, or those of one kind, in order."""
    return _events(desk, "records", kind)


def access_events(desk: CopyDesk, kind: str | None = None) -> list[dict[str, Any]]:
    """Every event of the access stream, or those of one kind, in order."""
    return _events(desk, "access", kind)


def faults(desk: CopyDesk) -> list[str]:
    """Name what is wrong with objects, copies and events, every byte read."""
    checks = (
        check_objects(desk.engine, desk.store, deep=True),
        check_copies(desk.engine, desk.store, deep=True),
        check_events(desk.engine),
    )
    return [finding.fault for check in checks for finding in check]


def require_explained(desk: CopyDesk) -> None:
    """Every number from 1 on is one copy, issued, or void or revoked with its reason, with the events of that."""
    with reading(desk.engine) as connection:
        registers = connection.execute(select(copy_register)).all()
    rows = copy_rows(desk)
    for register in registers:
        numbers = [row.number for row in rows if row.register_id == register.id]
        assert numbers == list(range(1, register.last_number + 1))
    assert all(row.status == "issued" or (row.status in ("void", "revoked") and row.reason) for row in rows)
    assert max(Counter(row.request_id for row in rows).values()) == 1
    assert len({row.serial for row in rows}) == len(rows)
    reserved = [e["payload"]["copy"] for e in records_events(desk, "copy.reserved")]
    ended = [e["payload"]["copy"] for kind in ("copy.issued", "copy.voided") for e in records_events(desk, kind)]
    assert Counter(reserved) == Counter(ended) == Counter(row.id for row in rows)
    assert faults(desk) == []


def _events(desk: CopyDesk, stream: Any, kind: str | None) -> list[dict[str, Any]]:
    with reading(desk.engine) as connection:
        bodies = [one.body for one in events.read_from(connection, stream, 0, limit=100_000)]
    return [body for body in bodies if kind in (None, body["kind"])]
