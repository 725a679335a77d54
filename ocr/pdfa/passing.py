"""Images whose encoded bytes pass into the PDF unchanged, wherever PDF/A-2 allows them as they are.

JPEG, PNG without transparency, a TIFF's single strip, and a PDF's own image streams. Each function returns an
image XObject, or None when the image has to be encoded anew. Nothing is decoded here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image

from ocr.errors import Truncated
from ocr.page import FileProbe
from ocr.pixels import as_undecodable

# LZW is left out of PDF/A (6.1.7.2-1); JPEG 2000 is allowed but the checker can't look into it.
FILTERS = {
    "/DCTDecode",
    "/CCITTFaxDecode",
    "/FlateDecode",
    "/JBIG2Decode",
    "/RunLengthDecode",
    "/ASCII85Decode",
    "/ASCIIHexDecode",
}
# Colours that need no output intent but ours (sRGB), or none at all.
NAMED_SPACES = {"/DeviceGray", "/DeviceRGB"}
SPACES = {"/CalGray", "/CalRGB", "/Lab", "/ICCBased"}
KEPT_KEYS = {
    "/Type",
    "/Subtype",
    "/Width",
    "/Height",
    "/ColorSpace",
    "/BitsPerComponent",
    "/Decode",
    "/Filter",
    "/DecodeParms",
    "/ImageMask",
    "/Length",
}
PNG_CHANNELS = {0: 1, 2: 3, 3: 1}  # grey, colour, palette; the kinds with transparency are not here
TIFF_FAX, TIFF_JPEG, TIFF_DEFLATE = (3, 4), 7, (8, 32946)


def picture_object(
    pdf: pikepdf.Pdf, path: Path, probe: FileProbe, opened: Image.Image, index: int
) -> pikepdf.Object | None:
    """Return one image of a TIFF, JPEG, JP2 or PNG as it is, or None. opened: the same file, for a TIFF's tags.

    Raises PageUndecodable, or Truncated, when the file's header is damaged.
    """
    with as_undecodable():
        if probe.media_type == "image/jpeg":
            return jpeg_object(pdf, path.read_bytes())
        if probe.media_type == "image/png":
            return png_object(pdf, path.read_bytes())
        if probe.media_type == "image/jp2":
            return None  # allowed in PDF/A-2, but the checker can't look into it
        opened.seek(index)
        return _tiff_object(pdf, path, opened)


def image_object(
    pdf: pikepdf.Pdf,
    data: bytes,
    width: int,
    height: int,
    bits: int,
    space: Any,
    encoding: pikepdf.Name,
    parameters: pikepdf.Dictionary | None = None,
) -> pikepdf.Object:
    """Return an image XObject of encoded bytes."""
    stream = pikepdf.Stream(
        pdf,
        data,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        BitsPerComponent=bits,
        ColorSpace=space,
        Filter=encoding,
    )
    if parameters is not None:
        stream.DecodeParms = parameters
    return pdf.make_indirect(stream)


def jpeg_object(pdf: pikepdf.Pdf, data: bytes, *, transformed: bool = True) -> pikepdf.Object | None:
    """Return a baseline or progressive JPEG of 8 bits, grey or colour, as it is; None for any other.

    transformed: three channels are YCbCr, as usual; else they are red, green and blue.
    """
    marker, precision, height, width, ids = _jpeg_frame(data)
    # Without an Adobe marker components named R, G, B are taken for YCbCr by some readers, not by others.
    if marker not in (0xC0, 0xC1, 0xC2) or precision != 8 or len(ids) not in (1, 3):
        return None
    if transformed and ids == b"RGB":
        return None
    space = pikepdf.Name.DeviceGray if len(ids) == 1 else pikepdf.Name.DeviceRGB
    parameters = None if transformed else pikepdf.Dictionary(ColorTransform=0)
    return image_object(pdf, data, width, height, 8, space, pikepdf.Name.DCTDecode, parameters)


def _jpeg_frame(data: bytes) -> tuple[int, int, int, int, bytes]:
    """Return (marker, precision, height, width, component ids) of the frame header."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            precision, height, width, count = struct.unpack(">BHHB", data[at + 4 : at + 10])
            return marker, precision, height, width, data[at + 10 : at + 10 + 3 * count : 3]
        else:
            at += 2 + (0 if 0xD0 <= marker <= 0xD7 or marker == 0x01 else max(2, length))
    raise Truncated("the JPEG has no frame header")


def png_object(pdf: pikepdf.Pdf, data: bytes) -> pikepdf.Object | None:
    """Return a PNG's compressed rows as they are; None with transparency, 16 bits or interlacing."""
    header, palette, rows = b"", b"", []
    for kind, body in _png_chunks(data):
        if kind == b"IHDR":
            header = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"tRNS":
            return None
        elif kind == b"IDAT":
            rows.append(body)
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if colour not in PNG_CHANNELS or bits == 16 or interlaced or (colour == 3 and not palette):
        return None
    space: Any = pikepdf.Name.DeviceRGB if colour == 2 else pikepdf.Name.DeviceGray
    if colour == 3:
        space = _indexed(palette[: 3 << bits])
    parameters = pikepdf.Dictionary(
        Predictor=15, Colors=PNG_CHANNELS[colour], BitsPerComponent=bits, Columns=width
    )
    return image_object(pdf, b"".join(rows), width, height, bits, space, pikepdf.Name.FlateDecode, parameters)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _indexed(palette: bytes) -> pikepdf.Array:
    highest = len(palette) // 3 - 1
    return pikepdf.Array(
        [pikepdf.Name.Indexed, pikepdf.Name.DeviceRGB, highest, pikepdf.String(palette[: 3 * (highest + 1)])]
    )


