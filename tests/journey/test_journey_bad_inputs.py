"""One batch with everything that goes wrong at the door: each file ends with its own reason, the others go on."""

import hashlib
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import scans
from home_of_tests import TestHome, write_manifest
from PIL import Image

from archive.pades.sign import sign_archived_file
from archive.pades.stamp import MarkPlace, agency_mark, digitizer_mark
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner
from ocr import images
from ocr.options import ReadingOptions

CANARY_ID, CANARY_NAME = "001099412345", "Đặng Kim Hoàng Yến Oanh"
WHOLE = ("01.pdf", "02.tif", "03.jpg", "04.png")
REJECTED = {
    "empty.pdf": "empty-file",
    "cut.pdf": "truncated",
    "cut.jpg": "truncated",
    "cut.png": "truncated",
    "cut.tif": "truncated",
    "user-password.pdf": "password-needed",
    "zip-inside.pdf": "wrong-type",
    "text-inside.pdf": "wrong-type",
    "million-pages.pdf": "too-many-pages",
    "bomb.png": "too-many-pixels",
}
REVIEWED = {
    "owner-password.pdf": "owner-password",
    "signed.pdf": "signed-input",
    "impossible-date.pdf": "impossible-date",
    "repeated.pdf": "repeated-row",
}


def _signed(source: Path, path: Path, keys: Path) -> None:
    at = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
    authority = make_demo_authority(keys, now=at, agency_name="Cổng thông tin (trình diễn)")
    for role in ("digitizer:cong", "agency:cong"):
        authority.ensure_role(role, "Cổng thông tin", now=at)
    sign_archived_file(
        source,
        path,
        signer=FileSigner(keys),
        digitizer=digitizer_mark("digitizer:cong", name="Cổng", scanned_at=at),
        agency=agency_mark("agency:cong", agency_name="Cổng", signed_at=at, converter="Cổng"),
        places=(MarkPlace(10, 300, 140, 400), MarkPlace(150, 300, 290, 400)),
        signed_at=at,
    )


