"""Image quality on the way in: every verdict is kept, what fails stands with its page, and a setting holds it."""

import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
import scans
from home_of_tests import SOHOA, TestHome, write_manifest
from PIL import Image

from ingest import disks
from ingest.disks import Place
from ingest.inspection import Scanning, inspect_file
from ocr.errors import PageTimedOut
from ocr.page import CaptureProbe, FileProbe, ReadPage
from ocr.reader import Reader

LINES = (
    "GIẤY PHÉP KHAI THÁC NƯỚC DƯỚI ĐẤT",
    "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015;",
    "Điều 1. Cho phép khai thác nước dưới đất tại xã Bến Tràm với lưu lượng 120 mét khối",
    "mỗi ngày, trong thời hạn năm năm kể từ ngày ký.",
    "Điều 2. Doanh nghiệp chịu trách nhiệm thực hiện đúng quy định của pháp luật.",
)
A5_200 = (1165, 1654)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home that read two papers: one scanned as it should be, one at 150 dpi in grey."""
    return _worked(tmp_path_factory.mktemp("quality"), {})


def _worked(top: Path, settings: Mapping[str, str]) -> TestHome:
    folder = top / "scans"
    folder.mkdir()
    drawn = scans.page(LINES, size=A5_200)
    drawn.convert("RGB").save(folder / "dat.png", dpi=(200, 200))
    small = drawn.convert("L").resize((A5_200[0] * 3 // 4, A5_200[1] * 3 // 4), Image.Resampling.LANCZOS)
    small.save(folder / "khong-dat.png", dpi=(150, 150))
    write_manifest(folder, [{"file": name} for name in ("dat.png", "khong-dat.png")])
    home = TestHome(top / "var", None, dict(settings))
    home.run("init")
    batch = home.ask("intake", str(folder))["batch"]
    (top / "batch").write_text(batch)
    home.ask("work", "--until-idle")
    return home


def _quality(home: TestHome) -> dict[str, Any]:
    return home.ask("batch", "quality", (home.folder.parent / "batch").read_text())


def test_a_batch_says_what_every_rule_said(home: TestHome) -> None:
    told = _quality(home)
    assert (told["records"], told["unmeasured"]) == (2, 0)
    counts = {one["rule"]: (one["passed"], one["failed"], one["not_applicable"]) for one in told["rules"]}
    assert all(sum(found) == 2 for found in counts.values())
    assert counts["resolution-document"] == (1, 1, 0)
    assert counts["colour-depth"] == (1, 1, 0)
    assert "page-size" in told["never_evaluated"]  # two documents of one page each


def test_a_page_that_fails_says_why_in_words(home: TestHome) -> None:
    (page,) = [page for page in _quality(home)["pages"] if page["file"] == "khong-dat.png"]
    assert {"quality-resolution-document", "quality-colour-depth"} <= set(page["doubts"])
    assert any("150 dpi" in why and "200 dpi" in why for why in page["why"])


def test_the_page_tells_it_where_it_is_read(home: TestHome) -> None:
    verdicts = {}
    for record in home.ask("record", "list")["records"]:
        (page,) = home.ask("record", "text", record["record"], "--purpose", "kiểm tra")["pages"]
        verdicts[page["verdict"]] = page
    assert verdicts.keys() == {"good", "review"}
    assert verdicts["review"]["look"]
    assert verdicts["good"]["doubts"] == []


def test_by_default_it_is_only_told(home: TestHome) -> None:
    receipt = home.ask("batch", "show", (home.folder.parent / "batch").read_text())
    assert not any("doubtful-page" in str(one) for one in receipt["items"])


def test_where_the_setting_says_so_it_waits_for_a_person(tmp_path: Path) -> None:
    home = _worked(tmp_path, {"INGEST_DOUBTFUL_PAGES": "review", "INGEST_ACCEPTANCE": "policy"})
    states = {one["state"] for one in home.ask("record", "list")["records"]}
    assert states == {"accepted", "candidate"}


def test_a_setting_of_another_value_is_refused(tmp_path: Path) -> None:
    refused = TestHome(tmp_path / "var", None, {"INGEST_DOUBTFUL_PAGES": "maybe"}).run("init")
    assert refused.code == 2
    assert "INGEST_DOUBTFUL_PAGES" in refused.told


def test_an_agencys_own_rules_are_refused_before_anything_is_taken_in(tmp_path: Path) -> None:
    own = tmp_path / "rieng.toml"
    own.write_text("[[rule]]\nid = 'x'\n", encoding="utf-8")
    refused = TestHome(tmp_path / "var", None, {"INGEST_QUALITY_RULES": str(own)}).run("init")
    assert refused.code == 2
    assert "rieng.toml" in refused.told


def test_scans_are_judged_before_they_are_taken_in(home: TestHome) -> None:
    folder = home.folder.parent / "scans"
    answer = home.run("inspect", str(folder / "dat.png"), str(folder / "khong-dat.png"), "--json")
    assert answer.code == 3
    good, short = ({v["rule"]: v for v in file["pages"][0]["verdicts"]} for file in answer.document["files"])
    assert {verdict["outcome"] for verdict in good.values()} == {"pass", "not-applicable"}
    failed = {rule: verdict for rule, verdict in short.items() if verdict["outcome"] == "fail"}
    assert failed.keys() == {"resolution-document", "colour-depth"}
    told = failed["resolution-document"]
    assert (told["value"], told["threshold"], told["unit"], told["severity"]) == (150, 200, "dpi", "rescan")
    measures = answer.document["files"][1]["pages"][0]["measures"]
    assert (measures["dpi_claimed"], measures["bits_per_pixel"]) == (150, 8)


def test_inspecting_agrees_with_the_batch_and_keeps_nothing(home: TestHome) -> None:
    folder, batch = home.folder.parent / "scans", (home.folder.parent / "batch").read_text()
    before = home.ask("log", "status")
    found = home.run("inspect", str(folder / "khong-dat.png"), "--json").document["files"][0]["pages"][0]
    failed = {verdict["reason"] for verdict in found["verdicts"] if verdict["outcome"] == "fail"}
    (page,) = [page for page in home.ask("batch", "quality", batch)["pages"] if page["file"] == "khong-dat.png"]
    assert failed | set(found["doubts"]) == set(page["doubts"])
    assert home.ask("log", "status") == before
    assert list((home.folder / "scratch").glob("work-*")) == []


def test_what_inspecting_is_told_picks_the_rules(home: TestHome) -> None:
    scan = str(home.folder.parent / "scans" / "dat.png")
    assert home.run("inspect", scan).code == 0
    as_map = home.run("inspect", scan, "--kind", "drawing", "--lang", "en")
    assert as_map.code == 3
    assert "1 to look at or scan again" in as_map.told
    early = home.run("inspect", scan, "--on", "2020-03-04", "--json")
    assert (early.code, early.document["files"][0]["pages"][0]["verdicts"]) == (0, [])


def test_a_person_is_told_of_which_file_and_page_each_verdict_is(home: TestHome) -> None:
    scan = home.folder.parent / "scans" / "khong-dat.png"
    done = subprocess.run(
        [SOHOA, "inspect", scan], env=home.environment, capture_output=True, text=True, check=False
    )
    (row,) = [line for line in done.stdout.splitlines() if "resolution-document" in line]
    assert row.split()[:7] == ["khong-dat.png", "1", "resolution-document", "150", "≥", "200", "dpi"]
    assert "KHÔNG ĐẠT" in row


class _FailingReader:
    """A reader whose every page fails as it does where the jail has no room to write."""

    def probe(self, _path: Path) -> FileProbe:
        capture = CaptureProbe(0, 100, 100, 200.0, "grey", "0" * 64)
        return FileProbe("image/png", (capture,))

    def read_page(self, _path: Path, _capture: CaptureProbe, *, following: CaptureProbe | None) -> ReadPage:
        raise PageTimedOut(f"next is {following}")

    def leave(self) -> None:
        """Hold nothing."""


def test_a_page_that_fails_is_wanting_and_a_full_disk_is_not_blamed_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = tmp_path / "trang.png"
    scan.write_bytes(b"x")
    reader, scratch = cast(Reader, _FailingReader()), (Place("scratch", "", tmp_path),)
    scanning = Scanning("document", date(2026, 3, 2))
    found = inspect_file(reader, scan, scanning, scratch)
    (page,) = found.pages
    assert (found.wanting, page.failure) == (True, "page-timed-out")
    assert {verdict.reason for verdict in page.verdicts} == {"not-measured"}
    monkeypatch.setattr(disks, "can_write", lambda _place, needed: False)
    with pytest.raises(OSError, match="No space left"):
        inspect_file(reader, scan, scanning, scratch)


def test_a_file_that_would_be_refused_is_told_beside_those_that_would_not(home: TestHome) -> None:
    folder = home.folder.parent
    (folder / "hong.pdf").write_bytes(b"%PDF-1.4\nnothing more")
    answer = home.run("inspect", str(folder / "hong.pdf"), str(folder / "scans" / "dat.png"), "--json")
    assert answer.code == 3
    refused, good = answer.document["files"]
    assert (refused["refused"], refused["pages"]) == ("truncated", [])
    assert (good["refused"], len(good["pages"])) == (None, 1)
    assert "hong.pdf" in answer.told
