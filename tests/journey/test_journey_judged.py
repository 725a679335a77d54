"""From generated scans to accepted packages with the real engine, before judges that know nothing of our code."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from home_of_tests import TestHome
from judges.commons_ip import commons_ip
from judges.pdfsig import pdfsig
from judges.verapdf import verapdf
from score import word_recall

RECORDS = 8
RECALL = 0.85  # of a page's words, in any order
TABLE_RECALL = 0.60  # narrow columns between rules lose words: the weakest page measured has 0.63


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, list[dict[str, Any]], Path]:
    """A home with a batch of sample records accepted; the truth about each file; all packages unpacked."""
    top = tmp_path_factory.mktemp("judged")
    home = TestHome(top / "var")
    home.run("init")
    home.ask("samples", "make", str(top / "scans"), "--records", str(RECORDS), "--seed", "5")
    batch = home.ask("intake", str(top / "scans"), "--operator", "Nguyễn Thị Mẫu")["batch"]
    assert home.run("work", "--workers", "2", "--until-idle").code == 0
    assert home.ask("batch", "accept", batch, "--word", "Đã đối chiếu")["closed"]
    truths = [json.loads(line) for line in (top / "scans" / "truth.jsonl").read_text().splitlines()]
    by_file = {truth["file"]: truth for truth in truths}
    items = home.ask("batch", "receipt", batch)["items"]
    for item in items:
        item["truth"] = by_file[item["file"]]
        folder = top / "packages" / item["record"]
        folder.mkdir(parents=True)
        home.ask("record", "export", item["record"], "-o", str(folder / "package.zip"))
        subprocess.run(["unzip", "-q", "package.zip"], cwd=folder, check=True)
    return home, items, top / "packages"


def test_every_sample_is_accepted_and_counted(accepted: tuple[TestHome, list[dict[str, Any]], Path]) -> None:
    home, items, _ = accepted
    assert [(i["state"], i["record_state"]) for i in items] == [("archived", "accepted")] * RECORDS
    assert [i["captures"] for i in items] == [len(i["truth"]["pages"]) for i in items]
    assert home.faults() == set()


def test_each_page_is_read_or_blank_as_it_is_in_truth(
    accepted: tuple[TestHome, list[dict[str, Any]], Path],
) -> None:
    home, items, _ = accepted
    for item in items:
        pages = home.ask("record", "text", item["record"])["pages"]
        states = [page["state"] for page in pages]
        assert states == ["blank" if page["blank"] else "read" for page in item["truth"]["pages"]]
        for page, true in zip(pages, item["truth"]["pages"], strict=True):
            floor = TABLE_RECALL if "PHỤ LỤC" in true["text"] else RECALL
            assert word_recall(page["text"], true["text"]) >= floor, (item["file"], page["page"])


def test_verapdf_finds_every_archived_file_and_its_first_revision_valid(
    accepted: tuple[TestHome, list[dict[str, Any]], Path], tmp_path: Path
) -> None:
    archived = sorted(accepted[2].rglob("part-001.pdf"))
    assert len(archived) == RECORDS
    renditions = []
    for number, path in enumerate(archived):
        (catalogue,) = path.parents[4].rglob("catalogue.json")
        length = json.loads(catalogue.read_text())["parts"][0]["rendition_length"]
        renditions.append(tmp_path / f"{number}.pdf")
        renditions[-1].write_bytes(path.read_bytes()[:length])
    assert {path: rules for path, rules in verapdf([*archived, *renditions]).items() if rules} == {}


def test_pdfsig_finds_both_signatures_valid_and_the_last_covering_all(
    accepted: tuple[TestHome, list[dict[str, Any]], Path],
) -> None:
    root = accepted[0].folder / "keys" / "root.der"
    for path in accepted[2].rglob("part-001.pdf"):
        verdicts = pdfsig(path, root)
        assert [verdict.good for verdict in verdicts] == [True, True]
        assert verdicts[-1].covers


def test_commons_ip_finds_no_error_in_a_package(accepted: tuple[TestHome, list[dict[str, Any]], Path]) -> None:
    one = sorted(accepted[2].rglob("package.zip"))[0]
    assert commons_ip(one) == {"2.0.4": [], "2.1.0": [], "2.2.0": []}
