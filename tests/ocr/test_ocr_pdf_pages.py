"""What a PDF's page is made of, decided page by page: a scan under a stamp, a banner or an old reading stays a
scan that is read; a page with text of its own does not pass for one."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import scans
from PIL import Image

from ocr import images
from ocr.errors import PageUndecodable, Truncated
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe

OPTIONS = ReadingOptions()
A4 = (595, 842)
FULL = "q 595 0 0 842 0 0 cm /Im0 Do Q"
LONG = "Nội dung văn bản hành chính".encode("ascii", "replace").decode() * 4
PARAGRAPHS = "".join(f"BT /F0 11 Tf 60 {760 - 20 * n} Td ({LONG}) Tj ET\n" for n in range(30))


def image_stream(pdf: pikepdf.Pdf, image: Image.Image) -> pikepdf.Stream:
    packed = io.BytesIO()
    image.save(packed, "JPEG")
    stream = pikepdf.Stream(pdf, packed.getvalue())
    stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    stream.Width, stream.Height = image.size
    stream.ColorSpace = pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB
    stream.BitsPerComponent, stream.Filter = 8, pikepdf.Name.DCTDecode
    return stream


def pdf_of(
    folder: Path, content: str, *, pictures: int = 1, alter: Callable[[pikepdf.Page], None] | None = None
) -> Path:
    """One A4 page with this content; /Im0… are scans, /F0 a font."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=A4)
    named = {f"/Im{n}": image_stream(pdf, scans.page(mark=str(n))) for n in range(pictures)}
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(named), Font=pikepdf.Dictionary(F0=font))
    page.obj.Contents = pikepdf.Stream(pdf, content.encode())
    if alter:
        alter(page)
    path = folder / "a.pdf"
    pdf.save(path)
    return path


def capture(path: Path, index: int = 0) -> CaptureProbe:
    return images.probe(path, OPTIONS).captures[index]


def is_scan(path: Path) -> bool:
    found = capture(path)
    loaded = images.load(path, 0, OPTIONS)
    assert loaded.pixels.shape[:2] == (found.height_px, found.width_px)
    if found.single_image:
        assert (found.width_px, found.height_px) == scans.SIZE
        assert not found.native_text
    return found.single_image


def test_a_scan_alone_is_a_single_image(tmp_path: Path) -> None:
    assert is_scan(pdf_of(tmp_path, FULL))


def test_a_portals_banner_of_text_over_a_scan_does_not_make_it_born_digital(tmp_path: Path) -> None:
    banner = (
        "BT /F0 8 Tf 380 800 Td (Nguoi ky: Cong thong tin dien tu Chinh phu) Tj 0 -10 Td (Co quan: VPCP) Tj ET"
    )
    assert is_scan(pdf_of(tmp_path, f"{FULL} {banner}"))


def test_neither_do_a_few_words_spread_over_the_whole_page(tmp_path: Path) -> None:
    spread = "BT /F0 9 Tf 30 820 Td (DEN) Tj 0 -800 Td (Trang 1) Tj ET BT /F0 9 Tf 500 30 Td (So den 15) Tj ET"
    assert is_scan(pdf_of(tmp_path, f"{FULL} {spread}"))


def test_a_small_picture_of_a_stamp_over_a_scan_does_not_either(tmp_path: Path) -> None:
    assert is_scan(pdf_of(tmp_path, f"{FULL} q 120 0 0 60 400 760 cm /Im1 Do Q", pictures=2))


def annotated(page: pikepdf.Page) -> None:
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.FreeText,
        Rect=[100, 700, 500, 800],
        Contents="Ky boi VPCP " * 60,
    )
    page.obj.Annots = pikepdf.Array([note])


def test_an_annotation_however_long_is_not_the_pages_text(tmp_path: Path) -> None:
    assert is_scan(pdf_of(tmp_path, FULL, alter=annotated))


@pytest.mark.parametrize("mode", [3, 7])
def test_an_invisible_layer_of_an_earlier_reading_is_not_the_pages_text(tmp_path: Path, mode: int) -> None:
    hidden = PARAGRAPHS.replace("Tf", f"Tf {mode} Tr")
    assert is_scan(pdf_of(tmp_path, f"{FULL}\n{hidden}"))


def test_neither_is_a_visible_layer_that_the_scan_covers(tmp_path: Path) -> None:
    assert is_scan(pdf_of(tmp_path, f"{PARAGRAPHS}{FULL}"))


def test_text_over_a_scan_that_fills_the_page_is_its_own(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, f"{FULL}\n{PARAGRAPHS}")
    assert not is_scan(path)
    assert capture(path).native_text


def test_a_typed_page_without_any_scan_has_native_text(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, PARAGRAPHS, pictures=0)
    assert not is_scan(path)
    assert capture(path).native_text


