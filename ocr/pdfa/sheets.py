"""The pages of a rendition in the making, by kind of page: pictures, scans in a PDF, and all others.

Each kind knows its ways into the PDF/A, best first, and can make its sheet one way; which way is taken is not
decided here.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import pikepdf
from PIL import Image

from ocr.errors import PageUndecodable
from ocr.images import load
from ocr.options import ReadingOptions
from ocr.page import FileProbe, PageText
from ocr.pdf_content import Matrix, crop_box
from ocr.pdf_pages import PageImage
from ocr.pdfa.encode import pixels_object
from ocr.pdfa.frame import PageFrame
from ocr.pdfa.odd_pages import OddPages
from ocr.pdfa.overlay import Overlay, loses_annotations, may_have_overlay, overlay_of
from ocr.pdfa.passing import filters_of, picture_object, xobject
from ocr.pixels import as_undecodable, decode_pdf_image, draw_page

Rung = Literal["direct", "re-encoded", "ocrmypdf", "raster", "empty"]
LOSSY_FILTERS = {"/DCTDecode", "/JPXDecode"}
LOSSY_TIFF = {"jpeg", "tiff_jpeg"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page to be written: an image with what lies over it, or a ready page; nothing when it is empty.

    image_matrix: the image's unit square in user space; None: the frame's own. own_text: the page has text of
    its own, so only what it lacks is laid with it: beside. notes: slugs of what was not kept as it was.
    """

    frame: PageFrame
    image: pikepdf.Object | None = None
    image_matrix: Matrix | None = None
    overlay: Overlay | None = None
    page: pikepdf.Page | None = None
    own_text: bool = False
    beside: PageText | None = None
    notes: tuple[str, ...] = ()
    rung: Rung = "empty"
    level: int = 0

    def framed(self, frame: PageFrame) -> "Sheet":
        """Return the sheet with another frame."""
        return replace(self, frame=frame)


class PageSource(Protocol):
    """A page of the received file that can become a sheet in the ways it names, best first."""

    @property
    def frame(self) -> PageFrame:
        """The page's box and the place of its pixels."""

    @property
    def ways(self) -> tuple[Rung, ...]:
        """The rungs that are open to this kind of page."""

    def make(self, pdf: pikepdf.Pdf, rung: Rung) -> Sheet | None:
        """Return the sheet made one way in a PDF, or None when that way is closed.

        Raises PageFailed or InputRejected when the image can't be decoded.
        """


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a TIFF, JPEG, JP2 or PNG. opened: the TIFF, opened once for all its images."""

    frame: PageFrame
    received: Path
    opened: Image.Image
    probe: FileProbe
    index: int
    options: ReadingOptions
    ways: tuple[Rung, ...] = ("direct", "re-encoded")

    def make(self, pdf: pikepdf.Pdf, rung: Rung) -> Sheet | None:
        """Pass the bytes through, or encode the pixels anew."""
        if rung == "direct":
            image = picture_object(pdf, self.received, self.probe, self.opened, self.index)
            return Sheet(self.frame, image) if image is not None else None
        pixels = load(self.received, self.index, self.options).pixels
        return Sheet(self.frame, pixels_object(pdf, pixels, lossy=self._is_lossy()))

    def _is_lossy(self) -> bool:
        if self.probe.media_type != "image/tiff":
            return self.probe.media_type in ("image/jpeg", "image/jp2")
        with as_undecodable():
            self.opened.seek(self.index)
            return self.opened.info.get("compression") in LOSSY_TIFF


@dataclass(frozen=True, slots=True)
class Scan:
    """A page of a PDF that is one image, perhaps with something drawn over it."""

    frame: PageFrame
    received: Path
    source: pikepdf.Pdf
    page: pikepdf.Page
    index: int
    found: PageImage
    options: ReadingOptions
    ways: tuple[Rung, ...] = ("direct", "re-encoded", "raster")

    def make(self, pdf: pikepdf.Pdf, rung: Rung) -> Sheet | None:
        """Copy the image's stream, encode its pixels anew, or draw the page; lay what was over it on top."""
        matrix: Matrix | None = None
        if rung == "direct":
            image = xobject(pdf, self.source, self.found.image)
            if image is None:
                return None
        elif rung == "re-encoded":
            pixels = decode_pdf_image(self.source, self.found.image, self.options)
            image = pixels_object(pdf, pixels, lossy=bool(LOSSY_FILTERS & set(filters_of(self.found.image))))
        else:
            image = pixels_object(pdf, draw_page(self.received, self.page, self.index, self.options))
            matrix = self._matrix_of_crop()
        over, notes = self._overlay()
        return Sheet(self.frame, image, matrix, over, notes=notes)

    def _overlay(self) -> tuple[Overlay | None, tuple[str, ...]]:
        """Return what lies over the scan, and notes; a scan is not given up for what can't be drawn over it."""
        notes = ("annotations-dropped",) if loses_annotations(self.page) else ()
        try:
            over = None
            if may_have_overlay(self.page):
                over = overlay_of(self.page, self.found, self.frame, self.options)
        except (PageUndecodable, pikepdf.PdfError):
            return None, (*notes, "overlay-dropped")
        return over, (*notes, "overlay-flattened") if over is not None else notes

    def _matrix_of_crop(self) -> Matrix:
        scale, origin_x, origin_y = self.frame.moved_from(self.page, self.found)
        left, bottom, right, top = (edge * scale for edge in crop_box(self.page))
        return (right - left, 0.0, 0.0, top - bottom, left + origin_x, bottom + origin_y)


@dataclass(frozen=True, slots=True)
class OddPage:
    """A page of a PDF that is not one image.

    native_text: it has text of its own; beside: the words that are to be laid with that, or None when the text is
    not the record's: then the page is drawn, so that nobody copies or finds it.
    """

    frame: PageFrame
    odd: OddPages
    index: int
    native_text: bool
    beside: PageText | None
    options: ReadingOptions
    ways: tuple[Rung, ...] = ("ocrmypdf", "raster")

    def make(self, pdf: pikepdf.Pdf, rung: Rung) -> Sheet | None:
        """Take the page as OCRmyPDF made it, or draw it."""
        notes = ("annotations-dropped",) if self.index in self.odd.dropped else ()
        if rung == "ocrmypdf":
            if self.native_text and self.beside is None:
                return None
            page = self.odd.converted(self.index)
            if page is None:
                return None
            pdf.pages.append(page)
            copy = pdf.pages[-1]
            del pdf.pages[-1]
            return Sheet(self.frame, page=copy, own_text=self.native_text, beside=self.beside, notes=notes)
        image = pixels_object(pdf, self.odd.drawn(self.index, self.options))
        return Sheet(self.frame, image, notes=notes)
