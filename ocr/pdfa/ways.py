"""Takes every page of a received file the first way into the PDF/A that is open to it."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pikepdf

from ocr import pdf_pages
from ocr.errors import InputRejected, PageFailed, PdfaFailed
from ocr.images import PICTURE_PROBES, PILLOW_KINDS, load
from ocr.native.kept import words_beside
from ocr.options import ReadingOptions
from ocr.page import FileProbe, PageText
from ocr.pdf_content import UNPARSABLE
from ocr.pdf_files import open_pdf
from ocr.pdfa.frame import Rect, picture_frame, raster_frame, scan_frame
from ocr.pdfa.odd_pages import OddPages, gather
from ocr.pdfa.places import INK_LEAST_PX, ink_boxes
from ocr.pdfa.sheets import OddPage, PageSource, Picture, Scan, Sheet
from ocr.pictures import open_picture


class ReceivedPages:
    """The pages of one received file. A context: the file's PDF is open while it is.

    folder: for temporary files. Raises what `ocr.images.probe` raises.
    """

    def __init__(
        self,
        received: Path,
        probe: FileProbe,
        texts: Sequence[PageText | None],
        folder: Path,
        options: ReadingOptions,
    ) -> None:
        self._received = received
        self._probe = probe
        self._texts = texts
        self._folder = folder
        self._options = options
        self._stack = ExitStack()
        self._sources: list[PageSource] = []

    def __enter__(self) -> Self:
        self._sources = list(
            self._of_pdf() if self._probe.media_type == "application/pdf" else self._of_pictures()
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def make(self, pdf: pikepdf.Pdf, index: int, start: int) -> Sheet:
        """Return a page made the first way open to it, from a level on. Raises PdfaFailed.

        A page whose reading failed and whose image can't be decoded in any way is an empty one.
        """
        source = self._sources[index]
        reason: Exception | None = None
        for level, rung in enumerate(source.ways[start:], start=start):
            try:
                sheet = source.make(pdf, rung)
            except (PageFailed, InputRejected, pikepdf.PdfError) as error:
                reason = error
                continue
            if sheet is not None:
                return replace(sheet, rung=rung, level=level)
        if self._texts[index] is None:
            return Sheet(source.frame, notes=("image-undecodable",), level=len(source.ways))
        raise PdfaFailed(f"page {index + 1} can't be brought into a PDF/A: {reason}") from reason

    def is_last(self, sheet: Sheet, index: int) -> bool:
        """Whether no other way is open to a page after the one it came."""
        return sheet.level + 1 >= len(self._sources[index].ways)

    def written(self, sheet: Sheet, index: int) -> list[Rect]:
        """Return what of a page must stay free of marks, in user space: its words, its ink, its overlays."""
        text = self._texts[index]
        words = [sheet.frame.rect_of(word.box) for word in text.words] if text is not None else []
        overlays = sheet.overlay.taken if sheet.overlay is not None else ()
        return [*words, *self._ink(sheet, index), *overlays]

    def _ink(self, sheet: Sheet, index: int) -> list[Rect]:
        try:
            pixels = load(self._received, index, self._options).pixels
        except (PageFailed, InputRejected):
            return [sheet.frame.box]  # unknown is not free
        frame = replace(sheet.frame, width_px=pixels.shape[1], height_px=pixels.shape[0])
        return [frame.rect_of(box) for box in ink_boxes(pixels, at_least=INK_LEAST_PX)]

    def _of_pictures(self) -> list[PageSource]:
        kind = self._probe.media_type
        stated = PICTURE_PROBES[kind](self._received, self._options).images
        opened = self._stack.enter_context(open_picture(self._received, PILLOW_KINDS[kind], self._options))
        return [
            Picture(
                picture_frame(p.width_px, p.height_px, p.dpi_x, p.dpi_y, p.turn_hint, text),
                self._received,
                opened,
                self._probe,
                index,
                self._options,
            )
            for index, (p, text) in enumerate(zip(stated, self._texts, strict=True))
        ]

    def _of_pdf(self) -> list[PageSource]:
        source = self._stack.enter_context(open_pdf(self._received))
        pages = pdf_pages.pages_of(source, self._options)
        found = [pdf_pages.page_image(page) for page in pages]
        odd = {index: page for index, page in enumerate(pages) if found[index] is None}
        gathered = self._gathered(odd)
        sources: list[PageSource] = []
        for index, (page, image, text) in enumerate(zip(pages, found, self._texts, strict=True)):
            if image is not None:
                frame = scan_frame(page, image, text)
                sources.append(Scan(frame, self._received, source, page, index, image, self._options))
            else:
                width, height, _ = pdf_pages.raster_size(page, self._options)
                frame = raster_frame(page, (width, height), text)
                native = self._probe.captures[index].native_text
                beside = words_beside(self._received, page, index, text, self._options) if native else None
                sources.append(OddPage(frame, gathered, index, native, beside, self._options))
        return sources

    def _gathered(self, odd: dict[int, pikepdf.Page]) -> OddPages:
        try:
            gathered = gather(odd, self._folder)
        except UNPARSABLE as error:
            raise PdfaFailed(f"the pages that are not one image can't be taken out of the PDF: {error}") from error
        self._stack.callback(gathered.close)
        return gathered
