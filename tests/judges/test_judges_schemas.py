"""The METS files keep the XML schemas the E-ARK validator ships."""

import zipfile
from io import BytesIO
from pathlib import Path

import packages
import pytest
from lxml import etree

from archive.package.write import write_content, write_supplement
from archive.sealing import Seal
from judges.programs import VERAPDF

SHIPPED = "schemas2/"
TIED = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:import namespace="http://www.loc.gov/METS/" schemaLocation="{SHIPPED}mets1_12.xsd"/>
  <xs:import namespace="https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
             schemaLocation="{SHIPPED}DILCISExtensionMETS.xsd"/>
</xs:schema>"""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    folder = tmp_path_factory.mktemp("schemas")
    with zipfile.ZipFile(VERAPDF.with_name("commons-ip2-2.10.0.jar")) as jar:
        for name in jar.namelist():
            if name.startswith(SHIPPED) and name.endswith(".xsd"):
                jar.extract(name, folder)
    (folder / "tied.xsd").write_text(TIED)
    return etree.XMLSchema(etree.parse(str(folder / "tied.xsd")))


def _mets(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith("/METS.xml")]


def test_every_mets_keeps_its_schema(schema: etree.XMLSchema, tmp_path: Path) -> None:
    given = packages.record_package(Seal.create(tmp_path / "keys" / "sealing.json"), tmp_path)
    write_content(given.content, given.members, tmp_path / "content.zip")
    write_supplement(packages.supplement("effect"), tmp_path / "effect.zip")
    write_supplement(packages.supplement("text"), tmp_path / "text.zip", packages.texts("text"))
    found = [one for name in ("content", "effect", "text") for one in _mets(tmp_path / f"{name}.zip")]
    assert len(found) == 6
    for body in found:
        schema.assertValid(etree.parse(BytesIO(body)))


def test_the_schema_would_object(schema: etree.XMLSchema, tmp_path: Path) -> None:
    write_supplement(packages.supplement("description"), tmp_path / "description.zip")
    (body,) = _mets(tmp_path / "description.zip")
    assert not schema.validate(etree.parse(BytesIO(body.replace(b"SHA-256", b"SHA256"))))
