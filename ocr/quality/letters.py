"""What the words of a page tell of its resolution and of the way it lies.

The body text of Vietnamese administrative papers is 13 to 14 points (Nghị định 30/2020, phụ lục I), yet tables,
notes and older papers are smaller: by letters alone a resolution is known within half of itself. A page of the
A series is known within a few hundredths, once the letters have said which of its sizes it is.
"""

import statistics
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ocr.images import StoredImage
from ocr.page import PageText, Word

BODY_PT = 13.5
# Heights above and below the baseline in ems, of Times and its kin.
X_HEIGHT, ASCENT, DESCENT, MARK, DIGIT = 0.46, 0.68, 0.21, 0.22, 0.67
CAPITAL = 0.66
TALL, DEEP = set("bdđfhklijt"), set("gjpqy")
BESIDE = "\u031b\u0323"  # a horn and a dot below: marks that do not stand above
LEAST_LETTERS = 3
LEAST_WORDS = 12
MOST_WORDS = 300
LONG_SIDES_IN = {"A5": 8.27, "A4": 11.69, "A3": 16.54, "A2": 23.39}
ASPECT, ASPECT_SHARE = 2**0.5, 0.025
CLAIM_SHARE = 0.03  # how far a scanner's page may be from the size it claims to be
PAPER_TOLERANCE_PCT, TEXT_TOLERANCE_PCT = 3.0, 55.0


@dataclass(frozen=True, slots=True)
class Resolution:
    """A resolution estimated from the page. by: what told it. tolerance_pct: how far it may be off."""

    dpi: float
    by: Literal["paper", "text"]
    tolerance_pct: float


def estimate_resolution(image: StoredImage, page: PageText) -> Resolution | None:
    """Return a page's resolution by its letters and its paper's format; None with too few words."""
    em = _em_px(page)
    if em is None:
        return None
    by_text = em * 72 / BODY_PT
    height, width = image.pixels.shape[:2]
    # A fax has other pixels across than down; the finer side is brought to the coarser one.
    least = min(image.dpi_x, image.dpi_y)
    tall, wide = height * least / image.dpi_y, width * least / image.dpi_x
    longer, shorter = max(tall, wide), min(tall, wide)
    if abs(longer / shorter / ASPECT - 1) > ASPECT_SHARE:
        return Resolution(by_text, "text", TEXT_TOLERANCE_PCT)
    formats = [longer / inches for inches in LONG_SIDES_IN.values()]
    nearest = min(formats, key=lambda dpi: abs(dpi / least - 1))
    # What is claimed gives one of the formats, and the letters are no reason to doubt it.
    if abs(nearest / least - 1) <= CLAIM_SHARE and _apart(by_text, least) <= 1 + TEXT_TOLERANCE_PCT / 100:
        return Resolution(nearest, "paper", PAPER_TOLERANCE_PCT)
    likeliest = min(formats, key=lambda dpi: _apart(by_text, dpi))
    return Resolution(likeliest, "paper", PAPER_TOLERANCE_PCT)


def off_pct(found: Resolution, claimed: float) -> float:
    """Return by how many percent a claim is off, beyond what the estimate itself may be."""
    return max(0.0, (_apart(found.dpi, claimed) - 1) * 100 - found.tolerance_pct)


def _apart(one: float, other: float) -> float:
    return max(one / other, other / one)


def _em_px(page: PageText) -> float | None:
    """Return the size of a page's letters in pixels: half of its words are of smaller ones."""
    sizes = [size for word in page.words[:MOST_WORDS] if (size := _em_of(word, page.quarter_turns)) is not None]
    return statistics.median(sizes) if len(sizes) >= LEAST_WORDS else None


def _em_of(word: Word, turns: int) -> float | None:
    letters = [letter for letter in word.text if letter.isalnum()]
    height = word.box.width if turns % 2 else word.box.height
    if len(letters) < LEAST_LETTERS or height < 4:
        return None
    return height / (max(_above(letter) for letter in letters) + max(_below(letter) for letter in letters))


@lru_cache(maxsize=1000)
def _above(letter: str) -> float:
    spelt = unicodedata.normalize("NFD", letter)
    plain = spelt[0]
    if plain.isdigit():
        return DIGIT
    raised = [mark for mark in spelt[1:] if mark not in BESIDE]
    if plain.isupper():
        return CAPITAL + MARK * min(len(raised), 1.5)
    marked = X_HEIGHT + MARK * min(len(raised), 1.5)
    return max(marked, ASCENT) if plain in TALL else marked


@lru_cache(maxsize=1000)
def _below(letter: str) -> float:
    spelt = unicodedata.normalize("NFD", letter)
    return DESCENT if spelt[0] in DEEP or "\u0323" in spelt else 0.0
