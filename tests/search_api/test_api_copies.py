"""Copies over HTTP: asked for, approved, issued, fetched, verified, revoked; results reused; keys that repeat."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest
from office import API, NUMBER, OPEN, Office, served
from sqlalchemy import func, insert, select

from archive import events
from archive.access.principals import grant_role
from archive.database import reading, writing
from archive.identifiers import new_id
from archive.record import RecordId
from archive.tables.copies import copy, idempotency
from archive.tables.holdings import field_value

COPIES = f"{API}/copies"


def _form(record: str, **changes: Any) -> dict[str, Any]:
    base = {"record": record, "purpose": "cấp đổi giấy phép", "capacity": "agency"}
    return {**base, "target_system": "dvc", "target_dossier": "000.00.19.H99-1", **changes}


def _ask(
    client: httpx.Client, office: Office, form: dict[str, Any], key: str, who: str = "officer"
) -> httpx.Response:
    return client.post(COPIES, json=form, headers={**office.bearer(who), "Idempotency-Key": key})


def _verify(client: httpx.Client, body: bytes) -> dict[str, Any]:
    answer = client.post(f"{API}/verifications", content=body, headers={"Content-Type": "application/pdf"})
    assert answer.status_code == 200, answer.text
    return {name: answer.json()[name]["verdict"] for name in ("integrity", "status", "issuer")}


def test_a_copy_goes_its_whole_way(client: httpx.Client, office: Office) -> None:
    asked = _ask(client, office, _form(office.records["open"]), "whole-1")
    assert asked.status_code == 201, asked.text
    request, issued = asked.json(), asked.json()["copy"]
    assert (request["state"], issued["status"], issued["demo"]) == ("done", "issued", True)
    fetched = client.get(f"{COPIES}/{issued['serial']}/file", headers=office.bearer("officer"))
    assert hashlib.sha256(fetched.content).hexdigest() == issued["sha256"]
    assert fetched.headers["etag"] == f'"{issued["sha256"]}"'
    assert _verify(client, fetched.content) == {"integrity": "valid", "status": "valid", "issuer": "valid"}
    assert _verify(client, fetched.content + b" ")["integrity"] == "invalid"
    revoked = client.post(
        f"{COPIES}/{issued['serial']}/revocation", json={"reason": "cấp nhầm"}, headers=office.bearer("approver")
    )
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    assert _verify(client, fetched.content)["status"] == "invalid"
    again = client.get(f"{COPIES}/{issued['serial']}/file", headers=office.bearer("officer"))
    assert (again.status_code, again.json()["type"]) == (409, "urn:sohoa:problem:not-now")


def test_the_same_key_is_the_same_copy_and_another_body_is_refused(client: httpx.Client, office: Office) -> None:
    form = _form(office.records["open"])
    first, second = _ask(client, office, form, "same-1"), _ask(client, office, form, "same-1")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    other = _ask(client, office, {**form, "purpose": "việc khác"}, "same-1")
    assert (other.status_code, other.json()["type"]) == (409, "urn:sohoa:problem:idempotency-conflict")
    stranger = _ask(client, office, _form(office.records["other"]), "same-1", who="stranger")
    assert stranger.status_code == 202  # another principal's key of the same text is another key


def test_many_at_once_under_one_key_make_one_copy(client: httpx.Client, office: Office) -> None:
    form = _form(office.records["open"], purpose="cùng lúc")
    together = threading.Barrier(6)

    def ask(_n: int) -> httpx.Response:
        together.wait()
        return _ask(client, office, form, "burst-1")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 409)
    assert len({a.json()["copy"]["serial"] for a in answers if a.status_code == 201}) == 1
    with reading(office.holdings.engine) as connection:
        kept = connection.execute(
            select(idempotency.c.response).where(idempotency.c.key == "burst-1")
        ).scalar_one()
    assert kept["status"] == 201


def test_a_request_needs_an_idempotency_key(client: httpx.Client, office: Office) -> None:
    answer = client.post(COPIES, json=_form(office.records["open"]), headers=office.bearer("officer"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


def test_a_refused_copy_names_its_rule_and_where_it_is_written(client: httpx.Client, office: Office) -> None:
    form = _form(office.records["unknown-source"])
    answer = _ask(client, office, form, "refused-1")
    found = answer.json()
    assert (answer.status_code, found["type"]) == (409, "urn:sohoa:problem:copy-refused")
    assert found["rule"]
    assert found["citation"]
    assert _ask(client, office, form, "refused-1").status_code == 409
    with reading(office.holdings.engine) as connection:
        made = select(func.count()).select_from(copy).where(copy.c.record_id == office.records["unknown-source"])
        assert connection.execute(made).scalar_one() == 0


def test_a_second_person_approves_where_the_unit_wants_one(client: httpx.Client, office: Office) -> None:
    held = office.holdings
    both = held.principal("approver", "so-b", login="hai-vai")

    with writing(held.engine) as connection:
        grant_role(connection, both, "officer", "so-b", by=held.admin, at=office.now)
    held.principal("approver", "so-b", login="duyet-b")
    for login in ("hai-vai", "duyet-b"):
        office.keys[login] = office.key(login)
    asked = _ask(client, office, _form(office.records["other"]), "second-1", who="hai-vai")
    assert (asked.status_code, asked.json()["state"]) == (202, "received")
    path = f"{COPIES}/{asked.json()['id']}"
    own = client.post(f"{path}/approval", headers=office.bearer("hai-vai"))
    assert (own.status_code, own.json()["type"]) == (409, "urn:sohoa:problem:second-person-needed")
    foreign = client.post(f"{path}/approval", headers=office.bearer("approver"))
    assert foreign.status_code == 404
    approved = client.post(f"{path}/approval", headers=office.bearer("duyet-b"))
    assert (approved.status_code, approved.json()["copy"]["status"]) == (200, "issued")
    late = client.post(f"{path}/refusal", json={"reason": "muộn"}, headers=office.bearer("duyet-b"))
    assert (late.status_code, late.json()["type"]) == (409, "urn:sohoa:problem:not-now")


def test_unknown_and_foreign_copies_answer_alike(client: httpx.Client, office: Office) -> None:
    serial = _ask(client, office, _form(office.records["open"]), "alike-1").json()["copy"]["serial"]
    for tail in ("", "/file"):
        foreign = client.get(f"{COPIES}/{serial}{tail}", headers=office.bearer("stranger"))
        unknown = client.get(f"{COPIES}/{'a' * 26}{tail}", headers=office.bearer("stranger"))
        assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
        assert foreign.status_code == 404


def test_requests_are_listed_page_by_page(client: httpx.Client, office: Office) -> None:
    for n in range(3):
        _ask(client, office, _form(office.records["unknown-source"]), f"list-{n}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "state": "refused"}
    while True:
        page = client.get(COPIES, params=query, headers=office.bearer("officer")).json()
        seen += [one["id"] for one in page["requests"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) >= 3
    assert client.get(COPIES, headers=office.bearer("nobody")).status_code == 403


def test_an_effect_shows_on_the_records_copies_at_once(client: httpx.Client, office: Office) -> None:
    record = office.holdings.deposit(description=OPEN)
    issued = _ask(client, office, _form(record), "effect-1").json()["copy"]
    body = client.get(f"{COPIES}/{issued['serial']}/file", headers=office.bearer("officer")).content
    effect = {"kind": "revoked", "on": "2026-11-01", "basis": "QĐ 9/QĐ-STNMT"}
    path = f"{API}/records/{record}/effects"
    assert client.post(path, json=effect, headers=office.bearer("officer")).status_code == 403
    written = client.post(path, json=effect, headers=office.bearer("staff"))
    assert (written.status_code, written.json()["record"]) == (201, record)
    assert _verify(client, body)["status"] == "invalid"
    shown = client.get(f"{API}/records/{record}", headers=office.bearer("officer")).json()
    assert shown["effects"][0]["basis"] == "QĐ 9/QĐ-STNMT"
    refused = _ask(client, office, _form(record), "effect-2")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:sohoa:problem:copy-refused")


@pytest.fixture(scope="module")
def held(office: Office) -> RecordId:
    record = office.holdings.deposit(description=OPEN, holder=("Trần Thị Mẫu", NUMBER))
    declared = {"name": "procedure_code", "source": "manifest", "raw": "1.004223", "normalised": "1.004223"}
    with writing(office.holdings.engine) as connection:
        connection.execute(
            insert(field_value).values(
                id=new_id(), record_id=record, package_number=1, recorded_at=office.now, **declared
            )
        )
    return record


def test_a_result_is_asked_for_and_nothing_of_the_holder_is_kept(
    held: RecordId, client: httpx.Client, office: Office
) -> None:
    question = {
        "procedure_code": "1.004223",
        "holder_scheme": "cccd",
        "holder_value": NUMBER,
        "purpose": "cấp đổi",
        "target_system": "dvc",
        "target_dossier": "H99-1",
    }
    answer = client.post(f"{API}/results", json=question, headers=office.bearer("client"))
    assert (answer.status_code, answer.json()["answer"]) == (200, "found"), answer.text
    assert [one["record"] for one in answer.json()["results"]] == [held]
    unknown = client.post(
        f"{API}/results", json={**question, "holder_value": "000000000000"}, headers=office.bearer("client")
    )
    assert unknown.json() == {"answer": "none", "results": []}
    refused = client.post(f"{API}/results", json=question, headers=office.bearer("staff"))
    assert refused.status_code == 403
    with reading(office.holdings.engine) as connection:
        logged = [one.canonical for one in events.read_from(connection, "access", 0)]
    assert not [one for one in logged if NUMBER.encode() in one]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "empty"), (b"no PDF at all", "not-a-pdf"), (b"%PDF-1.7\n", None)],
)
def test_a_file_that_is_no_copy_has_verdicts_too(client: httpx.Client, body: bytes, reason: str | None) -> None:
    answer = client.post(f"{API}/verifications", files={"file": ("x.pdf", body)})
    assert answer.status_code == 200, answer.text
    found = answer.json()["integrity"]
    assert found["verdict"] != "valid"
    assert found["sentence"]
    assert reason in (None, found["reason"])


def test_anyone_may_verify_so_often_a_minute(office: Office) -> None:
    with served(office.app(public_per_minute=2)) as client:
        answers = [
            client.post(
                f"{API}/verifications",
                content=b"x",
                headers={"Content-Type": "application/pdf", "X-Forwarded-For": f"10.1.1.{n}"},
            ).status_code
            for n in range(4)
        ]
    assert answers == [200, 200, 429, 429]


def test_what_is_verified_is_not_kept_and_has_a_limit(office: Office) -> None:
    with served(office.app(verify_bytes=2_000)) as client:
        pdf = {"Content-Type": "application/pdf"}
        assert client.post(f"{API}/verifications", content=b"x" * 2_000, headers=pdf).status_code == 200
        large = client.post(f"{API}/verifications", content=b"x" * 2_001, headers=pdf)
        assert (large.status_code, large.json()["type"]) == (413, "urn:sohoa:problem:body-too-large")
        other = client.post(f"{API}/verifications", content=b"x", headers={"Content-Type": "image/png"})
        assert (other.status_code, other.json()["type"]) == (415, "urn:sohoa:problem:media-type-unsupported")
    assert [path for path in office.scratch.iterdir() if path.name.startswith("verify-")] == []
