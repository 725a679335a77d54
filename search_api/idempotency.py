"""Repeating a POST does nothing twice: under one key one request, and its answer whenever it is asked again.

1. The key is claimed in a transaction of its own; 2. the act is done; 3. its answer is kept. An act that raises
frees the key, for nothing was answered. A claim left by a process that died may be taken over after a while;
then the act runs again.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Header
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from archive.database import writing
from archive.errors import CatalogueBusy
from archive.record import PrincipalId
from archive.tables.copies import idempotency
from search_api.errors import IdempotencyConflict, RequestInFlight

TAKEN_OVER_AFTER = timedelta(minutes=2)
ASK_AGAIN_SECONDS = 1
Answer = tuple[int, dict[str, Any]]  # status and body

_HEADER = Header(
    alias="Idempotency-Key",
    pattern=r"^[!-~]{1,128}$",
    description="Printable ASCII of your choice; the same key and body give the same answer again.",
    examples=["2026-11-24/hs-0001"],
)
IdempotencyKey = Annotated[str | None, _HEADER]
NeededIdempotencyKey = Annotated[str, _HEADER]


def fingerprint(operation: str, body: Any) -> str:
    """Return what tells two requests apart: the operation with its path, and the body's values."""
    said = json.dumps([operation, body], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def once(
    engine: Engine,
    principal: PrincipalId,
    key: str | None,
    request_sha256: str,
    *,
    at: datetime,
    act: Callable[[], Answer],
    kept: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body,
) -> Answer:
    """Do the act, or return the answer it had under this key; without a key it is simply done.

    kept: what of the body is kept for repeats. Raises IdempotencyConflict, RequestInFlight, or what the act does.
    """
    if key is None:
        return act()
    earlier = _claim(engine, principal, key, request_sha256, at)
    if earlier is not None:
        return earlier
    row = (idempotency.c.principal_id == principal) & (idempotency.c.key == key)
    try:
        status, body = act()
    except BaseException:
        with suppress(CatalogueBusy), writing(engine) as connection:  # what happened first is what is told
            connection.execute(delete(idempotency).where(row, idempotency.c.created_at == at))
        raise
    with writing(engine) as connection:
        connection.execute(
            update(idempotency)
            .where(row, idempotency.c.created_at == at)
            .values(response={"status": status, "body": kept(body)})
        )
    return status, body


def _claim(engine: Engine, principal: PrincipalId, key: str, request_sha256: str, at: datetime) -> Answer | None:
    """Claim the key, or return the answer kept under it. Raises IdempotencyConflict, RequestInFlight."""
    row = (idempotency.c.principal_id == principal) & (idempotency.c.key == key)
    values = {"principal_id": principal, "key": key, "request_sha256": request_sha256, "created_at": at}
    try:
        with writing(engine) as connection:
            connection.execute(insert(idempotency).values(**values))
            return None
    except IntegrityError:
        pass  # claimed before: look at it
    with writing(engine) as connection:
        found = connection.execute(select(idempotency).where(row).with_for_update()).one_or_none()
        if found is None:
            raise RequestInFlight(ASK_AGAIN_SECONDS)  # freed this moment
        if found.request_sha256 != request_sha256:
            raise IdempotencyConflict()
        if found.response is not None:
            return int(found.response["status"]), dict(found.response["body"])
        if at - found.created_at < TAKEN_OVER_AFTER:
            raise RequestInFlight(ASK_AGAIN_SECONDS)
        connection.execute(update(idempotency).where(row).values(created_at=at))
    return None
