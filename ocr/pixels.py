"""Decodes one image to its stored pixels: with Pillow where it is plain, with pdfium where a PDF is odd.

What the header claims is held against the encoded bytes first: decoders trust the bytes, our limits the header,
and pdfium fills what is missing with white, so that a page cut short would pass for a blank one.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
from PIL import Image

from ocr import pdf_pages
from ocr.errors import PageUndecodable, TooManyPixels
from ocr.options import ReadingOptions
from ocr.pdf_content import content_of, crop_box, user_unit
from ocr.pictures import check_jpeg_length, check_pixels, jpeg_size, open_picture

Pixels = npt.NDArray[np.uint8]
# What Pillow and what reads a header by hand raise at damaged bytes.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    struct.error,
)
STRIPE_PX = 256  # rows of an image that are taken over at a time


def decode_frame(image: Image.Image, index: int) -> Pixels:
    """Return the pixels of one frame; transparency is laid on white. Raises PageUndecodable."""
    with as_undecodable():
        image.seek(index)
        image.load()
        if image.mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)
        if image.mode in ("I", "F"):
            return _stretched(np.asarray(image, dtype=np.float64))
        return _by_stripes(image)


@contextmanager
def as_undecodable() -> Iterator[None]:
    """Turn whatever Pillow raises at damaged bytes into PageUndecodable; what it warns of is left unsaid."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # broken metadata
            yield
    except MemoryError:
        raise
    except DAMAGE as error:
        raise PageUndecodable(f"the image can't be decoded: {error}") from error


def _by_stripes(image: Image.Image) -> Pixels:
    """Return a decoded image's pixels, taken over some rows at a time.

    Taken over as a whole a colour sheet of A0 would be in memory four times, in 14 bytes for each pixel.
    """
    width, height = image.size
    clear = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    grey = image.mode in (("LA", "La", "L", "1") if clear else ("1", "L"))
    pixels: Pixels = np.empty((height, width) if grey else (height, width, 3), np.uint8)
    for top in range(0, height, STRIPE_PX):
        stripe = image.crop((0, top, width, min(height, top + STRIPE_PX)))
        if clear:
            layer = stripe.convert("RGBA")
            stripe = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        pixels[top : top + STRIPE_PX] = np.asarray(stripe.convert("L" if grey else "RGB"))
    return pixels


def _stretched(values: npt.NDArray[np.float64]) -> Pixels:
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255.0 / (high - low or 1.0))).astype(np.uint8)


def decode_pdf_image(pdf: pikepdf.Pdf, image: pikepdf.Object, options: ReadingOptions) -> Pixels:
    """Decode an image XObject to its stored pixels. Raises PageUndecodable or TooManyPixels.

    Plain JPEG goes to Pillow; everything else (fax, JBIG2, JPEG 2000, indexed, CMYK, /Decode, stencils) to
    pdfium, on a PDF that holds nothing but this image.
    """
    check_pixels(int(image.Width), int(image.Height), options)
    raw = image.read_raw_bytes()
    _check_encoded(image, raw, options)
    if _is_plain_jpeg(image):
        with open_picture(io.BytesIO(raw), "JPEG", options) as picture:
            pixels = decode_frame(picture, 0)
    else:
        pixels = _by_pdfium(pdf, image)
    if pixels.shape[:2] != (int(image.Height), int(image.Width)):
        raise PageUndecodable("the decoded image has another size than the PDF states")
    return pixels


def _filters(image: pikepdf.Object) -> list[str]:
    found: Any = image.get("/Filter", [])
    return [str(name) for name in found] if isinstance(found, pikepdf.Array) else [str(found)]


def _is_plain_jpeg(image: pikepdf.Object) -> bool:
    return (
        _filters(image) == ["/DCTDecode"]
        and "/Decode" not in image
        and "/DecodeParms" not in image
        and image.get("/ColorSpace") in (pikepdf.Name.DeviceGray, pikepdf.Name.DeviceRGB)
    )


