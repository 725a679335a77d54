"""From pages read to a frozen package: reserve the numbers, build and sign the PDF/A, describe, freeze.

Every id, time and file that goes into the package is fixed in the work item before packaging starts; from
then on the package can be written again, anywhere, with equal bytes.
"""

import platform
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from archive.package.json import content_to_json
from archive.package.layout import alto_member, archived_member, received_member
from sqlalchemy import Row, select

from archive import ledger
from archive.database import reading, writing
from archive.digest import sha256_of_file
from archive.identifiers import new_id
from archive.keys import archived_file_key
from archive.pades.sign import sign_archived_file
from archive.pades.stamp import agency_mark, digitizer_mark
from archive.record import (
    Agent,
    ArchivalFile,
    ContentPackage,
    FieldValue,
    Member,
    PageFacts,
    Part,
    PartyId,
    PartyIdentifier,
    PreservationEvent,
    ReceivedFile,
    RecordId,
    RecordParty,
    SignatureFacts,
    UnitName,
)
from archive.rows import find_party
from archive.tables.principals import principal as principal_table
from ingest import worklist
from ingest.describe import describe, disagreements, manifest_fields, read_fields, value_of
from ingest.desk import Desk, fetch
from ingest.pages import KeptPage
from ingest.sealed import open_holder
from ingest.tables import batch, capture, declaration
from ingest.worklist import Claim
from ocr import alto
from ocr.page import FileProbe
from retention.schedule import retention_of

TOOLS = ("ocrmypdf", "pikepdf", "tesserocr", "opencv-python-headless", "pillow", "pyhanko", "pypdfium2")


def _declared(desk: Desk, subject: Row[Any]) -> tuple[Row[Any], tuple[FieldValue, ...], Row[Any] | None]:
    """Return (batch row, manifest fields, declaration row) of an item."""
    with reading(desk.engine) as connection:
        head = connection.execute(select(batch).where(batch.c.id == subject.batch_id)).one()
        row = connection.execute(
            select(declaration).where(
                declaration.c.batch_id == subject.batch_id,
                declaration.c.row_number == subject.row_number,
            )
        ).one_or_none()
    return head, manifest_fields(row.fields) if row is not None else (), row


def reserve(desk: Desk, claim: Claim, subject: Row[Any]) -> Claim:
    """Reserve record id, archive number and package number, once for all attempts."""
    if "record" in claim.frozen:
        return claim
    head, fields, _ = _declared(desk, subject)
    code = value_of(fields, "dossier_code")
    closed = value_of(fields, "closed_on")
    closed_on = datetime.fromisoformat(closed).date() if closed and len(closed) == 10 else None
    at = desk.now().astimezone(UTC).replace(microsecond=0)
    year = closed_on.year if code and closed_on else head.received_on.year
    with writing(desk.engine) as connection:
        custodian = ledger.custodian_of(connection, head.fonds_code, at)
        file = ledger.find_archival_file(
            connection,
            fonds_code=head.fonds_code,
            year=year,
            code=code or ledger.UNFILED,
            title=f"Hồ sơ {code}" if code else f"Tài liệu chưa lập hồ sơ năm {year}",
            closed_on=closed_on if code else None,
            paper_place=value_of(fields, "paper_place") if code else None,
            at=at,
            principal=desk.principal,
        )
        record_id, archive_number, ordinal = ledger.reserve_record(
            connection,
            file,
            custodian_id=custodian[0],
            work_item_id=claim.work_item_id,
            at=at,
            principal=desk.principal,
        )
        number, objid, key = ledger.reserve_package(
            connection, record_id, kind="content", about=None, work_item_id=claim.work_item_id
        )
        frozen = {
            "record": record_id,
            "archive_number": archive_number,
            "ordinal": ordinal,
            "package_number": number,
            "objid": objid,
            "key": key,
            "at": at.isoformat(),
            "custodian": {"id": custodian[0], "name": custodian[1], "codes": custodian[2]},
            "file": {
                "id": file.id,
                "fonds_code": file.fonds_code,
                "year": file.year,
                "code": file.code,
                "title": file.title,
                "closed_on": file.closed_on.isoformat() if file.closed_on else None,
                "paper_place": file.paper_place,
            },
            "row_closed_on": closed_on.isoformat() if closed_on else None,
        }
        return worklist.freeze(connection, claim, frozen, now=desk.now())


