"""The promise of every reader: a prepared grey image in, words with boxes out."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ocr.page import BlockKind, Box

GreyImage = npt.NDArray[np.uint8]
Layout = Literal["page", "block"]


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """One upright, cleaned page image, ready to be read.

    image: height x width uint8, dark on light. dpi: its resolution. source_sha256: digest of the encoded
    image it came from, the key under which a recorded reading is found again. layout: a whole page, to be
    taken apart into blocks first, or one block of text cut out of it, such as a stamp.
    """

    image: GreyImage
    dpi: float
    source_sha256: str
    layout: Layout = "page"


@dataclass(frozen=True, slots=True)
class RawWord:
    """A word as the engine gave it; box in pixels of the prepared image; confidence 0-1.

    seen: what a closer look at its pixels shows instead.
    """

    text: str
    confidence: float
    box: Box
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class RawLine:
    """Words of one line, in the engine's order."""

    words: tuple[RawWord, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Lines of one block."""

    kind: BlockKind
    lines: tuple[RawLine, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class RawReading:
    """All blocks of a page in reading order; empty when the engine saw no text."""

    blocks: tuple[RawBlock, ...]


class OcrEngine(Protocol):
    """Reads one page at a time; kept warm between pages of one process."""

    def describe(self) -> dict[str, Any]:
        """Return what a derivation record needs: engine, version, model names and SHA-256, parameters."""
        ...

    def read(self, page: PreparedPage) -> RawReading:
        """Return the words of a prepared page. Raises a PageFailed."""
        ...

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        """Return (clockwise quarter turns that make it upright, confidence 0-1)."""
        ...

    def close(self) -> None:
        """Give back memory and temporary files."""
        ...