def test_even_one_typed_word_counts_where_there_is_no_scan(tmp_path: Path) -> None:
    assert capture(pdf_of(tmp_path, "BT /F0 11 Tf 60 700 Td (GIAY) Tj ET", pictures=0)).native_text


def test_text_in_a_form_is_found_as_well(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, "/Fm0 Do", pictures=0)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        form = pikepdf.Stream(pdf, PARAGRAPHS.encode())
        form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array([0, 0, *A4])
        form.Resources = pdf.pages[0].obj.Resources
        pdf.pages[0].obj.Resources.XObject.Fm0 = form
        pdf.save(path)
    assert capture(path).native_text


def test_pages_are_judged_one_by_one(tmp_path: Path) -> None:
    scanned, typed = pdf_of(tmp_path, FULL), tmp_path / "b.pdf"
    (tmp_path / "b").mkdir()
    other = pdf_of(tmp_path / "b", PARAGRAPHS, pictures=0)
    with pikepdf.open(scanned) as first, pikepdf.open(other) as second:
        first.pages.extend(second.pages)
        first.save(typed)
    found = images.probe(typed, OPTIONS).captures
    assert [(one.single_image, one.native_text) for one in found] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "content",
    [
        "q 595 0 0 421 0 0 cm /Im0 Do Q q 595 0 0 421 0 421 cm /Im1 Do Q",
        f"{FULL} {FULL.replace('Im0', 'Im1')}",
        f"{FULL} q 300 0 0 300 100 100 cm /Im1 Do Q",
        "q 300 0 0 420 100 200 cm /Im0 Do Q",
        "q 0.8 0.2 -0.2 0.8 60 0 cm 595 0 0 842 0 0 cm /Im0 Do Q",
        "q -595 0 0 842 595 0 cm /Im0 Do Q",
        "0 0 0 rg 100 100 200 200 re f",
        "",
    ],
    ids=["halves", "two-over-each-other", "large-inset", "small", "oblique", "mirrored", "vector", "nothing"],
)
def test_what_is_not_one_straight_image_is_drawn_instead(tmp_path: Path, content: str) -> None:
    path = pdf_of(tmp_path, content, pictures=2)
    found = capture(path)
    assert not found.single_image
    assert not found.native_text
    assert found.dpi == OPTIONS.raster_dpi
    assert (found.width_px, found.height_px) == (1653, 2339)
    assert images.load(path, 0, OPTIONS).pixels.shape[:2] == (2339, 1653)


