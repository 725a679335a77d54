"""Opens scans safely: what a received file is, and the stored pixels of one of its images. Runs in the jail.

A file is what its first bytes say, never what its name says. Sizes and counts are checked before anything is
decoded. Images come out as stored: no turn, no scaling; stated turns are passed on as a hint.
"""

from dataclasses import dataclass
from pathlib import Path

from ocr import pdf_pages
from ocr.errors import EmptyFile, PageUndecodable, WrongType
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, FileProbe, MediaType
from ocr.pdf_files import open_pdf, probe_pdf
from ocr.pictures import Pictures, open_picture, probe_jpeg, probe_jpeg_2000, probe_png
from ocr.pixels import Pixels, decode_frame, decode_pdf_image, draw_page
from ocr.tiff import probe_tiff

HEADER_BYTES = 1024  # a PDF's header may stand this far from its start, after a few stray bytes
PICTURE_PROBES = {
    "image/tiff": probe_tiff,
    "image/jpeg": probe_jpeg,
    "image/jp2": probe_jpeg_2000,
    "image/png": probe_png,
}
PILLOW_KINDS = {"image/tiff": "TIFF", "image/jpeg": "JPEG", "image/jp2": "JPEG2000", "image/png": "PNG"}
# Beginnings of files that also could carry a PDF header further in: they are what they begin as.
FOREIGN = (
    b"PK\x03\x04",
    b"\x7fELF",
    b"MZ",
    b"GIF8",
    b"BM",
    b"\xd0\xcf\x11\xe0",
    b"Rar!",
    b"7z\xbc\xaf",
    b"<",
)
JP2_START = b"\0\0\0\x0cjP  \r\n\x87\n"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image as stored: height x width (grey or bitonal) or height x width x 3 (red, green, blue), uint8.

    dpi_x, dpi_y: resolution on paper; they differ for faxes. dpi_assumed: none was stated, A4 is supposed.
    turn_hint: clockwise quarter turns the file states to make it upright.
    """

    pixels: Pixels
    dpi_x: float
    dpi_y: float
    dpi_assumed: bool = False
    turn_hint: int = 0


def kind_of(path: Path) -> MediaType:
    """Return the media type the first bytes show. Raises EmptyFile or WrongType."""
    with path.open("rb") as stream:
        start = stream.read(HEADER_BYTES)
    if not start:
        raise EmptyFile("the file has no bytes; scan it again")
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith(JP2_START):
        return "image/jp2"
    if start.startswith(TIFF_STARTS):
        return "image/tiff"
    if b"%PDF-" in start and not start.startswith(FOREIGN):
        return "application/pdf"
    raise WrongType("the file's first bytes are not those of a PDF, TIFF, JPEG, JPEG 2000 (JP2) or PNG")


def probe(path: Path, options: ReadingOptions) -> FileProbe:
    """Return what a received file is and which images it holds, in order.

    Raises EmptyFile, WrongType, Truncated, PasswordNeeded, TooManyPages or TooManyPixels.
    """
    kind = kind_of(path)
    if kind == "application/pdf":
        with open_pdf(path) as pdf:
            return probe_pdf(pdf, options)
    found: Pictures = PICTURE_PROBES[kind](path, options)
    captures = tuple(
        CaptureProbe(index, image.width_px, image.height_px, image.dpi_x, image.colour, image.sha256)
        for index, image in enumerate(found.images)
    )
    return FileProbe(kind, captures, found.scanned_at, found.device)


def load(path: Path, index: int, options: ReadingOptions) -> StoredImage:
    """Decode one image of a file as stored; index counts from 0.

    A PDF page that is not one image is rasterised, unturned and without its annotations.
    Raises PageUndecodable, or what `probe` raises.
    """
    kind = kind_of(path)
    if kind == "application/pdf":
        with open_pdf(path) as pdf:
            pages = pdf_pages.pages_of(pdf, options)
            if not 0 <= index < len(pages):
                raise PageUndecodable(f"the PDF has no page of index {index}")
            found = pdf_pages.page_image(pages[index])
            if found is not None:
                pixels = decode_pdf_image(pdf, found.image, options)
                return StoredImage(pixels, found.dpi_x, found.dpi_y, turn_hint=found.turn_hint)
            _, _, dpi = pdf_pages.raster_size(pages[index], options)
            pixels = draw_page(path, pages[index], index, options)
            return StoredImage(pixels, dpi, dpi, turn_hint=pdf_pages.turns_of(pages[index]))
    stated = PICTURE_PROBES[kind](path, options).images
    if not 0 <= index < len(stated):
        raise PageUndecodable(f"the file has no image of index {index}")
    with open_picture(path, PILLOW_KINDS[kind], options) as image:
        pixels = decode_frame(image, index)
    picture = stated[index]
    if pixels.shape[:2] != (picture.height_px, picture.width_px):
        raise PageUndecodable("the decoded image has another size than its header states")
    return StoredImage(pixels, picture.dpi_x, picture.dpi_y, picture.dpi_assumed, picture.turn_hint)
