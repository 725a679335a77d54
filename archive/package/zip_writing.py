"""Writes the zip of a package: stored members under one folder, nothing in it of the day, the host or the user."""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archive.digest import CHUNK, sha256_of_file
from archive.errors import DigestMismatch, PackageTooLarge
from archive.package.layout import MEMBERS_MAX, METADATA_MAX
from archive.package.mets import Listed
from archive.record import Member

PACKAGE_MAX = 5 << 30  # bytes: the largest object every store takes in a single put
_AROUND = 1024  # bytes a zip needs around one member, at the very most
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's times have no zone; the METS says when
_UNIX, _MODE = 3, 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Written:
    """The zip that was written: its SHA-256 and its length in bytes."""

    sha256: str
    length: int


def check_size(lengths: Sequence[int]) -> None:
    """Refuse members that would make a package too large to be stored. Raises PackageTooLarge."""
    length = sum(lengths) + _AROUND * len(lengths)
    if length > PACKAGE_MAX:
        raise PackageTooLarge("bytes", length, PACKAGE_MAX)
    if len(lengths) > MEMBERS_MAX:
        raise PackageTooLarge("members", len(lengths), MEMBERS_MAX)


def write_zip(top: str, members: Sequence[tuple[Member, Listed]], out: Path) -> Written:
    """Write the members in their order below the folder top; each must still be what was measured of it.

    Raises DigestMismatch, PackageTooLarge; leaves no file then.
    """
    check_size([listed.length for _, listed in members])
    for member, listed in members:
        if isinstance(member.body, bytes) and listed.length > METADATA_MAX:
            raise PackageTooLarge(f"bytes of {member.name}", listed.length, METADATA_MAX)
    with _removed_unless_done(out):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for member, listed in members:
                _copy(archive, f"{top}/{member.name}", member, listed)
        sha256, length = sha256_of_file(out)
    return Written(sha256, length)


@contextmanager
def _removed_unless_done(out: Path) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            out.unlink(missing_ok=True)


def _copy(archive: zipfile.ZipFile, name: str, member: Member, listed: Listed) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr = _UNIX, _MODE
    info.file_size = listed.length  # known before, so that the header has its final size at once
    with archive.open(info, "w") as target:
        if isinstance(member.body, bytes):
            target.write(member.body)
            return
        digest = hashlib.sha256()
        with member.body.open("rb") as source:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
    # A file may change after it was measured; what went into the zip must be what its METS lists.
    if digest.hexdigest() != listed.sha256:
        raise DigestMismatch(member.name, listed.sha256, digest.hexdigest())
