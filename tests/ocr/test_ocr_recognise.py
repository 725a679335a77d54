"""Reading a page: words over their ink, whichever way it lies; blank only when it is; never an empty page in
place of one that could not be read."""

import json
import math
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
import scans
import score
from PIL import Image, ImageDraw, ImageFont

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawReading, RawWord
from ocr.engines.replay import ReplayEngine, record
from ocr.errors import NotRecorded, PageUnreadable
from ocr.images import StoredImage
from ocr.options import ReadingOptions
from ocr.page import Box, ReadPage
from ocr.recognise import recognise

OPTIONS = ReadingOptions()
DPI = 150.0
A4 = (1240, 1754)
SHA = "ab" * 32
LINES = (
    "GIẤY PHÉP KHAI THÁC NƯỚC DƯỚI ĐẤT",
    "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015;",
    "Điều 1. Cho phép khai thác nước dưới đất tại xã Bến Tràm với lưu lượng 120 mét khối",
    "mỗi ngày, trong thời hạn năm năm kể từ ngày ký.",
    "Điều 2. Doanh nghiệp chịu trách nhiệm thực hiện đúng quy định của pháp luật.",
    "Điều 3. Quyết định này có hiệu lực kể từ ngày ký.",
)
TRUTH = " ".join(LINES)


def drawn() -> Image.Image:
    return scans.page(LINES, size=A4)


def read(image: Image.Image, engine: OcrEngine, *, hint: int = 0, dpi: float = DPI) -> ReadPage:
    return recognise(StoredImage(np.asarray(image), dpi, dpi, turn_hint=hint), SHA, engine, OPTIONS)


def test_a_plain_page_is_read_with_its_tones(tesseract: OcrEngine) -> None:
    found = read(drawn(), tesseract)
    assert not found.blank
    assert score.cer(found.page.text, TRUTH) < 0.01
    assert found.page.confidence > 0.9
    assert (found.page.width_px, found.page.height_px, found.page.dpi) == (*A4, DPI)
    assert found.engine["engine"] == "tesseract"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_read_and_its_turns_are_told(tesseract: OcrEngine, turns: int) -> None:
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(drawn()), turns)))
    found = read(lying, tesseract)
    assert found.page.quarter_turns == turns
    assert score.cer(found.page.text, TRUTH) < 0.01
    assert (found.page.width_px, found.page.height_px) == lying.size


def test_what_the_file_says_of_its_turn_saves_a_second_reading(tesseract: OcrEngine) -> None:
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(drawn()), 1)))
    found = read(lying, tesseract, hint=1)
    assert found.page.quarter_turns == 1
    assert len(found.measures["readings"]) == 1


def test_a_wrong_hint_is_put_right(tesseract: OcrEngine) -> None:
    found = read(drawn(), tesseract, hint=2)
    assert found.page.quarter_turns == 0
    assert score.cer(found.page.text, TRUTH) < 0.01


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("tilt", [0.0, 3.0])
def test_word_boxes_lie_on_their_ink_in_the_stored_image(tesseract: OcrEngine, turns: int, tilt: float) -> None:
    page = drawn().rotate(-tilt, resample=Image.Resampling.BICUBIC, fillcolor=255)
    lying = np.ascontiguousarray(np.rot90(np.asarray(page), turns))
    found = recognise(StoredImage(lying, DPI, DPI, turn_hint=turns), SHA, tesseract, OPTIONS)
    assert found.page.skew_deg == pytest.approx(tilt, abs=0.15)
    ink = lying < 128
    covered = np.zeros_like(ink)
    for word in found.page.words:
        box = word.box
        inside = ink[box.y : box.y + box.height, box.x : box.x + box.width]
        assert inside.any(), word
        covered[max(0, box.y - 2) : box.y + box.height + 2, max(0, box.x - 2) : box.x + box.width + 2] = True
    assert (ink & covered).sum() > 0.99 * ink.sum()
    assert covered.mean() < 0.25


def test_lines_and_blocks_are_as_large_as_what_they_hold(tesseract: OcrEngine) -> None:
    for block in read(drawn(), tesseract).page.blocks:
        for part, held in [(block, block.lines), *((line, line.words) for line in block.lines)]:
            assert part.box.x == min(h.box.x for h in held)
            assert part.box.y + part.box.height == max(h.box.y + h.box.height for h in held)


def test_a_noisy_page_is_read_filtered(tesseract: OcrEngine) -> None:
    grain = np.random.default_rng(1).normal(0, 38, (A4[1], A4[0]))
    noisy = Image.fromarray(np.clip(np.asarray(drawn()) * 0.8 + 25 + grain, 0, 255).astype(np.uint8))
    found = read(noisy, tesseract)
    assert found.measures["noise"] > OPTIONS.noise_gate
    assert found.measures["readings"][0]["median"]
    assert score.word_recall(found.page.text, TRUTH) > 0.9


