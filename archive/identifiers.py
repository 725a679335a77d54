"""New opaque identifiers: random, URL-safe, meaning nothing and naming nobody."""

import base64
import secrets
import uuid


def new_id() -> str:
    """Return 128 random bits as 26 characters of lowercase base32."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_objid() -> str:
    """Return a package's OBJID: `uuid-` and an upper-case UUID, so that it can name a folder (STO-2)."""
    return f"uuid-{str(uuid.uuid4()).upper()}"
