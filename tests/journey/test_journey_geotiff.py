"""A map that is placed on the ground keeps its place: what came in is kept byte for byte, tags and all."""

import subprocess
from pathlib import Path

import large_sheets
import scans
from home_of_tests import TestHome, write_manifest

SIZE = (900, 640)


def test_a_geotiff_is_in_its_package_byte_for_byte_with_its_tags(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    received = large_sheets.geotiff_of(large_sheets.drawn(SIZE), folder / "ban-do.tif")
    scans.remember(received, tmp_path / "recordings", [(large_sheets.TITLE,)])
    write_manifest(folder, [{"file": received.name, "sheets": "1"}])
    home = TestHome(tmp_path / "var", tmp_path / "recordings")
    home.run("init")
    home.ask("intake", str(folder))
    assert home.run("work", "--until-idle").code == 0
    (record,) = home.ask("record", "list")["records"]
    home.ask("record", "export", record["record"], "-o", str(tmp_path / "package.zip"))
    subprocess.run(["unzip", "-q", "package.zip", "-d", "package"], cwd=tmp_path, check=True)
    (kept,) = (tmp_path / "package").rglob("representations/rep2/data/received/*.tif")
    assert kept.read_bytes() == received.read_bytes()
    assert large_sheets.geo_tags(kept) == {
        large_sheets.MODEL_PIXEL_SCALE: large_sheets.SCALE,
        large_sheets.MODEL_TIEPOINT: large_sheets.TIEPOINT,
        large_sheets.GEO_KEYS: large_sheets.KEYS,
    }
