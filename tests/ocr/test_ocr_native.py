"""Text of a page's own is kept exactly where it is what the page shows, and read by the engine where it is not;
what the page shows beside it is read, what nobody sees is no text of it."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pikepdf
import pytest
import scans
import score
import typed
from PIL import Image

from archive.package.page_texts import engines_told
from console.samples.write import make_sample
from ingest.pages import KeptPage
from ingest.provenance import derivation_of
from ocr import images
from ocr.engines.port import OcrEngine
from ocr.native.lines import turned_box
from ocr.native.measures import kind_of_written
from ocr.native.read import read_native
from ocr.options import ReadingOptions
from ocr.page import Box, ReadPage
from ocr.reader import Reader
from ocr.recognise import recognise
from ocr.vietnamese import bare

OPTIONS = ReadingOptions()
LINES, TRUTH = typed.LINES, typed.TRUTH
UPPER_HALF = (60.0, 400.0, 475.0, 120.0)


def read(path: Path, engine: OcrEngine, index: int = 0) -> ReadPage:
    capture = images.probe(path, OPTIONS).captures[index]
    assert capture.native_text
    return read_native(path, capture, images.load(path, index, OPTIONS), engine, OPTIONS)


def verdict(found: ReadPage) -> str:
    return str(found.measures["text_layer"]["verdict"])


def typeset(path: Path) -> tuple[Path, tuple[str, ...]]:
    printed = make_sample(0, 7).printed
    path.write_bytes(printed.pdf)
    return path, printed.texts


def test_a_born_digital_paper_is_kept_letter_by_letter(tmp_path: Path, reader: Reader) -> None:
    path, texts = typeset(tmp_path / "a.pdf")
    capture = reader.probe(path).captures[0]
    found = reader.read_page(path, capture)
    assert score.cer(found.page.text, texts[0]) == 0
    assert found.page.confidence == 1.0
    assert (found.page.width_px, found.page.height_px, found.page.dpi) == (
        capture.width_px,
        capture.height_px,
        capture.dpi,
    )
    assert found.engine["engine"] == "text-layer"
    assert found.measures["readings"] == []
    told = found.measures["text_layer"]
    assert (told["verdict"], told["nameless"], told["unseen"], told["missed"]) == ("good", 0.0, 0.0, 0)
    assert told["agreed"] > 0.95
    assert told["checked_by"].startswith("tesseract ")
    assert json.loads(json.dumps(found.measures)) == found.measures


def test_a_seals_lettering_comes_last_and_parts_no_column(tmp_path: Path, tesseract: OcrEngine) -> None:
    path, texts = typeset(tmp_path / "a.pdf")
    found = read(path, tesseract, 1)
    assert verdict(found) == "good"
    seal = found.page.blocks[-1]
    assert seal.kind == "other"
    assert "★" in {word.text for line in seal.lines for word in line.words}
    without = " ".join(w.text for b in found.page.blocks[:-1] for line in b.lines for w in line.words)
    assert score.cer(without, texts[1]) == 0


@pytest.mark.parametrize(("turns", "rotate"), [(0, 90), (1, 0), (1, 90), (2, 0), (3, 270)])
def test_a_page_on_its_side_is_read_as_its_letters_stand(
    tmp_path: Path, tesseract: OcrEngine, turns: int, rotate: int
) -> None:
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.turned(turns, rotate))
    found = read(path, tesseract)
    assert verdict(found) == "good"
    assert found.page.quarter_turns == turns
    assert score.cer(found.page.text, TRUTH) == 0
    assert_on_ink(path, found)


def assert_on_ink(path: Path, found: ReadPage) -> None:
    """Every word's box holds ink, and hardly any ink is in none."""
    ink = images.load(path, 0, OPTIONS).pixels < 128
    assert ink.shape == (found.page.height_px, found.page.width_px)
    covered = np.zeros_like(ink)
    for word in found.page.words:
        box = word.box
        part = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
        assert ink[part].any(), word
        covered[part] = True
    assert (ink & covered).sum() > 0.99 * ink.sum()
    assert covered.mean() < 0.2


def test_words_lie_on_their_ink_also_under_a_crop_box_with_an_offset(tmp_path: Path, tesseract: OcrEngine) -> None:
    def cropped(_: pikepdf.Pdf, page: pikepdf.Page) -> None:
        page.obj.CropBox = pikepdf.Array([40, 500, 580, 800])

    path = typed.altered(typed.typed(tmp_path / "a.pdf"), cropped)
    found = read(path, tesseract)
    assert score.cer(found.page.text, TRUTH) == 0
    assert_on_ink(path, found)


