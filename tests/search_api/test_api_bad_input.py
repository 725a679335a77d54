"""Bad input over HTTP: always a problem document that says what is wrong, never an inner failure."""

import json
import socket
from typing import Any

import httpx2 as httpx
import pytest
from office import API, Office, served
from sqlalchemy.exc import OperationalError

from archive.errors import ArchiveError
from ingest.errors import IngestError
from ocr.errors import ReadingError
from retention.errors import RetentionError
from search_api.errors import SearchApiError
from search_api.problem_words import sentence
from search_api.problems import INNER, STATUS_OF, TOLD

ROOTS = (ArchiveError, IngestError, ReadingError, RetentionError, SearchApiError)
JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 30_000 + b"]" * 30_000
PRINCIPAL = {"kind": "officer", "login": "x", "display_name": "x"}
PRINCIPALS = f"{API}/principals"

# name: (path, body, status, slug)
BODIES: dict[str, tuple[str, bytes, int, str]] = {
    "no JSON": (PRINCIPALS, b"{", 400, "json-invalid"),
    "nothing": (PRINCIPALS, b"", 422, "values-invalid"),
    "deep": (PRINCIPALS, DEEP, 400, "bad-request"),
    "not UTF-8": (PRINCIPALS, b'{"kind": "\xff\xfe"}', 400, "bad-request"),
    "huge number": (PRINCIPALS, b'{"kind": ' + b"9" * 6000 + b"}", 400, "bad-request"),
    "infinite": (PRINCIPALS, b'{"kind": 1e999}', 422, "values-invalid"),
    "a list": (PRINCIPALS, b"[]", 422, "values-invalid"),
    "wrong type": (PRINCIPALS, json.dumps({**PRINCIPAL, "display_name": 7}).encode(), 422, "values-invalid"),
    "NUL": (PRINCIPALS, json.dumps({**PRINCIPAL, "display_name": "a\0b"}).encode(), 422, "values-invalid"),
    "lone surrogate": (
        PRINCIPALS,
        b'{"kind":"officer","login":"x","display_name":"\\ud800"}',
        422,
        "values-invalid",
    ),
    "unknown field": (PRINCIPALS, json.dumps({**PRINCIPAL, "is_admin": True}).encode(), 422, "values-invalid"),
    "unknown role": (
        PRINCIPALS,
        json.dumps({**PRINCIPAL, "grants": [{"role": "root", "unit": "so-a"}]}).encode(),
        422,
        "values-invalid",
    ),
    "unknown kind": (PRINCIPALS, json.dumps({**PRINCIPAL, "kind": "god"}).encode(), 409, "principal-refused"),
    "too large": (PRINCIPALS, b'"' + b"x" * 70_000 + b'"', 413, "body-too-large"),
    "no zone": (f"{PRINCIPALS}/local/keys", b'{"expires_at": "2027-01-01T00:00:00"}', 422, "values-invalid"),
    "past": (f"{PRINCIPALS}/local/keys", b'{"expires_at": "2020-01-01T00:00:00Z"}', 409, "principal-refused"),
    "nobody": (f"{PRINCIPALS}/zz/keys", b'{"expires_at": "2027-01-01T00:00:00Z"}', 404, "not-found"),
    "no form": (f"{API}/batches", b"{}", 403, "act-forbidden"),
}


@pytest.mark.parametrize(("path", "body", "status", "slug"), BODIES.values(), ids=BODIES)
def test_a_bad_body_is_refused_with_a_problem(
    client: httpx.Client, office: Office, path: str, body: bytes, status: int, slug: str
) -> None:
    answer = client.post(path, content=body, headers={**office.bearer("administrator"), **JSON})
    _is_problem(answer, status, slug)


QUERIES: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no such address": ("/nothing", {}, 404, "route-unknown"),
    "NUL in a name": ("/records/a%00b", {}, 422, "values-invalid"),
    "huge limit": ("/records", {"q": "x", "limit": "9" * 5000}, 422, "values-invalid"),
    "negative limit": ("/records", {"q": "x", "limit": "-1"}, 422, "values-invalid"),
    "no query": ("/records", {}, 422, "values-invalid"),
    "empty query": ("/records", {"q": ""}, 400, "query-invalid"),
    "open quotation": ("/records", {"q": '"a'}, 400, "query-invalid"),
    "NUL in a query": ("/records", {"q": "a\0b"}, 400, "query-invalid"),
    "long query": ("/records", {"q": "x" * 20_000}, 400, "query-invalid"),
    "forged cursor": ("/records", {"q": "x", "cursor": "e30"}, 400, "cursor-invalid"),
    "page of letters": ("/records/x/pages/a/text", {}, 422, "values-invalid"),
    "page zero": ("/records/x/pages/0/text", {}, 422, "values-invalid"),
    "huge page": ("/records/x/pages/99999999999999999999/text", {}, 422, "values-invalid"),
    "huge dpi": ("/records/x/pages/1/image", {"dpi": "1000000"}, 422, "values-invalid"),
    "unknown serial": ("/copies/zzz", {}, 404, "not-found"),
    "unknown state": ("/copies", {"state": "x"}, 422, "values-invalid"),
    "forged list cursor": ("/copies", {"cursor": "zzz"}, 400, "cursor-invalid"),
}


