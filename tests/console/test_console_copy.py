"""The commands about copies: the whole way by one person, each refusal by its rule, and what two persons need."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest
from home_of_tests import TestHome

ASK = ("--for", "Nguyễn Văn Thử", "--purpose", "Cấp lại giấy phép")


def _serial(home: TestHome, out: Path, *more: str) -> str:
    return str(home.ask("copy", "issue", home.record_numbered("96"), *ASK, "-o", str(out), *more)["serial"])


@pytest.fixture(scope="module")
def home(accepted: TestHome, tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home that the tests of this module issue copies in; none minds another's."""
    return accepted.copy(tmp_path_factory.mktemp("copies") / "var")


def test_one_command_goes_from_request_to_file(home: TestHome, tmp_path: Path) -> None:
    out = tmp_path / "copy.pdf"
    issued = home.ask("copy", "issue", home.record_numbered("96"), *ASK, "-o", str(out))
    assert {"serial", "number", "file", "sha256", "request"} <= set(issued)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == issued["sha256"]
    assert issued["demo"] is True
    shown = home.ask("copy", "show", issued["serial"])
    assert (shown["state"], shown["copy"]["status"]) == ("done", "issued")
    assert shown["copy"]["number_text"] == issued["number"]
    assert home.faults() == set()


def test_names_given_for_a_copy_are_kept_sealed(home: TestHome, tmp_path: Path) -> None:
    _serial(home, tmp_path / "copy.pdf", "--capacity", "holder", "--proof", "CCCD số 001099012345")
    kept = b"".join(p.read_bytes() for p in home.folder.rglob("*") if p.is_file())
    assert "Nguyễn Văn Thử".encode() not in kept
    assert "CCCD số".encode() not in kept


def test_the_same_key_gives_the_same_copy_byte_for_byte(home: TestHome, tmp_path: Path) -> None:
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"
    assert _serial(home, first, "--key", "k-1") == _serial(home, second, "--key", "k-1")
    assert first.read_bytes() == second.read_bytes()
    other = home.run(
        "copy", "issue", home.record_numbered("96"), "--for", "A", "--purpose", "khác", "--key", "k-1", "--json"
    )
    assert (other.code, other.document["error"]) == (2, "idempotency-conflict")


def test_a_refusal_says_the_rule_and_its_citation_in_both_languages(home: TestHome, tmp_path: Path) -> None:
    record, out = home.record_numbered("97"), tmp_path / "none.pdf"
    refused = home.run("copy", "issue", record, *ASK, "-o", str(out), "--json")
    assert refused.code == 2
    assert refused.document["error"] == "copy-refused"
    assert refused.document["rule"] == "source-known"
    assert "Nghị định 30/2020/NĐ-CP" in refused.document["citation"]
    assert "Chưa xác định nguồn" in refused.told
    assert refused.document["citation"] in refused.told
    assert "not known whether the source" in home.run("copy", "issue", record, *ASK, "--lang", "en").told
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "RECORD"),
        (("x", "--request", "y", *ASK), "RECORD"),
        (("x",), "--for"),
        (("x", *ASK, "--dossier", "noColon"), "--dossier"),
        (("x", *ASK, "--kind", "nonsense"), "nonsense"),
    ],
)
def test_wrong_use_says_what_is_missing(home: TestHome, arguments: tuple[str, ...], said: str) -> None:
    answer = home.run("copy", "issue", *arguments)
    assert answer.code == 2
    assert said in answer.told


@pytest.mark.parametrize("command", [("issue", "nobody", *ASK), ("show", "nobody"), ("approve", "nobody")])
def test_what_is_unknown_is_not_found(home: TestHome, command: tuple[str, ...]) -> None:
    answer = home.run("copy", *command, "--json")
    assert (answer.code, answer.document["error"]) == (2, "not-found")


def test_a_dossier_a_copy_goes_into_is_kept_with_its_request(home: TestHome) -> None:
    asked = home.ask("copy", "request", home.record_numbered("96"), *ASK, "--dossier", "MCDT:000.00.19")
    assert asked["state"] == "approved"
    assert (asked["target_system"], asked["target_dossier"]) == ("MCDT", "000.00.19")


def test_a_request_is_issued_later_by_its_id(home: TestHome, tmp_path: Path) -> None:
    request = home.ask("copy", "request", home.record_numbered("96"), *ASK)["request"]
    issued = home.ask("copy", "issue", "--request", request, "-o", str(tmp_path))
    assert Path(issued["file"]).parent == tmp_path
    listed = home.ask("copy", "list", "--state", "done")["requests"]
    assert issued["serial"] in {one["copy"]["serial"] for one in listed}


def test_a_revoked_copy_is_fetched_no_more(home: TestHome, tmp_path: Path) -> None:
    serial = _serial(home, tmp_path / "copy.pdf")
    again = tmp_path / "again.pdf"
    home.ask("copy", "fetch", serial, "--purpose", "lưu", "-o", str(again))
    assert again.read_bytes() == (tmp_path / "copy.pdf").read_bytes()
    assert home.ask("copy", "revoke", serial, "--reason", "Cấp nhầm")["status"] == "revoked"
    again.unlink()
    assert home.run("copy", "fetch", serial, "--purpose", "lưu", "-o", str(again)).code == 2
    assert not again.exists()


def test_a_unit_that_wants_it_has_a_second_person_approve(twin: TestHome, tmp_path: Path) -> None:
    strict = TestHome(twin.folder, twin.recordings, {"COPY_APPROVAL_UNITS": "all"})
    out = tmp_path / "copy.pdf"
    waiting = strict.run("copy", "issue", strict.record_numbered("96"), *ASK, "-o", str(out), "--json")
    assert (waiting.code, waiting.document["error"]) == (2, "second-person-needed")
    (request,) = strict.ask("copy", "list", "--state", "received")["requests"]
    assert strict.run("copy", "approve", request["id"], "--json").document["error"] == "second-person-needed"
    strict.ask("principal", "add", "lan", "--kind", "officer", "--name", "Phạm Thị Lan")
    strict.ask("principal", "grant", "lan", "approver", "demo-ministry-2025")
    key = strict.ask("principal", "key", "lan")["api_key"]
    second = TestHome(twin.folder, twin.recordings, {**strict.settings, "SOHOA_API_KEY": key})
    approved = second.ask("copy", "approve", request["id"])
    assert (approved["state"], approved["copy"]["status"]) == ("done", "issued")
    strict.ask("copy", "fetch", request["id"], "--purpose", "lưu", "-o", str(out))
    assert out.read_bytes().startswith(b"%PDF-")


def test_an_effect_ends_copies_at_once(twin: TestHome, tmp_path: Path) -> None:
    out = tmp_path / "copy.pdf"
    _serial(twin, out)
    record = twin.record_numbered("96")
    yesterday = (date.today() - timedelta(days=1)).isoformat()  # noqa: DTZ011  # yesterday in any zone is past
    told = twin.ask("record", "effect", record, "revoked", "--on", yesterday, "--basis", "QĐ 5/QĐ-STNMT")
    assert told["kind"] == "revoked"
    assert twin.ask("record", "show", record)["effects"][0]["basis"] == "QĐ 5/QĐ-STNMT"
    refused = twin.run("copy", "issue", record, *ASK, "--json")
    assert refused.document["rule"] == "in-force"
    verified = twin.run("verify", str(out), "--json")
    assert (verified.code, verified.document["status"]["reason"]) == (3, "record-revoked")
    assert twin.faults() == set()
