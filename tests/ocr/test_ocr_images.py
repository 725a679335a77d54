"""What received files are, told from their bytes; bad ones are refused with their own reason before anything is
decoded, and stored pixels come out as stored."""

import hashlib
import io
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import scans
from PIL import Image, TiffImagePlugin

from ocr import images
from ocr.errors import (
    EmptyFile,
    InputRejected,
    PageUndecodable,
    PasswordNeeded,
    TooManyPages,
    TooManyPixels,
    Truncated,
    WrongType,
)
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, FileProbe

OPTIONS = ReadingOptions()
SUFFIXES = (".pdf", ".tif", ".jpg", ".jp2", ".png")
HUGE = (40_000, 40_000)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def probe(path: Path) -> FileProbe:
    return images.probe(path, OPTIONS)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    packed = io.BytesIO()
    image.save(packed, kind, **options)
    return packed.getvalue()


# --- what a file is


@pytest.mark.parametrize(
    ("suffix", "media_type", "colour"),
    [
        (".pdf", "application/pdf", "grey"),
        (".tif", "image/tiff", "bitonal"),
        (".jpg", "image/jpeg", "grey"),
        (".jp2", "image/jp2", "grey"),
        (".png", "image/png", "grey"),
    ],
)
def test_a_scan_of_every_kind_tells_its_type_size_resolution_and_colour(
    tmp_path: Path, suffix: str, media_type: str, colour: str
) -> None:
    found = probe(scans.save(scans.page(), tmp_path / f"a{suffix}"))
    (capture,) = found.captures
    assert (found.media_type, capture.colour) == (media_type, colour)
    assert (capture.width_px, capture.height_px) == scans.SIZE
    assert capture.dpi == pytest.approx(scans.DPI, abs=0.5)
    assert capture.single_image
    assert not capture.native_text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_name_decides_nothing(tmp_path: Path, suffix: str) -> None:
    honest = scans.save(scans.page(), tmp_path / f"a{suffix}")
    lying = put(tmp_path, "b.docx", honest.read_bytes())
    assert probe(lying) == probe(honest)


@pytest.mark.parametrize("suffix", [".pdf", ".tif"])
def test_each_page_of_a_file_is_a_capture_with_a_digest_of_its_own(tmp_path: Path, suffix: str) -> None:
    pages = [scans.page(mark=str(n)) for n in range(3)]
    captures = probe(scans.save_all([*pages, pages[0]], tmp_path / f"a{suffix}")).captures
    assert [capture.index for capture in captures] == [0, 1, 2, 3]
    digests = [capture.sha256 for capture in captures]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]


def test_a_jpegs_digest_is_the_files_and_the_same_inside_a_pdf(tmp_path: Path) -> None:
    path = scans.save_all([scans.page()], tmp_path / "a.pdf")
    with pikepdf.open(path) as pdf:
        raw = next(iter(pdf.pages[0].resources.XObject.values())).read_raw_bytes()
    alone = put(tmp_path, "a.jpg", raw)
    assert probe(path).captures[0].sha256 == hashlib.sha256(raw).hexdigest() == probe(alone).captures[0].sha256


@pytest.mark.parametrize(
    ("mode", "kind", "colour"),
    [
        ("1", "PNG", "bitonal"),
        ("L", "PNG", "grey"),
        ("LA", "PNG", "grey"),
        ("P", "PNG", "colour"),
        ("RGBA", "PNG", "colour"),
        ("RGB", "JPEG", "colour"),
        ("CMYK", "JPEG", "colour"),
        ("L", "JPEG2000", "grey"),
        ("I;16", "JPEG2000", "grey"),
        ("RGBA", "JPEG2000", "colour"),
        ("L", "TIFF", "grey"),
        ("RGB", "TIFF", "colour"),
    ],
)
def test_the_colour_is_told_from_the_header(tmp_path: Path, mode: str, kind: str, colour: str) -> None:
    path = put(tmp_path, "a", saved(scans.page().convert(mode), kind))
    assert probe(path).captures[0].colour == colour
    assert images.load(path, 0, OPTIONS).pixels.ndim == (3 if colour == "colour" else 2)


