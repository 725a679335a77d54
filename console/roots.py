"""The root certificates of an installation: the demonstration's own, and those an operator trusts."""

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256

from archive.errors import HomeNotReady


def read_roots(folders: Iterable[Path]) -> tuple[x509.Certificate, ...]:
    """Return the self-signed certificates in the *.pem files of folders, each once; others are left out.

    A folder that is not there holds none. Raises HomeNotReady naming a file that can't be read.
    """
    found: dict[bytes, x509.Certificate] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.pem")):
            for certificate in read_certificates(path):
                if is_self_signed(certificate):
                    found.setdefault(certificate.fingerprint(SHA256()), certificate)
    return tuple(found.values())


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a file, PEM (one or more) or DER. Raises HomeNotReady."""
    try:
        raw = path.read_bytes()
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificates(raw)
        return [x509.load_der_x509_certificate(raw)]
    except (OSError, ValueError) as error:
        raise HomeNotReady(f"{path} holds no readable certificate") from error


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed with its own key."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
