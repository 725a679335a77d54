"""Packages as written: whole, the same every time, readable by strangers, never of bytes that are not theirs."""

import json
import os
import random
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import packages
import pytest
import rfc8785
from lxml import etree
from packages import Given

from archive import record
from archive.digest import sha256_of_bytes, sha256_of_file
from archive.errors import DigestMismatch, PackageInvalid, PackageTooLarge
from archive.package import layout
from archive.package.ead import DOCUMENT_FIELDS, FILE_FIELDS
from archive.package.json import content_to_json
from archive.package.markup import EAD_NS, METS_NS, PREMIS_NS
from archive.package.read import open_package
from archive.package.write import write_content, write_supplement
from archive.package.zip_writing import PACKAGE_MAX
from archive.record import Member, SupplementAbout
from archive.sealing import Seal


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    return packages.record_package(Seal.create(folder / "keys" / "sealing.json"), folder)


@pytest.fixture(scope="module")
def written(given: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "package.zip"
    write_content(given.content, given.members, out)
    return out


def _read(path: Path, name: str) -> bytes:
    with path.open("rb") as stream, open_package(stream) as package:
        return package.read(name)


def _xml(path: Path, name: str) -> etree._Element:
    return etree.fromstring(_read(path, name))


def test_a_written_package_reads_back_whole(given: Given, written: Path) -> None:
    with written.open("rb") as stream, open_package(stream) as package:
        package.verify()
        assert package.objid == packages.OBJID
        assert package.content() == given.content
        for member in given.members:
            body = member.body if isinstance(member.body, bytes) else member.body.read_bytes()
            assert package.read(member.name) == body
            with package.open(member.name) as opened:
                assert opened.read() == body


def test_what_write_says_of_the_zip_is_true(given: Given, tmp_path: Path) -> None:
    told = write_content(given.content, given.members, tmp_path / "p.zip")
    body = (tmp_path / "p.zip").read_bytes()
    assert (told.sha256, told.length) == (sha256_of_bytes(body), len(body))


def test_a_stranger_finds_plain_files_in_one_folder(written: Path) -> None:
    with zipfile.ZipFile(written) as archive:
        entries = archive.infolist()
        assert archive.testzip() is None
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.filename.partition("/")[0] for entry in entries} == {packages.OBJID}
    assert entries[0].filename == f"{packages.OBJID}/METS.xml"
    assert not [entry for entry in entries if entry.is_dir()]


def test_the_catalogue_is_canonical_json_of_the_frozen_content(given: Given, written: Path) -> None:
    assert _read(written, layout.CATALOGUE) == rfc8785.dumps(content_to_json(given.content))


WRITE_AGAIN = """
import json, os, sys
from pathlib import Path
from archive.package.json import content_from_json
from archive.package.write import write_content
from archive.record import Member
os.umask(0o077)
asked = json.loads(Path(sys.argv[1]).read_text())
members = [Member(n, t, Path(b) if k == "file" else b.encode()) for n, t, k, b in asked["members"]]
print(write_content(content_from_json(asked["content"]), members, Path(sys.argv[2])).sha256)
"""


def test_equal_content_gives_equal_bytes_in_another_process_place_and_order(
    given: Given, written: Path, tmp_path: Path
) -> None:
    members = [
        [m.name, m.media_type, "text", m.body.decode()]
        if isinstance(m.body, bytes)
        else [m.name, m.media_type, "file", str(m.body)]
        for m in given.members
    ]
    random.Random(7).shuffle(members)
    asked = {"content": content_to_json(given.content), "members": members}
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    elsewhere = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "America/Caracas", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-c", WRITE_AGAIN, str(tmp_path / "asked.json"), str(tmp_path / "again.zip")],
        env=elsewhere,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "again.zip").read_bytes() == written.read_bytes()


def _without(name: str) -> Callable[[list[Member]], list[Member]]:
    return lambda members: [m for m in members if m.name != name]


@pytest.mark.parametrize(
    "changed",
    [
        _without(layout.archived_member(1)),
        _without(layout.alto_member(2)),
        lambda members: [*members, Member(layout.alto_member(3), "application/xml", b"<alto/>")],
        lambda members: [*members, members[0]],
        lambda members: [*members, Member("metadata/other/more.json", "application/json", b"{}")],
    ],
    ids=["no archived file", "no text of a read page", "text of a failed page", "twice", "surplus"],
)
def test_members_other_than_the_content_names_are_refused_before_writing(
    given: Given, tmp_path: Path, changed: Callable[[list[Member]], list[Member]]
) -> None:
    with pytest.raises(PackageInvalid, match="missing"):
        write_content(given.content, changed(list(given.members)), tmp_path / "p.zip")
    assert not (tmp_path / "p.zip").exists()


