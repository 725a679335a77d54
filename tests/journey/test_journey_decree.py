"""The real decree: fifty scanned pages as the Government's portal publishes them, with its banner and signature.

The scan is no part of the project. SOHOA_SCANS names the folder it is in; without it the tests say they did not
run.
"""

import os
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pytest
from home_of_tests import TestHome, write_manifest
from judges.commons_ip import commons_ip
from judges.pdfsig import pdfsig
from judges.verapdf import verapdf
from score import score_within

SCANS = Path(os.environ.get("SOHOA_SCANS", Path(__file__).parents[2].with_name("shared") / "data" / "scans"))
DECREE, TRUTH = SCANS / "nd-96-2016.pdf", SCANS / "nd-96-2016.txt"
PAGES = 50
MEDIAN_CER = 0.02
# Of each page's words, in any order. Page 1 has a stamp and notes in its margin; the last ten are forms with
# dotted lines and tables, which the text made from the word-processor file orders otherwise.
FLOOR, FLOOR_OF_PAGE_1, FLOOR_OF_FORMS = 0.94, 0.88, 0.40
FIRST_FORM = 41

pytestmark = pytest.mark.skipif(not DECREE.exists(), reason=f"the real decree is not in {SCANS}")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str, Path]:
    """The decree taken in, read, signed, accepted and exported: its home, record and unpacked package."""
    top = tmp_path_factory.mktemp("decree")
    (top / "scans").mkdir()
    shutil.copy(DECREE, top / "scans")
    row = {"file": DECREE.name, "sheets": str(PAGES), "retention_class": "Vĩnh viễn", "closed_on": "2016-12-31"}
    write_manifest(top / "scans", [row])
    home = TestHome(top / "var")
    home.run("init")
    batch = home.ask("intake", str(top / "scans"))["batch"]
    assert home.run("work", "--until-idle").code == 0
    assert home.ask("batch", "accept", batch, "--word", "Bản đăng của Cổng thông tin")["closed"]
    record = home.ask("record", "list")["records"][0]["record"]
    home.ask("record", "export", record, "-o", str(top / "package.zip"))
    subprocess.run(["unzip", "-q", "package.zip", "-d", "package"], cwd=top, check=True)
    return home, record, top


@pytest.fixture(scope="module")
def pages(kept: tuple[TestHome, str, Path]) -> list[dict[str, Any]]:
    return list(kept[0].ask("record", "text", kept[1])["pages"])


def test_every_page_has_text_the_one_with_the_portals_banner_too(pages: list[dict[str, Any]]) -> None:
    assert [page["state"] for page in pages] == ["read"] * PAGES
    assert min(len(page["text"].split()) for page in pages) > 20
    assert "NGHỊ ĐỊNH" in pages[0]["text"]


def test_it_is_read_within_the_error_rates_promised(pages: list[dict[str, Any]]) -> None:
    whole = TRUTH.read_text(encoding="utf-8")
    scores = [score_within(page["text"], whole) for page in pages]
    assert statistics.median(score.cer for score in scores) <= MEDIAN_CER
    assert {n: s.recall for n, s in enumerate(scores, start=1) if s.recall < _floor(n)} == {}


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
