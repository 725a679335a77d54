"""Packages that the vault has and its log does not tell of yet: deposits of the last minute before a loss.

A package says all that its rows need. Its event is appended now, by the archive's first principal.
"""

from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select

from archive import ledger, reservations
from archive.database import insert_new, reading, writing
from archive.digest import sha256_of_stream
from archive.doctor import Finding
from archive.errors import ArchiveError, DigestMismatch, PackageInvalid
from archive.keys import COPIES, PACKAGES, RESTRICTED
from archive.package.read import open_package
from archive.rebuild.acts import Vault, add_effect, set_accepted
from archive.record import ContentPackage, PrincipalId, RecordId, SupplementPackage
from archive.rows import reserved_values
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.copies import copy
from archive.tables.holdings import fonds, record
from archive.tables.packages import package
from archive.tables.principals import principal
from archive.text_deposit import told_of


def adopt_packages(engine: Engine, vault: Vault, *, at: datetime) -> int:
    """Adopt every package that no row tells of; return how many. What cannot be is a problem of the vault."""
    with reading(engine) as connection:
        known = set(connection.execute(select(package.c.object_key)).scalars())
        copies = set(connection.execute(select(copy.c.object_key)).scalars())
        first = connection.execute(
            select(principal.c.id).order_by(principal.c.created_at, principal.c.id).limit(1)
        ).scalar_one_or_none()
    adopted = 0
    for apart in ("", RESTRICTED):
        # In key order a record's packages follow each other, the content before what is about it.
        for stored in vault.store.list_versions(f"{apart}{PACKAGES}"):
            if stored.key not in known:
                adopted += _adopt(engine, vault, stored, first, at)
        for stored in vault.store.list_versions(f"{apart}{COPIES}"):
            if stored.key not in copies:
                told = "a copy no event tells of; it was never given out"
                vault.problems.append(Finding("copy-without-event", stored.key, told))
    return adopted


def _adopt(engine: Engine, vault: Vault, stored: StoredObject, by: str | None, at: datetime) -> int:
    try:
        if by is None:
            raise PackageInvalid("the vault's log names nobody who could adopt it")
        said = _read(vault.store, stored)
        with writing(engine) as connection:
            if isinstance(said, ContentPackage):
                _adopt_content(connection, said, stored, PrincipalId(by), at)
            else:
                _adopt_supplement(connection, said, stored, at)
    except ArchiveError as error:
        vault.problems.append(Finding(error.code, stored.key, str(error)))
        return 0
    return 1


def _read(store: ObjectStore, stored: StoredObject) -> ContentPackage | SupplementPackage:
    with store.read(stored.key, stored.version_id) as stream:
        found, _ = sha256_of_stream(stream)
        if found != stored.sha256:
            raise DigestMismatch(stored.key, stored.sha256, found)
        stream.seek(0)
        with open_package(stream) as opened:
            opened.verify()
            return opened.supplement() if opened.is_supplement else opened.content()


def _adopt_content(
    connection: Connection, content: ContentPackage, stored: StoredObject, by: PrincipalId, at: datetime
) -> None:
    file = content.archival_file
    custodian = connection.execute(
        select(fonds.c.unit_id).where(fonds.c.code == file.fonds_code)
    ).scalar_one_or_none()
    if custodian is None:
        raise PackageInvalid(f"its fonds {file.fonds_code} is not in the log")
    reservations.open_archival_file(connection, file, at=at, principal=by)
    ordinal = int(content.archive_number.rpartition(".")[2])
    reservations.keep_ordinal(connection, file.id, ordinal)
    values = reserved_values(file.id, ordinal, content.archive_number, custodian, at)
    if insert_new(connection, record, {"id": content.record_id, **values}):
        reservations.tell_reserved(
            connection,
            content.record_id,
            number=content.archive_number,
            file_id=file.id,
            ordinal=ordinal,
            work_item_id=content.work_item_id,
            at=at,
            principal=by,
        )
    _reserve(connection, content.record_id, content.package_number, stored, content.objid, content.work_item_id)
    ledger.record_deposit(connection, content, stored, at=at, principal=by)


def _adopt_supplement(connection: Connection, said: SupplementPackage, stored: StoredObject, at: datetime) -> None:
    known = connection.execute(select(record.c.id).where(record.c.id == said.record_id)).first()
    if known is None:
        raise PackageInvalid("the record it is about is not in the vault")
    # What an attempt repeated is known by, so that it is not deposited twice.
    act = said.body.get({"effect": "effect", "text": "reading"}.get(said.about, ""))
    _reserve(connection, said.record_id, said.package_number, stored, said.objid, act, about=said.about)
    told = told_of(said.body) if said.about == "text" else dict(said.body)
    ledger.record_supplement(connection, said, stored, at=at, payload=told)
    if said.about == "acceptance":
        set_accepted(connection, said.record_id, said.body, at=said.created_at, by=said.principal_id)
    elif said.about == "effect":
        where = (said.record_id, said.package_number, said.body)
        add_effect(connection, *where, at=said.created_at, by=said.principal_id)


def _reserve(
    connection: Connection,
    record_id: RecordId,
    number: int,
    stored: StoredObject,
    objid: str,
    work_item_id: str | None,
    *,
    about: str | None = None,
) -> None:
    connection.execute(
        insert(package).values(
            record_id=record_id,
            number=number,
            kind="content" if about is None else "supplement",
            about=about,
            state="reserved",
            work_item_id=work_item_id,
            objid=objid,
            object_key=stored.key,
        )
    )
