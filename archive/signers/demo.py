"""A demo authority: keys made on first run, so that the program can be tried; they bind nobody.

Every certificate says so in its organizational unit. The folder is then an ordinary keys folder:

    root.der, root.pem     the root certificate, to be given to validators
    root.crl               an empty revocation list, for validators that want one
    authority/root.p12     the root's key
    passphrase             opens every .p12; random, 0600
    <role>.p12             one key per role, made when the role is first needed
"""

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from archive.errors import SigningFailed
from archive.signers.file import DEMO_MARK, KEY_BITS_MIN, PASSPHRASE_FILE, key_file_name

ROOT_YEARS = 20
ROLE_YEARS = 5
_YEAR = timedelta(days=365)
_BEFORE = timedelta(days=1)  # signing times frozen shortly before the key was made still fall in its validity
_AUTHORITY = "authority"
_ROOT_FILE = "root.p12"
# Never resolves (RFC 2606): a validator online fails at once, one offline is given root.crl.
CRL_URL = "http://crl.demo.invalid/root.crl"
_NAME_BYTES_MAX = 64  # of a common name, X.520


@dataclass(slots=True)
class _Root:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class DemoAuthority:
    """The root of a demo keys folder, able to make a role's key when it is first needed."""

    def __init__(self, folder: Path, agency_name: str) -> None:
        self.folder = folder
        self.agency_name = agency_name
        self.root_der = folder / "root.der"
        self.root_pem = folder / "root.pem"
        self.root_crl = folder / "root.crl"
        self._root: _Root | None = None
        self._lock = Lock()

    def ensure_role(self, role: str, display_name: str, *, now: datetime) -> Path:
        """Return the role's key file, making key and certificate if it has none (about 0.5 s of one core).

        display_name: the person or agency the certificate names. An existing key is left as it is. Two
        processes may race: one key wins, whole. Raises SigningFailed if the folder cannot be used.
        """
        path = self.folder / key_file_name(role)
        if path.exists():
            return path
        with self._lock:
            root = self._open_root(role)
            key = _new_key()
            certificate = _role_certificate(key, display_name, self.agency_name, root, now)
            body = _sealed(role, key, certificate, [root.certificate], self._passphrase(role))
            _claim(path, body, 0o600)
        return path

    def _open_root(self, role: str) -> _Root:
        if self._root is None:
            path = self.folder / _AUTHORITY / _ROOT_FILE
            try:
                bundle = pkcs12.load_pkcs12(path.read_bytes(), self._passphrase(role))
            except (OSError, ValueError) as fault:
                raise SigningFailed(
                    role, f"the demo root in {_AUTHORITY}/{_ROOT_FILE} cannot be opened"
                ) from fault
            if not isinstance(bundle.key, rsa.RSAPrivateKey) or bundle.cert is None:
                raise SigningFailed(role, f"{_AUTHORITY}/{_ROOT_FILE} does not hold the demo root")
            self._root = _Root(bundle.key, bundle.cert.certificate)
        return self._root

    def _passphrase(self, role: str) -> bytes:
        try:
            # Decoded once to be sure: cryptography fails on other bytes with an error of its own making.
            return (self.folder / PASSPHRASE_FILE).read_text("utf-8").rstrip("\r\n").encode()
        except (OSError, ValueError) as fault:
            raise SigningFailed(role, f"the demo folder's {PASSPHRASE_FILE} cannot be read") from fault


def make_demo_authority(folder: Path, *, now: datetime, agency_name: str) -> DemoAuthority:
    """Open the demo authority in a folder, making folder, passphrase, root and revocation list on first run.

    agency_name: goes into the organization of the certificates made from now on. Safe to call again and by
    several processes at once; what is there already is kept. Makes no role's key: see ensure_role. Raises
    SigningFailed if the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _AUTHORITY).mkdir(exist_ok=True, mode=0o700)
    except OSError as fault:
        raise SigningFailed("demo", f"the folder {folder.name} cannot be made: {fault.strerror}") from fault
    authority = DemoAuthority(folder, agency_name)
    _claim(folder / PASSPHRASE_FILE, secrets.token_urlsafe(32).encode(), 0o600)
    root_path = folder / _AUTHORITY / _ROOT_FILE
    if not root_path.exists():
        key = _new_key()
        certificate = _root_certificate(key, now)
        _claim(root_path, _sealed("root", key, certificate, [], authority._passphrase("root")), 0o600)
    if not all(path.exists() for path in (authority.root_der, authority.root_pem, authority.root_crl)):
        # Written from the root that won, which under a race need not be the one made above.
        root = authority._open_root("root")
        _claim(authority.root_der, root.certificate.public_bytes(Encoding.DER), 0o644)
        _claim(authority.root_pem, root.certificate.public_bytes(Encoding.PEM), 0o644)
        _claim(authority.root_crl, _empty_crl(root, now), 0o644)
    return authority


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS_MIN)


def _sealed(
    name: str,
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    issuers: list[x509.Certificate],
    passphrase: bytes,
) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key, certificate, issuers, BestAvailableEncryption(passphrase)
    )


def _claim(path: Path, body: bytes, mode: int) -> None:
    """Write a file whole and durably unless one is there already; the first of several writers wins."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_and_link(temporary, path, body, mode)
    except OSError as fault:
        raise SigningFailed("demo", f"{path.name} cannot be written: {fault.strerror}") from fault


def _write_and_link(temporary: Path, path: Path, body: bytes, mode: int) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def _subject(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, DEMO_MARK),
            x509.NameAttribute(NameOID.COMMON_NAME, _cut(common_name)),
        ]
    )


def _cut(name: str) -> str:
    """Shorten a common name to what a certificate can hold, at a letter."""
    raw = name.encode()
    if len(raw) <= _NAME_BYTES_MAX:
        return name
    return raw[: _NAME_BYTES_MAX - 3].decode(errors="ignore").rstrip() + "…"


def _usage(*, signs_files: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs_files,
        content_commitment=signs_files,  # nonRepudiation
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_files,
        crl_sign=not signs_files,
        encipher_only=False,
        decipher_only=False,
    )


def _root_certificate(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = _subject("Sohoa Demo Root CA", "Sohoa Demo")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + ROOT_YEARS * _YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_files=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _role_certificate(
    key: rsa.RSAPrivateKey, display_name: str, agency_name: str, root: _Root, now: datetime
) -> x509.Certificate:
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)]
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(display_name, agency_name))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - _BEFORE, root.certificate.not_valid_before_utc))
        .not_valid_after(min(now + ROLE_YEARS * _YEAR, root.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_files=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority_key, critical=False)
        # A revocation list only, no OCSP responder: pdfsig asks every responder a certificate names.
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .sign(root.key, SHA256())
    )


def _empty_crl(root: _Root, now: datetime) -> bytes:
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    revoked_none = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(now - _BEFORE)
        .next_update(root.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(authority_key, critical=False)
        .sign(root.key, SHA256())
    )
    return revoked_none.public_bytes(Encoding.DER)
