"""From pages read to a frozen package: build and sign the PDF/A, describe the record, freeze all of it.

Every id, time and file that goes into the package is fixed in the work item before packaging starts; from
then on the package can be written again, anywhere, with equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from archive import failpoints
from archive.database import reading, writing
from archive.digest import sha256_of_file
from archive.identifiers import new_id
from archive.keys import archived_file_key
from archive.package.json import content_to_json
from archive.package.layout import alto_member, archived_member, received_member
from archive.pades.font import find_font
from archive.pades.room import room_for_marks
from archive.pades.sign import sign_archived_file
from archive.pades.stamp import LEGAL_TIME, Mark, MarkPlace, agency_mark, digitizer_mark
from archive.pades.validate import facts_of
from archive.record import (
    ContentPackage,
    Member,
    PageFacts,
    Part,
    PartyId,
    PartyIdentifier,
    ReceivedFile,
    RecordId,
    RecordParty,
    SignatureFacts,
    UnitName,
)
from archive.rows import find_party
from archive.tables.principals import principal as principal_table
from ingest import timings, worklist
from ingest.describe import describe, disagreements, read_fields, value_of
from ingest.desk import Desk, fetch
from ingest.numbering import declared, frozen_file
from ingest.pages import KeptPage
from ingest.provenance import agents_of, derivation_of, events_of
from ingest.quality import DOUBTFUL, Judged, judged
from ingest.sealed import open_holder
from ingest.tables import capture
from ingest.worklist import Claim
from ocr import alto
from ocr.page import FileProbe
from ocr.pdfa.rendition import Rendition
from retention.schedule import retention_of


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
    head, from_manifest, row = declared(desk, subject)
    texts = [p.reading.page if p.reading else None for p in pages]
    with reading(desk.engine) as connection:
        person = connection.execute(select(principal_table).where(principal_table.c.id == head.principal_id)).one()
        captures = connection.execute(
            select(capture).where(capture.c.item_id == subject.id).order_by(capture.c.file_index)
        ).all()
    marks = _marks(claim, head, person, captures, at)
    with timings.stage("build"):
        rendition = desk.reader.build(
            received,
            probe,
            texts,
            workplace / "rendition.pdf",
            title=claim.frozen["archive_number"],
            made_at=at,
            document_id=claim.frozen["objid"],
            mark_sizes=_mark_sizes(desk, claim, marks, at),
        )
    with timings.stage("sign"):
        part, archived = _sign(desk, subject, rendition, marks, workplace, at)
    failpoints.passing("signed")
    agents = agents_of(claim, head, person)
    found = _source_signatures(desk, received, probe)
    fields = from_manifest + read_fields(texts[0] if texts else None)
    description = replace(describe(fields), dossier_code=value_of(fields, "dossier_code"))
    file = frozen_file(claim)
    row_closed = claim.frozen["row_closed_on"]
    closed_on = file.closed_on or (datetime.fromisoformat(row_closed).date() if row_closed else None)
    received_name = received_member(subject.sha256, probe.media_type)
    found_quality = judged(
        pages,
        description,
        _scanned_on(captures, at),
        rules=desk.settings.quality_rules,
        sector=desk.settings.sector,
    )
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
        parts=(replace(part, title=description.subject, page_count=len(pages)),),
        pages=tuple(_page_facts(subject, captures, probe, pages, rendition.rungs, found_quality)),
        source_signatures=found,
        review=_review(
            subject,
            pages,
            disagreements(fields),
            disputed=_disputed(file.closed_on, row_closed),
            doubtful=found_quality.doubtful and desk.settings.doubtful_pages == "review",
        ),
        derivation={**derivation_of(desk, pages, rendition.describe()), "quality": found_quality.to_json()},
        agents=agents,
        events=events_of(claim, agents, at, media_type=probe.media_type, found_signatures=bool(found)),
        batch_id=subject.batch_id,
        item_id=subject.id,
    )
    frozen = {**claim.frozen, "content": content_to_json(content), "archived": archived}
    with writing(desk.engine) as connection:
        claim = worklist.freeze(connection, claim, frozen, now=desk.now())
    failpoints.passing("frozen")
    return claim


def _marks(
    claim: Claim, head: Row[Any], person: Row[Any], captures: Sequence[Row[Any]], at: datetime
) -> tuple[Mark, Mark]:
    """Return the digitizer's and the agency's marks (SIG-1, SIG-4)."""
    name = head.operator or person.display_name
    scanned = next((c.scanned_at for c in captures if c.scanned_at is not None), at)
    custodian = claim.frozen["custodian"]
    return (
        digitizer_mark(f"digitizer:{person.id}", name=name, scanned_at=scanned),
        agency_mark(f"agency:{custodian['id']}", agency_name=custodian["name"], signed_at=at, converter=name),
    )


def _mark_sizes(
    desk: Desk, claim: Claim, marks: tuple[Mark, Mark], at: datetime
) -> tuple[tuple[float, float], tuple[float, float]]:
    digitizer, agency = marks
    return room_for_marks(
        digitizer,
        agency,
        agency_name=claim.frozen["custodian"]["name"],
        archive_number=claim.frozen["archive_number"],
        signed_at=at,
        demo=(desk.signer.credential(digitizer.role).demo, desk.signer.credential(agency.role).demo),
        font=find_font(),
    )


def _sign(
    desk: Desk,
    subject: Row[Any],
    rendition: Rendition,
    marks: tuple[Mark, Mark],
    workplace: Path,
    at: datetime,
) -> tuple[Part, dict[str, Any]]:
    """Sign the rendition and stage the archived file; return the part, and where the file is kept."""
    path = workplace / "archived.pdf"
    digitizer, agency = (
        MarkPlace(p.x0, p.y0, p.x1, p.y1, p.rotation, p.page_index) for p in rendition.mark_places
    )
    signatures = sign_archived_file(
        workplace / "rendition.pdf",
        path,
        signer=desk.signer,
        digitizer=marks[0],
        agency=marks[1],
        places=(digitizer, agency),
        signed_at=at,
        timestamp_url=desk.settings.timestamp_url,
    )
    sha256, length = sha256_of_file(path)
    key = archived_file_key(subject.batch_id, subject.id, new_id())
    staged = desk.staging.put(key, path, sha256=sha256, retain_until=None, now=desk.now())
    part = Part(
        number=1,
        kind="main",
        title=None,
        member=archived_member(1),
        page_count=0,
        rendition_length=rendition.length,
        rendition_sha256=rendition.sha256,
        archived_length=length,
        archived_sha256=sha256,
        conformance=rendition.conformance,
        signatures=signatures,
    )
    return part, {"key": staged.key, "version": staged.version_id, "sha256": sha256}


def _scanned_on(captures: Sequence[Row[Any]], at: datetime) -> date:
    """Return the legal day of scanning: the first one a file states, else the day it was taken in."""
    return next((c.scanned_at for c in captures if c.scanned_at is not None), at).astimezone(LEGAL_TIME).date()


def _disputed(of_file: Any, of_row: str | None) -> bool:
    return bool(of_file and of_row and of_file.isoformat() != of_row)


def _review(
    subject: Row[Any], pages: Sequence[KeptPage], disagreeing: Sequence[str], *, disputed: bool, doubtful: bool
) -> tuple[str, ...]:
    """Return the slugs of why a person should look at the record."""
    found = set(subject.review) | set(disagreeing)
    found |= {"failed-page"} if any(p.state == "failed" for p in pages) else set()
    found |= {"closed-on-disagrees"} if disputed else set()
    found |= {DOUBTFUL} if doubtful else set()
    return tuple(sorted(found))


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
    (part,), (received,) = content.parts, content.received
    members = [
        Member(
            part.member,
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
            received.member,
            received.media_type,
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


def _page_facts(
    subject: Row[Any],
    captures: Sequence[Row[Any]],
    probe: FileProbe,
    pages: Sequence[KeptPage],
    rungs: Sequence[str],
    quality: Judged,
) -> list[PageFacts]:
    facts = []
    rows = {row.file_index: row for row in captures}
    together = zip(pages, probe.captures, rungs, quality.doubts, strict=True)
    for number, (kept, found, rung, doubts) in enumerate(together, start=1):
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
                confidence=round(text.confidence, 4) if text and not kept.blank else None,
                rung=rung,
                text_member=alto_member(number) if text else None,
                operator=row.operator,
                device=row.device,
                scanned_at=row.scanned_at,
                scanned_at_source=row.scanned_at_source,
                doubts=doubts,
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
    """Return the signatures found on the received file; one that could not be examined says why."""
    if not probe.signature_fields:
        return ()
    answer = desk.reader.signatures(received)
    if answer["problem"] is not None:
        return tuple(
            SignatureFacts(name, "foreign", None, None, None, False, {"unchecked": {"all": answer["problem"]}})
            for name in probe.signature_fields
        )
    return tuple(facts_of(found) for found in answer["signatures"])
