"""The real decree: fifty scanned pages as the Government's portal publishes them, with its banner and signature.

From its scan to a copy that is verified, revoked and verified again, by the command line alone.

The scan is no part of the project. SOHOA_SCANS names the folder it is in; without it the tests say they did not
run.
"""

import shutil
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from home_of_tests import TestHome, write_manifest
from journey_scans import DECREE, PAGES, SCANS, TRUTH
from judges.commons_ip import commons_ip
from judges.dss import dss
from judges.pdfsig import pdfsig
from judges.verapdf import verapdf
from score import score_within, word_recall

UNDECLARED = "trang-dau.jpg"
MEDIAN_CER = 0.02
# Of each page's words, in any order. Page 1 has a stamp and notes in its margin; the last ten are forms, some of
# their words in English and in italics; of the last two the text has the headings only.
FLOOR, FLOOR_OF_PAGE_1, FLOOR_OF_FORMS = 0.94, 0.88, 0.75
FIRST_FORM, LAST_FORM = 41, 48
LAST_PAGE = """10 2. Mặt sau: Nền màu xanh nhạt, có hoa văn và Công an hiệu in chìm, chữ in màu đen 19 cm 13 cm (1)
ảnh (3x4) Số: (2) /CC- (3) ngày: / /20 (1) Tên cơ quan cấp Chứng chỉ (2) Số chứng chỉ (3) Phiên hiệu cơ quan cấp
Chứng chỉ (4) Lãnh đạo đơn vị cấp Chứng chỉ (Ký tên, đóng dấu) CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do -
Hạnh phúc CHỨNG CHỈ NGHIỆP VỤ BẢO VỆ (1) Cấp cho ông/bà: Sinh ngày tháng năm Hộ khẩu thường trú: Đã hoàn thành
lớp: Đào tạo nhân viên dịch vụ bảo vệ Cơ sở đào tạo: Thời gian đào tạo từ ngày / /20 đến ngày / /20 Đạt loại:
ngày tháng năm (4)"""

pytestmark = pytest.mark.skipif(not DECREE.exists(), reason=f"the real decree is not in {SCANS}")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str, Path]:
    """The decree taken in, read, signed, accepted and exported: its home, record and unpacked package."""
    top = tmp_path_factory.mktemp("decree")
    (top / "scans").mkdir()
    shutil.copy(DECREE, top / "scans")
    _first_page(top / "scans" / UNDECLARED)
    rows = [
        {
            "file": DECREE.name,
            "sheets": str(PAGES),
            "code_number": "96/2016",
            "code_notation": "NĐ-CP",
            "retention_class": "Vĩnh viễn",
            "closed_on": "2016-12-31",
            "access_mode": "Công khai",
            "source_form": "giấy",
            "source_status": "bản chính",
        },
        {"file": UNDECLARED, "sheets": "1", "access_mode": "Công khai"},
    ]
    write_manifest(top / "scans", rows)
    home = TestHome(top / "var")
    home.run("init")
    batch = home.ask("intake", str(top / "scans"))["batch"]
    assert home.run("work", "--until-idle").code == 0
    assert home.ask("batch", "accept", batch, "--word", "Bản đăng của Cổng thông tin")["closed"]
    record = _record_of(home, batch, DECREE.name)
    home.ask("record", "export", record, "-o", str(top / "package.zip"))
    subprocess.run(["unzip", "-q", "package.zip", "-d", "package"], cwd=top, check=True)
    return home, record, top


def _first_page(out: Path) -> None:
    """A picture of the same scan's first page, about which nothing is declared."""
    with pypdfium2.PdfDocument(DECREE) as whole:
        whole[0].render(scale=150 / 72).to_pil().convert("RGB").save(out, quality=85, dpi=(150, 150))


def _record_of(home: TestHome, batch: str, file: str) -> str:
    items = home.ask("batch", "receipt", batch)["items"]
    return next(str(item["record"]) for item in items if item["file"] == file)


@pytest.fixture(scope="module")
def pages(kept: tuple[TestHome, str, Path]) -> list[dict[str, Any]]:
    return list(kept[0].ask("record", "text", kept[1])["pages"])


def test_every_page_has_text_the_one_with_the_portals_banner_too(pages: list[dict[str, Any]]) -> None:
    assert [page["state"] for page in pages] == ["read"] * PAGES
    assert min(len(page["text"].split()) for page in pages) > 20
    assert "NGHỊ ĐỊNH" in pages[0]["text"]


def test_it_is_read_within_the_error_rates_promised(pages: list[dict[str, Any]]) -> None:
    whole = TRUTH.read_text(encoding="utf-8")
    scores = [score_within(page["text"], whole) for page in pages[:LAST_FORM]]
    assert statistics.median(score.cer for score in scores) <= MEDIAN_CER
    assert {n: s.recall for n, s in enumerate(scores, start=1) if s.recall < _floor(n)} == {}
    assert word_recall(pages[-1]["text"], LAST_PAGE) >= FLOOR_OF_FORMS


