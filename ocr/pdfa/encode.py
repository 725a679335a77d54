"""Pixels as a new image of a PDF: bitonal ones as fax group 4, others without loss, lossy ones as JPEG."""

import io
from typing import Any

import pikepdf
from PIL import Image

from ocr.pdfa.passing import image_object, png_object
from ocr.pixels import Pixels

PNG_EFFORT = 4  # a noisy colour page of 8.7 megapixels: 1.7 s of CPU; 6 takes 3.8 s for the same size
JPEG_QUALITY = 95  # for what was lossy before; colour at full resolution


def pixels_object(pdf: pikepdf.Pdf, pixels: Pixels, *, lossy: bool = False) -> pikepdf.Object:
    """Return an image XObject of these pixels, the same samples unless lossy allows JPEG."""
    if pixels.ndim == 2 and bool(((pixels == 0) | (pixels == 255)).all()):
        return _fax_object(pdf, pixels)
    if lossy:
        return _jpeg_object(pdf, pixels)
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG", compress_level=PNG_EFFORT)
    found = png_object(pdf, packed.getvalue())
    if found is None:
        raise AssertionError("a PNG of our own making passes")
    return found


def masked_object(pdf: pikepdf.Pdf, pixels: Pixels, alpha: Pixels) -> pikepdf.Object:
    """Return an image XObject with a soft mask: alpha 0 is clear, 255 opaque."""
    image = pixels_object(pdf, pixels)
    image.SMask = pixels_object(pdf, alpha)
    return image


def _jpeg_object(pdf: pikepdf.Pdf, pixels: Pixels) -> pikepdf.Object:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    height, width = pixels.shape[:2]
    space = pikepdf.Name.DeviceGray if pixels.ndim == 2 else pikepdf.Name.DeviceRGB
    return image_object(pdf, packed.getvalue(), width, height, 8, space, pikepdf.Name.DCTDecode)


def _fax_object(pdf: pikepdf.Pdf, pixels: Pixels) -> pikepdf.Object:
    height, width = pixels.shape
    packed = io.BytesIO()
    # One strip, so that the whole image is one fax stream.
    Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE).save(
        packed, "TIFF", compression="group4", strip_size=(width + 7) // 8 * height
    )
    with Image.open(packed, formats=["TIFF"]) as image:
        tags: Any = image.tag_v2  # type: ignore[attr-defined] # a TIFF image's own attribute
        (offset,), (count,), black_is_1 = tags[273], tags[279], tags[262] == 1
    return image_object(
        pdf,
        packed.getvalue()[offset : offset + count],
        width,
        height,
        1,
        pikepdf.Name.DeviceGray,
        pikepdf.Name.CCITTFaxDecode,
        pikepdf.Dictionary(K=-1, Columns=width, Rows=height, BlackIs1=black_is_1),
    )
