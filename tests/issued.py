"""Copies for tests: signed by `sign_copy` from a real package, entered in the register as issuing does."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from holdings import Holdings
from sqlalchemy import Engine, insert, select, update

from archive.database import reading, writing
from archive.digest import sha256_of_bytes, sha256_of_file
from archive.identifiers import new_id
from archive.package.read import open_package
from archive.pades.claims import Claims
from archive.pades.copies import inspect_copy_in_jail
from archive.pades.stamp import LEGAL_TIME
from archive.record import ContentPackage, RecordId
from archive.retrieve import current_package
from archive.tables.copies import copy, copy_register, copy_request
from search_api.copies.model import CopyKind
from search_api.copies.stamp import CopyMark, sign_copy
from search_api.copies.verify import Report, exit_code, judge


@dataclass(frozen=True)
class Issued:
    """A copy with its place in the register."""

    path: Path
    serial: str
    record: RecordId
    content: ContentPackage


def issue(
    held: Holdings,
    record: RecordId,
    out: Path,
    *,
    at: datetime,
    kind: CopyKind = "office-copy",
    url: str = "",
    usable_until: date | None = None,
) -> Issued:
    """Sign a copy of a record and enter it as issued."""
    content, _row = content_of(held, record)
    serial = new_id()
    register, number = _number(held, content.custodian.id, at)
    mark = CopyMark(
        kind=kind,
        agency_id=content.custodian.id,
        agency_name=content.custodian.name,
        number_text=f"{number:02d}/{at.astimezone(LEGAL_TIME).year}",
        book=1,
        archive_number=content.archive_number,
        serial=serial,
        url=f"{url}{serial}",
    )
    rendition = held.folder / "file" / "rendition.pdf"
    sign_copy(rendition, out, content=content, mark=mark, signer=held.signer, signed_at=at, timestamp_url=None)
    enter(held, record, out, mark, register=register, number=number, at=at, usable_until=usable_until)
    return Issued(out, serial, record, content)


def enter(
    held: Holdings,
    record: RecordId,
    path: Path,
    mark: CopyMark,
    *,
    at: datetime,
    register: str | None = None,
    number: int = 0,
    usable_until: date | None = None,
) -> None:
    """Enter a signed file as an issued copy of a record, with the request it answers."""
    if register is None:
        register, number = _number(held, mark.agency_id, at)
    _content, row = content_of(held, record)
    sha256, length = sha256_of_file(path)
    request = new_id()
    with writing(held.engine) as connection:
        connection.execute(
            insert(copy_request).values(
                id=request,
                record_id=record,
                kind=mark.kind,
                requested_by=held.admin,
                capacity="officer",
                purpose="test",
                received_at=at,
                state="done",
                valid_until=usable_until,
            )
        )
        connection.execute(
            insert(copy).values(
                id=new_id(),
                serial=mark.serial,
                request_id=request,
                register_id=register,
                number=number,
                kind=mark.kind,
                record_id=record,
                package_number=row.number,
                package_sha256=row.sha256,
                status="issued",
                demo=True,
                sha256=sha256,
                length=length,
                frozen={"agency_name": mark.agency_name, "number_text": mark.number_text},
                reserved_at=at,
                issued_at=at,
            )
        )


def content_of(held: Holdings, record: RecordId) -> tuple[ContentPackage, Any]:
    """Return what a record's newest content package says, and its row."""
    with reading(held.engine) as connection:
        row = current_package(connection, record)
    with held.store.read(row.object_key, row.version_id) as stream, open_package(stream) as package:
        return package.content(), row


def change_copy(held: Holdings, serial: str, **values: Any) -> None:
    """Change the register's row of a copy, as revoking or voiding does."""
    with writing(held.engine) as connection:
        connection.execute(update(copy).where(copy.c.serial == serial).values(**values))


def _number(held: Holdings, agency: str, at: datetime) -> tuple[str, int]:
    with writing(held.engine) as connection:
        found = connection.execute(
            select(copy_register.c.id, copy_register.c.last_number).where(copy_register.c.agency_unit_id == agency)
        ).one_or_none()
        number = found.last_number + 1 if found else 1
        if found is None:
            register = new_id()
            connection.execute(
                insert(copy_register).values(
                    id=register,
                    agency_unit_id=agency,
                    series="copies",
                    year=at.astimezone(LEGAL_TIME).year,
                    book=1,
                    last_number=1,
                    opened_at=at,
                )
            )
            return register, number
        connection.execute(update(copy_register).where(copy_register.c.id == found.id).values(last_number=number))
        return found.id, number


class Examiner:
    """Says what a verification says of bytes, without the jail around it."""

    def __init__(self, folder: Path, engine: Engine, root: x509.Certificate, now: datetime) -> None:
        self._path, self._engine, self._now = folder / "shown.pdf", engine, now
        self._pem = root.public_bytes(Encoding.PEM).decode()

    def both(self, data: bytes) -> tuple[Report, Report]:
        """Return the report with the register, and the one with the root alone."""
        self._path.write_bytes(data)
        claims = Claims.from_json(inspect_copy_in_jail(str(self._path), [self._pem]))
        sha256 = sha256_of_bytes(data)
        with_register = judge(claims, sha256=sha256, engine=self._engine, with_roots=True, now=self._now)
        return with_register, judge(claims, sha256=sha256, engine=None, with_roots=True, now=self._now)

    def reason(self, data: bytes) -> str:
        """Return why the integrity of bytes is invalid, with the register."""
        report = self.both(data)[0]
        assert report.integrity.verdict == "invalid", report.integrity
        assert exit_code(report) == 3
        return report.integrity.reason


def verdicts(report: Report) -> list[tuple[str, str]]:
    return [(v.verdict, v.reason) for v in (report.integrity, report.status, report.issuer)]
