"""Reads what is stamped in red, blue or violet ink: marks of secrecy, urgency and receipt.

A page is read from its red channel, where red ink turns as white as the paper: good for text under a seal, and
blind to a red stamp. So the red ink is read by itself, region by region, each turned level first. Round seals
are left out: their lettering runs in a circle and gives nothing but noise. A stamp struck across a seal may
stay unread.

Blue ink stays on the page that is read, for signatures and letters are blue too. What is framed, or says what only
stamps say, is a stamp: it is read the same way, and its ink can be lifted off the page before that is read again.
"""

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ocr.confidence import chance_right
from ocr.engines.port import OcrEngine, PreparedPage, RawReading, RawWord
from ocr.inspect import BLUE_INK, RED_INK, blue_ink, red_ink
from ocr.page import Block, Box, Line, Word, keepable
from ocr.pixels import Pixels
from ocr.prepare import Affine, Geometry, inverse, then, turned_back
from ocr.stamp_words import is_stamps

LOOK_DPI = 150.0  # stamps are looked for on the page reduced to it
READ_DPI = 250.0  # and read enlarged to it
SEAL_MM = (25.0, 50.0)  # diameters of round seals
SEAL_RATIO = 1.25  # a seal's bounding box is nearly square
REGIONS_MAX = 12  # of one page, largest first
FRAME_COVER = 0.75  # share of a side that a line of the frame covers; a tall letter covers less
SURE = 0.5  # words below this confidence are not taken from a stamp
MARGIN_PX = 20
FRAME_SIDES = 2  # sides of a frame from which there is one: a corner may not have been inked
FRAME_MM = 5.0  # at most, from a stamp's words to its frame's outer edge
LETTERS, LETTER_MM = 8, (1.5, 9.0)  # as many marks as high as letters are lettering: a signature has few
BLACK_MOST = 110  # of the brightest channel of black print, which stays where a stamp is struck over it
LETTER_DARK = 200  # grey level of the palest ink in a region that is read
Ink = Literal["red", "blue"]
LevelBox = tuple[tuple[float, float], tuple[float, float], float]
"""A stamp's outline as OpenCV gives it: centre, (width, height), and clockwise tilt in degrees."""


@dataclass(frozen=True, slots=True)
class _InkLook:
    """How stamps of an ink are looked for. join_mm: ink nearer than this belongs to one stamp."""

    levels_of: Callable[[Pixels], Pixels]
    least: int
    join_mm: float
    shortest_mm: tuple[float, float]


# The smallest long and short side; a stamp of secrecy is 20 x 8 mm or larger. In blue the lines of one that has no
# frame are kept together.
INKS: dict[Ink, _InkLook] = {
    "red": _InkLook(red_ink, RED_INK, 3.0, (8.0, 4.0)),
    "blue": _InkLook(blue_ink, BLUE_INK, 5.0, (8.0, 3.0)),
}


@dataclass(frozen=True, slots=True)
class StampRegion:
    """One stamp, level and dark on light, and where its pixels lie in the stored image."""

    image: Pixels
    geometry: Geometry
    framed: bool


@dataclass(frozen=True, slots=True)
class Stamps:
    """Blocks of kind `stamp`, by the ink they were struck in."""

    red: tuple[Block, ...] = ()
    blue: tuple[Block, ...] = ()

    @property
    def all(self) -> tuple[Block, ...]:
        return (*self.red, *self.blue)


def read_stamps(
    pixels: Pixels, *, dpi: float, quarter_turns: int, source_sha256: str, engine: OcrEngine
) -> Stamps:
    """Return a block of kind `stamp` for each stamp that gave sure words; boxes in stored pixels.

    pixels: the image as stored; one that is not colour has no stamps. quarter_turns: clockwise, to upright.
    """
    found: dict[Ink, list[Block]] = {"red": [], "blue": []}
    for ink, regions in stamp_regions(pixels, dpi=dpi, quarter_turns=quarter_turns).items():
        for number, region in enumerate(regions):
            if ink == "blue" and not region.framed and not _is_lettering(region.image):
                continue
            name = f"{source_sha256}-{ink}-{number}" if ink == "blue" else f"{source_sha256}-stamp-{number}"
            reading = engine.read(PreparedPage(region.image, READ_DPI, name, "block"))
            lines = tuple(_lines(reading, region.geometry, str(engine.describe()["engine"])))
            if lines and (ink == "red" or _is_stamp(region, lines)):
                found[ink].append(Block("stamp", lines, Box.around(line.box for line in lines)))
    return Stamps(tuple(found["red"]), tuple(found["blue"]))


def _is_stamp(region: StampRegion, lines: Sequence[Line]) -> bool:
    """Whether what was read in blue ink is a stamp: it has a frame, or says what only stamps say."""
    said = [" ".join(word.text for word in line.words) for line in lines]
    return is_stamps(said) or (region.framed and any(len(word.text) > 1 for line in lines for word in line.words))


