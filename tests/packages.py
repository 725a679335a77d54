"""Packages built by hand: a record of two read pages and one that failed, and a supplement of each kind."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

from archive.digest import sha256_of_bytes
from archive.package.layout import alto_member, archived_member, received_member
from archive.package.page_texts import PageReading, TextReading
from archive.record import (
    Agent,
    ArchivalFile,
    ContentPackage,
    Description,
    FieldValue,
    Member,
    PageFacts,
    Part,
    PartyId,
    PartyIdentifier,
    PreservationEvent,
    PrincipalId,
    ReceivedFile,
    RecordId,
    RecordParty,
    Retention,
    SignatureFacts,
    SupplementAbout,
    SupplementPackage,
    UnitName,
)
from archive.sealing import Seal

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
OBJID = "uuid-6F1B5C3E-0A1D-4B7C-9E2F-0123456789AB"
HOLDER = "Nguyễn Thị Ánh Nguyệt"
IDENTIFIER = "001099012345"
OPERATOR = "Lê Văn Quét"
RENDITION = b"%PDF-1.7\nrevision one of the archived file\n%%EOF\n"
ARCHIVED = RENDITION + b"the digitizer's revision\n%%EOF\nthe agency's revision\n%%EOF\n"
RECEIVED = b"%PDF-1.4\nwhat the scanner gave\n%%EOF\n"
PERSON = Agent("person-1", "person", OPERATOR)
UNIT = UnitName("demo-archive", "Trung tâm Lưu trữ & Trả kết quả", {"QD20": "Z99.19"})
PROGRAM = Agent("sohoa", "software", "sohoa", "0.1.0")
ALTO = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page ID="P{0}"/></Layout></alto>\n'
)


@dataclass(frozen=True)
class Given:
    """What goes into write_content."""

    content: ContentPackage
    members: tuple[Member, ...]


def record_package(seal: Seal, folder: Path, *, objid: str = OBJID) -> Given:
    """Return a content package with its members; PDF files lie in folder, texts in memory."""
    (folder / "archived.pdf").write_bytes(ARCHIVED)
    (folder / "received.pdf").write_bytes(RECEIVED)
    name = received_member(sha256_of_bytes(RECEIVED), "application/pdf")
    content = _content(seal, objid, name)
    members = (
        Member(archived_member(1), "application/pdf", folder / "archived.pdf"),
        Member(name, "application/pdf", folder / "received.pdf"),
        Member(alto_member(1), "application/xml", ALTO.format(1).encode()),
        Member(alto_member(2), "application/xml", ALTO.format(2).encode()),
    )
    return Given(content, members)


def _content(seal: Seal, objid: str, received: str) -> ContentPackage:
    return ContentPackage(
        objid=objid,
        work_item_id="work-1",
        record_id=RecordId("aqsrzpnqx3gmvqzzbhwqpd5vwe"),
        package_number=1,
        archive_number="TN01.2019.000.00.19.0000017",
        ordinal=17,
        status="NEW",
        created_at=AT,
        archival_file=ArchivalFile(
            "file-1", "TN01", 2019, "000.00.19", "Cấp phép <khai thác> nước", None, "2.14.7"
        ),
        custodian=UNIT,
        description=Description(
            document_type="32",
            code_number="96",
            code_notation="GP-BTNMT",
            issued_on=date(2019, 5, 1),
            issued_on_precision="month",
            issuing_body="Bộ Tài nguyên và Môi trường",
            subject="Giấy phép " + "khai thác nước mặt, " * 40,
            signer_name="Phạm Ký Tên",
            original_date=date(2019, 5, 20),
            note="Góc trên bên phải bị rách",
        ),
        fields=(
            FieldValue("code_number", "manifest", "96", "96"),
            FieldValue(
                "code_number", "read", "Số: 96/GP", "96", 0.9312, None, 1, ((10, 20, 30, 40), (50, 20, 9, 40))
            ),
            FieldValue("issued_on", "manifest", "31/02/2019", None, problem="no-such-date"),
        ),
        parties=(_party(seal),),
        retention=Retention("05", date(2039, 12, 31), False, "05", "TT 10/2022/TT-BNV, Phụ lục I mục 3", "S"),
        received=(
            ReceivedFile(sha256_of_bytes(RECEIVED), len(RECEIVED), "application/pdf", f"{HOLDER}.pdf", received),
        ),
        parts=(_part(),),
        pages=tuple(_page(number) for number in (1, 2, 3)),
        source_signatures=(
            SignatureFacts("Signature1", "foreign", "ab" * 32, None, None, False, {"trust": "unchecked"}),
        ),
        review=("failed-page",),
        derivation={
            "program": {"name": "sohoa", "version": "0.1.0"},
            "pages": [{"index": 0, "measures": {"x": 1.5}}],
        },
        agents=(PERSON, Agent(UNIT.id, "organization", UNIT.name), PROGRAM),
        events=(
            PreservationEvent(f"{objid}-0", "transfer", AT, PERSON.id, "digitised file received", "success"),
            PreservationEvent(f"{objid}-1", "normalization", AT, PROGRAM.id, "PDF/A-2b made", "success"),
        ),
        batch_id="batch-1",
        item_id="item-1",
    )


def _party(seal: Seal) -> RecordParty:
    identifier = PartyIdentifier(
        "cccd", seal.lookup("cccd", IDENTIFIER), seal.version, seal.seal("party-identifier", IDENTIFIER)
    )
    return RecordParty(PartyId("party-1"), "person", "holder", (identifier,), (seal.seal("party-name", HOLDER),))


def _part() -> Part:
    signature = SignatureFacts(
        "Digitizer", "digitizer:person-1", "cd" * 32, AT, "B-B", True, {"integrity": "intact"}
    )
    return Part(
        number=1,
        kind="main",
        title="Giấy phép",
        member=archived_member(1),
        page_count=3,
        rendition_length=len(RENDITION),
        rendition_sha256=sha256_of_bytes(RENDITION),
        archived_length=len(ARCHIVED),
        archived_sha256=sha256_of_bytes(ARCHIVED),
        conformance="pdfa-2b",
        signatures=(signature,),
    )


def _page(number: int) -> PageFacts:
    failed = number == 3
    return PageFacts(
        number=number,
        part_number=1,
        file_sha256=sha256_of_bytes(RECEIVED),
        file_index=number - 1,
        image_sha256=sha256_of_bytes(bytes([number])),
        width_px=1654,
        height_px=2339,
        dpi=200.0,
        colour="grey",
        quarter_turns=0,
        state="failed" if failed else "read",
        failure="page-timeout" if failed else None,
        confidence=None if failed else 0.9,
        rung="passed-through",
        text_member=None if failed else alto_member(number),
        operator=OPERATOR,
        scanned_at=AT,
        scanned_at_source="modified",
    )


BODIES: dict[SupplementAbout, dict[str, Any]] = {
    "text": {},  # drawn from the reading below and the package it is about
    "description": {"code_number": "97", "subject": "Giấy phép"},
    "evidence": {"field": "Agency", "tokens": ["MIIB"], "checked_at": "2027-01-01T00:00:00.000000Z"},
    "effect": {"kind": "extended", "effective_on": "2027-01-01", "basis": "QĐ 1/QĐ-BTNMT"},
    "appraisal": {"retention_class": "01", "permanent": True},
    "acceptance": {"basis": "policy:clean", "failed_pages_accepted": [3], "permanent": False},
}
assert set(BODIES) == set(get_args(SupplementAbout))


def read_again(*documents: bytes | None) -> TextReading:
    """Return a reading that gave these documents, page by page; None: the page failed and had no text."""
    pages = [
        PageReading(
            page=number,
            state="failed" if document is None else "read",
            sha256=None if document is None else sha256_of_bytes(document),
            confidence=None if document is None else 0.97,
            failure="page-timed-out" if document is None else None,
            kept_from=None,
            engine=None if document is None else 0,
            measures={"skew_deg": 0.25},
            width_px=1654,
            height_px=2339,
            dpi=200.0,
            quarter_turns=0,
            doubts=(),
        )
        for number, document in enumerate(documents, start=1)
    ]
    engine = {"engine": "tesseract", "version": "5.3.0", "models": {"vie": "12" * 32}, "parameters": {}}
    return TextReading({"engines": [engine], "options": {"reading_dpi": 170.0}}, tuple(pages))


def texts_of(*documents: bytes | None) -> tuple[Member, ...]:
    """Return these documents as the members they are, page by page."""
    return tuple(
        Member(alto_member(number), "application/xml", document)
        for number, document in enumerate(documents, start=1)
        if document is not None
    )


AGAIN = (ALTO.format("1 again").encode(), ALTO.format("2 again").encode(), None)


def texts(about: SupplementAbout) -> tuple[Member, ...]:
    """Return the page texts that `supplement` of this kind carries."""
    return texts_of(*AGAIN) if about == "text" else ()


def supplement(about: SupplementAbout, parent_sha256: str = "ef" * 32) -> SupplementPackage:
    """Return a supplement about one thing, with an OBJID of its own."""
    record_id = RecordId("aqsrzpnqx3gmvqzzbhwqpd5vwe")
    body = read_again(*AGAIN).body(record_id, parent_sha256) if about == "text" else BODIES[about]
    objid = f"uuid-6F1B5C3E-0A1D-4B7C-9E2F-{hashlib.sha256(about.encode()).hexdigest()[:12].upper()}"
    return SupplementPackage(
        objid=objid,
        record_id=record_id,
        package_number=2,
        archive_number="TN01.2019.000.00.19.0000017",
        about=about,
        parent_number=1,
        parent_sha256=parent_sha256,
        created_at=AT,
        principal_id=PrincipalId("person-1"),
        custodian=UNIT,
        body=body,
        agents=(PERSON,),
        events=(PreservationEvent(f"{objid}-0", "appraisal", AT, PERSON.id, about, "success"),),
    )


def with_received(given: Given, **changes: Any) -> ContentPackage:
    """Return the content with its one received file changed."""
    return replace(given.content, received=(replace(given.content.received[0], **changes),))


def with_part(given: Given, **changes: Any) -> ContentPackage:
    """Return the content with its one part changed."""
    return replace(given.content, parts=(replace(given.content.parts[0], **changes),))