def _check_encoded(image: pikepdf.Object, raw: bytes, options: ReadingOptions) -> None:
    """Hold the dictionary's claims against the encoded bytes: decoders trust the bytes, we the dictionary.

    pdfium fills what is missing with white, so that a page cut short would pass as a blank one.
    """
    filters, width, height = _filters(image), int(image.Width), int(image.Height)
    if not raw:
        raise PageUndecodable("the page's image has no bytes")
    if filters == ["/DCTDecode"]:
        stated = jpeg_size(raw)[:2] if raw.startswith(b"\xff\xd8") else (0, 0)
        check_pixels(*stated, options)
        check_jpeg_length(len(raw), *stated)
    elif filters == ["/CCITTFaxDecode"] and len(raw) * 8 < height:
        raise PageUndecodable("the page's fax image has less than one bit per row")
    elif filters == ["/FlateDecode"]:
        space = image.get("/ColorSpace")
        samples = 3 if space == "/DeviceRGB" else 4 if space == "/DeviceCMYK" else 1
        bits = 1 if image.get("/ImageMask", False) else int(image.get("/BitsPerComponent", 8))
        least = (width * bits * samples + 7) // 8 * height
        _check_inflated(raw, least, 4 * least + height + (16 << 20))


def _check_inflated(raw: bytes, least: int, most: int) -> None:
    inflater, total, rest = zlib.decompressobj(), 0, raw
    try:
        while rest and not inflater.eof and total <= most:
            total += len(inflater.decompress(rest, 1 << 20))
            rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise PageUndecodable(f"the page's image is damaged: {error}") from error
    if total > most:
        raise TooManyPixels("the page's image inflates to far more than its size")
    if total < least:
        raise PageUndecodable("the page's image has fewer bytes than its size needs")


def _by_pdfium(pdf: pikepdf.Pdf, image: pikepdf.Object) -> Pixels:
    alone = pikepdf.new()
    width, height = int(image.Width), int(image.Height)
    page = alone.add_blank_page(page_size=(min(width, 14_400), min(height, 14_400)))
    copy = alone.copy_foreign(image) if image.is_indirect else alone.copy_foreign(pdf.make_indirect(image))
    for key in ("/SMask", "/Mask", "/Alternates", "/OPI", "/Metadata"):
        if key in copy:
            del copy[key]
    if copy.get("/ImageMask", False):
        # A stencil painted in black: a sample of 1 stays paper, as white does in DeviceGray.
        del copy["/ImageMask"]
        copy.ColorSpace, copy.BitsPerComponent = pikepdf.Name.DeviceGray, 1
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=copy))
    page.obj.Contents = pikepdf.Stream(alone, b"q 100 0 0 100 0 0 cm /I Do Q")
    packed = io.BytesIO()
    alone.save(packed)
    try:
        with pypdfium2.PdfDocument(packed.getvalue()) as document:
            found: Any = next(document[0].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))
            return _pixels_of(found.get_bitmap(render=False))
    except (pypdfium2.PdfiumError, StopIteration) as error:
        raise PageUndecodable(f"the page's image can't be decoded: {error}") from error


def _pixels_of(bitmap: Any) -> Pixels:
    """Return a pdfium bitmap as grey or red-green-blue; three equal channels become grey."""
    found: Pixels = bitmap.to_numpy()
    if found.ndim == 2 or found.shape[2] == 1:
        return np.array(found).reshape(found.shape[:2])
    blue, green, red = found[..., 0], found[..., 1], found[..., 2]
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return np.array(red)
    return np.ascontiguousarray(found[..., 2::-1])


def draw_page(path: Path, page: pikepdf.Page, index: int, options: ReadingOptions) -> Pixels:
    """Draw a page that is not one image: its crop box, unturned, without annotations.

    Raises PageUndecodable when pdfium can't draw it, or draws nothing of its images.
    """
    width, height, dpi = pdf_pages.raster_size(page, options)
    left, bottom, right, top = crop_box(page)
    try:
        # As a stream: pdfium's wrapper resolves a path, and in the jail a lent file has none but its number's.
        with path.open("rb") as stream, pypdfium2.PdfDocument(stream) as document:
            drawn = document[index]
            drawn.set_rotation(0)
            drawn.set_mediabox(left, bottom, right, top)
            drawn.set_cropbox(left, bottom, right, top)
            bitmap = drawn.render(
                scale=dpi * user_unit(page) / 72,
                may_draw_forms=False,
                draw_annots=False,
                limit_image_cache=True,
            )
            pixels = _pixels_of(bitmap)
    except pypdfium2.PdfiumError as error:
        raise PageUndecodable(f"the page can't be drawn: {error}") from error
    if pixels.min() == pixels.max() and content_of(page).images:
        # An image that can't be decoded is left out in silence, which would pass for a blank page.
        raise PageUndecodable("the page's images can't be decoded: nothing of them was drawn")
    if pixels.shape[:2] != (height, width):
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return pixels
