"""Makes a reserved copy's file: revision 1 out of the package, signed, checked, and put where it belongs.

Everything the file says was frozen with the reservation, so that without a time stamp the same bytes come out
however often it is made.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Row, select

from archive import failpoints
from archive.database import reading
from archive.deposit import read_back
from archive.digest import CHUNK, sha256_of_file, sha256_of_stream
from archive.errors import DigestMismatch, KeyTaken
from archive.fixity.named import named_by_key
from archive.fixity.reading import Wanted, from_good_copy, require_digest
from archive.keys import copy_key
from archive.package.read import open_package
from archive.pades.copies import inspect_copy_in_jail
from archive.pades.sign import COPY_FIELD
from archive.pades.validate import validate_own
from archive.record import ContentPackage, PrincipalId
from archive.stores.port import StoredObject
from archive.tables.copies import copy_request
from search_api.copies.model import CopyDesk
from search_api.copies.stamp import CopyMark, sign_copy
from search_api.errors import CopyInvalid, CopyObjectTaken

END_OF_REVISION = b"%%EOF"


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A signed copy in scratch, checked. rendition: revision 1 of the archived file, beside it."""

    path: Path
    rendition: Path
    sha256: str
    level: str
    demo: bool


def mark_of(numbered: Row[Any]) -> CopyMark:
    """Return what page 1 of a reserved copy shows."""
    frozen = numbered.frozen
    return CopyMark(
        kind=numbered.kind,
        agency_id=frozen["agency"],
        agency_name=frozen["agency_name"],
        number_text=frozen["number_text"],
        book=frozen["book"],
        archive_number=frozen["archive_number"],
        serial=numbered.serial,
        url=frozen["url"],
    )


def make_copy(desk: CopyDesk, numbered: Row[Any], folder: Path) -> MadeCopy:
    """Make a reserved copy's file in a folder: cut, sign, check.

    Raises DigestMismatch, ObjectNotFound, PackageInvalid, StoreUnavailable; SigningFailed, FontMissing,
    MarkDoesNotFit, MarkPlacesUnknown; CopyInvalid.
    """
    frozen = numbered.frozen
    rendition, out = folder / "rendition.pdf", folder / "copy.pdf"
    content = cut_rendition(desk, numbered, rendition)
    facts = sign_copy(
        rendition,
        out,
        content=content,
        mark=mark_of(numbered),
        signer=desk.signer,
        signed_at=datetime.fromisoformat(frozen["signed_at"]),
        timestamp_url=frozen["timestamp_url"],
    )
    level = "B-T" if frozen["timestamp_url"] else "B-B"
    if facts.field != COPY_FIELD or facts.level != level:
        raise CopyInvalid(f"it carries {facts.field} at {facts.level}, not {COPY_FIELD} at {level}")
    sha256 = check_revisions(rendition, out)
    return MadeCopy(out, rendition, sha256, level, facts.demo)


def cut_rendition(desk: CopyDesk, numbered: Row[Any], out: Path) -> ContentPackage:
    """Write revision 1 of the archived file to out and return what its package says.

    The whole stored package is compared with its recorded digest first, then the archived file, then the
    revision. Raises DigestMismatch, ObjectNotFound, PackageInvalid, StoreUnavailable.
    """
    frozen = numbered.frozen
    wanted = _source(desk, numbered)

    def cut(stream: BinaryIO) -> ContentPackage:
        require_digest(stream, wanted)
        with open_package(stream) as package:
            content = package.content()
            with package.open(frozen["member"]) as member:
                _cut(member, frozen["rendition_length"], out)
                member.seek(0)
                whole, _ = sha256_of_stream(member)
        if whole != frozen["archived_sha256"]:
            raise DigestMismatch(frozen["member"], frozen["archived_sha256"], whole)
        first, _ = sha256_of_file(out)
        if first != frozen["rendition_sha256"]:
            raise DigestMismatch(f"{frozen['member']}, revision 1", frozen["rendition_sha256"], first)
        return content

    return from_good_copy(desk.engine, desk.store, wanted, cut)


