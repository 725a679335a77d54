"""The custody proof of a record: sheet, scan, page, package, copies, each event proven against one checkpoint.

The bundle is JSON that `verify_log.py` checks alone; its format is described there.
"""

import base64
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from archive.custody import custody_facts
from archive.errors import NotFound
from archive.log.keeper import newest_checkpoint
from archive.log.merkle import inclusion_proof
from archive.log.nodes import nodes_of
from archive.log.verify_log import CUSTODY_FORMAT, parse_checkpoint
from archive.record import RecordId
from archive.tables.copies import copy
from archive.tables.log import event
from archive.tables.packages import package, page, part


def custody_of(
    connection: Connection, record_id: RecordId, verifier: str, *, serial: str | None = None
) -> dict[str, Any]:
    """Return the bundle of a record's newest content package, or of the one a copy (serial) was made from.

    verifier: the public key, as C2SP writes it, of the records stream. Events that are not in the vault yet have
    no proof and are left out: bring the log home first. Raises NotFound.
    """
    copies = connection.execute(
        select(copy)
        .where(copy.c.record_id == record_id, copy.c.issued_event.is_not(None))
        .where(copy.c.serial == serial if serial is not None else copy.c.serial.is_not(None))
        .order_by(copy.c.issued_event)
    ).all()
    if serial is not None and not copies:
        raise NotFound("copy", serial)
    packages = connection.execute(
        select(package)
        .where(package.c.record_id == record_id, package.c.state == "deposited")
        .order_by(package.c.number)
    ).all()
    contents = [row for row in packages if row.kind == "content"]
    if serial is not None:
        contents = [row for row in contents if row.number == copies[0].package_number]
    if not contents:
        raise NotFound("package of record", record_id)
    content = contents[-1]
    copies = [row for row in copies if row.package_number == content.number]
    mine = [row for row in packages if row.number == content.number or row.parent_sha256 == content.sha256]
    numbers = [row.deposit_event for row in mine]
    numbers += [number for row in copies for number in (row.issued_event, row.last_event)]
    note = newest_checkpoint(connection, "records")
    if note is None:
        raise NotFound("checkpoint of the log for record", record_id)
    parts, pages = (
        [
            dict(row)
            for row in connection.execute(
                select(table).where(table.c.record_id == record_id, table.c.package_number == content.number)
            ).mappings()
        ]
        for table in (part, page)
    )
    return {
        "format": CUSTODY_FORMAT,
        "vkey": verifier,
        "checkpoint": note.decode(),
        "record": record_id,
        "events": _proven(connection, numbers, size=parse_checkpoint(note).size),
        **custody_facts(parts, pages),
        "object": {"key": content.object_key, "version": content.version_id, "sha256": content.sha256},
        "copies": [{"serial": row.serial, "number": row.number, "sha256": row.sha256} for row in copies],
    }


def _proven(connection: Connection, numbers: Iterable[int | None], *, size: int) -> list[dict[str, Any]]:
    """Return events with their inclusion proofs in the tree of a size, those that are in it."""
    nodes = nodes_of(connection, "records")
    wanted = sorted({number for number in numbers if number is not None and number < size})
    rows = connection.execute(
        select(event.c.sequence, event.c.canonical)
        .where(event.c.stream == "records", event.c.sequence.in_(wanted))
        .order_by(event.c.sequence)
    )
    return [
        {
            "index": row.sequence,
            "entry": _text(row.canonical),
            "proof": [_text(one) for one in inclusion_proof(row.sequence, size, nodes)],
        }
        for row in rows
    ]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
