"""PREMIS 3: what each file is and comes from, what was done by whom, and on what terms it is kept (STO-4).

People and parties appear by id alone; their names are in the catalogue. Files are named by their place in the
package, the package by its OBJID.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from archive.package.layout import alto_member
from archive.package.markup import PREMIS_NS, XSI_NS, child, element, local_time, write_xml
from archive.package.mets import Listed
from archive.package.page_texts import reading_of
from archive.record import (
    Agent,
    ContentPackage,
    Part,
    PreservationEvent,
    SignatureFacts,
    SupplementPackage,
)

_PREFIXES = {None: PREMIS_NS, "premis": PREMIS_NS, "xsi": XSI_NS}
_ROLES = {"person": "implementer", "organization": "authorizer", "software": "executing program"}

BY_MEDIA_TYPE = "named by its media type; its exact version was not looked for"


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    pronom: str
    version: str | None = None
    note: str | None = None


_PDF_A = _Format("PDF/A", "fmt/477", "2b")
_ALTO = _Format("Extensible Markup Language", "fmt/101", "1.0", "ALTO")
_FORMATS = {
    "application/pdf": _Format("Portable Document Format", "fmt/276", None, BY_MEDIA_TYPE),
    "image/tiff": _Format("Tagged Image File Format", "fmt/353", None, BY_MEDIA_TYPE),
    "image/jpeg": _Format("JPEG File Interchange Format", "fmt/43", None, BY_MEDIA_TYPE),
    "image/jp2": _Format("JP2 (JPEG 2000 part 1)", "x-fmt/392", None, BY_MEDIA_TYPE),
    "image/png": _Format("Portable Network Graphics", "fmt/13", None, BY_MEDIA_TYPE),
}


def content_premis(content: ContentPackage) -> bytes:
    """Return the package's PREMIS: the record, its events, agents and rights."""
    root = _premis()
    _record_object(root, content.objid, content.archive_number)
    _events(root, content.objid, content.events, content.agents)
    _rights(root, content)
    return write_xml(root)


def supplement_premis(supplement: SupplementPackage) -> bytes:
    """Return a supplement's PREMIS: which package it is about, its events and agents."""
    root = _premis()
    entity = _record_object(root, supplement.objid, supplement.archive_number)
    relation = child(entity, "relationship")
    child(relation, "relationshipType", "reference")
    child(relation, "relationshipSubType", "documents")
    _identify(relation, "relatedObject", "SHA-256 of package", supplement.parent_sha256)
    _events(root, supplement.objid, supplement.events, supplement.agents)
    return write_xml(root)


def texts_premis(supplement: SupplementPackage, listed: Mapping[str, Listed]) -> bytes:
    """Return rep1's PREMIS of a text supplement: a text per page, and the package it was read from."""
    root = _premis()
    for one in reading_of(supplement).pages:
        if one.sha256 is not None:
            file = _file_object(root, listed[alto_member(one.page)], _ALTO, {"page": str(one.page)})
            _derived(file, [supplement.parent_sha256], kind="SHA-256 of package")
    return write_xml(root)


def archived_premis(content: ContentPackage, listed: Mapping[str, Listed]) -> bytes:
    """Return rep1's PREMIS: archived files and page texts. listed: every data file by its member name."""
    root = _premis()
    received = {file.sha256: file.member for file in content.received}
    for part in content.parts:
        pages = [page for page in content.pages if page.part_number == part.number]
        sources = dict.fromkeys(received[page.file_sha256] for page in pages)
        format_ = _PDF_A if part.conformance == "pdfa-2b" else _FORMATS["application/pdf"]
        file = _file_object(root, listed[part.member], format_, _revision_1(part))
        _signatures(file, part.signatures)
        _derived(file, list(sources))
    for page in content.pages:
        if page.text_member is not None:
            text = listed[page.text_member]
            file = _file_object(root, text, _ALTO, {"page": str(page.number)})
            _derived(file, [received[page.file_sha256]])
    return write_xml(root)


def received_premis(content: ContentPackage, listed: Mapping[str, Listed]) -> bytes:
    """Return rep2's PREMIS: the received files, with the signatures found on them."""
    root = _premis()
    for received in content.received:
        file = _file_object(root, listed[received.member], _FORMATS[received.media_type], {})
        if len(content.received) == 1:
            _signatures(file, content.source_signatures)
    return write_xml(root)


def _premis() -> etree._Element:
    root = element(PREMIS_NS, "premis", _PREFIXES)
    root.set("version", "3.0")
    return root


def _identify(parent: etree._Element, what: str, kind: str, value: str, role: str | None = None) -> None:
    identifier = child(parent, f"{what}Identifier")
    child(identifier, f"{what}IdentifierType", kind)
    child(identifier, f"{what}IdentifierValue", value)
    if role is not None:
        child(identifier, f"{what}Role", role)


def _object(root: etree._Element, kind: str) -> etree._Element:
    made = child(root, "object")
    made.set(f"{{{XSI_NS}}}type", f"premis:{kind}")
    return made


def _record_object(root: etree._Element, objid: str, archive_number: str) -> etree._Element:
    made = _object(root, "intellectualEntity")
    _identify(made, "object", "OBJID", objid)
    _identify(made, "object", "archive number", archive_number)
    return made


