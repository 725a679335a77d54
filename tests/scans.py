"""Scans for tests: small pages with Vietnamese text in every format, the bad ones intake must tell apart, and
recorded readings of them, so that whole journeys run without the engine."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pikepdf
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

from ocr import images
from ocr.engines.port import PreparedPage, RawBlock, RawLine, RawReading, RawWord
from ocr.engines.replay import record
from ocr.options import ReadingOptions
from ocr.page import Box

FONT = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"
DPI = 150
SIZE = (620, 877)  # half of A4 at 150 dpi: quick to read, large enough for the words below
LINES = ("Số: 15/GP-STNMT", "GIẤY PHÉP", "Điều 1. Cấp phép khai thác nước dưới đất", "Điều 2. Thời hạn 5 năm")


def page(lines: Sequence[str] = LINES, *, mark: str = "", size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw a grey page; mark: small print at the foot that makes each page's bytes its own."""
    drawn = Image.new("L", size, 255)
    pen = ImageDraw.Draw(drawn)
    font = ImageFont.truetype(FONT, 26)
    for number, line in enumerate(lines):
        pen.text((40, 60 + 48 * number), line, font=font, fill=0)
    pen.text((40, size[1] - 60), mark, font=ImageFont.truetype(FONT, 16), fill=0)
    return drawn


def blank(*, shade: int = 250) -> Image.Image:
    """An empty back."""
    return Image.new("L", SIZE, shade)


def save(image: Image.Image, path: Path) -> Path:
    """Write one page in the format of the name: .jpg, .jp2, .png, .tif (group 4) or .pdf (one JPEG a page)."""
    return save_all([image], path)


def save_all(pages: Sequence[Image.Image], path: Path) -> Path:
    """Write pages as one file: PDF or TIFF for more than one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, rest = pages[0], pages[1:]
    kind = path.suffix.lower()
    if kind == ".pdf":
        _save_pdf(pages, path)
    elif kind in (".tif", ".tiff"):
        # By a threshold, as scanners do it: dithering is a photograph's.
        first, *rest = [p.convert("L").point(lambda v: 255 * (v > 128)).convert("1") for p in pages]
        first.save(path, save_all=True, append_images=rest, compression="group4", dpi=(DPI, DPI))
    elif kind == ".jp2":
        first.save(path)
        path.write_bytes(_with_resolution(path.read_bytes()))
    else:
        first.save(path, dpi=(DPI, DPI))
    return path


def _with_resolution(jp2: bytes) -> bytes:
    """Put the resolution of capture, which Pillow reads but does not write, into a JP2's header."""
    at = jp2.index(b"jp2h") - 4
    length = int.from_bytes(jp2[at : at + 4])
    metre = round(DPI / 0.0254)
    box = struct.pack(">I4sI4sHHHHBB", 26, b"res ", 18, b"resc", metre, 1, metre, 1, 0, 0)
    return jp2[:at] + (length + len(box)).to_bytes(4) + jp2[at + 4 : at + length] + box + jp2[at + length :]


def _save_pdf(pages: Sequence[Image.Image], path: Path) -> None:
    pdf = pikepdf.new()
    for image in pages:
        packed = io.BytesIO()
        image.save(packed, "JPEG", quality=80)
        width, height = image.size
        stream = pikepdf.Stream(pdf, packed.getvalue())
        for key, value in {
            "/Type": pikepdf.Name.XObject,
            "/Subtype": pikepdf.Name.Image,
            "/Width": width,
            "/Height": height,
            "/ColorSpace": pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB,
            "/BitsPerComponent": 8,
            "/Filter": pikepdf.Name.DCTDecode,
        }.items():
            stream[key] = value
        w_pt, h_pt = width / DPI * 72, height / DPI * 72
        sheet = pdf.add_blank_page(page_size=(w_pt, h_pt))
        sheet.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=stream))
        sheet.obj.Contents = pikepdf.Stream(pdf, f"q {w_pt:.3f} 0 0 {h_pt:.3f} 0 0 cm /Im0 Do Q".encode())
    pdf.save(path, deterministic_id=True)


def remember(path: Path, folder: Path, pages: Sequence[Sequence[str]]) -> list[str]:
    """Record what the replay engine shall read on each page of a file; return the images' digests."""
    digests = []
    probe = images.probe(path, ReadingOptions())
    for capture, lines in zip(probe.captures, pages, strict=True):
        grey = np.full((capture.height_px, capture.width_px), 255, np.uint8)
        record(folder, PreparedPage(grey, capture.dpi, capture.sha256), reading_of(lines))
        digests.append(capture.sha256)
    return digests


def reading_of(lines: Sequence[str]) -> RawReading:
    """Words laid out as `page` draws them, about."""
    placed = []
    for number, line in enumerate(lines):
        x, y = 40, 60 + 48 * number
        words = []
        for word in line.split():
            words.append(RawWord(word, 0.95, Box(x, y, 13 * len(word), 26)))
            x += 13 * len(word) + 8
        placed.append(RawLine(tuple(words), Box(40, y, x - 40, 26)))
    if not placed:
        return RawReading(())
    return RawReading((RawBlock("text", tuple(placed), Box(40, 60, 540, 48 * len(placed))),))


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pdf_claiming_pages(count: int) -> bytes:
    """A PDF of one page whose page tree claims any number; by hand, for libraries put the number right."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % count,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    body, offsets = b"%PDF-1.7\n", []
    for number, found in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, found)
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return body + table + b"trailer << /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)


def encrypted(source: Path, path: Path, *, user: str = "", owner: str = "chủ") -> Path:
    """Write a PDF again with a user's or only an owner's password."""
    with pikepdf.open(source) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user=user, owner=owner))
    return path


def red_stamp(image: Image.Image, text: str, at: tuple[int, int] = (60, 20), *, tilt: float = 2.0) -> Image.Image:
    """Lay a framed red stamp on a page, as an office's rubber stamp does."""
    return stamped(image, (text,), at, tilt=tilt, ink=(205, 30, 40))


def stamped(
    image: Image.Image,
    lines: Sequence[str],
    at: tuple[int, int],
    *,
    ink: tuple[int, int, int],
    tilt: float = 2.0,
    framed: bool = True,
) -> Image.Image:
    """Strike a rubber stamp of some lines on a page; where it lies on black print, that stays black."""
    font = ImageFont.truetype(FONT.replace("Regular", "Bold"), 34)
    size = int(max(font.getlength(line) for line in lines)) + 28, 48 * len(lines) + 8
    stamp = Image.new("L", size, 0)
    pen = ImageDraw.Draw(stamp)
    if framed:
        pen.rectangle((2, 2, size[0] - 3, size[1] - 3), outline=255, width=3)
    for number, line in enumerate(lines):
        pen.text((14, 8 + 48 * number), line, font=font, fill=255)
    stamp = stamp.rotate(tilt, expand=True, resample=Image.Resampling.BICUBIC)
    struck = Image.new("RGB", image.size, "white")
    struck.paste(ink, at, stamp)
    return ImageChops.multiply(image.convert("RGB"), struck)


def turned(image: Image.Image) -> Image.Image:
    """Lay a page on its side, a quarter turn clockwise."""
    return ImageOps.exif_transpose(image).transpose(Image.Transpose.ROTATE_270)


def noisy(image: Image.Image, *, seed: int) -> Image.Image:
    """The page under grain, which hardly compresses: equal seeds give equal pages."""
    grain = np.random.default_rng(seed).integers(0, 256, (image.height, image.width), dtype=np.uint8)
    return Image.blend(image.convert("L"), Image.fromarray(grain), 0.5)
