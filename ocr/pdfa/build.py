"""Builds a file's rendition: its searchable PDF/A-2b, with room for two marks on page 1. Runs in the jail.

1. Every page goes the first way that is open to it: its image's bytes unchanged (direct), the image encoded anew
(re-encoded), converted by OCRmyPDF when it is not one image (ocrmypdf), drawn (raster). 2. The words are laid
with it invisibly. 3. The whole is written and checked. 4. Pages that the check refuses go the next way, until
it refuses none: nothing fails for its image format. No clock, no chance: equal input gives equal bytes.
"""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pikepdf

from ocr import conformance
from ocr.errors import PdfaFailed
from ocr.options import ReadingOptions
from ocr.page import FileProbe, PageText
from ocr.pdfa.document import refused, write
from ocr.pdfa.places import Size, keep_places
from ocr.pdfa.rendition import MarkRectangle, Rendition
from ocr.pdfa.sheets import Sheet
from ocr.pdfa.ways import ReceivedPages


def build_rendition(
    received: Path,
    probe: FileProbe,
    texts: Sequence[PageText | None],
    out: Path,
    *,
    title: str,
    made_at: datetime,
    document_id: str,
    mark_sizes: tuple[Size, Size],
    options: ReadingOptions,
) -> Rendition:
    """Write the PDF/A-2b of a received file and return its facts.

    texts: one per capture; None for a page whose reading failed: it is there, without words. made_at: an
    aware time, the only one written. mark_sizes: points, the digitizer's and the agency's. out: replaced;
    its folder also takes temporary files. Raises PdfaFailed when no way leads to a valid file, or what
    `ocr.images.probe` raises.
    """
    if len(texts) != len(probe.captures):
        raise ValueError(f"{len(probe.captures)} pages but {len(texts)} readings")
    if made_at.utcoffset() is None:
        raise ValueError("the time of making must be aware")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=out.parent, prefix="build-")))
        pages = stack.enter_context(ReceivedPages(received, probe, texts, folder, options))
        starts = [0] * len(texts)
        while True:
            pdf = stack.enter_context(pikepdf.new())
            made = [pages.make(pdf, index, start) for index, start in enumerate(starts)]
            grown, places = keep_places(made[0].frame, pages.written(made[0], 0), mark_sizes)
            made[0] = made[0].framed(grown)
            write(pdf, made, texts, out, title=title, made_at=made_at, document_id=document_id)
            found = conformance.check(out)
            if found.holds:
                return _rendition(out, found, made, places)
            starts = _next_starts(pages, pdf, made, found)


def _next_starts(
    pages: ReceivedPages, pdf: pikepdf.Pdf, made: Sequence[Sheet], found: conformance.Conformance
) -> list[int]:
    """Step 4: move every refused page one way on. Raises PdfaFailed when none of them can be."""
    bad = refused(pdf) or set(range(len(made)))
    starts = [sheet.level + (index in bad and not pages.is_last(sheet, index)) for index, sheet in enumerate(made)]
    if starts == [sheet.level for sheet in made]:
        raise PdfaFailed(f"no valid PDF/A could be made: {'; '.join(found.problems[:3])}")
    return starts


def _rendition(
    out: Path,
    found: conformance.Conformance,
    made: Sequence[Sheet],
    places: tuple[MarkRectangle, MarkRectangle],
) -> Rendition:
    with out.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    notes = tuple(f"page {number}: {note}" for number, s in enumerate(made, start=1) for note in s.notes)
    rungs = tuple(sheet.rung for sheet in made)
    return Rendition(out.stat().st_size, digest, found.claim, found.checked_by, rungs, places, notes)
