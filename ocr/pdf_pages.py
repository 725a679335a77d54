"""What the pages of a PDF are made of: one scanned image, text of their own, or something else.

Decided from what each page's content stream paints, per page: a portal's stamp or banner over a scan, a
hidden text layer of an earlier reading and annotations make no page "born digital".
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf

from ocr.errors import TooManyPages, TooManyPixels, Truncated
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, Colour
from ocr.pdf_content import (
    SCAN_COVER,
    Content,
    Matrix,
    content_of,
    crop_box,
    resources_of,
    share_of,
    user_unit,
    xobjects_of,
)
from ocr.pictures import check_pixels

TREE_DEPTH = 64
STAMP_COVER = 0.15  # text or small images below this share of the page are a stamp or a banner
STAMP_BYTES = 400  # so is text of fewer bytes, wherever it stands: the Government's signature banner has 146
SQUEEZED = 4.0  # a larger ratio between the resolutions across and down is no scanner's; a coarse fax has 2.1
ALIGNED = 0.01  # tangent of the largest tilt that still counts as a quarter turn


@dataclass(frozen=True, slots=True)
class PageImage:
    """The one image a page consists of. turn_hint: clockwise quarter turns the page gives it."""

    image: pikepdf.Object
    matrix: Matrix
    dpi_x: float
    dpi_y: float
    turn_hint: int


def pages_of(pdf: pikepdf.Pdf, options: ReadingOptions) -> list[pikepdf.Page]:
    """Return the pages, having counted no further than the limit. Raises TooManyPages or Truncated."""
    root = pdf.Root.get("/Pages")
    if not isinstance(root, pikepdf.Dictionary):
        raise Truncated("the PDF has no page tree")
    claimed = root.get("/Count", 0)
    if isinstance(claimed, int) and claimed > options.page_limit:
        raise TooManyPages(f"the PDF claims {claimed} pages, the limit is {options.page_limit}")
    pages: list[pikepdf.Page] = []
    for leaf in _leaves(root, options, depth=0, seen=set()):
        pages.append(pikepdf.Page(leaf))
        if len(pages) > options.page_limit:
            raise TooManyPages(f"the PDF has more than {options.page_limit} pages")
    if not pages:
        raise Truncated("the PDF has no page")
    return pages


def _leaves(
    node: pikepdf.Object, options: ReadingOptions, *, depth: int, seen: set[tuple[int, int]]
) -> Iterator[pikepdf.Object]:
    if depth > TREE_DEPTH or (node.is_indirect and node.objgen in seen):
        raise Truncated("the PDF's page tree is too deep or comes back to itself")
    seen.add(node.objgen)
    kids: Any = node.get("/Kids", [])
    if len(kids) > 2 * options.page_limit:
        raise TooManyPages(f"the PDF has more than {options.page_limit} pages")
    for kid in kids:
        if not isinstance(kid, pikepdf.Dictionary) or isinstance(kid, pikepdf.Stream):
            raise Truncated("a page of the PDF is missing")
        if "/Kids" in kid:
            # A copy of the path's nodes, for one page may lawfully stand in the tree twice.
            yield from _leaves(kid, options, depth=depth + 1, seen=set(seen))
        else:
            yield kid


def probe_page(page: pikepdf.Page, index: int, options: ReadingOptions) -> CaptureProbe:
    """Return the facts of one page. Raises TooManyPixels; sizes only, no image is decoded."""
    content = content_of(page)
    _check_images(page, options)
    cover = sum(share_of(page, painted.matrix) for painted in content.images)
    native = not content.examined or _has_native_text(page, content, scan_cover=cover)
    found = None if native else _single(page, content)
    if found is None:
        width, height, dpi = raster_size(page, options)
        colour: Colour = "colour"
        if not native and content.images:
            colours = {colour_of(painted.image) for painted in content.images}
            colour = "colour" if "colour" in colours else "grey"
        return CaptureProbe(index, width, height, dpi, colour, _digest_of_page(page), False, native)
    return CaptureProbe(
        index,
        int(found.image.Width),
        int(found.image.Height),
        found.dpi_x,
        colour_of(found.image),
        hashlib.sha256(found.image.read_raw_bytes()).hexdigest(),
    )


def page_image(page: pikepdf.Page) -> PageImage | None:
    """Return the one image a page consists of, or None: then the page is to be rasterised."""
    content = content_of(page)
    cover = sum(share_of(page, painted.matrix) for painted in content.images)
    if not content.examined or _has_native_text(page, content, scan_cover=cover):
        return None
    return _single(page, content)


def turns_of(page: pikepdf.Page) -> int:
    """Return the page's own clockwise quarter turns (its /Rotate, which may be inherited)."""
    turned = page.rotation if hasattr(page, "rotation") else page.obj.get("/Rotate", 0)
    return (int(turned) // 90) % 4


def raster_size(page: pikepdf.Page, options: ReadingOptions) -> tuple[int, int, float]:
    """Return (width, height, dpi) of the raster of an unturned crop box."""
    left, bottom, right, top = crop_box(page)
    unit = user_unit(page)
    width_in, height_in = (right - left) * unit / 72, (top - bottom) * unit / 72
    dpi = options.raster_dpi
    if width_in * height_in * dpi * dpi > options.raster_pixel_limit:
        dpi = math.sqrt(options.raster_pixel_limit / (width_in * height_in))
    return max(1, math.ceil(width_in * dpi)), max(1, math.ceil(height_in * dpi)), dpi


def colour_of(image: pikepdf.Object) -> Colour:
    """Return bitonal, grey or colour from an image's dictionary alone."""
    if image.get("/ImageMask", False) or int(image.get("/BitsPerComponent", 8)) == 1:
        return "bitonal"
    space = image.get("/ColorSpace")
    if isinstance(space, pikepdf.Array) and len(space) > 1:
        if space[0] == "/ICCBased":
            return "grey" if int(space[1].get("/N", 3)) == 1 else "colour"
        return "grey" if space[0] == "/CalGray" else "colour"
    return "grey" if space == "/DeviceGray" else "colour"


def _has_native_text(page: pikepdf.Page, content: Content, *, scan_cover: float) -> bool:
    if not content.texts:
        return False
    if scan_cover < SCAN_COVER:
        return True
    if sum(text[0] for text in content.texts) <= STAMP_BYTES:
        return False
    left = min(x for _, x, _, _, _ in content.texts)
    bottom = min(y for _, _, y, _, _ in content.texts)
    right = max(x + width for _, x, _, width, _ in content.texts)
    top = max(y + height for _, _, y, _, height in content.texts)
    return share_of(page, (right - left, 0.0, 0.0, top - bottom, left, bottom)) > STAMP_COVER


def _single(page: pikepdf.Page, content: Content) -> PageImage | None:
    """Return the scan when exactly one image covers the page, straight, unmasked, and the rest is small."""
    large = [p for p in content.images if share_of(page, p.matrix) >= SCAN_COVER]
    small = sum(share_of(page, p.matrix) for p in content.images) - sum(share_of(page, p.matrix) for p in large)
    if len(large) != 1 or small > STAMP_COVER:
        return None
    image, (a, b, c, d, _, _) = large[0].image, large[0].matrix
    if any(key in image for key in ("/SMask", "/Mask")) or a * d - b * c <= 0:
        return None
    if min(int(image.get("/Width", 0)), int(image.get("/Height", 0))) < 1:
        return None
    if image.get("/ImageMask", False) and not large[0].black:
        return None
    upright = max(abs(b), abs(c)) <= ALIGNED * min(abs(a), abs(d))
    turned = max(abs(a), abs(d)) <= ALIGNED * min(abs(b), abs(c))
    if not (upright or turned):
        return None
    unit = user_unit(page)
    dpi_x = int(image.Width) / (math.hypot(a, b) * unit) * 72
    dpi_y = int(image.Height) / (math.hypot(c, d) * unit) * 72
    if max(dpi_x, dpi_y) > SQUEEZED * min(dpi_x, dpi_y):
        return None  # brought to square pixels as it lies it would be vast: it is drawn as the page shows it
    counter_clockwise = round(math.degrees(math.atan2(b, a)) / 90)
    return PageImage(image, large[0].matrix, dpi_x, dpi_y, (turns_of(page) - counter_clockwise) % 4)


def _check_images(page: pikepdf.Page, options: ReadingOptions) -> None:
    """Check every image in the page's resources, painted or not, by what its dictionary claims."""
    for image in xobjects_of(page):
        if isinstance(image, pikepdf.Stream) and image.get("/Subtype") == "/Image":
            try:
                width, height = int(image.get("/Width", 0)), int(image.get("/Height", 0))
            except (TypeError, ValueError, OverflowError) as error:
                raise TooManyPixels("an image does not say its size in numbers") from error
            check_pixels(width, height, options)


def _digest_of_page(page: pikepdf.Page) -> str:
    """Digest a page's content and resources: dictionaries as written, streams as they lie in the file."""
    digest = hashlib.sha256()
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [page.obj.get("/Contents"), resources_of(page)]
    while waiting and len(seen) < 10_000:
        found = waiting.pop()
        if not isinstance(found, pikepdf.Object):
            digest.update(repr(found).encode())
            continue
        if found.is_indirect:
            if found.objgen in seen:
                continue
            seen.add(found.objgen)
        if isinstance(found, pikepdf.Stream):
            digest.update(found.read_raw_bytes())
        if isinstance(found, (pikepdf.Dictionary, pikepdf.Stream)):
            # As pairs: a name may be any bytes, and one that is no text can't be asked for.
            for key, value in sorted(found.items(), key=lambda pair: pair[0]):
                if key != "/Parent":
                    digest.update(key.encode("utf-8", "surrogateescape"))
                    waiting.append(value)
        elif isinstance(found, pikepdf.Array):
            waiting += list(found)
        else:
            digest.update(found.unparse())
    return digest.hexdigest()
