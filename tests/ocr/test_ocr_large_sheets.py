"""Maps and drawings up to A0: whole in the archive, their small print found, within the memory of one worker."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import large_sheets
import numpy as np
import pikepdf
import pytest
from large_sheets import DPI, SIZE
from PIL import Image

from ocr.images import load
from ocr.jail.limits import MIB
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.page import PageText
from ocr.pdfa.rendition import Rendition
from ocr.reader import Reader

OPTIONS = ReadingOptions()
MADE_AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
MARKS = ((180.0, 25.0), (190.0, 50.0))
MOST = 1024 * MIB  # what the call has resident, with what it shares with the process it was forked from
MOST_TO_BUILD = 700 * MIB
FOUND = 0.9  # of the labels, letter for letter with their marks
QUARTER = (SIZE[0] // 2, SIZE[1] // 2)


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    return large_sheets.drawn()


@pytest.fixture(scope="module")
def jpeg(sheet: Image.Image) -> bytes:
    return large_sheets.jpeg_of(sheet)


def build(reader: Reader, received: Path, out: Path, text: PageText | None = None) -> Rendition:
    """Build the rendition of a file of one page."""
    return reader.build(
        received,
        reader.probe(received),
        [text],
        out,
        title="Bản đồ",
        made_at=MADE_AT,
        document_id="d",
        mark_sizes=MARKS,
    )


def peak(jail: Jail) -> int:
    assert jail.last_usage is not None
    return jail.last_usage.peak_rss_bytes


def test_a_map_of_a0_in_a_pdf_passes_whole_with_its_labels_found(
    reader: Reader, jail: Jail, scratch: Path, tmp_path: Path, jpeg: bytes
) -> None:
    received = large_sheets.pdf_of(jpeg, tmp_path / "a0.pdf")
    probe = reader.probe(received)
    page = reader.read_page(received, probe.captures[0]).page
    assert peak(jail) <= MOST
    assert len(large_sheets.found_labels(page.text)) >= FOUND * len(large_sheets.labels())
    assert large_sheets.TITLE in page.text
    out = scratch / "a0-out.pdf"
    made = build(reader, received, out, page)
    assert peak(jail) <= MOST_TO_BUILD
    assert made.rungs == ("direct",)
    assert made.length <= received.stat().st_size * 1.02 + 15_000
    with pikepdf.open(out) as pdf:
        sheet = pdf.pages[0]
        assert sheet.obj.Resources.XObject["/Im"].read_raw_bytes() == jpeg
        assert float(sheet.mediabox[2]) * float(sheet.obj.get("/UserUnit", 1)) == pytest.approx(
            SIZE[0] / DPI * 72, rel=0.001
        )
    out.unlink()


def test_the_words_of_a_large_map_lie_on_their_labels(reader: Reader, tmp_path: Path, sheet: Image.Image) -> None:
    received = tmp_path / "quarter.png"
    sheet.crop((0, 0, *QUARTER)).save(received, dpi=(DPI, DPI))
    page = reader.read_page(received, reader.probe(received).captures[0]).page
    numbers = {word.text: word.box for word in page.words}
    seen = 0
    for label, (x, y) in large_sheets.labels():
        if (box := numbers.get(label.split()[-1])) is not None and x < QUARTER[0] and y < QUARTER[1]:
            assert 0 <= box.x - x <= 300
            assert abs(box.y - y) <= 30
            seen += 1
    assert seen >= 5


def test_a_geotiff_of_a0_is_built_whole_without_loss(
    reader: Reader, jail: Jail, scratch: Path, tmp_path: Path, sheet: Image.Image
) -> None:
    received = large_sheets.geotiff_of(sheet, tmp_path / "a0.tif")
    out = scratch / "a0-tiff-out.pdf"
    made = build(reader, received, out)
    assert peak(jail) <= MOST_TO_BUILD
    assert made.rungs == ("re-encoded",)  # its data is in strips of LZW, which no PDF/A may hold
    found = load(out, 0, replace(OPTIONS, pixel_limit=SIZE[0] * SIZE[1])).pixels
    assert large_sheets.same_pixels(np.asarray(sheet), found)
    out.unlink()


def test_labels_of_six_points_on_a_folded_sheet_are_found(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read at a finer resolution than print of the usual size."""
    monkeypatch.setattr(large_sheets, "LABEL_PX", 16)
    received = tmp_path / "folded.png"
    large_sheets.folded(large_sheets.drawn().crop((0, 0, *QUARTER))).save(received, dpi=(DPI, DPI))
    page = reader.read_page(received, reader.probe(received).captures[0]).page
    assert len(large_sheets.found_labels(page.text)) >= 8  # of nine that lie on this quarter


@pytest.mark.drill
def test_a_geotiff_of_a0_is_read_within_the_memory_of_a_worker(
    reader: Reader, jail: Jail, tmp_path: Path, sheet: Image.Image
) -> None:
    received = large_sheets.geotiff_of(large_sheets.folded(sheet), tmp_path / "a0.tif", compression="jpeg")
    page = reader.read_page(received, reader.probe(received).captures[0]).page
    print(f"\npeak {peak(jail) / 1e6:.0f} MB, {len(large_sheets.found_labels(page.text))} labels found")
    assert peak(jail) <= MOST
    assert len(large_sheets.found_labels(page.text)) >= FOUND * len(large_sheets.labels())
