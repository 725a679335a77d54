"""The outermost layer of the interface: an id, a log line and safe headers for each request, and no bare error.

1. Each request gets an id, which its answer and its log lines carry: the one that whoever stands before us gave
it, if that has the shape of one, for what a stranger writes there could be anything. 2. What is raised inside is
answered as a problem document; what has no slug is logged with its traceback, once, and says nothing. 3.
Plain-text errors of the framework become problem documents too. 4. One log line a request: never its query
string, key or body.
"""

import logging
import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from sqlalchemy.exc import OperationalError, TimeoutError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archive.errors import CatalogueBusy
from archive.identifiers import new_id
from archive.log_subject import about
from search_api.problem_words import language_of
from search_api.problems import answer_http, problem_of, status_of

REQUEST_ID = "X-Request-Id"
_BUSY = (OperationalError, TimeoutError)  # locked for too long, unreachable, or no connection left in the pool
# A UUID, or 16 to 32 hexadecimal digits with a letter among them: no name and no number of a person.
_GIVEN_ID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{16,32}", re.IGNORECASE | re.ASCII
)
_OWN_ID = re.compile(r"[a-z2-7]{26}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_log = logging.getLogger("sohoa.api")

Seen = Callable[[str, str, int, float], None]  # method, route as a template, status, seconds


def unseen(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Take no notice."""


class Door:
    """ASGI middleware around everything else. seen: told of each request once it is answered."""

    def __init__(self, app: ASGIApp, seen: Seen = unseen) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request by the steps above."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)  # 1
        scope.setdefault("state", {})["request_id"] = request_id
        with about(request=request_id):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        answer = _Answer(scope, receive, send, request_id)
        started = time.monotonic()
        try:
            await self._app(scope, receive, answer.pass_on)
        except Exception as error:
            if answer.status:
                raise  # half an answer is out: only a broken connection can say so
            if status_of(error) >= 500:
                _log.exception("request %s failed", request_id)
            await answer.problem(CatalogueBusy(type(error).__name__) if isinstance(error, _BUSY) else error)  # 2
        finally:
            seconds = time.monotonic() - started
            _write(scope, answer.status, seconds, request_id)  # 4
            self._seen(_method(scope), _route(scope), answer.status, seconds)


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


def _id_of(scope: Scope) -> str:
    given = Request(scope).headers.getlist(REQUEST_ID)
    return given[0] if len(given) == 1 and _GIVEN_ID.fullmatch(given[0]) else new_id()


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The template of the path: the path itself may hold what a client typed, or a copy's serial."""
    return str(getattr(scope.get("route"), "path", "-"))


def _write(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    record = scope.get("path_params", {}).get("record", "")
    fields = {
        "method": _method(scope),
        "route": _route(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
        "principal": scope["state"].get("principal", "-"),
    }
    with about(record=record if _OWN_ID.fullmatch(str(record)) else None):
        _log.info(
            "%s %s %s %.0f ms principal=%s request=%s",
            fields["method"],
            fields["route"],
            status or "-",
            seconds * 1000,
            fields["principal"],
            request_id,
            extra={"fields": fields},
        )