def test_a_doubtful_page_is_read_again_another_way_and_the_better_reading_kept(tesseract: OcrEngine) -> None:
    small = drawn().resize((360, 509)).resize(A4)  # letters too coarse for high confidence
    found = read(small, tesseract)
    readings = found.measures["readings"]
    assert {r["median"] for r in readings} == {False, True}
    assert readings[0]["confidence"] < OPTIONS.reread_below
    kept = readings[found.measures["kept"]]
    worth = [(r["confidence"] - 0.5) * r["words"] for r in readings]
    assert (kept["confidence"] - 0.5) * kept["words"] >= 0.95 * max(worth)


def test_text_under_a_red_seal_is_read_and_a_red_stamp_joins_it(tesseract: OcrEngine) -> None:
    page = np.asarray(scans.red_stamp(drawn(), "MẬT", (900, 900)))
    ring = np.full_like(page, 255)
    cv2.circle(ring, (420, 160), 110, (215, 40, 50), 7)
    found = read(Image.fromarray(np.minimum(page, ring)), tesseract)
    assert score.word_recall(found.page.text, TRUTH) > 0.95
    stamps = [b for b in found.page.blocks if b.kind == "stamp"]
    assert [w.text for b in stamps for line in b.lines for w in line.words] == ["MẬT"]
    assert abs(stamps[0].box.x - 900) < 40
    assert found.measures["stamps"] == 1


RECEIVED = ("CÔNG VĂN ĐẾN", "Số: 0123", "Ngày: 05/6/2020")


def test_a_blue_stamp_struck_over_print_stands_apart_and_the_print_is_read(tesseract: OcrEngine) -> None:
    page = scans.stamped(drawn(), RECEIVED, (330, 70), ink=(40, 60, 170), tilt=0)
    found = read(page, tesseract)
    (stamp,) = [block for block in found.page.blocks if block.kind == "stamp"]
    assert score.cer(" ".join(w.text for line in stamp.lines for w in line.words), " ".join(RECEIVED)) < 0.1
    body = " ".join(w.text for b in found.page.blocks if b is not stamp for line in b.lines for w in line.words)
    assert score.word_recall(body, TRUTH) > 0.95
    assert "ĐẾN" not in body


def test_a_black_stamp_beside_the_print_is_told_by_its_words(tesseract: OcrEngine) -> None:
    found = read(scans.stamped(drawn(), RECEIVED, (800, 1200), ink=(20, 20, 20), tilt=0), tesseract)
    (stamp,) = [block for block in found.page.blocks if block.kind == "stamp"]
    assert [" ".join(w.text for w in line.words) for line in stamp.lines] == list(RECEIVED)


def test_a_page_written_in_red_is_not_lost(tesseract: OcrEngine) -> None:
    grey = np.asarray(drawn())
    red = np.stack([np.full_like(grey, 250), grey, grey], axis=2)
    found = read(Image.fromarray(red), tesseract)
    assert score.word_recall(found.page.text, TRUTH) > 0.95
    assert found.measures["readings"][found.measures["kept"]]["channel"] == "luma"


