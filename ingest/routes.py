"""Batches over HTTP: upload, state, receipt, acceptance.

Mounted by whoever runs the interface, who gives these routes its way of knowing callers, of doing things once and
of running jobs (`Gate`): nothing here decides who someone is.
"""

import shutil
from collections.abc import Callable
from pathlib import Path as Folder
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from archive.access.policy import Act, Caller
from archive.database import reading
from archive.record import PrincipalId
from ingest.batch_answers import (
    PRINTABLE,
    AcceptanceForm,
    Accepted,
    BatchesShown,
    BatchShown,
    BatchStarted,
    BatchTold,
    ReasonForm,
    ReceiptShown,
    page_of_batches,
    plain,
    shown_batch,
)
from ingest.batch_desk import BatchDesk, accepted, fonds_for, halted, require_batch, taken_in
from ingest.reasons import Language
from ingest.receipt import receipt_of
from ingest.receipt_page import printable
from ingest.upload_forms import UPLOAD_FORM, Upload, arranged, chosen_of, clear_uploads, new_folder

PREFIX = "/api/v1"
BatchName = Annotated[str, Path(min_length=1, max_length=64, pattern=PRINTABLE, description="Batch id.")]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=1000, pattern=r"^[!-~]+$", description="`next_cursor` of the page before."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
ReceiptFormat = Annotated[
    Literal["json", "pdf"] | None, Query(alias="format", description="Overrides the Accept header.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="Printable ASCII of your choice; the same key and body give the same answer again.",
    ),
]
_REFUSED = ("key-refused", "act-forbidden", "not-found")
_RECEIPT_AS_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


class Gate(Protocol):
    """What the interface these routes are mounted in gives them."""

    upload_bytes: int

    def acting(self, act: Act) -> Callable[..., Caller]:
        """The dependency that resolves the caller and refuses who may do the act nowhere."""
        ...

    def once(
        self, caller: Caller, key: str | None, operation: str, said: Any, act: Callable[[], tuple[int, Any]]
    ) -> tuple[int, Any]:
        """Do an act once under an idempotency key."""
        ...

    def start_job(self, kind: str, principal: PrincipalId, work: Callable[[], dict[str, Any]]) -> str:
        """Start what takes long; return the id to wait by."""
        ...

    def go_on(self) -> None:
        """Called by a job between its steps; raises when the process is to stop."""
        ...

    async def receive_form(self, request: Request, folder: Folder) -> Upload:
        """Stream a form's files into a folder."""
        ...

    def cursor_invalid(self) -> Exception:
        """The error of a cursor that is not ours."""
        ...

    def problems(self, *slugs: str) -> dict[int | str, dict[str, Any]]:
        """The error answers an operation declares."""
        ...


def batch_routes(desk: BatchDesk, gate: Gate) -> APIRouter:
    """Return the routes under /api/v1/batches."""
    clear_uploads(desk.uploads)
    router = APIRouter(prefix=f"{PREFIX}/batches", tags=["batches"])
    _add_upload(router, desk, gate)
    _add_looks(router, desk, gate)
    _add_acceptance(router, desk, gate)
    _add_halts(router, desk, gate)
    return router


def _add_upload(router: APIRouter, desk: BatchDesk, gate: Gate) -> None:
    adder = Annotated[Caller, Depends(gate.acting("batch.add"))]

    @router.post(
        "",
        status_code=202,
        summary="Gửi một lô bản quét / Send a batch of scans",
        response_model=BatchStarted,
        max_body_size=gate.upload_bytes,
        openapi_extra={"requestBody": UPLOAD_FORM},
        responses=gate.problems(
            *_REFUSED,
            "upload-invalid",
            "upload-refused",
            "body-too-large",
            "signing-failed",
            "store-unavailable",
            "idempotency-conflict",
            "request-in-flight",
        ),
    )
    async def add_batch(request: Request, caller: adder, key: IdempotencyKey = None) -> JSONResponse:
        """A multipart form: `files`, as many as there are, and optionally `manifest`, `unit`, `operator`, `label`.

        Taken in by a job; ask for it by `job` until it is done and names its batch.
        """
        folder = await run_in_threadpool(new_folder, desk.uploads)
        try:
            form = await gate.receive_form(request, folder)
            status, body = await run_in_threadpool(_begin, desk, gate, caller, key, form, folder)
        except BaseException:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
            raise
        return JSONResponse(body, status)


def _begin(
    desk: BatchDesk, gate: Gate, caller: Caller, key: str | None, form: Upload, folder: Folder
) -> tuple[int, Any]:
    """Start the job that takes an upload in; a repeat under the same key is answered as the first was."""
    chosen = chosen_of(form)
    with reading(desk.engine) as connection:
        fonds_code = fonds_for(connection, caller, chosen.unit)
    started: list[str] = []

    def act() -> tuple[int, Any]:
        desk.prepare_signing(caller.principal)
        place = arranged(chosen, folder)

        def work() -> dict[str, Any]:
            try:
                return taken_in(desk, caller.principal, chosen, place, fonds_code, go_on=gate.go_on)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        started.append(gate.start_job("batch.intake", caller.principal, work))
        return 202, {"job": started[0], "files": len(chosen.files)}

    answer = gate.once(caller, key, f"POST {PREFIX}/batches", chosen.said(), act)
    if not started:
        shutil.rmtree(folder, ignore_errors=True)
    return answer


