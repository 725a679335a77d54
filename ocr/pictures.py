"""What TIFF, JPEG and PNG files say of themselves, read from their headers: nothing is decoded here.

Sizes, completeness and pixel counts are settled before any decoder sees the file. A TIFF's directories are
walked by hand, because the images' own bytes are digested and their offsets checked against the file's end.
"""

import hashlib
import mmap
import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ocr.errors import TooManyPages, TooManyPixels, Truncated
from ocr.options import ReadingOptions
from ocr.page import Colour

A4_SHORT_SIDE_IN = 8.27
# Tags below or beyond these mean the software's default (72, 96), not the scanner's.
DPI_PLAUSIBLE = (100.0, 2400.0)
EXIF_MAKE, EXIF_MODEL, EXIF_SOFTWARE, EXIF_DATETIME, EXIF_ORIENTATION = 271, 272, 305, 306, 274
EXIF_IFD, EXIF_DATETIME_ORIGINAL, EXIF_OFFSET, EXIF_OFFSET_ORIGINAL = 0x8769, 36867, 36880, 36881
# Clockwise quarter turns by EXIF orientation; mirrored ones (2, 4, 5, 7) are no turn a scanner makes.
TURNS_BY_ORIENTATION = {1: 0, 3: 2, 6: 1, 8: 3}
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

