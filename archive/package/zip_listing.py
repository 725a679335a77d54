"""Finds the members of a package's zip without unpacking anything, and takes nothing a package would not have.

A package's zip is plain: stored members one after the other, the directory right behind them, no comments, no
encryption, no gaps. Anything else is refused, so that there is no second reading of the same bytes and no
size to believe.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from archive.errors import PackageInvalid
from archive.package.layout import MEMBERS_MAX

_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ABSENT_16, _ABSENT_32 = 0xFFFF, 0xFFFFFFFF
_ABSENT = (_ABSENT_32, _ABSENT_32, _ABSENT_16)
_ENTRY_BYTES_MAX = 512  # names are shorter than 300 bytes


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a member's bytes lie in the zip."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    header: int  # offset of the local header
    length: int
    crc: int


def list_members(stream: BinaryIO) -> list[Extent]:
    """Return the zip's members in their order, names with the top folder. Raises PackageInvalid."""
    size = stream.seek(0, io.SEEK_END)
    start, length, count = _directory(stream, size)
    entries = list(_entries(_read(stream, start, length), count))
    extents: list[Extent] = []
    position = 0
    for entry in entries:
        _expect(entry.header == position, "members do not follow one another")
        offset = _behind_local_header(stream, entry)
        position = offset + entry.length
        _expect(position <= start, "a member reaches into the directory")
        extents.append(Extent(_text(entry.name), offset, entry.length))
    _expect(position == start, "there are bytes between the members and the directory")
    _expect(len({extent.name for extent in extents}) == len(extents), "two members have one name")
    return extents


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PackageInvalid(f"not the zip of a package: {otherwise}")


def _read(stream: BinaryIO, offset: int, length: int) -> bytes:
    """Return exactly these bytes of the zip; a stream may give them in pieces."""
    stream.seek(offset)
    pieces = bytearray()
    while len(pieces) < length and (piece := stream.read(length - len(pieces))):
        pieces += piece
    _expect(len(pieces) == length, "it ends early")
    return bytes(pieces)


def _directory(stream: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return (offset, length, number of entries) of the central directory."""
    _expect(size >= _END.size, "it is too short")
    end = size - _END.size
    signature, disk, first, here, count, length, start, comment = _END.unpack(_read(stream, end, _END.size))
    _expect(signature == b"PK\x05\x06" and comment == 0, "it does not end as a zip")
    _expect(disk == first == 0 and here == count, "it has several volumes")
    locator = end - _END_64_LOCATOR.size
    if locator >= 0 and _read(stream, locator, 4) == b"PK\x06\x07":
        # Writers add the large record past 2 GiB, but leave out its values here only past 4 GiB.
        record, *large = _directory_64(stream, locator)
        for value, absent, true in zip((length, start, count), _ABSENT, large, strict=True):
            _expect(value in (absent, true), "its two ends differ")
        end, (length, start, count) = record, large
    _expect(0 < count <= MEMBERS_MAX, f"it has {count} members")
    _expect(length <= count * _ENTRY_BYTES_MAX, "its directory is too long")
    _expect(start + length == end, "its directory is not where it says")
    return start, length, count


def _directory_64(stream: BinaryIO, locator: int) -> tuple[int, int, int, int]:
    """Return (where it ends, length, offset, number of entries) of a large central directory."""
    record = locator - _END_64.size
    _expect(record >= 0, "it is too short")
    signature, disk, found, disks = _END_64_LOCATOR.unpack(_read(stream, locator, _END_64_LOCATOR.size))
    _expect(signature == b"PK\x06\x07" and disk == 0 and disks == 1, "its large directory is not located")
    _expect(found == record, "its large directory is not where it says")
    signature, rest, _, _, disk, first, here, count, length, start = _END_64.unpack(
        _read(stream, record, _END_64.size)
    )
    _expect(signature == b"PK\x06\x06" and rest == _END_64.size - 12, "its large directory is damaged")
    _expect(disk == first == 0 and here == count, "it has several volumes")
    return record, length, start, count


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    position = 0
    for _ in range(count):
        _expect(position + _ENTRY.size <= len(directory), "its directory ends early")
        (
            signature,
            *_versions,
            flags,
            method,
            _time,
            _date,
            crc,
            stored,
            length,
            name_size,
            extra_size,
            comment_size,
            disk,
            _internal,
            _external,
            header,
        ) = _ENTRY.unpack_from(directory, position)
        _expect(signature == b"PK\x01\x02", "its directory is damaged")
        _expect(flags == 0 and method == 0 and stored == length, "a member is not stored plainly")
        _expect(comment_size == 0 and disk == 0, "a member has a comment or lies elsewhere")
        behind = position + _ENTRY.size + name_size
        extra = directory[behind : behind + extra_size]
        _expect(len(extra) == extra_size, "its directory ends early")
        length, header = _large(extra, length, header)
        yield _Entry(directory[position + _ENTRY.size : behind], header, length, crc)
        position = behind + extra_size
    _expect(position == len(directory), "its directory is longer than its entries")


def _large(extra: bytes, length: int, header: int) -> tuple[int, int]:
    """Return length and header's offset with the 64-bit values of the only extra field there may be."""
    wanted = [length == _ABSENT_32] * 2 + [header == _ABSENT_32]
    layout = struct.Struct(f"<2H{sum(wanted)}Q")
    if not any(wanted):
        _expect(not extra, "a member has unknown extra fields")
        return length, header
    _expect(len(extra) == layout.size, "a member has unknown extra fields")
    tag, size, *values = layout.unpack(extra)
    _expect(tag == 1 and size == layout.size - 4, "a member has unknown extra fields")
    if length == _ABSENT_32:
        length, stored, *values = values
        _expect(length == stored, "a member is not stored plainly")
    return length, values[0] if values else header


def _behind_local_header(stream: BinaryIO, entry: _Entry) -> int:
    """Return where the member's bytes begin; its own header must say what the directory says."""
    signature, _, flags, method, _, _, crc, stored, length, name_size, extra_size = _LOCAL.unpack(
        _read(stream, entry.header, _LOCAL.size)
    )
    _expect(signature == b"PK\x03\x04", "a member's header is damaged")
    _expect(flags == 0 and method == 0 and crc == entry.crc, "a member's header and the directory differ")
    _expect(name_size == len(entry.name) and extra_size in (0, 20), "a member's header and the directory differ")
    behind = _read(stream, entry.header + _LOCAL.size, name_size + extra_size)
    _expect(behind[:name_size] == entry.name, "a member's header and the directory differ")
    if extra_size:
        tag, size, large, large_stored = struct.unpack("<2H2Q", behind[name_size:])
        _expect((tag, size) == (1, 16), "a member's header is damaged")
        _expect({stored, length} <= {_ABSENT_32, large}, "a member's header is damaged")
        stored, length = large_stored, large
    _expect(stored == length == entry.length, "a member's header and the directory differ")
    return entry.header + _LOCAL.size + len(behind)


def _text(name: bytes) -> str:
    try:
        return name.decode("ascii")
    except UnicodeDecodeError as error:
        raise PackageInvalid("not the zip of a package: a member's name is not ASCII") from error