def _source(desk: CopyDesk, numbered: Row[Any]) -> Wanted:
    """Return the package a copy is made from; once restored, by the version that stands for the frozen one."""
    key, sha256 = numbered.frozen["package_key"], numbered.package_sha256
    with reading(desk.engine) as connection:
        named = named_by_key(connection, [key]).get(key)
        asked_by = connection.execute(
            select(copy_request.c.requested_by).where(copy_request.c.id == numbered.request_id)
        ).scalar_one()
    same = named is not None and named.sha256 == sha256
    version = named.version_id if named is not None and same else numbered.frozen["package_version"]
    return Wanted(key, version, sha256, PrincipalId(asked_by), desk.now())


def _cut(member: BinaryIO, length: int, out: Path) -> None:
    with out.open("wb") as target:
        left = length
        while left and (chunk := member.read(min(CHUNK, left))):
            target.write(chunk)
            left -= len(chunk)


def check_revisions(rendition: Path, path: Path) -> str:
    """Return the SHA-256 of a copy that begins with the rendition and is one revision longer.

    Raises CopyInvalid.
    """
    with rendition.open("rb") as before, path.open("rb") as after:
        while chunk := before.read(CHUNK):
            if after.read(len(chunk)) != chunk:
                raise CopyInvalid("it does not begin with revision 1 of the archived file")
        added = after.read()
    if added.count(END_OF_REVISION) != 1 or not added.rstrip().endswith(END_OF_REVISION):
        raise CopyInvalid("it is not exactly one revision longer than the archived file's first")
    return sha256_of_file(path)[0]


def deposit_copy(
    desk: CopyDesk, numbered: Row[Any], made: MadeCopy, *, retain_until: datetime, now: datetime
) -> StoredObject:
    """Store a copy under its own key, or adopt what an earlier attempt at it left there; read it back.

    What is found there must be byte for byte what was made now. With a time stamp no two attempts are alike:
    then it must be this copy by its signature, its time and its serial. Raises CopyObjectTaken, StoreUnavailable.
    """
    # A number reserved by a program that knew one store says nothing of it.
    key = copy_key(numbered.id, apart=numbered.frozen.get("apart", False))
    try:
        stored = desk.store.put(key, made.path, sha256=made.sha256, retain_until=retain_until, now=now)
    except KeyTaken as taken:
        stored = desk.store.head(key)
        if stored.sha256 != made.sha256 and not _is_this_copy(desk, numbered, made, stored):
            raise CopyObjectTaken(key) from taken
    failpoints.passing("copy-put")
    # Asked again, for what is written down is what the store says, not what it was told.
    stored = desk.store.head(key, stored.version_id)
    if stored.retain_until is None or stored.retain_until < retain_until:
        stored = desk.store.extend(key, stored.version_id, retain_until)
    read_back(desk.store, stored)
    return stored


def _is_this_copy(desk: CopyDesk, numbered: Row[Any], made: MadeCopy, stored: StoredObject) -> bool:
    if made.level != "B-T":
        return False
    found = made.path.with_name("found.pdf")
    wanted = replace(_source(desk, numbered), key=stored.key, version_id=stored.version_id, sha256=stored.sha256)
    fetch_copy(desk, wanted, found)
    try:
        check_revisions(made.rendition, found)
    except CopyInvalid:
        return False
    credential = desk.signer.credential(mark_of(numbered).role)
    verdict = validate_own(found, [(credential.certificate, *credential.chain)[-1]])
    signed_at = datetime.fromisoformat(numbered.frozen["signed_at"])
    return (
        verdict.valid
        and [(one.field, one.level, one.signed_at) for one in verdict.signatures]
        == [(COPY_FIELD, "B-T", signed_at)]
        and inspect_copy_in_jail(str(found), [])["serials"] == [numbered.serial]
    )


def fetch_copy(desk: CopyDesk, wanted: Wanted, out: Path) -> None:
    """Write a stored copy to a file and check it. Raises DigestMismatch, ObjectNotFound: out is then gone."""

    def fetch(stream: BinaryIO) -> None:
        with out.open("wb") as target:
            while chunk := stream.read(CHUNK):
                target.write(chunk)
        found, _ = sha256_of_file(out)
        if found != wanted.sha256:
            out.unlink()
            raise DigestMismatch(wanted.key, wanted.sha256, found)

    from_good_copy(desk.engine, desk.store, wanted, fetch)
