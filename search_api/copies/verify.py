"""Verify a file that is shown as a certified copy: three answers, each on its own, none guessed.

1. the file: is there one, of a size that is looked at; its SHA-256, computed here and not in the jail;
2. what it says: its signatures are examined in the jail, for the bytes are hostile;
3. the register: the copy with this digest, or else the one whose serial the file bears;
4. integrity: signature, coverage, no change allowed; with the register also the digest of the whole file;
5. status: the copy is issued and not revoked, its record in force today;
6. issuer: where the signer's certificate leads, and whether it was valid at signing.

Only the register proves integrity: pyHanko accepts changes in a signature's padding, and what a jailed process
says of hostile bytes is a finding. Revocation of certificates is not looked up: no network is used.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine

from archive.database import reading
from archive.digest import sha256_of_file
from archive.pades.claims import ClaimedSignature, Claims, ClaimsUnreadable, Ended
from archive.pades.sign import AGENCY_FIELD, COPY_FIELD, DIGITIZER_FIELD
from ocr.errors import PageCrashed, PageOutOfMemory, PageTimedOut
from ocr.jail.parent import Jail
from search_api.copies.model import CopyFacts
from search_api.copies.status import Entry, entry_by_digest, entry_by_serial
from search_api.copies.verify_words import Language, Verdict, invalid, unchecked, valid

MAX_BYTES = 128 * 1024**2
JAIL_SECONDS = 20.0
INSPECT = "archive.pades.copies:inspect_copy_in_jail"
_CHAIN_REASONS = {"foreign": "foreign-root", "outside-validity": "not-valid-then", "wrong-usage": "wrong-usage"}


@dataclass(frozen=True, slots=True)
class Report:
    """The three verdicts on a file. sha256: of the whole file, None if it was not read.

    copy: the register's, matched by digest or only by the serial the file bears (matched_by). signed_at: by a
    time stamp, else by the signer's word. subject: of the signer's certificate, as the file gives it.
    """

    integrity: Verdict
    status: Verdict
    issuer: Verdict
    sha256: str | None = None
    copy: CopyFacts | None = None
    matched_by: Literal["digest", "serial"] | None = None
    signed_at: datetime | None = None
    subject: str | None = None

    def as_json(self, language: Language) -> dict[str, Any]:
        """Return it as the command line and the API show it; nothing of it is personal or names the record."""
        return {
            "integrity": self.integrity.as_json(language),
            "status": self.status.as_json(language),
            "issuer": self.issuer.as_json(language),
            "sha256": self.sha256,
            "copy": _shown(self.copy) if self.copy is not None else None,
            "matched_by": self.matched_by,
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
            "subject": self.subject,
        }


def exit_code(report: Report) -> int:
    """Return 0 when all three are valid, 3 when one is invalid, 4 when something is unchecked."""
    verdicts = {report.integrity.verdict, report.status.verdict, report.issuer.verdict}
    return 3 if "invalid" in verdicts else 0 if verdicts == {"valid"} else 4


def prepare_jail(jail: Jail) -> None:
    """Have a jail load what verifying needs when it starts, so that a call costs no imports."""
    jail.warm("archive.pades.copies:warm", {})


def verify_file(
    path: Path, *, engine: Engine | None, roots: Sequence[x509.Certificate], jail: Jail, now: datetime
) -> Report:
    """Return the three verdicts on a file, whatever it is.

    engine: of the register's catalogue, None when it is not at hand. roots: certificates the signer must lead to.
    Raises JailUnavailable: a fault of the installation, not of the file.
    """
    problem = _unfit(path)  # 1
    if problem is not None:
        return _unread(problem)
    sha256, _length = sha256_of_file(path)
    claims = _examine(path, roots, jail)  # 2
    return judge(claims, sha256=sha256, engine=engine, with_roots=bool(roots), now=now)


def judge(claims: Claims, *, sha256: str, engine: Engine | None, with_roots: bool, now: datetime) -> Report:
    """Return the verdicts on a file with this digest of which the jail told these claims (steps 3 to 6)."""
    entry, matched_by = _look_up(engine, sha256, claims.serials, now)  # 3
    signature = _copy_signature(claims.signatures)
    by_digest = matched_by == "digest"
    return Report(
        integrity=_integrity(claims, signature, matched_by, with_register=engine is not None),  # 4
        status=_status(entry, signature, with_register=engine is not None),  # 5
        issuer=_issuer(claims, signature, with_roots=with_roots, time_known=by_digest, now=now),  # 6
        sha256=sha256,
        copy=entry.facts if entry is not None else None,
        matched_by=matched_by,
        signed_at=signature.stamped_at or signature.signed_at if signature is not None else None,
        subject=signature.subject if signature is not None else None,
    )


def _unfit(path: Path) -> str | None:
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:
        size = None
    if size is None or not os.access(path, os.R_OK):
        return "not-a-file"
    return "empty" if size == 0 else "too-large" if size > MAX_BYTES else None


def _unread(problem: str) -> Report:
    integrity = invalid(problem) if problem == "empty" else unchecked(problem)
    return Report(integrity=integrity, status=unchecked("no-copy"), issuer=unchecked("not-examined"))


def _examine(path: Path, roots: Sequence[x509.Certificate], jail: Jail) -> Claims:
    arguments = {"roots": [root.public_bytes(Encoding.PEM).decode() for root in roots]}
    try:
        return Claims.from_json(jail.call(INSPECT, arguments, seconds=JAIL_SECONDS, files={"path": path}))
    except PageTimedOut:
        return Claims("timed-out")
    except (PageOutOfMemory, PageCrashed, ClaimsUnreadable):
        return Claims("not-examined")


def _look_up(
    engine: Engine | None, sha256: str, serials: Sequence[str], now: datetime
) -> tuple[Entry | None, Literal["digest", "serial"] | None]:
    if engine is None:
        return None, None
    with reading(engine) as connection:
        entry = entry_by_digest(connection, sha256, now=now)
        if entry is not None:
            return entry, "digest"
        for serial in serials:
            entry = entry_by_serial(connection, serial, now=now)
            if entry is not None:
                return entry, "serial"
    return None, None


def _copy_signature(signatures: Sequence[ClaimedSignature]) -> ClaimedSignature | None:
    """The signature of a copy, or else the last one: the agency's on an archived file, a stranger's on theirs."""
    ours = [one for one in signatures if one.field == COPY_FIELD]
    return ours[0] if ours else signatures[-1] if signatures else None


def _integrity(
    claims: Claims, signature: ClaimedSignature | None, matched_by: str | None, *, with_register: bool
) -> Verdict:
    if claims.problem is not None:
        # What is wrong with the file itself no other reading makes good.
        return unchecked(claims.problem) if claims.problem in get_args(Ended) else invalid(claims.problem)
    against = _against(claims.signatures, signature)
    if against is not None:
        return invalid(against)
    if matched_by == "digest":
        return valid("as-registered")
    if matched_by == "serial":
        return invalid("changed-since-issue")
    return unchecked("not-in-register" if with_register else "register-not-at-hand")


def _against(signatures: Sequence[ClaimedSignature], signature: ClaimedSignature | None) -> str | None:
    """Say what speaks against a file's being an unaltered copy, the plainest first; None: nothing in the file."""
    if signature is None:
        return "no-signature"
    if signature.field != COPY_FIELD:
        fields = {one.field for one in signatures}
        return "archived-file" if fields == {DIGITIZER_FIELD, AGENCY_FIELD} else "not-a-copy"
    checks = (
        ("signature-broken", signature.integrity == "broken"),
        ("signature-unreadable", signature.integrity != "intact"),
        ("signed-again", len(signatures) > 1),
        ("bytes-added", signature.coverage == "revision"),
        ("not-wholly-covered", signature.coverage != "file"),
        ("not-certifying", not signature.locked),
        ("weak-algorithm", bool(signature.weak)),
        ("time-stamp-broken", signature.time_stamp not in (None, "intact")),
        ("signature-unreadable", bool(signature.unchecked)),
    )
    return next((reason for reason, against in checks if against), None)


