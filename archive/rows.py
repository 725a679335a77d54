"""A content package as rows of the catalogue: the same for a fresh deposit and for a rebuild from the vault."""

import base64
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from archive.database import insert_new
from archive.identifiers import new_id
from archive.record import ContentPackage
from archive.tables.holdings import record_party
from archive.tables.parties import party, party_identifier, party_name


def reserved_values(file_id: str, ordinal: int, number: str, custodian_id: str, at: datetime) -> dict[str, Any]:
    """Return a record row's values, but for its id, before anything is known of what it will hold."""
    return {
        "archival_file_id": file_id,
        "ordinal": ordinal,
        "archive_number": number,
        "state": "reserved",
        "custodian_unit_id": custodian_id,
        "managing_unit_id": custodian_id,
        "languages": [],
        "source_form": "unknown",
        "source_status": "unknown",
        "access_mode": "02",
        "sensitivity_level": 1,
        "personal_data_class": "basic",
        "received_at": at,
    }


def record_values(content: ContentPackage) -> dict[str, Any]:
    """Return the record row's values that a deposit sets; the record is a candidate from now on."""
    d, r = content.description, content.retention
    return {
        "state": "candidate",
        "issuing_body": d.issuing_body,
        "document_type": d.document_type,
        "code_number": d.code_number,
        "code_notation": d.code_notation,
        "issued_on": d.issued_on,
        "issued_on_precision": d.issued_on_precision,
        "subject": d.subject,
        "signer_name": d.signer_name,
        "signer_position": d.signer_position,
        "languages": list(d.languages),
        "valid_from": d.valid_from,
        "valid_until": d.valid_until,
        "source_form": d.source_form,
        "source_status": d.source_status,
        "original_book_body": d.original_book_body,
        "original_book": d.original_book,
        "original_number": d.original_number,
        "original_date": d.original_date,
        "access_mode": d.access_mode,
        "sensitivity_level": d.sensitivity_level,
        "personal_data_class": d.personal_data_class,
        "retention_class": r.retention_class,
        "retention_rule": r.rule,
        "retention_citation": r.citation,
        "retention_mark": r.mark,
        "keep_until": r.keep_until,
        "permanent": r.permanent,
        "note": d.note,
    }


def part_rows(content: ContentPackage) -> list[dict[str, Any]]:
    """Return a row for each part."""
    return [
        {
            "record_id": content.record_id,
            "package_number": content.package_number,
            "number": p.number,
            "kind": p.kind,
            "title": p.title,
            "member": p.member,
            "page_count": p.page_count,
            "rendition_length": p.rendition_length,
            "rendition_sha256": p.rendition_sha256,
            "archived_length": p.archived_length,
            "archived_sha256": p.archived_sha256,
            "conformance": p.conformance,
        }
        for p in content.parts
    ]


def page_rows(content: ContentPackage) -> list[dict[str, Any]]:
    """Return a row for each page."""
    names = [
        "number",
        "part_number",
        "file_sha256",
        "file_index",
        "image_sha256",
        "sheet",
        "face",
        "note",
        "width_px",
        "height_px",
        "dpi",
        "colour",
        "quarter_turns",
        "state",
        "failure",
        "confidence",
        "rung",
        "operator",
        "device",
        "scanned_at",
        "scanned_at_source",
    ]
    return [
        {
            "record_id": content.record_id,
            "package_number": content.package_number,
            **{name: getattr(p, name) for name in names},
        }
        for p in content.pages
    ]


def signature_rows(content: ContentPackage) -> list[dict[str, Any]]:
    """Return a row for each signature: ours by part, those found on received files without one."""
    found = [(p.number, s) for p in content.parts for s in p.signatures]
    found += [(0, s) for s in content.source_signatures]
    return [
        {
            "id": new_id(),
            "record_id": content.record_id,
            "package_number": content.package_number,
            "part_number": number or None,
            "field": s.field,
            "role": s.role,
            "certificate_sha256": s.certificate_sha256,
            "signed_at": s.signed_at,
            "level": s.level,
            "demo": s.demo,
            "validation": s.validation,
        }
        for number, s in found
    ]


def field_rows(content: ContentPackage, at: datetime) -> list[dict[str, Any]]:
    """Return a row for each field value of each source."""
    return [
        {
            "id": new_id(),
            "record_id": content.record_id,
            "package_number": content.package_number,
            "name": f.name,
            "source": f.source,
            "raw": f.raw,
            "normalised": f.normalised,
            "problem": f.problem,
            "confidence": f.confidence,
            "page_number": f.page_number,
            "boxes": [list(box) for box in f.boxes],
            "recorded_at": at,
        }
        for f in content.fields
    ]


def find_party(connection: Connection, scheme: str, lookup: str, key_version: int) -> str | None:
    """Return the party an identifier belongs to."""
    return connection.execute(
        select(party_identifier.c.party_id).where(
            party_identifier.c.scheme == scheme,
            party_identifier.c.lookup == lookup,
            party_identifier.c.lookup_key_version == key_version,
        )
    ).scalar_one_or_none()


def store_parties(connection: Connection, content: ContentPackage, at: datetime) -> None:
    """Add the package's parties, their sealed identifiers and names, and their roles, where they are new."""
    for one in content.parties:
        insert_new(connection, party, {"id": one.party_id, "kind": one.kind, "created_at": at})
        for identifier in one.identifiers:
            # Found already, it is known by its first party; which of two new ones comes first, the database says.
            sealed = {
                "id": new_id(),
                "party_id": one.party_id,
                "scheme": identifier.scheme,
                "lookup": identifier.lookup,
                "lookup_key_version": identifier.lookup_key_version,
                "ciphertext": base64.b64decode(identifier.value.ciphertext),
                "cipher_key_version": identifier.value.key_version,
            }
            insert_new(connection, party_identifier, sealed)
        for name in one.names:
            connection.execute(
                insert(party_name).values(
                    id=new_id(),
                    party_id=one.party_id,
                    ciphertext=base64.b64decode(name.ciphertext),
                    cipher_key_version=name.key_version,
                    recorded_at=at,
                )
            )
        connection.execute(
            insert(record_party).values(record_id=content.record_id, party_id=one.party_id, role=one.role)
        )
