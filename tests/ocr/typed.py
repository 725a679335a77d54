"""Typed pages of PDFs for tests: with text of their own, named rightly or wrongly, alone or beside a scan."""

import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import fpdf
import pikepdf
import scans
from PIL import Image

from ocr import conformance, images
from ocr.engines.port import OcrEngine
from ocr.native.read import read_native
from ocr.options import ReadingOptions
from ocr.page import PageText
from ocr.pdfa.build import build_rendition
from ocr.pdfa.rendition import Rendition

OPTIONS = ReadingOptions()

LINES = (
    "GIẤY PHÉP KHAI THÁC NƯỚC DƯỚI ĐẤT",
    "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015;",
    "Điều 1. Cho phép khai thác nước dưới đất tại xã Bến Tràm, lưu lượng 120 mét khối",
    "mỗi ngày, trong thời hạn năm năm kể từ ngày ký.",
    "Điều 2. Doanh nghiệp chịu trách nhiệm thực hiện đúng quy định của pháp luật.",
    "Điều 3. Quyết định này có hiệu lực kể từ ngày ký.",
)
TRUTH = " ".join(LINES)
A4 = (595.28, 841.89)

_MARKED = (
    "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĐĂÂÊÔƠƯ",
    "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ§¡¢£¤¥¦",
)
_TCVN3 = dict(zip(*_MARKED, strict=True))


def tcvn3(letter: str) -> str:
    """Return a letter as a TCVN3 font's page says it: the code's Latin-1 letter."""
    return _TCVN3.get(letter, _TCVN3.get(letter.lower(), letter))


def shifted(letter: str) -> str:
    """Return the next letter."""
    return chr(ord(letter) + 1) if letter != " " else letter


def typed(path: Path, lines: Sequence[str] = LINES, *, pages: int = 1) -> Path:
    """Write pages of typed lines, A4, the font embedded."""
    pdf = fpdf.FPDF(unit="pt", format="A4")
    pdf.add_font("Serif", fname=scans.FONT)
    pdf.set_font("Serif", size=13)
    pdf.set_auto_page_break(False)
    for _ in range(pages):
        pdf.add_page()
        for number, line in enumerate(lines):
            pdf.text(60, 90 + 24 * number, line)
    pdf.output(str(path))
    return path


def altered(path: Path, alter: Callable[[pikepdf.Pdf, pikepdf.Page], None]) -> Path:
    """Write a PDF again with its first page altered."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        alter(pdf, pdf.pages[0])
        pdf.save(path)
    return path


def named(letters: Callable[[str], str]) -> Callable[[pikepdf.Pdf, pikepdf.Page], None]:
    """Alter a page so that its fonts say other letters than they draw."""

    def alter(pdf: pikepdf.Pdf, _: pikepdf.Page) -> None:
        for font in _fonts(pdf):
            told = font.ToUnicode.read_bytes().decode("latin-1")
            font.ToUnicode.write(re.sub(r"(<[0-9A-Fa-f]+>\s*)<([0-9A-Fa-f]+)>(?=\s*\n)", renamed, told).encode())

    def renamed(found: re.Match[str]) -> str:
        said = bytes.fromhex(found[2]).decode("utf-16-be")
        return f"{found[1]}<{''.join(map(letters, said)).encode('utf-16-be').hex()}>"

    return alter


def unnamed(pdf: pikepdf.Pdf, _: pikepdf.Page) -> None:
    """Alter a page so that its fonts do not say which letters they draw."""
    for font in _fonts(pdf):
        del font.ToUnicode


def _fonts(pdf: pikepdf.Pdf) -> list[pikepdf.Dictionary]:
    return [found for found in pdf.objects if isinstance(found, pikepdf.Dictionary) and "/ToUnicode" in found]


def with_content(content: str, *, first: bool = False) -> Callable[[pikepdf.Pdf, pikepdf.Page], None]:
    """Alter a page: content before or after its own. `/F0` is a font with the letters of ASCII."""

    def alter(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.resources.Font.F0 = font
        if not first:
            page.contents_add(pikepdf.Stream(pdf, b"q"), prepend=True)
        page.contents_add(pikepdf.Stream(pdf, f"\n{'' if first else 'Q '}{content}\n".encode()), prepend=first)

    return alter


def turned(turns: int, rotate: int) -> Callable[[pikepdf.Pdf, pikepdf.Page], None]:
    """Alter a page: its content lies on its side, so many clockwise quarter turns short of upright."""

    def alter(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        width, height = A4
        matrix = {0: "1 0 0 1 0 0", 1: f"0 1 -1 0 {height} 0", 2: f"-1 0 0 -1 {width} {height}"}
        matrix[3] = f"0 -1 1 0 0 {width}"
        page.contents_add(pikepdf.Stream(pdf, f"{matrix[turns]} cm\n".encode()), prepend=True)
        page.obj.MediaBox = pikepdf.Array([0, 0, *(A4 if turns % 2 == 0 else A4[::-1])])
        page.obj.Rotate = rotate

    return alter


def with_picture(
    picture: Image.Image, place: tuple[float, float, float, float]
) -> Callable[[pikepdf.Pdf, pikepdf.Page], None]:
    """Alter a page: a picture at (x, y, width, height) in points, painted last."""

    def alter(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=90)
        stream = pikepdf.Stream(pdf, packed.getvalue())
        stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        stream.Width, stream.Height = picture.size
        stream.ColorSpace = pikepdf.Name.DeviceGray if picture.mode == "L" else pikepdf.Name.DeviceRGB
        stream.BitsPerComponent, stream.Filter = 8, pikepdf.Name.DCTDecode
        if "/XObject" not in page.resources:
            page.resources.XObject = pikepdf.Dictionary()
        page.resources.XObject.Picture = stream
        x, y, width, height = place
        page.contents_add(pikepdf.Stream(pdf, b"q"), prepend=True)
        page.contents_add(pikepdf.Stream(pdf, f"\nQ q {width} 0 0 {height} {x} {y} cm /Picture Do Q\n".encode()))

    return alter


def built(received: Path, out: Path, engine: OcrEngine) -> tuple[Rendition, list[PageText]]:
    """Read every page and build the rendition of what was read."""
    probe = images.probe(received, OPTIONS)
    texts = [
        read_native(received, one, images.load(received, one.index, OPTIONS), engine, OPTIONS).page
        for one in probe.captures
    ]
    return rendered(received, out, texts), texts


def rendered(received: Path, out: Path, texts: list[PageText | None] | list[PageText]) -> Rendition:
    made = build_rendition(
        received,
        images.probe(received, OPTIONS),
        texts,
        out,
        title="Tài liệu 0000001",
        made_at=datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC),
        document_id="SOHOA-1",
        mark_sizes=((180.0, 25.0), (190.0, 50.0)),
        options=OPTIONS,
    )
    assert conformance.check(out).holds
    return made
