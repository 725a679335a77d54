"""METS 1.12 as E-ARK CSIP wants it: one for the package, one for each representation.

Every file of the package is listed once, in the METS of the folder it lies in, with size and SHA-256; the
package's METS lists the representations' own. Ids are drawn from the OBJID and the name, so they never change.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from archive.package.markup import CSIP_NS, METS_NS, XLINK_NS, child, element, legal, local_time, write_xml
from archive.record import Agent, RecordStatus, UnitName

PROFILE = "https://earkcsip.dilcis.eu/profile/E-ARK-CSIP.xml"
_PREFIXES = {None: METS_NS, "csip": CSIP_NS, "xlink": XLINK_NS}
_PRESERVATION = "PREMIS"


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as a METS lists it: name below that METS's folder, size in bytes, SHA-256."""

    name: str
    media_type: str
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a METS says of itself. objid names the package; folder is empty, or the representation's name."""

    objid: str
    folder: str
    label: str
    kind: str
    status: RecordStatus
    created_at: datetime
    program: Agent
    custodian: UnitName


def package_mets(
    head: Head,
    metadata: Sequence[Listed],
    documentation: Sequence[Listed],
    representations: Mapping[str, Listed],
) -> bytes:
    """Return the package's METS. representations: each one's METS by the representation's name."""
    groups = {"Documentation": list(documentation)}
    groups |= {f"Representations/{name}": [listed] for name, listed in representations.items()}
    return _mets(head, metadata, groups)


def representation_mets(head: Head, metadata: Sequence[Listed], data: Sequence[Listed]) -> bytes:
    """Return a representation's METS; names are below the representation's folder."""
    return _mets(head, metadata, {"Data": list(data)})


def _mets(head: Head, metadata: Sequence[Listed], groups: Mapping[str, Sequence[Listed]]) -> bytes:
    root = element(METS_NS, "mets", _PREFIXES)
    root.set("OBJID", head.folder or head.objid)
    root.set("LABEL", legal(head.label))
    root.set("TYPE", head.kind)
    root.set("PROFILE", PROFILE)
    root.set(f"{{{CSIP_NS}}}CONTENTINFORMATIONTYPE", "MIXED")
    _header(root, head)
    for listed in metadata:
        if _mdtype(listed.name) != _PRESERVATION:
            section = child(root, "dmdSec", None, _section(head, listed))
            _md_ref(section, head, listed)
    preservation = [listed for listed in metadata if _mdtype(listed.name) == _PRESERVATION]
    if preservation:
        administrative = child(root, "amdSec", None, {"ID": _id(head, "amdSec")})
        for listed in preservation:
            section = child(administrative, "digiprovMD", None, _section(head, listed))
            _md_ref(section, head, listed)
    _file_section(root, head, groups)
    _structure(root, head, metadata, groups)
    return write_xml(root)


def _id(head: Head, name: str) -> str:
    """Return an id that is the same for the same name in the same package; IDs of files must begin with ID."""
    seed = uuid.UUID(head.objid.removeprefix("uuid-"))
    return f"ID-{str(uuid.uuid5(seed, f'{head.folder}/{name}')).upper()}"


def _mdtype(name: str) -> str:
    if "/preservation/" in name:
        return _PRESERVATION
    return "EAD" if "/descriptive/" in name else "OTHER"


def _header(root: etree._Element, head: Head) -> None:
    header = child(root, "metsHdr", None, {"CREATEDATE": local_time(head.created_at), "RECORDSTATUS": head.status})
    header.set(f"{{{CSIP_NS}}}OAISPACKAGETYPE", "AIP")
    program = child(header, "agent", None, {"ROLE": "CREATOR", "TYPE": "OTHER", "OTHERTYPE": "SOFTWARE"})
    child(program, "name", head.program.name)
    note = child(program, "note", head.program.version or "unknown")
    note.set(f"{{{CSIP_NS}}}NOTETYPE", "SOFTWARE VERSION")
    keeper = child(header, "agent", None, {"ROLE": "ARCHIVIST", "TYPE": "ORGANIZATION"})
    child(keeper, "name", head.custodian.name)
    code = child(keeper, "note", head.custodian.id)
    code.set(f"{{{CSIP_NS}}}NOTETYPE", "IDENTIFICATIONCODE")


def _section(head: Head, listed: Listed) -> dict[str, str]:
    return {
        "ID": _id(head, f"section/{listed.name}"),
        "CREATED": local_time(head.created_at),
        "STATUS": "CURRENT",
    }


def _md_ref(section: etree._Element, head: Head, listed: Listed) -> None:
    kind = _mdtype(listed.name)
    described = {"ID": _id(head, listed.name), "LOCTYPE": "URL", "MDTYPE": kind}
    if kind == "OTHER":
        described["OTHERMDTYPE"] = "sohoa-catalogue"
    reference = child(section, "mdRef", None, described | _facts(head, listed))
    _locate(reference, listed.name)


def _facts(head: Head, listed: Listed) -> dict[str, str]:
    return {
        "MIMETYPE": listed.media_type,
        "SIZE": str(listed.length),
        "CREATED": local_time(head.created_at),
        "CHECKSUM": listed.sha256,
        "CHECKSUMTYPE": "SHA-256",
    }


def _locate(reference: etree._Element, name: str) -> None:
    reference.set(f"{{{XLINK_NS}}}type", "simple")
    reference.set(f"{{{XLINK_NS}}}href", name)


def _file_section(root: etree._Element, head: Head, groups: Mapping[str, Sequence[Listed]]) -> None:
    section = child(root, "fileSec", None, {"ID": _id(head, "fileSec")})
    for use, files in groups.items():
        group = child(section, "fileGrp", None, {"ID": _id(head, f"group/{use}"), "USE": use})
        if use.startswith("Representations/"):
            group.set(f"{{{CSIP_NS}}}CONTENTINFORMATIONTYPE", "MIXED")
        for listed in files:
            file = child(group, "file", None, {"ID": _id(head, listed.name)} | _facts(head, listed))
            _locate(child(file, "FLocat", None, {"LOCTYPE": "URL"}), listed.name)


def _structure(
    root: etree._Element, head: Head, metadata: Sequence[Listed], groups: Mapping[str, Sequence[Listed]]
) -> None:
    map_ = child(root, "structMap", None, {"ID": _id(head, "structMap"), "TYPE": "PHYSICAL", "LABEL": "CSIP"})
    top = child(map_, "div", None, {"ID": _id(head, "div"), "LABEL": head.folder or head.objid})
    described: dict[str, list[str]] = {"DMDID": [], "ADMID": []}
    for listed in metadata:
        name = "ADMID" if _mdtype(listed.name) == _PRESERVATION else "DMDID"
        described[name].append(_id(head, f"section/{listed.name}"))
    referenced = {name: " ".join(ids) for name, ids in described.items() if ids}
    child(top, "div", None, {"ID": _id(head, "div/Metadata"), "LABEL": "Metadata"} | referenced)
    for use, files in groups.items():
        group = _id(head, f"group/{use}")
        division = child(top, "div", None, {"ID": _id(head, f"div/{use}"), "LABEL": use})
        if use.startswith("Representations/"):
            pointer = child(division, "mptr", None, {"LOCTYPE": "URL"})
            _locate(pointer, files[0].name)
            pointer.set(f"{{{XLINK_NS}}}title", group)
        else:
            child(division, "fptr", None, {"FILEID": group})
