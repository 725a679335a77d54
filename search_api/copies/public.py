"""What anyone holding a serial may know of a copy, and the little more for who also reads a value printed on it.

No login, hence no subject, no names, no record id, no archive number; the serial's 128 random bits are what a
stranger does not have. An unknown serial and one that is no serial get the same answer by the same look-ups.
CPY-8: a void or revoked copy is shown as such to everyone.
"""

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select

from archive import events
from archive.database import reading, writing
from archive.pades.claims import SERIAL
from archive.pades.stamp import LEGAL_TIME
from archive.record import PrincipalId
from archive.tables.holdings import record
from search_api.copies.case import legal_day
from search_api.copies.model import CopyKind
from search_api.copies.status import Entry, entry_by_serial
from search_api.copies.verify_words import Language, Verdict

ANONYMOUS = PrincipalId("anonymous-verifier")  # of access events nobody logged in for
_NOBODY = "-"  # neither a serial nor a record's id: looked up in the place of what there is not
_PRINTED_MAX = 200  # characters; an archive number has at most 140


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """What the page behind a QR shows. issued_on: legal day, None for a copy never issued.

    status: as in a verification. effect: the record's state of effect today (`archive.effects`).
    """

    serial: str
    kind: CopyKind
    agency: str
    number_text: str
    issued_on: date | None
    demo: bool
    status: Verdict
    effect: str

    def as_json(self, language: Language) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "serial": self.serial,
            "kind": self.kind,
            "agency": self.agency,
            "number": self.number_text,
            "issued_on": self.issued_on.isoformat() if self.issued_on else None,
            "demo": self.demo,
            "status": self.status.as_json(language),
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What the copy's holder reads on it anyway, to compare: of the document, never of a person.

    signed_at: the time in the copy's mark. sha256: of the whole file, to compare without uploading it.
    """

    document_type: str | None
    code_number: str | None
    code_notation: str | None
    issued_on: date | None
    archive_number: str
    signed_at: datetime
    sha256: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it; the day of issue is a legal day, the instant RFC 3339."""
        return {
            "document_type": self.document_type,
            "code_number": self.code_number,
            "code_notation": self.code_notation,
            "issued_on": self.issued_on.isoformat() if self.issued_on else None,
            "archive_number": self.archive_number,
            "signed_at": self.signed_at.isoformat(),
            "sha256": self.sha256,
        }


def public_status(engine: Engine, serial: str, *, now: datetime) -> PublicStatus | None:
    """Return what is public of the copy with this serial; None for one that is unknown or no serial at all."""
    entry = _find(engine, serial, now)
    if entry is None:
        return None
    facts = entry.facts
    return PublicStatus(
        serial=facts.serial,
        kind=facts.kind,
        agency=facts.agency,
        number_text=facts.number_text,
        issued_on=legal_day(facts.issued_at) if facts.issued_at else None,
        demo=facts.demo,
        status=entry.status,
        effect=entry.effect,
    )


def disclose(engine: Engine, serial: str, printed: str, *, now: datetime) -> Disclosed | None:
    """Return more of an issued copy to who gives its archive number or its time of signing `hh:mm:ss`.

    None otherwise, whatever is wrong. Both are compared in time that does not tell how much agrees. What is
    told is written to the access stream first.
    """
    entry = _find(engine, serial, now)
    if not _agrees(entry, printed, now) or entry is None:
        return None
    if entry.facts.status in ("reserved", "void") or entry.status.reason == "record-withdrawn":
        return None  # never handed to anyone; or withdrawn since, when a mark of secrecy was found
    _note_disclosure(engine, entry, now)
    with reading(engine) as connection:
        about = connection.execute(select(record).where(record.c.id == entry.facts.record_id)).one()
    return Disclosed(
        document_type=about.document_type,
        code_number=about.code_number,
        code_notation=about.code_notation,
        issued_on=about.issued_on,
        archive_number=about.archive_number,
        signed_at=entry.signed_at,
        sha256=entry.facts.sha256,
    )


def _find(engine: Engine, serial: str, now: datetime) -> Entry | None:
    # A malformed serial is looked up too, so that the time of an answer does not tell the two apart.
    with reading(engine) as connection:
        return entry_by_serial(connection, serial if SERIAL.fullmatch(serial) else _NOBODY, now=now)


def _agrees(entry: Entry | None, printed: str, now: datetime) -> bool:
    given = _folded(printed)
    number = entry.archive_number if entry is not None else _NOBODY
    signed_at = (entry.signed_at if entry is not None else now).astimezone(LEGAL_TIME)
    expected = (_folded(number), _folded(signed_at.strftime("%H:%M:%S")))
    found = [hmac.compare_digest(given, value) for value in expected]
    return entry is not None and any(found)


def _folded(text: str) -> bytes:
    """A printed value as it is compared: NFKC, without white space, capitals ignored."""
    return "".join(unicodedata.normalize("NFKC", text[:_PRINTED_MAX]).split()).casefold().encode(errors="replace")


def _note_disclosure(engine: Engine, entry: Entry, at: datetime) -> None:
    with writing(engine) as connection:
        payload = {"copy": entry.copy_id, "record": entry.facts.record_id}
        events.append(connection, "access", "copy.disclosed", principal=ANONYMOUS, at=at, payload=payload)
