"""What the first twenty records are like, so that a small batch already holds every kind of paper and scan.

Later records go through the same twenty again with other words and other faults.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from console.samples.bodies import Kind
from ocr.page import Colour

Delivery = Literal["pdf", "tiff-g4", "tiff-lzw", "tiff-jpeg", "jpeg", "png"]
Wear = Literal["clean", "typical", "poor"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One record: paper, scan, file. PDFs hold JPEG images, bitonal ones G4.

    sides: 2 when the scanner took fronts and backs, so an odd number of pages ends with a blank back.
    turned: page number -> clockwise quarter turns that make its image upright. sticker: the page number that
    is captured twice, with and without a note on it (INT-2). follows: whether it is of the case before it.
    size: of the letters, in points, where the typist had no choice. columns: of the body's text.
    """

    kind: Kind
    pages: tuple[int, int]
    sides: Literal[1, 2]
    delivery: Delivery
    colour: Colour
    dpi: int
    wear: Wear = "typical"
    turned: dict[int, int] = field(default_factory=dict)
    sticker: int | None = None
    follows: bool = False
    size: float | None = None
    columns: int = 1

    @property
    def long(self) -> bool:
        """Whether the paper's body takes two pages or more."""
        return self.pages[0] > 1


PLANS: Final = (
    Plan("decision", (2, 1), 2, "pdf", "colour", 200, "clean"),
    Plan("licence", (2, 0), 2, "pdf", "colour", 200, follows=True),
    Plan("certificate", (1, 0), 1, "jpeg", "colour", 300, "clean"),
    Plan("letter", (1, 0), 1, "png", "grey", 200),
    Plan("notice", (2, 0), 1, "tiff-g4", "bitonal", 300),
    Plan("decision", (2, 1), 1, "pdf", "grey", 200, sticker=2),
    Plan("licence", (2, 1), 2, "tiff-jpeg", "colour", 200),
    Plan("certificate", (2, 0), 1, "pdf", "grey", 200, turned={2: 1}),
    Plan("letter", (2, 0), 2, "tiff-lzw", "grey", 150, "clean"),
    Plan("decision", (2, 2), 2, "pdf", "colour", 150),
    Plan("notice", (1, 0), 2, "pdf", "colour", 200, "poor"),
    Plan("licence", (2, 0), 1, "pdf", "bitonal", 300, "clean", follows=True),
    Plan("certificate", (1, 0), 2, "tiff-lzw", "colour", 200),
    Plan("letter", (1, 0), 1, "jpeg", "grey", 200, "poor"),
    Plan("decision", (2, 0), 1, "pdf", "bitonal", 200),
    Plan("licence", (2, 0), 2, "tiff-g4", "bitonal", 200, turned={2: 3}),
    Plan("notice", (2, 0), 2, "pdf", "colour", 200, "clean"),
    Plan("certificate", (2, 0), 2, "pdf", "colour", 300),
    Plan("decision", (2, 1), 2, "pdf", "colour", 200, turned={1: 2, 3: 1}, follows=True),
    Plan("letter", (1, 0), 1, "png", "colour", 150),
)
