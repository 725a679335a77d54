"""What a PDF's signatures say and whether the bytes still agree, without judging whom to trust.

Every signed field is examined by itself, in the order it was signed:
1. who signed, when by their own word, with what;
2. integrity: the bytes covered have the digest that was signed, and the certificate's key made the signature;
3. coverage: which part of the file those bytes are, to the byte;
4. changes: what later revisions did, when the signature does not cover the whole file;
5. time stamp: the token, if any, is over this signature and its own signature holds.

A step that cannot be done on what is there is named in `unchecked` with its reason; nothing is guessed.
Files are hostile until shown otherwise: strangers' are examined inside a jail, which bounds time and memory.
"""

import dataclasses
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from asn1crypto import parser as asn1_parser
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter, validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from archive.errors import ArchiveError

Integrity = Literal["intact", "broken", "unchecked"]
Coverage = Literal["file", "revision", "part", "unchecked"]
Changes = Literal["none", "allowed", "suspicious", "unchecked"]

SIGNATURES_MAX = 100  # of one file; the rest is counted, not examined
WEAK_DIGESTS = frozenset({"md2", "md5", "sha1"})
RSA_BITS_MIN = 2048
_TEXT_MAX = 300  # characters of a name taken from a file
_CHANGES: dict[str, Changes] = {"NONE": "none", "LTA_UPDATES": "allowed", "FORM_FILLING": "allowed"}

# What pyHanko and its parsers raise on broken input. Anything else is a fault of ours and goes through.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    InvalidSignature,
    LookupError,
    MemoryError,
    OSError,
    PdfError,
    RuntimeError,  # RecursionError and NotImplementedError
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    zlib.error,
)


class SignaturesUnreadable(ArchiveError):
    """A file's signatures cannot be listed at all: it is no PDF, is encrypted, or is broken."""

    code = "signatures-unreadable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signatures of this file cannot be read: {reason}")
        self.reason = reason


@dataclasses.dataclass(slots=True)
class TimeToken:
    """A time-stamp token over a signature; its authority's trust is not judged."""

    time: datetime
    authority: str
    digest_algorithm: str
    integrity: Integrity


@dataclasses.dataclass(slots=True)
class Finding:
    """One signed field, as far as it could be examined. Certificate times are aware; sizes in bits.

    claimed_at: the signer's own word. weak: algorithms no longer fit to prove anything.
    signature: pyHanko's object, for a caller that goes on to judge trust; None if it could not be made.
    """

    field: str
    subject: str | None = None
    issuer: str | None = None
    certificate_sha256: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    claimed_at: datetime | None = None
    subfilter: str | None = None
    digest_algorithm: str | None = None
    signature_algorithm: str | None = None
    weak: list[str] = dataclasses.field(default_factory=list)
    integrity: Integrity = "unchecked"
    coverage: Coverage = "unchecked"
    changes: Changes = "unchecked"
    certifies: bool = False
    token: TimeToken | None = None
    unchecked: dict[str, str] = dataclasses.field(default_factory=dict)
    signature: Any = None


@contextmanager
def examined(path: Path, *, strict: bool) -> Iterator[list[Finding]]:
    """Open a PDF and give a finding per signed field, in the order signed, while the file stays open.

    strict: refuse a file whose structure is off, as for files of our own. Raises SignaturesUnreadable.
    """
    try:
        stream = path.open("rb")
    except OSError as fault:
        raise SignaturesUnreadable(_told(fault)) from fault
    with stream:
        try:
            reader = PdfFileReader(stream, strict=strict)
            if reader.encrypted:
                reader.decrypt("")
            fields = [(name, held) for name, _value, held in enumerate_sig_fields(reader, filled_status=True)]
        except UNREADABLE as fault:
            raise SignaturesUnreadable(_told(fault)) from fault
        findings = [_examine(reader, stream, name, held) for name, held in fields[:SIGNATURES_MAX]]
        for name, _held in fields[SIGNATURES_MAX:]:
            findings.append(Finding(_text(name), unchecked={"all": f"more than {SIGNATURES_MAX} signatures"}))
        yield sorted(findings, key=_revision_of)


def _revision_of(finding: Finding) -> int:
    return finding.signature.signed_revision if finding.signature is not None else 1 << 30


def _examine(reader: PdfFileReader, stream: BinaryIO, name: str, held: Any) -> Finding:
    finding = Finding(_text(name))
    with _step(finding, "all"):
        finding.signature = EmbeddedPdfSignature(reader, held.get_object(), name)
    if finding.signature is None:
        return finding
    for step in (_identify, _check_integrity, _check_coverage, _check_changes, _check_token):
        with _step(finding, step.__name__.removeprefix("_check_").removeprefix("_")):
            step(finding, stream)
    return finding


