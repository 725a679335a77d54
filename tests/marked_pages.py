"""Pages of every form for the marks of copies: drawn with known words, built into renditions, signed as copies."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from packages import UNIT, record_package
from PIL import Image, ImageDraw, ImageFont
from scans import FONT, save_all

from archive.pades.font import find_font
from archive.pades.room import room_for_marks
from archive.pades.stamp import agency_mark, digitizer_mark
from archive.record import ContentPackage
from archive.sealing import Seal
from archive.signers.demo import DemoAuthority, make_demo_authority
from ocr.images import probe
from ocr.options import ReadingOptions
from ocr.page import Block, Box, Line, PageText, Word
from ocr.pdfa.build import build_rendition
from ocr.pdfa.rendition import Rendition
from search_api.copies.stamp import CopyMark

DPI = 150
A4, A5 = (1240, 1754), (874, 1240)
SERIAL = "k5x2q7abcdefghijklmnop2345"
ROLE = f"copies:{UNIT.id}"
HEADING = ("ỦY BAN NHÂN DÂN TỈNH     CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Số: 15/GP-STNMT", "GIẤY PHÉP")
BODY = ("Điều 1. Cấp phép khai thác nước dưới đất", "Điều 2. Thời hạn của giấy phép là 5 năm")


@dataclass(frozen=True)
class Sheet:
    """How a page lies. start: pixels above its first line. turns: clockwise, to stand upright. rows: of text."""

    size: tuple[int, int] = A4
    start: int = 120
    turns: int = 0
    rows: int = 12
    pages: int = 1
    stamp: bool = False


SHEETS = {
    "portrait": Sheet(),
    "room enough": Sheet(start=420),
    "landscape": Sheet(size=(1754, 1240)),
    "lying right": Sheet(turns=1),
    "upside down": Sheet(turns=2),
    "lying left": Sheet(turns=3),
    "A5": Sheet(size=A5, rows=8),
    "dense": Sheet(start=4, rows=40),
    "stamped on top": Sheet(start=420, stamp=True),
    "six pages": Sheet(pages=6),
}


def drawn(sheet: Sheet) -> tuple[Image.Image, PageText]:
    """Draw one page and say what stands on it, both as a scanner would have stored them."""
    upright = Image.new("L", sheet.size, 245)
    pen, font = ImageDraw.Draw(upright), ImageFont.truetype(FONT, 26)
    lines = []
    for row in range(sheet.rows):
        text = HEADING[row] if row < len(HEADING) else BODY[row % 2]
        words, x, y = [], 40, sheet.start + 40 * row
        for word in text.split():
            pen.text((x, y), word, font=font, fill=10)
            left, top, right, bottom = map(round, pen.textbbox((x, y), word, font=font))
            words.append(_placed(word, Box(left, top, right - left, bottom - top), sheet))
            x = right + 12
        lines.append(Line(tuple(words), words[0].box))
    if sheet.stamp:  # no word is known of it
        pen.ellipse((60, 90, 260, 290), outline=60, width=6)
    ways = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    way = ways[sheet.turns]
    stored = upright.transpose(way) if way is not None else upright
    block = Block("text", tuple(lines), lines[0].box)
    return stored, PageText(stored.width, stored.height, DPI, sheet.turns, 0.0, (block,))


def _placed(text: str, box: Box, sheet: Sheet) -> Word:
    x, y, w, h = box.x, box.y, box.width, box.height
    wide, high = sheet.size
    stored = (
        box,
        Box(y, wide - x - w, h, w),
        Box(wide - x - w, high - y - h, w, h),
        Box(high - y - h, x, h, w),
    )[sheet.turns]
    return Word(text, text, 0.95, stored)


def built(sheet: Sheet, folder: Path, *, made_at: datetime) -> tuple[Path, Rendition]:
    """Return the rendition of a sheet, with room kept as at the taking in of a record."""
    image, text = drawn(sheet)
    received = save_all([image] * sheet.pages, folder / "received.pdf")
    options = ReadingOptions()
    rendition = build_rendition(
        received,
        probe(received, options),
        [text] * sheet.pages,
        folder / "rendition.pdf",
        title="Tài liệu 0000017",
        made_at=made_at,
        document_id="SOHOA-17",
        mark_sizes=_sizes(made_at),
        options=options,
    )
    return folder / "rendition.pdf", rendition


def _sizes(at: datetime) -> tuple[tuple[float, float], tuple[float, float]]:
    name = "Nguyễn Thị Bích Phương"
    return room_for_marks(
        digitizer_mark("digitizer:an", name=name, scanned_at=at),
        agency_mark(ROLE, agency_name=UNIT.name, signed_at=at, converter=name),
        agency_name=UNIT.name,
        archive_number="TN01.2019.000.00.19.0000017",
        signed_at=at,
        demo=(True, True),
        font=find_font(),
    )


def content_of(rendition: Rendition, folder: Path) -> ContentPackage:
    """Return a package's content that says of a rendition what a real one does."""
    content = record_package(Seal.create(folder / "sealing.json"), folder).content
    return replace(content, derivation={**content.derivation, "rendition": rendition.describe()})


def copy_mark_of(content: ContentPackage, *, serial: str = SERIAL, number_text: str = "01/2026") -> CopyMark:
    """Return the mark of a copy of a record; the QR leads to a public page."""
    return CopyMark(
        kind="original-book-copy",
        agency_id=UNIT.id,
        agency_name=UNIT.name,
        number_text=number_text,
        book=1,
        archive_number=content.archive_number,
        serial=serial,
        url=f"https://xacminh.gola.example.vn/v/{serial}",
    )


def copies_authority(folder: Path, *, now: datetime) -> DemoAuthority:
    """Make a demonstration authority with the key that signs copies."""
    authority = make_demo_authority(folder, now=now, agency_name=UNIT.name)
    authority.ensure_role(ROLE, UNIT.name, now=now)
    return authority
