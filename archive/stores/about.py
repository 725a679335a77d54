"""The small text beside every stored file that says what it is, and notices its own damage.

It is JSON for people and programs without ours; its last field is the SHA-256 of all the bytes before that
field's line, so that a changed or lost byte is never taken for a lock's end.
"""

import json
from datetime import UTC, datetime

from archive.digest import sha256_of_bytes
from archive.stores.port import StoredObject

BYTES_MAX = 4096  # a longer file is not one of ours
_LAST_FIELD = b'  "about_sha256": "'


def about_bytes(stored: StoredObject) -> bytes:
    """Return the bytes of an object's about.json, always the same for the same object."""
    fields = {
        "key": stored.key,
        "version_id": stored.version_id,
        "sha256": stored.sha256,
        "length": stored.length,
        "stored_at": _text(stored.stored_at),
        "retain_until": _text(stored.retain_until) if stored.retain_until else None,
        "held": stored.held,
    }
    above = json.dumps(fields, indent=2).removesuffix("\n}").encode() + b",\n"
    return above + _LAST_FIELD + sha256_of_bytes(above).encode() + b'"\n}\n'


def read_about(data: bytes, key: str) -> StoredObject | None:
    """Return what about.json says of the object under a key; None if it is damaged or of another key."""
    above, _, last = data.rpartition(_LAST_FIELD)
    if last != sha256_of_bytes(above).encode() + b'"\n}\n':
        return None
    try:
        fields = json.loads(data)
        stored = StoredObject(
            key=fields["key"],
            version_id=fields["version_id"],
            sha256=fields["sha256"],
            length=fields["length"],
            retain_until=_instant(fields["retain_until"]) if fields["retain_until"] else None,
            held=fields["held"],
            stored_at=_instant(fields["stored_at"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return stored if stored.key == key and about_bytes(stored) == data else None


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
