"""The command that verifies: three verdicts and an exit code, with the register and far from any."""

import shutil
import subprocess
from pathlib import Path

import pytest
from home_of_tests import SOHOA, Answer, TestHome


@pytest.fixture(scope="module")
def home(accepted: TestHome, tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with one copy issued, in `copy.pdf` beside it."""
    home = accepted.copy(tmp_path_factory.mktemp("verify") / "var")
    out = str(home.folder.parent / "copy.pdf")
    home.ask(
        "copy", "issue", home.record_numbered("96"), "--for", "Sở Tư pháp", "--purpose", "đối chiếu", "-o", out
    )
    return home


@pytest.fixture
def copy(home: TestHome, tmp_path: Path) -> Path:
    """The copy, for a test to change."""
    return Path(shutil.copy(home.folder.parent / "copy.pdf", tmp_path))


def _verdicts(answer: Answer) -> list[str]:
    return [answer.document[name]["verdict"] for name in ("integrity", "status", "issuer")]


def test_with_the_register_all_three_are_valid_and_it_ends_with_zero(home: TestHome, copy: Path) -> None:
    answer = home.run("verify", str(copy), "--json")
    assert (answer.code, _verdicts(answer)) == (0, ["valid", "valid", "valid"])
    for name in ("integrity", "status", "issuer"):
        assert set(answer.document[name]) == {"verdict", "reason", "sentence"}


def test_far_from_any_register_nothing_wrong_is_found_and_it_ends_with_four(
    home: TestHome, copy: Path, tmp_path: Path
) -> None:
    elsewhere = TestHome.nowhere(tmp_path / "no-home")
    answer = elsewhere.run("verify", str(copy), "--root", str(home.folder / "keys/root.pem"), "--json")
    assert (answer.code, _verdicts(answer)) == (4, ["unchecked", "unchecked", "valid"])
    assert _verdicts(elsewhere.run("verify", str(copy), "--json")) == ["unchecked"] * 3
    assert not elsewhere.folder.exists()


def test_offline_leaves_the_register_out(home: TestHome, copy: Path) -> None:
    answer = home.run("verify", str(copy), "--offline", "--json")
    assert (answer.code, answer.document["status"]["verdict"]) == (4, "unchecked")


def test_a_changed_byte_is_invalid_here_and_elsewhere(home: TestHome, copy: Path, tmp_path: Path) -> None:
    changed = bytearray(copy.read_bytes())
    changed[len(changed) // 3] ^= 1
    copy.write_bytes(changed)
    here = home.run("verify", str(copy), "--json")
    assert (here.code, here.document["integrity"]["verdict"]) == (3, "invalid")
    root = str(home.folder / "keys/root.pem")
    there = TestHome.nowhere(tmp_path / "no-home").run("verify", str(copy), "--root", root, "--json")
    assert (there.code, there.document["integrity"]["verdict"]) == (3, "invalid")


def test_a_foreign_root_is_not_the_issuers(home: TestHome, copy: Path, tmp_path: Path) -> None:
    foreign = TestHome(tmp_path / "other")
    foreign.ask("init")
    answer = home.run("verify", str(copy), "--root", str(foreign.folder / "keys/root.pem"), "--json")
    assert (answer.code, answer.document["issuer"]["reason"]) == (3, "foreign-root")


@pytest.mark.parametrize("body", [b"", b"not a pdf", b"%PDF-1.7\n"])
def test_what_is_no_copy_is_never_valid(home: TestHome, tmp_path: Path, body: bytes) -> None:
    odd = tmp_path / "odd.pdf"
    odd.write_bytes(body)
    answer = home.run("verify", str(odd), "--json")
    assert answer.code in (3, 4)
    assert "valid" not in _verdicts(answer)


def test_a_file_that_is_not_there_is_unchecked(home: TestHome, tmp_path: Path) -> None:
    answer = home.run("verify", str(tmp_path / "none.pdf"), "--json")
    assert (answer.code, answer.document["integrity"]["reason"]) == (4, "not-a-file")


def test_a_root_that_is_no_certificate_is_refused(home: TestHome, copy: Path, tmp_path: Path) -> None:
    odd = tmp_path / "root.pem"
    odd.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    answer = home.run("verify", str(copy), "--root", str(odd), "--json")
    assert (answer.code, answer.document["error"]) == (2, "home-not-ready")


def test_the_verdicts_are_told_in_the_language_asked_for(home: TestHome, copy: Path) -> None:
    assert "Toàn vẹn" in _out(home, copy, "vi")
    assert "Integrity: VALID" in _out(home, copy, "en")


def _out(home: TestHome, copy: Path, language: str) -> str:
    command = [SOHOA, "verify", str(copy), "--lang", language]
    return subprocess.run(command, env=home.environment, capture_output=True, text=True, check=True).stdout
