"""The real decree by HTTP alone: uploaded, read, accepted, found, certified, verified, revoked, verified again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from home_of_tests import TestHome
from journey_scans import DECREE, PAGES, SCANS
from served_home import ServedHome, served

pytestmark = pytest.mark.skipif(not DECREE.exists(), reason=f"the real decree is not in {SCANS}")

MANIFEST = (
    "file,sheets,code_number,code_notation,source_form,source_status,retention_class,closed_on,access_mode\n"
    f"{DECREE.name},{PAGES},96/2016,NĐ-CP,giấy,bản chính,Vĩnh viễn,2016-12-31,Có điều kiện\n"
)
PURPOSE = "hồ sơ cấp phép mới"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHome]:
    home = TestHome(tmp_path_factory.mktemp("http") / "var")
    key = home.ask("init")["api_key"]
    with served(home, key, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def record(server: ServedHome) -> str:
    """Upload the decree, wait until it is read, accept the batch; return the record found by its number."""
    with DECREE.open("rb") as scan:
        files = [
            ("files", (DECREE.name, scan, "application/pdf")),
            ("manifest", ("manifest.csv", MANIFEST.encode(), "text/csv")),
        ]
        job = server.ask("POST", "/batches", files=files, headers={"Idempotency-Key": "lo-1"})["job"]
    done = server.wait(lambda: _ended(server, job))
    assert done["state"] == "done", done
    batch = done["result"]["batch"]
    server.wait(lambda: server.ask("GET", f"/batches/{batch}")["waiting"] == 0)
    accepted = server.ask("POST", f"/batches/{batch}/acceptance", json={"word": "Đã đối chiếu"})
    assert (accepted["accepted"], accepted["closed"]) == (1, True)
    found = server.wait(lambda: _search(server, "96/2016/NĐ-CP")["hits"])
    return str(found[0]["record"])


def _ended(server: ServedHome, job: str) -> Any:
    told = server.ask("GET", f"/jobs/{job}")
    return told if told["state"] in ("done", "failed") else None


def _search(server: ServedHome, query: str, purpose: str | None = PURPOSE) -> Any:
    params = {"q": query, **({"purpose": purpose} if purpose else {})}
    return server.ask("GET", "/records", params=params)


def test_it_is_found_and_read_for_a_purpose_and_not_without(server: ServedHome, record: str) -> None:
    for query in ("an ninh trật tự", "an ninh trat tu", "96/2016/nđ-cp"):
        assert record in {hit["record"] for hit in _search(server, query)["hits"]}
    assert _search(server, "an ninh", purpose=None)["total"] == 0
    assert server.client.get(f"/api/v1/records/{record}/pages/1/text").status_code == 403
    text = server.ask("GET", f"/records/{record}/pages/1/text", params={"purpose": PURPOSE})
    assert "NGHỊ ĐỊNH" in text["text"]
    image = server.client.get(f"/api/v1/records/{record}/pages/1/image", params={"purpose": PURPOSE})
    assert image.content.startswith(b"\xff\xd8")


def test_its_copy_is_certified_verified_and_revoked(server: ServedHome, record: str, tmp_path: Path) -> None:
    form = {
        "record": record,
        "kind": "office-copy",
        "purpose": PURPOSE,
        "capacity": "officer",
        "target_system": "mot-cua",
        "target_dossier": "000.00.19.H56-201125-0007",
    }
    asked = [server.ask("POST", "/copies", json=form, headers={"Idempotency-Key": "ban-sao-1"}) for _ in range(2)]
    assert asked[0] == asked[1]
    copy = asked[0]["copy"]
    bodies = [
        server.client.get(f"/api/v1/copies/{copy['serial']}/file", params={"purpose": PURPOSE}).content
        for _ in range(2)
    ]
    assert bodies[0] == bodies[1]
    assert _verify(server, bodies[0]) == {"integrity": "valid", "status": "valid", "issuer": "valid"}
    page = server.client.get(f"/v/{copy['serial']}")
    assert page.status_code == 200
    assert "96/2016" not in page.text
    server.ask("POST", f"/copies/{copy['serial']}/revocation", json={"reason": "cấp nhầm"})
    assert _verify(server, bodies[0]) == {"integrity": "valid", "status": "invalid", "issuer": "valid"}
    assert _verify(server, bodies[0] + b"\n")["integrity"] == "invalid"


def _verify(server: ServedHome, body: bytes) -> dict[str, str]:
    files = {"file": ("ban-sao.pdf", body, "application/pdf")}
    report = server.ask("POST", "/verifications", files=files)
    return {name: report[name]["verdict"] for name in ("integrity", "status", "issuer")}
