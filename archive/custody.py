"""What ties sheets, scans and pages to a package: facts whose digest stands in the log, for proofs without it.

The list is too long for an event, which carries its SHA-256 alone: who has the list proves by the event that
nothing in it was changed since the deposit.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import rfc8785

PART = ("number", "kind", "member", "page_count", "rendition_sha256", "archived_sha256")
PAGE = (
    "number",
    "part_number",
    "sheet",
    "face",
    "note",
    "file_sha256",
    "file_index",
    "image_sha256",
    "state",
    "rung",
)


def custody_facts(
    parts: Iterable[Mapping[str, Any]], pages: Iterable[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of a content package's rows, in order: its parts, and each page with sheet and capture."""
    return {
        "parts": sorted(({name: row[name] for name in PART} for row in parts), key=lambda one: one["number"]),
        "pages": sorted(({name: row[name] for name in PAGE} for row in pages), key=lambda one: one["number"]),
    }


def custody_digest(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256, hex, of the facts as RFC 8785 JSON."""
    return hashlib.sha256(rfc8785.dumps(dict(facts))).hexdigest()
