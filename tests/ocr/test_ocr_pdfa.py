"""Every kind of received file becomes a valid, searchable PDF/A-2b whose pixels are those of the scan."""

import hashlib
import io
import json
import re
import struct
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fpdf
import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageDraw

from ocr import conformance
from ocr.errors import PdfaFailed
from ocr.images import load, probe
from ocr.jail.parent import Jail
from ocr.jailed import build_in_jail
from ocr.native.letters import letters_of
from ocr.native.lines import text_of
from ocr.native.read import page_text_of
from ocr.options import ReadingOptions
from ocr.page import Block, Box, Line, PageText, Word
from ocr.pdf_pages import raster_size
from ocr.pdfa.build import build_rendition
from ocr.pdfa.rendition import Rendition
from ocr.wire import file_probe_to_json, page_text_to_json

OPTIONS = ReadingOptions()
MADE_AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
MARKS = ((180.0, 25.0), (190.0, 50.0))
DPI = 200
SIZE = (827, 1169)  # half of A4's sides at this resolution: quick to encode


def drawing(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    """A page with lines, a coloured seal and some greys."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for y in range(300, size[1] - 200, 60):
        pen.rectangle((100, y, size[0] - 100, y + 14), fill=(20, 20, 30))
    pen.ellipse((400, 700, 640, 940), outline=(210, 20, 30), width=9)
    pen.rectangle((90, 60, 300, 90), fill=(120, 140, 160))
    return image.convert(mode)


def page_text(width: int, height: int, words: list[tuple[str, Box]], turns: int = 0) -> PageText:
    """A reading of one line that holds all words."""
    line = Line(tuple(Word(text, text, 0.9, box) for text, box in words), Box(0, 0, width, height))
    blocks = (Block("text", (line,), line.box),) if words else ()
    return PageText(width, height, DPI, turns, 0.0, blocks)


def build(received: Path, out: Path, texts: list[PageText | None] | None = None) -> Rendition:
    """Build a rendition of a file, by default with one word on every page."""
    found = probe(received, OPTIONS)
    given = texts or [page_text(c.width_px, c.height_px, [("chữ", Box(120, 300, 80, 20))]) for c in found.captures]
    return build_rendition(
        received,
        found,
        given,
        out,
        title="Tài liệu 0000001",
        made_at=MADE_AT,
        document_id="SOHOA-1",
        mark_sizes=MARKS,
        options=OPTIONS,
    )


def saved(path: Path, image: Image.Image, **settings: Any) -> Path:
    image.save(path, dpi=(DPI, DPI), **settings)
    return path


def image_of(out: Path, index: int = 0) -> Any:
    """The image XObject our page paints, with its PDF."""
    pdf = pikepdf.open(out)
    return pdf, pdf.pages[index].obj.Resources.XObject["/Im"]


PICTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpeg-grey": ("a.jpg", "L", {"quality": 80}),
    "jpeg-colour": ("a.jpg", "RGB", {"quality": 80}),
    "jpeg-progressive": ("a.jpg", "RGB", {"quality": 80, "progressive": True}),
    "png-bitonal": ("a.png", "1", {}),
    "png-grey": ("a.png", "L", {}),
    "png-colour": ("a.png", "RGB", {}),
    "png-palette": ("a.png", "P", {}),
    "tiff-g4": ("a.tif", "1", {"compression": "group4", "strip_size": 1 << 30}),
    "tiff-g3": ("a.tif", "1", {"compression": "group3", "strip_size": 1 << 30}),
    "tiff-deflate": ("a.tif", "RGB", {"compression": "tiff_adobe_deflate", "strip_size": 1 << 30}),
    "tiff-deflate-bitonal": ("a.tif", "1", {"compression": "tiff_adobe_deflate", "strip_size": 1 << 30}),
    "tiff-deflate-palette": ("a.tif", "P", {"compression": "tiff_adobe_deflate", "strip_size": 1 << 30}),
    "tiff-jpeg": ("a.tif", "RGB", {"compression": "jpeg", "strip_size": 1 << 30}),
    "tiff-jpeg-ycc": ("a.tif", "YCbCr", {"compression": "jpeg", "strip_size": 1 << 30}),
    "tiff-jpeg-grey": ("a.tif", "L", {"compression": "jpeg", "strip_size": 1 << 30}),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_passes_through_with_its_pixels(kind: str, tmp_path: Path) -> None:
    name, mode, settings = PICTURES[kind]
    received = saved(tmp_path / name, drawing(mode), **settings)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",)
    assert conformance.check(tmp_path / "out.pdf").holds
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert np.array_equal(_colour(expected.pixels), _colour(found.pixels))
    assert found.dpi_x == pytest.approx(DPI, rel=0.001)


@pytest.mark.parametrize("kind", ["jpeg-grey", "jpeg-colour", "jpeg-progressive"])
def test_a_jpeg_is_kept_byte_for_byte(kind: str, tmp_path: Path) -> None:
    name, mode, settings = PICTURES[kind]
    received = saved(tmp_path / name, drawing(mode), **settings)
    build(received, tmp_path / "out.pdf")
    pdf, image = image_of(tmp_path / "out.pdf")
    with pdf:
        assert image.read_raw_bytes() == received.read_bytes()


def test_a_group_4_strip_is_kept_byte_for_byte(tmp_path: Path) -> None:
    name, mode, settings = PICTURES["tiff-g4"]
    received = saved(tmp_path / name, drawing(mode), **settings)
    with Image.open(received) as image:
        (offset,), (count,) = image.tag_v2[273], image.tag_v2[279]
    build(received, tmp_path / "out.pdf")
    pdf, found = image_of(tmp_path / "out.pdf")
    with pdf:
        assert found.read_raw_bytes() == received.read_bytes()[offset : offset + count]


ENCODED_ANEW: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tiff-g4-strips": ("a.tif", "1", {"compression": "group4", "strip_size": 2000}),
    "tiff-lzw": ("a.tif", "RGB", {"compression": "tiff_lzw"}),
    "tiff-raw": ("a.tif", "L", {}),
    "tiff-packbits": ("a.tif", "1", {"compression": "packbits"}),
    "tiff-deflate-strips": ("a.tif", "RGB", {"compression": "tiff_adobe_deflate"}),
    "png-alpha": ("a.png", "RGBA", {}),
    "png-grey-alpha": ("a.png", "LA", {}),
    "png-16-bit": ("a.png", "I;16", {}),
}


@pytest.mark.parametrize("kind", ENCODED_ANEW)
def test_what_can_not_pass_is_encoded_anew_without_loss(kind: str, tmp_path: Path) -> None:
    name, mode, settings = ENCODED_ANEW[kind]
    image = drawing("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(SIZE))
    received = saved(tmp_path / name, image, **settings)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert np.array_equal(_colour(expected.pixels), _colour(found.pixels))


def test_an_interlaced_png_is_encoded_anew_without_loss(tmp_path: Path) -> None:
    received = tmp_path / "a.png"
    received.write_bytes(_interlaced_png())
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert np.array_equal(expected.pixels, found.pixels)


@pytest.mark.parametrize(
    ("name", "mode", "settings"),
    [("a.jpg", "CMYK", {"quality": 90}), ("a.tif", "RGB", {"compression": "jpeg", "strip_size": 60_000})],
)
def test_what_was_lossy_before_is_encoded_anew_without_visible_loss(
    name: str, mode: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    received = saved(tmp_path / name, drawing(mode), **settings)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert _difference(expected.pixels, found.pixels) < 2.0


def test_every_image_of_a_tiff_becomes_a_page_in_order(tmp_path: Path) -> None:
    frames = [drawing("1", (600 + 40 * n, 1000)) for n in range(3)]
    received = tmp_path / "a.tif"
    frames[0].save(
        received, save_all=True, append_images=frames[1:], compression="group4", dpi=(DPI, DPI), strip_size=1 << 30
    )
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",) * 3
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        widths = [float(page.mediabox[2]) for page in pdf.pages][1:]
    assert widths == pytest.approx([640 * 72 / DPI, 680 * 72 / DPI], abs=0.01)


def scan_pdf(
    path: Path,
    data: bytes,
    entries: dict[str, Any],
    *,
    size: tuple[int, int] = SIZE,
    page: dict[str, Any] | None = None,
    matrix: str | None = None,
    content: bytes = b"",
) -> Path:
    """A PDF of one page that is one image of encoded bytes."""
    with pikepdf.new() as pdf:
        width, height = size[0] * 72 / DPI, size[1] * 72 / DPI
        image = pikepdf.Stream(pdf, data, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
        image.Width, image.Height = size
        for key, value in entries.items():
            image["/" + key] = value(pdf) if callable(value) else value
        placed = matrix or f"{width} 0 0 {height} 0 0"
        contents = pikepdf.Stream(pdf, f"q {placed} cm /I Do Q\n".encode() + content)
        leaf = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=[0, 0, width, height],
            Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=pdf.make_indirect(image))),
            Contents=contents,
        )
        for key, value in (page or {}).items():
            leaf["/" + key] = value(pdf) if callable(value) else value
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(leaf)))
        pdf.save(path, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return path


def _encoded(image: Image.Image, kind: str, **settings: Any) -> bytes:
    packed = io.BytesIO()
    image.save(packed, kind, **settings)
    return packed.getvalue()


def _group_4(image: Image.Image) -> bytes:
    data = _encoded(image, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(data)) as opened:
        (offset,), (count,) = opened.tag_v2[273], opened.tag_v2[279]
    return data[offset : offset + count]


def _lzw_of(data: bytes) -> bytes:
    """Encode bytes as LZW that never leaves its nine-bit codes: clear, then at most 250 literals."""
    codes: list[int] = []
    for at in range(0, len(data), 250):
        codes += [256, *data[at : at + 250]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


# A segment of type "extension": a comment in single bytes, with the name and value both "a".
_COMMENT = b"\x20\0\0\0a\0a\0\0"
JBIG2_COMMENT = b"\0\0\0\0\x3e\0\0" + len(_COMMENT).to_bytes(4, "big") + _COMMENT


def _jbig2(width: int, height: int, *, number: int = 0) -> bytes:
    """The smallest JBIG2 image: a page information segment alone, which is a white page."""
    page = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(8) + b"\0\0\0"
    return number.to_bytes(4, "big") + b"\x30\0\x01" + len(page).to_bytes(4, "big") + page


GREY8 = {"ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 8}
COLOUR8 = {"ColorSpace": pikepdf.Name.DeviceRGB, "BitsPerComponent": 8}
BITONAL = {"ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 1}
FAX = {
    "Filter": pikepdf.Name.CCITTFaxDecode,
    "DecodeParms": lambda _: pikepdf.Dictionary(K=-1, Columns=SIZE[0], Rows=SIZE[1], BlackIs1=False),
}
FLATE = {"Filter": pikepdf.Name.FlateDecode}


def _flate(mode: str) -> bytes:
    return zlib.compress(drawing(mode).tobytes())


def _indexed(_: pikepdf.Pdf) -> pikepdf.Array:
    palette = bytes(v for n in range(256) for v in (n, 255 - n, n // 2))
    return pikepdf.Array([pikepdf.Name.Indexed, pikepdf.Name.DeviceRGB, 255, pikepdf.String(palette)])


SCANS: dict[str, Callable[[], tuple[bytes, dict[str, Any]]]] = {
    "jpeg": lambda: (_encoded(drawing(), "JPEG"), {**COLOUR8, "Filter": pikepdf.Name.DCTDecode}),
    "group-4": lambda: (_group_4(drawing("1")), {**BITONAL, **FAX}),
    "flate": lambda: (_flate("RGB"), {**COLOUR8, **FLATE}),
    "flate-decode-inverted": lambda: (_flate("L"), {**GREY8, **FLATE, "Decode": pikepdf.Array([1, 0])}),
    "indexed": lambda: (_flate("L"), {"ColorSpace": _indexed, "BitsPerComponent": 8, **FLATE}),
    "ascii85-jpeg": lambda: (
        _ascii_hex(_encoded(drawing(), "JPEG")),
        {**COLOUR8, "Filter": pikepdf.Array([pikepdf.Name.ASCIIHexDecode, pikepdf.Name.DCTDecode])},
    ),
    "stencil": lambda: (_group_4(drawing("1")), {"ImageMask": True, "BitsPerComponent": 1, **FAX}),
    "jbig2-with-globals": lambda: (
        _jbig2(*SIZE, number=1),
        {
            **BITONAL,
            "Filter": pikepdf.Name.JBIG2Decode,
            "DecodeParms": lambda pdf: pikepdf.Dictionary(JBIG2Globals=pikepdf.Stream(pdf, JBIG2_COMMENT)),
        },
    ),
    "jbig2": lambda: (_jbig2(*SIZE), {**BITONAL, "Filter": pikepdf.Name.JBIG2Decode}),
}


def _ascii_hex(data: bytes) -> bytes:
    return data.hex().encode() + b">"


@pytest.mark.parametrize("kind", SCANS)
def test_a_scan_in_a_pdf_passes_through_with_its_bytes_and_pixels(kind: str, tmp_path: Path) -> None:
    data, entries = SCANS[kind]()
    received = scan_pdf(tmp_path / "in.pdf", data, entries, matrix=None)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",)
    assert rendition.notes == ()
    pdf, image = image_of(tmp_path / "out.pdf")
    with pdf:
        if kind != "ascii85-jpeg":
            assert image.read_raw_bytes() == data
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert np.array_equal(_colour(expected.pixels), _colour(found.pixels))


def test_a_jpeg_2000_scan_is_encoded_anew_without_visible_loss(tmp_path: Path) -> None:
    data = _encoded(drawing(), "JPEG2000", irreversible=True, quality_layers=[30])
    received = scan_pdf(tmp_path / "in.pdf", data, {**COLOUR8, "Filter": pikepdf.Name.JPXDecode})
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert _difference(expected.pixels, found.pixels) < 2.0


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_2000_file_is_encoded_anew_without_visible_loss(mode: str, tmp_path: Path) -> None:
    received = tmp_path / "in.jp2"
    received.write_bytes(_encoded(drawing(mode), "JPEG2000", irreversible=True, quality_layers=[30]))
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    assert conformance.check(tmp_path / "out.pdf").holds
    expected, found = load(received, 0, OPTIONS), load(tmp_path / "out.pdf", 0, OPTIONS)
    assert _difference(expected.pixels, found.pixels) < 2.0


def test_a_scan_in_lzw_is_encoded_anew_without_loss(tmp_path: Path) -> None:
    data = _lzw_of(drawing("L").tobytes())
    received = scan_pdf(tmp_path / "in.pdf", data, {**GREY8, "Filter": pikepdf.Name.LZWDecode})
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)
    assert np.array_equal(np.asarray(drawing("L")), load(tmp_path / "out.pdf", 0, OPTIONS).pixels)


def test_a_scan_in_ink_colours_is_encoded_anew(tmp_path: Path) -> None:
    entries = {"ColorSpace": pikepdf.Name.DeviceCMYK, "BitsPerComponent": 8, **FLATE}
    received = scan_pdf(tmp_path / "in.pdf", _flate("CMYK"), entries)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)


def test_a_scan_with_a_broken_colour_profile_is_refused_by_the_check_and_encoded_anew(tmp_path: Path) -> None:
    def profile(pdf: pikepdf.Pdf) -> pikepdf.Array:
        return pikepdf.Array([pikepdf.Name.ICCBased, pdf.make_indirect(pikepdf.Stream(pdf, b"none", N=3))])

    received = scan_pdf(
        tmp_path / "in.pdf", _flate("RGB"), {"ColorSpace": profile, "BitsPerComponent": 8, **FLATE}
    )
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("re-encoded",)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_the_words_of_a_turned_scan_lie_over_their_boxes_as_the_reader_sees_them(
    turned: int, tmp_path: Path
) -> None:
    # The page's own /Rotate is wrong by a quarter turn; the reading decides.
    received = scan_pdf(
        tmp_path / "in.pdf", _flate("RGB"), {**COLOUR8, **FLATE}, page={"Rotate": (turned + 90) % 360}
    )
    turns = turned // 90
    words = [
        ("Quyết", Box(200, 500, 60, 60)),
        ("định", Box(*((280, 500), (200, 420), (120, 500), (200, 580))[turns], 60, 60)),
    ]
    build(received, tmp_path / "out.pdf", [page_text(*SIZE, words, turns)])
    assert _words_of(tmp_path / "out.pdf") == ["Quyết", "định"]
    _assert_boxes(tmp_path / "out.pdf", words, turns)


def test_words_on_a_tilted_page_keep_their_order_and_boxes(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.png", drawing())
    texts = ["Cộng", "hòa", "xã", "hội", "chủ", "nghĩa", "Việt", "Nam"]
    words = [(text, Box(80 + 80 * n, 400 + 4 * n, 66, 22)) for n, text in enumerate(texts)]
    build(received, tmp_path / "out.pdf", [page_text(*SIZE, words)])
    assert _words_of(tmp_path / "out.pdf") == texts
    _assert_boxes(tmp_path / "out.pdf", words, 0)
    assert _pdftotext(tmp_path / "out.pdf", "-layout").split() == texts


def test_every_vietnamese_letter_comes_back_in_nfc(tmp_path: Path) -> None:
    letters = [
        unicodedata.normalize("NFC", base + tone)
        for base in "aăâeêioôơuưyđAĂÂEÊIOÔƠUƯYĐ"
        for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    ]
    words = [("".join(letters[at : at + 6]), Box(60, 100 + 12 * at, 300, 30)) for at in range(0, len(letters), 6)]
    words = [(unicodedata.normalize("NFD", text), Box(b.x, b.y % 1000, b.width, b.height)) for text, b in words]
    build(saved(tmp_path / "a.png", drawing()), tmp_path / "out.pdf", [page_text(*SIZE, words[:8])])
    assert _words_of(tmp_path / "out.pdf") == [unicodedata.normalize("NFC", text) for text, _ in words[:8]]


def test_letters_beyond_the_first_plane_come_back_and_control_letters_do_not(tmp_path: Path) -> None:
    words = [("𠀋\x00字", Box(60, 400, 60, 30)), ("\x01", Box(160, 400, 60, 30)), ("end", Box(260, 400, 60, 30))]
    build(saved(tmp_path / "a.png", drawing()), tmp_path / "out.pdf", [page_text(*SIZE, words)])
    assert _words_of(tmp_path / "out.pdf") == ["𠀋字", "end"]


def test_a_crop_box_with_an_offset_hides_nothing_of_the_scan(tmp_path: Path) -> None:
    received = scan_pdf(
        tmp_path / "in.pdf",
        _flate("RGB"),
        {**COLOUR8, **FLATE},
        page={"MediaBox": pikepdf.Array([0, 0, 500, 600]), "CropBox": pikepdf.Array([110, 120, 360, 500])},
        matrix=f"{SIZE[0] * 72 / DPI} 0 0 {SIZE[1] * 72 / DPI} 100 100",
    )
    words = [("chữ", Box(200, 500, 60, 60))]
    build(received, tmp_path / "out.pdf", [page_text(*SIZE, words)])
    _assert_boxes(tmp_path / "out.pdf", words, 0)


def test_a_page_in_larger_units_keeps_its_size_on_paper(tmp_path: Path) -> None:
    width, height = SIZE[0] * 36 / DPI, SIZE[1] * 36 / DPI
    received = scan_pdf(
        tmp_path / "in.pdf",
        _flate("RGB"),
        {**COLOUR8, **FLATE},
        page={"MediaBox": pikepdf.Array([0, 0, width, height]), "UserUnit": 2},
        matrix=f"{width} 0 0 {height} 0 0",
    )
    words = [("chữ", Box(200, 500, 60, 60))]
    build(received, tmp_path / "out.pdf", [page_text(*SIZE, words)])
    assert load(tmp_path / "out.pdf", 0, OPTIONS).dpi_x == pytest.approx(DPI, rel=0.001)
    _assert_boxes(tmp_path / "out.pdf", words, 0)


def test_a_roll_longer_than_the_largest_page_is_kept_in_larger_units(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.png", Image.new("1", (1200, 45_000), 1))
    build(received, tmp_path / "out.pdf")
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.pages[0].obj.UserUnit == 2
        sides = [float(edge) for edge in pdf.pages[0].mediabox][2:]
    assert sides == pytest.approx([1200 * 36 / DPI, 45_000 * 36 / DPI], abs=0.1)


def test_an_older_hidden_text_layer_is_not_carried_over(tmp_path: Path) -> None:
    old = b"BT 3 Tr /F1 12 Tf 50 400 Td (VERY OLD READING) Tj ET"
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    data = _encoded(drawing(), "JPEG")
    received = scan_pdf(tmp_path / "in.pdf", data, {**COLOUR8, "Filter": pikepdf.Name.DCTDecode}, content=old)
    with pikepdf.open(received, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.Resources.Font = pikepdf.Dictionary(F1=font)
        pdf.save(received)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",)
    assert rendition.notes == ()
    assert _words_of(tmp_path / "out.pdf") == ["chữ"]


def test_a_banner_over_a_signed_scan_stays_visible_and_its_field_does_not(tmp_path: Path) -> None:
    received = _with_banner(tmp_path / "in.pdf")
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",)
    assert rendition.notes == ("page 1: overlay-flattened",)
    drawn = _rendered(tmp_path / "out.pdf")
    reddish = (drawn[..., 0] > 200) & (drawn[..., 1] < 60)
    rows, columns = np.nonzero(reddish)
    bottom = drawn.shape[0]  # 72 dpi: a pixel is a point; the page may have grown at its top
    assert (columns.min(), columns.max() + 1) == pytest.approx((20, 120), abs=1)
    assert (bottom - rows.max() - 1, bottom - rows.min()) == pytest.approx((380, 410), abs=1)
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert "/AcroForm" not in pdf.Root
        assert "/Annots" not in pdf.pages[0].obj


def test_marks_keep_clear_of_a_banner(tmp_path: Path) -> None:
    rendition = build(_with_banner(tmp_path / "in.pdf"), tmp_path / "out.pdf")
    assert rendition.mark_places[0].y0 > 410


def test_an_annotation_without_an_appearance_is_reported_dropped(tmp_path: Path) -> None:
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Text,
        Rect=[20, 20, 40, 40],
        Contents=pikepdf.String("xem lại"),
    )
    received = scan_pdf(
        tmp_path / "in.pdf", _group_4(drawing("1")), {**BITONAL, **FAX}, page={"Annots": pikepdf.Array([note])}
    )
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("direct",)
    assert "page 1: annotations-dropped" in rendition.notes


def test_a_signature_banner_on_a_page_of_drawings_becomes_part_of_it(tmp_path: Path) -> None:
    with pikepdf.open(_with_banner(tmp_path / "banner.pdf")) as signed:
        page = signed.pages[0].obj
        del page.Resources.XObject
        page.Contents = pikepdf.Stream(signed, b"4 w 50 50 m 200 300 l S")
        signed.save(tmp_path / "in.pdf")
    rendition = build(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert rendition.rungs == ("ocrmypdf",)
    red, green, blue = _rendered(tmp_path / "out.pdf")[-400, 70]
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


def test_pages_are_converted_inside_the_jail(tmp_path: Path) -> None:
    received = _two_images(tmp_path / "in.pdf")
    found = probe(received, OPTIONS)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Jail(scratch) as jail:
        answer = jail.call(
            "ocr.jailed:build_in_jail",
            {
                "probe": file_probe_to_json(found),
                "texts": [None],
                "out": str(scratch / "out.pdf"),
                "title": "x",
                "made_at": MADE_AT.isoformat(),
                "document_id": "x",
                "mark_sizes": MARKS,
                "options": OPTIONS.to_json(),
            },
            files={"received": received},
            seconds=60,
        )
    rendition = Rendition.from_json(answer)
    assert rendition.rungs == ("ocrmypdf",)
    assert hashlib.sha256((scratch / "out.pdf").read_bytes()).hexdigest() == rendition.sha256


def test_a_page_with_text_of_its_own_keeps_that_text(tmp_path: Path) -> None:
    received = _native_pdf(tmp_path / "in.pdf")
    rendition = build(received, tmp_path / "out.pdf", [_own_text(received, 0)])
    assert rendition.rungs == ("ocrmypdf",)
    assert _words_of(tmp_path / "out.pdf") == ["Quyết", "định"]


def test_text_in_a_font_that_is_not_embedded_is_drawn_and_stays_searchable(tmp_path: Path) -> None:
    received = _native_pdf(tmp_path / "in.pdf", embedded=False)
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("raster",)
    assert _words_of(tmp_path / "out.pdf") == ["chữ"]
    assert load(tmp_path / "out.pdf", 0, OPTIONS).pixels.min() < 100


def test_a_page_of_drawings_only_is_kept_as_drawings_with_its_words(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(400, 500))
        page.obj.Contents = pikepdf.Stream(pdf, b"1 0 0 RG 4 w 50 50 m 300 400 l S")
        page.obj.Rotate = 90
        pdf.save(tmp_path / "in.pdf")
    found = probe(tmp_path / "in.pdf", OPTIONS).captures[0]
    words = [("bản", Box(300, 500, 60, 60)), ("đồ", Box(300, 420, 60, 60))]
    rendition = build(
        tmp_path / "in.pdf", tmp_path / "out.pdf", [page_text(found.width_px, found.height_px, words, 1)]
    )
    assert rendition.rungs == ("ocrmypdf",)
    assert _words_of(tmp_path / "out.pdf") == ["bản", "đồ"]
    _assert_boxes(tmp_path / "out.pdf", words, 1)


def test_a_page_of_two_images_keeps_both(tmp_path: Path) -> None:
    received = _two_images(tmp_path / "in.pdf")
    rendition = build(received, tmp_path / "out.pdf")
    assert rendition.rungs == ("ocrmypdf",)
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        names = pdf.pages[0].obj.Resources.XObject.keys()
    assert sorted(names) == ["/A", "/B"]
    assert _words_of(tmp_path / "out.pdf") == ["chữ"]


def test_only_the_pages_that_need_it_leave_the_direct_way(tmp_path: Path) -> None:
    scan = scan_pdf(tmp_path / "scan.pdf", _group_4(drawing("1")), {**BITONAL, **FAX})
    parts = [scan, _native_pdf(tmp_path / "a.pdf"), _native_pdf(tmp_path / "b.pdf", embedded=False)]
    with pikepdf.new() as pdf:
        for part in parts:
            with pikepdf.open(part) as opened:
                pdf.pages.extend(opened.pages)
        pdf.save(tmp_path / "in.pdf")
    found = probe(tmp_path / "in.pdf", OPTIONS).captures[0]
    texts = [page_text(found.width_px, found.height_px, []), *(_own_text(tmp_path / "in.pdf", n) for n in (1, 2))]
    rendition = build(tmp_path / "in.pdf", tmp_path / "out.pdf", texts)
    assert rendition.rungs == ("direct", "ocrmypdf", "raster")


def test_a_failed_page_is_there_without_words(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.png", drawing())
    rendition = build(received, tmp_path / "out.pdf", [None])
    assert rendition.rungs == ("direct",)
    assert _words_of(tmp_path / "out.pdf") == []


def test_a_failed_page_that_can_not_be_decoded_is_an_empty_page_and_says_so(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.tif", drawing("RGB"), compression="tiff_lzw")
    body = bytearray(received.read_bytes())
    with Image.open(received) as image:
        at, count = image.tag_v2[273][0], image.tag_v2[279][0]
    body[at : at + count] = b"\xff" * count
    received.write_bytes(body)
    rendition = build(received, tmp_path / "out.pdf", [None])
    assert rendition.rungs == ("empty",)
    assert rendition.notes == ("page 1: image-undecodable",)
    assert conformance.check(tmp_path / "out.pdf").holds


def test_a_page_that_was_read_but_can_not_be_brought_in_is_refused(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.tif", drawing("RGB"), compression="tiff_lzw")
    body = bytearray(received.read_bytes())
    with Image.open(received) as image:
        at, count = image.tag_v2[273][0], image.tag_v2[279][0]
    body[at : at + count] = b"\xff" * count
    received.write_bytes(body)
    with pytest.raises(PdfaFailed) as refused:
        build(received, tmp_path / "out.pdf")
    assert refused.value.code == "pdfa-failed"


def test_equal_input_gives_equal_bytes_in_another_process(tmp_path: Path) -> None:
    received = _two_images(tmp_path / "in.pdf")
    ours = build(received, tmp_path / "ours.pdf")
    found = probe(received, OPTIONS)
    texts = [page_text(c.width_px, c.height_px, [("chữ", Box(120, 300, 80, 20))]) for c in found.captures]
    request = {
        "received": str(received),
        "probe": file_probe_to_json(found),
        "texts": [page_text_to_json(text) for text in texts],
        "out": str(tmp_path / "theirs.pdf"),
        "title": "Tài liệu 0000001",
        "made_at": MADE_AT.isoformat(),
        "document_id": "SOHOA-1",
        "mark_sizes": [list(size) for size in MARKS],
        "options": OPTIONS.to_json(),
    }
    program = (
        "import json, sys; from ocr.jailed import build_in_jail as build;"
        "print(json.dumps(build(**json.load(sys.stdin))))"
    )
    answered = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(request),
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo"},
        cwd=Path(__file__).parents[2],
    )
    theirs = Rendition.from_json(json.loads(answered.stdout))
    assert theirs == ours
    assert (tmp_path / "theirs.pdf").read_bytes() == (tmp_path / "ours.pdf").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("build-")) == []


def test_the_document_says_what_it_is_and_holds_nothing_forbidden(tmp_path: Path) -> None:
    rendition = build(saved(tmp_path / "a.png", drawing()), tmp_path / "out.pdf")
    body = (tmp_path / "out.pdf").read_bytes()
    assert body.endswith(b"%%EOF\n")
    assert (rendition.length, rendition.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert rendition.conformance == "pdfa-2b"
    assert rendition.checked_by.startswith("pikepdf ")
    assert rendition.describe()["rungs"] == {"direct": 1}
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Tài liệu 0000001"
            assert metadata["xmp:CreatorTool"] == "sohoa"
            assert metadata["xmp:MetadataDate"] == "2026-11-24T03:04:05+00:00"
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "B")
        assert not {"/AcroForm", "/Names", "/OpenAction", "/AA"} & set(pdf.Root.keys())


def test_a_time_without_offset_is_refused(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.png", drawing())
    found = probe(received, OPTIONS)
    with pytest.raises(ValueError, match="aware"):
        build_rendition(
            received,
            found,
            [None],
            tmp_path / "out.pdf",
            title="x",
            made_at=MADE_AT.replace(tzinfo=None),
            document_id="x",
            mark_sizes=MARKS,
            options=OPTIONS,
        )


def test_arguments_cross_the_pipe_as_json(tmp_path: Path) -> None:
    received = saved(tmp_path / "a.png", drawing())
    answer = build_in_jail(
        received=str(received),
        probe=json.loads(json.dumps(file_probe_to_json(probe(received, OPTIONS)))),
        texts=[None],
        out=str(tmp_path / "out.pdf"),
        title="x",
        made_at="2026-11-24T03:04:05+00:00",
        document_id="x",
        mark_sizes=[[100, 20], [100, 20]],
        options=OPTIONS.to_json(),
    )
    assert Rendition.from_json(json.loads(json.dumps(answer))).rungs == ("direct",)


def test_a_file_that_is_not_pdfa_is_told_so(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "plain.pdf")
    found = conformance.check(tmp_path / "plain.pdf")
    assert not found.holds
    assert found.checked_by == conformance.checker()


def _colour(pixels: Any) -> Any:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _difference(one: Any, other: Any) -> float:
    return float(np.abs(_colour(one).astype(int) - _colour(other).astype(int)).mean())


def _pdftotext(path: Path, *options: str) -> str:
    return subprocess.run(["pdftotext", *options, path, "-"], capture_output=True, check=True, text=True).stdout


def _words_of(path: Path) -> list[str]:
    return _pdftotext(path, "-raw").split()


def _rendered(path: Path) -> Any:
    drawn = subprocess.run(["pdftoppm", "-r", "72", path], capture_output=True, check=True).stdout
    return np.asarray(Image.open(io.BytesIO(drawn)))


def _assert_boxes(path: Path, words: list[tuple[str, Box]], turns: int) -> None:
    """Hold what pdftotext says of each word against its box, in pixels, from the reader's lower left."""
    pattern = r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">([^<]+)<'
    answer = _pdftotext(path, "-bbox")
    found = {word: tuple(float(n) for n in edges) for *edges, word in re.findall(pattern, answer)}
    with pikepdf.open(path) as pdf:
        x0, y0, x1, y1 = (float(n) for n in pdf.pages[0].mediabox)
        unit = float(pdf.pages[0].obj.get("/UserUnit", 1))
    page_height = x1 - x0 if turns % 2 else y1 - y0
    image = load(path, 0, OPTIONS)
    scale = 72 / image.dpi_x / unit
    height, width = image.pixels.shape[:2]
    for text, box in words:
        x, y, w, h = box.x, box.y, box.width, box.height
        left, low, right, high = (
            (x, height - y - h, x + w, height - y),
            (height - y - h, width - x - w, height - y, width - x),
            (width - x - w, y, width - x, y + h),
            (y, x, y + h, x + w),
        )[turns]
        x_min, y_min, x_max, y_max = found[unicodedata.normalize("NFC", text)]
        got = (x_min, page_height - y_max, x_max, page_height - y_min)
        expected = tuple(edge * scale for edge in (left, low, right, high))
        assert got == pytest.approx(expected, abs=2 * scale), text


def _interlaced_png() -> bytes:
    """A small interlaced (Adam7) grey PNG: every pass written as rows without a filter."""
    pixels = np.asarray(drawing("L", (700, 1000)))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 700, 1000, 8, 0, 0, 0, 1)
    resolution = struct.pack(">IIB", 7874, 7874, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"pHYs", resolution)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def _with_banner(path: Path) -> Path:
    def form(pdf: pikepdf.Pdf) -> pikepdf.Array:
        shown = pikepdf.Stream(
            pdf, b"1 0 0 rg 0 0 100 30 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form
        )
        shown.BBox = [0, 0, 100, 30]
        widget = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Sig,
            T=pikepdf.String("Signature1"),
            F=132,
            Rect=[20, 380, 120, 410],
            AP=pikepdf.Dictionary(N=pdf.make_indirect(shown)),
        )
        widget = pdf.make_indirect(widget)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[widget], SigFlags=3)
        return pikepdf.Array([widget])

    return scan_pdf(path, _group_4(drawing("1")), {**BITONAL, **FAX}, page={"Annots": form})


