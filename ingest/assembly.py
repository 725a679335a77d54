"""From pages read to a frozen package: build and sign the PDF/A, describe the record, freeze all of it.

Every id, time and file that goes into the package is fixed in the work item before packaging starts; from
then on the package can be written again, anywhere, with equal bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from archive import failpoints
from archive.database import writing
from archive.digest import sha256_of_file
from archive.identifiers import new_id
from archive.keys import archived_file_key
from archive.package.json import content_to_json
from archive.package.layout import archived_member
from archive.pades.font import find_font
from archive.pades.room import room_for_marks
from archive.pades.sign import sign_archived_file
from archive.pades.stamp import Mark, MarkPlace, agency_mark, digitizer_mark
from archive.record import (
    ContentPackage,
    Member,
    Part,
)
from ingest import timings, worklist
from ingest.content import KnownItem, content_of, known_of
from ingest.desk import Desk, fetch
from ingest.pages import KeptPage, document_of
from ingest.worklist import Claim
from ocr.page import FileProbe
from ocr.pdfa.rendition import Rendition


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
    known = known_of(desk, claim, subject, received, probe, pages)
    at = known.at
    marks = _marks(known)
    with timings.stage("build"):
        rendition = desk.reader.build(
            received,
            probe,
            known.texts,
            workplace / "rendition.pdf",
            title=claim.frozen["archive_number"],
            made_at=at,
            document_id=claim.frozen["objid"],
            mark_sizes=_mark_sizes(desk, claim, marks, at),
        )
    with timings.stage("sign"):
        part, archived = _sign(desk, subject, rendition, marks, workplace, at)
    failpoints.passing("signed")
    content = content_of(desk, known, rendition, part)
    frozen = {**claim.frozen, "content": content_to_json(content), "archived": archived}
    with writing(desk.engine) as connection:
        claim = worklist.freeze(connection, claim, frozen, now=desk.now())
    failpoints.passing("frozen")
    return claim


def _marks(known: KnownItem) -> tuple[Mark, Mark]:
    """Return the digitizer's and the agency's marks (SIG-1, SIG-4)."""
    name = known.head.operator or known.person.display_name
    custodian = known.claim.frozen["custodian"]
    return (
        digitizer_mark(f"digitizer:{known.person.id}", name=name, scanned_at=known.scanned_at),
        agency_mark(
            f"agency:{custodian['id']}", agency_name=custodian["name"], signed_at=known.at, converter=name
        ),
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
            body = document_of(kept.reading, page)
            members.append(Member(page.text_member, "application/xml", body))
    return members
