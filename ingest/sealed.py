"""The holder a manifest row names: sealed before it touches a table, opened only to make a party of it."""

import json

from archive.record import SealedText
from archive.sealing import Seal
from ingest.manifest import DeclaredHolder

FIELD = "declared-holder"


def seal_holder(seal: Seal, holder: DeclaredHolder | None) -> tuple[bytes, int] | None:
    """Return (ciphertext, key version) of a declared holder, or None when the row names nobody."""
    if holder is None:
        return None
    text = json.dumps({"type": holder.type, "id": holder.id, "name": holder.name}, ensure_ascii=False)
    sealed = seal.seal(FIELD, text)
    return sealed.ciphertext.encode(), sealed.key_version


def open_holder(seal: Seal, sealed: bytes | None, key_version: int | None) -> DeclaredHolder | None:
    """Return the declared holder again."""
    if sealed is None or key_version is None:
        return None
    return DeclaredHolder(**json.loads(seal.open(FIELD, SealedText(sealed.decode(), key_version))))