def _native_pdf(path: Path, *, embedded: bool = True) -> Path:
    pdf = fpdf.FPDF()
    pdf.add_page()
    if embedded:
        pdf.add_font("L", fname="/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf")
    pdf.set_font("L" if embedded else "Helvetica", size=20)
    pdf.cell(text="Quyết định" if embedded else "Decision")
    pdf.output(str(path))
    return path


def _own_text(path: Path, index: int) -> PageText:
    """Return what a page says itself, as its reading would."""
    with pikepdf.open(path) as pdf:
        width, height, dpi = raster_size(pdf.pages[index], OPTIONS)
        return page_text_of(text_of(letters_of(path, pdf.pages[index], index, OPTIONS)), (width, height), dpi)


def _two_images(path: Path) -> Path:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(400, 600))
        images = pikepdf.Dictionary()
        for name in ("/A", "/B"):
            image = pikepdf.Stream(pdf, _encoded(drawing("RGB", (700, 1000)), "JPEG"))
            image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
            image.Width, image.Height, image.BitsPerComponent = 700, 1000, 8
            image.ColorSpace, image.Filter = pikepdf.Name.DeviceRGB, pikepdf.Name.DCTDecode
            images[name] = image
        page.obj.Resources = pikepdf.Dictionary(XObject=images)
        page.obj.Contents = pikepdf.Stream(pdf, b"q 400 0 0 280 0 310 cm /A Do Q q 400 0 0 280 0 10 cm /B Do Q")
        pdf.save(path)
    return path
