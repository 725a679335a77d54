"""The whole interface under generated requests, one by one and in sequences: no inner failure, nothing that its
own description does not say, no operation that forgets to ask for a key. Seeded: the same requests every time.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from office import API, OPEN, Office, served

from archive.access.policy import ACTS_OF
from archive.access.principals import grant_role
from archive.database import writing

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
EXAMPLES = 6
SEED = 20261124


@pytest.fixture(scope="module")
def target(office: Office) -> Iterator[httpx.Client]:
    """An office with someone who may do everything, so that requests get past the first refusal."""
    held = office.holdings
    everyone = held.principal("staff", "so-a", login="moi-vai")
    with writing(held.engine) as connection:
        for role in ACTS_OF:
            for unit in ("so-a", "so-b"):
                grant_role(connection, everyone, role, unit, by=held.admin, at=office.now)
    office.keys["moi-vai"] = office.key("moi-vai")
    with served(office.app()) as client:
        files = [("files", ("a.png", b"no picture"))]
        sent = client.post(f"{API}/batches", files=files, data={"unit": "so-a"}, headers=office.bearer("moi-vai"))
        assert sent.status_code == 202, sent.text
        yield client


def _settings(office: Office) -> str:
    """What is sent with every request; 400 is how a value is refused for what it means (a cursor of nobody's)."""
    return f"""
hooks = "hooks"
[generation]
codec = "latin-1"  # letters no font has are refused by meaning; tests of their own send them
[headers]
Authorization = "{office.bearer("moi-vai")["Authorization"]}"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429"]
"""


# Names that exist in the place of good ones that are made up, so that not every answer is "not found".
HOOKS = """
import schemathesis

RECORD, LOGIN = {record!r}, {login!r}

def good(value, most):
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable() and bool(value.strip())

@schemathesis.hook
def before_call(context, case, kwargs):
    parameters, body = case.path_parameters or {{}}, case.body
    if good(parameters.get("record"), 140):
        parameters["record"] = RECORD
    if good(parameters.get("login"), 64):
        parameters["login"] = LOGIN
    if parameters.get("page") in range(2, 100_001):
        parameters["page"] = 1
    if isinstance(body, dict) and good(body.get("record"), 140):
        body["record"] = RECORD
        if case.meta is not None and case.meta.generation.mode.is_positive and len(body["purpose"]) % 2:
            body.update(kind="office-copy", capacity="agency", target_system="dvc", target_dossier="1")
            body.pop("requester", None)
"""


def test_no_generated_request_finds_a_fault(target: httpx.Client, office: Office, tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_settings(office), encoding="utf-8")
    hooks = tmp_path / "hooks.py"
    hooks.write_text(
        HOOKS.format(record=office.holdings.deposit(description=OPEN), login="stranger"), encoding="utf-8"
    )
    done = subprocess.run(
        [
            SCHEMATHESIS,
            f"--config-file={settings}",
            "run",
            f"{target.base_url}{API}/openapi.json",
            f"--seed={SEED}",
            f"--max-examples={EXAMPLES}",
            "--checks=all",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Stateful" in done.stdout