def _make(folder: Path, recordings: Path, keys: Path) -> dict[str, int]:
    """Write the scans; return how many images each readable file holds, counted by their own libraries."""

    def whole(name: str, *, pages: int = 1) -> Path:
        drawn = [scans.page(mark=f"{name} {n}") for n in range(pages)]
        path = scans.save_all(drawn, folder / name)
        scans.remember(path, recordings, [scans.LINES] * pages)
        return path

    whole("01.pdf", pages=2)
    whole("02.tif", pages=3)
    whole("03.jpg")
    whole("04.png")
    source = whole("plain.pdf")
    (folder / "twin.pdf").write_bytes((folder / "01.pdf").read_bytes())
    (folder / "empty.pdf").write_bytes(b"")
    for kind in ("pdf", "jpg", "png", "tif"):
        path = whole(f"cut.{kind}")
        body = path.read_bytes()
        path.write_bytes(body[: len(body) * 2 // 3])
    scans.encrypted(source, folder / "user-password.pdf", user="mật khẩu")
    scans.encrypted(source, folder / "owner-password.pdf")
    (folder / "zip-inside.pdf").write_bytes(b"PK\x03\x04" + b"\0" * 400)
    (folder / "text-inside.pdf").write_text("Kính gửi: Sở Tài nguyên và Môi trường\n" * 20)
    (folder / "million-pages.pdf").write_bytes(scans.pdf_claiming_pages(10**6))
    (folder / "bomb.png").write_bytes(scans.png_claiming(40_000, 40_000))
    _signed(source, folder / "signed.pdf", keys)
    for name in ("owner-password.pdf", "signed.pdf"):
        scans.remember(folder / name, recordings, [scans.LINES])
    for name in ("impossible-date.pdf", "repeated.pdf", "surplus.pdf", "quyết\nđịnh.pdf"):
        whole(name)
    (folder / "ghi-chu.docx").write_text("không phải bản quét")
    return {path.name: _count(path) for path in folder.iterdir() if path.suffix != ".docx"}


def _count(path: Path) -> int:
    """Count the images of a file without our code; a file that can't be opened counts as declared: one."""
    if path.name in REJECTED:
        return 1
    if path.suffix == ".pdf":
        with pikepdf.open(path) as pdf:
            return len(pdf.pages)
    with Image.open(path) as image:
        return getattr(image, "n_frames", 1)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str, dict[str, int], str]:
    top = tmp_path_factory.mktemp("bad")
    folder, recordings = top / "scans", top / "recordings"
    counts = _make(folder, recordings, top / "foreign-keys")
    rows: list[dict[str, str]] = [
        {"file": name, "sheets": str(count), "sides": "1"} for name, count in sorted(counts.items())
    ]
    rows = [row for row in rows if row["file"] != "surplus.pdf"]
    by_name = {row["file"]: row for row in rows}
    by_name["01.pdf"] |= {"holder_type": "cá nhân", "holder_id": CANARY_ID, "holder_name": CANARY_NAME}
    by_name["impossible-date.pdf"]["issued_on"] = "31/02/2020"
    rows.append({"file": "repeated.pdf", "sheets": "7", "subject": "dòng thứ hai"})
    rows.append({"file": "../../etc/passwd", "sheets": "2"})
    rows.append({"file": "không-có.tif", "sheets": "2", "sides": "2"})
    write_manifest(folder, rows)
    home = TestHome(top / "var", recordings)
    assert home.run("init").code == 0
    batch = home.ask("intake", str(folder), "--operator", "Lê Văn Quét")["batch"]
    told = home.run("work", "--workers", "2", "--until-idle")
    assert told.code == 0, told.told
    return home, batch, counts, told.told


@pytest.fixture(scope="module")
def receipt(taken: tuple[TestHome, str, dict[str, int], str]) -> dict[str, Any]:
    home, batch, _, _ = taken
    document: dict[str, Any] = home.ask("batch", "receipt", batch)
    return document


def _scan(home: TestHome, name: str) -> Path:
    return home.folder.parent / "scans" / name


def _item(receipt: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in receipt["items"] if item["file"] == name]
    return dict(found)


@pytest.mark.parametrize(("name", "reason"), REJECTED.items())
def test_a_file_that_cannot_be_taken_in_is_rejected_for_its_own_reason(
    receipt: dict[str, Any], name: str, reason: str
) -> None:
    item = _item(receipt, name)
    assert (item["state"], item["reason"]) == ("rejected", reason)
    assert item["message"].endswith(".")
    assert "qpdf" not in item["message"].lower()


@pytest.mark.parametrize(("name", "reason"), REVIEWED.items())
def test_a_file_with_something_to_look_at_is_deposited_for_review(
    receipt: dict[str, Any], name: str, reason: str
) -> None:
    item = _item(receipt, name)
    assert (item["state"], item["reason"], item["record_state"]) == ("archived", reason, "candidate")


@pytest.mark.parametrize("name", WHOLE)
def test_the_others_go_on(receipt: dict[str, Any], name: str) -> None:
    assert _item(receipt, name)["state"] == "archived"


def test_received_equals_an_independent_count_and_the_equations_hold(
    taken: tuple[TestHome, str, dict[str, int], str], receipt: dict[str, Any]
) -> None:
    counts = taken[2]
    assert receipt["received"] == sum(counts.values())
    assert receipt["declared"] - receipt["missing"] + receipt["surplus"] == receipt["received"]
    ends = sum(receipt[name] for name in ("archived", "blank", "separator", "rejected", "waiting"))
    assert receipt["received"] == ends
    assert receipt["waiting"] == 0
    assert receipt["missing"] == 6
    assert receipt["surplus"] == 1


def test_rows_without_a_file_are_missing_and_a_file_without_a_row_is_surplus(receipt: dict[str, Any]) -> None:
    differences = {d["file"]: (d["kind"], d["captures"]) for d in receipt["differences"]}
    assert differences == {
        "không-có.tif": ("missing", 4),
        "../../etc/passwd": ("missing", 2),
        "surplus.pdf": ("surplus", 1),
    }


def test_an_exact_duplicate_is_linked_and_not_read_again(
    taken: tuple[TestHome, str, dict[str, int], str], receipt: dict[str, Any]
) -> None:
    first, twin = sorted((_item(receipt, "01.pdf"), _item(receipt, "twin.pdf")), key=lambda i: i["state"])
    assert (first["state"], twin["state"]) == ("archived", "duplicate")
    assert twin["record"] == first["record"]
    digests = [capture.sha256 for capture in images.probe(_scan(taken[0], "01.pdf"), ReadingOptions()).captures]
    read = Counter(taken[0].read_log())
    assert [read[digest] for digest in digests] == [1, 1]


def test_a_signed_scan_is_kept_byte_exact_and_its_signature_recorded(
    taken: tuple[TestHome, str, dict[str, int], str], receipt: dict[str, Any], tmp_path: Path
) -> None:
    home = taken[0]
    home.ask("record", "export", _item(receipt, "signed.pdf")["record"], "-o", str(tmp_path / "p.zip"))
    subprocess.run(["unzip", "-q", "p.zip"], cwd=tmp_path, check=True)
    whole = hashlib.sha256(_scan(home, "signed.pdf").read_bytes()).hexdigest()
    kept = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.rglob("*") if path.is_file()}
    assert whole in kept
    (catalogue,) = tmp_path.rglob("catalogue.json")
    assert '"role":"foreign"' in catalogue.read_text()
    assert '"integrity":"intact"' in catalogue.read_text()


