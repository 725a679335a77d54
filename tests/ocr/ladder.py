"""Pages with defects of known strength, laid on a ladder around each threshold, and pages that have none.

A base page is printed by our own generator; where its words are is known from the print, so no engine reads it.
The scanner's wear is laid over it, and the defect over that. Everything is drawn from seeds.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pypdfium2

from console.samples.degrade import FAULTS, scan, turned
from console.samples.draw import chance
from console.samples.plans import Plan, Wear
from console.samples.write import make_sample
from ocr.images import StoredImage
from ocr.inspect import estimate_skew
from ocr.page import Block, Box, CaptureProbe, Colour, Line, PageText, Word
from ocr.pixels import Pixels

KINDS = ("decision", "licence", "letter", "notice", "certificate")
WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Base:
    """One printed page: its picture, and its words with their boxes (left, top, right, bottom) in pixels."""

    picture: Pixels
    words: tuple[tuple[str, tuple[float, float, float, float]], ...]
    dpi: int
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Scanned:
    """One scanned page as `measure_quality` takes it."""

    image: StoredImage
    page: PageText | None
    capture: CaptureProbe
    encoded: bytes | None = None


@cache
def base(number: int, dpi: int, size: float | None = None, columns: int = 1) -> Base:
    """Return the first page of a paper of ours; the number chooses kind and words."""
    plan = Plan(KINDS[number % len(KINDS)], (1, 0), 1, "pdf", "colour", dpi, size=size, columns=columns)  # type: ignore[arg-type]  # names of kinds
    printed = make_sample(number, 2027, plan).printed
    return Base(printed.picture(0, dpi), tuple(_words(printed.pdf, dpi)), dpi)


def blank(dpi: int) -> Base:
    """Return a sheet of A4 with nothing on it."""
    return Base(np.full((round(297 / 25.4 * dpi), round(210 / 25.4 * dpi), 3), 255, np.uint8), (), dpi, blank=True)


def _words(pdf: bytes, dpi: int) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    text = page.get_textpage()
    height, scale = page.get_height(), dpi / 72
    letters: list[tuple[str, tuple[float, ...]]] = []
    for index in range(text.count_chars()):
        letter = text.get_text_range(index, 1)
        box = text.get_charbox(index)
        apart = bool(letters) and abs(box[1] - letters[-1][1][1]) > 9
        if not letter.strip() or apart:
            yield from _word(letters, height, scale)
            letters = []
        if letter.strip() and box[2] > box[0]:
            letters.append((letter, box))
    yield from _word(letters, height, scale)
    document.close()


def _word(letters: Any, height: float, scale: float) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    if letters:
        boxes = np.array([box for _, box in letters])
        left, bottom, right, top = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
        word = unicodedata.normalize("NFC", "".join(letter for letter, _ in letters))
        yield word, (left * scale, (height - top) * scale, right * scale, (height - bottom) * scale)


def worn(
    made: Base,
    seed: int,
    *,
    wear: Wear = "typical",
    colour: Colour = "colour",
    back: Base | None = None,
    tilt_deg: float | None = None,
) -> Pixels:
    """Return a page as the scanner gives it; tilt_deg: another tilt than the wear's own."""
    picture = made.picture
    kept = FAULTS[wear]
    if tilt_deg is not None:
        FAULTS[wear] = replace(kept, tilt_deg=(tilt_deg, tilt_deg))
    try:
        other = back.picture if back else None
        return scan(picture, other, chance(5, seed), wear=wear, colour=colour, dpi=made.dpi)
    finally:
        FAULTS[wear] = kept


def as_scanned(
    pixels: Pixels,
    made: Base,
    *,
    colour: Colour | None = None,
    dpi: float | None = None,
    shift: tuple[int, int] = (0, 0),
    turns: int = 0,
    skew_deg: float | None = None,
    encoded: bytes | None = None,
) -> Scanned:
    """Return pixels with the truth about them. dpi: what the file claims. shift: by which words moved."""
    claimed = float(dpi or made.dpi)
    pixels = turned(pixels, turns) if turns else pixels
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    found = colour or ("colour" if pixels.ndim == 3 else "grey")
    skew = estimate_skew(grey) if skew_deg is None else skew_deg
    placed = []
    for text, (left, top, right, bottom) in made.words:
        box = Box(round(left) + shift[0], round(top) + shift[1], round(right - left), round(bottom - top))
        inside = 0 <= box.x < width and 0 <= box.y < height
        if turns % 2:  # the box of a sideways page stands on end
            box = Box(box.y, box.x, box.height, box.width)
        if inside:
            placed.append(Word(text, text, 0.95, box))
    block = tuple(Block("text", (Line((word,), word.box),), word.box) for word in placed)
    page = PageText(width, height, claimed, turns, skew, block)
    capture = CaptureProbe(0, width, height, claimed, found, "0" * 64)
    return Scanned(StoredImage(pixels, claimed, claimed), page, capture, encoded)


def softened(pixels: Pixels, spread_px: float) -> Pixels:
    """Return a page out of focus, its edges spread by a standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.05, spread_px)), np.uint8)


def smeared(pixels: Pixels, spread_px: float, *, across: bool) -> Pixels:
    """Return a page that moved along one direction, as far as gives its edges this spread."""
    length = spread_px * 12**0.5
    whole = int(length) // 2 * 2 + 3
    kernel = np.clip((length + 1) / 2 - np.abs(np.arange(whole) - whole // 2), 0, 1)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    return np.asarray(cv2.filter2D(pixels, -1, kernel[None, :] if across else kernel[:, None]), np.uint8)
