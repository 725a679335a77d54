"""EAD 3 with every field the national rules name (STO-3): 18 of the archival file, 19 of the document.

Each field is an `odd` whose localtype is the field's name, empty where nothing is known. A value longer than
the rules allow is cut and marked `altrender="cut"`; the catalogue has it whole.
"""

from collections.abc import Mapping

from lxml import etree

from archive.package.markup import EAD_NS, child, element, local_time, write_xml
from archive.record import ContentPackage, Description

DIGITISED = "02"  # confidenceLevel: a scan of paper, not a document born electronic

FILE_FIELDS: Mapping[str, int | None] = {
    "arcFileCode": 100,
    "title": 1000,
    "maintenance": 30,
    "mode": None,
    "language": None,
    "startDate": None,
    "endDate": None,
    "keyword": 100,
    "totalDoc": None,
    "numberOfPaper": None,
    "numberOfPage": None,
    "format": None,
    "inforSign": 30,
    "confidenceLevel": None,
    "paperFileCode": None,
    "riskRecovery": None,
    "riskRecoveryStatus": None,
    "description": 2000,
}
"""The archival file's fields in their order, with the most characters each may have; None: no limit is named."""

DOCUMENT_FIELDS: Mapping[str, int | None] = {
    "arcFileCode": 100,
    "docCode": None,
    "docOrdinal": None,
    "typeName": 100,
    "codeNumber": 11,
    "codeNotation": 30,
    "issuedDate": None,
    "organName": 200,
    "subject": 500,
    "language": None,
    "numberOfPage": 4,
    "inforSign": 30,
    "keyword": 100,
    "mode": None,
    "confidenceLevel": None,
    "autograph": 2000,
    "format": None,
    "process": None,
    "description": 500,
}
"""The document's fields in their order, with the most characters each may have; None: no limit is named."""


def file_ead(content: ContentPackage) -> bytes:
    """Return the EAD of the archival file the record is in, as far as one record's package knows it."""
    file = content.archival_file
    values = {
        "arcFileCode": file_code(content),
        "title": file.title,
        "maintenance": _maintenance(content),
        "mode": content.description.access_mode,
        "language": ", ".join(content.description.languages),
        "endDate": file.closed_on.isoformat() if file.closed_on else "",
        "confidenceLevel": DIGITISED,
        "paperFileCode": f"{file.fonds_code}.{file.paper_place}.{file.code}" if file.paper_place else "",
    }
    return _ead(content, "file", file.title or file.code, FILE_FIELDS, values)


def document_ead(content: ContentPackage) -> bytes:
    """Return the EAD of the document itself. Names of people are not among its fields."""
    described = content.description
    values = {
        "arcFileCode": file_code(content),
        "docCode": content.archive_number,
        "docOrdinal": f"{content.ordinal:07d}",
        "typeName": described.document_type or "",
        "codeNumber": described.code_number or "",
        "codeNotation": described.code_notation or "",
        "issuedDate": _issued(described),
        "organName": described.issuing_body or "",
        "subject": described.subject or "",
        "language": ", ".join(described.languages),
        "numberOfPage": str(len(content.pages)),
        "mode": described.access_mode,
        "confidenceLevel": DIGITISED,
        "description": described.note or "",
    }
    return _ead(content, "item", described.subject or content.archive_number, DOCUMENT_FIELDS, values)


def file_code(content: ContentPackage) -> str:
    """Return the archival file's code: fonds, year, own code (COD-4)."""
    file = content.archival_file
    return f"{file.fonds_code}.{file.year}.{file.code}"


def _maintenance(content: ContentPackage) -> str:
    return "01" if content.retention.permanent else content.retention.retention_class or ""


def _issued(described: Description) -> str:
    """Return the date of issue no more exactly than it is known."""
    if described.issued_on is None:
        return ""
    shown = {"day": 10, "month": 7, "year": 4, "unknown": 0}[described.issued_on_precision]
    return described.issued_on.isoformat()[:shown]


def _ead(
    content: ContentPackage,
    level: str,
    title: str,
    fields: Mapping[str, int | None],
    values: Mapping[str, str],
) -> bytes:
    root = element(EAD_NS, "ead", {None: EAD_NS})
    _control(root, content, title)
    description = child(root, "archdesc", None, {"level": level})
    identification = child(description, "did")
    code = content.archive_number if level == "item" else file_code(content)
    child(identification, "unitid", code)
    child(identification, "unittitle", title)
    for name, longest in fields.items():
        value = values.get(name, "")
        cut = longest is not None and len(value) > longest
        mark = {"altrender": "cut"} if cut else {}
        field = child(description, "odd", None, {"localtype": name} | mark)
        child(field, "p", value[:longest] if cut else value)
    return write_xml(root)


def _control(root: etree._Element, content: ContentPackage, title: str) -> None:
    control = child(root, "control")
    child(control, "recordid", content.objid)
    child(child(child(control, "filedesc"), "titlestmt"), "titleproper", title)
    child(control, "maintenancestatus", None, {"value": "new"})
    child(child(control, "maintenanceagency"), "agencyname", content.custodian.name)
    event = child(child(control, "maintenancehistory"), "maintenanceevent")
    child(event, "eventtype", None, {"value": "created"})
    at = local_time(content.created_at)
    child(event, "eventdatetime", at, {"standarddatetime": at})
    child(event, "agenttype", None, {"value": "machine"})
    child(event, "agent", "sohoa")
