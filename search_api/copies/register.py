"""The register of copies: one series of numbers an agency and year, without a gap and never used again.

CPY-3: Arabic numerals from 01 on 1 January to 31 December, one series for sao y, sao lục and trích sao; what is
issued from an original book has its own. The year is the legal year, +07:00, of the reservation.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from archive import events
from archive.access.principals import LEGAL_TIME
from archive.identifiers import new_id
from archive.record import PrincipalId, RecordId
from archive.tables.copies import copy, copy_register
from search_api.copies.model import CopyFacts, CopyKind

BOOK = 1  # a book has no end here; a second one is opened by hand
SERIES: dict[CopyKind, str] = {"office-copy": "copies", "original-book-copy": "original-book"}


def next_number(
    connection: Connection, agency: str, kind: CopyKind, *, at: datetime, principal: PrincipalId
) -> tuple[str, int, int]:
    """Take the next number of the series; return (register id, number, year).

    It is the caller's with the transaction: rolled back, the number is the next one's. Raises KeyError for a
    kind that is not numbered here.
    """
    series, year = SERIES[kind], at.astimezone(LEGAL_TIME).year
    where = (
        copy_register.c.agency_unit_id == agency,
        copy_register.c.series == series,
        copy_register.c.year == year,
        copy_register.c.book == BOOK,
    )
    take = (
        update(copy_register)
        .where(*where)
        .values(last_number=copy_register.c.last_number + 1)
        .returning(copy_register.c.id, copy_register.c.last_number)
    )
    row = connection.execute(take).one_or_none()
    if row is None:
        _open_book(connection, agency, series, year, at=at, principal=principal)
        row = connection.execute(take).one()
    return row.id, row.last_number, year


def _open_book(
    connection: Connection, agency: str, series: str, year: int, *, at: datetime, principal: PrincipalId
) -> None:
    values = {"id": new_id(), "agency_unit_id": agency, "series": series, "year": year, "book": BOOK}
    try:
        with connection.begin_nested():
            connection.execute(insert(copy_register).values(**values, last_number=0, opened_at=at))
    except IntegrityError:
        return  # another transaction opened it; its row is the one
    payload = {**values, "opened_at": events.instant_text(at)}
    events.append(connection, "records", "copy-register.opened", principal=principal, at=at, payload=payload)


def number_text(number: int, year: int) -> str:
    """Return a number as it is printed: `01/2026`."""
    return f"{number:02d}/{year}"


def copy_of_request(connection: Connection, request_id: str, *, locked: bool = False) -> Row[Any] | None:
    """Return the one copy a request has or had; None while no number is reserved."""
    found = select(copy).where(copy.c.request_id == request_id)
    return connection.execute(found.with_for_update() if locked else found).one_or_none()


def copy_facts(row: Row[Any]) -> CopyFacts:
    """Return a row of the copies as its facts."""
    frozen = row.frozen
    return CopyFacts(
        serial=row.serial,
        status=row.status,
        reason=row.reason,
        kind=row.kind,
        record_id=RecordId(row.record_id),
        agency=frozen["agency_name"],
        number=row.number,
        number_text=frozen["number_text"],
        demo=row.demo,
        sha256=row.sha256,
        length=row.length,
        reserved_at=row.reserved_at,
        issued_at=row.issued_at,
        ended_at=row.ended_at,
    )


def end_copy(
    connection: Connection,
    row: Row[Any],
    status: str,
    *,
    reason: str,
    at: datetime,
    principal: PrincipalId,
    **values: Any,
) -> int:
    """Void or revoke a copy with its reason; return its event's number. The copy's number is not used again."""
    said = events.append(
        connection,
        "records",
        {"void": "copy.voided", "revoked": "copy.revoked"}[status],
        principal=principal,
        at=at,
        payload={
            "copy": row.id,
            "serial": row.serial,
            "record": row.record_id,
            "request": row.request_id,
            "register": row.register_id,
            "number": row.number,
            "reason": reason,
            **values,
        },
    )
    changed = {"status": status, "reason": reason, "ended_at": at, "last_event": said, **values}
    connection.execute(update(copy).where(copy.c.id == row.id).values(**changed))
    return said
