"""Loads what access needs to know of a record, and asks the policy inside the caller's transaction.

Whose record it is, and of which units, is said here once: lists and the index narrow by the same.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, or_, select

from archive.access.policy import Act, Caller, Subject, require
from archive.record import PartyId, RecordId
from archive.tables.holdings import record, record_party

HOLDER_ROLES: Final = ("holder", "co-holder")  # of a party: whose record it is


def of_units(units: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a record is of one of these units: in their custody, or managed by them."""
    among = sorted(units)
    return or_(record.c.custodian_unit_id.in_(among), record.c.managing_unit_id.in_(among))


def subject_of(connection: Connection, name: str) -> Subject | None:
    """Return the record with this id or archive number as access sees it; None if there is none."""
    row = connection.execute(
        select(
            record.c.id,
            record.c.state,
            record.c.custodian_unit_id,
            record.c.managing_unit_id,
            record.c.access_mode,
        ).where((record.c.id == name) | (record.c.archive_number == name))
    ).one_or_none()
    if row is None:
        return None
    holders = connection.execute(
        select(record_party.c.party_id).where(
            record_party.c.record_id == row.id, record_party.c.role.in_(HOLDER_ROLES)
        )
    ).scalars()
    return Subject(
        record_id=RecordId(row.id),
        state=row.state,
        units=frozenset((row.custodian_unit_id, row.managing_unit_id)),
        mode=row.access_mode,
        holders=frozenset(PartyId(party) for party in holders),
    )


def find_for(connection: Connection, caller: Caller, act: Act, name: str, *, purpose: str | None) -> RecordId:
    """Return the record a caller may do this act on. Raises NotFound (unknown or forbidden), PurposeNeeded."""
    subject = subject_of(connection, name)
    require(caller, act, subject, name=name, purpose=purpose)
    assert subject is not None
    return subject.record_id