def _add_looks(router: APIRouter, desk: BatchDesk, gate: Gate) -> None:
    reader = Annotated[Caller, Depends(gate.acting("batch.read"))]
    refused = gate.problems(*_REFUSED)

    @router.get(
        "",
        summary="Liệt kê các lô / List batches",
        response_model=BatchesShown,
        responses=gate.problems("key-refused", "act-forbidden", "cursor-invalid"),
    )
    def list_batches(caller: reader, cursor: Cursor = None, limit: Limit = 50) -> JSONResponse:
        """Those of the caller's units, newest first, each with its account in captures."""
        try:
            with reading(desk.engine) as connection:
                return JSONResponse(page_of_batches(connection, caller, cursor, limit, now=desk.now()))
        except ValueError as error:
            raise gate.cursor_invalid() from error

    @router.get("/{batch}", summary="Xem một lô / Show a batch", response_model=BatchShown, responses=refused)
    def show_batch(request: Request, batch: BatchName, caller: reader) -> JSONResponse:
        """Its account, its items, and what keeps it open."""
        with reading(desk.engine) as connection:
            require_batch(connection, caller, "batch.read", batch)
            receipt = receipt_of(connection, batch, language=_language(request))
            return JSONResponse(shown_batch(connection, receipt, now=desk.now()))

    @router.get(
        "/{batch}/receipt",
        summary="Biên nhận của một lô / Receipt of a batch",
        response_model=ReceiptShown,
        responses=_RECEIPT_AS_PDF | refused,
    )
    def show_receipt(request: Request, batch: BatchName, caller: reader, form: ReceiptFormat = None) -> Response:
        """As JSON, or as a PDF/A page to print: by `format=pdf`, or by Accept."""
        with reading(desk.engine) as connection:
            require_batch(connection, caller, "batch.read", batch)
            receipt = receipt_of(connection, batch, language=_language(request))
        if form == "pdf" or (form is None and _prefers_pdf(request)):
            return Response(printable(receipt, language=_language(request)), media_type="application/pdf")
        return JSONResponse(plain(receipt.as_json()))


def _add_acceptance(router: APIRouter, desk: BatchDesk, gate: Gate) -> None:
    adder = Annotated[Caller, Depends(gate.acting("batch.add"))]

    @router.post(
        "/{batch}/acceptance",
        summary="Chấp nhận một lô vào lưu trữ / Accept a batch",
        response_model=Accepted,
        responses=gate.problems(
            *_REFUSED, "json-invalid", "idempotency-conflict", "request-in-flight", "store-unavailable"
        ),
    )
    def accept(batch: BatchName, caller: adder, said: AcceptanceForm, key: IdempotencyKey = None) -> JSONResponse:
        """Accept its candidates, write a person's word down, and close it if nothing keeps it open."""

        def act() -> tuple[int, Any]:
            with reading(desk.engine) as connection:
                require_batch(connection, caller, "batch.add", batch)
            return 200, accepted(desk, caller.principal, batch, said)

        operation = f"POST {PREFIX}/batches/{batch}/acceptance"
        status, body = gate.once(caller, key, operation, said.model_dump(mode="json"), act)
        return JSONResponse(body, status)


def _add_halts(router: APIRouter, desk: BatchDesk, gate: Gate) -> None:
    adder = Annotated[Caller, Depends(gate.acting("batch.add"))]
    slugs = (*_REFUSED, "json-invalid", "batch-not-now", "idempotency-conflict", "request-in-flight")

    def told(
        caller: Caller, batch: str, act: Literal["pause", "resume", "cancel"], said: ReasonForm, key: str | None
    ) -> JSONResponse:
        def do() -> tuple[int, Any]:
            with reading(desk.engine) as connection:
                require_batch(connection, caller, "batch.add", batch)
            return 200, halted(desk, caller.principal, batch, act, said.reason)

        operation = f"POST {PREFIX}/batches/{batch}/{act}"
        status, body = gate.once(caller, key, operation, said.model_dump(mode="json"), do)
        return JSONResponse(body, status)

    @router.post(
        "/{batch}/pause",
        summary="Tạm dừng một lô / Pause a batch",
        response_model=BatchTold,
        responses=gate.problems(*slugs),
    )
    def pause(batch: BatchName, caller: adder, said: ReasonForm, key: IdempotencyKey = None) -> JSONResponse:
        """Nothing of it is taken up any more; what is under way is given back at its next page."""
        return told(caller, batch, "pause", said, key)

    @router.post(
        "/{batch}/resume",
        summary="Tiếp tục một lô / Resume a batch",
        response_model=BatchTold,
        responses=gate.problems(*slugs),
    )
    def resume(batch: BatchName, caller: adder, said: ReasonForm, key: IdempotencyKey = None) -> JSONResponse:
        """Go on with a paused batch, whoever paused it."""
        return told(caller, batch, "resume", said, key)

    @router.post(
        "/{batch}/cancel",
        summary="Hủy một lô / Cancel a batch",
        response_model=BatchTold,
        responses=gate.problems(*slugs, "store-unavailable"),
    )
    def cancel(batch: BatchName, caller: adder, said: ReasonForm, key: IdempotencyKey = None) -> JSONResponse:
        """Reject with this reason what waits; what is archived stays. It cannot be taken back."""
        return told(caller, batch, "cancel", said, key)


def _language(request: Request) -> Language:
    """English when the header names it and not Vietnamese before it."""
    wanted = request.headers.get("accept-language", "").lower()
    english = wanted.find("en")
    return "en" if english >= 0 and not -1 < wanted.find("vi") < english else "vi"


def _prefers_pdf(request: Request) -> bool:
    accepted_types = request.headers.get("accept", "")
    return "application/pdf" in accepted_types and "json" not in accepted_types
