"""Writes sheets as one PDF/A-2b document: its pages, its font, its metadata; equal sheets give equal bytes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pikepdf.pdfa

from ocr.conformance import FLAVOUR
from ocr.page import PageText
from ocr.pdf_content import Matrix
from ocr.pdfa.encode import masked_object
from ocr.pdfa.glyphless import Lettering, embed, lettering_of
from ocr.pdfa.layer import FONT, layer, letters_of, number_text
from ocr.pdfa.sheets import Sheet

CREATOR = "sohoa"
IMAGE, OVERLAY = "Im", "Over"


def write(
    pdf: pikepdf.Pdf,
    sheets: Sequence[Sheet],
    texts: Sequence[PageText | None],
    out: Path,
    *,
    title: str,
    made_at: datetime,
    document_id: str,
) -> None:
    """Add the sheets' pages with their words to a PDF, declare what it is and save it. Overwrites out."""
    shown = [
        None if sheet.rung == "empty" else sheet.beside if sheet.own_text else text
        for sheet, text in zip(sheets, texts, strict=True)
    ]
    lettering = lettering_of(letters_of(shown))
    font = embed(pdf, lettering)
    for sheet, text in zip(sheets, shown, strict=True):
        _add_page(pdf, sheet, text, lettering, font)
    pdf.Root.Lang = pikepdf.String("vi")
    _declare(pdf, title, made_at, document_id)
    pdf.save(out, **pikepdf.pdfa.resolve_save_kwargs(FLAVOUR, deterministic_id=True))


def refused(pdf: pikepdf.Pdf) -> set[int]:
    """Return the indexes of pages that the check refuses each by itself."""
    bad = set()
    for index, page in enumerate(pdf.pages):
        with pikepdf.new() as alone:
            alone.pages.append(page)
            pikepdf.pdfa.prepare(alone, FLAVOUR)
            if not pikepdf.pdfa.check(alone, FLAVOUR).passed:
                bad.add(index)
    return bad


def _add_page(
    pdf: pikepdf.Pdf, sheet: Sheet, text: PageText | None, lettering: Lettering, font: pikepdf.Object
) -> None:
    words = layer(text, sheet.frame, lettering) if text is not None else b""
    if sheet.page is not None:
        page = _ready_page(pdf, sheet.page, words, font)
    else:
        page = _image_page(pdf, sheet, words, font)
    box = pikepdf.Array([round(edge, 4) for edge in sheet.frame.box])
    page.MediaBox, page.Rotate = box, sheet.frame.rotation
    if sheet.frame.unit_pt != 1:
        page.UserUnit = sheet.frame.unit_pt
    pdf.pages.append(pikepdf.Page(page))


def _image_page(pdf: pikepdf.Pdf, sheet: Sheet, words: bytes, font: pikepdf.Object) -> pikepdf.Object:
    resources, content, xobjects = pikepdf.Dictionary(), b"", pikepdf.Dictionary()
    if sheet.image is not None:
        xobjects["/" + IMAGE] = sheet.image
        # A stencil is painted in black; the colour of other images is their own.
        content += b"0 g\n" if sheet.image.get("/ImageMask", False) else b""
        content += _painted(IMAGE, sheet.image_matrix or sheet.frame.matrix)
    if sheet.overlay is not None:
        xobjects["/" + OVERLAY] = masked_object(pdf, sheet.overlay.pixels, sheet.overlay.alpha)
        x0, y0, x1, y1 = sheet.overlay.rect
        content += _painted(OVERLAY, (x1 - x0, 0.0, 0.0, y1 - y0, x0, y0))
    if len(xobjects.keys()):
        resources.XObject = xobjects
    if words:
        resources.Font = pikepdf.Dictionary({"/" + FONT: font})
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page, Resources=resources, Contents=pikepdf.Stream(pdf, content + words)
    )
    return pdf.make_indirect(page)


def _painted(name: str, matrix: Matrix) -> bytes:
    return f"q {' '.join(map(number_text, matrix))} cm /{name} Do Q\n".encode("ascii")


def _ready_page(pdf: pikepdf.Pdf, page: pikepdf.Page, words: bytes, font: pikepdf.Object) -> pikepdf.Object:
    """Lay words with a page that brings its own content; its resources may be shared, so they are copied."""
    if words:
        page.contents_add(pikepdf.Stream(pdf, b"q\n"), prepend=True)
        page.contents_add(pikepdf.Stream(pdf, b"\nQ\n" + words))
        resources = pikepdf.Dictionary(dict(page.resources.items()))
        fonts = dict(resources.get("/Font", pikepdf.Dictionary()).items())
        resources.Font = pikepdf.Dictionary(fonts | {"/" + FONT: font})
        page.obj.Resources = resources
    for key in ("/CropBox", "/UserUnit", "/TrimBox", "/BleedBox", "/ArtBox"):
        if key in page.obj:
            del page.obj[key]
    return page.obj


def _declare(pdf: pikepdf.Pdf, title: str, made_at: datetime, document_id: str) -> None:
    moment = made_at.astimezone(UTC).replace(microsecond=0).isoformat()
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = title
        metadata["dc:identifier"] = document_id
        metadata["xmp:CreatorTool"] = CREATOR
        metadata["xmp:CreateDate"] = moment
        metadata["xmp:ModifyDate"] = moment
    pikepdf.pdfa.prepare(pdf, FLAVOUR)
    # The preparation writes the time it ran at, which would make every file another.
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["xmp:MetadataDate"] = moment