def assemble(
    desk: Desk,
    claim: Claim,
    subject: Row[Any],
    received: Path,
    probe: FileProbe,
    pages: Sequence[KeptPage],
    workplace: Path,
) -> Claim:
    """Build and sign the PDF/A, describe the record and freeze all of it; return the claim with it."""
    at = datetime.fromisoformat(claim.frozen["at"])
    head, from_manifest, row = _declared(desk, subject)
    texts = [p.reading.page if p.reading else None for p in pages]
    fields = from_manifest + read_fields([t for t in texts if t is not None][:1])
    rendition_path = workplace / "rendition.pdf"
    rendition = desk.reader.build(
        received,
        probe,
        texts,
        rendition_path,
        title=claim.frozen["archive_number"],
        made_at=at,
        document_id=claim.frozen["objid"],
    )
    with reading(desk.engine) as connection:
        person = connection.execute(select(principal_table).where(principal_table.c.id == head.principal_id)).one()
    scanned = [c for c in _captures(desk, subject) if c.scanned_at is not None]
    agents = _agents(claim, head, person)
    archived_path = workplace / "archived.pdf"
    signatures = sign_archived_file(
        rendition_path,
        archived_path,
        signer=desk.signer,
        digitizer=digitizer_mark(
            f"digitizer:{person.id}",
            name=head.operator or person.display_name,
            scanned_at=scanned[0].scanned_at if scanned else at,
        ),
        agency=agency_mark(
            f"agency:{claim.frozen['custodian']['id']}",
            agency_name=claim.frozen["custodian"]["name"],
            signed_at=at,
            converter=head.operator or person.display_name,
        ),
        places=_places(rendition.mark_places),
        signed_at=at,
        timestamp_url=desk.settings.timestamp_url,
    )
    sha256, length = sha256_of_file(archived_path)
    staged = desk.staging.put(
        archived_file_key(subject.batch_id, subject.id, new_id()),
        archived_path,
        sha256=sha256,
        retain_until=None,
        now=desk.now(),
    )
    source_signatures = _source_signatures(desk, received, probe)
    description = replace(describe(fields), dossier_code=value_of(fields, "dossier_code"))
    file = _archival_file(claim.frozen["file"])
    row_closed = claim.frozen["row_closed_on"]
    closed_on = file.closed_on or (datetime.fromisoformat(row_closed).date() if row_closed else None)
    review = set(subject.review) | set(disagreements(fields))
    review |= {f.problem for f in from_manifest if f.problem}
    review |= {"failed-page"} if any(p.state == "failed" for p in pages) else set()
    if file.closed_on and row_closed and file.closed_on.isoformat() != row_closed:
        review.add("closed-on-disagrees")
    part = Part(
        number=1,
        kind="main",
        title=description.subject,
        member=archived_member(1),
        page_count=len(pages),
        rendition_length=rendition.length,
        rendition_sha256=rendition.sha256,
        archived_length=length,
        archived_sha256=sha256,
        conformance=rendition.conformance,
        signatures=tuple(signatures),
    )
    received_name = received_member(subject.sha256, probe.media_type)
    content = ContentPackage(
        objid=claim.frozen["objid"],
        work_item_id=claim.work_item_id,
        record_id=RecordId(claim.frozen["record"]),
        package_number=claim.frozen["package_number"],
        archive_number=claim.frozen["archive_number"],
        ordinal=claim.frozen["ordinal"],
        status="NEW",
        created_at=at,
        archival_file=file,
        custodian=UnitName(**claim.frozen["custodian"]),
        description=description,
        fields=fields,
        parties=_parties(desk, row),
        retention=retention_of(
            desk.rules,
            description,
            retention_class=value_of(fields, "retention_class"),
            closed_on=closed_on,
        ),
        received=(ReceivedFile(subject.sha256, subject.length, probe.media_type, subject.file, received_name),),
        parts=(part,),
        pages=tuple(_page_facts(desk, subject, probe, pages, rendition.rungs)),
        source_signatures=source_signatures,
        review=tuple(sorted(review)),
        derivation=_derivation(desk, pages, rendition.describe()),
        agents=agents,
        events=_events(claim, agents, at, probe, source_signatures),
        batch_id=subject.batch_id,
        item_id=subject.id,
    )
    frozen = {
        **claim.frozen,
        "content": content_to_json(content),
        "archived": {"key": staged.key, "version": staged.version_id, "sha256": sha256},
    }
    with writing(desk.engine) as connection:
        return worklist.freeze(connection, claim, frozen, now=desk.now())


def package_members(
    desk: Desk,
    claim: Claim,
    content: ContentPackage,
    subject: Row[Any],
    readings: Mapping[int, KeptPage],
    workplace: Path,
) -> list[Member]:
    """Return the package's data files, fetched from staging and made from the kept readings."""
    archived = claim.frozen["archived"]
    members = [
        Member(
            content.parts[0].member,
            "application/pdf",
            fetch(
                desk.staging,
                archived["key"],
                archived["version"],
                workplace / "archived.pdf",
                sha256=archived["sha256"],
            ),
        ),
        Member(
            content.received[0].member,
            content.received[0].media_type,
            fetch(
                desk.staging,
                subject.staging_key,
                subject.staging_version,
                workplace / "received",
                sha256=subject.sha256,
            ),
        ),
    ]
    for page in content.pages:
        kept = readings[page.file_index]
        if page.text_member is not None and kept.reading is not None:
            body = alto.to_alto(
                kept.reading.page,
                file_sha256=page.file_sha256,
                file_index=page.file_index,
                image_sha256=page.image_sha256,
            )
            members.append(Member(page.text_member, "application/xml", body))
    return members


def _captures(desk: Desk, subject: Row[Any]) -> Sequence[Row[Any]]:
    with reading(desk.engine) as connection:
        return connection.execute(
            select(capture).where(capture.c.item_id == subject.id).order_by(capture.c.file_index)
        ).all()


