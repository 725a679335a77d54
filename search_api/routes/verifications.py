"""Verification of a file by anyone: no key, so many a minute, three verdicts."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from search_api.copies.verify import verify_file
from search_api.copy_schemas import ReportShown
from search_api.errors import UploadInvalid
from search_api.openapi import PREFIX, problems_declared
from search_api.problems import problem, speaks
from search_api.services import ApiSettings, Services
from search_api.tokens import Given, public
from search_api.uploads import UploadedFile, receive_file, receive_form

_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/pdf": {"schema": _BINARY}, "multipart/form-data": {"schema": _FORM}},
}


def verification_routes(settings: ApiSettings) -> APIRouter:
    """Return the route; its limit on bodies is that of these settings."""
    router = APIRouter(prefix=PREFIX, tags=["verifications"])

    @router.post(
        "/verifications",
        summary="Kiểm tra một bản sao / Verify a copy",
        response_model=ReportShown,
        max_body_size=settings.verify_bytes,
        dependencies=[Depends(public)],
        openapi_extra={"requestBody": _BODY},
        responses=problems_declared(
            "upload-invalid", "body-too-large", "media-type-unsupported", "jail-unavailable"
        ),
    )
    async def verify(request: Request, services: Given) -> Any:
        """Integrity, status, issuer: each valid, invalid or unchecked, with a plain sentence.

        The file comes as the body itself, or as `file` of a form. It is not kept.
        """
        language, instance = speaks(request)
        kind, _ = parse_options_header(request.headers.get("content-type"))
        if kind not in (b"application/pdf", b"multipart/form-data"):
            return problem("media-type-unsupported", language=language, instance=instance)
        folder = await run_in_threadpool(_folder, services)
        try:
            file = await _received(request, folder, as_form=kind == b"multipart/form-data")
            report = await run_in_threadpool(_verified, services, file.path)
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        return JSONResponse(report.as_json(language))

    return router


def _folder(services: Services) -> Path:
    services.scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="verify-", dir=services.scratch))


def _verified(services: Services, path: Path) -> Any:
    return verify_file(path, engine=services.engine, roots=services.roots, jail=services.jail, now=services.now())


async def _received(request: Request, folder: Path, *, as_form: bool) -> UploadedFile:
    if not as_form:
        return await receive_file(request, folder, name="file")
    form = await receive_form(request, folder)
    if [one.field for one in form.files] != ["file"]:
        raise UploadInvalid("the form has exactly one file, `file`")
    return form.files[0]