def test_bytes_with_another_digest_than_the_content_names_are_refused(given: Given, tmp_path: Path) -> None:
    content = packages.with_part(given, archived_sha256="0" * 64)
    with pytest.raises(DigestMismatch) as refused:
        write_content(content, given.members, tmp_path / "p.zip")
    assert refused.value.found == sha256_of_bytes(packages.ARCHIVED)
    assert not (tmp_path / "p.zip").exists()


@pytest.mark.parametrize(
    "changes", [{"archived_length": 5}, {"rendition_length": 10_000}, {"rendition_length": 0}], ids=str
)
def test_lengths_that_cannot_be_are_refused(given: Given, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(PackageInvalid, match="bytes"):
        write_content(packages.with_part(given, **changes), given.members, tmp_path / "p.zip")


def test_a_received_file_is_named_by_its_digest_and_nothing_else(given: Given, tmp_path: Path) -> None:
    content = packages.with_received(given, member="representations/rep2/data/received/scan.pdf")
    with pytest.raises(PackageInvalid, match="where"):
        write_content(content, given.members, tmp_path / "p.zip")
    with pytest.raises(PackageInvalid):
        layout.received_member("../" + "0" * 61, "application/pdf")
    with pytest.raises(PackageInvalid):
        layout.received_member("0" * 64, "text/html")


@pytest.mark.parametrize("objid", ["uuid-1", "..", packages.OBJID.lower(), f"{packages.OBJID}/x"])
def test_an_objid_that_cannot_be_a_folder_is_refused(given: Given, tmp_path: Path, objid: str) -> None:
    with pytest.raises(PackageInvalid, match="OBJID"):
        write_content(replace(given.content, objid=objid), given.members, tmp_path / "p.zip")


def test_a_package_past_five_gibibytes_is_refused_before_it_is_read(given: Given, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as stream:
        stream.truncate(PACKAGE_MAX)  # sparse: takes no room
    members = [replace(given.members[0], body=large), *given.members[1:]]
    with pytest.raises(PackageTooLarge):
        write_content(given.content, members, tmp_path / "p.zip")


class _Changing(type(Path())):  # type: ignore[misc]  # the host's own kind of path
    """A file that another hand changes between the first and the second reading."""

    opened = 0

    def open(self, *arguments: Any, **named: Any) -> Any:
        type(self).opened += 1
        if type(self).opened == 2:
            Path(self).write_bytes(packages.ARCHIVED[::-1])
        return super().open(*arguments, **named)


def test_a_file_that_changes_while_the_package_is_written_leaves_no_package(given: Given, tmp_path: Path) -> None:
    path = _Changing(tmp_path / "archived.pdf")
    Path(path).write_bytes(packages.ARCHIVED)
    members = [replace(given.members[0], body=path), *given.members[1:]]
    with pytest.raises(DigestMismatch):
        write_content(given.content, members, tmp_path / "p.zip")
    assert _Changing.opened == 2
    assert not (tmp_path / "p.zip").exists()


def test_personal_values_are_readable_nowhere_but_by_key(given: Given, written: Path) -> None:
    with zipfile.ZipFile(written) as archive:
        bodies = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, body in bodies.items() if packages.IDENTIFIER.encode() in body]
    for personal in (packages.HOLDER, packages.OPERATOR, "Phạm Ký Tên"):
        found = [name for name, body in bodies.items() if personal.encode() in body]
        assert {name.rpartition("/")[2] for name in found} <= {"catalogue.json"}
    assert "party-1" not in "".join(b.decode() for n, b in bodies.items() if n.endswith("REMIS.xml"))


def _ead_fields(root: etree._Element) -> dict[str, tuple[str, str | None]]:
    return {
        str(odd.get("localtype")): (odd.findtext(f"{{{EAD_NS}}}p") or "", odd.get("altrender"))
        for odd in root.iter(f"{{{EAD_NS}}}odd")
    }


def test_the_file_has_its_eighteen_fields_and_the_document_its_nineteen(written: Path) -> None:
    file = _ead_fields(_xml(written, layout.EAD))
    document = _ead_fields(_xml(written, layout.document_ead()))
    assert (len(file), len(document)) == (18, 19)
    assert (list(file), list(document)) == (list(FILE_FIELDS), list(DOCUMENT_FIELDS))
    assert file["arcFileCode"] == ("TN01.2019.000.00.19", None)
    assert file["title"] == ("Cấp phép <khai thác> nước", None)
    assert file["paperFileCode"] == ("TN01.2.14.7.000.00.19", None)
    assert file["maintenance"] == ("05", None)
    assert file["totalDoc"] == ("", None)
    assert document["docOrdinal"] == ("0000017", None)
    assert document["issuedDate"] == ("2019-05", None)
    assert document["confidenceLevel"] == ("02", None)
    assert document["numberOfPage"] == ("3", None)


def test_a_field_too_long_for_the_rules_is_cut_openly_and_kept_whole(given: Given, written: Path) -> None:
    value, mark = _ead_fields(_xml(written, layout.document_ead()))["subject"]
    whole = given.content.description.subject
    assert whole is not None
    assert (len(value), mark) == (500, "cut")
    assert whole.startswith(value)
    with written.open("rb") as stream, open_package(stream) as package:
        assert package.content().description.subject == whole


def test_characters_xml_cannot_hold_are_whole_in_the_catalogue(given: Given, tmp_path: Path) -> None:
    subject = "a\x00b\x0bc\ufffe"
    content = replace(given.content, description=replace(given.content.description, subject=subject))
    write_content(content, given.members, tmp_path / "p.zip")
    assert _ead_fields(_xml(tmp_path / "p.zip", layout.document_ead()))["subject"][0] == "a\ufffdb\ufffdc\ufffd"
    with (tmp_path / "p.zip").open("rb") as stream, open_package(stream) as package:
        assert package.content().description.subject == subject


def test_half_a_character_has_no_package(given: Given, tmp_path: Path) -> None:
    content = replace(given.content, description=replace(given.content.description, note="\ud800"))
    with pytest.raises(PackageInvalid):
        write_content(content, given.members, tmp_path / "p.zip")


def _premis_files(root: etree._Element) -> dict[str, etree._Element]:
    return {
        str(one.findtext(f".//{{{PREMIS_NS}}}objectIdentifierValue")): one
        for one in root.iter(f"{{{PREMIS_NS}}}object")
    }


def _texts(element: etree._Element, name: str) -> list[str | None]:
    return [one.text for one in element.iter(f"{{{PREMIS_NS}}}{name}")]


def test_premis_tells_of_every_data_file_what_it_is_and_comes_from(given: Given, written: Path) -> None:
    made = _premis_files(_xml(written, layout.representation_premis("rep1")))
    came = _premis_files(_xml(written, layout.representation_premis("rep2")))
    assert made.keys() | came.keys() == {member.name for member in given.members}
    archived = made[layout.archived_member(1)]
    (received,) = came.values()
    assert _texts(archived, "messageDigest") == [sha256_of_bytes(packages.ARCHIVED)]
    assert _texts(archived, "size") == [str(len(packages.ARCHIVED))]
    assert _texts(archived, "formatRegistryKey") == ["fmt/477"]
    assert sha256_of_bytes(packages.RENDITION) in _texts(archived, "significantPropertiesValue")
    assert str(len(packages.RENDITION)) in _texts(archived, "significantPropertiesValue")
    assert _texts(archived, "relatedObjectIdentifierValue") == list(came)
    assert _texts(archived, "signer") == ["digitizer:person-1"]
    assert _texts(received, "messageDigest") == [sha256_of_bytes(packages.RECEIVED)]
    assert _texts(received, "signatureValue") == ["embedded in the file, field Signature1"]
    assert _texts(made[layout.alto_member(2)], "relatedObjectIdentifierValue") == list(came)


def test_premis_tells_events_agents_and_terms(given: Given, written: Path) -> None:
    root = _xml(written, layout.PREMIS)
    assert _texts(root, "eventType") == ["transfer", "normalization"]
    assert _texts(root, "eventDateTime") == ["2026-11-24T10:04:05+07:00"] * 2
    assert _texts(root, "linkingAgentRole") == ["implementer", "executing program"]
    assert _texts(root, "agentName") == [packages.UNIT.name, "sohoa"]
    assert _texts(root, "statuteCitation") == [given.content.retention.citation]
    assert _texts(root, "endDate") == ["2039-12-31"]
    assert _texts(root, "act") == ["delete", "disseminate"]


def test_mets_lists_every_member_once_in_vietnamese_time(written: Path) -> None:
    listed: list[str] = []
    for mets, folder in (
        (layout.METS, ""),
        *((layout.representation_mets(r), f"representations/{r}/") for r in layout.REPRESENTATIONS),
    ):
        root = _xml(written, mets)
        created = {str(one.get("CREATED")) for one in root.iter() if one.get("CREATED")}
        assert created == {"2026-11-24T10:04:05+07:00"}
        for tag in ("mdRef", "FLocat"):
            listed += [
                folder + str(one.get("{http://www.w3.org/1999/xlink}href"))
                for one in root.iter(f"{{{METS_NS}}}{tag}")
            ]
    with written.open("rb") as stream, open_package(stream) as package:
        assert sorted([layout.METS, *listed]) == sorted(package.members)


def test_revision_one_is_the_first_bytes_of_the_archived_file(given: Given, written: Path) -> None:
    (part,) = given.content.parts
    with written.open("rb") as stream, open_package(stream) as package, package.open(part.member) as archived:
        assert sha256_of_bytes(archived.read(part.rendition_length)) == part.rendition_sha256


def test_two_members_can_be_read_side_by_side(written: Path) -> None:
    with written.open("rb") as stream, open_package(stream) as package:
        one, two = package.open(layout.alto_member(1)), package.open(layout.alto_member(2))
        pieces = [(one.read(7), two.read(7)) for _ in range(30)]
        assert b"".join(p[0] for p in pieces) == packages.ALTO.format(1).encode()
        assert b"".join(p[1] for p in pieces) == packages.ALTO.format(2).encode()
        assert one.seek(-8, 2) + 8 == len(packages.ALTO.format(1))
        assert one.read() == b"</alto>\n"


def test_a_member_that_is_not_there_is_said_so(written: Path) -> None:
    with written.open("rb") as stream, open_package(stream) as package, pytest.raises(PackageInvalid):
        package.read("metadata/other/else.json")


@pytest.mark.parametrize("about", list(packages.BODIES))
def test_a_supplement_reads_back_and_names_its_parent(tmp_path: Path, about: SupplementAbout) -> None:
    supplement = packages.supplement(about)
    told = write_supplement(supplement, tmp_path / "s.zip", packages.texts(about))
    body = (tmp_path / "s.zip").read_bytes()
    assert (told.sha256, told.length) == (sha256_of_bytes(body), len(body))
    with open_package(BytesIO(body)) as package:
        package.verify()
        assert package.objid == supplement.objid
        assert package.supplement() == supplement
        assert supplement.parent_sha256.encode() in package.read(layout.PREMIS)
        assert b'RECORDSTATUS="SUPPLEMENT"' in package.read(layout.METS)


def test_a_supplement_is_no_content_package_and_the_other_way_round(written: Path, tmp_path: Path) -> None:
    write_supplement(packages.supplement("effect"), tmp_path / "s.zip")
    with (tmp_path / "s.zip").open("rb") as stream, open_package(stream) as package, pytest.raises(PackageInvalid):
        package.content()
    with written.open("rb") as stream, open_package(stream) as package, pytest.raises(PackageInvalid):
        package.supplement()


def test_every_field_of_a_catalogue_and_every_member_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/storage.md").read_text(encoding="utf-8")
    said = set(re.findall(r"`([a-z0-9_]+)(?:\[\])?`", page))
    nouns = [one for one in vars(record).values() if is_dataclass(one) and one is not Member]
    assert {field.name for noun in nouns for field in fields(noun)} - said == set()
    for name in (layout.METS, layout.EAD, layout.PREMIS, layout.CATALOGUE, layout.README, layout.document_ead()):
        assert f"<OBJID>/{name}" in page
    for name in (layout.archived_member(1), layout.alto_member(1), layout.representation_premis("rep2")):
        assert f"<OBJID>/{name}" in page
    assert set(re.findall(r"\b[a-z][A-Za-z]+\b", page)) >= {*FILE_FIELDS, *DOCUMENT_FIELDS}


def test_memory_does_not_grow_with_a_member(given: Given, tmp_path: Path) -> None:
    large = tmp_path / "received.pdf"
    with large.open("wb") as stream:
        stream.truncate(64 << 20)
    sha256, length = sha256_of_file(large)
    name = layout.received_member(sha256, "application/pdf")
    content = packages.with_received(given, sha256=sha256, length=length, member=name)
    content = replace(content, pages=tuple(replace(page, file_sha256=sha256) for page in content.pages))
    members = [Member(name, "application/pdf", large), *(m for m in given.members if "received" not in m.name)]
    tracemalloc.start()
    write_content(content, members, tmp_path / "p.zip")
    with (tmp_path / "p.zip").open("rb") as stream, open_package(stream) as package:
        package.verify()
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
