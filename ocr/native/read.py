"""Reads a page that has text of its own: by that text where it is what the page shows, else by the engine.

What a good text does not cover (a scanned part, a stamp) is read by the engine and put beside it: the page's own
words are exact, and reading them anew would only lose some; a part of the page that nobody read would be lost.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2

from ocr import pdf_pages
from ocr.doubt import doubts_of
from ocr.engines.port import OcrEngine, PreparedPage, RawBlock
from ocr.errors import PageUndecodable, PageUnreadable
from ocr.images import StoredImage
from ocr.inspect import darkest_channel, measure, on_white
from ocr.mending import SIGNS
from ocr.native import measures as limits
from ocr.native.letters import letters_of
from ocr.native.lines import CONFIDENCE, NativeText, text_of, turned_box
from ocr.native.measures import LayerMeasures, measure_layer
from ocr.options import ReadingOptions
from ocr.page import Block, Box, CaptureProbe, Line, PageText, ReadPage, Word, keepable
from ocr.pdf_files import open_pdf
from ocr.pixels import Pixels
from ocr.prepare import CELL_MM
from ocr.reading import place_for
from ocr.recognise import recognise
from ocr.stamps import read_stamps

ENGINE = "text-layer"
SURE = 0.6  # confidence from which a word is taken that was read beside the page's own text
MASK_PX = 3  # how far beyond its own words a page is wiped before the rest is read


def read_native(
    path: Path, capture: CaptureProbe, image: StoredImage, engine: OcrEngine, options: ReadingOptions
) -> ReadPage:
    """Return what is written on a page of a PDF with text of its own; image: its raster.

    The account says under `text_layer` what was measured of that text. Raises what `ocr.recognise.recognise`
    raises.
    """
    try:
        with open_pdf(path) as pdf:
            page = pdf_pages.pages_of(pdf, options)[capture.index]
            found = letters_of(path, page, capture.index, options)
    except PageUndecodable:
        return _with(recognise(image, capture.sha256, engine, options), {"verdict": "undecodable"})
    text = text_of(found)
    grey = _upright_grey(image, text.quarter_turns)
    prepared = PreparedPage(grey, image.dpi_x, capture.sha256)
    told = measure_layer(found, text, prepared, engine)
    account = told.to_json() | {"checked_by": _name_of(engine) if told.agreed is not None else None}
    if not told.good:
        return _with(recognise(image, capture.sha256, engine, options), account)
    return _with(_kept(image, capture.sha256, text, told, engine, options), account)


def page_text_of(text: NativeText, image_px: tuple[int, int], dpi: float) -> PageText:
    """Return a page's own text as a reading of its raster. image_px: width and height of the raster."""
    blocks = tuple(_stored(block, text) for block in text.reading.blocks)
    kept = tuple(block for block in blocks if block is not None)
    return PageText(*image_px, dpi, text.quarter_turns, 0.0, kept)


def _kept(
    image: StoredImage,
    sha256: str,
    text: NativeText,
    told: LayerMeasures,
    engine: OcrEngine,
    options: ReadingOptions,
) -> ReadPage:
    """Return the page with its own text, and beside it what of the page that text does not cover."""
    height, width = image.pixels.shape[:2]
    page = page_text_of(text, (width, height), image.dpi_x)
    own = [word.box for word in page.words]
    stamps = read_stamps(
        image.pixels,
        dpi=image.dpi_x,
        quarter_turns=text.quarter_turns,
        source_sha256=sha256,
        engine=engine,
    )
    beside = list(_apart_from(own, stamps.all))
    found = len(beside)
    if told.missed:
        beside = [*_rest(image, sha256, text, own, engine, options), *beside]
    described = describe_with(engine) if beside else describe()
    measured = {
        "page": measure(image).to_json(),
        "readings": [],
        "stamps": found,
        "words_beside": sum(len(line.words) for block in beside for line in block.lines),
    }
    whole = _joined(page, beside)
    return ReadPage(whole, False, described, measured, doubts_of(whole))


