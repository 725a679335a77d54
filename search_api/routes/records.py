"""Records: what the catalogue says of one, its pages, its signed file and its package."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from archive.access.policy import Caller
from archive.access.subjects import find_for
from archive.database import reading as reading_catalogue
from archive.effects import record_effect
from archive.record import RecordId
from ocr import alto
from search_api import reading
from search_api.answers import file_answer, is_known, not_modified, tag_of
from search_api.idempotency import Answer, IdempotencyKey, fingerprint, once
from search_api.openapi import PREFIX, problems_declared
from search_api.page_text import shown_text
from search_api.pictures import picture_of
from search_api.reading import Access
from search_api.schemas import EffectForm, EffectShown, PageTextShown, Purpose, RecordName, RecordShown
from search_api.tokens import Given, acting

router = APIRouter(prefix=f"{PREFIX}/records", tags=["records"])
Finder = Annotated[Caller, Depends(acting("record.find"))]
Reader = Annotated[Caller, Depends(acting("record.read"))]
Exporter = Annotated[Caller, Depends(acting("record.export"))]
PageNumber = Annotated[int, Path(ge=1, le=100_000, description="Page, from 1.")]
_REFUSED = ("key-refused", "act-forbidden", "purpose-needed", "not-found")
_OPENED = (*_REFUSED, "store-unavailable")
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "What If-None-Match names is still so."}}


def _binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": "The bytes.",
            "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
        }
    }


@router.get(
    "/{record}",
    summary="Xem mô tả một tài liệu / Describe a record",
    response_model=RecordShown,
    responses=_UNCHANGED | problems_declared(*_REFUSED),
)
def show_record(
    request: Request, record: RecordName, services: Given, caller: Finder, purpose: Purpose = None
) -> Any:
    """Everything the catalogue says that is not personal; that it was shown is logged first."""
    access = Access(caller, record, "record.find", "record.describe", purpose)
    described = reading.describe(services, access)
    tag = tag_of(described)
    if is_known(request, tag):
        return not_modified(tag)
    reading.log(services, access)
    return JSONResponse(described, headers={"ETag": tag})


@router.get(
    "/{record}/pages/{page}/text",
    summary="Văn bản của một trang / Text of a page",
    response_model=PageTextShown,
    responses=problems_declared(*_OPENED),
)
def show_text(
    record: RecordName, page: PageNumber, services: Given, caller: Reader, purpose: Purpose = None
) -> Any:
    """Words with their boxes in pixels of the page image as stored. Identifier-like numbers are masked for those
    who may not see them."""
    access = Access(caller, record, "record.read", "record.text", purpose)
    with reading.opened_texts(services, access, page=page) as (record_id, pages, package):
        facts = reading.page_of(pages, page, record)
        text = alto.from_alto(package.read(facts.text_member)) if facts.text_member else None
        identifiers = reading.sees_identifiers(services, access)
    return JSONResponse(shown_text(record_id, facts, text, identifiers=identifiers))


@router.get(
    "/{record}/pages/{page}/image",
    summary="Ảnh của một trang / Picture of a page",
    response_class=Response,
    responses=_binary("image/jpeg") | problems_declared(*_OPENED, "page-timed-out"),
)
def show_image(
    record: RecordName,
    page: PageNumber,
    services: Given,
    caller: Reader,
    purpose: Purpose = None,
    dpi: Annotated[int, Query(ge=72, le=200, description="Resolution of the picture on paper.")] = 120,
) -> Response:
    """A JPEG rebuilt from the pixels of the archived PDF/A, upright."""
    access = Access(caller, record, "record.read", "record.image", purpose)
    return Response(picture_of(services, access, page, dpi), media_type="image/jpeg")


@router.get(
    "/{record}/file",
    summary="Tệp PDF/A đã ký / The signed PDF/A",
    response_class=Response,
    responses=_UNCHANGED | _binary("application/pdf") | problems_declared(*_OPENED),
)
def show_file(
    request: Request, record: RecordName, services: Given, caller: Reader, purpose: Purpose = None
) -> Response:
    """The archived file of the main document, byte for byte; its ETag is its SHA-256."""
    access = Access(caller, record, "record.read", "record.file", purpose)
    tag = f'"{reading.main_file_sha256(services, access)}"'
    if is_known(request, tag):
        return not_modified(tag)
    stream, length, sha256 = reading.main_file(services, access)
    return file_answer(stream, length, "application/pdf", name=f"{sha256[:16]}.pdf", tag=f'"{sha256}"')


@router.get(
    "/{record}/package",
    summary="Gói lưu trữ / The archive package",
    response_class=Response,
    responses=_binary("application/zip") | problems_declared(*_OPENED),
)
def show_package(record: RecordName, services: Given, caller: Exporter, purpose: Purpose = None) -> Response:
    """The whole current package as a zip; its ETag is its SHA-256."""
    access = Access(caller, record, "record.export", "record.export", purpose)
    stream, length, sha256, objid = reading.whole_package(services, access)
    return file_answer(stream, length, "application/zip", name=f"{objid}.zip", tag=f'"{sha256}"')


@router.post(
    "/{record}/effects",
    status_code=201,
    summary="Ghi hiệu lực / Record an effect",
    response_model=EffectShown,
    responses=problems_declared(
        *_OPENED, "refused", "json-invalid", "event-too-large", "idempotency-conflict", "request-in-flight"
    ),
)
def add_effect(
    record: RecordName,
    services: Given,
    caller: Annotated[Caller, Depends(acting("effect.record"))],
    form: EffectForm,
    key: IdempotencyKey = None,
) -> Any:
    """Revoked, replaced and the like: written as a supplement; the record's copies show it at once."""

    def act() -> Answer:
        with reading_catalogue(services.engine) as connection:
            record_id = find_for(connection, caller, "effect.record", record, purpose=form.basis)
            linked = form.linked and find_for(connection, caller, "effect.record", form.linked, purpose=form.basis)
        effect = record_effect(
            services.engine,
            services.store,
            record_id,
            form.kind,
            on=form.on,
            basis=form.basis,
            principal=caller.principal,
            at=services.now(),
            scratch=services.scratch,
            part=form.part,
            linked=RecordId(linked) if linked else None,
        )
        return 201, {"effect": effect, "record": record_id}

    said = fingerprint(f"POST /records/{record}/effects", form.model_dump(mode="json"))
    status, body = once(services.engine, caller.principal, key, said, at=services.now(), act=act)
    return JSONResponse(body, status)