def test_what_lies_off_the_page_is_not_its_text(tmp_path: Path, tesseract: OcrEngine) -> None:
    path = typed.altered(
        typed.typed(tmp_path / "a.pdf"), typed.with_content("BT /F0 12 Tf 700 300 Td (mat truoc) Tj ET")
    )
    found = read(path, tesseract)
    assert score.cer(found.page.text, TRUTH) == 0
    assert found.measures["text_layer"]["outside"] == 8


@pytest.mark.parametrize(
    ("letters", "why"),
    [
        (typed.tcvn3, "impossible-words"),
        (typed.shifted, "impossible-words"),
        (bare, "reads-otherwise"),
        (lambda _: "\ue001", "nameless-letters"),
        (lambda _: "\ufffd", "nameless-letters"),
    ],
    ids=["tcvn3", "shifted", "bare", "private-use", "replacement"],
)
def test_letters_named_wrongly_are_seen_and_the_page_is_read(
    tmp_path: Path, tesseract: OcrEngine, letters: Callable[[str], str], why: str
) -> None:
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.named(letters))
    found = read(path, tesseract)
    assert verdict(found) == why
    assert found.engine["engine"] == "tesseract"
    assert score.cer(found.page.text, TRUTH) < 0.02
    assert found.measures["readings"]


def test_a_text_that_lost_its_marks_is_seen_without_the_engine(tmp_path: Path, tesseract: OcrEngine) -> None:
    path, texts = typeset(tmp_path / "a.pdf")
    found = read(typed.altered(path, typed.named(bare)), tesseract)
    assert verdict(found) == "marks-lost"
    assert found.measures["text_layer"]["agreed"] is None
    assert score.word_recall(found.page.text, texts[0]) > 0.95


def test_letters_that_the_file_does_not_name_are_read(tmp_path: Path, tesseract: OcrEngine) -> None:
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.unnamed)
    found = read(path, tesseract)
    assert verdict(found) in ("nameless-letters", "impossible-words")
    assert score.cer(found.page.text, TRUTH) < 0.02


def test_words_that_are_others_than_those_drawn_are_told_by_the_engine(
    tmp_path: Path, tesseract: OcrEngine
) -> None:
    """Letters put for each other so that every word stays one: no rule of spelling sees it."""
    lines = ["ban nam can lam tan man hang lan"] * 6
    swapped = str.maketrans("bnmclth", "cmntbnl")
    path = typed.altered(typed.typed(tmp_path / "a.pdf", lines), typed.named(lambda one: one.translate(swapped)))
    found = read(path, tesseract)
    assert verdict(found) in ("reads-otherwise", "marks-lost")
    assert score.cer(found.page.text, " ".join(lines)) < 0.1


def test_one_word_in_a_font_that_names_its_letters_wrongly_is_enough(tmp_path: Path, tesseract: OcrEngine) -> None:
    """A mark of secrecy in capitals of TCVN3 among right words: kept, it would be missed."""
    path = typed.typed(tmp_path / "a.pdf", ["TUYỆT MẬT", *LINES])
    only_there = {"Ậ": "Ë"}
    typed.altered(path, typed.named(lambda one: only_there.get(one, one)))
    found = read(path, tesseract)
    assert verdict(found) == "reads-otherwise"
    assert found.measures["text_layer"]["kinds"]["impossible"] == 1
    assert "MẬT" in found.page.text.split()


def test_text_in_the_papers_colour_is_not_what_the_page_shows(tmp_path: Path, tesseract: OcrEngine) -> None:
    white = "1 g BT /F0 12 Tf 60 300 Td (mot hai ba bon nam) Tj ET"
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.with_content(white))
    found = read(path, tesseract)
    assert verdict(found) == "unseen-words"
    assert score.cer(found.page.text, TRUTH) < 0.02


@pytest.mark.parametrize("mode", [3, 7])
def test_an_older_reading_laid_invisibly_is_left_out(tmp_path: Path, tesseract: OcrEngine, mode: int) -> None:
    hidden = f"BT /F0 12 Tf {mode} Tr 60 300 Td (GIAY PHEP CU) Tj ET"
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.with_content(hidden))
    found = read(path, tesseract)
    assert score.cer(found.page.text, TRUTH) == 0
    assert found.measures["text_layer"]["hidden"] == 10


def scan(lines: tuple[str, ...], size: tuple[int, int] = (1240, 1754)) -> Image.Image:
    return scans.page(lines, size=size)


