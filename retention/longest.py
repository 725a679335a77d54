"""A file is kept as long as the longest of its records (RET-1): for one record and for many files.

The unit's file of the year for results without a dossier is no file in this sense.
"""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection, case, func, select

from archive.record import RecordId, Retention
from archive.reservations import UNFILED
from archive.tables.holdings import archival_file, record


def longest_of_files(connection: Connection, files: Collection[str]) -> dict[str, Retention]:
    """Return of archival files, by id, how long their accepted records are kept at the longest (no rules told)."""
    rows = connection.execute(
        select(
            record.c.archival_file_id,
            func.max(case((record.c.permanent, 1), else_=0)).label("permanent"),
            func.max(record.c.keep_until).label("keep_until"),
        )
        .join(archival_file, archival_file.c.id == record.c.archival_file_id)
        .where(record.c.archival_file_id.in_(files), record.c.state == "accepted", archival_file.c.code != UNFILED)
        .group_by(record.c.archival_file_id)
    )
    return {
        row.archival_file_id: Retention(None, row.keep_until, bool(row.permanent), None, None, None)
        for row in rows
    }


def with_file(own: Retention, file: Retention | None) -> Retention:
    """Return a record's retention, as long as its file's longest."""
    if file is None:
        return own
    days = [one for one in (own.keep_until, file.keep_until) if one is not None]
    return replace(own, permanent=own.permanent or file.permanent, keep_until=max(days, default=None))


def longest_in_file(connection: Connection, record_id: RecordId) -> Retention:
    """Return how long a record must be kept in its file."""
    row = connection.execute(select(record).where(record.c.id == record_id)).one()
    own = Retention(
        row.retention_class,
        row.keep_until,
        row.permanent,
        row.retention_rule,
        row.retention_citation,
        row.retention_mark,
    )
    return with_file(own, longest_of_files(connection, [row.archival_file_id]).get(row.archival_file_id))
