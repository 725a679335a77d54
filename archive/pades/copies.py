"""What a file says that is handed in as one of our certified copies; runs in a jail, judges nothing but the chain.

The answer is plain JSON, so that it can cross the jail's pipe. Its caller compares the file's digest itself: what
a jailed process says of hostile bytes is a finding, never the only proof.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, NotYetValidError, PathError, ValidationError

from archive.pades.claims import SERIAL, Chain, Problem
from archive.pades.examine import UNREADABLE, Finding, SignaturesUnreadable, examined
from archive.pades.sign import COPY_FIELD
from archive.pades.validate import KEY_USAGES
from archive.signers.file import DEMO_MARK

_HEAD_BYTES = 1024  # readers look for the header this far
_TAIL_BYTES = 1 << 20
_SERIAL = re.compile(rf"(?<![0-9A-Za-z]){SERIAL.pattern}(?![0-9A-Za-z])")
_NEXT_OBJECT = re.compile(rb"\s*(\d+ \d+ obj|$)")
_ANNOTATIONS_MAX = 50
_TEXT_MAX = 4096
_SERIALS_MAX = 4
_TEXTS = ("/Contents", "/NM", "/TU")


def warm() -> None:
    """Nothing to do: importing this module in the jail's parent process is what makes a call quick."""


def inspect_copy_in_jail(path: str, roots: Sequence[str]) -> dict[str, Any]:
    """Return what `Claims.from_json` reads of a file, all of JSON's types.

    roots: PEM, one certificate each. Signatures are in the order made. Serials are what the marks of page 1
    give as such; under an intact signature they are as they were signed.
    """
    anchors = [asn1_x509.Certificate.load(pem.unarmor(root.encode())[2]) for root in roots]
    for strict in (True, False):
        try:
            with examined(Path(path), strict=strict) as findings:
                signatures = [_told(finding, anchors) for finding in findings]
                if not strict and any(found["field"] == COPY_FIELD for found in signatures):
                    break  # a copy of ours has no fault that only a lenient reader passes over
                if not signatures and _encrypted(Path(path)):
                    return {"problem": "encrypted", "signatures": [], "serials": []}
                return {"problem": None, "signatures": signatures, "serials": _serials(findings)}
        except SignaturesUnreadable:
            continue
    return {"problem": _problem(Path(path)), "signatures": [], "serials": []}


def _told(finding: Finding, anchors: list[Any]) -> dict[str, Any]:
    token = finding.token
    stamped_at = token.time if token is not None and token.integrity == "intact" else None
    return {
        "field": finding.field,
        "subject": finding.subject,
        "valid_until": _written(finding.valid_until),
        "signed_at": _written(finding.claimed_at),
        "stamped_at": _written(stamped_at),
        "integrity": finding.integrity,
        "coverage": finding.coverage,
        "locked": _locks_every_change(finding),
        "weak": list(finding.weak),
        "unchecked": sorted(finding.unchecked),
        "time_stamp": token.integrity if token is not None else None,
        "chain": _chain(finding, anchors, stamped_at or finding.claimed_at),
        "demo": _is_demo(finding),
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _locks_every_change(finding: Finding) -> bool:
    try:
        return bool(finding.signature is not None and finding.signature.docmdp_level == MDPPerm.NO_CHANGES)
    except UNREADABLE:
        return False


def _chain(finding: Finding, anchors: list[Any], moment: datetime | None) -> Chain:
    """Say where the signer's certificate leads, at the time of the token or else the one the signer states."""
    if finding.signature is None or moment is None:
        return "no-time"
    try:
        context = ValidationContext(
            trust_roots=anchors, moment=moment, allow_fetching=False, revocation_mode="soft-fail"
        )
        validator = CertificateValidator(
            finding.signature.signer_cert,
            intermediate_certs=finding.signature.other_embedded_certs,
            validation_context=context,
        )
        asyncio.run(validator.async_validate_path())
    except (ExpiredError, NotYetValidError):
        return "outside-validity"
    except (PathError, ValidationError, *UNREADABLE):
        return "foreign"
    try:
        asyncio.run(validator.async_validate_usage(KEY_USAGES))
    except ValidationError:
        return "wrong-usage"
    return "chained"


def _is_demo(finding: Finding) -> bool:
    try:
        held = (finding.signature.signer_cert, *finding.signature.other_embedded_certs)
        units = [one.subject.native.get("organizational_unit_name") for one in held]
    except UNREADABLE:
        return False
    return any(DEMO_MARK in (unit if isinstance(unit, list) else [unit]) for unit in units)


def _serials(findings: list[Finding]) -> list[str]:
    """Return the serials the annotations of page 1 give in words: the QR's own, or its address."""
    found: dict[str, None] = {}
    try:
        reader = next(finding.signature.reader for finding in findings if finding.signature is not None)
        page = reader.find_page_for_modification(0)[0].get_object()
        for reference in list(page.get("/Annots", ()))[:_ANNOTATIONS_MAX]:
            annotation = reference.get_object()
            action = annotation.get("/A", {})
            texts = [annotation.get(name) for name in _TEXTS] + [action.get("/URI")]
            for text in texts:
                found.update(dict.fromkeys(_SERIAL.findall(str(text)[:_TEXT_MAX])))
    except (StopIteration, *UNREADABLE):
        pass
    return list(found)[:_SERIALS_MAX]


def _problem(path: Path) -> Problem:
    with path.open("rb") as stream:
        if b"%PDF-" not in stream.read(_HEAD_BYTES):
            return "not-a-pdf"
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _TAIL_BYTES))
        _before, mark, after = stream.read().rpartition(b"%%EOF")
    if _encrypted(path):
        return "encrypted"
    if not mark or (after.strip() and _NEXT_OBJECT.match(after)):
        return "truncated"
    return "bytes-added" if after.strip() else "damaged"


def _encrypted(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return bool(PdfFileReader(stream, strict=False).encrypted)
    except UNREADABLE:
        return False
