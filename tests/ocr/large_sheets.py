"""A map on a sheet of A0 at 200 dpi: areas, contour lines, small labels; as JPEG in a PDF and as GeoTIFF."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pikepdf
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

FONT = "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf"
DPI = 200
SIZE = (9362, 6622)
TITLE = "BẢN ĐỒ ĐỊA CHÍNH XÃ HÒA BÌNH"
# Small print as maps have it: 2.5 mm from the top of a capital letter with its tone to the foot, about 9 point.
LABEL_PX, TITLE_PX = 27, 150
NAMES = ("Thôn Đông", "Thôn Tây", "Suối Bạc", "Đồi Chè", "Hồ Sen", "Xóm Mới", "Cầu Ngói", "Chùa Hà", "Ruộng Đình")
MODEL_PIXEL_SCALE, MODEL_TIEPOINT, GEO_KEYS = 33550, 33922, 34735
SCALE, TIEPOINT = (0.5, 0.5, 0.0), (0.0, 0.0, 0.0, 584000.0, 2325000.0, 0.0)
KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 3405)  # projected, VN-2000 / UTM zone 48N


def labels(size: tuple[int, int] = SIZE) -> list[tuple[str, tuple[int, int]]]:
    """Return every label of the map with its place, left and top in pixels."""
    across, down = 6, 5
    return [
        (f"{NAMES[n % len(NAMES)]} {n + 11}", (size[0] // across * (n % across) + 500, 1150 + n // across * 1050))
        for n in range(across * down)
    ]


def drawn(size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw the map in colour: tinted parcels, contour lines, a river, labels on the ground they name."""
    image = Image.new("RGB", size, (252, 250, 244))
    pen = ImageDraw.Draw(image)
    width, height = size
    for n in range(24):
        x, y = 300 + (n % 6) * width // 6, 900 + n // 6 * height // 5
        pen.rectangle((x, y, x + width // 9, y + height // 8), fill=(226 + n, 238 - n, 214), outline=(90, 110, 80))
    for n in range(14):
        points = [
            (x, 700 + n * 420 + round(140 * math.sin(x / 700 + n) + 50 * math.sin(x / 171)))
            for x in range(100, width - 100, 20)
        ]
        pen.line(points, fill=(176, 120, 70) if n != 6 else (60, 120, 200), width=3 if n != 6 else 14)
    pen.rectangle((60, 60, width - 60, height - 60), outline=(20, 20, 20), width=8)
    pen.text((width // 4, 200), TITLE, font=ImageFont.truetype(FONT, TITLE_PX), fill=(15, 15, 15))
    font = ImageFont.truetype(FONT, LABEL_PX)
    for text, place in labels(size):
        box = pen.textbbox(place, text, font=font)
        pen.rectangle((box[0] - 10, box[1] - 6, box[2] + 10, box[3] + 6), fill=(252, 250, 244))
        pen.text(place, text, font=font, fill=(20, 20, 20))
    return image


def folded(image: Image.Image) -> Image.Image:
    """The sheet as it lies after years in a folder: the shadow of two folds down and of one across."""
    pixels = np.asarray(image).astype(np.int16)
    height, width = pixels.shape[:2]
    shadow = (45 * np.cos(np.linspace(-1.5, 1.5, 24))).astype(np.int16)
    for x in (width // 3, 2 * width // 3):
        pixels[:, x - 12 : x + 12] -= shadow[None, :, None]
    pixels[height // 2 - 12 : height // 2 + 12] -= shadow[:, None, None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def jpeg_of(image: Image.Image) -> bytes:
    """The map as a scanner's JPEG."""
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=85)
    return packed.getvalue()


def pdf_of(jpeg: bytes, path: Path, size: tuple[int, int] = SIZE) -> Path:
    """A PDF of one A0 page that is this JPEG."""
    with pikepdf.new() as pdf:
        width, height = (side / DPI * 72 for side in size)
        image = pikepdf.Stream(pdf, jpeg, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
        image.Width, image.Height = size
        image.ColorSpace, image.BitsPerComponent = pikepdf.Name.DeviceRGB, 8
        image.Filter = pikepdf.Name.DCTDecode
        page = pdf.add_blank_page(page_size=(width, height))
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=pdf.make_indirect(image)))
        page.obj.Contents = pikepdf.Stream(pdf, f"q {width} 0 0 {height} 0 0 cm /I Do Q".encode())
        pdf.save(path, deterministic_id=True)
    return path


def geotiff_of(image: Image.Image, path: Path, *, compression: str = "tiff_lzw") -> Path:
    """A GeoTIFF: an ordinary TIFF with the three tags that place it on the ground."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, values, kind in (
        (MODEL_PIXEL_SCALE, SCALE, 12),
        (MODEL_TIEPOINT, TIEPOINT, 12),
        (GEO_KEYS, KEYS, 3),
    ):
        tags[tag] = values
        tags.tagtype[tag] = kind
    image.save(path, "TIFF", compression=compression, dpi=(DPI, DPI), tiffinfo=tags)
    return path


def geo_tags(path: Path) -> dict[int, tuple[float, ...]]:
    """Return the tags of a TIFF that place it on the ground."""
    with Image.open(path) as image:
        found = image.tag_v2  # type: ignore[attr-defined] # a TIFF image's own attribute
        return {tag: tuple(found[tag]) for tag in (MODEL_PIXEL_SCALE, MODEL_TIEPOINT, GEO_KEYS) if tag in found}


def found_labels(text: str, size: tuple[int, int] = SIZE) -> Sequence[str]:
    """Return the labels of the map that a text has, word for word."""
    words = " ".join(text.split())
    return [label for label, _ in labels(size) if label in words]


def same_pixels(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    """Whether two large images are equal, compared in stripes so that no third one is made."""
    return one.shape == other.shape and all(
        np.array_equal(one[row : row + 512], other[row : row + 512]) for row in range(0, one.shape[0], 512)
    )
