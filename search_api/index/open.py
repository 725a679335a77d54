"""Which record index a URL names."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from archive.errors import UnknownUrl
from search_api.index.port import IndexCredentials, RecordIndex
from search_api.index.sqlite import SqliteIndex

SETTING = "SEARCH_INDEX_URL"
_FILE, _ENGINE = "sqlite:///", "opensearch://"
_PORT = 9200
_OPTIONS = frozenset(("tls", "ca", "shards", "replicas"))
_SPREAD_MAX = 64


def open_index(url: str, credentials: IndexCredentials | None = None) -> RecordIndex:
    """Return the index a URL names, made empty when there is none.

    `sqlite:///folder/index.db`: a file. `opensearch://host:9200/records`: indices whose names begin so; TLS unless
    `?tls=off`, `ca=/file.pem` for an authority of one's own, `shards=` (1) and `replicas=` (as the cluster has it)
    for the next generation. Raises UnknownUrl, IndexUnavailable if the file cannot be an index, IndexUnfit for
    certificates that cannot be read. An engine is not asked before the index is used.
    """
    if url.startswith(_ENGINE):
        return _engine(url, credentials)
    path = unquote(url.removeprefix(_FILE))
    if not url.startswith(_FILE) or not path.strip("/") or any(sign in url for sign in "?#\0"):
        raise UnknownUrl(SETTING, url)
    return SqliteIndex(Path(path))


def _engine(url: str, credentials: IndexCredentials | None) -> RecordIndex:
    from search_api.index.opensearch import OpenSearchIndex  # its library is loaded where there is an engine
    from search_api.index.opensearch_client import Engine, EngineAddress
    from search_api.index.opensearch_shape import Layout, is_prefix

    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        host, port = parts.hostname, parts.port or _PORT
        shards, replicas = int(options.get("shards", "1")), options.get("replicas")
        layout = Layout(parts.path.removeprefix("/"), shards, None if replicas is None else int(replicas))
    except ValueError as error:
        raise UnknownUrl(SETTING, url) from error
    if (
        not host
        or "@" in parts.netloc
        or parts.fragment
        or not is_prefix(layout.prefix)
        or not options.keys() <= _OPTIONS
        or options.get("tls", "on") not in ("on", "off")
        or not 1 <= layout.shards <= _SPREAD_MAX
        or not 0 <= (layout.replicas or 0) <= _SPREAD_MAX
    ):
        raise UnknownUrl(SETTING, url)
    ca = Path(options["ca"]) if "ca" in options else None
    return OpenSearchIndex(
        Engine(EngineAddress(host, port, options.get("tls", "on") == "on", ca), credentials), layout
    )