@contextmanager
def _step(finding: Finding, name: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as fault:
        finding.unchecked[name] = _told(fault)


def _told(fault: BaseException) -> str:
    return _text(f"{type(fault).__name__}: {fault}")


def _text(value: Any) -> str:
    """Text from a file, cut, its control characters shown as spaces."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value)[:_TEXT_MAX])


def _identify(finding: Finding, _stream: BinaryIO) -> None:  # 1
    signature = finding.signature
    finding.subfilter = _text(signature.sig_object.get("/SubFilter", "")).removeprefix("/") or None
    finding.digest_algorithm = _text(signature.md_algorithm)
    finding.signature_algorithm = _text(signature.signer_info["signature_algorithm"].signature_algo)
    finding.certifies = signature.docmdp_level is not None
    if finding.digest_algorithm in WEAK_DIGESTS:
        finding.weak.append(finding.digest_algorithm)
    with _step(finding, "claimed time"):
        finding.claimed_at = _aware(signature.self_reported_timestamp)
    certificate = signature.signer_cert
    finding.certificate_sha256 = hashlib.sha256(certificate.dump()).hexdigest()
    finding.subject = _text(certificate.subject.human_friendly)
    finding.issuer = _text(certificate.issuer.human_friendly)
    finding.valid_from = certificate.not_valid_before
    finding.valid_until = certificate.not_valid_after
    key = certificate.public_key
    if key.algorithm == "rsa" and key.bit_size < RSA_BITS_MIN:
        finding.weak.append(f"rsa{key.bit_size}")


def _aware(moment: datetime | None) -> datetime | None:
    # A time without a zone could be anyone's midnight: it is left out rather than taken as ours.
    return moment if moment is not None and moment.utcoffset() is not None else None


def _check_integrity(finding: Finding, _stream: BinaryIO) -> None:  # 2
    signature = finding.signature
    encapsulated = signature.signed_data["encap_content_info"]
    kind = encapsulated["content_type"].native
    if kind == "tst_info":
        finding.token = _read_token(signature.signed_data, signature.compute_digest)
        finding.integrity = finding.token.integrity
        return
    if kind != "data" or encapsulated["content"].native is not None:
        finding.unchecked["integrity"] = "the signature is not detached; its kind is not supported"
        return
    intact, valid = validate_sig_integrity(
        signature.signer_info, signature.signer_cert, "data", signature.compute_digest()
    )
    finding.integrity = "intact" if intact and valid else "broken"


def _check_coverage(finding: Finding, stream: BinaryIO) -> None:  # 3
    signature = finding.signature
    signature.coverage = level = signature.evaluate_signature_coverage()
    if not _gap_is_signature(signature, stream):
        finding.coverage = "part"
    elif level == SignatureCoverageLevel.ENTIRE_FILE:
        finding.coverage = "file"
    elif level == SignatureCoverageLevel.ENTIRE_REVISION:
        finding.coverage = "revision"
    else:
        finding.coverage = "part"


def _gap_is_signature(signature: Any, stream: BinaryIO) -> bool:
    """Whether the bytes left out are one hexadecimal string: the signature, then zeros.

    pyHanko takes the sum of the ranges for enough and does not look at the padding; both leave room for
    bytes that nobody signed.
    """
    ranges = [int(part) for part in signature.byte_range]
    if len(ranges) != 4 or ranges[0] != 0 or min(ranges) < 0:
        return False
    start, end = ranges[1], ranges[2]
    contents = bytes(signature.pkcs7_content)
    if end - start != 2 * len(contents) + 2:
        return False
    stream.seek(start)
    gap = stream.read(end - start)
    if gap[:1] != b"<" or gap[-1:] != b">" or bytes.fromhex(gap[1:-1].decode("ascii")) != contents:
        return False
    return not any(contents[asn1_parser.peek(contents) :])


def _check_changes(finding: Finding, _stream: BinaryIO) -> None:  # 4
    signature = finding.signature
    if finding.coverage == "file":
        finding.changes = "none"
    elif finding.coverage == "revision":
        result = signature.evaluate_modifications(DEFAULT_DIFF_POLICY)
        allowed = isinstance(result, DiffResult) and not _forbidden(signature.docmdp_level, result)
        finding.changes = _CHANGES.get(result.modification_level.name, "suspicious") if allowed else "suspicious"
    else:
        finding.unchecked["changes"] = "the signature does not cover a whole revision"


def _forbidden(permission: MDPPerm | None, result: Any) -> bool:
    return permission is not None and result.modification_level.value > permission.value


def _check_token(finding: Finding, _stream: BinaryIO) -> None:  # 5
    signature = finding.signature
    tokens = list(extract_tst_data_iter(signature.signer_info, signed=False))
    if tokens:
        raw = signature.signer_info["signature"].native
        finding.token = _read_token(tokens[0], lambda algorithm: _digest(raw, algorithm))
    if len(tokens) > 1:
        finding.unchecked["token"] = f"{len(tokens)} tokens, only the first was examined"


def _read_token(signed: Any, expected: Callable[[str], bytes]) -> TimeToken:
    """Check a token: its imprint is of what it should stamp, and its authority's key signed it."""
    content = signed["encap_content_info"]["content"]
    info = content.parsed
    imprint = info["message_imprint"]
    stamped = expected(imprint["hash_algorithm"]["algorithm"].native) == imprint["hashed_message"].native
    (signer_info,) = signed["signer_infos"]
    certificate = _signer_of(signed, signer_info)
    digest = _digest(bytes(content), _md(signer_info))
    intact, valid = validate_sig_integrity(signer_info, certificate, "tst_info", digest)
    return TimeToken(
        time=info["gen_time"].native,
        authority=_text(certificate.subject.human_friendly),
        digest_algorithm=_md(signer_info),
        integrity="intact" if stamped and intact and valid else "broken",
    )


def _signer_of(signed: Any, signer_info: Any) -> Any:
    wanted = signer_info["sid"].chosen
    for choice in signed["certificates"]:
        held = choice.chosen
        if choice.name == "certificate" and held.serial_number == wanted["serial_number"].native:
            return held.untag()
    raise ValueError("the token does not carry its authority's certificate")


def _md(signer_info: Any) -> str:
    return str(signer_info["digest_algorithm"]["algorithm"].native)


def _digest(data: bytes, algorithm: str) -> bytes:
    digest = hashes.Hash(get_pyca_cryptography_hash(algorithm))
    digest.update(data)
    return digest.finalize()