Bytes = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a TIFF, JPEG or PNG. dpi_assumed: no believable resolution was stated, A4 is supposed.

    turn_hint: clockwise quarter turns that the file says make it upright.
    """

    width_px: int
    height_px: int
    dpi_x: float
    dpi_y: float
    dpi_assumed: bool
    colour: Colour
    sha256: str
    turn_hint: int = 0


@dataclass(frozen=True, slots=True)
class Pictures:
    """All images of one file, with when and by what it says it was made."""

    images: tuple[Picture, ...]
    scanned_at: str | None = None
    device: str | None = None


def resolution(width_px: int, height_px: int, dpi_x: float, dpi_y: float) -> tuple[float, float, bool]:
    """Return (dpi_x, dpi_y, assumed): as stated if that can be believed, else as if the page were A4."""
    low, high = DPI_PLAUSIBLE
    if low <= dpi_x <= high and low / 2 <= dpi_y <= high:  # a fax in coarse mode has 204 x 98
        return dpi_x, dpi_y, False
    assumed = float(min(high, max(72.0, round(min(width_px, height_px) / A4_SHORT_SIDE_IN))))
    return assumed, assumed, True


def check_pixels(width_px: int, height_px: int, options: ReadingOptions) -> None:
    """Raise TooManyPixels when an image of this size is over the limit."""
    if width_px * height_px > options.pixel_limit:
        raise TooManyPixels(
            f"an image claims {width_px} x {height_px} pixels, the limit is {options.pixel_limit}; "
            "scan it at a lower resolution"
        )


def check_jpeg_length(length: int, width_px: int, height_px: int) -> None:
    """Raise Truncated when a JPEG of so many bytes can't hold an image of this size.

    A square of 8 x 8 pixels takes at least one bit; a decoder fills what is missing with grey, which looks blank.
    """
    if 8 * length < width_px * height_px // 64:
        raise Truncated("the JPEG has fewer bytes than its size needs")


def probe_jpeg(path: Path, options: ReadingOptions) -> Pictures:
    """Return what a JPEG says of itself. Raises Truncated or TooManyPixels."""
    with _mapped(path) as data:
        width, height, components = jpeg_size(data)
        check_pixels(width, height, options)
        check_jpeg_length(len(data), width, height)
    with open_picture(path, "JPEG", options) as image:
        return _single(path, image, width, height, "grey" if components == 1 else "colour")


def probe_png(path: Path, options: ReadingOptions) -> Pictures:
    """Return what a PNG says of itself. Raises Truncated or TooManyPixels."""
    with _mapped(path) as data:
        width, height, depth, kind = _png_size(data)
        check_pixels(width, height, options)
    colour: Colour = "colour"
    if kind in (0, 4):
        colour = "bitonal" if depth == 1 else "grey"
    elif kind == 3 and depth == 1:
        colour = "bitonal"
    with open_picture(path, "PNG", options) as image:
        return _single(path, image, width, height, colour)


def jpeg_size(data: Bytes) -> tuple[int, int, int]:
    """Return (width, height, components) from the frame header. Raises Truncated without an end."""
    at, size = 2, None
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise Truncated("the JPEG's segments are broken")
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", _piece(data, at + 5, 4))
            size = width, height, data[at + 9]
        if marker == 0xDA:
            if size is None or not all(size):
                raise Truncated("the JPEG has no frame header")
            # Escaping keeps this pair out of the coded data, so it can only be the end of the image.
            if data.find(b"\xff\xd9", at) < 0:
                raise Truncated("the JPEG ends before its image does")
            return size
        at += 2 + max(2, length)
    raise Truncated("the JPEG ends before its image does")


def _png_size(data: Bytes) -> tuple[int, int, int, int]:
    at, size = 8, None
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if at + 12 + length > len(data):
            break
        if kind == b"IHDR":
            size = struct.unpack(">IIBB", _piece(data, at + 8, 10))
        if kind == b"IEND":
            if size is None or not size[0] or not size[1]:
                raise Truncated("the PNG has no header")
            return size
        at += 12 + length
    raise Truncated("the PNG ends before its image does")


def _single(path: Path, image: Image.Image, width: int, height: int, colour: Colour) -> Pictures:
    stated = image.info.get("dpi", (0.0, 0.0))
    dpi_x, dpi_y, assumed = resolution(width, height, float(stated[0]), float(stated[1]))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    exif, inner = _exif(image)
    when = inner.get(EXIF_DATETIME_ORIGINAL) or exif.get(EXIF_DATETIME)
    offset = inner.get(EXIF_OFFSET_ORIGINAL) or inner.get(EXIF_OFFSET)
    turn = TURNS_BY_ORIENTATION.get(exif.get(EXIF_ORIENTATION, 1), 0)
    picture = Picture(width, height, dpi_x, dpi_y, assumed, colour, digest, turn)
    device = _device(exif.get(EXIF_MAKE), exif.get(EXIF_MODEL), exif.get(EXIF_SOFTWARE))
    return Pictures((picture,), _moment(when, offset), device)


def _exif(image: Image.Image) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
    """Return the outer and inner EXIF directory; broken EXIF says nothing, it spoils no image."""
    try:
        exif = image.getexif()
        return exif, exif.get_ifd(EXIF_IFD)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error):
        return {}, {}


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
    with _mapped(path) as data:
        images: list[Picture] = []
        first: _Directory | None = None
        for directory in _directories(data):
            if len(images) >= options.page_limit:
                raise TooManyPages(f"the TIFF has more than {options.page_limit} images")
            first = first or directory
            images.append(_tiff_picture(data, directory, options))
        if first is None:
            raise Truncated("the TIFF holds no image")
    device = _device(*(first.texts.get(tag) for tag in (EXIF_MAKE, EXIF_MODEL, EXIF_SOFTWARE)))
    return Pictures(tuple(images), _moment(first.texts.get(EXIF_DATETIME), None), device)


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
            digest.update(_piece(data, offset, count))
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
    big = struct.unpack(order + "H", _piece(data, 2, 2))[0] == 43
    count_size, entry_size, letter = (8, 20, "Q") if big else (2, 12, "I")
    next_at = struct.unpack(order + letter, _piece(data, 8 if big else 4, 8 if big else 4))[0]
    seen: set[int] = set()
    while next_at:
        if next_at in seen:
            raise Truncated("the TIFF's directories form a loop")
        seen.add(next_at)
        count = struct.unpack(order + ("Q" if big else "H"), _piece(data, next_at, count_size))[0]
        entries = _piece(data, next_at + count_size, count * entry_size)
        directory = _Directory()
        for at in range(0, len(entries), entry_size):
            _take_entry(data, order, big, entries[at : at + entry_size], directory)
        yield directory
        link = _piece(data, next_at + count_size + count * entry_size, 8 if big else 4)
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
        inline = _piece(data, struct.unpack(order + ("Q" if big else "I"), inline)[0], size)
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


def _piece(data: Bytes, at: int, length: int) -> bytes:
    if at < 0 or at + length > len(data):
        raise Truncated("the file ends before its content does")
    return data[at : at + length]


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def open_picture(source: Path | BinaryIO, kind: str, options: ReadingOptions) -> Image.Image:
    """Open an image of one named kind with Pillow, its size known but nothing decoded.

    Raises Truncated, or TooManyPixels should Pillow see another size than our own reading of the header.
    """
    Image.MAX_IMAGE_PIXELS = options.pixel_limit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # broken metadata
            return Image.open(source, formats=[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(f"an image claims more than {options.pixel_limit} pixels") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Truncated(f"the {kind} cannot be opened: {error}") from error


def _device(make: object, model: object, software: object) -> str | None:
    """Join maker and model, else the software; text only, at most 200 characters."""
    parts = [str(part).replace("\0", "").strip() for part in (make, model) if part]
    parts = parts or [str(software).replace("\0", "").strip()] if parts or software else []
    return " ".join(part for part in parts if part)[:200] or None


def _moment(stated: object, offset: object) -> str | None:
    """Return EXIF's `YYYY:MM:DD HH:MM:SS` as ISO 8601, with its offset when stated; None when unusable."""
    try:
        moment = datetime.strptime(str(stated).strip(" \0"), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007
        return datetime.fromisoformat(moment + str(offset).strip(" \0") if offset else moment).isoformat()
    except ValueError:
        return None
