"""Batches over HTTP: uploaded, taken in by a job, looked at, accepted."""

import io
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import scans
from home_of_tests import write_manifest
from office import API, Office, served
from sqlalchemy import select, update

from archive.database import reading
from archive.record import PrincipalId
from archive.tables.copies import job
from ingest.tables import batch, item
from search_api.jobs import Jobs

BATCHES = f"{API}/batches"


def _scan(folder: Path, name: str) -> tuple[str, bytes]:
    return name, scans.save(scans.page(mark=name), folder / name).read_bytes()


def _send(client: httpx.Client, office: Office, files: Any, who: str = "staff", **more: Any) -> httpx.Response:
    headers = {**office.bearer(who), **more.pop("headers", {})}
    more["data"] = {"unit": "so-a", **more.get("data", {})}
    return client.post(BATCHES, files=files, headers=headers, **more)


def _ended(client: httpx.Client, office: Office, job_id: str, who: str = "staff") -> dict[str, Any]:
    """Ask until the job is over."""
    waiting = threading.Event()
    for _ in range(600):
        found: dict[str, Any] = client.get(f"{API}/jobs/{job_id}", headers=office.bearer(who)).json()
        if found["state"] != "running":
            return found
        waiting.wait(0.05)
    raise AssertionError(f"the job never ended: {found}")