def _archival_file(frozen: Mapping[str, Any]) -> ArchivalFile:
    closed = frozen["closed_on"]
    return ArchivalFile(**{**frozen, "closed_on": datetime.fromisoformat(closed).date() if closed else None})


def _page_facts(
    desk: Desk, subject: Row[Any], probe: FileProbe, pages: Sequence[KeptPage], rungs: Sequence[str]
) -> list[PageFacts]:
    facts = []
    rows = {row.file_index: row for row in _captures(desk, subject)}
    for number, (kept, found, rung) in enumerate(zip(pages, probe.captures, rungs, strict=True), start=1):
        text = kept.reading.page if kept.reading else None
        row = rows[kept.index]
        facts.append(
            PageFacts(
                number=number,
                part_number=1,
                file_sha256=subject.sha256,
                file_index=kept.index,
                image_sha256=found.sha256,
                width_px=text.width_px if text else found.width_px,
                height_px=text.height_px if text else found.height_px,
                dpi=text.dpi if text else found.dpi,
                colour=found.colour,
                quarter_turns=text.quarter_turns if text else 0,
                state=kept.state,
                failure=kept.failure,
                confidence=round(text.confidence, 4) if text and not kept.reading.blank else None,
                rung=rung,
                text_member=alto_member(number) if text else None,
                operator=row.operator,
                device=row.device,
                scanned_at=row.scanned_at,
                scanned_at_source=row.scanned_at_source,
            )
        )
    return facts


def _parties(desk: Desk, row: Row[Any] | None) -> tuple[RecordParty, ...]:
    """Return the holder the manifest names: a known party found by its identifier, or a new one."""
    holder = open_holder(desk.seal, row.sealed, row.sealed_key_version) if row is not None else None
    if holder is None:
        return ()
    names = (desk.seal.seal("party-name", holder.name),) if holder.name else ()
    if not holder.id:
        return (RecordParty(PartyId(new_id()), holder.kind, "holder", (), names),)
    lookup = desk.seal.lookup(holder.scheme, holder.id)
    with reading(desk.engine) as connection:
        known = find_party(connection, holder.scheme, lookup, desk.seal.version)
    identifier = PartyIdentifier(
        holder.scheme, lookup, desk.seal.version, desk.seal.seal("party-identifier", holder.id)
    )
    return (RecordParty(PartyId(known or new_id()), holder.kind, "holder", (identifier,), names),)


def _source_signatures(desk: Desk, received: Path, probe: FileProbe) -> tuple[SignatureFacts, ...]:
    if not probe.signature_fields:
        return ()
    return tuple(desk.reader.signatures(received))


def _agents(claim: Claim, head: Row[Any], person: Row[Any]) -> tuple[Agent, ...]:
    return (
        Agent(id=person.id, type="person", name=head.operator or person.display_name),
        Agent(
            id=claim.frozen["custodian"]["id"],
            type="organization",
            name=claim.frozen["custodian"]["name"],
        ),
        Agent(id="sohoa", type="software", name="sohoa", version=metadata.version("sohoa")),
    )


def _derivation(desk: Desk, pages: Sequence[KeptPage], rendition: dict[str, Any]) -> dict[str, Any]:
    engines: list[dict[str, Any]] = []
    for page in pages:
        if page.reading is not None and page.reading.engine not in engines:
            engines.append(page.reading.engine)
    return {
        "program": {"name": "sohoa", "version": metadata.version("sohoa")},
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in TOOLS},
        "jail": desk.reader.jail_mode,
        "engines": engines,
        "pages": [
            {
                "index": page.index,
                "engine": engines.index(page.reading.engine),
                "measures": page.reading.measures,
            }
            if page.reading is not None
            else {"index": page.index, "failure": page.failure}
            for page in pages
        ],
        "rendition": rendition,
    }


def _events(
    claim: Claim,
    agents: Sequence[Agent],
    at: datetime,
    probe: FileProbe,
    source_signatures: Sequence[SignatureFacts],
) -> tuple[PreservationEvent, ...]:
    person, _, program = agents
    steps = [
        ("transfer", person.id, f"digitised file received, {probe.media_type}", "success"),
        ("message digest calculation", program.id, "SHA-256 at receipt", "success"),
        ("normalization", program.id, "searchable PDF/A-2b made from the captures", "success"),
        ("validation", program.id, "PDF/A-2b structure checked before and after signing", "success"),
        ("digital signature generation", person.id, "digitizer's and agency's signatures", "success"),
        ("information package creation", program.id, claim.frozen["objid"], "success"),
    ]
    if source_signatures:
        steps.insert(2, ("digital signature validation", program.id, "signatures found on receipt", "recorded"))
    seed = uuid.UUID(claim.frozen["objid"].removeprefix("uuid-"))
    return tuple(
        PreservationEvent(
            f"uuid-{uuid.uuid5(seed, f'{n}-{kind}')}".upper().replace("UUID-", "uuid-"),
            kind,
            at,
            agent,
            detail,
            outcome,
        )
        for n, (kind, agent, detail, outcome) in enumerate(steps)
    )
