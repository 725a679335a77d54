"""Where the next page of an answer begins, as a text that only its index can make: opaque and bound."""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass

from archive.access.policy import Scope
from search_api.errors import CursorInvalid
from search_api.index.query import Query, format_query

_SHAPE = struct.Struct(">dqq")
_MAC_BYTES = 18  # 42 bytes in all: base64 without a bit to spare, so that no second text says the same
MAX_TEXT = 80  # characters; a cursor is 56


@dataclass(frozen=True, slots=True)
class Place:
    """The last hit shown, and the newest page there was when the first page of the answer was made.

    score as stored by the index; ties go to the newer page.
    """

    score: float
    page: int
    newest: int


def write_cursor(place: Place, *, key: bytes, query: Query, scope: Scope) -> str:
    """Return a place as text, bound to the query, the scope and the generation whose key this is."""
    packed = _SHAPE.pack(place.score, place.page, place.newest)
    return base64.urlsafe_b64encode(packed + _mac(packed, key, query, scope)).decode()


def read_cursor(text: str, *, key: bytes, query: Query, scope: Scope) -> Place:
    """Return the place again. Raises CursorInvalid for any text not given out for this query and scope."""
    if len(text) > MAX_TEXT or not text.isascii():
        raise CursorInvalid()
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid() from error
    packed, mac = raw[: _SHAPE.size], raw[_SHAPE.size :]
    if len(packed) != _SHAPE.size or not hmac.compare_digest(mac, _mac(packed, key, query, scope)):
        raise CursorInvalid()
    return Place(*_SHAPE.unpack(packed))


def _mac(packed: bytes, key: bytes, query: Query, scope: Scope) -> bytes:
    bound = repr(
        (
            format_query(query),
            sorted(scope.units),
            sorted(scope.candidate_units),
            sorted(scope.modes),
            scope.holder,
            sorted(scope.identifier_units),
        )
    )
    return hmac.new(key, packed + bound.encode(), hashlib.sha256).digest()[:_MAC_BYTES]
