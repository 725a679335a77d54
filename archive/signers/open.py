"""Which signer a keys URL names."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.errors import UnknownUrl
from archive.signers.file import FileSigner
from archive.signers.port import Signer

SETTING = "ARCHIVE_KEYS_URL"


def open_signer(url: str, *, passphrase: str | None = None) -> Signer:
    """Return the signer a URL names; `file:///folder` is the only scheme so far.

    passphrase: secret that opens the keys, never part of the URL (a URL is safe to log); None lets the
    adapter read its own secret file. No key is opened yet. Raises UnknownUrl.
    """
    parts = urlsplit(url)
    folder = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc or not folder.startswith("/") or parts.query or parts.fragment:
        raise UnknownUrl(SETTING, url)
    return FileSigner(Path(folder), passphrase=passphrase)
