"""Walks the directories of a TIFF by hand: the images' own bytes are digested, their offsets checked.

Nothing is decoded here.
"""

import hashlib
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ocr.errors import TooManyPages, Truncated
from ocr.options import ReadingOptions
from ocr.page import Colour
from ocr.pictures import (
    EXIF_DATETIME,
    EXIF_MAKE,
    EXIF_MODEL,
    EXIF_ORIENTATION,
    EXIF_SOFTWARE,
    TURNS_BY_ORIENTATION,
    Picture,
    Pictures,
    check_pixels,
    device_of,
    mapped,
    moment_of,
    piece,
    resolution,
)

TYPE_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
TYPE_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
VALUES_LIMIT = 4_000_000  # values of one TIFF tag: strips of the largest sensible image


@dataclass(slots=True)
class _Directory:
    """One TIFF image file directory: numbers and texts by tag."""

    numbers: dict[int, tuple[int, ...]] = field(default_factory=dict)
    ratios: dict[int, float] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)

    def number(self, tag: int, default: int = 0) -> int:
        return (self.numbers.get(tag) or (default,))[0]


def probe_tiff(path: Path, options: ReadingOptions) -> Pictures:
    """Return what a TIFF says of each of its images. Raises Truncated, TooManyPages or TooManyPixels."""
    with mapped(path) as data:
        images: list[Picture] = []
        first: _Directory | None = None
        for directory in _directories(data):
            if len(images) >= options.page_limit:
                raise TooManyPages(f"the TIFF has more than {options.page_limit} images")
            first = first or directory
            images.append(_tiff_picture(data, directory, options))
        if first is None:
            raise Truncated("the TIFF holds no image")
    device = device_of(*(first.texts.get(tag) for tag in (EXIF_MAKE, EXIF_MODEL, EXIF_SOFTWARE)))
    return Pictures(tuple(images), moment_of(first.texts.get(EXIF_DATETIME), None), device)


def _tiff_picture(data: mmap.mmap, directory: _Directory, options: ReadingOptions) -> Picture:
    width, height = directory.number(256), directory.number(257)
    if not width or not height:
        raise Truncated("a TIFF image has no size")
    check_pixels(width, height, options)
    digest = hashlib.sha256()
    # Strips, tiles, or the one stream of old-style JPEG.
    for offsets, counts in ((273, 279), (324, 325), (513, 514)):
        pieces = list(zip(directory.numbers.get(offsets, ()), directory.numbers.get(counts, ()), strict=False))
        for offset, count in pieces:
            digest.update(piece(data, offset, count))
        if pieces:
            break
    else:
        raise Truncated("a TIFF image has no data")
    bits, samples, photometric = directory.number(258, 1), directory.number(277, 1), directory.number(262)
    colour: Colour = "colour"
    if photometric in (0, 1) and samples in (1, 2):
        colour = "bitonal" if bits == 1 else "grey"
    per_inch = 2.54 if directory.number(296, 2) == 3 else 1.0
    stated = (directory.ratios.get(282, 0.0) * per_inch, directory.ratios.get(283, 0.0) * per_inch)
    turn = TURNS_BY_ORIENTATION.get(directory.number(EXIF_ORIENTATION, 1), 0)
    return Picture(width, height, *resolution(width, height, *stated), colour, digest.hexdigest(), turn)


def _directories(data: mmap.mmap) -> Iterator[_Directory]:
    """Yield the directories of the main chain; a chain that comes back to itself is broken."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack(order + "H", piece(data, 2, 2))[0] == 43
    count_size, entry_size, letter = (8, 20, "Q") if big else (2, 12, "I")
    next_at = struct.unpack(order + letter, piece(data, 8 if big else 4, 8 if big else 4))[0]
    seen: set[int] = set()
    while next_at:
        if next_at in seen:
            raise Truncated("the TIFF's directories form a loop")
        seen.add(next_at)
        count = struct.unpack(order + ("Q" if big else "H"), piece(data, next_at, count_size))[0]
        entries = piece(data, next_at + count_size, count * entry_size)
        directory = _Directory()
        for at in range(0, len(entries), entry_size):
            _take_entry(data, order, big, entries[at : at + entry_size], directory)
        yield directory
        link = piece(data, next_at + count_size + count * entry_size, 8 if big else 4)
        next_at = struct.unpack(order + letter, link)[0]


def _take_entry(data: mmap.mmap, order: str, big: bool, entry: bytes, directory: _Directory) -> None:
    tag, kind, count = struct.unpack(order + ("HHQ" if big else "HHI"), entry[: 12 if big else 8])
    size = TYPE_SIZES.get(kind, 0) * count
    if not size or count > VALUES_LIMIT:
        return
    inline = entry[12:] if big else entry[8:]
    if size > len(inline):
        if tag not in _TAGS:
            return  # private data may point anywhere; only what is used has to be there
        inline = piece(data, struct.unpack(order + ("Q" if big else "I"), inline)[0], size)
    raw = inline[:size]
    if kind == 2:
        directory.texts[tag] = raw.split(b"\0")[0].decode("utf-8", "replace").strip()
    elif kind == 5:
        over, under = struct.unpack(order + "II", raw[:8])
        directory.ratios[tag] = over / under if under else 0.0
    elif letter := TYPE_LETTERS.get(kind):
        directory.numbers[tag] = struct.unpack(f"{order}{count}{letter}", raw)


_TAGS = {256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 324, 325, 513, 514}
_TAGS |= {EXIF_MAKE, EXIF_MODEL, EXIF_SOFTWARE, EXIF_DATETIME}
