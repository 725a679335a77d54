"""Where everything lies in a package, below its one top folder; docs/storage.md explains each name.

rep1 is what the archive made (signed PDF/A and the text of each page), rep2 what came in, byte for byte.
"""

import re
from typing import Literal

from archive.errors import PackageInvalid

Representation = Literal["rep1", "rep2"]
REPRESENTATIONS: tuple[Representation, ...] = ("rep1", "rep2")

METS = "METS.xml"
EAD = "metadata/descriptive/EAD.xml"
PREMIS = "metadata/preservation/PREMIS.xml"
CATALOGUE = "metadata/other/catalogue.json"
README = "documentation/README.txt"
DATA = "representations/rep1/data/"

MEMBERS_MAX = 20_000  # of one package; 5,000 pages, the most a file may have, need a third of it
METADATA_MAX = 32 << 20  # bytes of one METS, PREMIS or catalogue; 5,000 pages need a third of it

_EXTENSIONS = {
    "application/pdf": "pdf",
    "image/tiff": "tif",
    "image/jpeg": "jpg",
    "image/jp2": "jp2",
    "image/png": "png",
}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OBJID = re.compile(r"uuid-[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_MEMBER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,7}")


def archived_member(part_number: int) -> str:
    """Return the name of a part's archived file; the number is the part's, from 1."""
    return f"{DATA}archived/part-{part_number:03d}.pdf"


def alto_member(page_number: int) -> str:
    """Return the name of a page's text; the number is the page's, from 1."""
    return f"{DATA}text/page-{page_number:05d}.xml"


def received_member(sha256: str, media_type: str) -> str:
    """Return the name of a received file: its digest, never the name it came with. Raises PackageInvalid."""
    if media_type not in _EXTENSIONS or not _SHA256.fullmatch(sha256):
        raise PackageInvalid(f"no received file is of type {media_type} with SHA-256 {sha256}")
    return f"representations/rep2/data/received/{sha256}.{_EXTENSIONS[media_type]}"


def representation_folder(representation: Representation) -> str:
    """Return a representation's folder, with its slash."""
    return f"representations/{representation}/"


def representation_mets(representation: Representation) -> str:
    """Return the name of a representation's METS."""
    return f"{representation_folder(representation)}METS.xml"


def representation_premis(representation: Representation) -> str:
    """Return the name of a representation's PREMIS."""
    return f"{representation_folder(representation)}metadata/preservation/PREMIS_{representation}.xml"


def document_ead() -> str:
    """Return the name of the document's own EAD, beside the archived files it describes."""
    return f"{representation_folder('rep1')}metadata/descriptive/EAD_doc_1.xml"


def is_objid(name: str) -> bool:
    """Say whether a name can be a package's OBJID and top folder."""
    return _OBJID.fullmatch(name) is not None


def is_member(name: str) -> bool:
    """Say whether a name can be a member's: plain segments, none of dots alone, nothing absolute."""
    return _MEMBER.fullmatch(name) is not None
