"""Whether the process lives, and whether what it serves from is there."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select

from archive.database import reading, require_current
from archive.events import read_from
from archive.signers.readiness import ready
from archive.tables.holdings import fonds
from search_api.openapi import problems_declared
from search_api.problems import problem, speaks
from search_api.schemas import Live
from search_api.services import Services
from search_api.tokens import Given

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Tiến trình còn sống / The process answers")
def live() -> Live:
    """Always the same answer; nothing is looked at."""
    return Live(status="ok")


@router.get(
    "/health/ready",
    summary="Sẵn sàng phục vụ / Ready to serve",
    response_model=Live,
    responses=problems_declared("not-ready"),
)
def ready_(request: Request, services: Given) -> Any:
    """Database, store, index and signing keys are looked at; 503 names those that are not ready."""
    missing = [name for name, check in CHECKS.items() if not _holds(check, services)]
    if not missing:
        return JSONResponse({"status": "ok"})
    language, instance = speaks(request)
    return problem("not-ready", language=language, instance=instance, parts=missing)


def _holds(check: Callable[[Services], None], services: Services) -> bool:
    try:
        check(services)
    except Exception:  # noqa: BLE001 whatever it is, the part is not ready; its own door logs why
        return False
    return True


def _database(services: Services) -> None:
    require_current(services.engine)
    with reading(services.engine) as connection:
        next(read_from(connection, "records", 0, limit=1), None)


def _store(services: Services) -> None:
    next(iter(services.store.list_versions("packages/0")), None)


def _index(services: Services) -> None:
    services.index.position()


def _signer(services: Services) -> None:
    with reading(services.engine) as connection:
        agencies = connection.execute(select(fonds.c.unit_id).distinct()).scalars().all()
    for agency in agencies:
        ready(services.copies.signer, f"copies:{agency}", services.now())


CHECKS: dict[str, Callable[[Services], None]] = {
    "database": _database,
    "store": _store,
    "index": _index,
    "signer": _signer,
}
