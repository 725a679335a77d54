"""What is known of a page: its image as stored, and the words read from it.

Boxes are pixels of the archived page image as stored (no turn, deskew or scaling), origin top left.
A page without a single image uses a 200-dpi raster of its crop box. Text is NFC. Confidence is 0-1.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

# What XML 1.0 can't hold, and so the kept text may not: controls, halves of pairs, two noncharacters.
_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

BlockKind = Literal["text", "table", "header", "stamp", "handwriting", "margin", "other"]
Colour = Literal["bitonal", "grey", "colour"]
MediaType = Literal["application/pdf", "image/tiff", "image/jpeg", "image/jp2", "image/png"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in stored-image pixels; width and height are at least 0."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def around(cls, boxes: Iterable["Box"]) -> "Box":
        """Return the smallest box that holds all of these; at least one is needed."""
        held = list(boxes)
        left, top = min(box.x for box in held), min(box.y for box in held)
        right, bottom = max(box.x + box.width for box in held), max(box.y + box.height for box in held)
        return cls(left, top, right - left, bottom - top)

    def moved(self, across: int, down: int) -> "Box":
        """Return the box so far to the right and down."""
        return Box(self.x + across, self.y + down, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: the text to use, the raw reading beside any correction, and how likely the text is right, 0-1."""

    text: str
    raw: str
    confidence: float
    box: Box


class SaidWord(Protocol):
    """A word with how sure it is, whoever says so."""

    @property
    def text(self) -> str: ...

    @property
    def confidence(self) -> float: ...


def mean_confidence(words: Iterable[SaidWord]) -> float:
    """Return the mean confidence of words weighted by their letters; 0.0 without any."""
    said = list(words)
    letters = sum(len(word.text) for word in said)
    return sum(word.confidence * len(word.text) for word in said) / letters if letters else 0.0


def keepable(text: str) -> str:
    """Return a reading without the characters that XML can't hold and no language writes."""
    return _UNKEEPABLE.sub("", text)


@dataclass(frozen=True, slots=True)
class Line:
    """Words in reading order."""

    words: tuple[Word, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, with what kind of block they are."""

    kind: BlockKind
    lines: tuple[Line, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class PageText:
    """The accepted reading of one page. No blocks means the page is blank.

    width_px, height_px: the stored image's size; dpi: its resolution on paper.
    quarter_turns: clockwise quarter turns (0-3) that make the stored image upright for a reader.
    skew_deg: clockwise tilt measured in the upright page.
    """

    width_px: int
    height_px: int
    dpi: float
    quarter_turns: int
    skew_deg: float
    blocks: tuple[Block, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written on the page."""
        return not self.blocks

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word, in reading order."""
        return tuple(w for b in self.blocks for ln in b.lines for w in ln.words)

    @property
    def text(self) -> str:
        """Plain text: one line per line, an empty line between blocks."""
        return "\n\n".join(
            "\n".join(" ".join(w.text for w in line.words) for line in block.lines) for block in self.blocks
        )

    @property
    def confidence(self) -> float:
        """Mean word confidence weighted by length; 1.0 for a blank page."""
        return mean_confidence(self.words) if any(w.text for w in self.words) else 1.0


@dataclass(frozen=True, slots=True)
class CaptureProbe:
    """One image found in a received file, before it is read.

    index: from 0 in the file. sha256: of the encoded image bytes as they lie in the file (for a PDF page
    that is not one image: of its content and resources). single_image: the page is exactly one image
    (annotations, stamps and banners over it do not count), so its bytes can be passed through.
    native_text: the page has text of its own that is not from a stamp, an annotation or a hidden OCR layer.
    """

    index: int
    width_px: int
    height_px: int
    dpi: float
    colour: Colour
    sha256: str
    single_image: bool = True
    native_text: bool = False


@dataclass(frozen=True, slots=True)
class FileProbe:
    """What a received file is, learned without decoding it.

    scanned_at: the scan time the file itself states (ISO 8601 with offset when it has one), or None.
    owner_locked: a PDF with an owner password only. signature_fields: names of signed fields, in order.
    """

    media_type: MediaType
    captures: tuple[CaptureProbe, ...]
    scanned_at: str | None = None
    device: str | None = None
    owner_locked: bool = False
    signature_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What reading one capture gave: the text, or blank, with the measures and parameters that led to it.

    doubts: why a person should look at it (`ocr.doubt`).
    """

    page: PageText
    blank: bool
    engine: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
