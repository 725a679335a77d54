"""What a reader copies out of a rendition is the record's text, once: the page's own where that was kept, and
never the rubbish that lay there."""

import subprocess
from collections import Counter
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
import scans
import score
import typed

from console.samples.write import make_sample
from ocr.engines.port import OcrEngine
from ocr.options import ReadingOptions

OPTIONS = ReadingOptions()
TRUTH = typed.TRUTH


def copied(path: Path) -> list[str]:
    """The words that one program copies out of a file; another copies the same letters."""
    by_poppler = subprocess.run(
        ["pdftotext", "-raw", path, "-"], capture_output=True, check=True, text=True
    ).stdout
    with pypdfium2.PdfDocument(path) as document:
        by_pdfium = " ".join(page.get_textpage().get_text_bounded() for page in document)
    assert Counter("".join(by_poppler.split())) == Counter("".join(by_pdfium.split()))
    return by_poppler.split()


def test_a_kept_text_is_in_the_rendition_once(tmp_path: Path, tesseract: OcrEngine) -> None:
    received = typed.typed(tmp_path / "a.pdf", pages=2)
    rendition, texts = typed.built(received, tmp_path / "out.pdf", tesseract)
    assert rendition.rungs == ("ocrmypdf", "ocrmypdf")
    assert [text.confidence for text in texts] == [1.0, 1.0]
    assert copied(tmp_path / "out.pdf") == TRUTH.split() * 2


def test_so_is_that_of_a_typeset_paper(tmp_path: Path, tesseract: OcrEngine) -> None:
    """Its fonts list their glyphs, which no check knows; without the lists the page is kept."""
    printed = make_sample(0, 7).printed
    whole, received = tmp_path / "whole.pdf", tmp_path / "a.pdf"
    whole.write_bytes(printed.pdf)
    with pikepdf.open(whole) as pdf, pikepdf.new() as first:
        first.pages.append(pdf.pages[0])
        first.save(received)
        assert any("/CIDSet" in one for one in pdf.objects if isinstance(one, pikepdf.Dictionary))
    rendition, _ = typed.built(received, tmp_path / "out.pdf", tesseract)
    assert rendition.rungs == ("ocrmypdf",)
    assert Counter(copied(tmp_path / "out.pdf")) == Counter(printed.texts[0].split())


@pytest.mark.parametrize("turns", [1, 3])
def test_a_page_on_its_side_stands_upright_and_keeps_its_text(
    tmp_path: Path, tesseract: OcrEngine, turns: int
) -> None:
    received = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.turned(turns, 0))
    rendition, _ = typed.built(received, tmp_path / "out.pdf", tesseract)
    assert rendition.rungs == ("ocrmypdf",)
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.pages[0].obj.Rotate == 90 * turns
    assert copied(tmp_path / "out.pdf") == TRUTH.split()


def test_rubbish_is_nowhere_in_the_rendition(tmp_path: Path, tesseract: OcrEngine) -> None:
    received = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.named(typed.tcvn3))
    assert "ViÖt" not in TRUTH
    rendition, texts = typed.built(received, tmp_path / "out.pdf", tesseract)
    assert rendition.rungs == ("raster",)
    words = copied(tmp_path / "out.pdf")
    assert Counter(words) == Counter(texts[0].text.split())
    assert score.cer(" ".join(words), TRUTH) < 0.02


def test_text_that_nobody_sees_is_not_found_in_it(tmp_path: Path, tesseract: OcrEngine) -> None:
    white = "1 g BT /F0 12 Tf 60 300 Td (giau kin) Tj ET"
    received = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.with_content(white))
    typed.built(received, tmp_path / "out.pdf", tesseract)
    assert "giau" not in copied(tmp_path / "out.pdf")


@pytest.mark.parametrize("mode", [3, 7])
def test_neither_is_an_older_hidden_reading(tmp_path: Path, tesseract: OcrEngine, mode: int) -> None:
    received = typed.typed(tmp_path / "a.pdf")
    hidden = f"BT /F1 12 Tf {mode} Tr 60 300 Td <000100020003> Tj ET"
    typed.altered(received, typed.with_content(hidden))

    def without_the_other_font(_: pikepdf.Pdf, page: pikepdf.Page) -> None:
        del page.resources.Font.F0

    typed.altered(received, without_the_other_font)
    typed.built(received, tmp_path / "out.pdf", tesseract)
    assert copied(tmp_path / "out.pdf") == TRUTH.split()


def test_what_was_read_beside_a_kept_text_is_laid_and_that_text_is_not(
    tmp_path: Path, tesseract: OcrEngine
) -> None:
    scanned = ("Phụ lục kèm theo giấy phép", "Tọa độ giếng khoan số một")
    received = typed.typed(tmp_path / "a.pdf")
    picture = scans.page(scanned, size=(990, 250))
    typed.altered(received, typed.with_picture(picture, (60.0, 400.0, 475.0, 120.0)))
    rendition, _ = typed.built(received, tmp_path / "out.pdf", tesseract)
    assert rendition.rungs == ("ocrmypdf",)
    assert Counter(copied(tmp_path / "out.pdf")) == Counter(" ".join((TRUTH, *scanned)).split())


def test_a_page_whose_reading_failed_is_drawn_and_has_no_text(tmp_path: Path) -> None:
    received = typed.typed(tmp_path / "a.pdf")
    rendition = typed.rendered(received, tmp_path / "out.pdf", [None])
    assert rendition.rungs == ("raster",)
    assert copied(tmp_path / "out.pdf") == []