def faint_back(strength: float) -> Image.Image:
    other = scans.page(LINES * 5, size=A4)
    mirrored = np.asarray(other.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    soft = cv2.GaussianBlur(mirrored, (0, 0), 1.2).astype(np.float32)
    grain = np.random.default_rng(2).normal(0, 4, mirrored.shape)
    return Image.fromarray(np.clip(244 - (255 - soft) * strength + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("strength", [0.04, 0.14, 0.25, 0.5])
def test_a_blank_back_through_which_the_front_shows_gives_no_character(
    tesseract: OcrEngine, strength: float
) -> None:
    found = read(faint_back(strength), tesseract)
    assert found.blank
    assert found.page.is_blank
    assert found.page.text == ""


def test_pale_writing_that_can_be_read_is_no_blank_page(tesseract: OcrEngine) -> None:
    pale = Image.fromarray((246 - (255 - np.asarray(drawn(), np.float32)) * 0.22).astype(np.uint8))
    found = read(pale, tesseract)
    assert found.measures["page"]["writing"] == "doubtful"
    assert score.word_recall(found.page.text, TRUTH) > 0.95


def test_a_clearly_blank_page_is_not_even_read(tesseract: OcrEngine) -> None:
    found = read(Image.new("L", A4, 248), tesseract)
    assert found.blank
    assert found.measures["readings"] == []


@pytest.mark.parametrize("text", ["Trang cuối", "Đã nhận đủ hồ sơ", "- 12 -"])
def test_a_page_with_a_single_short_line_keeps_it(tesseract: OcrEngine, text: str) -> None:
    page = Image.new("L", A4, 250)
    ImageDraw.Draw(page).text((500, 150), text, font=ImageFont.truetype(scans.FONT, 29), fill=20)
    found = read(page, tesseract)
    assert not found.blank
    assert found.page.text.replace(" ", "").strip("-") == text.replace(" ", "").strip("-")


def seal_only() -> Image.Image:
    page = Image.new("RGB", A4, (248, 248, 248))
    pen = ImageDraw.Draw(page)
    pen.ellipse((600, 800, 810, 1010), outline=(220, 60, 70), width=6)
    pen.ellipse((640, 840, 770, 970), outline=(220, 60, 70), width=3)
    return page


def signature_only() -> Image.Image:
    page = Image.new("L", A4, 248)
    along = [(600 + 5 * t, 900 + 40 * math.sin(t / 3) - t) for t in range(45)]
    ImageDraw.Draw(page).line(along, fill=60, width=4)
    return page


@pytest.mark.parametrize(
    "page", [seal_only(), signature_only(), Image.new("L", A4, 4)], ids=["seal", "signature", "black"]
)
def test_a_page_that_bears_something_unreadable_fails_instead_of_being_empty(
    tesseract: OcrEngine, page: Image.Image
) -> None:
    with pytest.raises(PageUnreadable):
        read(page, tesseract)


def replayed(folder: Path, *words: RawWord) -> ReplayEngine:
    box = Box(40, 60, 500, 30)
    reading = RawReading((RawBlock("text", (RawLine(words, box),), box),))
    page = np.full((A4[1], A4[0]), 255, np.uint8)
    record(folder, PreparedPage(page, DPI, SHA), reading)
    return ReplayEngine(folder)


def test_text_is_nfc_and_the_engines_own_form_is_kept_beside_it(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "Điều")
    engine = replayed(
        tmp_path, RawWord(apart, 0.9, Box(40, 60, 70, 30)), RawWord("hoà", 0.9, Box(120, 60, 60, 30))
    )
    words = read(drawn(), engine).page.words
    assert [(w.text, w.raw) for w in words] == [("Điều", apart), ("hoà", "hoà")]


def test_what_xml_cannot_hold_never_enters_a_page(tmp_path: Path) -> None:
    engine = replayed(
        tmp_path,
        RawWord("ph\x00é\x0bp\ufffe", 0.9, Box(40, 60, 70, 30)),
        RawWord("\x07", 0.9, Box(120, 60, 60, 30)),
    )
    assert [(w.text, w.raw) for w in read(drawn(), engine).page.words] == [("phép", "phép")]


@pytest.mark.parametrize(
    "word", [RawWord("Điều", 0.3, Box(40, 60, 70, 30)), RawWord("—|", 0.9, Box(40, 60, 70, 30))]
)
def test_neither_unsure_words_nor_strokes_count_as_having_read_a_page(tmp_path: Path, word: RawWord) -> None:
    with pytest.raises(PageUnreadable):
        read(drawn(), replayed(tmp_path, word))


def test_a_page_nobody_recorded_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded):
        read(drawn(), ReplayEngine(tmp_path))


def test_the_account_of_a_reading_is_json_and_the_same_each_time(tesseract: OcrEngine) -> None:
    first, second = read(drawn(), tesseract), read(drawn(), tesseract)
    assert first == second
    assert json.loads(json.dumps(first.measures)) == first.measures
    assert first.measures["prepared_dpi"] == DPI
    assert first.measures["page"]["writing"] == "present"


class TwoMinds:
    """An engine that reads a page once with syllables that cannot be and once without, as surely both times."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def read(self, page: PreparedPage) -> RawReading:
        if page.layout == "block":
            return RawReading(())
        said = self.texts.pop(0).split()
        height, width = page.image.shape
        step = width // (len(said) + 1)
        words = tuple(RawWord(w, 0.8, Box(step * at + 9, height // 2, step - 9, 20)) for at, w in enumerate(said))
        line = RawLine(words, Box.around(word.box for word in words))
        return RawReading((RawBlock("text", (line,), line.box),))

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        return 0, 1.0

    def describe(self) -> dict[str, object]:
        return {"engine": "two-minds"}

    def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize("first", ["Điều nầỵm tỗc", "Điều này tóc"])
def test_of_two_readings_the_one_whose_syllables_can_be_is_kept(first: str) -> None:
    other = {"Điều nầỵm tỗc": "Điều này tóc", "Điều này tóc": "Điều nầỵm tỗc"}[first]
    assert read(drawn(), TwoMinds(first, other)).page.text == "Điều này tóc"
