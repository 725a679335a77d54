"""What an item's package says of it: description and retention, pages, parties, signatures, doubts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from archive.database import reading
from archive.identifiers import new_id
from archive.package.layout import alto_member, received_member
from archive.pades.stamp import LEGAL_TIME
from archive.pades.validate import facts_of
from archive.record import (
    ContentPackage,
    FieldValue,
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
from ingest.describe import describe, disagreements, read_fields, value_of
from ingest.desk import Desk
from ingest.numbering import declared, frozen_file
from ingest.pages import KeptPage
from ingest.provenance import agents_of, derivation_of, events_of
from ingest.quality import DOUBTFUL, Judged, judged
from ingest.sealed import open_holder
from ingest.tables import capture
from ingest.worklist import Claim
from ocr.page import FileProbe, PageText
from ocr.pdfa.rendition import Rendition
from retention.schedule import retention_of


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item that has been read, with everything that was declared of it.

    head: its batch; person: who handed it over; row: of the manifest, None where it has none; captures: in the
    order of the file.
    """

    claim: Claim
    subject: Row[Any]
    received: Path
    probe: FileProbe
    pages: Sequence[KeptPage]
    head: Row[Any]
    person: Row[Any]
    row: Row[Any] | None
    from_manifest: tuple[FieldValue, ...]
    captures: Sequence[Row[Any]]

    @property
    def at(self) -> datetime:
        """When its package is made: fixed with its numbers."""
        return datetime.fromisoformat(self.claim.frozen["at"])

    @property
    def scanned_at(self) -> datetime:
        """The first time of scanning a file states, else when it was taken in."""
        return next((c.scanned_at for c in self.captures if c.scanned_at is not None), self.at)

    @property
    def texts(self) -> list[PageText | None]:
        """What was read, page by page; None for a page that failed."""
        return [page.reading.page if page.reading else None for page in self.pages]


def known_of(
    desk: Desk, claim: Claim, subject: Row[Any], received: Path, probe: FileProbe, pages: Sequence[KeptPage]
) -> KnownItem:
    """Return an item that has been read with what the catalogue knows of it."""
    head, from_manifest, row = declared(desk, subject)
    with reading(desk.engine) as connection:
        person = connection.execute(select(principal_table).where(principal_table.c.id == head.principal_id)).one()
        captures = connection.execute(
            select(capture).where(capture.c.item_id == subject.id).order_by(capture.c.file_index)
        ).all()
    return KnownItem(claim, subject, received, probe, pages, head, person, row, from_manifest, captures)


def content_of(desk: Desk, known: KnownItem, rendition: Rendition, part: Part) -> ContentPackage:
    """Return everything an item's package will say. part: its archived file, signed."""
    claim, subject, pages = known.claim, known.subject, known.pages
    agents = agents_of(claim, known.head, known.person)
    found = _source_signatures(desk, known.received, known.probe)
    fields = known.from_manifest + read_fields(known.texts[0] if known.texts else None)
    description = replace(describe(fields), dossier_code=value_of(fields, "dossier_code"))
    file = frozen_file(claim)
    row_closed = claim.frozen["row_closed_on"]
    closed_on = file.closed_on or (datetime.fromisoformat(row_closed).date() if row_closed else None)
    media_type = known.probe.media_type
    received = ReceivedFile(
        subject.sha256, subject.length, media_type, subject.file, received_member(subject.sha256, media_type)
    )
    quality = judged(
        pages,
        description,
        known.scanned_at.astimezone(LEGAL_TIME).date(),
        rules=desk.settings.quality_rules,
        sector=desk.settings.sector,
    )
    retention = retention_of(
        desk.rules, description, retention_class=value_of(fields, "retention_class"), closed_on=closed_on
    )
    return ContentPackage(
        objid=claim.frozen["objid"],
        work_item_id=claim.work_item_id,
        record_id=RecordId(claim.frozen["record"]),
        package_number=claim.frozen["package_number"],
        archive_number=claim.frozen["archive_number"],
        ordinal=claim.frozen["ordinal"],
        status="NEW",
        created_at=known.at,
        archival_file=file,
        custodian=UnitName(**claim.frozen["custodian"]),
        description=description,
        fields=fields,
        parties=_parties(desk, known.row),
        retention=retention,
        received=(received,),
        parts=(replace(part, title=description.subject, page_count=len(pages)),),
        pages=tuple(_page_facts(known, rendition.rungs, quality)),
        source_signatures=found,
        review=_review(
            subject,
            pages,
            disagreements(fields),
            disputed=_disputed(file.closed_on, row_closed),
            doubtful=quality.doubtful and desk.settings.doubtful_pages == "review",
        ),
        derivation={**derivation_of(desk, pages, rendition.describe()), "quality": quality.to_json()},
        agents=agents,
        events=events_of(claim, agents, known.at, media_type=media_type, found_signatures=bool(found)),
        batch_id=subject.batch_id,
        item_id=subject.id,
    )


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


def _page_facts(known: KnownItem, rungs: Sequence[str], quality: Judged) -> list[PageFacts]:
    facts = []
    rows = {row.file_index: row for row in known.captures}
    together = zip(known.pages, known.probe.captures, rungs, quality.doubts, strict=True)
    for number, (kept, found, rung, doubts) in enumerate(together, start=1):
        text = kept.reading.page if kept.reading else None
        row = rows[kept.index]
        facts.append(
            PageFacts(
                number=number,
                part_number=1,
                file_sha256=known.subject.sha256,
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