def test_text_that_a_scan_covers_is_left_out_and_the_scan_read_beside_a_long_banner(
    tmp_path: Path, tesseract: OcrEngine
) -> None:
    """Longer than any stamp, so the page has text of its own; yet what counts is in the scan."""
    path = typed.typed(tmp_path / "a.pdf", ["van ban cu bi che"] * 3)
    typed.altered(path, typed.with_picture(scan(LINES), (0, 0, *typed.A4)))
    banner = "".join(
        f"BT /F0 9 Tf 60 {420 - 30 * row} Td (Ky boi van phong; ngay ky 19 thang 6 nam 2015) Tj ET\n"
        for row in range(14)
    )
    typed.altered(path, typed.with_content(banner))
    found = read(path, tesseract)
    told = found.measures["text_layer"]
    assert told["covered"] == 3 * len("vanbanbichecu")
    assert "cu" not in found.page.text.split()
    assert found.page.text.count("19 thang 6 nam 2015") == 14
    assert score.word_recall(found.page.text, TRUTH) > 0.95


def test_a_portals_banner_over_a_scan_leaves_it_a_scan(tmp_path: Path) -> None:
    path = scans.save(scan(LINES), tmp_path / "a.pdf")
    banner = "BT /F0 8 Tf 60 560 Td (Nguoi ky: Van phong; thoi gian ky 19.06.2015) Tj ET"
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.Resources.Font = pikepdf.Dictionary()
        pdf.save(path)
    typed.altered(path, typed.with_content(banner))
    capture = images.probe(path, OPTIONS).captures[0]
    assert (capture.single_image, capture.native_text) == (True, False)


def test_what_a_text_does_not_cover_is_read_beside_it(tmp_path: Path, tesseract: OcrEngine) -> None:
    scanned = ("Phụ lục kèm theo giấy phép", "Tọa độ giếng khoan số một")
    path = typed.typed(tmp_path / "a.pdf")
    typed.altered(path, typed.with_picture(scan(scanned, (990, 250)), UPPER_HALF))
    found = read(path, tesseract)
    assert verdict(found) == "good"
    assert found.engine["engine"] == "text-layer+tesseract"
    assert found.engine["models"] == tesseract.describe()["models"]
    assert score.cer(found.page.text, " ".join((*LINES, *scanned))) < 0.01
    own = [word for word in found.page.words if word.confidence == 1.0]
    assert " ".join(word.text for word in own).startswith(TRUTH)
    assert found.measures["words_beside"] == 12
    assert Counter(found.page.text.split()) == Counter(" ".join((*LINES, *scanned)).split())


def test_a_red_stamp_on_a_typed_page_is_read(tmp_path: Path, tesseract: OcrEngine) -> None:
    stamp = scans.red_stamp(Image.new("RGB", (400, 140), "white"), "TUYỆT MẬT", (40, 30))
    path = typed.typed(tmp_path / "a.pdf")
    typed.altered(path, typed.with_picture(stamp, (300, 600, 192, 67)))
    found = read(path, tesseract)
    stamps = [block for block in found.page.blocks if block.kind == "stamp"]
    assert [word.text for block in stamps for line in block.lines for word in line.words] == ["TUYỆT", "MẬT"]
    assert found.page.text.count("MẬT") == 1
    assert found.measures["stamps"] == 1


def test_a_signature_beside_the_text_gives_no_word(tmp_path: Path, tesseract: OcrEngine) -> None:
    stroke = " ".join(f"{300 + 3 * n} {300 + 20 * (-1) ** n} l" for n in range(30))
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.with_content(f"2 w 300 300 m {stroke} S"))
    found = read(path, tesseract)
    assert score.cer(found.page.text, TRUTH) == 0
    assert found.engine["engine"] == "text-layer"


def noted(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
    """An annotation and a filled field, both with an appearance."""
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)

    def shown(text: str) -> pikepdf.Object:
        form = pikepdf.Stream(pdf, f"BT /F0 12 Tf 2 5 Td ({text}) Tj ET".encode())
        form.Type, form.Subtype, form.BBox = (
            pikepdf.Name.XObject,
            pikepdf.Name.Form,
            pikepdf.Array([0, 0, 200, 20]),
        )
        form.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F0=font))
        return pdf.make_indirect(form)

    note = {"Subtype": pikepdf.Name.FreeText, "Rect": [60, 300, 260, 320], "Contents": "ghi chu"}
    field = {
        "Subtype": pikepdf.Name.Widget,
        "FT": pikepdf.Name.Tx,
        "T": "ten",
        "V": "An",
        "Rect": [60, 200, 260, 220],
    }
    page.obj.Annots = pikepdf.Array(
        pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Annot, F=4, AP=pikepdf.Dictionary(N=shown(text)), **one)
        )
        for text, one in (("ghi chu", note), ("An", field))
    )
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([page.obj.Annots[1]]))


