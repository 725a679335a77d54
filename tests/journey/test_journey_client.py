"""The client in docs/api.md, run as it stands there against a served home by a system with a key of its own."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from served_home import ServedHome, served

from archive.codes import SHIPPED

STRANGER = """
[[units]]
id = "xa-la"
kind = "department"
names = [{ name = "Sở khác", from = 2015-01-01 }]
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHome]:
    top = tmp_path_factory.mktemp("client")
    path = scans.save(scans.page(), top / "scans" / "a.pdf")
    scans.remember(path, top / "recordings", [scans.LINES])
    row = {
        "file": "a.pdf",
        "sheets": "1",
        "procedure_code": "1.004232",
        "holder_type": "cá nhân",
        "holder_id": "001099012345",
        "holder_name": "Nguyễn Thị Chủ",
        "source_form": "giấy",
        "source_status": "bản chính",
        "retention_class": "05",
        "closed_on": "2026-06-30",
    }
    write_manifest(top / "scans", [row])
    home = TestHome(top / "var", top / "recordings")
    units = top / "units.toml"
    units.write_text((SHIPPED / "units-demo.toml").read_text() + STRANGER)
    key = home.ask("init", "--units", str(units))["api_key"]
    batch = home.ask("intake", str(top / "scans"))["batch"]
    assert home.run("work", "--until-idle").code == 0
    assert home.ask("batch", "accept", batch, "--word", "đã đối chiếu")["accepted"] == 1
    with served(home, key) as running:
        yield running


def _run_client(server: ServedHome, key: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return subprocess.run(
        [sys.executable, "-c", example],
        cwd=folder,
        env={"SOHOA_URL": server.url, "SOHOA_API_KEY": key, "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_client_of_the_document_reuses_a_result(server: ServedHome, tmp_path: Path) -> None:
    server.home.ask("principal", "add", "mot-cua", "--kind", "client", "--name", "Hệ thống một cửa")
    server.home.ask("principal", "grant", "mot-cua", "client", "demo-archive")
    key = server.home.ask("principal", "key", "mot-cua")["api_key"]
    said = [_run_client(server, key, tmp_path) for _ in range(2)]
    assert [one.returncode for one in said] == [0, 0], said[0].stderr
    assert said[0].stdout == said[1].stdout
    (copy,) = tmp_path.glob("*.pdf")
    assert hashlib.sha256(copy.read_bytes()).hexdigest() in said[0].stdout


def test_a_system_of_another_unit_learns_that_there_is_none(server: ServedHome, tmp_path: Path) -> None:
    server.home.ask("principal", "add", "xa-la", "--kind", "client", "--name", "Hệ thống khác")
    server.home.ask("principal", "grant", "xa-la", "client", "xa-la")
    key = server.home.ask("principal", "key", "xa-la")["api_key"]
    said = _run_client(server, key, tmp_path)
    assert (said.returncode, said.stderr.strip()) == (1, "no such result here: ask the applicant")
