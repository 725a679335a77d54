"""The URL of a bucket: `s3://bucket?endpoint=http(s)://host:port`, with `lock`, `region` and `ca` where needed."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from archive.errors import StoreUnavailable, UnknownUrl

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_KNOWN = frozenset(("endpoint", "lock", "region", "ca"))


@dataclass(frozen=True, slots=True)
class BucketUrl:
    """Where a bucket is. endpoint: `http(s)://host:port`; authority: file of certificates to trust, if any."""

    bucket: str
    endpoint: str
    region: str
    locked: bool
    authority: str | None


def read_bucket_url(setting: str, url: str) -> BucketUrl:
    """Return what a URL says, lock=compliance and region us-east-1 where it says nothing.

    Raises UnknownUrl; StoreUnavailable if the file of certificates is not there.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    asked = dict(pairs)
    endpoint = urlsplit(asked.get("endpoint", ""))
    lock, region = asked.get("lock", "compliance"), asked.get("region", "us-east-1")
    fits = (
        parts.scheme == "s3"
        and _BUCKET.fullmatch(parts.netloc)
        and parts.path in ("", "/")
        and not parts.fragment
        and len(asked) == len(pairs)
        and asked.keys() <= _KNOWN
        and lock in ("none", "compliance")
        and _REGION.fullmatch(region)
        and endpoint.scheme in ("http", "https")
        and endpoint.hostname
        and "@" not in endpoint.netloc
        and endpoint.path in ("", "/")
        and not endpoint.query
    )
    if not fits:
        raise UnknownUrl(setting, url)
    authority = asked.get("ca")
    if authority is not None and not Path(authority).is_file():
        raise StoreUnavailable(f"the file of certificates that the store's URL names is not there: {authority}")
    return BucketUrl(
        parts.netloc, f"{endpoint.scheme}://{endpoint.netloc}", region, lock == "compliance", authority
    )