def test_annotations_and_fields_are_no_text_of_the_page(tmp_path: Path, tesseract: OcrEngine) -> None:
    found = read(typed.altered(typed.typed(tmp_path / "a.pdf"), noted), tesseract)
    assert score.cer(found.page.text, TRUTH) == 0


def test_the_letter_that_looks_like_another_is_mended_and_kept_raw(tmp_path: Path, tesseract: OcrEngine) -> None:
    eth = typed.typed(tmp_path / "a.pdf", [line.replace("Đ", "Ð") for line in LINES])
    found = read(eth, tesseract)
    assert verdict(found) == "good"
    assert score.cer(found.page.text, TRUTH) == 0
    assert ("Điều", "Ðiều") in {(word.text, word.raw) for word in found.page.words}


def test_marks_that_stand_by_themselves_become_one_letter(tmp_path: Path, tesseract: OcrEngine) -> None:
    apart = {"ề": "e\u0302\u0300", "ạ": "a\u0323"}
    path = typed.altered(typed.typed(tmp_path / "a.pdf"), typed.named(lambda one: apart.get(one, one)))
    found = read(path, tesseract)
    assert score.cer(found.page.text, TRUTH) == 0
    assert "Điều" in found.page.text


def test_a_file_written_from_the_bottom_is_put_in_rows(tmp_path: Path, tesseract: OcrEngine) -> None:
    path = typed.typed(tmp_path / "a.pdf")

    def upside(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        steps = page.obj.Contents.read_bytes().decode("latin-1")
        head, font, *shown = steps.split("BT ")
        page.obj.Contents = pikepdf.Stream(pdf, "\nBT ".join((head, font, *shown[::-1])).encode("latin-1"))

    found = read(typed.altered(path, upside), tesseract)
    assert found.measures["text_layer"]["sorted_rows"]
    assert score.cer(found.page.text, TRUTH) == 0


def test_a_page_of_plain_words_of_another_language_is_kept(tmp_path: Path, tesseract: OcrEngine) -> None:
    lines = ["This certificate of origin was issued by the chamber of commerce", "in Singapore on 3 March 2020."]
    found = read(typed.typed(tmp_path / "a.pdf", lines), tesseract)
    assert verdict(found) == "good"
    assert score.cer(found.page.text, " ".join(lines)) == 0


def test_a_native_page_costs_less_than_reading_it(tmp_path: Path, tesseract: OcrEngine) -> None:
    path, _ = typeset(tmp_path / "a.pdf")
    capture = images.probe(path, OPTIONS).captures[0]
    image = images.load(path, 0, OPTIONS)

    def cost(act: Callable[[], ReadPage]) -> float:
        started = time.process_time()
        act()
        return time.process_time() - started

    native = cost(lambda: read_native(path, capture, image, tesseract, OPTIONS))
    engine = cost(lambda: recognise(image, capture.sha256, tesseract, OPTIONS))
    assert native < 0.6 * engine


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Điều", "syllable"),
        ("12/GP-BTNMT", "code"),
        ("UBND", "other"),
        ("Singapore", "other"),
        ("2.000,5", "number"),
        ("ViÖt", "impossible"),
        ("xzwvqtk", "impossible"),
        ("&ӝQJ", "impossible"),
        ("-", "other"),
    ],
)
def test_what_a_word_of_a_layer_can_be(word: str, kind: str) -> None:
    assert kind_of_written(word) == kind


def test_boxes_are_turned_and_turned_back() -> None:
    box, size = Box(10, 20, 30, 5), (200, 100)
    assert turned_box(box, 1, size) == Box(75, 10, 5, 30)
    for turns in range(4):
        there = turned_box(box, turns, size)
        assert turned_box(there, -turns, size if turns % 2 == 0 else size[::-1]) == box


def test_a_file_of_typed_and_scanned_pages_tells_of_both_engines(tmp_path: Path, reader: Reader) -> None:
    path, scanned = typed.typed(tmp_path / "a.pdf"), scans.save(scan(LINES), tmp_path / "b.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf, pikepdf.open(scanned) as other:
        pdf.pages.extend(other.pages)
        pdf.pages.append(pdf.pages[0])
        pdf.save(path)
    captures = reader.probe(path).captures
    pages = [KeptPage(one.index, reader.read_page(path, one), None, None) for one in captures]
    desk: Any = SimpleNamespace(reader=reader)
    derivation = derivation_of(desk, pages, {})
    assert [told["engine"] for told in derivation["pages"]] == [0, 1, 0]
    assert ["text_layer" in told["measures"] for told in derivation["pages"]] == [True, False, True]
    own, other_engine = engines_told(derivation)
    assert (own["engine"], own["models"], other_engine["engine"]) == ("text-layer", {}, "tesseract")
    assert own["version"].startswith("pdfium ")
