"""The command line's contract: exit codes, one JSON document, Vietnamese first, and what each command answers."""

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import scans
from home_of_tests import SOHOA, TestHome, write_manifest

FIELDS = {
    "document_type": "Khác",
    "code_number": "15",
    "code_notation": "GP-STNMT",
    "issued_on": "12/03/2020",
    "subject": "Cấp phép khai thác nước dưới đất",
    "retention_class": "20 năm",
    "closed_on": "2020-12-31",
    "dossier_code": "000.00.19.H99-200312-0007",
    "access_mode": "Công khai",
    "source_form": "giấy",
    "source_status": "bản chính",
    "holder_id": "001099012345",
    "holder_name": "Trần Thị Mẫu",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with one batch of three records, worked and not yet accepted."""
    top = tmp_path_factory.mktemp("cli")
    folder, recordings = top / "scans", top / "recordings"
    rows = []
    for number, kind in enumerate(("jpg", "tif", "pdf")):
        name = f"{number}.{kind}"
        pages = (
            [scans.page(mark=name)] if kind == "jpg" else [scans.page(mark=name), scans.blank(shade=250 - number)]
        )
        path = scans.save_all(pages, folder / name)
        scans.remember(path, recordings, [scans.LINES, []][: len(pages)])
        rows.append({"file": name, "sheets": "1", "sides": str(len(pages)), **FIELDS})
    write_manifest(folder, rows)
    home = TestHome(top / "var", recordings)
    assert home.run("init").code == 0
    home.ask("intake", str(folder), "--operator", "Lê Văn Quét")
    assert home.run("work", "--until-idle").code == 0
    return home


def _batch(home: TestHome) -> str:
    return str(home.ask("batch", "list")["batches"][0]["batch"])


def _record(home: TestHome) -> str:
    return str(home.ask("record", "list")["records"][0]["record"])


def test_without_an_archive_every_command_says_what_to_do(tmp_path: Path) -> None:
    answer = TestHome(tmp_path / "nothing").run("record", "list", "--json")
    assert answer.code == 2
    assert answer.document["error"] == "home-not-ready"
    assert "sohoa init" in answer.told


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("intake", "/no/such/folder"), ("batch", "show", "nobody"), ("record", "show", "nobody")],
)
def test_wrong_use_ends_with_two(home: TestHome, arguments: tuple[str, ...]) -> None:
    assert home.run(*arguments).code == 2


def test_help_is_vietnamese_and_english_on_request(home: TestHome) -> None:
    assert "đối soát" in _out(home, "batch", "--help")
    assert "receipt" in _out(home, "batch", "--help", "--lang", "en")


def _out(home: TestHome, *arguments: str) -> str:
    command = [SOHOA, *arguments]
    return subprocess.run(command, env=home.environment, capture_output=True, text=True, check=True).stdout


def test_init_can_be_repeated(home: TestHome) -> None:
    before = _record(home)
    assert home.run("init").code == 0
    assert _record(home) == before


def test_the_receipt_has_its_contract(home: TestHome) -> None:
    receipt = home.ask("batch", "receipt", _batch(home))
    figures = (
        "declared",
        "missing",
        "surplus",
        "received",
        "archived",
        "blank",
        "separator",
        "rejected",
        "waiting",
    )
    assert {"batch", "items", *figures} <= set(receipt)
    assert {name: receipt[name] for name in figures} == {
        "declared": 5,
        "missing": 0,
        "surplus": 0,
        "received": 5,
        "archived": 3,
        "blank": 2,
        "separator": 0,
        "rejected": 0,
        "waiting": 0,
    }
    for item in receipt["items"]:
        assert {"file", "state", "reason", "message", "record", "captures"} <= set(item)


def test_the_printable_receipt_is_a_pdf_a_person_can_sign(home: TestHome, tmp_path: Path) -> None:
    page = tmp_path / "receipt.pdf"
    home.ask("batch", "receipt", _batch(home), "--pdf", str(page))
    with pikepdf.open(page) as pdf:
        assert len(pdf.pages) == 1
        assert b"pdfaid:part" in pdf.Root.Metadata.read_bytes()


def test_record_show_names_every_field_and_no_person(home: TestHome) -> None:
    shown = home.ask("record", "show", _record(home))
    assert shown["code_number"] == "15"
    assert shown["issued_on"] == "2020-03-12"
    assert shown["document_type"] == "32"
    assert shown["retain_until"] == "2040-12-31"
    assert shown["state"] == "candidate"
    assert len(shown["parties"]) == 1
    assert "Mẫu" not in json.dumps(shown, ensure_ascii=False)
    by_number = home.ask("record", "show", shown["archive_number"])
    assert by_number["record"] == shown["record"]


def test_records_of_one_dossier_share_a_file_and_one_holder_is_one_party(home: TestHome) -> None:
    shown = [home.ask("record", "show", r["record"]) for r in home.ask("record", "list")["records"]]
    assert len({s["archival_file"]["id"] for s in shown}) == 1
    assert sorted(s["archive_number"][-7:] for s in shown) == ["0000001", "0000002", "0000003"]
    assert len({s["parties"][0]["party_id"] for s in shown}) == 1


def test_record_text_is_the_accepted_reading_and_is_logged(home: TestHome) -> None:
    record = _record(home)
    answer = home.ask("record", "text", record, "--purpose", "kiểm thử")
    assert answer["pages"][0]["text"].splitlines()[0] == scans.LINES[0]
    engine = home.engine()
    with engine.connect().execution_options(read_only=True) as connection:
        rows = connection.exec_driver_sql("SELECT canonical FROM event WHERE stream='access'").scalars().all()
    engine.dispose()
    assert any(record.encode() in row and "kiểm thử".encode() in row for row in rows)


def test_a_hold_reaches_the_store_and_lifting_needs_its_basis(home: TestHome, tmp_path: Path) -> None:
    twin = home.copy(tmp_path / "var")
    record = _record(twin)
    twin.ask("hold", "place", record, "--basis", "QĐ 12/QĐ-TTr")
    store = twin.store()
    assert [o.held for o in store.list_versions() if record in o.key] == [True]
    assert twin.ask("record", "show", record)["held"]
    assert twin.run("hold", "lift", record, "--basis", " ").code == 2
    assert twin.ask("hold", "lift", record, "--basis", "QĐ 20")["lifted"] == 1
    assert [o.held for o in store.list_versions() if record in o.key] == [False]
    assert twin.faults() == set()


def test_acceptance_locks_to_the_rules_last_day_and_deposits_a_supplement(home: TestHome, tmp_path: Path) -> None:
    twin = home.copy(tmp_path / "var")
    accepted = twin.ask("batch", "accept", _batch(twin))
    assert (accepted["accepted"], accepted["closed"]) == (3, True)
    for listed in twin.ask("record", "list")["records"]:
        shown = twin.ask("record", "show", listed["record"])
        assert shown["state"] == "accepted"
        assert datetime.fromisoformat(shown["locked_until"]) == datetime(2040, 12, 31, 17, tzinfo=UTC)
        assert [p["kind"] for p in shown["packages"]] == ["content", "supplement"]
    again = twin.ask("batch", "accept", _batch(twin))
    assert again["accepted"] == 0
    assert twin.faults() == set()


def test_the_stated_policy_accepts_clean_items_by_itself(home: TestHome, tmp_path: Path) -> None:
    folder = home.folder.parent / "scans"
    twin = TestHome(tmp_path / "var", home.recordings, {"INGEST_ACCEPTANCE": "policy"})
    twin.run("init")
    twin.ask("intake", str(folder))
    assert twin.run("work", "--until-idle").code == 0
    states = {r["state"] for r in twin.ask("record", "list")["records"]}
    assert states == {"accepted"}
    assert twin.faults() == set()


def test_a_page_that_failed_is_accepted_only_by_name(home: TestHome, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    path = scans.save_all([scans.page(mark="đọc được"), scans.page(mark="không ghi")], folder / "a.pdf")
    recordings = tmp_path / "recordings"
    # A page with ink on it of which the engine reads nothing is unreadable, never blank.
    scans.remember(path, recordings, [scans.LINES, []])
    twin = TestHome(tmp_path / "var", recordings, {"INGEST_ACCEPTANCE": "policy"})
    twin.run("init")
    batch = twin.ask("intake", str(folder))["batch"]
    assert twin.run("work", "--until-idle").code == 0
    (item,) = twin.ask("batch", "receipt", batch)["items"]
    assert (item["state"], item["record_state"]) == ("archived", "candidate")
    assert "failed-page" in item["review"]
    refused = twin.ask("batch", "accept", batch, "--word", "Đã xem")
    assert refused["not_accepted"][0]["reasons"] == ["failed-page-2"]
    named: Any = twin.ask("batch", "accept", batch, "--word", "Đã xem", "--failed-page", "a.pdf#2")
    assert (named["accepted"], named["closed"]) == (1, True)


def test_export_writes_the_package_whole(home: TestHome, tmp_path: Path) -> None:
    out = tmp_path / "p.zip"
    answer = home.ask("record", "export", _record(home), "-o", str(out))
    assert hashlib.sha256(out.read_bytes()).hexdigest() == answer["sha256"]
