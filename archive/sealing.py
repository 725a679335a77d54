"""Seals personal text at rest and finds it again by keyed digest, under versioned keys.

Sealed: AES-256-GCM, 12 random bytes of nonce, the field's name as associated data so that a value can't be
moved to another field unseen. Looked up: HMAC-SHA-256. Losing the key file loses the values: it is part of
every backup and kept apart from it.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.errors import HomeNotReady, PackageInvalid
from archive.record import SealedText

NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Keys:
    cipher: bytes
    lookup: bytes


class Seal:
    """The archive's sealing keys, newest used to seal, all kept to open."""

    def __init__(self, keys: dict[int, _Keys]) -> None:
        self._keys = keys
        self.version = max(keys)

    @classmethod
    def create(cls, path: Path) -> "Seal":
        """Make a key file (mode 0600) with version 1 and load it. Raises FileExistsError."""
        keys = {"1": {"cipher": secrets.token_hex(32), "lookup": secrets.token_hex(32)}}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(keys, stream)
            stream.flush()
            os.fsync(stream.fileno())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "Seal":
        """Read a key file. Raises HomeNotReady if it is missing or damaged."""
        try:
            stored = json.loads(path.read_text())
            return cls(
                {
                    int(version): _Keys(bytes.fromhex(pair["cipher"]), bytes.fromhex(pair["lookup"]))
                    for version, pair in stored.items()
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HomeNotReady(f"the sealing keys cannot be read from {path.name}: {error}") from error

    def seal(self, field: str, text: str) -> SealedText:
        """Return text as ciphertext bound to the field's name."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._keys[self.version].cipher).encrypt(nonce, text.encode(), field.encode())
        return SealedText(base64.b64encode(nonce + sealed).decode(), self.version)

    def open(self, field: str, sealed: SealedText) -> str:
        """Return the text again. Raises PackageInvalid if it was changed or the key is not here."""
        raw = base64.b64decode(sealed.ciphertext)
        keys = self._keys.get(sealed.key_version)
        if keys is None:
            raise PackageInvalid(f"sealing key version {sealed.key_version} is not in this archive")
        try:
            return AESGCM(keys.cipher).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], field.encode()).decode()
        except InvalidTag as error:
            raise PackageInvalid(f"the sealed {field} was changed") from error

    def lookup(self, scheme: str, value: str) -> str:
        """Return the keyed digest a value is found by: NFC, without spaces, capitals ignored."""
        return self._lookup(self.version, scheme, value)

    def lookups(self, scheme: str, value: str) -> list[str]:
        """Return the digests of a value under every key, newest first: what was kept before a key change too."""
        return [self._lookup(version, scheme, value) for version in sorted(self._keys, reverse=True)]

    def _lookup(self, version: int, scheme: str, value: str) -> str:
        folded = "".join(unicodedata.normalize("NFC", value).split()).casefold()
        key = self._keys[version].lookup
        return hmac.new(key, f"{scheme}\x00{folded}".encode(), hashlib.sha256).hexdigest()
