"""Writes scans as the files scanners write: PDF of images, TIFF, JPEG, PNG, with the time of scanning inside.

The same pixels and the same time give the same bytes: no clock, no random identifiers.
"""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pikepdf
from PIL import Image, TiffImagePlugin

from console.samples.plans import Delivery
from console.samples.typeset import Picture
from ocr.page import Colour

MAKER: Final = "Xưởng Mẫu"
MODEL: Final = "Máy quét mẫu S200"
MAKE_TAG, MODEL_TAG, DATETIME_TAG, EXIF_IFD, ORIGINAL_TAG, OFFSET_TAG = 271, 272, 306, 0x8769, 36867, 36881
STRIP_OFFSETS, STRIP_COUNTS = 273, 279
SUFFIXES: Final[dict[Delivery, str]] = {
    "pdf": ".pdf",
    "tiff-g4": ".tif",
    "tiff-lzw": ".tif",
    "tiff-jpeg": ".tif",
    "jpeg": ".jpg",
    "png": ".png",
}
COMPRESSIONS: Final = {"tiff-g4": "group4", "tiff-lzw": "tiff_lzw", "tiff-jpeg": "jpeg"}


@dataclass(frozen=True, slots=True)
class Scan:
    """The captures of one file, in order, all of one resolution and colour. scanned_at carries its offset."""

    pages: Sequence[Picture]
    dpi: int
    colour: Colour
    quality: int
    scanned_at: datetime


def deliver(scan: Scan, path: Path, delivery: Delivery) -> None:
    """Write a scan as one new file whose modification time is the scan's. JPEG and PNG take one page only.

    Raises FileExistsError: nothing is overwritten.
    """
    images = [_image(page, scan.colour) for page in scan.pages]
    if delivery == "pdf":
        packed = _pdf(images, scan)
    elif delivery == "jpeg":
        packed = _jpeg(images[0], scan, exif=_exif(scan.scanned_at))
    elif delivery == "png":
        packed = _saved(images[0], "PNG", dpi=(scan.dpi, scan.dpi), compress_level=4)
    else:
        packed = _tiff(images, scan, COMPRESSIONS[delivery])
    with path.open("xb") as stream:
        stream.write(packed)
    os.utime(path, (scan.scanned_at.timestamp(),) * 2)


def _image(page: Picture, colour: Colour) -> Image.Image:
    image = Image.fromarray(page)
    return image.convert("1", dither=Image.Dither.NONE) if colour == "bitonal" else image


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    packed = io.BytesIO()
    image.save(packed, kind, **options)
    return packed.getvalue()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y:%m:%d %H:%M:%S")


def _exif(scanned_at: datetime) -> Image.Exif:
    exif = Image.Exif()
    exif[MAKE_TAG], exif[MODEL_TAG], exif[DATETIME_TAG] = "XUONG MAU", "MAY QUET S200", _stamp(scanned_at)
    offset = scanned_at.strftime("%z")
    exif[EXIF_IFD] = {ORIGINAL_TAG: _stamp(scanned_at), OFFSET_TAG: f"{offset[:3]}:{offset[3:]}"}
    return exif


def _jpeg(image: Image.Image, scan: Scan, **options: Any) -> bytes:
    return _saved(image, "JPEG", quality=scan.quality, dpi=(scan.dpi, scan.dpi), **options)


def _tiff(images: Sequence[Image.Image], scan: Scan, compression: str) -> bytes:
    tags = {MAKE_TAG: "XUONG MAU", MODEL_TAG: "MAY QUET S200", DATETIME_TAG: _stamp(scan.scanned_at)}
    options: dict[str, Any] = {"compression": compression, "dpi": (scan.dpi, scan.dpi), "tiffinfo": tags}
    if compression == "jpeg":
        options["quality"] = scan.quality
    return _saved(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


def _pdf(images: Sequence[Image.Image], scan: Scan) -> bytes:
    """Return a PDF with one image a page, each at its own size on paper."""
    pdf = pikepdf.new()
    for image in images:
        width, height = (side / scan.dpi * 72 for side in image.size)
        page = pdf.add_blank_page(page_size=(round(width, 3), round(height, 3)))
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=_image_object(pdf, image, scan)))
        page.obj.Contents = pikepdf.Stream(pdf, f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Im0 Do Q".encode())
    made = scan.scanned_at.strftime("%z")
    pdf.docinfo["/CreationDate"] = f"D:{scan.scanned_at:%Y%m%d%H%M%S}{made[:3]}'{made[3:]}'"
    pdf.docinfo["/Creator"], pdf.docinfo["/Producer"] = MODEL, MAKER
    packed = io.BytesIO()
    pdf.save(packed, deterministic_id=True)
    return packed.getvalue()


def _image_object(pdf: pikepdf.Pdf, image: Image.Image, scan: Scan) -> pikepdf.Stream:
    """Return an image XObject: G4 for a bitonal page, else JPEG."""
    keys: dict[str, Any] = {
        "/Type": pikepdf.Name.XObject,
        "/Subtype": pikepdf.Name.Image,
        "/Width": image.width,
        "/Height": image.height,
        "/ColorSpace": pikepdf.Name.DeviceRGB if image.mode == "RGB" else pikepdf.Name.DeviceGray,
    }
    if image.mode == "1":
        packed = _group4(image)
        coded = pikepdf.Dictionary(K=-1, Columns=image.width, Rows=image.height, BlackIs1=True)
        keys |= {"/BitsPerComponent": 1, "/Filter": pikepdf.Name.CCITTFaxDecode, "/DecodeParms": coded}
    else:
        packed = _jpeg(image, scan)
        keys |= {"/BitsPerComponent": 8, "/Filter": pikepdf.Name.DCTDecode}
    stream = pikepdf.Stream(pdf, packed)
    for key, value in keys.items():
        stream[key] = value
    return stream


def _group4(image: Image.Image) -> bytes:
    """Return a bitonal image's bare G4 data, black as 1: the one strip of a TIFF."""
    whole = _saved(image, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(whole)) as opened:
        tags: Any = opened.tag_v2 if isinstance(opened, TiffImagePlugin.TiffImageFile) else {}
        (start,), (length,) = tags[STRIP_OFFSETS], tags[STRIP_COUNTS]
    return whole[start : start + length]
