"""The stores and the jail of a home, with a word on what they do to whoever measures in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.stores.port import ObjectStore
from archive.stores.timed import TimedStore
from ingest import timings
from ocr.jail.parent import Call, Jail
from ocr.reader import ENDED


def timed(store: ObjectStore, name: str) -> ObjectStore:
    """Return a store whose acts are measured under a name without spaces."""

    def took(act: str, outcome: str, seconds: float) -> None:
        timings.took("store", f"{name} {act} {outcome}", seconds)

    return TimedStore(store, took)


class WatchedJail(Jail):
    """A jail that tells when an act in it had to be ended."""

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any],
        *,
        seconds: float,
        files: Mapping[str, Path] | None = None,
        announced: Call | None = None,
    ) -> Any:
        """As the jail does."""
        try:
            return super().call(function, arguments, seconds=seconds, files=files, announced=announced)
        except ENDED as error:
            timings.took("jail", error.code, 1)
            raise
