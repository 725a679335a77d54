"""One signed revision of a PDF: field, widget with its mark, a copy's symbol, room for the signature, signature.

The file is extended in place. Equal inputs give equal bytes: the second half of /ID is drawn from what is
signed, the metadata stays as it was validated, the time is the caller's. Only a time-stamp token differs
from run to run.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import Signer as CmsSigner
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from archive.errors import SigningFailed
from archive.pades.embed import embed_appearance, embed_font, embed_stamp
from archive.pades.stamp import Drawing, Mark, MarkPlace, draw
from archive.pades.symbol import Symbol, draw_symbol
from archive.signers.port import Credential, Signer

_TOKEN_ROOM = 12 * 1024  # bytes kept for a time-stamp token; those of public authorities take 4 to 8 KiB
_CMS_ROOM = 2 * 1024  # bytes for all of a signature but certificates and token; about 1,300 are used
_PARENTS_MAX = 64  # levels of the page tree; deeper is a loop


@dataclass(frozen=True, slots=True)
class Revision:
    """One signature to add. certify: it must be the first of its file and allows no change after it.

    symbol: drawn in the same revision, beside the signature's own mark.
    """

    field: str
    mark: Mark
    place: MarkPlace
    certify: bool = False
    symbol: Symbol | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """All that the revision says to a reader."""
        symbol = self.symbol
        return self.mark.lines if symbol is None else (*self.mark.lines, symbol.content, symbol.serial)


def add_revision(
    stream: BinaryIO,
    revision: Revision,
    *,
    signer: Signer,
    credential: Credential,
    signed_at: datetime,
    timestamper: TimeStamper | None,
    font: Path,
) -> None:
    """Extend an open PDF (read and write) by one signed revision; the bytes before stay as they are.

    signed_at: aware, written as given. Raises SigningFailed, MarkDoesNotFit, FontMissing, and whatever
    pyHanko raises on a file it cannot read; the file is then of no further use.
    """
    writer = _open(stream, revision, signed_at)
    unit_pt = _check_page(writer, revision.place, revision.mark.role)
    symbol = revision.symbol
    drawing = draw(
        revision.mark,
        revision.place,
        demo=credential.demo,
        font=font,
        unit_pt=unit_pt,
        also=symbol.letters if symbol else "",
    )
    beside = None
    if symbol is not None:
        unit_pt = _check_page(writer, symbol.place, revision.mark.role)
        beside = draw_symbol(symbol, drawing.lettering, unit_pt=unit_pt)
    _PadesRevision(writer, revision, signer, credential, timestamper).write(drawing, beside, signed_at)


class _Writer(IncrementalPdfFileWriter):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    """A writer of one revision that leaves the metadata alone and takes its half of /ID from the caller."""

    def _update_meta(self) -> None:
        # pyHanko writes the present time and its own name into the XMP of every revision: the file would
        # differ from run to run, and its metadata from the one that was validated as PDF/A.
        return

    def pin_id(self, half: bytes) -> None:
        self._document_id = generic.ArrayObject(
            [generic.ByteStringObject(self.document_id[0]), generic.ByteStringObject(half)]
        )


class _RoleSigner(CmsSigner):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    """A role's key behind pyHanko's signer: raw signatures come from our port."""

    def __init__(self, signer: Signer, credential: Credential) -> None:
        # The root goes in as well, so that a file alone names whom its signatures lead to.
        chain = [_asn1(certificate.public_bytes(Encoding.DER)) for certificate in credential.chain]
        super().__init__(
            signing_cert=_asn1(credential.certificate.public_bytes(Encoding.DER)),
            cert_registry=SimpleCertificateStore.from_certs(chain),
            embed_roots=True,
        )
        self._signer = signer
        self._role = credential.role

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256" or dry_run:
            raise SigningFailed(self._role, f"the keys sign SHA-256, once; asked for {digest_algorithm}")
        return self._signer.sign(self._role, data)


def _asn1(der: bytes) -> Any:
    return asn1_x509.Certificate.load(der)


@dataclass(frozen=True, slots=True)
class _PadesRevision:
    writer: _Writer
    revision: Revision
    signer: Signer
    credential: Credential
    timestamper: TimeStamper | None

    def write(self, drawing: Drawing, beside: Drawing | None, signed_at: datetime) -> None:
        # PAdES names itself by this extension as long as the file is below PDF 2.0.
        self.writer.ensure_output_version((1, 7))
        self.writer.register_extension(ESIC_EXTENSION_1)
        steps = PdfCMSEmbedder(new_field_spec=self._field()).write_cms(self.revision.field, self.writer)
        widget = next(steps).get_object()
        font = embed_font(self.writer, drawing.lettering)
        widget["/AP"] = generic.DictionaryObject({pdf_name("/N"): embed_appearance(self.writer, drawing, font)})
        if self.revision.symbol is not None and beside is not None:
            symbol = self.revision.symbol
            embed_stamp(self.writer, beside, font, symbol.place, f"QR: {symbol.content}; {symbol.serial}")
        placeholder = SignatureObject(
            timestamp=signed_at, subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * self._room()
        )
        certified = SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
        steps.send(SigObjSetup(placeholder, mdp_setup=certified if self.revision.certify else None))
        prepared, _stream = steps.send(SigIOSetup("sha256", in_place=True))
        cms_signer = _RoleSigner(self.signer, self.credential)
        steps.send(
            asyncio.run(
                cms_signer.async_sign(
                    prepared.document_digest, "sha256", use_pades=True, timestamper=self.timestamper
                )
            )
        )

    def _field(self) -> SigFieldSpec:
        place = self.revision.place
        return SigFieldSpec(
            self.revision.field,
            on_page=place.page_index,
            box=(place.x0, place.y0, place.x1, place.y1),
            readable_field_name="; ".join(self.revision.mark.lines),
        )

    def _room(self) -> int:
        """Bytes to keep for the signature: drawn from the chain, so that no trial signature is needed."""
        held = (self.credential.certificate, *self.credential.chain)
        certificates = sum(len(certificate.public_bytes(Encoding.DER)) for certificate in held)
        return certificates + _CMS_ROOM + (_TOKEN_ROOM if self.timestamper else 0)


def _open(stream: BinaryIO, revision: Revision, signed_at: datetime) -> _Writer:
    """Open the file for one more revision, refusing what may not be signed."""
    _end_the_line(stream)
    writer = _Writer(stream)
    role = revision.mark.role
    if writer.prev.encrypted:
        raise SigningFailed(role, "the file is encrypted, so it is no PDF/A")
    if "/ID" not in writer.prev.trailer:
        raise SigningFailed(role, "the file has no trailer /ID, so it is no PDF/A")
    if revision.certify and any(enumerate_sig_fields(writer.prev, filled_status=True)):
        raise SigningFailed(role, "a certifying signature must be the first of its file")
    size = stream.seek(0, os.SEEK_END)
    told = "\0".join((revision.field, role, signed_at.isoformat(), str(size), *revision.told))
    writer.pin_id(hashlib.sha256(told.encode() + bytes(writer.document_id[0])).digest()[:16])
    return writer


def _end_the_line(stream: BinaryIO) -> None:
    """End the last line, which some writers leave open after %%EOF.

    pyHanko writes the first object right behind it: part of a comment then, and against ISO 19005-2 6.1.9.
    """
    stream.seek(-1, os.SEEK_END)
    if stream.read(1) not in (b"\n", b"\r"):
        stream.write(b"\n")


def _check_page(writer: _Writer, place: MarkPlace, role: str) -> float:
    """Return the points per user-space unit of the mark's page; its rotation must be the place's.

    A place measured on another rotation would put the mark aslant or over text.
    """
    page = writer.find_page_for_modification(place.page_index)[0].get_object()
    turned = int(_inherited(page, "/Rotate") or 0) % 360
    if turned != place.rotation:
        raise SigningFailed(role, f"the page is turned by {turned} degrees, the place by {place.rotation}")
    return float(page.get("/UserUnit", 1))


def _inherited(page: Any, key: str) -> Any:
    node = page
    for _level in range(_PARENTS_MAX):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    return None
