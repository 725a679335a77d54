"""The signed page 1 of a copy: its mark at the top right, its QR at the top left, one certifying signature.

Decree 30/2020 annex I part II.3: the mark says the form of the copy, the agency and the time of signing;
CPY-3, CPY-10: its register number, the archive number and the degree of originality stand there too. SIG-3:
the QR stands at the top left.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.pades.revision import Revision
from archive.pades.sign import COPY_FIELD, sign_file, timestamper_of
from archive.pades.stamp import OFFICE_COPY, ORIGINAL_BOOK_COPY, Mark, MarkPlace, copy_mark, register_line
from archive.pades.symbol import Symbol
from archive.record import ContentPackage, SignatureFacts
from archive.signers.port import Signer
from ocr.pdfa.rendition import MarkRectangle
from search_api.copies.model import CopyKind
from search_api.errors import MarkPlacesUnknown

FORM_LINES: dict[CopyKind, str] = {"office-copy": OFFICE_COPY, "original-book-copy": ORIGINAL_BOOK_COPY}
ROLE = "copies"  # of the key: copies:<agency's unit>


@dataclass(frozen=True, slots=True)
class CopyMark:
    """What page 1 of a copy shows beside the demonstration line, which the key decides.

    agency_id: unit whose key `copies:<unit>` signs. number_text: as printed, `01/2026`. url: the QR's content,
    or the serial alone where no public address is set; at most 152 bytes.
    """

    kind: CopyKind
    agency_id: str
    agency_name: str
    number_text: str
    book: int
    archive_number: str
    serial: str
    url: str

    @property
    def role(self) -> str:
        """The role of the key that signs."""
        return f"{ROLE}:{self.agency_id}"

    def drawn(self, signed_at: datetime) -> Mark:
        """Return the mark as signed at a time. Raises KeyError for a kind that is not issued."""
        return copy_mark(
            self.role,
            form=FORM_LINES[self.kind],
            agency_name=self.agency_name,
            signed_at=signed_at,
            number=register_line(self.number_text, self.book),
            archive_number=self.archive_number,
        )


def sign_copy(
    rendition: Path,
    out: Path,
    *,
    content: ContentPackage,
    mark: CopyMark,
    signer: Signer,
    signed_at: datetime,
    timestamp_url: str | None,
) -> SignatureFacts:
    """Write a rendition with one certifying signature as a copy; return what the signature states.

    rendition: revision 1 of the archived file, its digest checked by the caller; its bytes are a prefix of the
    copy. signed_at: aware; without timestamp_url (an RFC 3161 authority; then B-T) equal inputs give equal
    bytes. The final bytes were validated against the signer's own root before out exists. Raises
    MarkPlacesUnknown, MarkDoesNotFit, FontMissing, SigningFailed: then there is no output.
    """
    symbol_place, mark_place = _places(content)
    revision = Revision(
        COPY_FIELD,
        mark.drawn(signed_at),
        mark_place,
        certify=True,
        symbol=Symbol(mark.url, mark.serial, symbol_place),
    )
    (facts,) = sign_file(
        rendition,
        out,
        [revision],
        signer=signer,
        signed_at=signed_at,
        timestamper=timestamper_of(timestamp_url),
    )
    return facts


def _places(content: ContentPackage) -> tuple[MarkPlace, MarkPlace]:
    """Return the places kept when the rendition was built: top left, top right."""
    try:
        kept = [MarkRectangle.from_json(place) for place in content.derivation["rendition"]["mark_places"]]
        left, right = (MarkPlace(p.x0, p.y0, p.x1, p.y1, p.rotation, p.page_index) for p in kept)
    except (KeyError, TypeError, ValueError) as fault:
        raise MarkPlacesUnknown(content.archive_number) from fault
    return left, right
