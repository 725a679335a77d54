"""Writes what a batch's manifest declares, and by how many captures that differs from what came."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from archive.database import writing
from archive.identifiers import new_id
from archive.sealing import Seal
from ingest.manifest import ManifestRow
from ingest.sealed import seal_holder
from ingest.tables import batch, declaration, discrepancy


def declare(
    connection: Connection,
    seal: Seal,
    batch_id: str,
    declared: ManifestRow,
    repeats_row: int | None,
    *,
    received: int,
) -> int:
    """Write one manifest row; return how many captures it declares (what was received, if it does not say)."""
    expected = declared.captures if declared.captures is not None else max(received, 1)
    sealed = seal_holder(seal, declared.holder)
    connection.execute(
        insert(declaration).values(
            batch_id=batch_id,
            row_number=declared.row_number,
            file=declared.file,
            captures=expected,
            captures_assumed=declared.captures is None,
            fields=[
                {"name": f.name, "raw": f.raw, "normalised": f.normalised, "problem": f.problem}
                for f in declared.fields
            ],
            sealed=sealed[0] if sealed else None,
            sealed_key_version=sealed[1] if sealed else None,
            repeats_row=repeats_row,
        )
    )
    return expected


def note_difference(connection: Connection, row: dict[str, Any], expected: int, received: int) -> None:
    """Write down by how many captures an item or a missing file (row) differs from its declaration."""
    if expected == received:
        return
    connection.execute(
        insert(discrepancy).values(
            id=new_id(),
            batch_id=row["batch_id"],
            kind="missing" if expected > received else "surplus",
            file=row["file"],
            row_number=row["row_number"],
            captures=abs(expected - received),
        )
    )


def declare_missing(
    engine: Engine, seal: Seal, batch_id: str, declared: ManifestRow, repeats: Sequence[ManifestRow]
) -> None:
    """Write a row nothing was received for, with its captures as missing. Safe to repeat."""
    with writing(engine) as connection:
        connection.execute(select(batch.c.id).where(batch.c.id == batch_id).with_for_update(key_share=True))
        known = connection.execute(
            select(declaration.c.row_number).where(
                declaration.c.batch_id == batch_id, declaration.c.row_number == declared.row_number
            )
        ).first()
        if known is not None:
            return
        expected = declare(connection, seal, batch_id, declared, None, received=0)
        for repeat in repeats:
            declare(connection, seal, batch_id, repeat, declared.row_number, received=0)
        missing = {"batch_id": batch_id, "file": declared.file, "row_number": declared.row_number}
        note_difference(connection, missing, expected, 0)
