"""A home with accepted records for the commands that find, certify and verify: made once, copied to change it."""

from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest

ROW = {
    "document_type": "Quyết định",
    "code_number": "96",
    "code_notation": "QĐ-STNMT",
    "issued_on": "12/03/2020",
    "subject": "Cấp phép khai thác nước dưới đất",
    "issuing_body": "Sở Tài nguyên và Môi trường",
    "retention_class": "20 năm",
    "closed_on": "2020-12-31",
    "dossier_code": "000.00.19.H99-200312-0007",
    "access_mode": "Công khai",
    "source_form": "giấy",
    "source_status": "bản chính",
    "holder_id": "001099012345",
    "holder_name": "Trần Thị Mẫu",
}
# The second is of unknown source, so no copy of it is ever issued, and is found for a stated purpose only.
OTHER = {**ROW, "code_number": "97", "source_status": "", "source_form": "", "access_mode": "Có điều kiện"}


@pytest.fixture(scope="session")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with two accepted records, numbers 96 and 97; its first API key is in the file `key` beside it."""
    top = tmp_path_factory.mktemp("accepted")
    folder, recordings = top / "scans", top / "recordings"
    rows = []
    for name, described in (("96.tif", ROW), ("97.tif", OTHER)):
        path = scans.save_all([scans.page(mark=name)], folder / name)
        scans.remember(path, recordings, [scans.LINES])
        rows.append({"file": name, "sheets": "1", "sides": "1", **described})
    write_manifest(folder, rows)
    home = TestHome(top / "var", recordings)
    (top / "key").write_text(home.ask("init")["api_key"])
    batch = home.ask("intake", str(folder))["batch"]
    home.ask("work", "--until-idle")
    assert home.ask("batch", "accept", batch)["accepted"] == 2
    return home


@pytest.fixture
def twin(accepted: TestHome, tmp_path: Path) -> TestHome:
    """An equal home that a test may change."""
    return accepted.copy(tmp_path / "var")
