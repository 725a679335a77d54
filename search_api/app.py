"""Puts the interface together: routes, the layers around them, and what they are served from."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from search_api.door import Door, Seen, unseen
from search_api.gate import Gate
from search_api.limits_rates import Rates
from search_api.openapi import PREFIX, describe, methods_of, operation_id, page_of
from search_api.problems import answer_http, answer_invalid
from search_api.readiness import Readiness, checks_of
from search_api.routes import copies, health, jobs, principals, records, results, search
from search_api.routes import events as event_routes
from search_api.routes.verifications import verification_routes
from search_api.services import Services

VERSION = "1"
DESCRIPTION = (
    "Kho số hóa kết quả giải quyết thủ tục hành chính: tìm, đọc, cấp và kiểm tra bản sao điện tử. "
    "Find, read, certify and verify results of administrative procedures. Instants are RFC 3339 in UTC; ids and "
    "cursors are opaque; errors are problem documents (RFC 9457), in Vietnamese, or English by Accept-Language."
)


def create_app(
    services: Services,
    *,
    routers: Sequence[APIRouter] = (),
    gate: Gate | None = None,
    readiness: Readiness | None = None,
    seen: Seen = unseen,
) -> FastAPI:
    """Return the application that serves an archive.

    routers: further routes, with their whole paths. gate: what those routers were given, if they need one; its
    jobs are ended with the application. readiness: what is looked at for /health/ready; by default what services
    holds. seen: told of each request when it is answered.
    """
    given = gate or Gate(services)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        given.jobs.end_interrupted()
        yield
        given.jobs.close()

    app = FastAPI(
        title="sohoa",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        middleware=[
            Middleware(Door, seen=seen),
            Middleware(
                TrustedHostMiddleware, allowed_hosts=list(services.settings.trusted_hosts), www_redirect=False
            ),
            # Here and not by FastAPI's own setting, whose plain-text refusal would pass outside the door.
            Middleware(RequestBodyLimitMiddleware, max_body_size=services.settings.body_bytes),
        ],
    )
    app.state.services = services
    app.state.rates = Rates(services.settings)
    app.state.readiness = readiness or Readiness(checks_of(services))
    app.add_exception_handler(HTTPException, _answer_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, answer_invalid)  # type: ignore[arg-type]
    modules = (health, search, records, results, copies, event_routes, principals, jobs)
    own = [module.router for module in modules]
    for router in (*own, verification_routes(services.settings), *routers):
        app.include_router(router)
    _describe(app)
    return app


def _answer_http(request: Request, error: HTTPException) -> JSONResponse:
    """Answer what routing refuses, with every method of the path: the framework names those of one route."""
    if error.status_code == 405 and (allowed := methods_of(request.app, request.url.path)):
        error = HTTPException(405, headers={"Allow": allowed})
    return answer_http(request, error)


def _describe(app: FastAPI) -> None:
    @app.get(f"{PREFIX}/openapi.json", include_in_schema=False)
    def openapi_json() -> dict[str, object]:
        return describe(app)

    @app.get(f"{PREFIX}/docs", include_in_schema=False, response_class=HTMLResponse)
    def docs() -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(page_of(describe(app)), headers={"Content-Security-Policy": policy})
