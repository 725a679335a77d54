"""The E-ARK validator has nothing to object to in what the archive writes, and would say so if it had."""

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import packages
import pytest

from archive.package.write import write_content, write_supplement
from archive.sealing import Seal
from judges.commons_ip import VERSIONS, commons_ip


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
        write_supplement(packages.supplement(about, told.sha256), folder / f"{about}.zip", packages.texts(about))
    paths = {path.stem: path for path in sorted(folder.glob("*.zip"))}
    return {**paths, "spoiled": _spoiled(paths["content"], folder / "spoiled.zip")}


def test_a_content_package_keeps_every_rule_of_every_version(written: dict[str, Path]) -> None:
    assert commons_ip(written["content"]) == {version: [] for version in VERSIONS}


def test_a_supplement_of_each_kind_keeps_every_rule(written: dict[str, Path]) -> None:
    asked = [(written[about], version) for about in packages.BODIES for version in VERSIONS[-1:]]
    asked += [(written["acceptance"], version) for version in VERSIONS[:-1]]
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(lambda one: (one[0].stem, commons_ip(one[0], [one[1]])), asked))
    assert [(name, errors) for name, errors in found if any(errors.values())] == []
    assert len(found) == len(packages.BODIES) + len(VERSIONS) - 1


def test_the_judge_objects_to_a_package_with_a_changed_file(written: dict[str, Path]) -> None:
    assert all(commons_ip(written["spoiled"], VERSIONS[:1]).values())
