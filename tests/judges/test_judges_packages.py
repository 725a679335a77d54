"""The E-ARK validator has nothing to object to in what the archive writes, and would say so if it had."""

import zipfile
from pathlib import Path

import packages
import pytest
from judges.commons_ip import VERSIONS, commons_ip_all

from archive.package.write import write_content, write_supplement
from archive.sealing import Seal


def _spoiled(path: Path, out: Path) -> Path:
    """Copy a package with another digest of its EAD in the METS."""
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(out, "w") as spoiled:
        for name in whole.namelist():
            body = whole.read(name)
            if name.endswith("EAD.xml"):
                body = body.replace(b"sohoa", b"SOHOA")
            spoiled.writestr(name, body)
    return out


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A content package, a supplement of each kind, and a package one of whose files was changed."""
    folder = tmp_path_factory.mktemp("packages")
    given = packages.record_package(Seal.create(folder / "keys" / "sealing.json"), folder)
    told = write_content(given.content, given.members, folder / "content.zip")
    for about in packages.BODIES:
        write_supplement(packages.supplement(about, told.sha256), folder / f"{about}.zip")
    paths = {path.stem: path for path in sorted(folder.glob("*.zip"))}
    return {**paths, "spoiled": _spoiled(paths["content"], folder / "spoiled.zip")}


@pytest.fixture(scope="module")
def judged(written: dict[str, Path]) -> dict[str, dict[str, list[str]]]:
    found = commons_ip_all(list(written.values()))
    return {name: found[path] for name, path in written.items()}


@pytest.mark.parametrize("name", ["content", *packages.BODIES])
def test_a_package_keeps_every_rule_of_every_version(judged: dict[str, dict[str, list[str]]], name: str) -> None:
    assert judged[name] == {version: [] for version in VERSIONS}


def test_the_judge_objects_to_a_package_with_a_changed_file(judged: dict[str, dict[str, list[str]]]) -> None:
    assert all(judged["spoiled"][version] for version in VERSIONS), judged["spoiled"]