def _file_object(
    root: etree._Element, listed: Listed, format_: _Format, properties: Mapping[str, str]
) -> etree._Element:
    made = _object(root, "file")
    _identify(made, "object", "member", listed.name)
    for name, value in properties.items():
        property_ = child(made, "significantProperties")
        child(property_, "significantPropertiesType", name)
        child(property_, "significantPropertiesValue", value)
    characteristics = child(made, "objectCharacteristics")
    fixity = child(characteristics, "fixity")
    child(fixity, "messageDigestAlgorithm", "SHA-256")
    child(fixity, "messageDigest", listed.sha256)
    child(characteristics, "size", str(listed.length))
    _format(characteristics, format_)
    return made


def _format(characteristics: etree._Element, format_: _Format) -> None:
    made = child(characteristics, "format")
    designation = child(made, "formatDesignation")
    child(designation, "formatName", format_.name)
    if format_.version is not None:
        child(designation, "formatVersion", format_.version)
    registry = child(made, "formatRegistry")
    child(registry, "formatRegistryName", "PRONOM")
    child(registry, "formatRegistryKey", format_.pronom)
    if format_.note is not None:
        child(made, "formatNote", format_.note)


def _revision_1(part: Part) -> dict[str, str]:
    """Name revision 1: the first bytes of the archived file, as it was before any signature (SIG-5)."""
    return {
        "revision 1 length in bytes": str(part.rendition_length),
        "revision 1 SHA-256": part.rendition_sha256,
        "pages": str(part.page_count),
        "conformance as checked": part.conformance,
    }


def _signatures(file: etree._Element, signatures: Sequence[SignatureFacts]) -> None:
    """Describe signatures that lie in the file itself; what was found on checking them is in the catalogue."""
    for facts in signatures:
        signature = child(child(file, "signatureInformation"), "signature")
        child(signature, "signatureEncoding", "DER")
        if facts.role != "foreign":
            child(signature, "signer", facts.role)
        child(signature, "signatureMethod", f"PAdES {facts.level or 'level not known'}")
        child(signature, "signatureValue", f"embedded in the file, field {facts.field}")
        child(signature, "signatureValidationRules", "ISO 32000; ETSI EN 319 142-1")
        properties = {
            "certificate SHA-256": facts.certificate_sha256,
            "signed at": local_time(facts.signed_at) if facts.signed_at else None,
            "demonstration key": "yes" if facts.demo else "no",
        }
        for name, value in properties.items():
            child(signature, "signatureProperties", f"{name}: {value or 'not known'}")


def _derived(file: etree._Element, sources: Sequence[str], *, kind: str = "member") -> None:
    if not sources:
        return
    relation = child(file, "relationship")
    child(relation, "relationshipType", "derivation")
    child(relation, "relationshipSubType", "has source")
    for source in sources:
        _identify(relation, "relatedObject", kind, source)


def _events(
    root: etree._Element, objid: str, events: Sequence[PreservationEvent], agents: Sequence[Agent]
) -> None:
    roles = {agent.id: _ROLES[agent.type] for agent in agents}
    for event in events:
        made = child(root, "event")
        _identify(made, "event", "local", event.id)
        child(made, "eventType", event.type)
        child(made, "eventDateTime", local_time(event.at))
        child(child(made, "eventDetailInformation"), "eventDetail", event.detail)
        child(child(made, "eventOutcomeInformation"), "eventOutcome", event.outcome)
        _identify(made, "linkingAgent", "local", event.agent, roles.get(event.agent))
        _identify(made, "linkingObject", "OBJID", objid)
    for agent in agents:
        made = child(root, "agent")
        _identify(made, "agent", "local", agent.id)
        if agent.type != "person":
            child(made, "agentName", agent.name)
        child(made, "agentType", agent.type)
        if agent.version is not None:
            child(made, "agentVersion", agent.version)


def _rights(root: etree._Element, content: ContentPackage) -> None:
    """Say how long the record is kept and on whose word, and how it may be used. No end date: none is known."""
    rights = child(root, "rights")
    retention = content.retention
    statement = _statement(rights, content.objid, "retention", "statute")
    statute = child(statement, "statuteInformation")
    child(statute, "statuteJurisdiction", "VN")
    child(statute, "statuteCitation", retention.citation or "not known")
    child(statute, "statuteNote", f"rule: {retention.rule or 'not known'}; mark: {retention.mark or 'none'}")
    until = retention.keep_until.isoformat() if retention.keep_until else None
    terms = (
        "permanent" if retention.permanent else "not before the last day" if retention.keep_until else "not known"
    )
    _granted(statement, "delete", terms, content.created_at.date().isoformat(), until)
    _link(statement, content.objid)
    statement = _statement(rights, content.objid, "access", "other")
    other = child(statement, "otherRightsInformation")
    child(other, "otherRightsBasis", "access mode of the archive's catalogue")
    mode = content.description.access_mode
    level = content.description.sensitivity_level
    child(other, "otherRightsNote", f"mode {mode}; sensitivity level {level}")
    _granted(statement, "disseminate", f"mode {mode}", content.created_at.date().isoformat(), None)
    _link(statement, content.objid)


def _statement(rights: etree._Element, objid: str, name: str, basis: str) -> etree._Element:
    statement = child(rights, "rightsStatement")
    _identify(statement, "rightsStatement", "local", f"{objid}-{name}")
    child(statement, "rightsBasis", basis)
    return statement


def _granted(statement: etree._Element, act: str, restriction: str, start: str, end: str | None) -> None:
    granted = child(statement, "rightsGranted")
    child(granted, "act", act)
    child(granted, "restriction", restriction)
    term = child(granted, "termOfRestriction")
    child(term, "startDate", start)
    if end is not None:
        child(term, "endDate", end)


def _link(statement: etree._Element, objid: str) -> None:
    _identify(statement, "linkingObject", "OBJID", objid)
