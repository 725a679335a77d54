"""Where the stores are that URLs name, and whether two of them are apart."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.errors import StoresNotApart
from archive.stores.s3_url import read_bucket_url

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class NamedUrl:
    """A store's URL and the setting that names it."""

    setting: str
    url: str


def require_apart(first: NamedUrl, second: NamedUrl) -> None:
    """Refuse two stores that are one place, or of which one lies inside the other.

    Folders are compared as they are on this disk, links followed; buckets by server and name. One server under two
    names is two here: what then lies in the wrong store `leftovers` names. Raises StoresNotApart, UnknownUrl.
    """
    one, other = _place(first), _place(second)
    if isinstance(one, Path) and isinstance(other, Path):
        same = one == other or one in other.parents or other in one.parents
    else:
        same = one == other
    if same:
        raise StoresNotApart(first.setting, second.setting)


def _place(named: NamedUrl) -> Path | tuple[object, ...]:
    parts = urlsplit(named.url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).resolve()
    if parts.scheme == "s3":
        where = read_bucket_url(named.setting, named.url)
        server = urlsplit(where.endpoint)
        return (where.bucket, server.hostname, server.port or _PORTS[server.scheme])
    return (named.url,)
