"""Judge signatures: our own against our roots, a stranger's as far as it can be known without any.

No network is used: revocation is not looked up and is named as unchecked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from archive.pades.examine import UNREADABLE, Finding, SignaturesUnreadable, examined
from archive.record import SignatureFacts

Trust = Literal["chained", "not-chained", "unchecked"]
KEY_USAGES = {"digital_signature", "non_repudiation"}


@dataclass(frozen=True, slots=True)
class OwnSignature:
    """One of our signatures. valid only when reasons is empty; signed_at is what the file states.

    level: B-T when an intact token is there, else B-B. trust: chained means to one of the roots given, with
    every certificate in its validity at the time of the token, or else at signed_at.
    """

    field: str
    subject: str | None
    certificate_sha256: str | None
    signed_at: datetime | None
    level: str
    integrity: str
    coverage: str
    trust: Trust
    reasons: tuple[str, ...]
    stamped_at: datetime | None = None

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against this signature."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """The verdict as it is kept in a package."""
        return {
            "integrity": self.integrity,
            "coverage": self.coverage,
            "trust": self.trust,
            "revocation": "unchecked",
            "subject": self.subject,
            "stamped_at": self.stamped_at.isoformat() if self.stamped_at else None,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """The verdict on a file of ours, signatures in the order made."""

    signatures: tuple[OwnSignature, ...]

    @property
    def valid(self) -> bool:
        """Whether there are signatures and all of them are valid."""
        return bool(self.signatures) and all(signature.valid for signature in self.signatures)


def validate_own(path: Path, roots: Sequence[x509.Certificate]) -> OwnVerdict:
    """Say whether every signature of a file of ours is intact, covers what it must, and chains to a root.

    The last signature must cover the file to its last byte, an earlier one its whole revision, with nothing
    but signatures added since. With no register at hand this is not the whole truth about a copy: compare
    the file's SHA-256 with the one recorded. Raises SignaturesUnreadable.
    """
    anchors = [asn1_x509.Certificate.load(root.public_bytes(Encoding.DER)) for root in roots]
    with examined(path, strict=True) as findings:
        last = len(findings) - 1
        return OwnVerdict(
            tuple(_judge(finding, anchors, last=number == last) for number, finding in enumerate(findings))
        )


def _judge(finding: Finding, anchors: list[Any], *, last: bool) -> OwnSignature:
    reasons = [f"{step} unchecked: {why}" for step, why in finding.unchecked.items()]
    if finding.integrity != "intact":
        reasons.append(f"integrity is {finding.integrity}")
    if finding.coverage != ("file" if last else "revision"):
        reasons.append(f"it covers {finding.coverage}, not the {'file' if last else 'revision'}")
    if finding.changes not in ("none", "allowed"):
        reasons.append(f"later changes are {finding.changes}")
    reasons += [f"{algorithm} is too weak" for algorithm in finding.weak]
    token = finding.token
    if token is not None and token.integrity != "intact":
        reasons.append(f"its time stamp is {token.integrity}")
    moment = token.time if token is not None and token.integrity == "intact" else finding.claimed_at
    trust, why = _chain(finding, anchors, moment)
    reasons += why
    return OwnSignature(
        field=finding.field,
        subject=finding.subject,
        certificate_sha256=finding.certificate_sha256,
        signed_at=finding.claimed_at,
        level=_level(finding) or "none",
        integrity=finding.integrity,
        coverage=finding.coverage,
        trust=trust,
        reasons=tuple(reasons),
        stamped_at=token.time if token is not None else None,
    )


def _level(finding: Finding) -> str | None:
    if finding.subfilter != "ETSI.CAdES.detached":
        return None
    return "B-T" if finding.token is not None and finding.token.integrity == "intact" else "B-B"


def _chain(finding: Finding, anchors: list[Any], moment: datetime | None) -> tuple[Trust, list[str]]:
    if finding.signature is None or moment is None:
        return "unchecked", ["no certificate or no time to check the chain at"]
    try:
        context = ValidationContext(
            trust_roots=anchors, moment=moment, allow_fetching=False, revocation_mode="soft-fail"
        )
        validator = CertificateValidator(
            finding.signature.signer_cert,
            intermediate_certs=finding.signature.other_embedded_certs,
            validation_context=context,
        )
        asyncio.run(validator.async_validate_usage(KEY_USAGES))
    except (PathError, ValidationError, *UNREADABLE) as fault:
        return "not-chained", [f"the certificate does not lead to a root of ours: {fault}"]
    return "chained", []


def inspect_signatures(path: Path, *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Examine every signature of a stranger's PDF; return them as JSON in the shape of SignatureFacts.

    now: to say whether a certificate has expired by today; None leaves that open. Trust is never judged
    here. Broken signatures are findings, not errors. Raises SignaturesUnreadable if none can be listed.
    """
    with examined(path, strict=False) as findings:
        return [_foreign(finding, now) for finding in findings]


def inspect_in_jail(path: str, now: str | None = None) -> dict[str, Any]:
    """The same for a jail: text in, `{"signatures", "problem"}` out, both of JSON's types.

    now: ISO 8601. problem: why the signatures could not be listed, or None.
    """
    moment = datetime.fromisoformat(now) if now else None
    try:
        return {"signatures": inspect_signatures(Path(path), now=moment), "problem": None}
    except SignaturesUnreadable as fault:
        return {"signatures": [], "problem": fault.reason}


def facts_of(found: dict[str, Any]) -> SignatureFacts:
    """Read one entry of inspect_signatures back as SignatureFacts."""
    signed_at = found["signed_at"]
    return SignatureFacts(**{**found, "signed_at": datetime.fromisoformat(signed_at) if signed_at else None})


def _foreign(finding: Finding, now: datetime | None) -> dict[str, Any]:
    token = finding.token
    return {
        "field": finding.field,
        "role": "foreign",
        "certificate_sha256": finding.certificate_sha256,
        "signed_at": _written(finding.claimed_at),
        "level": _level(finding),
        "demo": False,
        "validation": {
            "subject": finding.subject,
            "issuer": finding.issuer,
            "valid_from": _written(finding.valid_from),
            "valid_until": _written(finding.valid_until),
            "expired_when_signed": _outside(finding, finding.claimed_at),
            "expired_now": _outside(finding, now),
            "subfilter": finding.subfilter,
            "digest_algorithm": finding.digest_algorithm,
            "signature_algorithm": finding.signature_algorithm,
            "weak": finding.weak,
            "integrity": finding.integrity,
            "coverage": finding.coverage,
            "changes": finding.changes,
            "certifies": finding.certifies,
            "timestamp": token
            and {
                "time": _written(token.time),
                "authority": token.authority,
                "digest_algorithm": token.digest_algorithm,
                "integrity": token.integrity,
                "trust": "unchecked",
            },
            "trust": "unchecked",
            "revocation": "unchecked",
            "unchecked": finding.unchecked,
        },
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _outside(finding: Finding, moment: datetime | None) -> bool | None:
    """Whether a moment lies outside the certificate's validity; None if either is not known."""
    if moment is None or finding.valid_from is None or finding.valid_until is None:
        return None
    return not finding.valid_from <= moment <= finding.valid_until