def _floor(page: int) -> float:
    if page == 1:
        return FLOOR_OF_PAGE_1
    return FLOOR_OF_FORMS if page >= FIRST_FORM else FLOOR


def test_the_judges_find_nothing_wrong(kept: tuple[TestHome, str, Path]) -> None:
    home, _, top = kept
    (archived,) = (top / "package").rglob("part-001.pdf")
    assert verapdf([archived]) == {archived: []}
    assert [verdict.good for verdict in pdfsig(archived, home.folder / "keys" / "root.der")] == [True, True]
    assert commons_ip(top / "package.zip") == {"2.0.4": [], "2.1.0": [], "2.2.0": []}


def test_the_portals_own_signature_is_recorded_as_found(kept: tuple[TestHome, str, Path]) -> None:
    (catalogue,) = (kept[2] / "package").rglob("catalogue.json")
    assert '"role":"foreign"' in catalogue.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "query",
    [
        "96/2016/NĐ-CP",
        "96/2016/nđ-cp",
        "an ninh trật tự",
        "AN NINH TRẬT TỰ",
        "an ninh trat tu",
        '"điều kiện về an ninh"',
    ],
)
def test_it_is_found_by_any_word_on_it_with_tones_or_without(kept: tuple[TestHome, str, Path], query: str) -> None:
    home, record, _ = kept
    found = home.ask("search", query)
    assert found["completeness"]["behind"] == 0
    own = [hit for hit in found["hits"] if hit["record"] == record]
    assert own
    assert all(len(box) == 4 for hit in own for box in hit["boxes"])


@pytest.fixture(scope="module")
def issued(kept: tuple[TestHome, str, Path]) -> dict[str, Any]:
    home, record, top = kept
    answer = home.ask(
        "copy",
        "issue",
        record,
        "--for",
        "Công ty TNHH Thử nghiệm",
        "--purpose",
        "hồ sơ cấp phép mới",
        "-o",
        str(top / "copy.pdf"),
    )
    return dict(answer)


def test_its_copy_passes_the_judges(kept: tuple[TestHome, str, Path], issued: dict[str, Any]) -> None:
    home, _, _ = kept
    copy = Path(issued["file"])
    keys = home.folder / "keys"
    assert verapdf([copy]) == {copy: []}
    (verdict,) = pdfsig(copy, keys / "root.der")
    assert verdict.good
    (told,) = dss([copy], keys / "root.der", keys / "root.crl")[copy]
    assert told.indication == "TOTAL_PASSED"


def test_its_copy_is_valid_with_the_register_and_unchecked_without(
    kept: tuple[TestHome, str, Path], issued: dict[str, Any], tmp_path: Path
) -> None:
    home, _, _ = kept
    with_register = home.run("verify", issued["file"], "--json")
    assert with_register.code == 0, with_register.document
    elsewhere = TestHome.nowhere(tmp_path / "empty")
    alone = elsewhere.run("verify", issued["file"], "--root", str(home.folder / "keys" / "root.pem"), "--json")
    assert alone.code == 4, alone.document
    assert {name: alone.document[name]["verdict"] for name in ("integrity", "status", "issuer")} == {
        "integrity": "unchecked",
        "status": "unchecked",
        "issuer": "valid",
    }


def test_without_a_declaration_of_its_source_no_copy_is_issued(kept: tuple[TestHome, str, Path]) -> None:
    home, record, _ = kept
    other = next(one["record"] for one in home.ask("record", "list")["records"] if one["record"] != record)
    answer = home.run("copy", "issue", other, "--for", "Ai", "--purpose", "thử", "--json")
    assert answer.code == 2
    assert (answer.document["error"], answer.document["rule"]) == ("copy-refused", "source-known")


def test_a_revoked_copy_is_invalid_at_once(kept: tuple[TestHome, str, Path], issued: dict[str, Any]) -> None:
    home, _, _ = kept
    home.ask("copy", "revoke", issued["serial"], "--reason", "cấp nhầm")
    answer = home.run("verify", issued["file"], "--json")
    assert answer.code == 3
    assert {name: answer.document[name]["verdict"] for name in ("integrity", "status", "issuer")} == {
        "integrity": "valid",
        "status": "invalid",
        "issuer": "valid",
    }


def test_a_revoked_decree_gets_no_copy_any_more(kept: tuple[TestHome, str, Path], issued: dict[str, Any]) -> None:
    home, record, _ = kept
    home.ask("record", "effect", record, "revoked", "--on", "2026-01-01", "--basis", "Nghị định thay thế")
    answer = home.run("copy", "issue", record, "--for", "Ai", "--purpose", "thử", "--json")
    assert (answer.code, answer.document["rule"]) == (2, "in-force")
    assert home.faults() == set()