def _status(entry: Entry | None, signature: ClaimedSignature | None, *, with_register: bool) -> Verdict:
    if entry is not None:
        return entry.status
    if signature is None or signature.field != COPY_FIELD:
        return unchecked("no-copy")
    return unchecked("not-in-register" if with_register else "register-not-at-hand")


def _issuer(
    claims: Claims, signature: ClaimedSignature | None, *, with_roots: bool, time_known: bool, now: datetime
) -> Verdict:
    """time_known: our register proves when it was signed; else a time stamp must, once the certificate is old."""
    if signature is None:
        return unchecked("not-examined" if claims.problem else "no-signature")
    if signature.integrity != "intact":
        return unchecked("signer-unproven")
    if not with_roots:
        return unchecked("no-roots")
    if signature.chain in _CHAIN_REASONS:
        return invalid(_CHAIN_REASONS[signature.chain])
    if signature.chain != "chained":
        return unchecked("time-unknown")
    expired = signature.valid_until is not None and signature.valid_until < now
    if expired and not time_known and signature.stamped_at is None:
        return unchecked("expired-since")
    return valid("demo-issuer" if signature.demo else "trusted")


def _shown(facts: CopyFacts) -> dict[str, Any]:
    return {
        "serial": facts.serial,
        "status": facts.status,
        "kind": facts.kind,
        "agency": facts.agency,
        "number": facts.number_text,
        "demo": facts.demo,
        "issued_at": facts.issued_at.isoformat() if facts.issued_at else None,
        "ended_at": facts.ended_at.isoformat() if facts.ended_at else None,
    }
