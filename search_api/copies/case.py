"""Gathers what the rules of copies ask about, inside the transaction that acts on their verdict."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from archive.access.principals import LEGAL_TIME
from archive.access.subjects import HOLDER_ROLES
from archive.effects import effect_on
from archive.errors import NotFound
from archive.record import PartyId, RecordId
from archive.tables.holdings import record, record_party
from archive.tables.log import stream_head
from retention.holds import active_holds
from search_api.copies.eligibility import CopyCase
from search_api.copies.model import Capacity


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request the rules ask about. proof, dossier: whether there is one."""

    capacity: Capacity
    requester: PartyId | None
    proof: bool
    dossier: bool
    purpose: str


def legal_day(at: datetime) -> date:
    """Return the legal day, +07:00, of an instant."""
    return at.astimezone(LEGAL_TIME).date()


def load_case(
    connection: Connection, record_id: RecordId, asked: Asked, *, on: date, locked: bool = False
) -> CopyCase:
    """Return the case of a record and a request on a legal day. Raises NotFound.

    locked: takes the head of the records stream first, to the end of the transaction: whoever changes a record
    writes an event there, so nothing of it changes between the verdict and the commit. On SQLite writers are
    serial anyway. A caller locks rows of requests and copies before, never after.
    """
    if locked:
        connection.execute(
            select(stream_head.c.next_sequence).where(stream_head.c.stream == "records").with_for_update()
        )
    columns = select(
        record.c.state,
        record.c.access_mode,
        record.c.sensitivity_level,
        record.c.source_form,
        record.c.source_status,
        record.c.original_book_body,
        record.c.original_book,
        record.c.original_number,
        record.c.copy_prohibition,
    ).where(record.c.id == record_id)
    row = connection.execute(columns).one_or_none()
    if row is None:
        raise NotFound("record", record_id)
    return CopyCase(
        record_state=row.state,
        access_mode=row.access_mode,
        sensitivity_level=row.sensitivity_level,
        source_form=row.source_form,
        source_status=row.source_status,
        original_book_body=row.original_book_body,
        original_book=row.original_book,
        original_number=row.original_number,
        copy_prohibition=row.copy_prohibition,
        holds=active_holds(connection, record_id),
        effect=effect_on(connection, record_id, on),
        capacity=asked.capacity,
        requester_is_holder=_is_holder(connection, record_id, asked.requester, on),
        proof=asked.proof,
        dossier=asked.dossier,
        purpose=asked.purpose,
    )


def _is_holder(connection: Connection, record_id: RecordId, party: PartyId | None, on: date) -> bool | None:
    if party is None:
        return None
    found = connection.execute(
        select(record_party.c.party_id).where(
            record_party.c.record_id == record_id,
            record_party.c.party_id == party,
            record_party.c.role.in_(HOLDER_ROLES),
            record_party.c.valid_from.is_(None) | (record_party.c.valid_from <= on),
            record_party.c.valid_until.is_(None) | (record_party.c.valid_until >= on),
        )
    ).first()
    return found is not None
