"""Problem documents (RFC 9457): every typed error by its slug, with the status this one table chooses.

An error is known by its `code` alone, so that errors of packages this one may not import are answered too. A
slug without a row, and every status of 500, says nothing of the inside: it is logged once with the request's id.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from search_api.problem_words import INTERNAL, Language, language_of, sentence, value_sentence

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[str, int] = {
    # who asks
    "key-refused": 401,
    "act-forbidden": 403,
    "purpose-needed": 403,
    "not-found": 404,
    "too-many-requests": 429,
    # how it is asked
    "bad-request": 400,
    "json-invalid": 400,
    "query-invalid": 400,
    "cursor-invalid": 400,
    "upload-invalid": 400,
    "upload-refused": 400,
    "request-invalid": 400,
    "route-unknown": 404,
    "method-not-allowed": 405,
    "body-too-large": 413,
    "media-type-unsupported": 415,
    "values-invalid": 422,
    "event-too-large": 422,
    "manifest-unreadable": 422,
    "input-rejected": 422,
    "empty-file": 422,
    "truncated": 422,
    "wrong-type": 422,
    "password-needed": 422,
    "too-many-pages": 422,
    "too-many-pixels": 422,
    "probe-failed": 422,
    # what stands against it
    "principal-refused": 409,
    "refused": 409,
    "object-locked": 409,
    "retention-shortened": 409,
    "hold-refused": 409,
    "copy-refused": 409,
    "not-now": 409,
    "batch-not-now": 409,
    "batch-halted": 409,
    "second-person-needed": 409,
    "idempotency-conflict": 409,
    "request-in-flight": 409,
    "mark-places-unknown": 409,
    # what is not there for now
    "not-ready": 503,
    "home-not-ready": 503,
    "catalogue-busy": 503,
    "catalogue-full": 503,
    "catalogue-read-only": 503,
    "catalogue-io-error": 503,
    "room-short": 503,
    "store-full": 503,
    "store-read-only": 503,
    "store-io-error": 503,
    "store-unavailable": 503,
    "log-not-secured": 503,
    "log-key-refused": 503,
    "store-line-broken": 503,
    "store-answer-broken": 503,
    "restricted-store-unset": 503,
    "index-unavailable": 503,
    "index-unfit": 503,
    "signing-failed": 503,
    "jail-unavailable": 503,
    "page-timed-out": 503,
    "page-out-of-memory": 503,
    "page-crashed": 503,
    INTERNAL: 500,
}
# Faults of what is behind the interface: answered as inner failures, whatever they say.
INNER = frozenset(
    (
        "archive-error",
        "backup-invalid",
        "broker-unavailable",
        "broker-unfit",
        "copy-invalid",
        "copy-object-taken",
        "captures-differ",
        "digest-mismatch",
        "file-unreadable",
        "folder-unreadable",
        "font-missing",
        "ingest-error",
        "interrupted",
        "invalid-key",
        "key-taken",
        "lease-lost",
        "log-broken",
        "log-forked",
        "mark-does-not-fit",
        "mark-found",
        "not-recorded",
        "object-damaged",
        "object-not-found",
        "object-whole",
        "object-too-large",
        "package-invalid",
        "package-too-large",
        "page-failed",
        "page-undecodable",
        "page-unreadable",
        "pdfa-failed",
        "quality-rules-invalid",
        "reading-error",
        "rereading-failed",
        "retention-error",
        "store-lies",
        "stores-not-apart",
        "schedule-invalid",
        "search-api-error",
        "signatures-unreadable",
        "still-being-written",
        "unknown-engine",
        "unknown-url",
    )
)
# The message of these was written for who asks; every other may name what is inside.
TOLD = frozenset(
    (
        "batch-not-now",
        "copy-refused",
        "hold-refused",
        "manifest-unreadable",
        "not-now",
        "principal-refused",
        "query-invalid",
        "refused",
        "request-invalid",
        "upload-invalid",
        "upload-refused",
    )
)
FACTS = ("rule", "citation", "field", "position", "row", "act", "state")
# What a status of the framework's own means here.
_OF_STATUS = {
    404: "route-unknown",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "media-type-unsupported",
}
_REJECTED = frozenset(slug for slug, status in STATUS_OF.items() if status == 422)


def status_of(error: BaseException) -> int:
    """Return the status of an error; 500 for one whose slug is not for those who ask."""
    return STATUS_OF.get(getattr(error, "code", INTERNAL), 500)


def problem_of(error: BaseException, *, language: Language, instance: str) -> JSONResponse:
    """Return the problem document of a typed error, or that of an inner failure."""
    slug = getattr(error, "code", INTERNAL)
    if slug not in STATUS_OF:
        return problem(INTERNAL, language=language, instance=instance)
    told: dict[str, Any] = {}
    if slug in TOLD:
        told = {"reason": getattr(error, "reason", str(error))}
        told |= {name: getattr(error, name) for name in FACTS if getattr(error, name, None) is not None}
    headers = {}
    if (wait := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(wait)
    return problem(slug, language=language, instance=instance, headers=headers, **told)


def problem(
    slug: str, *, language: Language, instance: str, headers: Mapping[str, str] | None = None, **facts: Any
) -> JSONResponse:
    """Return a problem document of a slug of the table, with further members."""
    status = STATUS_OF[slug]
    said = sentence("input-rejected" if slug in _REJECTED and not _own_words(slug) else slug, language)
    body = {
        "type": f"urn:sohoa:problem:{slug}",
        "title": said,
        "status": status,
        "detail": str(facts["reason"]) if facts.get("reason") else said,
        "instance": f"urn:sohoa:request:{instance}",
        **facts,
    }
    sent = dict(headers or {})
    if status == 401:
        sent["WWW-Authenticate"] = 'Bearer realm="sohoa"'
    return JSONResponse(body, status, sent, media_type=MEDIA_TYPE)


def _own_words(slug: str) -> bool:
    return sentence(slug, "en") != sentence(INTERNAL, "en")


def speaks(request: Request) -> tuple[Language, str]:
    """Return the language a request is answered in, and its id."""
    return language_of(request.headers.get("accept-language", "")), getattr(request.state, "request_id", "-")


def answer_http(request: Request, error: HTTPException) -> JSONResponse:
    """Answer what routing itself refuses: no such address, no such operation, a body too large."""
    language, instance = speaks(request)
    slug = _OF_STATUS.get(error.status_code, INTERNAL if error.status_code >= 500 else "bad-request")
    return problem(slug, language=language, instance=instance, headers=error.headers)


def answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer values that are missing or wrong: where, and why; never what was sent."""
    language, instance = speaks(request)
    found: Sequence[dict[str, Any]] = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem("json-invalid", language=language, instance=instance)
    errors = [
        {
            "in": str(one["loc"][0]),
            "pointer": "".join(f"/{_escaped(part)}" for part in one["loc"][1:]),
            "detail": value_sentence(one["type"], language),
        }
        for one in found[:50]
    ]
    return problem("values-invalid", language=language, instance=instance, errors=errors)


def _escaped(part: Any) -> str:
    """A reference token of RFC 6901; a name of the client's own making is cut short."""
    return str(part)[:100].replace("~", "~0").replace("/", "~1")
