"""Pages that are not one image (text of their own, drawings, several images): OCRmyPDF makes them PDF/A.

Recognition is not run again, OCRmyPDF only strips an older hidden text layer; nor is Ghostscript used: the pages
keep their content, or OCRmyPDF refuses them and they are drawn. They go into a PDF of their own first, without
what hangs on the document (forms, scripts, links, files); what their annotations show becomes part of the page.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ocrmypdf
import pikepdf
from ocrmypdf.exceptions import ExitCodeException

from ocr.options import ReadingOptions
from ocr.pdf_content import UNPARSABLE, crop_box, resources_of
from ocr.pdfa.overlay import annotations_of, unhook_fields
from ocr.pixels import Pixels, draw_page

KEPT_KEYS = {"/Type", "/Contents", "/Resources", "/MediaBox", "/Rotate", "/UserUnit", "/Group"}
FONT_FILES = ("/FontFile", "/FontFile2", "/FontFile3")
GLYPH_LISTS = {"/CIDSet", "/CharSet"}
logging.getLogger("ocrmypdf").addHandler(logging.NullHandler())


@dataclass(slots=True)
class OddPages:
    """The odd pages of one file, flattened; each converted at most once. Made by `gather`.

    dropped: file indexes of pages on which an annotation could not be kept.
    """

    flat: Path
    position: dict[int, int]
    dropped: set[int]
    _converted: dict[int, pikepdf.Page | None] = field(default_factory=dict)
    _open: list[pikepdf.Pdf] = field(default_factory=list)

    def converted(self, index: int) -> pikepdf.Page | None:
        """Return a page as OCRmyPDF made it PDF/A, or None when it refused."""
        if not self._converted:
            self._convert(sorted(self.position))
        return self._converted[index]

    def drawn(self, index: int, options: ReadingOptions) -> Pixels:
        """Draw a page with what its annotations showed. Raises PageUndecodable."""
        with pikepdf.open(self.flat) as flat:
            position = self.position[index]
            return draw_page(self.flat, flat.pages[position], position, options)

    def close(self) -> None:
        """Close the files OCRmyPDF made."""
        while self._open:
            self._open.pop().close()

    def _convert(self, indexes: Sequence[int]) -> None:
        """Convert all pages together; when that is refused, one by one to find which."""
        made = self._attempt(indexes)
        if made is not None:
            self._converted |= dict(zip(indexes, made.pages, strict=True))
        elif len(indexes) == 1:
            self._converted[indexes[0]] = None
        else:
            for index in indexes:
                self._convert([index])

    def _attempt(self, indexes: Sequence[int]) -> pikepdf.Pdf | None:
        name = f"{indexes[0]}-{indexes[-1]}"
        before, after = self.flat.with_name(f"{name}.pdf"), self.flat.with_name(f"{name}.pdfa.pdf")
        with pikepdf.open(self.flat) as flat, pikepdf.new() as part:
            for index in indexes:
                part.pages.append(flat.pages[self.position[index]])
            part.save(before)
        try:
            ocrmypdf.ocr(
                before,
                after,
                language=["vie"],
                output_type="pdfa-2",
                pdfa_backend="internal",
                mode="strip",
                optimize=0,
                jobs=1,
                progress_bar=False,
            )
            made = pikepdf.open(after)
        except (ExitCodeException, *UNPARSABLE, OSError, RuntimeError, LookupError):
            return None
        self._open.append(made)
        return made if len(made.pages) == len(indexes) else None


def gather(pages: dict[int, pikepdf.Page], folder: Path) -> OddPages:
    """Write the odd pages of a file, flattened, into a folder; pages: by index in the file."""
    flat = folder / "flat.pdf"
    dropped: set[int] = set()
    if not pages:
        return OddPages(flat, {}, dropped)
    with pikepdf.new() as gathered:
        for page in pages.values():
            gathered.pages.append(page)
        for copy in gathered.pages:
            unhook_fields(copy)
        gathered.flatten_annotations("all")
        for index, copy in zip(pages, gathered.pages, strict=True):
            if annotations_of(copy):
                dropped.add(index)
            _strip(copy)
        _drop_glyph_lists(gathered)
        gathered.save(flat)
    return OddPages(flat, {index: at for at, index in enumerate(pages)}, dropped)


def _strip(page: pikepdf.Page) -> None:
    box, turned = crop_box(page), int(page.rotation) if hasattr(page, "rotation") else 0
    resources = resources_of(page) or pikepdf.Dictionary()
    for key in set(page.obj.keys()) - KEPT_KEYS - {"/Parent"}:
        del page.obj[key]
    page.obj.MediaBox = pikepdf.Array([round(edge, 4) for edge in box])
    page.obj.Resources, page.obj.Rotate = resources, turned % 360


def _drop_glyph_lists(pdf: pikepdf.Pdf) -> None:
    """Take from embedded fonts the lists of what is in them.

    They may be left out (ISO 19005-2, 6.2.11.4.2); a list that is there can't be checked, and the page would be
    refused for it.
    """
    for found in pdf.objects:
        if isinstance(found, pikepdf.Dictionary) and any(key in found for key in FONT_FILES):
            for key in GLYPH_LISTS & set(found.keys()):
                del found[key]
