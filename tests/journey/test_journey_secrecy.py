"""Marks of secrecy, declared or stamped: nothing of such an item reaches the archive store."""

from typing import Any

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import func, select

from archive.database import reading
from ingest.tables import page_result

A4 = (1240, 1754)
BODY = (
    "ỦY BAN NHÂN DÂN TỈNH",
    "Số: 15/QĐ-UBND",
    "QUYẾT ĐỊNH",
    "Về việc phê duyệt phương án bảo vệ công trình",
    "Điều 1. Phê duyệt phương án kèm theo quyết định này.",
    "Điều 2. Giữ bí mật nội dung theo quy định của pháp luật.",
)
STOPPED = {
    "khai-mat.jpg": "declared-toi-mat",
    "dau-mat-do.jpg": "read-mat",
    "dau-tuyet-mat-nghieng.pdf": "read-tuyet-mat",
    "dau-mat-den.tif": "read-mat",
    "khong-sao.png": "read-khong-duoc-sao",
    "trung-voi-khai-mat.jpg": "twin-stopped",
}


def _page(mark: str) -> Any:
    return scans.page(BODY, mark=mark, size=A4)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, dict[str, Any]]:
    top = tmp_path_factory.mktemp("secrecy")
    folder = top / "scans"
    scans.save(_page("thường"), folder / "thuong.jpg")
    scans.save(_page("khai"), folder / "khai-mat.jpg")
    (folder / "trung-voi-khai-mat.jpg").write_bytes((folder / "khai-mat.jpg").read_bytes())
    scans.save(scans.red_stamp(_page("1"), "MẬT", (900, 60)), folder / "dau-mat-do.jpg")
    stamped = scans.red_stamp(_page("2"), "TUYỆT MẬT", (820, 20), tilt=-8)
    scans.save_all([_page("trước"), stamped], folder / "dau-tuyet-mat-nghieng.pdf")
    scans.save(scans.red_stamp(_page("3"), "MẬT", (900, 60), tilt=0).convert("L"), folder / "dau-mat-den.tif")
    scans.save(scans.red_stamp(_page("4"), "KHÔNG ĐƯỢC SAO CHỤP", (600, 1400)), folder / "khong-sao.png")
    rows = [{"file": path.name, "sheets": "1"} for path in sorted(folder.iterdir())]
    for row in rows:
        row["sheets"] = "2" if row["file"].endswith(".pdf") else "1"
        row["access_mode"] = "Tối mật" if row["file"] == "khai-mat.jpg" else ""
    write_manifest(folder, rows)
    home = TestHome(top / "var")
    home.run("init")
    batch = home.ask("intake", str(folder))["batch"]
    assert home.run("work", "--workers", "2", "--until-idle").code == 0
    return home, home.ask("batch", "receipt", batch)


@pytest.mark.parametrize(("name", "reason"), STOPPED.items())
def test_a_marked_item_is_stopped_for_its_mark(
    worked: tuple[TestHome, dict[str, Any]], name: str, reason: str
) -> None:
    (item,) = [i for i in worked[1]["items"] if i["file"] == name]
    assert (item["state"], item["reason"], item["record"]) == ("stopped", reason, None)


def test_only_the_unmarked_item_is_in_the_archive_store(worked: tuple[TestHome, dict[str, Any]]) -> None:
    home, receipt = worked
    (kept,) = [i for i in receipt["items"] if i["state"] == "archived"]
    assert kept["file"] == "thuong.jpg"
    (stored,) = home.store().list_versions("packages/")
    assert kept["record"] in stored.key


def test_captures_of_a_stopped_item_wait_for_a_person(worked: tuple[TestHome, dict[str, Any]]) -> None:
    home, receipt = worked
    assert receipt["waiting"] == 7
    assert receipt["balanced"]
    answer = home.ask("batch", "accept", receipt["batch"], "--word", "Đã xem")
    assert not answer["closed"]


def test_what_was_read_stays_in_no_table(worked: tuple[TestHome, dict[str, Any]]) -> None:
    engine = worked[0].engine()
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(page_result)).scalar_one() == 0
    engine.dispose()
    assert worked[0].faults() == set()


def test_a_stopped_items_staged_copy_is_kept_for_the_person(worked: tuple[TestHome, dict[str, Any]]) -> None:
    assert len(list(worked[0].staging().list_versions())) == len(STOPPED)
