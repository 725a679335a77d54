"""The public pages as routes: no login, counted by address, nothing kept but what the access log is told.

A serial in an address is what the QR on the copy says; what is printed beside it is sent in a body only.
"""

import math
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine, select

from archive.database import reading
from archive.tables.units import code
from console.web import views
from console.web.style import HEADERS
from console.words.speak import Language
from ocr.errors import JailUnavailable
from search_api.copies.public import disclose, public_status
from search_api.copies.verify import verify_file
from search_api.errors import TooManyRequests
from search_api.limits_rates import Rates
from search_api.services import Services

WRONG_VALUES = RateLimitItemPerHour(20)  # of one serial, whoever gives them: a time of day has 86,400 values
FORM_BYTES = 64 * 1024  # what a form takes beside its file
MEGABYTE = 1024 * 1024

_Lang = Annotated[str, Query(alias="lang", max_length=8)]


def web_pages(services: Services) -> APIRouter:
    """Return the routes of the public pages."""
    return _Pages(services).router()


class _Pages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._rates = Rates(services.settings)
        self._wrong = MovingWindowRateLimiter(MemoryStorage())

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        upload = self._services.settings.verify_bytes + FORM_BYTES
        router.add_api_route("/", self.start, methods=["GET"])
        router.add_api_route("/v", self.ask, methods=["GET"])
        router.add_api_route("/v", self.go, methods=["POST"])
        router.add_api_route("/v/file", self.verify, methods=["POST"], max_body_size=upload)
        router.add_api_route("/v/{serial}", self.status, methods=["GET"])
        router.add_api_route("/v/{serial}/value", self.compare, methods=["POST"])
        router.add_api_route("/v/{serial}/file", self.verify_of, methods=["POST"], max_body_size=upload)
        return router

    def start(self, request: Request, lang: _Lang = "vi") -> Response:
        return self._answer(request, lang, "/", views.start_page)

    def ask(self, request: Request, lang: _Lang = "vi") -> Response:
        return self._answer(request, lang, "/v", views.serial_page)

    def go(self, serial: Annotated[str, Form(max_length=200)] = "", lang: _Lang = "vi") -> Response:
        typed = re.sub(r"[\s\-.]", "", serial).lower()[:64]
        path = f"/v/{quote(typed, safe='', errors='replace')}" if typed else "/v"
        address = path if _language(lang) == "vi" else f"{path}?lang=en"
        return RedirectResponse(address, 303, headers=HEADERS)

    def status(self, request: Request, serial: str, lang: _Lang = "vi") -> Response:
        return self._answer(request, lang, f"/v/{serial}", lambda frame: self._status(frame, serial))

    def compare(
        self, request: Request, serial: str, printed: Annotated[str, Form(max_length=200)] = "", lang: _Lang = "vi"
    ) -> Response:
        return self._answer(request, lang, f"/v/{serial}", lambda frame: self._compare(frame, serial, printed))

    def verify(self, request: Request, file: UploadFile | None = None, lang: _Lang = "vi") -> Response:
        return self._answer(request, lang, "/v", lambda frame: self._verify(frame, None, file))

    def verify_of(
        self, request: Request, serial: str, file: UploadFile | None = None, lang: _Lang = "vi"
    ) -> Response:
        return self._answer(request, lang, f"/v/{serial}", lambda frame: self._verify(frame, serial, file))

    def _answer(
        self, request: Request, lang: str, path: str, view: "Callable[[views.Frame], str | tuple[int, str]]"
    ) -> Response:
        """Count the look-up, make the page, and send it with the headers every page has."""
        frame = views.Frame(_language(lang), self._services.settings.verify_bytes // MEGABYTE)
        try:
            self._rates.count_public(request)
            made = view(frame)
        except TooManyRequests as error:
            said = frame.say("busy.said", seconds=error.retry_after)
            headers = {**HEADERS, "Retry-After": str(error.retry_after)}
            return HTMLResponse(views.message_page(frame, said, path=path), 429, headers)
        except JailUnavailable:
            return HTMLResponse(views.message_page(frame, frame.say("broken.said"), path=path), 503, HEADERS)
        code_, html = (200, made) if isinstance(made, str) else made
        return HTMLResponse(html, code_, HEADERS)

    def _status(self, frame: views.Frame, serial: str) -> tuple[int, str]:
        found = public_status(self._services.engine, serial, now=self._services.now())
        if found is None:
            return 404, views.unknown_page(frame, serial)
        return 200, views.status_page(frame, found)

    def _compare(self, frame: views.Frame, serial: str, printed: str) -> tuple[int, str]:
        engine, now = self._services.engine, self._services.now()
        found = public_status(engine, serial, now=now)
        if found is None:
            return 404, views.unknown_page(frame, serial)
        self._refuse_guessing(serial)
        told = disclose(engine, serial, printed, now=now)
        if told is None:
            self._wrong.hit(WRONG_VALUES, serial)
            return 200, views.status_page(frame, found, wrong_value=True)
        kind = _document_type(engine, told.document_type, frame.language)
        return 200, views.status_page(frame, found, disclosed=told, document_type=kind)

    def _refuse_guessing(self, serial: str) -> None:
        if not self._wrong.test(WRONG_VALUES, serial):
            ends = self._wrong.get_window_stats(WRONG_VALUES, serial).reset_time
            raise TooManyRequests(max(1, math.ceil(ends - time.time())))

    def _verify(self, frame: views.Frame, serial: str | None, file: UploadFile | None) -> tuple[int, str]:
        services = self._services
        if file is None or not file.filename:
            return 400, views.message_page(frame, frame.say("file.none"), path=f"/v/{serial}" if serial else "/v")
        with tempfile.NamedTemporaryFile(dir=services.scratch, prefix="verify-") as copied:
            while chunk := file.file.read(MEGABYTE):
                copied.write(chunk)
            copied.flush()
            report = verify_file(
                Path(copied.name),
                engine=services.engine,
                roots=services.roots,
                jail=services.jail,
                now=services.now(),
            )
        return 200, views.verdicts_page(frame, report, serial=serial)


def _language(lang: str) -> Language:
    return "en" if lang == "en" else "vi"


def _document_type(engine: Engine, value: str | None, language: Language) -> str | None:
    """Return what a type of document is called; an unknown code is its own name."""
    with reading(engine) as connection:
        row = connection.execute(
            select(code.c.label_vi, code.c.label_en).where(code.c.system == "document-type", code.c.value == value)
        ).first()
    if row is None:
        return value
    label: str = (row.label_en if language == "en" else None) or row.label_vi
    return label
