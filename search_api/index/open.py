"""Which record index a URL names."""

from pathlib import Path
from urllib.parse import unquote

from archive.errors import UnknownUrl
from search_api.index.port import IndexCredentials, RecordIndex
from search_api.index.sqlite import SqliteIndex

SETTING = "SEARCH_INDEX_URL"
_SCHEME = "sqlite:///"


def open_index(url: str, credentials: IndexCredentials | None = None) -> RecordIndex:
    """Return the index a URL names: `sqlite:///folder/index.db`, made empty when there is none.

    Raises UnknownUrl, or IndexUnavailable if the file cannot be an index.
    """
    path = unquote(url.removeprefix(_SCHEME))
    if not url.startswith(_SCHEME) or not path.strip("/") or any(sign in url for sign in "?#\0"):
        raise UnknownUrl(SETTING, url)
    return SqliteIndex(Path(path))
