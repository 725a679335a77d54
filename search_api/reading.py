"""Opens what is in a record for someone entitled to it, its access event committed first.

1. Is there such a record for this caller, this act and this purpose? 2. The event is written in a transaction
that asks the same again. 3. Only then the object is opened; what is handed out is compared with its digest first.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, select

from archive import events
from archive.access.policy import Act, Caller, units_for
from archive.access.subjects import find_for, subject_of
from archive.database import reading, writing
from archive.digest import sha256_of_file, sha256_of_stream
from archive.errors import DigestMismatch, NotFound
from archive.fixity.reading import Wanted, damage_reported, from_good_copy, opened_good
from archive.package.read import Package, open_package
from archive.record import PageFacts, RecordId
from archive.retrieve import current_package, describe_record
from archive.tables.packages import part
from archive.texts import opened_texts as texts_in_force
from search_api.services import Services

COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Access:
    """Who reads what for what: the act that is judged, and the name its event has."""

    caller: Caller
    name: str
    act: Act
    event: str
    purpose: str | None


def find(services: Services, access: Access) -> RecordId:
    """Return the record this access is allowed to. Raises NotFound (unknown or forbidden), PurposeNeeded."""
    with reading(services.engine) as connection:
        return _find(connection, access)


def _find(connection: Connection, access: Access) -> RecordId:
    return find_for(connection, access.caller, access.act, access.name, purpose=access.purpose)


def describe(services: Services, access: Access) -> dict[str, Any]:
    """Return a record's description without logging it; `log` before it leaves. Raises NotFound, PurposeNeeded."""
    with reading(services.engine) as connection:
        return describe_record(connection, _find(connection, access))


def log(services: Services, access: Access, **facts: Any) -> tuple[RecordId, Row[Any]]:
    """Commit the access event and return the record with its current package's row."""
    find(services, access)  # a refusal needs no write lock
    with writing(services.engine) as connection:
        record_id = _find(connection, access)
        row = current_package(connection, record_id)
        payload = {
            "record": record_id,
            "package": row.number,
            "sha256": row.sha256,
            "purpose": access.purpose,
            **facts,
        }
        events.append(
            connection,
            "access",
            access.event,
            principal=access.caller.principal,
            at=services.now(),
            payload=payload,
        )
    return record_id, row


@contextmanager
def opened(services: Services, access: Access, **facts: Any) -> Iterator[tuple[RecordId, Package]]:
    """Commit the access event, then open the record's current package."""
    record_id, row = log(services, access, **facts)
    wanted = _wanted(services, access, row)
    with (
        opened_good(services.engine, services.store, wanted, whole=False) as stream,
        damage_reported(services.engine, services.store, wanted),
        open_package(stream) as package,
    ):
        yield record_id, package


@contextmanager
def opened_texts(
    services: Services, access: Access, **facts: Any
) -> Iterator[tuple[RecordId, tuple[PageFacts, ...], Package]]:
    """Commit the access event, then open the texts in force: the pages, and the package their texts are in."""
    record_id, row = log(services, access, **facts)
    wanted = _wanted(services, access, row)
    with (
        opened_good(services.engine, services.store, wanted, whole=False) as stream,
        damage_reported(services.engine, services.store, wanted),
        open_package(stream) as content,
        texts_in_force(
            services.engine, services.store, row, content, principal=wanted.principal, at=wanted.at
        ) as (pages, package),
    ):
        yield record_id, pages, package


def _wanted(services: Services, access: Access, row: Row[Any]) -> Wanted:
    return Wanted(row.object_key, row.version_id, row.sha256, access.caller.principal, services.now())


def main_file_sha256(services: Services, access: Access) -> str:
    """Return the digest of the signed PDF/A of part 1, from the catalogue."""
    with reading(services.engine) as connection:
        record_id = _find(connection, access)
        row = current_package(connection, record_id)
        return str(
            connection.execute(
                select(part.c.archived_sha256).where(
                    part.c.record_id == record_id, part.c.package_number == row.number, part.c.number == 1
                )
            ).scalar_one()
        )


def main_file(services: Services, access: Access) -> tuple[BinaryIO, int, str]:
    """Return the signed PDF/A of part 1 as an open file, with its length and digest. Raises DigestMismatch."""

    def main(stored: BinaryIO) -> tuple[BinaryIO, int, str]:
        with open_package(stored) as package:
            part = package.content().parts[0]
            with package.open(part.member) as stream:
                return _kept(services, stream, part.member, part.archived_sha256)

    _, row = log(services, access)
    return from_good_copy(services.engine, services.store, _wanted(services, access, row), main)


def whole_package(services: Services, access: Access) -> tuple[BinaryIO, int, str, str]:
    """Return the current package as an open file, with its length, digest and OBJID. Raises DigestMismatch."""
    _, row = log(services, access)
    kept = from_good_copy(
        services.engine,
        services.store,
        _wanted(services, access, row),
        lambda stream: _kept(services, stream, row.object_key, row.sha256),
    )
    return *kept, row.objid


def page_of(pages: Iterable[PageFacts], number: int, name: str) -> PageFacts:
    """Return a page's facts. Raises NotFound."""
    for page in pages:
        if page.number == number:
            return page
    raise NotFound("page of record", name)


def page_file(services: Services, package: Package, page: PageFacts) -> tuple[Path, int]:
    """Copy the archived file a page is in to scratch, its digest checked; return the copy, which the caller
    removes, and the page's index in it, from 0. Raises DigestMismatch."""
    content = package.content()
    of_part = next(one for one in content.parts if one.number == page.part_number)
    index = sum(1 for one in content.pages if one.part_number == page.part_number and one.number < page.number)
    services.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=services.scratch, suffix=".pdf", delete=False) as out:
        with package.open(of_part.member) as stream:
            while chunk := stream.read(COPY_BYTES):
                out.write(chunk)
        out.flush()
        path = Path(out.name)
        found, _ = sha256_of_file(path)
        if found != of_part.archived_sha256:
            path.unlink()
            raise DigestMismatch(of_part.member, of_part.archived_sha256, found)
        return path, index


def sees_identifiers(services: Services, access: Access) -> bool:
    """Say whether the caller may see identifier-like numbers in the text of a record."""
    with reading(services.engine) as connection:
        subject = subject_of(connection, access.name)
    seen_in = units_for(access.caller, "identifier.see", purpose=access.purpose)
    return subject is not None and bool(seen_in & subject.units)


def _kept(services: Services, stream: BinaryIO, key: str, sha256: str) -> tuple[BinaryIO, int, str]:
    """Copy a stream to a nameless file in scratch, compare it, and return it at its beginning."""
    services.scratch.mkdir(parents=True, exist_ok=True)
    copy: BinaryIO = tempfile.TemporaryFile(dir=services.scratch)  # noqa: SIM115
    while chunk := stream.read(COPY_BYTES):
        copy.write(chunk)
    copy.seek(0)
    found, length = sha256_of_stream(copy)
    if found != sha256:
        copy.close()
        raise DigestMismatch(key, sha256, found)
    copy.seek(0)
    return copy, length, sha256
