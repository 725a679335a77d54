"""What is drawn over a scan (a portal's banner, a stamp, a note), as one picture with a soft mask.

A signed or stamped scan keeps what its reader saw, without fields, scripts or fonts that PDF/A forbids. The page
is drawn twice, its scan all white and then all black: where the two differ nothing lies over the scan.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pikepdf
import pypdfium2

from ocr.errors import PageUndecodable
from ocr.options import ReadingOptions
from ocr.page import Box
from ocr.pdf_content import content_of, crop_box, user_unit, xobjects_of
from ocr.pdf_pages import PageImage, page_image, raster_size
from ocr.pdfa.frame import PageFrame, Rect
from ocr.pdfa.places import ink_boxes
from ocr.pixels import Pixels

PAINTING = "S s f F f* B B* b b* sh Do"
FAINTEST = 8  # alpha below it is the rounding of two drawings
PAGE_KEYS = {"/Type", "/Contents", "/Resources", "/MediaBox", "/Annots"}
FIELD_KEYS = {"/FT", "/T", "/V", "/DV", "/Parent", "/Kids", "/AA", "/A", "/MK", "/DR", "/Lock", "/SV"}
UNSEEN = {"/Popup", "/Link"}  # annotations that show nothing of their own over a scan


@dataclass(frozen=True, slots=True)
class Overlay:
    """A picture over a scan. rect: where it lies in the frame's user space. taken: what it really covers."""

    pixels: Pixels
    alpha: Pixels
    rect: Rect
    taken: tuple[Rect, ...]


def annotations_of(page: pikepdf.Page) -> list[Any]:
    """Return the annotations that show something of their own."""
    found: Any = page.obj.get("/Annots", [])
    if not isinstance(found, pikepdf.Array):
        return []
    return [
        a for a in list(found) if isinstance(a, pikepdf.Dictionary) and str(a.get("/Subtype", "")) not in UNSEEN
    ]


def loses_annotations(page: pikepdf.Page) -> bool:
    """Whether a page has annotations that state no appearance: how a reader showed them can't be kept."""
    return any("/AP" not in a and a.get("/Subtype") != "/Widget" for a in annotations_of(page))


def unhook_fields(page: pikepdf.Page) -> None:
    """Turn a page's form fields into plain annotations that show the same and belong to no form."""
    for annotation in annotations_of(page):
        if annotation.get("/Subtype") == "/Widget":
            annotation.Subtype = pikepdf.Name.Stamp
            for key in FIELD_KEYS & set(annotation.keys()):
                del annotation[key]


def may_have_overlay(page: pikepdf.Page) -> bool:
    """Whether anything but its scan may be seen on a page; sure only when the answer is no."""
    if any("/AP" in annotation for annotation in annotations_of(page)):
        return True
    content = content_of(page)
    if content.texts or content.inline_images or len(content.images) != 1:
        return True
    painting = [str(step.operator) for step in pikepdf.parse_content_stream(page, PAINTING)]
    return painting != ["Do"] or any(
        isinstance(form, pikepdf.Stream) and form.get("/Subtype") == "/Form" for form in xobjects_of(page)
    )


def overlay_of(page: pikepdf.Page, found: PageImage, frame: PageFrame, options: ReadingOptions) -> Overlay | None:
    """Return what is drawn over a page's scan, or None. Raises PageUndecodable."""
    _, _, dpi = raster_size(page, options)
    white, black = (_drawn(page, level, dpi).astype(np.int16) for level in (255, 0))
    alpha = np.clip(255 - (white - black).mean(axis=2), 0, 255)
    alpha[alpha < FAINTEST] = 0
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        return None
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    opacity = alpha[cut]
    # The black drawing shows the overlay's colours times their opacity.
    colours = black[cut] * (255.0 / np.maximum(opacity, 1.0))[..., None]
    colours[opacity == 0] = 255
    boxes = ink_boxes((255 - opacity).astype(np.uint8), below=255 - FAINTEST + 1)
    size = (alpha.shape[1], alpha.shape[0])
    x, y = int(columns[0]), int(rows[0])

    def placed(box: Box) -> Rect:
        edges = (x + box.x, y + box.y, x + box.x + box.width, y + box.y + box.height)
        return _rect_of(page, found, frame, size, edges)

    return Overlay(
        np.clip(colours + 0.5, 0, 255).astype(np.uint8),
        (opacity + 0.5).astype(np.uint8),
        placed(Box(0, 0, opacity.shape[1], opacity.shape[0])),
        tuple(placed(box) for box in boxes),
    )


def _rect_of(
    page: pikepdf.Page,
    found: PageImage,
    frame: PageFrame,
    size_px: tuple[int, int],
    drawn: tuple[int, int, int, int],
) -> Rect:
    """Return where a rectangle of a drawing of the crop box lies in the frame's user space."""
    scale, origin_x, origin_y = frame.moved_from(page, found)
    left, bottom, right, top = crop_box(page)
    across, down = (right - left) / size_px[0], (top - bottom) / size_px[1]
    x0, y0, x1, y1 = drawn
    return (
        (left + x0 * across) * scale + origin_x,
        (top - y1 * down) * scale + origin_y,
        (left + x1 * across) * scale + origin_x,
        (top - y0 * down) * scale + origin_y,
    )


def _drawn(page: pikepdf.Page, level: int, dpi: float) -> Pixels:
    """Draw a page with its annotations, its scan and the paper around it all of one grey level."""
    alone = pikepdf.new()
    alone.pages.append(page)
    copy = alone.pages[0]
    unit = user_unit(page)
    box = pikepdf.Array([round(edge, 4) for edge in crop_box(page)])
    resources = copy.resources
    for key in set(copy.obj.keys()) - PAGE_KEYS:
        del copy.obj[key]
    copy.obj.MediaBox, copy.obj.Resources = box, resources
    unhook_fields(copy)
    found = page_image(copy)
    if found is None:
        raise PageUndecodable("the page's scan can't be told from what lies over it")
    image = found.image
    for key in set(image.keys()) - {"/Type", "/Subtype", "/Length"}:
        del image[key]
    image.Width, image.Height, image.BitsPerComponent = 1, 1, 8
    image.ColorSpace = pikepdf.Name.DeviceGray
    image.write(bytes([level]))
    packed = io.BytesIO()
    alone.save(packed)
    try:
        with pypdfium2.PdfDocument(packed.getvalue()) as document:
            bitmap = document[0].render(
                scale=dpi * unit / 72,
                fill_color=(level, level, level, 255),
                may_draw_forms=False,
                draw_annots=True,
                rev_byteorder=True,
            )
            drawn: Pixels = np.array(bitmap.to_numpy())
    except pypdfium2.PdfiumError as error:
        raise PageUndecodable(f"what lies over the scan can't be drawn: {error}") from error
    if drawn.ndim == 2 or drawn.shape[2] == 1:
        return np.repeat(drawn.reshape(*drawn.shape[:2], 1), 3, axis=2)
    return drawn[..., :3]
