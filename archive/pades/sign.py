"""Sign a PDF/A by incremental revisions, each with its visible mark.

How a file is signed:
1. the unsigned rendition is copied beside the output; keys and their certificates are looked at first;
2. each revision is added (see `revision`);
3. every signature is validated on the final bytes: what was asked for must be there, nothing less;
4. only then is the file given its name. Any failure leaves no output.
"""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.aiohttp_client import HTTPTimeStamper

from archive.disk_faults import fault_of
from archive.errors import SigningFailed
from archive.pades.font import find_font
from archive.pades.revision import Revision, add_revision
from archive.pades.stamp import LEGAL_TIME, Mark, MarkPlace
from archive.pades.validate import validate_own
from archive.record import SignatureFacts
from archive.signers.port import Credential, Signer
from archive.signers.readiness import require_usable

DIGITIZER_FIELD = "DigitizerSignature"
AGENCY_FIELD = "AgencySignature"
COPY_FIELD = "CopySignature"
TIMESTAMP_SECONDS = 10  # longest wait for one token


def sign_archived_file(
    rendition: Path,
    out: Path,
    *,
    signer: Signer,
    digitizer: Mark,
    agency: Mark,
    places: tuple[MarkPlace, MarkPlace],
    signed_at: datetime,
    timestamp_url: str | None = None,
    font: Path | None = None,
) -> tuple[SignatureFacts, ...]:
    """Sign a rendition as an archived file: the digitizer's signature, then the agency's.

    places: of the digitizer's mark (top left), then of the agency's (top right). timestamp_url: an RFC 3161
    authority; then both signatures are B-T, or signing fails. Otherwise as sign_file.
    """
    revisions = (
        Revision(DIGITIZER_FIELD, digitizer, places[0]),
        Revision(AGENCY_FIELD, agency, places[1]),
    )
    return sign_file(
        rendition,
        out,
        revisions,
        signer=signer,
        signed_at=signed_at,
        timestamper=timestamper_of(timestamp_url),
        font=font,
    )


def timestamper_of(timestamp_url: str | None) -> TimeStamper | None:
    """Return a client of the RFC 3161 authority at an address, waited for 10 s at most; None for none."""
    return HTTPTimeStamper(timestamp_url, timeout=TIMESTAMP_SECONDS) if timestamp_url else None


def sign_file(
    source: Path,
    out: Path,
    revisions: Sequence[Revision],
    *,
    signer: Signer,
    signed_at: datetime,
    timestamper: TimeStamper | None = None,
    font: Path | None = None,
) -> tuple[SignatureFacts, ...]:
    """Copy an unsigned PDF/A, add the revisions in order and return what each signature states.

    The source's bytes are an exact prefix of the output. Equal inputs give equal bytes, unless a
    timestamper is given. signed_at: aware, kept to the second, written in legal time (+07:00).
    font: file to letter the marks with; None looks at the known places. A certified copy is one revision
    with certify set. Raises SigningFailed, MarkDoesNotFit, FontMissing, and OSError of a disk
    that is full or fails: then there is no output.
    """
    if signed_at.utcoffset() is None:
        raise ValueError("signed_at must be an aware time")
    if not revisions:
        raise ValueError("a file is signed by one revision at least")
    moment = signed_at.astimezone(LEGAL_TIME).replace(microsecond=0)
    lettering = find_font(font)
    credentials = [signer.credential(revision.mark.role) for revision in revisions]
    for credential in credentials:  # 1
        require_usable(credential, moment)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    try:
        with _failing_as(revisions[0].mark.role):
            shutil.copyfile(source, temporary)
        for revision, credential in zip(revisions, credentials, strict=True):  # 2
            with _failing_as(credential.role), temporary.open("r+b") as stream:
                add_revision(
                    stream,
                    revision,
                    signer=signer,
                    credential=credential,
                    signed_at=moment,
                    timestamper=timestamper,
                    font=lettering,
                )
        level = "B-T" if timestamper else "B-B"
        facts = _check(temporary, revisions, credentials, level, moment)  # 3
        temporary.replace(out)  # 4
    finally:
        temporary.unlink(missing_ok=True)
    return facts


@contextmanager
def _failing_as(role: str) -> Iterator[None]:
    """Turn what pyHanko and the system raise into SigningFailed of a role.

    pyHanko's SigningError and what its parsers complain of are ValueErrors and the like; OSError is also a
    time-stamp authority that could not be reached or that refused. A disk that is full or fails is told as it is:
    nothing is wrong with keys or file.
    """
    try:
        yield
    except (PdfError, ValueError, LookupError, TypeError, AttributeError, OSError) as fault:
        if isinstance(fault, OSError) and fault_of(fault) is not None:
            raise
        raise SigningFailed(role, f"{type(fault).__name__}: {fault}") from fault


def _check(
    path: Path, revisions: Sequence[Revision], credentials: Sequence[Credential], level: str, moment: datetime
) -> tuple[SignatureFacts, ...]:
    """Validate the signatures on the final bytes against their own roots; return what they state."""
    last = credentials[-1].role
    with _failing_as(last):
        verdict = validate_own(path, [_root_of(held) for held in credentials])
    if [found.field for found in verdict.signatures] != [revision.field for revision in revisions]:
        raise SigningFailed(last, "the file was signed before, or its signatures do not read back")
    facts = []
    for found, credential in zip(verdict.signatures, credentials, strict=True):
        if not found.valid or found.level != level or found.signed_at != moment:
            reasons = ", ".join(found.reasons) or f"level {found.level}, signed at {found.signed_at}"
            raise SigningFailed(credential.role, f"the signature made does not validate: {reasons}")
        facts.append(
            SignatureFacts(
                field=found.field,
                role=credential.role,
                certificate_sha256=found.certificate_sha256,
                signed_at=moment.astimezone(UTC),
                level=level,
                demo=credential.demo,
                validation=found.as_json(),
            )
        )
    return tuple(facts)


def _root_of(credential: Credential) -> x509.Certificate:
    return (credential.certificate, *credential.chain)[-1]