@pytest.mark.parametrize(("path", "query", "status", "slug"), QUERIES.values(), ids=QUERIES)
def test_a_bad_query_is_refused_with_a_problem(
    client: httpx.Client, office: Office, path: str, query: dict[str, Any], status: int, slug: str
) -> None:
    answer = client.get(f"{API}{path}", params=query, headers=office.bearer("officer"))
    _is_problem(answer, status, slug)


def _is_problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert (answer.status_code, found["type"]) == (status, f"urn:sohoa:problem:{slug}"), found
    assert found["status"] == status
    assert found["instance"] == f"urn:sohoa:request:{answer.headers['x-request-id']}"


def test_a_problem_speaks_vietnamese_or_english(client: httpx.Client) -> None:
    def title(accepted: str) -> str:
        return str(client.get(f"{API}/copies", headers={"Accept-Language": accepted}).json()["title"])

    vietnamese, english = title("vi"), title("en")
    assert vietnamese.startswith("Khóa truy cập")
    assert english.startswith("The API key")
    for accepted in ("", "fr", "vi-VN,en;q=0.9", "x" * 3000, "en;q=abc,vi;q=0.1"):
        assert title(accepted) == vietnamese
    assert title("en-GB,vi;q=0.5") == english


def test_what_is_wrong_is_pointed_at_and_not_repeated(client: httpx.Client, office: Office) -> None:
    body = {"kind": "officer", "login": "Không Được", "display_name": "x", "grants": [{"role": "staff"}]}
    found = client.post(PRINCIPALS, json=body, headers=office.bearer("administrator"))
    assert {one["pointer"] for one in found.json()["errors"]} == {"/login", "/grants/0/unit"}
    assert "Không Được" not in found.text


def test_another_method_is_told_which_are_allowed(client: httpx.Client) -> None:
    answer = client.put(PRINCIPALS)
    _is_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


def test_a_body_of_no_declared_length_is_cut_off(client: httpx.Client, office: Office) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    answer = client.post(PRINCIPALS, content=endless(), headers={**office.bearer("administrator"), **JSON})
    _is_problem(answer, 413, "body-too-large")


def test_a_key_nobody_can_have_typed_is_refused(client: httpx.Client, office: Office) -> None:
    for key in ("", "x" * 129, "có dấu".encode(), "a b"):
        headers = {**office.bearer("administrator"), "Idempotency-Key": key}
        answer = client.post(PRINCIPALS, json=PRINCIPAL, headers=headers)
        _is_problem(answer, 422, "values-invalid")


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 500],
)
def test_a_form_without_a_boundary_is_refused(client: httpx.Client, office: Office, content_type: str) -> None:
    headers = {**office.bearer("staff"), "Content-Type": content_type}
    answer = client.post(f"{API}/batches", content=b"--x--", headers=headers)
    _is_problem(answer, 400, "upload-invalid")


def test_a_form_field_that_never_ends_is_refused(client: httpx.Client, office: Office) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="unit"\r\n\r\n' + b"x" * 3_000_000
    headers = {**office.bearer("staff"), "Content-Type": "multipart/form-data; boundary=b"}
    _is_problem(client.post(f"{API}/batches", content=body, headers=headers), 400, "upload-invalid")


def test_an_uncaught_failure_says_nothing_of_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    app = office.app()

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("mật khẩu là 12345")

    with served(app) as client:
        answer = client.get("/fails")
    _is_problem(answer, 500, "internal-error")
    assert "12345" not in answer.text
    told = [record for record in caplog.records if record.exc_info]
    assert len(told) == 1
    assert answer.headers["x-request-id"] in told[0].getMessage()


def test_a_locked_catalogue_is_told_as_such(office: Office) -> None:
    app = office.app()

    @app.get("/locked")
    def locked() -> None:
        raise OperationalError("SELECT bí mật", {}, Exception("database is locked"))

    with served(app) as client:
        answer = client.get("/locked")
    _is_problem(answer, 503, "catalogue-busy")
    assert "bí mật" not in answer.text
    assert answer.headers["retry-after"] == "2"


def test_every_error_has_its_status_or_is_an_inner_failure_and_every_answer_its_words() -> None:
    slugs = {error.code for root in ROOTS for error in _tree(root)}
    assert slugs == slugs & (STATUS_OF.keys() | INNER)
    assert INNER.isdisjoint(STATUS_OF)
    assert STATUS_OF.keys() >= TOLD
    for slug, status in STATUS_OF.items():
        assert (
            slug == "internal-error" or status == 422 or sentence(slug, "en") != sentence("internal-error", "en")
        )


def _tree(root: Any) -> set[Any]:
    return {root}.union(*(_tree(child) for child in root.__subclasses__()))


def test_bytes_that_are_no_http_are_answered_and_nothing_stops(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    for raw in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"POST /\r\n" + b"a: b\r\n" * 5000):
        with socket.create_connection((host, port or 80), timeout=10) as sent:
            sent.sendall(raw)
            sent.shutdown(socket.SHUT_WR)
            sent.settimeout(10)
            while sent.recv(4096):
                pass
    assert client.get("/health/live").status_code == 200
