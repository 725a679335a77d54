"""Reads one page image into words over its stored pixels, or says that it is blank.

1. Measure: a page without a mark on it is blank and is not read. 2. Turn it if its lines run down; read it,
small print at a finer resolution. 3. With little confidence, or with words that stand on end, ask which way up
it is, turn it, read again. 4. With some doubt, read it again prepared another way. Of all readings the best is
kept. 5. Read the red stamps, which step 2 does not see, and the blue ones, which it mixes with the text
under them: then read again without their ink. 6. Where hardly anything was sure, read the page
mirrored: if that is better, only the other side shows through, and the page is blank. 7. Nothing sure on a page
with something on it is a failure that a person looks at, never an empty page. 8. What is no text is left out,
columns and page numbers are set in order, what the engine confuses is mended beside its raw reading.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ocr.closer import looked_closer
from ocr.columns import in_reading_order
from ocr.confidence import chance_right
from ocr.doubt import doubts_of
from ocr.engines.port import OcrEngine, RawBlock, RawLine, RawReading, RawWord
from ocr.errors import PageUnreadable
from ocr.images import StoredImage
from ocr.inspect import FEW, PageMeasures, letter_height, measure
from ocr.margins import with_margins
from ocr.mending import mended
from ocr.noise import without_noise
from ocr.options import ReadingOptions
from ocr.page import Block, Box, Line, PageText, ReadPage, Word, keepable, mean_confidence
from ocr.prepare import Preparation, prepare
from ocr.reading import read_prepared
from ocr.stamp_words import with_stamps
from ocr.stamps import read_stamps, without_blue_stamps
from ocr.vietnamese import kind_of

SURE = 0.5  # confidence from which a word shows that a page could be read
UNSURE = 0.5  # mean confidence of a page below which its print may be the other side's, mirrored
SURE_OF_DOUBTFUL = 0.6  # and from which one is taken from a page that may hold nothing but dirt
TELLING = 3  # letters from which a word's box is wider than high, unless it stands on end
MOSTLY_RED = 0.5  # share of a page's ink that is red, from which the red channel may have lost its text


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """One reading of a page and how the page was prepared for it."""

    prepared: Preparation
    reading: RawReading

    @property
    def words(self) -> tuple[RawWord, ...]:
        return tuple(w for b in self.reading.blocks for line in b.lines for w in line.words)

    @property
    def confidence(self) -> float:
        """Mean confidence weighted by length; 0.0 without words."""
        return mean_confidence(self.words)

    @property
    def sideways(self) -> bool:
        """Whether most words stand on end: the engine reads them, but the page is not upright."""
        long = [word.box for word in self.words if len(word.text) >= TELLING]
        return sum(box.height > box.width for box in long) > len(long) / 2

    @property
    def worth(self) -> float:
        """How much was read with confidence, less what was read without: many sure letters beat few.

        An impossible syllable was misread, however sure. A sideways reading counts for nothing: its lines are out
        of order.
        """
        if self.sideways:
            return 0.0
        return sum(
            ((0.0 if kind_of(word.text) == "impossible" else word.confidence) - SURE) * len(word.text)
            for word in self.words
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "quarter_turns": self.prepared.quarter_turns,
            "channel": self.prepared.channel,
            "median": self.prepared.median,
            "words": len(self.words),
            "confidence": round(self.confidence, 4),
        }


def recognise(image: StoredImage, sha256: str, engine: OcrEngine, options: ReadingOptions) -> ReadPage:
    """Return what is written on a page image, or that it is blank.

    sha256: of the encoded image, under which recorded readings are found. Boxes are pixels of the image as
    stored; text is NFC. Words keep the engine's order but for the two columns of a header and of a closing.
    Raises PageUnreadable when something is on the page but nothing could be read, or what the engine raises.
    """
    measures = measure(image)
    if measures.writing == "none":
        return _blank(image, engine, measures, [])
    attempts = _attempts(image, sha256, engine, options, measures)
    best = max(attempts, key=lambda attempt: attempt.worth)
    found = read_stamps(
        image.pixels,
        dpi=image.dpi_x,
        quarter_turns=best.prepared.quarter_turns,
        source_sha256=sha256,
        engine=engine,
    )
    stamps = found.all
    if found.blue:
        image = replace(image, pixels=without_blue_stamps(image.pixels, found.blue, dpi=image.dpi_x))
        again = _attempts(image, sha256, engine, options, measures)
        attempts, best = [*attempts, *again], max(again, key=lambda attempt: attempt.worth)
    sure = _sure_words(best, measures)
    if not stamps and best.confidence < UNSURE and _is_other_side(image, attempts[0], best, engine, options):
        return _blank(image, engine, measures, attempts)
    if not sure and not stamps:
        if measures.writing == "doubtful" and (not best.words or measures.marks < FEW):
            return _blank(image, engine, measures, attempts)
        raise PageUnreadable(
            "something is written or drawn on the page, but no word of it could be read; a person must look"
        )
    reading = best.reading
    if measures.writing == "doubtful":
        reading = RawReading(tuple(_only(reading, sure)))
    written, noise = without_noise(reading.blocks)
    written = looked_closer(written, best.prepared.page.image)
    high, wide = best.prepared.page.image.shape
    ordered = with_stamps(with_margins(in_reading_order(written, width=wide), height=high))
    described = engine.describe()
    blocks = (*_placed(ordered, best.prepared, described["engine"]), *stamps)
    height, width = image.pixels.shape[:2]
    page = PageText(
        width, height, image.dpi_x, best.prepared.quarter_turns, round(best.prepared.skew_deg, 3), blocks
    )
    told = _account(measures, attempts, best, len(stamps), noise)
    return ReadPage(page, False, described, told, doubts_of(page))


def _attempts(
    image: StoredImage, sha256: str, engine: OcrEngine, options: ReadingOptions, measures: PageMeasures
) -> list[_Attempt]:
    """Steps 2-4. Return every reading made, the first one first."""
    prepared = partial(prepare, image, options, source_sha256=sha256)
    first = prepared(quarter_turns=image.turn_hint % 4)
    if first.sideways:
        turns, _ = engine.orientation(first.page)
        first = prepared(quarter_turns=image.turn_hint + turns)
    dpi = _dpi_for(first, image, options)
    if dpi != first.page.dpi:
        first = prepared(quarter_turns=first.quarter_turns, dpi=dpi)

    def attempt(one: Preparation) -> _Attempt:
        return _Attempt(one, read_prepared(one.page, engine))

    made = [attempt(first)]
    best = made[0]
    if best.confidence < options.turn_below or best.sideways:
        turns, _ = engine.orientation(best.prepared.page)
        # Words on end that the engine calls upright: it must be one way or the other.
        for turn in (turns,) if turns else (1, 3) if best.sideways else ():
            made.append(attempt(prepared(quarter_turns=first.quarter_turns + turn, dpi=dpi)))
        best = max(made, key=lambda one: one.worth)
    if best.confidence < options.reread_below and measures.writing == "present":
        turns = best.prepared.quarter_turns
        # Filtered when it was not, unfiltered when it was; and not red-blind when most ink is red.
        made.append(attempt(prepared(quarter_turns=turns, median=not best.prepared.median, dpi=dpi)))
        if best.prepared.channel == "red" and measures.red > MOSTLY_RED * measures.ink:
            made.append(attempt(prepared(quarter_turns=turns, channel="luma", dpi=dpi)))
    return made


def _dpi_for(prepared: Preparation, image: StoredImage, options: ReadingOptions) -> float:
    """Return the resolution to read a page at: higher than usual where its print is small and its image finer."""
    height = letter_height(prepared.page.image)
    finest = max(image.dpi_x, image.dpi_y)
    if not 0 < height < options.small_print_px or finest <= prepared.page.dpi:
        return prepared.page.dpi
    return min(finest, prepared.page.dpi * options.wanted_px / height)


def _sure_words(attempt: _Attempt, measures: PageMeasures) -> list[RawWord]:
    """Return the words that show that something was read: letters or digits, with confidence.

    Of a page that may hold nothing but dirt or the other side's ink they must be surer, and most of what was
    read, or else there are none.
    """
    doubtful = measures.writing == "doubtful"
    least = SURE_OF_DOUBTFUL if doubtful else SURE
    sure = [w for w in attempt.words if w.confidence >= least and any(c.isalnum() for c in w.text)]
    letters, of = (sum(len(word.text) for word in words) for words in (sure, attempt.words))
    return [] if doubtful and measures.marks >= FEW and 2 * letters < of else sure


def _is_other_side(
    image: StoredImage, first: _Attempt, best: _Attempt, engine: OcrEngine, options: ReadingOptions
) -> bool:
    """Whether the page reads better mirrored: then what is seen is the print of the other side."""
    turns = first.prepared.quarter_turns
    # Mirrored as the reader sees it: in a sideways image left and right lie at the top and the bottom.
    mirrored = np.ascontiguousarray(image.pixels[:, ::-1] if turns % 2 == 0 else image.pixels[::-1])
    prepared = prepare(
        replace(image, pixels=mirrored),
        options,
        source_sha256=first.prepared.page.source_sha256,
        quarter_turns=turns,
        channel=first.prepared.channel,
    )
    other = _Attempt(prepared, engine.read(prepared.page))
    return other.confidence >= options.turn_below and other.worth > best.worth


def _only(reading: RawReading, words: list[RawWord]) -> Iterator[RawBlock]:
    """Yield the blocks with no words but these."""
    kept = {id(word) for word in words}
    for block in reading.blocks:
        lines = [RawLine(tuple(word for word in line.words if id(word) in kept), line.box) for line in block.lines]
        if any(line.words for line in lines):
            yield RawBlock(block.kind, tuple(line for line in lines if line.words), block.box)


def _blank(image: StoredImage, engine: OcrEngine, measures: PageMeasures, attempts: list[_Attempt]) -> ReadPage:
    height, width = image.pixels.shape[:2]
    page = PageText(width, height, image.dpi_x, image.turn_hint % 4, 0.0)
    best = attempts[0] if attempts else None
    return ReadPage(page, True, engine.describe(), _account(measures, attempts, best))


def _account(
    measures: PageMeasures, attempts: list[_Attempt], best: _Attempt | None, stamps: int = 0, noise: int = 0
) -> dict[str, Any]:
    """Return what was measured and done, for the derivation record."""
    told: dict[str, Any] = {"page": measures.to_json(), "readings": [one.to_json() for one in attempts]}
    if best is not None:
        told |= {
            "kept": attempts.index(best),
            "prepared_dpi": round(best.prepared.page.dpi, 2),
            "noise": round(best.prepared.noise, 2),
            "skew_deg": round(best.prepared.skew_deg, 3),
            "seals_lifted": best.prepared.seals,
            "stamps": stamps,
            "noise_words": noise,
        }
    return told


def _placed(blocks: Iterable[RawBlock], prepared: Preparation, engine: str) -> Iterator[Block]:
    """Yield the blocks in stored pixels. Lines and blocks are as large as what they hold."""
    for block in blocks:
        lines = []
        for line in block.lines:
            words = tuple(_words(line.words, prepared, engine, in_cell=block.kind == "table"))
            if words:
                lines.append(Line(words, Box.around(word.box for word in words)))
        if lines:
            yield Block(block.kind, tuple(lines), Box.around(line.box for line in lines))


def _words(words: Sequence[RawWord], prepared: Preparation, engine: str, *, in_cell: bool) -> Iterator[Word]:
    """Yield the words of a line as they are to be used, the engine's own reading beside."""
    said = [(word, raw) for word in words if (raw := keepable(word.text))]
    texts = mended([unicodedata.normalize("NFC", word.seen or raw) for word, raw in said], in_cell=in_cell)
    for (word, raw), text in zip(said, texts, strict=True):
        yield Word(text, raw, chance_right(text, word.confidence, engine), prepared.geometry.to_stored(word.box))
