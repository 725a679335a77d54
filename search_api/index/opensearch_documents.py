"""A record as OpenSearch holds it: the acts that write it, and a page read back; pure."""

import base64
import binascii
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archive.access.policy import KEPT
from archive.record import RecordId
from search_api.errors import IndexUnavailable
from search_api.index.opensearch_bulk import BulkAct
from search_api.index.opensearch_shape import CLOSING, FIELDS, OPENING, PAGE, RECORD
from search_api.index.packing import pack_words, unpack_page
from search_api.index.port import Change, IndexedField, IndexedPage, RecordDocument
from search_api.index.words import fold_terms

PLACES_BITS = 20  # a page's order is the cursor of its batch, then its place in the batch
_LENGTH = struct.Struct("<I")
_LEVEL = 4
_NEEDED = ("record_id", "state", "mode", "package_number", "package_sha256", "archive_number")


def newest_order(cursor: int) -> int:
    """Return the highest order a page of a batch with this cursor, or of one before, can have."""
    return ((cursor + 1) << PLACES_BITS) - 1


def refuse_incomplete(changes: Sequence[Change]) -> None:
    """Raise ValueError for changes that cannot be written whole, before any of them is."""
    pages = 0
    for change in changes:
        if isinstance(change, RecordDocument):
            missing = [name for name in _NEEDED if getattr(change, name) is None]
            if missing:
                raise ValueError(f"a document of {change.record_id} lacks {', '.join(missing)}")
            pages += len(change.pages)
    if pages >> PLACES_BITS:
        raise ValueError(f"a batch has fewer than {1 << PLACES_BITS} pages, not {pages}")


def page_acts(changes: Sequence[Change], *, alias: str, cursor: int) -> Iterator[BulkAct]:
    """Yield what writes the pages of the records in a batch."""
    place = 0
    for change in changes:
        if not isinstance(change, RecordDocument):
            continue
        shared = {
            "kind": PAGE,
            "record": change.record_id,
            "batch": cursor,
            "units": sorted(change.units),
            "mode": change.mode,
            "kept": change.state in KEPT,
            "holders": sorted(change.holders),
            "said": _said(change.fields),
        }
        for page in change.pages:
            body = shared | {
                "number": page.number,
                "order": (cursor << PLACES_BITS) + place,
                "exact": page.exact,
                "folded": page.folded,
                "words": pack_page(page),
            }
            place += 1
            yield _put(
                _page_name(change.record_id, page.number), change.record_id, body, alias=alias, cursor=cursor
            )


def delete_acts(found: Mapping[str, RecordId], *, alias: str, cursor: int) -> Iterator[BulkAct]:
    """Yield what deletes documents by id, each with its record, but for those that are newer than a cursor."""
    for name, record in found.items():
        yield BulkAct(json.dumps({"delete": _head(name, record, alias=alias, cursor=cursor)}))


def page_names(changes: Sequence[Change]) -> frozenset[str]:
    """Return the ids of the pages that a batch writes."""
    return frozenset(
        _page_name(change.record_id, page.number)
        for change in changes
        if isinstance(change, RecordDocument)
        for page in change.pages
    )


def record_acts(changes: Sequence[Change], *, alias: str, cursor: int) -> Iterator[BulkAct]:
    """Yield what writes or deletes the records of a batch themselves."""
    for change in changes:
        if isinstance(change, RecordDocument):
            body = {
                "kind": RECORD,
                "record": change.record_id,
                "batch": cursor,
                "state": change.state,
                "package_number": change.package_number,
                "package_sha256": change.package_sha256,
                "archive_number": change.archive_number,
                "pages": len(change.pages),
            }
            yield _put(change.record_id, change.record_id, body, alias=alias, cursor=cursor)
        else:
            yield from delete_acts({change.record_id: change.record_id}, alias=alias, cursor=cursor)


def pack_page(page: IndexedPage) -> str:
    """Return a page's terms and words as one text of few bytes; `page_of` reads it."""
    terms = zlib.compress(page.exact.encode(), _LEVEL)
    return base64.b64encode(_LENGTH.pack(len(terms)) + terms + pack_words(page.words)).decode()


def page_of(source: Mapping[str, Any]) -> IndexedPage:
    """Return the page a document holds. Raises IndexUnavailable for one that is damaged."""
    try:
        packed = base64.b64decode(source["words"], validate=True)
        (length,) = _LENGTH.unpack_from(packed)
        words_at = _LENGTH.size + length
        exact = zlib.decompress(packed[_LENGTH.size : words_at]).decode()
    except (binascii.Error, struct.error, zlib.error, UnicodeDecodeError) as error:
        raise IndexUnavailable(f"the terms of a page are damaged: {error}") from error
    return unpack_page(int(source["number"]), exact, packed[words_at:])


def _said(fields: Sequence[IndexedField]) -> dict[str, dict[str, list[str]]]:
    """Return described values by name, each between signs, the same places in both columns."""
    said: dict[str, dict[str, list[str]]] = {}
    for name in FIELDS:
        values = sorted({one.exact for one in fields if one.name == name})
        if values:
            said[name] = {
                "exact": [f"{OPENING} {one} {CLOSING}" for one in values],
                "folded": [f"{OPENING} {fold_terms(one)} {CLOSING}" for one in values],
            }
    return said


def _page_name(record: RecordId, number: int) -> str:
    return f"{record}:{number}"


def _put(name: str, record: RecordId, body: Mapping[str, Any], *, alias: str, cursor: int) -> BulkAct:
    head = _head(name, record, alias=alias, cursor=cursor)
    return BulkAct(json.dumps({"index": head}), json.dumps(body, ensure_ascii=False))


def _head(name: str, record: RecordId, *, alias: str, cursor: int) -> dict[str, Any]:
    # At least as new as what is there: a batch that is repeated writes itself again, an older one nothing.
    return {
        "_index": alias,
        "_id": name,
        "routing": record,
        "version": cursor,
        "version_type": "external_gte",
    }
