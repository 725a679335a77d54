"""Makes the picture of a page that is shown to people: rebuilt from pixels, so that nothing else of the file
goes out. Runs in the jail.
"""

import base64
import gc
import io
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

from ocr import pdf_pages
from ocr.errors import PageUndecodable
from ocr.options import ReadingOptions
from ocr.pdf_files import open_pdf

LEAST_DPI, MOST_DPI = 72, 200
JPEG_QUALITY = 80


def shown_page(path: Path, index: int, dpi: int, options: ReadingOptions) -> bytes:
    """Return a JPEG of a PDF's page as a reader sees it: turned upright, with its visible signatures.

    index: from 0. dpi: of the picture on paper, lower for a page so large that it would pass
    options.raster_pixel_limit. Raises PageUndecodable, or what opening the file raises.
    """
    with open_pdf(path) as pdf:
        pages = pdf_pages.pages_of(pdf, options)
        if not 0 <= index < len(pages):
            raise PageUndecodable(f"the PDF has no page of index {index}")
        _, _, most = pdf_pages.raster_size(pages[index], options)
    try:
        # As a stream: pdfium's wrapper resolves a path, and in the jail a lent file has none but its number's.
        with path.open("rb") as stream, pypdfium2.PdfDocument(stream) as document:
            document.init_forms()
            drawn = document[index].render(scale=min(dpi, most) / 72, limit_image_cache=True)
            picture: Image.Image = drawn.to_pil()
    except pypdfium2.PdfiumError as error:
        raise PageUndecodable(f"the page can't be drawn: {error}") from error
    packed = io.BytesIO()
    picture.convert("L" if _is_grey(picture) else "RGB").save(packed, "JPEG", quality=JPEG_QUALITY, dpi=(dpi, dpi))
    return packed.getvalue()


def ready() -> None:
    """Be loaded before the forks that draw: in each of them it would cost a second."""
    gc.freeze()


def show_in_jail(path: str, index: int, dpi: int, options: dict[str, Any]) -> str:
    """Return the picture of a page as base64 of a JPEG: `shown_page` for a jail."""
    return base64.b64encode(shown_page(Path(path), index, dpi, ReadingOptions.from_json(options))).decode()


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in ("1", "L")
