"""Keys, roles, principals, events and health over HTTP."""

import hashlib
import json
import logging
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2 as httpx
import pytest
from office import API, NUMBER, Office, served
from sqlalchemy import update

from archive.database import writing
from archive.tables.principals import api_key
from search_api.app import create_app

PRINCIPALS = f"{API}/principals"
BAD_KEYS = {
    "none": {},
    "empty": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic YTpi"},
    "no such key": {"Authorization": "Bearer sohoa_" + "a" * 52},
    "no shape of ours": {"Authorization": "Bearer hunter2"},
    "half": {"Authorization": "Bearer"},
}


@pytest.mark.parametrize("headers", BAD_KEYS.values(), ids=BAD_KEYS)
def test_every_key_that_does_not_work_is_answered_alike(
    client: httpx.Client, office: Office, headers: dict[str, str]
) -> None:
    answer = client.get(f"{API}/records/{office.records['open']}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sohoa"'
    assert answer.headers["content-type"] == "application/problem+json"
    plain = client.get(f"{API}/records/zzz")
    assert {**answer.json(), "instance": ""} == {**plain.json(), "instance": ""}


def test_two_authorization_headers_are_no_key(client: httpx.Client, office: Office) -> None:
    good = office.bearer("officer")["Authorization"]
    headers = [("Authorization", good), ("Authorization", "Bearer sohoa_x")]
    assert client.get(f"{API}/copies", headers=headers).status_code == 401
    assert client.get(f"{API}/copies", headers=headers[:1]).status_code == 200


def test_expired_and_revoked_keys_stop_working(client: httpx.Client, office: Office) -> None:
    text = office.key("officer", expires_at=office.now + timedelta(seconds=1))
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get(f"{API}/copies", headers=headers).status_code == 200
    digest = office.holdings.seal.lookup("api-key", text)
    with writing(office.holdings.engine) as connection:
        connection.execute(update(api_key).where(api_key.c.digest == digest).values(expires_at=office.now))
    assert client.get(f"{API}/copies", headers=headers).status_code == 401


def test_a_key_limited_to_acts_does_no_other(client: httpx.Client, office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.key('officer', scopes=frozenset(('record.find',)))}"}
    assert client.get(f"{API}/records/{office.records['open']}", headers=headers).status_code == 200
    answer = client.get(f"{API}/records/{office.records['open']}/file", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:sohoa:problem:act-forbidden")


def test_who_may_nothing_is_told_so_before_anything_is_looked_up(client: httpx.Client, office: Office) -> None:
    for name in (office.records["open"], "zzz"):
        answer = client.get(f"{API}/records/{name}", headers=office.bearer("nobody"))
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:sohoa:problem:act-forbidden")


def test_failures_are_limited_by_address_and_good_keys_are_not_hindered(office: Office) -> None:
    with served(office.app(key_failures_per_minute=3)) as client:
        forged = [
            client.get(
                f"{API}/copies", headers={"Authorization": "Bearer x", "X-Forwarded-For": f"10.0.0.{n}"}
            ).status_code
            for n in range(5)
        ]
        assert forged == [401, 401, 401, 429, 429]
        limited = client.get(f"{API}/copies")
        assert 1 <= int(limited.headers["retry-after"]) <= 61
        assert client.get(f"{API}/copies", headers=office.bearer("officer")).status_code == 200


def test_only_hosts_named_are_answered(office: Office) -> None:
    with served(office.app(trusted_hosts=("kho.example",))) as client:
        assert client.get("/health/live", headers={"Host": "kho.example"}).status_code == 200
        refused = client.get("/health/live", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:sohoa:problem:bad-request")


def test_an_administrator_adds_someone_with_a_role_and_a_key(client: httpx.Client, office: Office) -> None:
    admin = office.bearer("administrator")
    form = {
        "kind": "officer",
        "login": "can-bo-1",
        "display_name": "Cán bộ Một",
        "grants": [{"role": "officer", "unit": "so-a"}],
    }
    added = client.post(PRINCIPALS, json=form, headers=admin)
    assert (added.status_code, added.json()["grants"]) == (
        201,
        [{"role": "officer", "unit": "so-a", "purpose": None}],
    )
    taken = client.post(PRINCIPALS, json=form, headers=admin)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:sohoa:problem:principal-refused")
    until = (office.now + timedelta(days=7)).isoformat()
    made = client.post(
        f"{PRINCIPALS}/can-bo-1/keys", json={"expires_at": until}, headers={**admin, "Idempotency-Key": "khoa-1"}
    )
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    theirs = {"Authorization": f"Bearer {made.json()['key']}"}
    assert client.get(f"{API}/records/{office.records['open']}", headers=theirs).status_code == 200
    again = client.post(
        f"{PRINCIPALS}/can-bo-1/keys", json={"expires_at": until}, headers={**admin, "Idempotency-Key": "khoa-1"}
    )
    assert again.json() == {**made.json(), "key": None}
    assert client.delete(f"{PRINCIPALS}/can-bo-1/keys", headers=admin).json()["revoked"] == 1
    assert client.get(f"{API}/copies", headers=theirs).status_code == 401


def test_a_disabled_principal_has_no_key_that_works(client: httpx.Client, office: Office) -> None:
    office.holdings.principal("officer", "so-a", login="di-roi")
    theirs = {"Authorization": f"Bearer {office.key('di-roi')}"}
    shown = client.post(f"{PRINCIPALS}/di-roi/disabling", headers=office.bearer("administrator")).json()
    assert shown["disabled_at"] == "2026-11-24T03:04:05.000000Z"
    assert client.get(f"{API}/copies", headers=theirs).status_code == 401


@pytest.mark.parametrize("who", ["officer", "staff", "auditor", "approver", "client"])
def test_only_administrators_of_the_whole_manage_principals(
    client: httpx.Client, office: Office, who: str
) -> None:
    assert client.get(PRINCIPALS, headers=office.bearer(who)).status_code == 403
    form = {"kind": "officer", "login": "x", "display_name": "x"}
    assert client.post(PRINCIPALS, json=form, headers=office.bearer(who)).status_code == 403


def test_principals_are_listed_page_by_page(client: httpx.Client, office: Office) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = client.get(PRINCIPALS, params=query, headers=office.bearer("administrator")).json()
        seen += [one["login"] for one in page["principals"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == sorted(set(seen))
    assert {"local", "officer", "nobody"} <= set(seen)


@pytest.mark.parametrize("stream", ["records", "access"])
def test_events_are_read_in_order_and_prove_themselves(client: httpx.Client, office: Office, stream: str) -> None:
    client.get(f"{API}/records/{office.records['open']}", headers=office.bearer("officer"))
    sequence, query = 0, {"stream": stream, "limit": 2}
    for _ in range(3):
        page = client.get(f"{API}/events", params=query, headers=office.bearer("administrator")).json()
        for one in page["events"]:
            assert one["sequence"] == json.loads(one["body"])["sequence"] == sequence
            assert one["leaf_hash"] == hashlib.sha256(b"\0" + one["body"].encode()).hexdigest()
            sequence += 1
        query["cursor"] = page["next_cursor"]
    assert sequence > 0


@pytest.mark.parametrize("cursor", ["e-1", "1", "e1x", "e9999999999999999999", "e١"])
def test_a_forged_cursor_is_refused(client: httpx.Client, office: Office, cursor: str) -> None:
    answer = client.get(f"{API}/events", params={"cursor": cursor}, headers=office.bearer("administrator"))
    assert answer.status_code in (400, 422)


def test_events_are_not_for_an_auditor_of_one_unit(client: httpx.Client, office: Office) -> None:
    assert client.get(f"{API}/events", headers=office.bearer("auditor")).status_code == 403


def test_it_is_live_and_ready(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    ready = client.get("/health/ready").json()
    assert ready["status"] == "ok"
    assert [one["name"] for one in ready["parts"]] == ["database", "schema", "store", "keys", "index"]
    assert all(one["ok"] and one["why"] is None for one in ready["parts"])


def test_what_is_not_ready_is_named(office: Office) -> None:
    in_a_hundred_years = replace(office.services, now=lambda: office.now + timedelta(days=36_500))
    with served(create_app(in_a_hundred_years)) as client:
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert [one for one in answer.json()["parts"] if not one["ok"]] == [
        {"name": "keys", "ok": False, "why": "signing-failed"}
    ]


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the interface; the server writes one after its answer has gone out."""
    until = time.monotonic() + 5
    while not (lines := [one.getMessage() for one in caplog.records if one.name == "sohoa.api"]):
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return lines


def test_a_log_line_names_the_route_and_no_person(
    client: httpx.Client, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="sohoa.api"):
        answer = client.get(
            f"{API}/records/{office.records['open']}",
            params={"purpose": NUMBER},
            headers={**office.bearer("officer"), "Idempotency-Key": NUMBER},
        )
        (line,) = _lines(caplog)
    assert line.startswith("GET /api/v1/records/{record} 200 ")
    assert answer.headers["x-request-id"] in line
    for secret in (NUMBER, office.keys["officer"], office.records["open"], "officer"):
        assert secret not in line


def test_the_page_of_the_interface_needs_nothing_from_outside(client: httpx.Client) -> None:
    page = client.get(f"{API}/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "/api/v1/records/{record}/file" in page.text
