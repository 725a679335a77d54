"""The promise of every signer: raw bytes signed with a key named by its role."""

from dataclasses import dataclass
from typing import Protocol

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Credential:
    """The public side of a role's key: its certificate and the chain up to, and with, the root.

    demo: the key was made by this program on first run and binds nobody.
    """

    role: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    demo: bool


class Signer(Protocol):
    """Keys by role: `digitizer:<principal>`, `agency:<unit>`, `copies:<unit>`, `log`."""

    def credential(self, role: str) -> Credential:
        """Return the certificate chain of a role. Raises SigningFailed if there is no such key."""
        ...

    def sign(self, role: str, data: bytes) -> bytes:
        """Return the raw RSASSA-PKCS1-v1_5 SHA-256 signature of data (RSA-3072 or longer).

        Deterministic: the same key and data give the same bytes. Raises SigningFailed.
        """
        ...
