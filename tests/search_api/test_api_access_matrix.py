"""Who gets what over HTTP: every operation by every role in every situation, as a table with its grounds says.

Cells: yes (done, or stopped by a later rule than access), refused (409 by a rule for copies), purpose (403, a
purpose is missing), forbidden (403, the caller may do this nowhere), no (404, as if there were nothing), key
(401).
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from holdings import Holdings
from served import make_app, make_services, person
from sqlalchemy import select, update
from starlette.testclient import TestClient

from archive.database import reading, writing
from archive.identifiers import new_id
from archive.record import Description, PartyId, RecordId
from archive.tables.holdings import hold, record_party
from archive.tables.principals import principal
from search_api.services import Services

ASSETS = Path(__file__).with_name("assets")
AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
ROLES = ("staff", "officer", "approver", "auditor", "administrator", "client", "holder", "nobody", "anonymous")
OPEN = Description(
    subject="Cấp phép khai thác",
    code_number="15",
    code_notation="GP-STNMT",
    access_mode="01",
    source_form="paper",
    source_status="authentic",
)
CONDITIONAL = replace(OPEN, access_mode="02")
# situation: the record it is tried on, and whether a purpose is stated
SITUATIONS = {
    "own": ("own", False),
    "sub": ("sub", False),
    "other": ("other", False),
    "conditional": ("conditional", False),
    "conditional-stated": ("conditional", True),
    "candidate": ("candidate", False),
    "secret": ("secret", False),
    "held": ("held", False),
    "destroyed": ("destroyed", False),
    "unknown": ("unknown", False),
}


@dataclass
class World:
    """An archive in which every situation has its record, and everyone has a key."""

    client: TestClient
    app: FastAPI
    records: dict[str, str]
    requests: dict[str, str]
    keys: dict[str, str | None]
    whole: dict[str, str | None]
    party: PartyId


def _fill(held: Holdings) -> tuple[dict[str, str], PartyId]:
    holder = ("Nguyễn Thị Chủ", "001099012345")
    records = {
        "own": held.deposit(description=OPEN, holder=holder),
        "sub": held.deposit(unit_id="chi-cuc-a1", description=OPEN),
        "other": held.deposit(unit_id="so-b", description=OPEN),
        "conditional": held.deposit(description=CONDITIONAL),
        "candidate": held.deposit(description=OPEN, state="candidate"),
        "secret": held.deposit(description=OPEN),
        "held": held.deposit(description=OPEN),
        "destroyed": held.deposit(description=OPEN),
    }
    with writing(held.engine) as connection:
        party = connection.execute(
            select(record_party.c.party_id).where(record_party.c.record_id == records["own"])
        ).scalar_one()
        for name, record_id in records.items():
            if name != "own":
                connection.execute(
                    record_party.insert().values(record_id=record_id, party_id=party, role="holder")
                )
    return {name: str(record_id) for name, record_id in records.items()}, PartyId(party)


def _withdraw(held: Holdings, records: dict[str, str]) -> None:
    held.change(RecordId(records["secret"]), "withdrawn", access_mode="03")
    held.change(RecordId(records["destroyed"]), "destroyed")
    with writing(held.engine) as connection:
        connection.execute(
            hold.insert().values(
                id=new_id(), record_id=records["held"], placed_at=AT, placed_by=held.admin, basis="QĐ 1"
            )
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    held = Holdings(tmp_path_factory.mktemp("world") / "home", AT)
    records, party = _fill(held)
    services = make_services(held)
    app = make_app(held, services)
    units = ("so-a",)
    keys: dict[str, str | None] = {"anonymous": None}
    whole: dict[str, str | None] = {"anonymous": None}
    for role in ROLES[:-1]:
        keys[role] = person(held, role, units, login=role, party=party if role == "holder" else None)
        whole[role] = (
            keys[role] if role == "holder" else person(held, role, ("so-a", "so-b"), login=f"whole-{role}")
        )
    clerk = person(held, "officer", ("so-a", "so-b"), login="clerk")
    with TestClient(app, raise_server_exceptions=False) as client:
        requests = {}
        for name, record_id in records.items():
            if name != "candidate":
                requests[name] = _ask(client, clerk, record_id, requester=party).json()["id"]
        _withdraw(held, records)
        gone = new_id()
        yield World(
            client,
            app,
            {**records, "unknown": gone},
            {**requests, "unknown": gone, "candidate": gone},
            keys,
            whole,
            party,
        )
    services.index.close()
    services.jail.close()
    held.engine.dispose()


def _headers(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _ask(client: TestClient, key: str | None, record_id: str, *, requester: str | None = None) -> Any:
    form: dict[str, Any] = {
        "record": record_id,
        "kind": "office-copy",
        "purpose": "hồ sơ mới",
        "capacity": "officer",
    }
    if requester:
        form |= {"requester": requester, "capacity": "holder"}
    return client.post("/api/v1/copies", json=form, headers={**_headers(key), "Idempotency-Key": new_id()})


@cache
def _rows(name: str) -> list[dict[str, str]]:
    with (ASSETS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


CELLS = [
    (row["operation"], row["role"], situation) for row in _rows("access_matrix.csv") for situation in SITUATIONS
]


def _try(world: World, operation: str, role: str, situation: str) -> Any:
    name, stated = SITUATIONS[situation]
    method, template = operation.split(" ")
    path = template.format(record=world.records[name], copy=world.requests[name], page=1)
    headers = _headers(world.keys[role])
    query = {"purpose": "hồ sơ mới"} if stated else {}
    if path.endswith("/image"):
        query["dpi"] = "72"
    if operation == "POST /api/v1/copies":
        requester = world.party if role in ("holder", "client") else None
        return _ask(world.client, world.keys[role], world.records[name], requester=requester)
    body: dict[str, str] | None = None
    if method == "POST":
        body = {"reason": "thử quyền"}
    if path.endswith("/effects"):
        body = {"kind": "corrected", "on": "2026-11-01", "basis": "QĐ 5/2026"}
    if path.endswith("/approval"):
        body = None
    return world.client.request(method, path, headers=headers, params=query, json=body)


def _verdict(response: Any) -> str:
    status = response.status_code
    if status < 300:
        return "yes"
    slug = response.json()["type"].removeprefix("urn:sohoa:problem:")
    if status == 409:
        return "refused" if slug == "copy-refused" else "yes"
    return {
        (401, "key-refused"): "key",
        (403, "act-forbidden"): "forbidden",
        (403, "purpose-needed"): "purpose",
        (404, "not-found"): "no",
        (400, "upload-invalid"): "yes",
    }.get((status, slug), f"{status} {slug}")


def test_the_matrix_covers_every_operation_on_a_record_or_a_copy(world: World) -> None:
    described = world.client.get("/api/v1/openapi.json").json()["paths"]
    operations = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    about_one = {one for one in operations if "{record}" in one or "{copy}" in one} | {"POST /api/v1/copies"}
    assert {row["operation"] for row in _rows("access_matrix.csv")} == about_one
    elsewhere = {row["operation"] for row in _rows("access_elsewhere.csv")}
    public = {"POST /api/v1/verifications", "GET /health/live", "GET /health/ready"}
    left = operations - about_one - elsewhere - public
    # About one principal, batch or job: each has tests of its own.
    assert all(re.search(r"\{(login|job|batch)\}", one) for one in left), left


@pytest.mark.parametrize(
    ("operation", "role"), [(row["operation"], row["role"]) for row in _rows("access_matrix.csv")]
)
def test_each_cell_is_as_the_table_says(world: World, operation: str, role: str) -> None:
    (row,) = [r for r in _rows("access_matrix.csv") if (r["operation"], r["role"]) == (operation, role)]
    found = {s: _verdict(_try(world, operation, role, s)) for s in SITUATIONS}
    assert found == {s: row[s] for s in SITUATIONS}


@pytest.mark.parametrize(
    ("operation", "role", "expected"),
    [(r["operation"], r["role"], r["expected"]) for r in _rows("access_elsewhere.csv")],
)
def test_what_concerns_no_single_record_is_as_the_table_says(
    world: World, operation: str, role: str, expected: str
) -> None:
    method, path = operation.split(" ")
    body: Any = None
    query: dict[str, str] = {}
    if path.endswith("/results"):
        body = {
            "procedure_code": "1.000001",
            "holder_scheme": "cccd",
            "holder_value": "001099012345",
            "purpose": "hồ sơ mới",
            "target_system": "mot-cua",
            "target_dossier": "000.00.19.H56-201125-0007",
        }
    if operation == "POST /api/v1/principals":
        body = {"kind": "officer", "login": f"new-{new_id()[:8]}", "display_name": "Người mới"}
    if operation == "GET /api/v1/records":
        query = {"q": "phép"}
    response = world.client.request(method, path, headers=_headers(world.whole[role]), params=query, json=body)
    assert _verdict(response) == expected, response.text


def test_who_sees_part_of_the_archive_sees_neither_its_events_nor_its_principals(world: World) -> None:
    for path in ("/api/v1/events", "/api/v1/principals"):
        response = world.client.get(path, headers=_headers(world.keys["administrator"]))
        assert _verdict(response) == "forbidden"


def test_forbidden_and_unknown_differ_in_no_byte_but_the_name_asked_for(world: World) -> None:
    told = set()
    for name in ("other", "candidate", "secret", "destroyed", "unknown"):
        record_id = world.records[name]
        response = world.client.get(
            f"/api/v1/records/{record_id}", headers=_headers(world.keys["officer"]), params={"purpose": "x"}
        )
        body = response.json()
        body.pop("instance", None)
        told.add((response.status_code, str(body).replace(record_id, "…")))
    assert len(told) == 1


def test_a_disabled_principal_is_out_at_once(world: World) -> None:
    services: Services = world.app.state.services
    with reading(services.engine) as connection:
        connection.execute(select(principal.c.id)).first()
    headers = _headers(world.whole["auditor"])
    assert world.client.get("/api/v1/events", headers=headers).status_code == 200
    with writing(services.engine) as connection:
        connection.execute(update(principal).where(principal.c.login == "whole-auditor").values(disabled_at=AT))
    assert world.client.get("/api/v1/events", headers=headers).status_code == 401
