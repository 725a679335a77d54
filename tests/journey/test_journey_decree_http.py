"""The real decree by HTTP alone: uploaded, read, accepted, found, certified, verified, revoked, verified again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from by_http import copy_form
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
    server.archive(DECREE, "application/pdf", MANIFEST)
    found = server.wait(lambda: server.find("96/2016/NĐ-CP", PURPOSE)["hits"])
    return str(found[0]["record"])


def test_it_is_found_and_read_for_a_purpose_and_not_without(server: ServedHome, record: str) -> None:
    for query in ("an ninh trật tự", "an ninh trat tu", "96/2016/nđ-cp"):
        assert record in {hit["record"] for hit in server.find(query, PURPOSE)["hits"]}
    assert server.find("an ninh")["total"] == 0
    assert server.client.get(f"/api/v1/records/{record}/pages/1/text").status_code == 403
    text = server.ask("GET", f"/records/{record}/pages/1/text", params={"purpose": PURPOSE})
    assert "NGHỊ ĐỊNH" in text["text"]
    image = server.client.get(f"/api/v1/records/{record}/pages/1/image", params={"purpose": PURPOSE})
    assert image.content.startswith(b"\xff\xd8")


def test_its_copy_is_certified_verified_and_revoked(server: ServedHome, record: str, tmp_path: Path) -> None:
    form = copy_form(record, PURPOSE)
    asked = [server.ask("POST", "/copies", json=form, headers={"Idempotency-Key": "ban-sao-1"}) for _ in range(2)]
    assert asked[0] == asked[1]
    copy = asked[0]["copy"]
    bodies = [server.file_of(copy["serial"], PURPOSE) for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert server.verdicts(bodies[0]) == {"integrity": "valid", "status": "valid", "issuer": "valid"}
    page = server.client.get(f"/v/{copy['serial']}")
    assert page.status_code == 200
    assert "96/2016" not in page.text
    server.ask("POST", f"/copies/{copy['serial']}/revocation", json={"reason": "cấp nhầm"})
    assert server.verdicts(bodies[0]) == {"integrity": "valid", "status": "invalid", "issuer": "valid"}
    assert server.verdicts(bodies[0] + b"\n")["integrity"] == "invalid"