def _is_lettering(image: Pixels) -> bool:
    """Whether a level region has many marks as high as letters: a signature has few and large ones."""
    px_mm = READ_DPI / 25.4
    _, _, boxes, _ = cv2.connectedComponentsWithStats(np.asarray(image < LETTER_DARK, np.uint8), connectivity=8)
    high = boxes[1:, cv2.CC_STAT_HEIGHT] / px_mm
    return int(((high >= LETTER_MM[0]) & (high <= LETTER_MM[1])).sum()) >= LETTERS


def without_blue_stamps(pixels: Pixels, stamps: Sequence[Block], *, dpi: float) -> Pixels:
    """Return a colour image with the paper's colour where blue stamps were struck, their frames too."""
    lifted, frame = pixels.copy(), round(FRAME_MM / 25.4 * dpi)
    for stamp in stamps:
        top, left = max(0, stamp.box.y - frame), max(0, stamp.box.x - frame)
        part = lifted[top : stamp.box.y + stamp.box.height + frame, left : stamp.box.x + stamp.box.width + frame]
        struck = cv2.dilate(np.asarray(blue_ink(part) >= BLUE_INK, np.uint8), np.ones((3, 3), np.uint8)) > 0
        if not struck.all():
            paper = np.median(part[~struck], axis=0).astype(np.uint8)
            part[struck & (part.max(axis=2) > BLACK_MOST)] = paper
    return lifted


def stamp_regions(pixels: Pixels, *, dpi: float, quarter_turns: int) -> dict[Ink, list[StampRegion]]:
    """Return the regions of each ink that may be stamps, top to bottom as the reader sees them."""
    if pixels.ndim != 3:
        return {}
    scale = min(1.0, LOOK_DPI / dpi)
    small = pixels
    if scale < 1.0:
        small = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    upright = np.ascontiguousarray(np.rot90(small, -quarter_turns))
    height, width = pixels.shape[:2]
    enlarged: Affine = (width / small.shape[1], 0.0, 0.0, 0.0, height / small.shape[0], 0.0)
    upright_to_stored = then(turned_back(quarter_turns % 4, upright.shape[:2]), enlarged)
    px_mm, zoom = dpi * scale / 25.4, READ_DPI / (dpi * scale)
    found: dict[Ink, list[StampRegion]] = {}
    for ink, look in INKS.items():
        levels = look.levels_of(upright)
        mask = np.asarray(levels >= look.least, np.uint8)
        if int(mask.sum()) >= look.shortest_mm[0] * look.shortest_mm[1] * px_mm * px_mm * 0.05:
            cuts = (_level(levels, box, zoom) for box in _stamps(mask, px_mm, look))
            found[ink] = [
                StampRegion(cut, Geometry(then(back, upright_to_stored), width, height), framed)
                for cut, framed, back in cuts
            ]
    return found


def _stamps(mask: Pixels, px_mm: float, look: _InkLook) -> list[LevelBox]:
    """Return the box around each stamp, its width the side that is nearer to level."""
    reach = max(3, round(look.join_mm * px_mm)) | 1
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
        if long_mm >= look.shortest_mm[0] and short_mm >= look.shortest_mm[1] and not seal:
            found.append((centre, (first, second), angle))
    return sorted(found, key=lambda box: box[0][1])


def _level(ink: Pixels, box: LevelBox, zoom: float) -> tuple[Pixels, bool, Affine]:
    """Cut a region out level and enlarged, dark on white, with a margin.

    Return it without its frame, whether it had one, and the way back.
    """
    (x, y), (width, height), angle = box
    across, down = math.ceil(width * zoom) + 2 * MARGIN_PX, math.ceil(height * zoom) + 2 * MARGIN_PX
    turn = cv2.getRotationMatrix2D((x, y), angle, zoom)
    turn[:, 2] += (across / 2 - x, down / 2 - y)
    cut = np.asarray(cv2.warpAffine(ink, turn, (across, down), flags=cv2.INTER_CUBIC, borderValue=0), np.uint8)
    sides = _take_frame_off(cut)
    a, b, c, d, e, f = (float(number) for number in turn.ravel())
    dark = np.asarray(255 - np.minimum(255, 2 * cut.astype(np.uint16)), np.uint8)
    return dark, sides >= FRAME_SIDES, inverse((a, b, c, d, e, f))


def _take_frame_off(ink: Pixels) -> int:
    """Wipe the frame off a level stamp and return how many sides it had.

    The engine takes framed words for a picture and reads nothing. A line of the frame runs along nearly the whole
    of a side and lies in the outer quarter of the stamp, where no stroke of a letter does.
    """
    sides = 0
    for way in (ink, ink.T):
        if way is not ink and not sides:
            break  # of one line without a frame, letters would be taken for upright sides
        mask = cv2.dilate(np.asarray(way >= RED_INK, np.uint8), np.ones((3, 1), np.uint8))
        inner = mask[:, MARGIN_PX : mask.shape[1] - MARGIN_PX]
        lines = inner.mean(axis=1) >= FRAME_COVER
        quarter = MARGIN_PX + (len(lines) - 2 * MARGIN_PX) // 4
        for side, along in ((way, lines), (way[::-1], lines[::-1])):
            (found,) = np.nonzero(along[:quarter])
            if len(found):
                side[: found[-1] + 2] = 0
                sides += 1
    return sides


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