@pytest.mark.parametrize("stated", [None, (1, 1), (72, 72), (96, 96), (30_000, 30_000)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_resolution_nobody_believes_is_taken_from_a4(
    tmp_path: Path, kind: str, stated: tuple[int, int] | None
) -> None:
    options = {"dpi": stated} if stated else {}
    path = put(tmp_path, "a", saved(scans.page(size=(1654, 2339)), kind, **options))
    found = images.load(path, 0, OPTIONS)
    assert found.dpi_assumed
    assert found.dpi_x == found.dpi_y == pytest.approx(200, abs=1)


def test_a_faxs_two_resolutions_are_kept(tmp_path: Path) -> None:
    path = put(tmp_path, "a.tif", saved(scans.page(size=(1728, 1143)).convert("1"), "TIFF", dpi=(204, 98)))
    found = images.load(path, 0, OPTIONS)
    assert (round(found.dpi_x), round(found.dpi_y), found.dpi_assumed) == (204, 98, False)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3), (2, 0), (77, 0)])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_the_turn_a_file_states_is_a_hint_and_the_pixels_stay_as_stored(
    tmp_path: Path, kind: str, orientation: int, turns: int
) -> None:
    page = scans.page()
    exif = Image.Exif()
    exif[274] = orientation
    options = {"exif": exif} if kind == "JPEG" else {"tiffinfo": {274: orientation}}
    found = images.load(put(tmp_path, "a", saved(page, kind, **options)), 0, OPTIONS)
    assert found.turn_hint == turns
    assert found.pixels.shape == (page.height, page.width)


