"""What JPEG, JPEG 2000 and PNG files say of themselves, read from their headers: nothing is decoded here.

Sizes, completeness and pixel counts are settled before any decoder sees the file. `ocr.tiff` does the same for
TIFF.
"""

import hashlib
import mmap
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ocr.errors import TooManyPixels, Truncated
from ocr.options import ReadingOptions
from ocr.page import Colour

A4_SHORT_SIDE_IN = 8.27
# Tags below or beyond these mean the software's default (72, 96), not the scanner's.
DPI_PLAUSIBLE = (100.0, 2400.0)
EXIF_MAKE, EXIF_MODEL, EXIF_SOFTWARE, EXIF_DATETIME, EXIF_ORIENTATION = 271, 272, 305, 306, 274
EXIF_IFD, EXIF_DATETIME_ORIGINAL, EXIF_OFFSET, EXIF_OFFSET_ORIGINAL = 0x8769, 36867, 36880, 36881
# Clockwise quarter turns by EXIF orientation; mirrored ones (2, 4, 5, 7) are no turn a scanner makes.
TURNS_BY_ORIENTATION = {1: 0, 3: 2, 6: 1, 8: 3}
# Markers of a JPEG 2000 codestream: its start and size, and its end, which the coded data can't contain.
JPEG_2000_START, JPEG_2000_END = b"\xff\x4f\xff\x51", b"\xff\xd9"

Bytes = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a TIFF, JPEG, JPEG 2000 or PNG.

    dpi_assumed: no believable resolution was stated, A4 is supposed.
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
    with mapped(path) as data:
        width, height, components = jpeg_size(data)
        check_pixels(width, height, options)
        check_jpeg_length(len(data), width, height)
    with open_picture(path, "JPEG", options) as image:
        return _single(path, image, width, height, "grey" if components == 1 else "colour")


def probe_png(path: Path, options: ReadingOptions) -> Pictures:
    """Return what a PNG says of itself. Raises Truncated or TooManyPixels."""
    with mapped(path) as data:
        width, height, depth, kind = _png_size(data)
        check_pixels(width, height, options)
    colour: Colour = "colour"
    if kind in (0, 4):
        colour = "bitonal" if depth == 1 else "grey"
    elif kind == 3 and depth == 1:
        colour = "bitonal"
    with open_picture(path, "PNG", options) as image:
        return _single(path, image, width, height, colour)


def probe_jpeg_2000(path: Path, options: ReadingOptions) -> Pictures:
    """Return what a JP2 file says of itself. Raises Truncated or TooManyPixels."""
    with open_picture(path, "JPEG2000", options) as image, mapped(path) as data:
        check_pixels(*image.size, options)
        at = data.find(JPEG_2000_START)
        if at < 0 or data.find(JPEG_2000_END, at) < 0:
            raise Truncated("the JPEG 2000 ends before its image does")
        right, bottom, left, top = struct.unpack(">IIII", piece(data, at + 8, 16))
        if (right - left, bottom - top) != image.size:
            raise Truncated("the JPEG 2000's image has another size than its header states")
        colour: Colour = "grey" if image.mode in ("L", "LA", "I;16") else "colour"
        return _single(path, image, *image.size, colour)


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
            height, width = struct.unpack(">HH", piece(data, at + 5, 4))
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
            size = struct.unpack(">IIBB", piece(data, at + 8, 10))
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
    device = device_of(exif.get(EXIF_MAKE), exif.get(EXIF_MODEL), exif.get(EXIF_SOFTWARE))
    return Pictures((picture,), moment_of(when, offset), device)


def _exif(image: Image.Image) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
    """Return the outer and inner EXIF directory; broken EXIF says nothing, it spoils no image."""
    try:
        exif = image.getexif()
        return exif, exif.get_ifd(EXIF_IFD)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error):
        return {}, {}


def piece(data: Bytes, at: int, length: int) -> bytes:
    """Return bytes of a file. Raises Truncated where it ends before them."""
    if at < 0 or at + length > len(data):
        raise Truncated("the file ends before its content does")
    return data[at : at + length]


def mapped(path: Path) -> mmap.mmap:
    """Map a file, read-only."""
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
    except (OSError, SyntaxError, ValueError, AssertionError) as error:
        raise Truncated(f"the {kind} cannot be opened: {error}") from error


def device_of(make: object, model: object, software: object) -> str | None:
    """Join maker and model, else the software; text only, at most 200 characters."""
    parts = [str(part).replace("\0", "").strip() for part in (make, model) if part]
    parts = parts or [str(software).replace("\0", "").strip()] if parts or software else []
    return " ".join(part for part in parts if part)[:200] or None


def moment_of(stated: object, offset: object) -> str | None:
    """Return EXIF's `YYYY:MM:DD HH:MM:SS` as ISO 8601, with its offset when stated; None when unusable."""
    try:
        moment = datetime.strptime(str(stated).strip(" \0"), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007
        return datetime.fromisoformat(moment + str(offset).strip(" \0") if offset else moment).isoformat()
    except ValueError:
        return None
