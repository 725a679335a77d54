"""Opens a package, whoever wrote it, and says what it holds: every byte handed out here was checked, or says not.

1. The zip is listed strictly (`zip_listing`): one top folder, plain members, no two readings.
2. The root METS is read; its OBJID is the top folder's name.
3. Small members are read whole and compared with the METS that lists them; large ones are streamed.
4. `verify` does this for every member, and compares catalogue and METS.

Memory stays bounded whatever the bytes; bad bytes are always PackageInvalid.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from archive.digest import sha256_of_bytes, sha256_of_stream
from archive.errors import PackageInvalid
from archive.package import layout
from archive.package.json import content_from_json, parse_json, supplement_from_json
from archive.package.mets import Listed
from archive.package.mets_listing import Listing, read_listing
from archive.package.page_texts import texts_said
from archive.package.zip_listing import Extent, list_members
from archive.record import ContentPackage, SupplementPackage

READ_MAX = 64 << 20  # bytes; a larger member is opened, not read


class Package:
    """An open package. Names are members' names below the top folder; it is good while its stream is open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.objid, self._extents = _below_top(list_members(stream))
        root = self._whole(layout.METS, layout.METADATA_MAX)
        listing = read_listing(root, most=len(self._extents))
        if listing.objid != self.objid:
            raise PackageInvalid("its METS names another OBJID than its top folder")
        self._listed = listing.files
        for representation in layout.REPRESENTATIONS:
            self._list_representation(representation, listing)

    def _list_representation(self, representation: layout.Representation, root: Listing) -> None:
        mets = layout.representation_mets(representation)
        if mets not in root.files:
            return
        data = self.read(mets)
        folder = layout.representation_folder(representation)
        for name, listed in read_listing(data, most=len(self._extents)).files.items():
            full = f"{folder}{name}"
            if full in self._listed:
                raise PackageInvalid(f"{full} is listed twice")
            self._listed[full] = Listed(full, listed.media_type, listed.length, listed.sha256)

    @property
    def members(self) -> tuple[str, ...]:
        """Every member's name, in the zip's order."""
        return tuple(self._extents)

    def open(self, name: str) -> BinaryIO:
        """Return a seekable stream of a member's bytes, not compared with its METS. Raises PackageInvalid."""
        return io.BufferedReader(_Window(self._stream, self._extent(name)))

    def read(self, name: str) -> bytes:
        """Return a member of at most 64 MiB, as its METS lists it. Raises PackageInvalid."""
        data = self._whole(name, READ_MAX)
        listed = self._listed.get(name)
        if name != layout.METS and (listed is None or sha256_of_bytes(data) != listed.sha256):
            raise PackageInvalid(f"{name} is not what its METS lists")
        return data

    def listed_sha256(self, name: str) -> str:
        """Return the SHA-256 its METS lists a member with; nothing is read. Raises PackageInvalid."""
        try:
            return self._listed[name].sha256
        except KeyError as error:
            raise PackageInvalid(f"its METS does not list {name[:200]!r}") from error

    @property
    def is_supplement(self) -> bool:
        """Whether its catalogue says that it is about another package. Raises PackageInvalid."""
        return "parent_sha256" in self._catalogue()

    def content(self) -> ContentPackage:
        """Return what a content package says. Raises PackageInvalid."""
        return content_from_json(self._catalogue())

    def supplement(self) -> SupplementPackage:
        """Return what a supplement says. Raises PackageInvalid."""
        return supplement_from_json(self._catalogue())

    def verify(self) -> None:
        """Read every member and compare it with its METS, and the catalogue with both. Raises PackageInvalid."""
        surplus = self._extents.keys() - self._listed.keys() - {layout.METS}
        missing = self._listed.keys() - self._extents.keys()
        if surplus or missing:
            raise PackageInvalid(f"{len(missing)} members are missing, {len(surplus)} surplus")
        for name, listed in self._listed.items():
            with self.open(name) as stream:
                found = sha256_of_stream(stream)
            if found != (listed.sha256, listed.length):
                raise PackageInvalid(f"{name} is not what its METS lists")
        self._verify_catalogue()

    def _verify_catalogue(self) -> None:
        document = self._catalogue()
        if document.get("objid") != self.objid:
            raise PackageInvalid("its catalogue names another OBJID than its top folder")
        if "parent_sha256" in document:
            self._verify_texts(supplement_from_json(document))
            return
        content = content_from_json(document)
        said = {received.member: (received.sha256, received.length) for received in content.received}
        said |= {part.member: (part.archived_sha256, part.archived_length) for part in content.parts}
        for name, facts in said.items():
            listed = self._listed.get(name)
            if listed is None or (listed.sha256, listed.length) != facts:
                raise PackageInvalid(f"{name} is not what its catalogue says")

    def _verify_texts(self, supplement: SupplementPackage) -> None:
        said = texts_said(supplement)
        data = {name: one.sha256 for name, one in self._listed.items() if name.startswith(layout.DATA)}
        if said != data:
            raise PackageInvalid("its texts are not what its catalogue says")

    def _catalogue(self) -> dict[str, Any]:
        if self._extent(layout.CATALOGUE).length > layout.METADATA_MAX:
            raise PackageInvalid("its catalogue is too long")
        return parse_json(self.read(layout.CATALOGUE))

    def _whole(self, name: str, most: int) -> bytes:
        extent = self._extent(name)
        if extent.length > most:
            raise PackageInvalid(f"{name} is too long to be read whole")
        with self.open(name) as stream:
            return stream.read()

    def _extent(self, name: str) -> Extent:
        try:
            return self._extents[name]
        except KeyError as error:
            raise PackageInvalid(f"there is no member {name[:200]!r}") from error


@contextmanager
def open_package(stream: BinaryIO) -> Iterator[Package]:
    """Open a package in a seekable stream, which stays the caller's. Raises PackageInvalid."""
    yield Package(stream)


def _below_top(extents: list[Extent]) -> tuple[str, dict[str, Extent]]:
    """Return the one top folder, and the members by their names below it."""
    top = extents[0].name.partition("/")[0]
    if not layout.is_objid(top):
        raise PackageInvalid("its top folder is not an OBJID")
    members: dict[str, Extent] = {}
    for extent in extents:
        folder, _, name = extent.name.partition("/")
        if folder != top or not layout.is_member(name):
            raise PackageInvalid(f"{extent.name[:200]!r} can't be a member")
        members[name] = extent
    return top, members


class _Window(io.RawIOBase):
    """A member's bytes inside the package's stream. It seeks before each read, so several may be open at once."""

    def __init__(self, stream: BinaryIO, extent: Extent) -> None:
        self._stream = stream
        self._extent = extent
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._extent.length}[whence]
        if base + offset < 0:
            raise ValueError("a position before the member's beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        left = max(0, self._extent.length - self._position)
        view = memoryview(buffer)[:left]
        self._stream.seek(self._extent.offset + self._position)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
