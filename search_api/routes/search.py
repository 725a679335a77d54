"""Search over every word of the records the caller may find."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from archive.access.policy import Caller
from search_api.openapi import PREFIX, problems_declared
from search_api.schemas import Cursor, Purpose, SearchShown
from search_api.search import LIMIT_MAX, search
from search_api.tokens import Given, acting

router = APIRouter(prefix=PREFIX, tags=["records"])


@router.get(
    "/records",
    summary="Tìm tài liệu / Search records",
    response_model=SearchShown,
    responses=problems_declared(
        "key-refused", "act-forbidden", "query-invalid", "cursor-invalid", "index-unavailable"
    ),
)
def find(
    services: Given,
    caller: Annotated[Caller, Depends(acting("record.find"))],
    q: Annotated[
        str,
        Query(
            description='Words, with or without tones; `"…"` is a phrase; `số:96`, `loại:`, `năm:` narrow it.',
            examples=["giấy phép khai thác nước"],
        ),
    ],
    purpose: Purpose = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many hits at most.")] = 20,
    cursor: Cursor = None,
) -> Any:
    """Best pages first. What the caller may not see is neither counted nor hinted at; without a purpose, records
    under conditional access are left out. `completeness` says how far the index is behind the archive, and whether
    the catalogue answered in its stead."""
    answer = search(services, caller, q, purpose=purpose, limit=limit, cursor=cursor)
    return JSONResponse(answer.as_json())
