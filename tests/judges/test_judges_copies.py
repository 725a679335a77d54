"""Copies of pages of every form before strangers: veraPDF, pdfsig, EU DSS, a QR reader and a PDF renderer."""

import io
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import marked_pages
import numpy as np
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from marked_pages import SHEETS
from PIL import Image

from archive.signers.demo import DemoAuthority, make_demo_authority
from archive.signers.file import FileSigner
from judges.dss import dss
from judges.pdfsig import pdfsig
from judges.verapdf import verapdf
from ocr.pdfa.rendition import Rendition
from search_api.copies.stamp import CopyMark, sign_copy

NOW = datetime.now(UTC).replace(microsecond=0)  # the judges look at the clock
DPI, SKEW_DEG, QUALITY = 150, 10, 30
INK_BELOW = 128

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Judged:
    """A copy of one sheet, its rendition, and what its mark says."""

    rendition: Path
    facts: Rendition
    copy: Path
    mark: CopyMark


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    return marked_pages.copies_authority(tmp_path_factory.mktemp("keys") / "keys", now=NOW)


@pytest.fixture(scope="module")
def copies(authority: DemoAuthority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    signer = FileSigner(authority.folder)
    made = {}
    for name, sheet in SHEETS.items():
        folder = tmp_path_factory.mktemp("copy")
        rendition, facts = marked_pages.built(sheet, folder, made_at=NOW)
        content = marked_pages.content_of(facts, folder)
        mark = marked_pages.copy_mark_of(content)
        sign_copy(
            rendition,
            folder / "copy.pdf",
            content=content,
            mark=mark,
            signer=signer,
            signed_at=NOW,
            timestamp_url=None,
        )
        made[name] = Judged(rendition, facts, folder / "copy.pdf", mark)
    return made


@pytest.fixture(params=SHEETS)
def judged(request: pytest.FixtureRequest, copies: dict[str, Judged]) -> Judged:
    return copies[request.param]


def test_verapdf_finds_every_copy_and_its_rendition_valid(copies: dict[str, Judged]) -> None:
    files = [path for one in copies.values() for path in (one.rendition, one.copy)]
    assert {path: rules for path, rules in verapdf(files).items() if rules} == {}


def test_pdfsig_finds_every_copy_valid_trusted_and_signed_as_a_whole(
    copies: dict[str, Judged], authority: DemoAuthority
) -> None:
    for one in copies.values():
        (verdict,) = pdfsig(one.copy, authority.root_der)
        assert (verdict.good, verdict.covers) == (True, True), verdict


def test_dss_passes_every_copy_in_total(copies: dict[str, Judged], authority: DemoAuthority) -> None:
    found = dss([one.copy for one in copies.values()], authority.root_der, authority.root_crl)
    for verdicts in found.values():
        assert [(v.indication, v.format, v.reasons) for v in verdicts] == [
            ("TOTAL_PASSED", "PAdES-BASELINE-B", "")
        ]


def test_dss_passes_no_copy_that_was_changed_or_is_of_another_root(
    copies: dict[str, Judged], authority: DemoAuthority, tmp_path: Path
) -> None:
    one = copies["portrait"]
    body = one.copy.read_bytes()
    place = body.index(b"/MediaBox")
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(body[:place] + b"/MediaBux" + body[place + 9 :])
    (verdict,) = dss([changed], authority.root_der, authority.root_crl)[changed]
    assert (verdict.indication, verdict.sub_indication) == ("TOTAL_FAILED", "HASH_FAILURE")
    other = make_demo_authority(tmp_path / "other", now=NOW, agency_name="Khác")
    (verdict,) = dss([one.copy], other.root_der, other.root_crl)[one.copy]
    assert verdict.indication == "INDETERMINATE"


def test_the_qr_is_read_from_a_skewed_grey_scan_of_150_dpi(judged: Judged) -> None:
    seen = _drawn(judged.copy).rotate(SKEW_DEG, expand=True, fillcolor=255, resample=Image.Resampling.BILINEAR)
    packed = io.BytesIO()
    seen.save(packed, "JPEG", quality=QUALITY)
    found = zxingcpp.read_barcodes(Image.open(packed), formats=zxingcpp.BarcodeFormat.QRCode)
    assert [code.text for code in found] == [judged.mark.url]


def test_mark_and_qr_stand_clear_of_words_ink_and_each_other(judged: Judged) -> None:
    places = _places(judged.copy)
    assert set(places) == {"/Widget", "/Stamp"}
    mark, symbol = places["/Widget"], places["/Stamp"]
    assert not _overlap(mark, symbol)
    words = _words(judged.rendition)
    assert len(words) > 50
    for place in (mark, symbol):
        assert not [box for box in words if _overlap(box, _to_pixels(judged.rendition, place))]
        assert _pixels(judged.rendition, place).min() >= INK_BELOW
    assert _pixels(judged.copy, symbol).min() < 30
    assert _pixels(judged.copy, mark).min() < 90


def test_what_is_drawn_beside_mark_and_qr_is_as_it_was(judged: Judged) -> None:
    before, after = (np.asarray(_drawn(path), dtype=int) for path in (judged.rendition, judged.copy))
    changed = np.abs(before - after) > 2
    for place in _places(judged.copy).values():
        left, top, right, bottom = _to_pixels(judged.copy, place)
        changed[top - 1 : bottom + 1, left - 1 : right + 1] = False
    assert not changed.any()


def test_the_qr_stands_at_the_readers_top_left_and_the_mark_at_the_top_right(judged: Judged) -> None:
    width, height = _drawn(judged.copy).size
    places = {kind: _to_pixels(judged.copy, place) for kind, place in _places(judged.copy).items()}
    for left, top, right, bottom in places.values():
        assert min(left, top) >= 0
        assert (right, bottom) <= (width, height)
    left, top, _, _ = places["/Stamp"]
    assert (left, top) < (width / 10, height / 10)
    _, top, right, _ = places["/Widget"]
    assert (width - right, top) < (width / 10, height / 10)


def _drawn(path: Path) -> Image.Image:
    """Page 1 as its reader sees it, grey."""
    with pypdfium2.PdfDocument(path) as pdf:
        pdf.init_forms()
        return pdf[0].render(scale=DPI / 72, may_draw_forms=True, grayscale=True).to_pil().convert("L")


def _places(path: Path) -> dict[str, Rect]:
    with pikepdf.open(path) as pdf:
        return {str(note.Subtype): _rect(note.Rect) for note in pdf.pages[0].Annots}


def _rect(found: Any) -> Rect:
    x0, y0, x1, y1 = (float(edge) for edge in found)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _words(path: Path) -> list[Rect]:
    """The boxes of all words of page 1's text as poppler finds them, in pixels of the page as drawn."""
    asked = ["pdftotext", "-bbox", "-l", "1", str(path), "-"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    found = re.findall(r'<word xMin="([^"]+)" yMin="([^"]+)" xMax="([^"]+)" yMax="([^"]+)"', told)
    return [tuple(float(edge) * DPI / 72 for edge in box) for box in found]  # type: ignore[misc]


def _to_pixels(path: Path, place: Rect) -> tuple[int, int, int, int]:
    """A rectangle of page 1's user space in pixels of the page as drawn: left, top, right, bottom."""
    with pypdfium2.PdfDocument(path) as pdf:
        page = pdf[0]
        x0, y0, x1, y1 = page.get_mediabox()
        turn = page.get_rotation()
    left, bottom, right, top = place
    upright = {
        0: (left - x0, y1 - top, right - x0, y1 - bottom),
        90: (bottom - y0, left - x0, top - y0, right - x0),
        180: (x1 - right, bottom - y0, x1 - left, top - y0),
        270: (y1 - top, x1 - right, y1 - bottom, x1 - left),
    }[turn]
    a, b, c, d = (edge * DPI / 72 for edge in upright)
    return round(a), round(b), round(c), round(d)


def _pixels(path: Path, place: Rect) -> Any:
    return np.asarray(_drawn(path).crop(_to_pixels(path, place)))