def _tiff_object(pdf: pikepdf.Pdf, path: Path, image: Image.Image) -> pikepdf.Object | None:
    """Return a TIFF image whose data is one strip, as it is; None for tiles, several strips and the rest."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined] # a TIFF image's own attribute
    offsets, counts = tags.get(273, ()), tags.get(279, ())
    if len(offsets) != 1 or len(counts) != 1 or 322 in tags or tags.get(266, 1) != 1:
        return None
    compression = tags.get(259, 1)
    with path.open("rb") as stream:
        stream.seek(offsets[0])
        data = stream.read(counts[0])
    if compression in TIFF_FAX:
        return _tiff_fax(pdf, tags, data)
    if compression == TIFF_JPEG:
        return _tiff_jpeg(pdf, tags, data)
    if compression in TIFF_DEFLATE:
        return _tiff_deflate(pdf, tags, data)
    return None


def _tiff_fax(pdf: pikepdf.Pdf, tags: Any, data: bytes) -> pikepdf.Object | None:
    options = tags.get(293, 0) if tags[259] == 4 else tags.get(292, 0)
    if options & 2 or tags.get(262) not in (0, 1) or tags.get(277, 1) != 1:
        return None  # uncompressed mode is beyond CCITTFaxDecode
    width, height = tags[256], tags[257]
    parameters = pikepdf.Dictionary(
        K=-1 if tags[259] == 4 else int(options & 1), Columns=width, Rows=height, BlackIs1=tags[262] == 1
    )
    if tags[259] == 3:
        parameters.EndOfLine = True
    return image_object(
        pdf, data, width, height, 1, pikepdf.Name.DeviceGray, pikepdf.Name.CCITTFaxDecode, parameters
    )


def _tiff_jpeg(pdf: pikepdf.Pdf, tags: Any, data: bytes) -> pikepdf.Object | None:
    if tags.get(262) not in (1, 2, 6) or tags.get(284, 1) != 1:
        return None
    tables = tags.get(347, b"")
    whole = data[:2] + tables[2:-2] + data[2:]  # the tables without their own start and end
    _, _, height, width, _ = _jpeg_frame(whole)
    if (width, height) != (tags[256], tags[257]):
        return None
    return jpeg_object(pdf, whole, transformed=tags[262] != 2)


def _tiff_deflate(pdf: pikepdf.Pdf, tags: Any, data: bytes) -> pikepdf.Object | None:
    bits, channels = tags.get(258, (1,)), tags.get(277, 1)
    photometric = tags.get(262)
    plain = tags.get(284, 1) == 1 and 338 not in tags and set(tags.get(339, (1,))) == {1}
    if not plain or len(set(bits)) != 1 or bits[0] not in (1, 2, 4, 8) or tags.get(317, 1) not in (1, 2):
        return None
    if (photometric, channels) not in ((0, 1), (1, 1), (2, 3), (3, 1)):
        return None
    space: Any = pikepdf.Name.DeviceRGB if photometric == 2 else pikepdf.Name.DeviceGray
    if photometric == 3:
        space = _indexed(_tiff_palette(tags[320]))
    parameters = None
    if tags.get(317, 1) == 2:
        parameters = pikepdf.Dictionary(Predictor=2, Colors=channels, BitsPerComponent=bits[0], Columns=tags[256])
    found = image_object(pdf, data, tags[256], tags[257], bits[0], space, pikepdf.Name.FlateDecode, parameters)
    if photometric == 0:
        found.Decode = [1, 0]
    return found


def _tiff_palette(values: tuple[int, ...]) -> bytes:
    """Return a TIFF's 16-bit colour map (all reds, all greens, all blues) as bytes of red, green, blue."""
    third = len(values) // 3
    return bytes(values[channel * third + n] >> 8 for n in range(third) for channel in range(3))


def xobject(pdf: pikepdf.Pdf, source: pikepdf.Pdf, image: pikepdf.Object) -> pikepdf.Object | None:
    """Return a copy of another PDF's image with its filters and bytes, or None."""
    if "/F" in image or not set(filters_of(image)) <= FILTERS:
        return None
    if not image.get("/ImageMask", False) and not _space_allowed(image.get("/ColorSpace")):
        return None
    copy = pdf.copy_foreign(image if image.is_indirect else source.make_indirect(image))
    for key in set(copy.keys()) - KEPT_KEYS:
        del copy[key]
    return copy


def filters_of(image: pikepdf.Object) -> list[str]:
    """Return the names of an image's filters, outermost first."""
    found: Any = image.get("/Filter", [])
    return [str(name) for name in found] if isinstance(found, pikepdf.Array) else [str(found)]


def _space_allowed(space: Any) -> bool:
    if isinstance(space, pikepdf.Name):
        return str(space) in NAMED_SPACES
    if not isinstance(space, pikepdf.Array) or len(space) < 2:
        return False
    if space[0] == "/Indexed":
        return _space_allowed(space[1])
    return str(space[0]) in SPACES