@pytest.fixture(scope="module")
def taken(client: httpx.Client, office: Office, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("scans")
    one, two = _scan(folder, "một.png"), _scan(folder, "hai.png")
    manifest = write_manifest(folder, [{"file": "một.png", "sheets": "1"}, {"file": "ba.png", "sheets": "1"}])
    files = [
        ("files", one),
        ("files", ("sâu/hai.png", two[1])),
        ("manifest", ("kê.csv", manifest.read_bytes())),
    ]
    answer = _send(client, office, files, data={"operator": "Lê Quét", "label": "Lô thử"})
    assert answer.status_code == 202, answer.text
    ended = _ended(client, office, answer.json()["job"])
    assert (ended["state"], ended["reason"]) == ("done", None), ended
    assert ended["result"]["items"] == 2
    assert ended["result"]["missing_files"] == ["ba.png"]
    return str(ended["result"]["batch"])


def test_an_upload_becomes_a_batch_and_leaves_nothing_behind(
    taken: str, client: httpx.Client, office: Office
) -> None:
    shown = client.get(f"{BATCHES}/{taken}", headers=office.bearer("staff")).json()
    assert [one["file"] for one in shown["items"]] == ["một.png", "sâu/hai.png"]
    assert (shown["label"], shown["operator"], shown["balanced"]) == ("Lô thử", "Lê Quét", True)
    assert (shown["declared"], shown["missing"], shown["surplus"], shown["waiting"]) == (2, 1, 1, 2)
    assert shown["open"]["waiting"] == 2
    assert list((office.folder / "uploads").iterdir()) == []


def test_the_receipt_is_json_or_a_page_to_print(taken: str, client: httpx.Client, office: Office) -> None:
    path = f"{BATCHES}/{taken}/receipt"
    assert client.get(path, headers=office.bearer("auditor")).json()["received"] == 2
    for asked in ({"params": {"format": "pdf"}}, {"headers": {"Accept": "application/pdf"}}):
        headers = {**office.bearer("auditor"), **asked.get("headers", {})}
        printed = client.get(path, headers=headers, params=asked.get("params", {}))
        assert printed.content.startswith(b"%PDF-")
        assert printed.headers["content-type"] == "application/pdf"


def test_whose_rights_cover_several_fonds_says_which(client: httpx.Client, office: Office, tmp_path: Path) -> None:
    files = [("files", _scan(tmp_path, "x.png"))]
    answer = client.post(BATCHES, files=files, headers=office.bearer("staff"))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sohoa:problem:upload-refused")
    assert "CHI-CUC-A1, SO-A" in answer.json()["reason"]
    other = client.post(BATCHES, files=files, data={"unit": "so-b"}, headers=office.bearer("staff"))
    assert other.status_code == 404


def test_a_batch_is_of_its_unit(taken: str, client: httpx.Client, office: Office) -> None:
    assert client.get(BATCHES, headers=office.bearer("staff")).json()["batches"][0]["batch"] == taken
    assert client.get(f"{BATCHES}/{taken}", headers=office.bearer("officer")).status_code == 403
    office.holdings.principal("staff", "so-b", login="staff-b")
    office.keys["staff-b"] = office.key("staff-b")
    assert client.get(f"{BATCHES}/{taken}", headers=office.bearer("staff-b")).status_code == 404
    assert client.get(BATCHES, headers=office.bearer("staff-b")).json()["batches"] == []


def test_acceptance_says_what_is_left_open(taken: str, client: httpx.Client, office: Office) -> None:
    answer = client.post(f"{BATCHES}/{taken}/acceptance", json={"word": "Đã xem"}, headers=office.bearer("staff"))
    assert answer.json() == {"batch": taken, "accepted": 0, "not_accepted": [], "closed": False}
    shown = client.get(f"{BATCHES}/{taken}", headers=office.bearer("staff")).json()
    assert {one["word"] for one in shown["differences"]} == {"Đã xem"}


def test_a_batch_is_paused_resumed_and_cancelled_by_those_of_its_unit(
    client: httpx.Client, office: Office, tmp_path: Path
) -> None:
    sent = _send(client, office, [("files", _scan(tmp_path, "dừng.png"))])
    batch_id = _ended(client, office, sent.json()["job"])["result"]["batch"]

    def tell(act: str, who: str = "staff", **more: Any) -> httpx.Response:
        said = {"reason": "Chờ đơn vị"}
        return client.post(f"{BATCHES}/{batch_id}/{act}", json=said, headers={**office.bearer(who), **more})

    assert tell("pause", "auditor").status_code == 403
    paused = tell("pause").json()
    assert (paused["state"], paused["state_reason"], paused["waits_for"]) == ("paused", "Chờ đơn vị", "a-person")
    again = tell("pause")
    assert (again.status_code, again.json()["type"]) == (409, "urn:sohoa:problem:batch-not-now")
    listed = client.get(BATCHES, headers=office.bearer("auditor")).json()["batches"]
    assert next(one for one in listed if one["batch"] == batch_id)["waits_for"] == "a-person"
    assert tell("resume").json()["state"] == "open"
    first, second = (tell("cancel", **{"Idempotency-Key": "huy-1"}) for _ in range(2))
    assert first.json() == second.json()
    shown = client.get(f"{BATCHES}/{batch_id}", headers=office.bearer("staff")).json()
    assert (shown["state"], shown["rejected"], shown["waiting"], shown["balanced"]) == ("cancelled", 1, 0, True)
    assert [one["word"] for one in shown["items"]] == ["Chờ đơn vị"]


def test_the_same_key_is_the_same_upload(client: httpx.Client, office: Office, tmp_path: Path) -> None:
    def send(name: str, body: bytes) -> httpx.Response:
        return _send(client, office, [("files", (name, body))], headers={"Idempotency-Key": "lô-1".encode().hex()})

    _, body = _scan(tmp_path, "a.png")
    first, second = send("a.png", body), send("a.png", body)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    other = send("b.png", body)
    assert (other.status_code, other.json()["type"]) == (409, "urn:sohoa:problem:idempotency-conflict")
    _ended(client, office, first.json()["job"])
    with reading(office.holdings.engine) as connection:
        names = connection.execute(select(item.c.file).where(item.c.file.in_(("a.png", "b.png")))).scalars().all()
    assert names == ["a.png"]


@pytest.mark.parametrize(
    "name", ["../x.png", "/etc/x.png", "a/../../x.png", ".ẩn.png", "a\x07.png", "", "a//b.png", "..\\x.png"]
)
def test_a_name_that_is_no_plain_path_is_refused(client: httpx.Client, office: Office, name: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode() + b'"\r\n\r\n'
    answer = client.post(
        BATCHES,
        content=head + b"x\r\n--b--\r\n",
        headers={**office.bearer("staff"), "Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["type"].endswith(("upload-refused", "upload-invalid"))
    assert list((office.folder / "uploads").iterdir()) == []


def test_a_manifest_nobody_can_read_ends_the_job_with_its_reason(
    client: httpx.Client, office: Office, tmp_path: Path
) -> None:
    files = [("files", _scan(tmp_path, "c.png")), ("manifest", ("m.csv", b"\xff\xfe\x00 nothing"))]
    answer = _send(client, office, files)
    ended = _ended(client, office, answer.json()["job"])
    assert (ended["state"], ended["reason"]) == ("failed", "manifest-unreadable")


def test_a_job_is_its_own_principals(taken: str, client: httpx.Client, office: Office) -> None:
    with reading(office.holdings.engine) as connection:
        job_id = connection.execute(select(job.c.id)).scalars().first()
    assert client.get(f"{API}/jobs/{job_id}", headers=office.bearer("officer")).status_code == 404


@pytest.fixture
def left_running(office: Office) -> Iterator[str]:
    """A job whose process was killed."""
    jobs = Jobs(office.holdings.engine, lambda: datetime.now(UTC))
    started, held = threading.Event(), threading.Event()
    job_id = jobs.start("batch.intake", PrincipalId(office.holdings.admin), lambda: _wait(started, held))
    started.wait(10)
    with office.holdings.engine.begin() as connection:
        connection.execute(
            update(job)
            .where(job.c.id == job_id)
            .values(result={"owner": {"host": socket.gethostname(), "pid": 2**22 + 1}})
        )
    yield job_id
    held.set()
    jobs.close()


def _wait(started: threading.Event, held: threading.Event) -> dict[str, Any]:
    started.set()
    held.wait(30)
    return {}


def test_a_job_of_a_dead_process_ends_as_interrupted(left_running: str, office: Office) -> None:
    with served(office.app()) as client:
        client.get("/health/live")
        found = client.get(f"{API}/jobs/{left_running}", headers=office.bearer("administrator")).json()
    assert (found["state"], found["reason"], found["result"]) == ("failed", "interrupted", None)


def test_a_job_stops_at_its_next_step_when_the_process_does(office: Office) -> None:
    jobs = Jobs(office.holdings.engine, lambda: office.now)
    began = threading.Event()

    def work() -> dict[str, Any]:
        began.set()
        while True:
            jobs.go_on()

    job_id = jobs.start("batch.intake", PrincipalId(office.holdings.admin), work)
    began.wait(10)
    jobs.close()
    with reading(office.holdings.engine) as connection:
        ended = connection.execute(select(job).where(job.c.id == job_id)).one()
    assert (ended.state, ended.reason) == ("failed", "interrupted")


def test_lists_lead_on_by_cursor(taken: str, client: httpx.Client, office: Office) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = client.get(BATCHES, params=query, headers=office.bearer("staff")).json()
        seen += [one["batch"] for one in page["batches"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    with reading(office.holdings.engine) as connection:
        assert sorted(seen) == sorted(connection.execute(select(batch.c.id)).scalars())
    forged = client.get(BATCHES, params={"cursor": "AAAA"}, headers=office.bearer("staff"))
    assert (forged.status_code, forged.json()["type"]) == (400, "urn:sohoa:problem:cursor-invalid")


def test_an_upload_cut_off_is_refused(client: httpx.Client, office: Office) -> None:
    body = io.BytesIO(b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nhalf')
    answer = client.post(
        BATCHES,
        content=body.read(),
        headers={**office.bearer("staff"), "Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sohoa:problem:upload-invalid")


def test_an_upload_beyond_the_limit_is_refused_before_it_is_read(office: Office) -> None:
    with served(office.app(upload_bytes=1000)) as client:
        answer = _send(client, office, [("files", ("a.png", b"x" * 5000))])
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:sohoa:problem:body-too-large")
