"""Reads from a METS which files it lists, without building a tree and without trusting it."""

import re
from dataclasses import dataclass, field

from lxml import etree

from archive.errors import PackageInvalid
from archive.package.layout import METADATA_MAX, is_member
from archive.package.markup import DECLARATION, METS_NS, XLINK_NS
from archive.package.mets import Listed

_HREF = f"{{{XLINK_NS}}}href"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,13}")


@dataclass(slots=True)
class Listing:
    """What one METS says: its OBJID and every file it lists, by name below the METS's own folder."""

    objid: str = ""
    files: dict[str, Listed] = field(default_factory=dict)


def read_listing(data: bytes, *, most: int) -> Listing:
    """Return what a METS lists, at most so many files. Raises PackageInvalid for what `mets` did not write."""
    if len(data) > METADATA_MAX or not data.startswith(DECLARATION) or b"<!DOCTYPE" in data:
        raise PackageInvalid("its METS is not one of ours")
    # The declaration fixes UTF-8, so a document type can't hide in another encoding; without one there are no
    # entities to expand.
    target = _Target(most)
    parser = etree.XMLParser(
        target=target,  # type: ignore[arg-type]  # the stubs ask for bytes too; the parser gives text
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise PackageInvalid(f"its METS is not XML: {error}") from error
    return target.listing


class _Target:
    """Collects files as the parser passes them."""

    def __init__(self, most: int) -> None:
        self.listing = Listing()
        self._most = most
        self._file: dict[str, str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{{{METS_NS}}}mets":
            self.listing.objid = attributes.get("OBJID", "")
        elif tag == f"{{{METS_NS}}}mdRef":
            self._add(attributes, attributes.get(_HREF, ""))
        elif tag == f"{{{METS_NS}}}file":
            self._file = dict(attributes)
        elif tag == f"{{{METS_NS}}}FLocat" and self._file is not None:
            self._add(self._file, attributes.get(_HREF, ""))
            self._file = None

    def end(self, tag: str) -> None:
        if tag == f"{{{METS_NS}}}file" and self._file is not None:
            raise PackageInvalid("its METS lists a file without a place")

    def close(self) -> None:
        """Nothing is left to do; the parser asks."""

    def _add(self, facts: dict[str, str], name: str) -> None:
        sha256, length = facts.get("CHECKSUM", ""), facts.get("SIZE", "")
        if facts.get("CHECKSUMTYPE") != "SHA-256" or not _SHA256.fullmatch(sha256) or not _SIZE.fullmatch(length):
            raise PackageInvalid(f"its METS lists {name[:100]!r} without size or SHA-256")
        if not is_member(name) or name in self.listing.files or len(self.listing.files) >= self._most:
            raise PackageInvalid(f"its METS lists {name[:100]!r}, which can't be a member, or not once more")
        self.listing.files[name] = Listed(name, facts.get("MIMETYPE", ""), int(length), sha256)
