"""Hands an issued copy out: the access event first, then bytes that were checked whole before the first leaves."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, select

from archive import events
from archive.access.policy import Caller
from archive.access.subjects import find_for
from archive.database import writing
from archive.errors import NotFound
from archive.fixity.reading import Wanted
from archive.tables.copies import copy, copy_request
from search_api.copies.model import CopyDesk, CopyFacts
from search_api.copies.produce import fetch_copy
from search_api.copies.register import copy_facts, copy_of_request
from search_api.copies.request_rows import OWN_ONLY, is_theirs
from search_api.errors import NotNow


@contextmanager
def copy_released(
    desk: CopyDesk, caller: Caller, name: str, *, purpose: str | None
) -> Iterator[tuple[CopyFacts, BinaryIO]]:
    """Commit the access event, then yield an issued copy, by serial or request id, open for reading.

    purpose: what it is fetched for; None: what it was asked for. Officers fetch any copy of their units;
    systems and holders those they asked for or that were made for them. Raises NotFound (unknown and forbidden
    alike), PurposeNeeded; NotNow for a copy reserved, void or revoked; LogNotSecured while the vault does not know
    of it, DigestMismatch, both before any byte is out.
    """
    with writing(desk.engine) as connection:
        request, numbered = _find(connection, name)
        if caller.kind in OWN_ONLY and not is_theirs(caller, request):
            raise NotFound("copy", name)
        stated = purpose or request.purpose
        _require(connection, caller, name, request, stated)
        if numbered.status != "issued":
            raise NotNow("fetch", numbered.status)
        events.append(
            connection,
            "access",
            "copy.fetch",
            principal=caller.principal,
            at=desk.now(),
            payload={
                "copy": numbered.id,
                "record": numbered.record_id,
                "package": numbered.package_number,
                "sha256": numbered.sha256,
                "purpose": stated,
                "target_system": request.target_system,
                "target_dossier": request.target_dossier,
            },
        )
    desk.log.secure(numbered.last_event)  # a crash may have come between issue and vault
    desk.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="copy-", dir=desk.scratch) as folder:
        out = Path(folder) / "copy.pdf"
        wanted = Wanted(numbered.object_key, numbered.version_id, numbered.sha256, caller.principal, desk.now())
        fetch_copy(desk, wanted, out)
        with out.open("rb") as stream:
            yield copy_facts(numbered), stream


def _find(connection: Connection, name: str) -> tuple[Row[Any], Row[Any]]:
    request = connection.execute(
        select(copy_request)
        .join(copy, copy.c.request_id == copy_request.c.id)
        .where((copy_request.c.id == name) | (copy.c.serial == name))
    ).one_or_none()
    numbered = copy_of_request(connection, request.id) if request is not None else None
    if request is None or numbered is None:
        raise NotFound("copy", name)
    return request, numbered


def _require(connection: Connection, caller: Caller, name: str, request: Row[Any], purpose: str) -> None:
    try:
        find_for(connection, caller, "copy.fetch", request.record_id, purpose=purpose)
    except NotFound as unknown:
        raise NotFound("copy", name) from unknown  # never the record's id to who may not know of it
