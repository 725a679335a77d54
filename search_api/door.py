"""The outermost layer of the interface: an id, a log line and safe headers for each request, and no bare error.

1. Each request gets an id, which its answer and its log line carry. 2. What is raised inside is answered as a
problem document; what has no slug is logged with its traceback, once, and says nothing. 3. Plain-text errors of
the framework become problem documents too. 4. One log line a request: never its query string, key or body.
"""

import logging
import time
from collections.abc import MutableMapping
from typing import Any

from sqlalchemy.exc import OperationalError, TimeoutError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archive.identifiers import new_id
from search_api.errors import CatalogueBusy
from search_api.problem_words import language_of
from search_api.problems import answer_http, problem_of, status_of

REQUEST_ID = "X-Request-Id"
_BUSY = (OperationalError, TimeoutError)  # locked for too long, unreachable, or no connection left in the pool
_log = logging.getLogger("sohoa.api")


class Door:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request by the steps above."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id()  # 1
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(scope, receive, send, request_id)
        started = time.monotonic()
        try:
            await self._app(scope, receive, answer.pass_on)
        except Exception as error:
            if answer.status:
                raise  # half an answer is out: only a broken connection can say so
            if status_of(error) >= 500:
                _log.exception("request %s failed", request_id)
            await answer.problem(CatalogueBusy() if isinstance(error, _BUSY) else error)  # 2
        finally:
            _write(scope, answer.status, started, request_id)  # 4


class _Answer:
    """The answer on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.status = 0
        self._request = Request(scope, receive)
        self._send = send
        self._id = request_id
        self._replaced = False

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if message["status"] >= 400 and headers.get("content-type", "").startswith("text/plain"):
                self._replaced = True  # 3
                await self._problem_of_status(message["status"], dict(headers))
                return
            self._begin(message, headers)
        if not self._replaced:
            await self._send(message)

    async def problem(self, error: Exception) -> None:
        from_header = self._request.headers.get("accept-language", "")
        response = problem_of(error, language=language_of(from_header), instance=self._id)
        await response(self._request.scope, self._request.receive, self._send_own)

    async def _problem_of_status(self, status: int, headers: dict[str, str]) -> None:
        kept = {name: value for name, value in headers.items() if name in ("allow", "retry-after")}
        response = answer_http(self._request, HTTPException(status, headers=kept))
        await response(self._request.scope, self._request.receive, self._send_own)

    async def _send_own(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message, MutableHeaders(scope=message))
        await self._send(message)

    def _begin(self, message: MutableMapping[str, Any], headers: MutableHeaders) -> None:
        self.status = message["status"]
        headers[REQUEST_ID] = self._id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Referrer-Policy", "no-referrer")


def _write(scope: Scope, status: int, started: float, request_id: str) -> None:
    route = scope.get("route")
    _log.info(
        "%s %s %s %.0f ms principal=%s request=%s",
        scope["method"],
        getattr(route, "path", "-"),
        status or "-",
        (time.monotonic() - started) * 1000,
        scope["state"].get("principal", "-"),
        request_id,
    )
