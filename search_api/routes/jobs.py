"""What a client waits for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from archive.access.policy import Caller
from search_api.jobs import describe_job
from search_api.openapi import PREFIX, problems_declared
from search_api.schemas import JobShown, Name
from search_api.tokens import Given, caller_by_token

router = APIRouter(prefix=PREFIX, tags=["jobs"])


@router.get(
    "/jobs/{job}",
    summary="Xem một công việc / Show a job",
    response_model=JobShown,
    responses=problems_declared("key-refused", "not-found"),
)
def show_job(job: Name, services: Given, caller: Annotated[Caller, Depends(caller_by_token)]) -> Any:
    """One's own jobs only. Ask again until `state` is `done` or `failed`."""
    return JSONResponse(describe_job(services.engine, caller, job))