def test_an_impossible_date_keeps_its_raw_text(
    taken: tuple[TestHome, str, dict[str, int], str], receipt: dict[str, Any], tmp_path: Path
) -> None:
    record = _item(receipt, "impossible-date.pdf")["record"]
    shown = taken[0].ask("record", "show", record)
    assert shown["issued_on"] is None
    taken[0].ask("record", "export", record, "-o", str(tmp_path / "p.zip"))
    assert b"31/02/2020" in (tmp_path / "p.zip").read_bytes()


def test_the_first_of_repeated_rows_counts(receipt: dict[str, Any]) -> None:
    assert _item(receipt, "repeated.pdf")["captures"] == 1


def test_doctor_is_clean_and_nothing_is_left_running_or_lying_about(
    taken: tuple[TestHome, str, dict[str, int], str],
) -> None:
    home = taken[0]
    assert home.faults() == set()
    scratch = home.folder / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []
    running = subprocess.run(["pgrep", "-f", str(home.folder)], capture_output=True, text=True, check=False)
    assert running.stdout == ""


def test_a_holders_identifier_and_name_are_nowhere_in_clear(
    taken: tuple[TestHome, str, dict[str, int], str], receipt: dict[str, Any]
) -> None:
    home, batch, _, told = taken
    outputs = [told, str(receipt), str(home.ask("batch", "show", batch))]
    outputs.append(str(home.ask("record", "show", _item(receipt, "01.pdf")["record"])))
    for canary in (CANARY_ID, CANARY_NAME):
        assert not any(canary in said for said in outputs)
        for path in home.folder.rglob("*"):
            assert canary not in str(path)
            assert not path.is_file() or canary.encode() not in path.read_bytes(), path


def test_the_batch_closes_only_with_a_persons_word(
    taken: tuple[TestHome, str, dict[str, int], str], tmp_path: Path
) -> None:
    home = taken[0].copy(tmp_path / "var")
    batch = taken[1]
    silent = home.ask("batch", "accept", batch)
    assert (silent["closed"], silent["not_accepted"]) == (False, [])
    spoken = home.ask("batch", "accept", batch, "--word", "Đã lập biên bản")
    assert spoken["closed"]
    receipt = home.ask("batch", "receipt", batch)
    assert {item["word"] for item in receipt["items"] if item["state"] == "rejected"} == {"Đã lập biên bản"}
    assert [one.key for one in home.staging().list_versions() if one.key.endswith("/received")] == []
    assert home.faults() == set()


def test_an_unreadable_manifest_refuses_the_batch_and_takes_nothing(tmp_path: Path) -> None:
    home = TestHome(tmp_path / "var", tmp_path)
    home.run("init")
    folder = tmp_path / "scans"
    scans.save(scans.page(), folder / "a.jpg")
    (folder / "manifest.csv").write_bytes("file,note\na.jpg,\xc0\n".encode("cp1258", "replace") + b"\xff\xfe")
    answer = home.run("intake", str(folder), "--json")
    assert answer.code == 2
    assert answer.document["error"] == "manifest-unreadable"
    assert "CSV UTF-8" in answer.told
    assert home.ask("batch", "list") == {"batches": []}
    assert list(home.staging().list_versions()) == []
