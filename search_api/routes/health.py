"""Whether the process lives, and whether what it serves from is there."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from search_api.openapi import problems_declared
from search_api.problems import problem, speaks
from search_api.readiness import Readiness
from search_api.schemas import Live, Ready

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Tiến trình còn sống / The process answers")
def live() -> Live:
    """Always the same answer; nothing is looked at."""
    return Live(status="ok")


@router.get(
    "/health/ready",
    summary="Sẵn sàng phục vụ / Ready to serve",
    response_model=Ready,
    responses=problems_declared("not-ready"),
)
def ready(request: Request) -> Any:
    """Every dependency is looked at, all at once and for two seconds at most.

    503 when an essential one is missing; `degraded` when only others are: what can be done without them is done.
    `parts` names each with `why` it is missing, a slug of the operations manual; nothing of the inside is told.
    """
    readiness: Readiness = request.app.state.readiness
    standings = readiness.look()
    parts = [{"name": one.name, "ok": one.ok, "why": one.why} for one in standings]
    if not all(one.ok for one in standings if one.essential):
        language, instance = speaks(request)
        return problem("not-ready", language=language, instance=instance, parts=parts)
    status = "ok" if all(one.ok for one in standings) else "degraded"
    return JSONResponse({"status": status, "parts": parts})