@pytest.mark.parametrize("turns", [0, 90, 180, 270])
def test_a_pdf_pages_own_turn_is_a_hint(tmp_path: Path, turns: int) -> None:
    path = scans.save(scans.page(), tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.Rotate = turns
        pdf.save(path)
    assert images.load(path, 0, OPTIONS).turn_hint == turns // 90


def test_when_and_with_what_it_was_scanned_is_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "Xưởng", "S200", "2026:03:02 07:30:00"
    found = probe(put(tmp_path, "a.jpg", saved(scans.page(), "JPEG", exif=exif)))
    assert found.scanned_at == "2026-03-02T07:30:00"
    assert found.device is not None
    assert found.device.endswith("S200")
    path = scans.save(scans.page(), tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.docinfo["/CreationDate"], pdf.docinfo["/Producer"] = "D:20260302073000+07'00'", "Máy quét"
        pdf.save(path)
    assert (probe(path).scanned_at, probe(path).device) == ("2026-03-02T07:30:00+07:00", "Máy quét")


@pytest.mark.parametrize("stated", ["", "hôm qua", "0000:00:00 00:00:00", "2026:13:45 99:99:99", "\0\0"])
def test_a_time_that_is_none_says_nothing(tmp_path: Path, stated: str) -> None:
    exif = Image.Exif()
    exif[306] = stated
    assert probe(put(tmp_path, "a.jpg", saved(scans.page(), "JPEG", exif=exif))).scanned_at is None


# --- what is refused, and why


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_without_bytes_is_empty(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(EmptyFile):
        probe(put(tmp_path, f"a{suffix}", b""))


@pytest.mark.parametrize(
    "start",
    [
        b"PK\x03\x04" + b"word/document.xml %PDF-1.7",
        b"Quy\xe1\xba\xbft \xc4\x91\xe1\xbb\x8bnh, to\xc3\xa0n v\xc4\x83n",
        b"<html>%PDF-1.4</html>",
        b"GIF89a",
        b"BM" + b"\0" * 60,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"MZ\x90\0 %PDF-1.7",
        b"\0" * 2000,
        b"\xff\xd8",
        b"x",
    ],
)
def test_other_files_are_told_whatever_they_are_called(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(WrongType):
        probe(put(tmp_path, "quyet-dinh.pdf", start))


def test_a_pdf_header_after_a_few_stray_bytes_is_a_pdf(tmp_path: Path) -> None:
    whole = scans.save(scans.page(), tmp_path / "a.pdf").read_bytes()
    assert probe(put(tmp_path, "b.pdf", b"\r\n\r\n" + whole)).media_type == "application/pdf"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.98])
def test_a_file_cut_short_is_truncated(tmp_path: Path, suffix: str, share: float) -> None:
    whole = scans.save(scans.page(), tmp_path / f"a{suffix}").read_bytes()
    with pytest.raises(Truncated):
        probe(put(tmp_path, f"b{suffix}", whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_is_always_a_reason_and_never_another_error(tmp_path: Path, suffix: str) -> None:
    whole = scans.save_all([scans.page()], tmp_path / f"a{suffix}").read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(60):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 8):
            damaged[at] = rng.integers(0, 256)
        path = put(tmp_path, f"b{suffix}", bytes(damaged))
        try:
            captures = probe(path).captures
            for capture in captures:
                images.load(path, capture.index, OPTIONS)
        except (InputRejected, PageUndecodable):
            continue


def test_a_users_password_is_needed_and_an_owners_is_not(tmp_path: Path) -> None:
    plain = scans.save(scans.page(), tmp_path / "a.pdf")
    with pytest.raises(PasswordNeeded):
        probe(scans.encrypted(plain, tmp_path / "b.pdf", user="mật"))
    open_to_all = scans.encrypted(plain, tmp_path / "c.pdf")
    assert probe(open_to_all).owner_locked
    assert not probe(plain).owner_locked
    assert np.array_equal(images.load(open_to_all, 0, OPTIONS).pixels, images.load(plain, 0, OPTIONS).pixels)


@pytest.mark.parametrize("count", [5001, 1_000_000, 2**31 - 1])
def test_a_million_claimed_pages_are_not_counted(tmp_path: Path, count: int) -> None:
    started = time.process_time()
    with pytest.raises(TooManyPages):
        probe(put(tmp_path, "a.pdf", scans.pdf_claiming_pages(count)))
    assert time.process_time() - started < 1


def tree_bomb(levels: int, width: int) -> bytes:
    """Few objects, many pages: each level's node names the one below several times."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    node = pdf.make_indirect(pdf.pages[0].obj)
    for _ in range(levels):
        node = pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Pages, Kids=pikepdf.Array([node] * width), Count=1)
        )
    pdf.Root.Pages = node
    packed = io.BytesIO()
    pdf.save(packed)
    return packed.getvalue()


def test_a_page_tree_that_multiplies_itself_is_stopped(tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises((TooManyPages, Truncated)):
        probe(put(tmp_path, "a.pdf", tree_bomb(levels=12, width=10)))
    assert time.process_time() - started < 5


def looping(depth: int) -> bytes:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    root = pdf.Root.Pages
    inner = root
    for _ in range(depth):
        below = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Pages, Kids=pikepdf.Array(), Count=1))
        inner.Kids = pikepdf.Array([below])
        inner = below
    inner.Kids = pikepdf.Array([root])
    packed = io.BytesIO()
    pdf.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize("depth", [0, 1, 5, 100])
def test_a_page_tree_that_comes_back_to_itself_is_broken(tmp_path: Path, depth: int) -> None:
    with pytest.raises(Truncated):
        probe(put(tmp_path, "a.pdf", looping(depth)))


def test_a_jpeg_2000_whose_header_states_another_size_is_broken(tmp_path: Path) -> None:
    whole = bytearray(scans.save(scans.page(), tmp_path / "a.jp2").read_bytes())
    at = whole.index(b"ihdr") + 4
    whole[at : at + 8] = (100).to_bytes(4) + (100).to_bytes(4)
    with pytest.raises(Truncated, match="another size"):
        probe(put(tmp_path, "b.jp2", bytes(whole)))


def jp2_claiming(width: int, height: int) -> bytes:
    whole = bytearray(saved(scans.blank(), "JPEG2000"))
    at = whole.index(b"ihdr") + 4
    whole[at : at + 8] = height.to_bytes(4) + width.to_bytes(4)
    return bytes(whole)


def test_tiff_directories_in_a_loop_are_broken(tmp_path: Path) -> None:
    whole = bytearray(scans.save_all([scans.page(), scans.page()], tmp_path / "a.tif").read_bytes())
    first = int.from_bytes(whole[4:8], "little")
    entries = int.from_bytes(whole[first : first + 2], "little")
    link = first + 2 + 12 * entries
    whole[link : link + 4] = first.to_bytes(4, "little")
    with pytest.raises(Truncated, match="loop"):
        probe(put(tmp_path, "b.tif", bytes(whole)))


def test_a_file_of_too_many_images_is_refused(tmp_path: Path) -> None:
    few = ReadingOptions(page_limit=2)
    for suffix in (".tif", ".pdf"):
        path = scans.save_all([scans.blank()] * 3, tmp_path / f"a{suffix}")
        with pytest.raises(TooManyPages):
            images.probe(path, few)


def jpeg_claiming(width: int, height: int) -> bytes:
    whole = bytearray(saved(scans.blank(), "JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = min(height, 65_535).to_bytes(2) + min(width, 65_535).to_bytes(2)
    return bytes(whole)


def tiff_claiming(width: int, height: int) -> bytes:
    """A group 4 TIFF of one strip with a few bytes whose directory claims any size."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    whole = saved(Image.new("1", (64, 64), 1), "TIFF", compression="group4", tiffinfo=info)
    directory = bytearray(whole)
    start = int.from_bytes(whole[4:8], "little")
    for entry in range(int.from_bytes(whole[start : start + 2], "little")):
        at = start + 2 + 12 * entry
        tag = int.from_bytes(whole[at : at + 2], "little")
        if tag in (256, 257):
            size = width if tag == 256 else height
            directory[at : at + 12] = (
                tag.to_bytes(2, "little")
                + (4).to_bytes(2, "little")
                + (1).to_bytes(4, "little")
                + size.to_bytes(4, "little")
            )
    return bytes(directory)


def pdf_claiming(width: int, height: int) -> bytes:
    pdf = pikepdf.new()
    image = pikepdf.Stream(pdf, zlib.compress(b"\0" * 1000))
    image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    image.Width, image.Height, image.BitsPerComponent = width, height, 8
    image.ColorSpace, image.Filter = pikepdf.Name.DeviceGray, pikepdf.Name.FlateDecode
    page = pdf.add_blank_page(page_size=(595, 842))
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
    page.obj.Contents = pikepdf.Stream(pdf, b"q 595 0 0 842 0 0 cm /I Do Q")
    packed = io.BytesIO()
    pdf.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    "claiming", [scans.png_claiming, jpeg_claiming, jp2_claiming, tiff_claiming, pdf_claiming]
)
def test_too_many_pixels_are_refused_before_anything_is_decoded(
    tmp_path: Path, claiming: Callable[[int, int], bytes]
) -> None:
    started = time.process_time()
    with pytest.raises(TooManyPixels):
        probe(put(tmp_path, "a", claiming(*HUGE)))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "claiming", [scans.png_claiming, jpeg_claiming, jp2_claiming, tiff_claiming, pdf_claiming]
)
def test_a_page_of_fewer_bytes_than_its_size_needs_is_no_blank_page(
    tmp_path: Path, claiming: Callable[[int, int], bytes]
) -> None:
    path = put(tmp_path, "a", claiming(3000, 4000))
    with pytest.raises((PageUndecodable, InputRejected)):
        images.load(path, probe(path).captures[0].index, OPTIONS)


def test_an_image_that_inflates_beyond_its_size_is_refused(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    image = pikepdf.Stream(pdf, zlib.compress(b"\0" * (64 << 20)))
    image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    image.Width, image.Height, image.BitsPerComponent = 100, 100, 8
    image.ColorSpace, image.Filter = pikepdf.Name.DeviceGray, pikepdf.Name.FlateDecode
    page = pdf.add_blank_page(page_size=(595, 842))
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
    page.obj.Contents = pikepdf.Stream(pdf, b"q 595 0 0 842 0 0 cm /I Do Q")
    pdf.save(tmp_path / "a.pdf")
    with pytest.raises(TooManyPixels, match="inflates"):
        images.load(tmp_path / "a.pdf", 0, OPTIONS)


def test_a_content_stream_that_is_a_bomb_is_not_inflated(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    bomb = pikepdf.Stream(pdf, zlib.compress(zlib.compress(b" " * (256 << 20))))
    bomb.Filter = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
    single = pikepdf.Stream(pdf, zlib.compress(b" " * (64 << 20)))
    single.Filter = pikepdf.Name.FlateDecode
    page.obj.Contents = single
    pdf.save(tmp_path / "a.pdf", compress_streams=False)
    started = time.process_time()
    (capture,) = probe(tmp_path / "a.pdf").captures
    assert time.process_time() - started < 2
    assert not capture.single_image


# --- stored pixels


def test_pixels_come_out_as_stored(tmp_path: Path) -> None:
    page = scans.page()
    for suffix in (".png", ".tif"):
        found = images.load(scans.save(page, tmp_path / f"a{suffix}"), 0, OPTIONS).pixels
        wanted = np.asarray(page) if suffix == ".png" else np.where(np.asarray(page) > 128, 255, 0)
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("inverted", [False, True])
def test_black_stays_black_whichever_way_a_bitonal_tiff_counts(tmp_path: Path, inverted: bool) -> None:
    page = scans.page().point(lambda v: 255 * (v > 128)).convert("1")
    path = put(tmp_path, "a.tif", saved(page, "TIFF", tiffinfo={262: 1 if inverted else 0}, compression="group4"))
    assert images.load(path, 0, OPTIONS).pixels.mean() > 200


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (100, 140), (0, 0, 0, 0))
    layer.paste((0, 0, 0, 255), (10, 10, 40, 40))
    found = images.load(put(tmp_path, "a.png", saved(layer, "PNG")), 0, OPTIONS).pixels
    assert (found[100, 80].tolist(), found[20, 20].tolist()) == ([255] * 3, [0] * 3)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.asarray(scans.page(), np.uint16) * 257
    found = images.load(put(tmp_path, "a.png", saved(Image.fromarray(deep), "PNG")), 0, OPTIONS).pixels
    assert np.array_equal(found, np.asarray(scans.page()))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("index", [1, -1])
def test_an_image_that_is_not_there_cannot_be_decoded(tmp_path: Path, suffix: str, index: int) -> None:
    path = scans.save(scans.page(), tmp_path / f"a{suffix}")
    with pytest.raises(PageUndecodable):
        images.load(path, index, OPTIONS)


@pytest.mark.parametrize("suffix", [".pdf", ".tif"])
def test_the_asked_page_is_the_one_that_comes(tmp_path: Path, suffix: str) -> None:
    path = scans.save_all([scans.blank(shade=255), scans.page(), scans.blank(shade=255)], tmp_path / f"a{suffix}")
    assert [images.load(path, n, OPTIONS).pixels.min() < 60 for n in range(3)] == [False, True, False]


def test_a_capture_is_the_same_however_often_it_is_looked_at(tmp_path: Path) -> None:
    path = scans.save_all([scans.page(), scans.blank()], tmp_path / "a.pdf")
    first: tuple[CaptureProbe, ...] = probe(path).captures
    assert first == probe(path).captures
