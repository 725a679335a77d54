"""What lies in a bucket, page by page: versions, delete markers, and puts in parts that never ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from archive.errors import StoreUnavailable
from archive.stores.s3_answers import trouble, when
from archive.stores.s3_requests import Line, one_act

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """One version or delete marker as a listing names it."""

    key: str
    version_id: str
    marker: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A put in parts that has not ended. This program makes none."""

    key: str
    upload_id: str
    begun_at: datetime


def listed(line: Line, prefix: str) -> Iterator[Listed]:
    """Yield all that lies under a prefix, in key order. Raises StoreUnavailable."""
    after: dict[str, str] | None = {}
    before: list[Listed] = []
    while after is not None:
        page, after = listed_page(line, prefix, after=after)
        # One server begins each page with the last entry of the page before.
        new = [one for one in page if one not in before]
        if not new and after is not None:
            raise StoreUnavailable(f"bucket {line.bucket}: its listing does not go on after {after}")
        yield from new
        before = page


def listed_page(
    line: Line, prefix: str, *, after: dict[str, str] | None = None, at_most: int | None = None
) -> tuple[list[Listed], dict[str, str] | None]:
    """Return one page, and where the next begins, None at the end. Raises StoreUnavailable."""
    query = {"versions": "", "prefix": prefix, "max-keys": str(at_most or PAGE), **(after or {})}
    with one_act():
        answer = line.ask("GET", None, query)
    if answer.status != 200:
        raise trouble(line.bucket, f"listing {prefix or 'it'}", answer)
    told = answer.xml()
    found = [_listed(one) for one in told if _is_one(one)]
    # One server names markers before versions: by key, then newest first as it was told.
    found.sort(key=lambda one: one.key)
    if told.findtext("{*}IsTruncated") != "true":
        return found, None
    following = {
        "key-marker": told.findtext("{*}NextKeyMarker") or "",
        "version-id-marker": told.findtext("{*}NextVersionIdMarker") or "",
    }
    return found, {name: value for name, value in following.items() if value}


def _is_one(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and etree.QName(element).localname in ("Version", "DeleteMarker")


def _listed(element: etree._Element) -> Listed:
    return Listed(
        element.findtext("{*}Key") or "",
        element.findtext("{*}VersionId") or "null",
        etree.QName(element).localname == "DeleteMarker",
        when(element.findtext("{*}LastModified") or "1970-01-01T00:00:00Z"),
    )


def uploads(line: Line) -> list[Upload]:
    """Return the puts in parts that have not ended, at most a thousand. Raises StoreUnavailable."""
    with one_act():
        answer = line.ask("GET", None, {"uploads": ""})
    if answer.status != 200:
        raise trouble(line.bucket, "listing unfinished puts", answer)
    return [
        Upload(
            one.findtext("{*}Key") or "",
            one.findtext("{*}UploadId") or "",
            when(one.findtext("{*}Initiated") or "1970-01-01T00:00:00Z"),
        )
        for one in answer.xml().iter("{*}Upload")
    ]
