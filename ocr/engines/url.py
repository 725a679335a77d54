"""Which reader an engine URL names, and what of the file system it needs.

`tesseract:?lang=vie` the library, warm; `pytesseract:?lang=vie` the program; `replay:/folder` recorded
readings (`?log=/file` notes each reading, `?wait_ms=N` slows it down).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from ocr.errors import UnknownEngine

QUERY = {
    "tesseract": {"lang"},
    "pytesseract": {"lang"},
    "replay": {"log", "wait_ms"},
}


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """An engine URL taken apart: readable and writable are what a jail must lend the engine."""

    scheme: str
    folder: Path | None
    query: Mapping[str, str]

    @property
    def readable(self) -> tuple[Path, ...]:
        """Folders the engine reads beside the system's."""
        return (self.folder,) if self.folder else ()

    @property
    def writable(self) -> tuple[Path, ...]:
        """Files the engine appends to; they must exist before they can be lent."""
        return (Path(self.query["log"]),) if "log" in self.query else ()


def parse_engine_url(url: str) -> EngineUrl:
    """Take an engine URL apart. Raises UnknownEngine."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = QUERY.get(parts.scheme)
    if known is None or not query.keys() <= known or parts.netloc or parts.fragment:
        raise UnknownEngine(f"no reader answers to {url!r}; use one of {', '.join(f'{s}:' for s in QUERY)}")
    if (parts.scheme == "replay") != bool(parts.path):
        raise UnknownEngine(f"{url!r}: only the replay engine takes a folder, and needs one")
    if not query.get("wait_ms", "0").isdigit():
        raise UnknownEngine(f"{url!r}: wait_ms is a whole number of milliseconds")
    return EngineUrl(parts.scheme, Path(unquote(parts.path)) if parts.path else None, query)
