"""A home with five records in which every kind of act happened once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import scans
from home_of_tests import TestHome, write_manifest

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def make_full_home(top: Path, settings: Mapping[str, str] | None = None) -> TestHome:
    """Make a home in which every kind of act happened, by the commands people use; its log is in the vault."""
    rows = []
    for number in range(5):
        name = f"{number}.pdf"
        path = scans.save(scans.page(mark=name, size=(420, 594)), top / "scans" / name)
        scans.remember(path, top / "recordings", [scans.LINES])
        rows.append(
            {
                "file": name,
                "sheets": "1",
                "dossier_code": f"HS-{number // 2}",
                "holder_type": "cá nhân",
                "holder_id": f"00109901234{number}",
                "holder_name": f"Nguyễn Thị {number}",
                "source_form": "giấy",
                "source_status": "bản chính",
                "retention_class": "05",
                "closed_on": "2026-06-30",
            }
        )
    write_manifest(top / "scans", rows)
    home = TestHome(top / "var", top / "recordings", settings or {})
    home.ask("init")
    batch = home.ask("intake", str(top / "scans"))["batch"]
    home.ask("work", "--until-idle")
    home.ask("batch", "accept", batch, "--word", "đã đối chiếu")
    first, second, third, fourth, _ = (one["record"] for one in home.ask("record", "list")["records"])
    home.ask("hold", "place", first, "--basis", "QĐ 1")
    home.ask("hold", "place", second, "--basis", "QĐ 2")
    home.ask("hold", "lift", second, "--basis", "QĐ 3")
    home.ask("record", "effect", third, "suspended", "--on", "2026-11-01", "--basis", "QĐ 4")
    for words in ("Đọc lại lần một", "Đọc lại lần hai"):
        for path in (top / "scans").glob("*.pdf"):
            scans.remember(path, top / "recordings", [(words,)])
        again = home.ask("record", "reread", third)["number"]
    home.ask("record", "text-use", third, str(again - 1))
    copies = [_issue(home, one, top) for one in (second, fourth)]
    home.ask("copy", "revoke", copies[1], "--reason", "cấp nhầm")
    refused = home.run("copy", "issue", third, "--for", "Bà A", "--purpose", "x", "--json")
    assert refused.document["error"] == "copy-refused", refused.told
    home.ask("principal", "add", "van-thu", "--kind", "officer", "--name", "Văn thư")
    home.ask("log", "export", str(top / "log"))
    return home


def _issue(home: TestHome, record: str, top: Path) -> str:
    serial: str = home.ask("copy", "issue", record, "--for", "Bà A", "--purpose", "hồ sơ", "-o", str(top))[
        "serial"
    ]
    return serial
