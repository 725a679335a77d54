"""Reads what is stamped in red ink: marks of secrecy, urgency and receipt, which the page's own reading drops.

A page is read from its red channel, where red ink turns as white as the paper: good for text under a seal, and
blind to a red stamp. So the red ink is read by itself, region by region, each turned level first. Round seals
are left out: their lettering runs in a circle and gives nothing but noise. A stamp struck across a seal may
stay unread.
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ocr.confidence import chance_right
from ocr.engines.port import OcrEngine, PreparedPage, RawReading, RawWord
from ocr.inspect import RED_INK, red_ink
from ocr.page import Block, Box, Line, Word, keepable
from ocr.pixels import Pixels
from ocr.prepare import Affine, Geometry, inverse, then, turned_back

LOOK_DPI = 150.0  # stamps are looked for on the page reduced to it
READ_DPI = 250.0  # and read enlarged to it
JOIN_MM = 3.0  # ink nearer than this belongs to one stamp
STAMP_MM = (8.0, 4.0)  # the smallest long and short side; a stamp of secrecy is 20 x 8 mm or larger
SEAL_MM = (25.0, 50.0)  # diameters of round seals
SEAL_RATIO = 1.25  # a seal's bounding box is nearly square
REGIONS_MAX = 12  # of one page, largest first
FRAME_COVER = 0.75  # share of a side that a line of the frame covers; a tall letter covers less
SURE = 0.5  # words below this confidence are not taken from a stamp
MARGIN_PX = 20
LevelBox = tuple[tuple[float, float], tuple[float, float], float]
"""A stamp's outline as OpenCV gives it: centre, (width, height), and clockwise tilt in degrees."""


@dataclass(frozen=True, slots=True)
class StampRegion:
    """One stamp, level and dark on light, and where its pixels lie in the stored image."""

    image: Pixels
    geometry: Geometry


def read_stamps(
    pixels: Pixels, *, dpi: float, quarter_turns: int, source_sha256: str, engine: OcrEngine
) -> tuple[Block, ...]:
    """Return a block of kind `stamp` for each red stamp that gave sure words; boxes in stored pixels.

    pixels: the image as stored; one that is not colour has no red ink. quarter_turns: clockwise, to upright.
    """
    blocks = []
    for number, region in enumerate(stamp_regions(pixels, dpi=dpi, quarter_turns=quarter_turns)):
        reading = engine.read(PreparedPage(region.image, READ_DPI, f"{source_sha256}-stamp-{number}", "block"))
        lines = tuple(_lines(reading, region.geometry, str(engine.describe()["engine"])))
        if lines:
            blocks.append(Block("stamp", lines, Box.around(line.box for line in lines)))
    return tuple(blocks)


def stamp_regions(pixels: Pixels, *, dpi: float, quarter_turns: int) -> list[StampRegion]:
    """Return the regions of red ink that may be stamps, top to bottom as the reader sees them."""
    if pixels.ndim != 3:
        return []
    scale = min(1.0, LOOK_DPI / dpi)
    small = pixels
    if scale < 1.0:
        small = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    upright = np.ascontiguousarray(np.rot90(small, -quarter_turns))
    ink = red_ink(upright)
    mask = np.asarray(ink >= RED_INK, np.uint8)
    px_mm = dpi * scale / 25.4
    if int(mask.sum()) < STAMP_MM[0] * STAMP_MM[1] * px_mm * px_mm * 0.05:
        return []
    height, width = pixels.shape[:2]
    enlarged: Affine = (width / small.shape[1], 0.0, 0.0, 0.0, height / small.shape[0], 0.0)
    upright_to_stored = then(turned_back(quarter_turns % 4, upright.shape[:2]), enlarged)
    zoom = READ_DPI / (dpi * scale)
    regions = (_level(ink, box, zoom) for box in _stamps(mask, px_mm))
    return [StampRegion(cut, Geometry(then(back, upright_to_stored), width, height)) for cut, back in regions]


def _stamps(mask: Pixels, px_mm: float) -> list[LevelBox]:
    """Return the box around each stamp, its width the side that is nearer to level."""
    reach = max(3, round(JOIN_MM * px_mm)) | 1
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:REGIONS_MAX]:
        centre, (first, second), angle = cv2.minAreaRect(outline)
        # Which side OpenCV names first, and from where it counts the angle, differs: the one nearer to level
        # is the width.
        if abs(angle) > 45:
            first, second, angle = second, first, angle - math.copysign(90, angle)
        long_mm, short_mm = max(first, second) / px_mm, min(first, second) / px_mm
        seal = SEAL_MM[0] <= short_mm and long_mm <= SEAL_MM[1] and long_mm / short_mm <= SEAL_RATIO
        if long_mm >= STAMP_MM[0] and short_mm >= STAMP_MM[1] and not seal:
            found.append((centre, (first, second), angle))
    return sorted(found, key=lambda box: box[0][1])


def _level(ink: Pixels, box: LevelBox, zoom: float) -> tuple[Pixels, Affine]:
    """Cut a region out level and enlarged, dark on white, with a margin; return it and the way back."""
    (x, y), (width, height), angle = box
    across, down = math.ceil(width * zoom) + 2 * MARGIN_PX, math.ceil(height * zoom) + 2 * MARGIN_PX
    turn = cv2.getRotationMatrix2D((x, y), angle, zoom)
    turn[:, 2] += (across / 2 - x, down / 2 - y)
    cut = np.asarray(cv2.warpAffine(ink, turn, (across, down), flags=cv2.INTER_CUBIC, borderValue=0), np.uint8)
    _take_frame_off(cut)
    a, b, c, d, e, f = (float(number) for number in turn.ravel())
    return np.asarray(255 - np.minimum(255, 2 * cut.astype(np.uint16)), np.uint8), inverse((a, b, c, d, e, f))


def _take_frame_off(ink: Pixels) -> None:
    """Wipe the frame off a level stamp: the engine takes framed words for a picture and reads nothing.

    A line of the frame runs along nearly the whole of a side and lies in the outer quarter of the stamp, where
    no stroke of a letter does.
    """
    for way in (ink, ink.T):
        mask = cv2.dilate(np.asarray(way >= RED_INK, np.uint8), np.ones((3, 1), np.uint8))
        inner = mask[:, MARGIN_PX : mask.shape[1] - MARGIN_PX]
        lines = inner.mean(axis=1) >= FRAME_COVER
        quarter = MARGIN_PX + (len(lines) - 2 * MARGIN_PX) // 4
        for side, along in ((way, lines), (way[::-1], lines[::-1])):
            (found,) = np.nonzero(along[:quarter])
            if len(found):
                side[: found[-1] + 2] = 0


def _lines(reading: RawReading, geometry: Geometry, engine: str) -> Iterator[Line]:
    for block in reading.blocks:
        for line in block.lines:
            words = tuple(
                _word(w, geometry, engine) for w in line.words if w.confidence >= SURE and keepable(w.text)
            )
            if words:
                yield Line(words, Box.around(word.box for word in words))


def _word(word: RawWord, geometry: Geometry, engine: str) -> Word:
    raw = keepable(word.text)
    text = unicodedata.normalize("NFC", raw)
    return Word(text, raw, chance_right(text, word.confidence, engine), geometry.to_stored(word.box))