@pytest.mark.parametrize(
    ("content", "turns"),
    [
        (FULL, 0),
        ("q 0 842 -595 0 595 0 cm /Im0 Do Q", 3),
        ("q -595 0 0 -842 595 842 cm /Im0 Do Q", 2),
        ("q 0 -842 595 0 0 842 cm /Im0 Do Q", 1),
    ],
)
@pytest.mark.parametrize("rotate", [0, 90])
def test_an_image_laid_on_its_side_tells_how_to_turn_it(
    tmp_path: Path, content: str, turns: int, rotate: int
) -> None:
    path = pdf_of(tmp_path, content, alter=lambda page: setattr(page.obj, "Rotate", rotate))
    assert capture(path).single_image
    assert images.load(path, 0, OPTIONS).turn_hint == (turns + rotate // 90) % 4


def test_the_resolution_is_that_on_paper(tmp_path: Path) -> None:
    assert capture(pdf_of(tmp_path, FULL)).dpi == pytest.approx(scans.SIZE[0] / 595 * 72)
    doubled = pdf_of(tmp_path, FULL, alter=lambda page: setattr(page.obj, "UserUnit", 2))
    assert capture(doubled).dpi == pytest.approx(scans.SIZE[0] / 595 * 36)


def test_an_image_with_a_mask_is_drawn(tmp_path: Path) -> None:
    def masked(page: pikepdf.Page) -> None:
        image = page.obj.Resources.XObject.Im0
        image.SMask = page.obj.Resources.XObject.Im1

    assert not is_scan(pdf_of(tmp_path, FULL, pictures=2, alter=masked))


def test_only_the_crop_box_counts(tmp_path: Path) -> None:
    def cropped(page: pikepdf.Page) -> None:
        page.obj.CropBox = pikepdf.Array([0, 0, 300, 421])

    path = pdf_of(tmp_path, "q 300 0 0 421 0 0 cm /Im0 Do Q", alter=cropped)
    assert is_scan(path)


@pytest.mark.parametrize("content", ["q q q (unfinished", "BT /F0 x Tf ET", "\0\1\2 Do", "/Nowhere Do"])
def test_content_nobody_understands_is_drawn_and_never_a_crash(tmp_path: Path, content: str) -> None:
    path = pdf_of(tmp_path, content)
    assert not capture(path).single_image
    assert images.load(path, 0, OPTIONS).pixels.size


def test_a_drawn_page_shows_what_is_on_it_but_not_its_annotations(tmp_path: Path) -> None:
    black = "0 0 0 rg 0 421 595 421 re f"
    drawn = images.load(pdf_of(tmp_path, black, alter=annotated), 0, OPTIONS).pixels
    assert drawn[:1160].max() == 0
    assert drawn[1180:].min() == 255


def test_a_vast_page_is_drawn_coarser_instead_of_too_large(tmp_path: Path) -> None:
    few = ReadingOptions(raster_pixel_limit=1_000_000)
    path = pdf_of(tmp_path, PARAGRAPHS, pictures=0)
    found = images.probe(path, few).captures[0]
    assert found.width_px * found.height_px <= 1_005_000
    assert found.dpi < 110
    assert images.load(path, 0, few).pixels.shape[:2] == (found.height_px, found.width_px)


def test_an_image_that_cannot_be_drawn_is_no_blank_page(tmp_path: Path) -> None:
    def broken(page: pikepdf.Page) -> None:
        image = page.obj.Resources.XObject.Im0
        image.write(b"\xff\xd8\xff\xe0 nothing", filter=pikepdf.Name.DCTDecode)

    path = pdf_of(tmp_path, "q 300 0 0 420 100 200 cm /Im0 Do Q", alter=broken)
    with pytest.raises(PageUndecodable):
        images.load(path, 0, OPTIONS)


def test_an_image_without_a_size_is_no_scan_and_no_crash(tmp_path: Path) -> None:
    def sizeless(page: pikepdf.Page) -> None:
        del page.obj.Resources.XObject.Im0.Width

    assert not capture(pdf_of(tmp_path, FULL, alter=sizeless)).single_image


def test_a_drawn_pages_digest_follows_all_it_is_made_of(tmp_path: Path) -> None:
    first = capture(pdf_of(tmp_path, PARAGRAPHS)).sha256
    assert capture(pdf_of(tmp_path, PARAGRAPHS)).sha256 == first
    assert capture(pdf_of(tmp_path, PARAGRAPHS.replace("dung", "Dung"))).sha256 != first
    assert capture(pdf_of(tmp_path, PARAGRAPHS, pictures=2)).sha256 != first


def test_the_drawn_raster_is_the_page_at_200_dpi(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, "0 0 0 rg 72 72 72 72 re f")
    rows, columns = np.nonzero(images.load(path, 0, OPTIONS).pixels < 128)
    assert (np.ptp(columns), np.ptp(rows)) == pytest.approx((200, 200), abs=1)
    assert columns.min() == pytest.approx(200, abs=1)


def _resources_of_the_wrong_kind(page: pikepdf.Page) -> None:
    page.obj.Resources = pikepdf.Array([1, 2])


def _box_of_the_wrong_kind(page: pikepdf.Page) -> None:
    page.obj.MediaBox = pikepdf.Name.Large


def _content_that_says_it_is_a_picture(page: pikepdf.Page) -> None:
    page.obj.Contents.Filter = pikepdf.Name.JBIG2Decode


@pytest.mark.parametrize(
    "alter", [_resources_of_the_wrong_kind, _box_of_the_wrong_kind, _content_that_says_it_is_a_picture]
)
def test_a_page_whose_parts_are_of_the_wrong_kind_is_drawn_and_never_a_crash(
    tmp_path: Path, alter: Callable[[pikepdf.Page], None]
) -> None:
    path = pdf_of(tmp_path, PARAGRAPHS, alter=alter)
    assert not capture(path).single_image


def test_a_name_that_is_no_text_is_digested(tmp_path: Path) -> None:
    path = pdf_of(tmp_path, PARAGRAPHS)
    path.write_bytes(path.read_bytes().replace(b"/Im0", b"/\xf5m0"))
    assert not capture(path).single_image


@pytest.mark.parametrize(("height", "single"), [(300, True), (0.01, False)])
def test_a_scan_squeezed_beyond_any_fax_is_drawn(tmp_path: Path, height: float, single: bool) -> None:
    def flat(page: pikepdf.Page) -> None:
        page.obj.MediaBox = pikepdf.Array([0, 0, 595, max(1, height)])

    path = pdf_of(tmp_path, f"q 595 0 0 {max(1, height)} 0 0 cm /Im0 Do Q", alter=flat)
    assert capture(path).single_image is single


def test_a_page_that_is_a_stream_is_no_page(tmp_path: Path) -> None:
    pdf = pikepdf.open(pdf_of(tmp_path, FULL))
    pdf.Root.Pages.Kids = pikepdf.Array([pdf.make_stream(b"q Q", Type=pikepdf.Name.Page)])
    pdf.save(tmp_path / "b.pdf")
    with pytest.raises(Truncated):
        images.probe(tmp_path / "b.pdf", OPTIONS)
