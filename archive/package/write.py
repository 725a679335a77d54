"""Writes a package: one zip, members stored, byte for byte the same whenever and wherever it is written again.

1. The members given are compared with what the content says it has; nothing is written if they differ.
2. Each is read once for its SHA-256 and length, and what the content says of it must hold.
3. Catalogue, EAD, PREMIS, representations' METS and the package's METS are made from that.
4. The zip is written, the METS first; what is copied is measured again, for a file may change in between.

Members are copied in pieces, so memory does not grow with them. The zip is scratch: it is not synced, and a
failed writing leaves none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from archive.digest import sha256_of_bytes, sha256_of_file
from archive.errors import DigestMismatch, PackageInvalid
from archive.package import ead, layout, mets, premis
from archive.package.json import canonical_json, content_to_json, supplement_to_json
from archive.package.mets import Head, Listed
from archive.package.page_texts import texts_said
from archive.package.readme import README_TEXT
from archive.package.zip_writing import Written, check_size, write_zip
from archive.record import Agent, ContentPackage, Member, SupplementPackage

XML = "application/xml"


def write_content(content: ContentPackage, members: Sequence[Member], out: Path) -> Written:
    """Write a content package with its data files to out.

    Raises PackageInvalid if members are missing or surplus or content contradicts itself, DigestMismatch if
    a member's bytes are not those content names, PackageTooLarge past 5 GiB.
    """
    _check_names(content, members)
    check_size([len(m.body) if isinstance(m.body, bytes) else m.body.stat().st_size for m in members])
    listed = {member.name: _measure(member) for member in members}
    _check_digests(content, listed)
    own = [(member, _measure(member)) for member in _content_metadata(content, listed)]
    data = [(member, listed[member.name]) for member in sorted(members, key=lambda member: member.name)]
    return write_zip(content.objid, [*own, *data], out)


def write_supplement(supplement: SupplementPackage, out: Path, texts: Sequence[Member] = ()) -> Written:
    """Write a supplement to out. texts: of a text supplement, the ALTO document of each page that has one.

    Raises PackageInvalid if it can't be put into words, or if texts are missing, surplus or not those its body
    names.
    """
    _check_objid(supplement.objid)
    listed = {member.name: _measure(member) for member in texts}
    if len(listed) != len(texts) or {name: one.sha256 for name, one in listed.items()} != texts_said(supplement):
        raise PackageInvalid("its texts are not those its body names")
    head = _head(supplement, "", "Other")
    metadata = [
        Member(layout.PREMIS, XML, premis.supplement_premis(supplement)),
        Member(layout.CATALOGUE, "application/json", canonical_json(supplement_to_json(supplement))),
    ]
    own: dict[str, Member] = {}
    described: list[Member] = []
    if texts:
        described = [Member(layout.representation_premis("rep1"), XML, premis.texts_premis(supplement, listed))]
        own = {"rep1": _representation_mets(supplement, "rep1", described, listed)}
    members = [*_with_package_mets(head, metadata, own), *own.values(), *described]
    data = [(member, listed[member.name]) for member in sorted(texts, key=lambda member: member.name)]
    return write_zip(supplement.objid, [*((member, _measure(member)) for member in members), *data], out)


def _check_objid(objid: str) -> None:
    if not layout.is_objid(objid):
        raise PackageInvalid(f"{objid!r} is no OBJID")


def _check_names(content: ContentPackage, members: Sequence[Member]) -> None:
    """Compare the members given with what the content names, and those with the layout."""
    _check_objid(content.objid)
    said = {
        received.member: layout.received_member(received.sha256, received.media_type)
        for received in content.received
    }
    said |= {part.member: layout.archived_member(part.number) for part in content.parts}
    said |= {p.text_member: layout.alto_member(p.number) for p in content.pages if p.text_member is not None}
    misplaced = sorted(name for name, place in said.items() if name != place)
    if misplaced:
        raise PackageInvalid(f"{misplaced[0]} is not where such a member lies")
    if not content.parts or not content.received:
        raise PackageInvalid("it has no archived file, or nothing was received")
    strange = {page.file_sha256 for page in content.pages} - {received.sha256 for received in content.received}
    if strange:
        raise PackageInvalid(f"pages come from a file that was not received: {min(strange)}")
    names = [member.name for member in members]
    missing, surplus = said.keys() - set(names), set(names) - said.keys()
    if missing or surplus or len(names) != len(said):
        raise PackageInvalid(
            f"members missing: {sorted(missing)[:5]}, surplus: {sorted(surplus)[:5]}, given: {len(names)}"
        )


def _measure(member: Member) -> Listed:
    sha256, length = (
        (sha256_of_bytes(member.body), len(member.body))
        if isinstance(member.body, bytes)
        else sha256_of_file(member.body)
    )
    return Listed(member.name, member.media_type, length, sha256)


def _check_digests(content: ContentPackage, listed: Mapping[str, Listed]) -> None:
    said = [(received.member, received.sha256, received.length) for received in content.received]
    said += [(part.member, part.archived_sha256, part.archived_length) for part in content.parts]
    for name, sha256, length in said:
        if listed[name].sha256 != sha256:
            raise DigestMismatch(name, sha256, listed[name].sha256)
        if listed[name].length != length:
            raise PackageInvalid(f"{name} has {listed[name].length} bytes, not {length}")
    for part in content.parts:
        if not 0 < part.rendition_length <= part.archived_length:
            raise PackageInvalid(f"{part.member} can't begin with a revision of {part.rendition_length} bytes")


def _head(package: ContentPackage | SupplementPackage, folder: str, kind: str) -> Head:
    program = next((a for a in package.agents if a.type == "software"), None)
    return Head(
        objid=package.objid,
        folder=folder,
        label=package.archive_number,
        kind=kind,
        status=package.status,
        created_at=package.created_at,
        # Named by the format where no program is: its version today would make other bytes tomorrow.
        program=program or Agent("sohoa", "software", "sohoa", package.format),
        custodian=package.custodian,
    )


def _content_metadata(content: ContentPackage, listed: Mapping[str, Listed]) -> list[Member]:
    """Return the package's own members, METS first."""
    archived = [
        Member(layout.document_ead(), XML, ead.document_ead(content)),
        Member(layout.representation_premis("rep1"), XML, premis.archived_premis(content, listed)),
    ]
    received = [Member(layout.representation_premis("rep2"), XML, premis.received_premis(content, listed))]
    metadata = [
        Member(layout.EAD, XML, ead.file_ead(content)),
        Member(layout.PREMIS, XML, premis.content_premis(content)),
        Member(layout.CATALOGUE, "application/json", canonical_json(content_to_json(content))),
    ]
    own = {
        "rep1": _representation_mets(content, "rep1", archived, listed),
        "rep2": _representation_mets(content, "rep2", received, listed),
    }
    root = _with_package_mets(_head(content, "", "Mixed"), metadata, own)
    return [*root, own["rep1"], *archived, own["rep2"], *received]


def _representation_mets(
    package: ContentPackage | SupplementPackage,
    name: layout.Representation,
    metadata: Sequence[Member],
    listed: Mapping[str, Listed],
) -> Member:
    folder = layout.representation_folder(name)
    below = [_below(folder, _measure(member)) for member in metadata]
    data = [_below(folder, listed[one]) for one in sorted(listed) if one.startswith(folder)]
    return Member(
        layout.representation_mets(name), XML, mets.representation_mets(_head(package, name, "Mixed"), below, data)
    )


def _below(folder: str, listed: Listed) -> Listed:
    return Listed(listed.name.removeprefix(folder), listed.media_type, listed.length, listed.sha256)


def _with_package_mets(
    head: Head, metadata: Sequence[Member], representations: Mapping[str, Member]
) -> list[Member]:
    """Return the package's METS, then the metadata and documentation it lists."""
    readme = Member(layout.README, "text/plain", README_TEXT.encode())
    body = mets.package_mets(
        head,
        [_measure(member) for member in metadata],
        [_measure(readme)],
        {name: _measure(member) for name, member in representations.items()},
    )
    return [Member(layout.METS, XML, body), *metadata, readme]
