"""Copies: asked for, approved or refused, issued, fetched, revoked."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.responses import StreamingResponse

from archive.access.policy import Caller
from archive.errors import NotFound
from archive.events import instant_text
from archive.record import PartyId
from search_api.answers import CHUNK, is_known, not_modified
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy
from search_api.copies.model import CopyFacts, RequestFacts, RequestForm, RequestState
from search_api.copies.requests import (
    approve_request,
    find_request,
    list_requests,
    refuse_request,
    request_copy,
)
from search_api.copies.revoke import revoke_copy
from search_api.copy_schemas import CopyForm, CopyShown, ReasonForm, RequestShown, RequestsShown
from search_api.errors import CopyRefused, CursorInvalid
from search_api.idempotency import Answer, IdempotencyKey, NeededIdempotencyKey, fingerprint, once
from search_api.openapi import PREFIX, problems_declared
from search_api.schemas import Cursor, Limit, Name, Purpose
from search_api.services import Services
from search_api.tokens import Given, acting

router = APIRouter(prefix=f"{PREFIX}/copies", tags=["copies"])
Requester = Annotated[Caller, Depends(acting("copy.request"))]
Approver = Annotated[Caller, Depends(acting("copy.approve"))]
Anyone = Annotated[Caller, Depends(acting("copy.request", "copy.fetch", "copy.approve", "copy.revoke"))]
_REFUSED = ("key-refused", "act-forbidden", "not-found")
_POSTED = (*_REFUSED, "json-invalid", "request-invalid", "idempotency-conflict", "request-in-flight")
_ISSUING = ("copy-refused", "not-now", "signing-failed", "store-unavailable")
_WAITS: dict[int | str, dict[str, Any]] = {202: {"model": RequestShown, "description": "Waits for approval."}}


@router.post(
    "",
    status_code=201,
    summary="Yêu cầu bản sao / Ask for a copy",
    response_model=RequestShown,
    responses=_WAITS | problems_declared(*_POSTED, *_ISSUING, "purpose-needed"),
)
def ask(services: Given, caller: Requester, form: CopyForm, key: NeededIdempotencyKey) -> Any:
    """Issued at once where one person may (201), waiting for a second (202), or refused by a rule that is named.

    The same idempotency key with the same body is the same request and the same copy.
    """
    values = form.model_dump()
    values["requester"] = PartyId(form.requester) if form.requester else None

    def act() -> Answer:
        facts = request_copy(services.copies, caller, RequestForm(**values), idempotency_key=key)
        return _issued(services, caller, facts, created=201)

    return _once(services, caller, key, "POST /copies", form.model_dump(mode="json"), act)


@router.get(
    "",
    summary="Liệt kê yêu cầu bản sao / List requests",
    response_model=RequestsShown,
    responses=problems_declared("key-refused", "act-forbidden", "cursor-invalid"),
)
def list_all(
    services: Given,
    caller: Anyone,
    state: Annotated[RequestState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Those the caller may see, newest first."""
    try:
        found = list_requests(services.copies, caller, state=state, limit=limit + 1, after=cursor)
    except NotFound as error:
        raise CursorInvalid() from error
    following = found[limit - 1].id if len(found) > limit else None
    return JSONResponse({"requests": [one.as_json() for one in found[:limit]], "next_cursor": following})


@router.get(
    "/{copy}",
    summary="Xem yêu cầu và bản sao / Show a request and its copy",
    response_model=RequestShown,
    responses=problems_declared(*_REFUSED),
)
def show(copy: Name, services: Given, caller: Anyone) -> Any:
    """By the request's id or the copy's serial."""
    return JSONResponse(find_request(services.copies, caller, copy).as_json())


@router.get(
    "/{copy}/file",
    summary="Tải tệp bản sao / Fetch a copy's file",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes.",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "What If-None-Match names is still so."},
        **problems_declared(*_REFUSED, "purpose-needed", "not-now", "store-unavailable"),
    },
)
def fetch(
    request: Request,
    copy: Name,
    services: Given,
    caller: Annotated[Caller, Depends(acting("copy.fetch"))],
    purpose: Purpose = None,
) -> Response:
    """Its ETag is its SHA-256, which the register has."""
    with ExitStack() as stack:
        facts, stream = stack.enter_context(copy_released(services.copies, caller, copy, purpose=purpose))
        tag = f'"{facts.sha256}"'
        if is_known(request, tag):
            return not_modified(tag)
        held = stack.pop_all()

    def chunks() -> Iterator[bytes]:
        with held:
            while chunk := stream.read(CHUNK):
                yield chunk

    headers = {
        "ETag": tag,
        "Content-Length": str(facts.length),
        "Content-Disposition": f'attachment; filename="{facts.serial}.pdf"',
    }
    return StreamingResponse(chunks(), media_type="application/pdf", headers=headers)


@router.post(
    "/{copy}/approval",
    summary="Phê duyệt và cấp / Approve and issue",
    response_model=RequestShown,
    responses=problems_declared(*_POSTED, *_ISSUING, "second-person-needed"),
)
def approve(copy: Name, services: Given, caller: Approver, key: IdempotencyKey = None) -> Any:
    """By another person than the one who asked; the copy is issued at once."""

    def act() -> Answer:
        facts = approve_request(services.copies, caller, copy)
        return _issued(services, caller, facts, created=200)

    return _once(services, caller, key, f"POST /copies/{copy}/approval", None, act)


@router.post(
    "/{copy}/refusal",
    summary="Từ chối yêu cầu / Refuse a request",
    response_model=RequestShown,
    responses=problems_declared(*_POSTED, "not-now"),
)
def refuse(copy: Name, services: Given, caller: Approver, form: ReasonForm, key: IdempotencyKey = None) -> Any:
    """With the reason that is given in writing."""

    def act() -> Answer:
        return 200, refuse_request(services.copies, caller, copy, reason=form.reason).as_json()

    return _once(services, caller, key, f"POST /copies/{copy}/refusal", form.model_dump(), act)


@router.post(
    "/{copy}/revocation",
    summary="Thu hồi bản sao / Revoke a copy",
    response_model=CopyShown,
    responses=problems_declared(*_POSTED, "not-now"),
)
def revoke(
    copy: Name,
    services: Given,
    caller: Annotated[Caller, Depends(acting("copy.revoke"))],
    form: ReasonForm,
    key: IdempotencyKey = None,
) -> Any:
    """From now on whoever verifies it is told so."""

    def act() -> Answer:
        return 200, _copy_shown(revoke_copy(services.copies, caller, copy, reason=form.reason))

    return _once(services, caller, key, f"POST /copies/{copy}/revocation", form.model_dump(), act)


def _issued(services: Services, caller: Caller, facts: RequestFacts, *, created: int) -> Answer:
    """Issue what was approved. Raises CopyRefused for what a rule refused."""
    if facts.state == "refused":
        raise CopyRefused(facts.refusal_rule or "", facts.refusal_reason or "", facts.refusal_citation or "")
    if facts.state == "received":
        return 202, facts.as_json()
    issue_copy(services.copies, facts.id)
    return created, find_request(services.copies, caller, facts.id).as_json()


def _once(services: Services, caller: Caller, key: str | None, operation: str, said: Any, act: Any) -> Response:
    known = fingerprint(operation, said)
    status, body = once(services.engine, caller.principal, key, known, at=services.now(), act=act)
    return JSONResponse(body, status)


def _copy_shown(facts: CopyFacts) -> dict[str, Any]:
    return {
        name: instant_text(value) if isinstance(value, datetime) else value
        for name, value in asdict(facts).items()
    }
