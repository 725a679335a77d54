"""The two streams: audit trail and feed."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from archive import events
from archive.database import reading
from search_api.errors import CursorInvalid
from search_api.openapi import PREFIX, problems_declared
from search_api.schemas import Cursor, EventsShown, Limit
from search_api.tokens import Given, acting_for_all

router = APIRouter(prefix=PREFIX, tags=["events"])


@router.get(
    "/events",
    summary="Đọc dòng sự kiện / Read a stream of events",
    response_model=EventsShown,
    dependencies=[Depends(acting_for_all("event.read"))],
    responses=problems_declared("key-refused", "act-forbidden", "cursor-invalid"),
)
def list_events(
    services: Given,
    stream: Annotated[Literal["records", "access"], Query(description="Which stream.")] = "records",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """In order and without gaps, for those who may read events over the whole archive."""
    start = _start(cursor)
    with reading(services.engine) as connection:
        found = list(events.read_from(connection, stream, start, limit=limit))
    shown = [
        {"sequence": one.sequence, "body": one.canonical.decode(), "leaf_hash": one.leaf_hash.hex()}
        for one in found
    ]
    following = found[-1].sequence + 1 if found else start
    return JSONResponse({"stream": stream, "events": shown, "next_cursor": f"e{following}"})


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    number = cursor[1:]
    if not cursor.startswith("e") or not number.isascii() or not number.isdigit() or len(number) > 15:
        raise CursorInvalid()
    return int(number)