def describe() -> dict[str, Any]:
    """Return what a derivation record says of text that was taken from the page itself."""
    return {
        "engine": ENGINE,
        "version": f"pdfium {pypdfium2.PDFIUM_INFO}",
        "adapter": f"pypdfium2 {pypdfium2.PYPDFIUM_INFO}",
        "models": {},
        "parameters": {
            name.lower(): getattr(limits, name)
            for name in (
                "IMPOSSIBLE_MOST",
                "NAMELESS_MOST",
                "UNSEEN_MOST",
                "MARKED_LEAST",
                "AGREED_LEAST",
            )
        },
    }


def describe_with(engine: OcrEngine) -> dict[str, Any]:
    """Return the same of text beside which an engine read the rest of the page."""
    own, other = describe(), engine.describe()
    name = str(other.get("engine"))
    return {
        "engine": f"{ENGINE}+{name}",
        "version": f"{own['version']} + {name} {other.get('version')}",
        "adapter": f"{own['adapter']} + {other.get('adapter')}",
        "models": other.get("models", {}),
        "parameters": {ENGINE: own["parameters"], name: other.get("parameters", {})},
    }


def _with(read: ReadPage, account: dict[str, Any]) -> ReadPage:
    return replace(read, measures={**read.measures, "text_layer": account})


def _name_of(engine: OcrEngine) -> str:
    told = engine.describe()
    return f"{told.get('engine')} {told.get('version')}"


def _upright_grey(image: StoredImage, turns: int) -> Pixels:
    """Return the raster upright, on white, the darkest of its channels: print of any colour is dark in one."""
    cell = max(1, round(CELL_MM * image.dpi_x / 25.4))
    return np.ascontiguousarray(np.rot90(on_white(darkest_channel(image.pixels), cell=cell), -turns))


def _stored(block: RawBlock, text: NativeText) -> Block | None:
    """Return a block in stored pixels; None when it has no letter that can be kept."""
    lines = []
    for line in block.lines:
        words = tuple(
            Word(written, raw, CONFIDENCE, turned_box(word.box, -text.quarter_turns, text.upright_px))
            for word in line.words
            if (raw := keepable(word.text)) and (written := unicodedata.normalize("NFC", raw).translate(SIGNS))
        )
        if words:
            lines.append(Line(words, Box.around(word.box for word in words)))
    return Block(block.kind, tuple(lines), Box.around(line.box for line in lines)) if lines else None


def _rest(
    image: StoredImage,
    sha256: str,
    text: NativeText,
    own: Sequence[Box],
    engine: OcrEngine,
    options: ReadingOptions,
) -> list[Block]:
    """Return what the engine reads on the page once its own words are wiped off, stamps left out."""
    wiped = image.pixels.copy()
    for box in own:
        cv2.rectangle(
            wiped,
            (box.x - MASK_PX, box.y - MASK_PX),
            (box.x + box.width + MASK_PX, box.y + box.height + MASK_PX),
            (255, 255, 255),
            cv2.FILLED,
        )
    stored = replace(image, pixels=wiped, turn_hint=text.quarter_turns)
    try:
        read = recognise(stored, f"{sha256}-rest", engine, options)
    except PageUnreadable:
        return []  # a signature or a drawing: the page's own text is what is written on it
    return list(_apart_from(own, (block for block in read.page.blocks if block.kind != "stamp")))


def _apart_from(own: Sequence[Box], blocks: Iterable[Block]) -> Iterable[Block]:
    """Yield blocks with their sure words that do not lie on one of the page's own."""
    for block in blocks:
        lines = []
        for line in block.lines:
            words = tuple(
                w for w in line.words if w.confidence >= SURE and not any(_lies_on(w.box, o) for o in own)
            )
            if words:
                lines.append(Line(words, Box.around(word.box for word in words)))
        if lines:
            yield Block(block.kind, tuple(lines), Box.around(line.box for line in lines))


def _lies_on(box: Box, own: Box) -> bool:
    across, down = box.x + box.width / 2, box.y + box.height / 2
    return own.x <= across < own.x + own.width and own.y <= down < own.y + own.height


def _joined(page: PageText, beside: Sequence[Block]) -> PageText:
    """Put each block read beside the page's own before the first of these that stands wholly below its middle."""
    size = (page.width_px, page.height_px)
    blocks = list(page.blocks)
    for block in beside:
        upright = [turned_box(one.box, page.quarter_turns, size) for one in (block, *blocks)]
        blocks.insert(place_for(upright[0], upright[1:]), block)
    return replace(page, blocks=tuple(blocks))
