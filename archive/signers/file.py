"""Keys in a folder: one PKCS#12 file per role, opened with a passphrase from beside them or from a setting.

The folder is 0700, every file in it that holds a secret 0600; anything more open is refused. A key is parsed
once and kept, because parsing and checking an RSA key costs far more than signing with it.
"""

import stat
import string
from pathlib import Path
from threading import Lock

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12

from archive.errors import SigningFailed
from archive.signers.port import Credential

DEMO_MARK = "TRÌNH DIỄN - DEMO, không có giá trị pháp lý"  # organizationalUnit of every demo certificate
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - a file's name; UTF-8, a trailing line end is not part of it
ISSUERS_FILE = "issuers.pem"  # issuing certificates that the key files leave out; may be absent
KEY_BITS_MIN = 3072
ROLE_LENGTH_MAX = 80  # characters; keeps the percent-encoded file name below 255 bytes
_CHAIN_LENGTH_MAX = 8
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PLAIN = frozenset((string.ascii_lowercase + string.digits + "-_").encode())


def key_file_name(role: str) -> str:
    """Return the name of a role's key file: every byte but a-z, 0-9, `-` and `_` is written %xx.

    Reversible, safe on any file system, and the same for no two roles: `agency:so-tu-phap` is kept in
    `agency%3aso-tu-phap.p12`. Raises SigningFailed for an empty or overlong role.
    """
    if not role or len(role) > ROLE_LENGTH_MAX:
        raise SigningFailed(role, f"a role is 1 to {ROLE_LENGTH_MAX} characters")
    encoded = "".join(chr(b) if b in _PLAIN else f"%{b:02x}" for b in role.encode())
    if len(encoded) > 240:
        raise SigningFailed(role, "the role's name is too long for a file name")
    return encoded + ".p12"


class FileSigner:
    """Signer over a folder of PKCS#12 files. Safe to share between threads.

    passphrase: opens every key file of the folder; when None, read once from the folder's `passphrase` file.
    """

    def __init__(self, folder: Path, *, passphrase: str | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._opened: dict[str, tuple[RSAPrivateKey, Credential]] = {}
        self._lock = Lock()

    def credential(self, role: str) -> Credential:
        """Return the certificate chain of a role. Raises SigningFailed if its key cannot be used."""
        return self._key(role)[1]

    def sign(self, role: str, data: bytes) -> bytes:
        """Return the raw RSASSA-PKCS1-v1_5 SHA-256 signature of data, checked before it is handed out."""
        key, credential = self._key(role)
        signature = key.sign(data, PKCS1v15(), SHA256())
        certified = credential.certificate.public_key()
        try:
            # A fault while computing would leak the key through the bad signature; checking costs 0.1 ms,
            # and also finds a key that is not the one its certificate names.
            assert isinstance(certified, RSAPublicKey)
            certified.verify(signature, data, PKCS1v15(), SHA256())
        except InvalidSignature as fault:
            raise SigningFailed(role, "the signature made does not verify with its certificate") from fault
        return signature

    def _key(self, role: str) -> tuple[RSAPrivateKey, Credential]:
        with self._lock:
            if role not in self._opened:
                self._opened[role] = self._open(role)
            return self._opened[role]

    def _open(self, role: str) -> tuple[RSAPrivateKey, Credential]:
        name = key_file_name(role)
        if not (self._folder / name).is_file():
            raise SigningFailed(role, f"there is no key file {name} in the keys folder")
        passphrase = self._read_passphrase(role)
        try:
            bundle = pkcs12.load_pkcs12(self._read_secret(role, name), passphrase)
        except UnsupportedAlgorithm as fault:
            raise SigningFailed(
                role, f"{name} uses a cipher that is no longer supported; export it again with AES-256"
            ) from fault
        except ValueError as fault:
            raise SigningFailed(role, f"{name} is damaged, or the passphrase is wrong") from fault
        certificate = bundle.cert.certificate if bundle.cert is not None else None
        if (
            not isinstance(bundle.key, RSAPrivateKey)
            or certificate is None
            or not isinstance(certificate.public_key(), RSAPublicKey)
        ):
            raise SigningFailed(role, f"{name} does not hold an RSA key with its certificate")
        if bundle.key.key_size < KEY_BITS_MIN:
            raise SigningFailed(role, f"the key has {bundle.key.key_size} bits, {KEY_BITS_MIN} are needed")
        issuers = [entry.certificate for entry in bundle.additional_certs] + self._read_issuers(role)
        chain = _chain_of(role, certificate, issuers)
        return bundle.key, Credential(role, certificate, chain, demo=_is_demo((certificate, *chain)))

    def _read_passphrase(self, role: str) -> bytes:
        if self._passphrase is None:
            try:
                self._passphrase = self._read_secret(role, PASSPHRASE_FILE).decode().rstrip("\r\n")
            except UnicodeDecodeError as fault:
                raise SigningFailed(role, f"the file {PASSPHRASE_FILE} is not UTF-8 text") from fault
        return self._passphrase.encode()

    def _read_secret(self, role: str, name: str) -> bytes:
        path = self._folder / name
        try:
            for held in (self._folder, path):
                if held.stat().st_mode & _OTHERS:
                    raise SigningFailed(
                        role,
                        f"{held.name} can be reached by other users: chmod 700 the folder, 600 its files",
                    )
            return path.read_bytes()
        except OSError as fault:
            raise SigningFailed(role, f"{name} cannot be read: {fault.strerror}") from fault

    def _read_issuers(self, role: str) -> list[x509.Certificate]:
        path = self._folder / ISSUERS_FILE
        if not path.is_file():
            return []
        try:
            return x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as fault:
            raise SigningFailed(role, f"{ISSUERS_FILE} holds no readable PEM certificates") from fault


def _chain_of(
    role: str, certificate: x509.Certificate, issuers: list[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Order the issuers from the certificate's own up to the root; a gap raises SigningFailed."""
    chain: list[x509.Certificate] = []
    last = certificate
    while last.issuer != last.subject:
        above = next((issuer for issuer in issuers if _issued(last, issuer)), None)
        if above is None or len(chain) == _CHAIN_LENGTH_MAX:
            raise SigningFailed(
                role,
                f"the certificate of {last.issuer.rfc4514_string()} is missing; add it to {ISSUERS_FILE}",
            )
        chain.append(above)
        last = above
    return tuple(chain)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _is_demo(certificates: tuple[x509.Certificate, ...]) -> bool:
    """Say whether any certificate carries the demo mark; a real authority never issues that unit name."""
    units = x509.NameOID.ORGANIZATIONAL_UNIT_NAME
    return any(
        name.value == DEMO_MARK for held in certificates for name in held.subject.get_attributes_for_oid(units)
    )
