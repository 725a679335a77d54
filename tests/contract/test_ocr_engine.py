"""What every reader promises, whichever adapter an engine URL names."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import scans

from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine, PreparedPage, RawWord
from ocr.engines.replay import RecordingEngine, ReplayEngine
from ocr.engines.url import parse_engine_url
from ocr.errors import NotRecorded, UnknownEngine

SHA = "cd" * 32
BLANK_SHA = "00" * 32
DPI = 150.0


def upright() -> PreparedPage:
    return PreparedPage(np.asarray(scans.page()), DPI, SHA)


def blank() -> PreparedPage:
    return PreparedPage(np.asarray(scans.blank()), DPI, BLANK_SHA)


def _replay(folder: Path) -> OcrEngine:
    recording = RecordingEngine(open_engine("tesseract:?lang=vie"), folder)
    for page in (upright(), blank()):
        recording.read(page)
    recording.close()
    return open_engine(f"replay:{folder}")


ADAPTERS: dict[str, Callable[[Path], OcrEngine]] = {
    "tesseract": lambda _: open_engine("tesseract:?lang=vie"),
    "pytesseract": lambda _: open_engine("pytesseract:?lang=vie"),
    "replay": _replay,
}


@pytest.fixture(scope="module", params=sorted(ADAPTERS))
def ocr_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OcrEngine]:
    opened = ADAPTERS[request.param](tmp_path_factory.mktemp("engine"))
    yield opened
    opened.close()


def words_of(engine: OcrEngine, page: PreparedPage) -> list[RawWord]:
    return [word for block in engine.read(page).blocks for line in block.lines for word in line.words]


def test_words_come_in_reading_order_with_confidence_from_0_to_1(ocr_engine: OcrEngine) -> None:
    words = words_of(ocr_engine, upright())
    assert " ".join(word.text for word in words) == " ".join(scans.LINES)
    assert all(0.5 < word.confidence <= 1 for word in words)


def test_boxes_hold_the_ink_of_their_words(ocr_engine: OcrEngine) -> None:
    ink = upright().image < 128
    seen = 0
    for word in words_of(ocr_engine, upright()):
        box = word.box
        assert box.x + box.width <= ink.shape[1]
        assert box.y + box.height <= ink.shape[0]
        seen += int(ink[box.y : box.y + box.height, box.x : box.x + box.width].sum())
    assert seen > 0.97 * ink.sum()


def test_lines_lie_in_their_blocks_and_none_is_empty(ocr_engine: OcrEngine) -> None:
    blocks = ocr_engine.read(upright()).blocks
    assert [len(line.words) for block in blocks for line in block.lines] == [
        len(said.split()) for said in scans.LINES
    ]
    for block in blocks:
        assert block.kind == "text"
        for line in block.lines:
            assert block.box.y <= line.box.y
            assert line.box.y + line.box.height <= block.box.y + block.box.height


def test_an_empty_page_gives_no_block(ocr_engine: OcrEngine) -> None:
    assert ocr_engine.read(blank()).blocks == ()


def test_the_same_page_gives_the_same_reading(ocr_engine: OcrEngine) -> None:
    assert ocr_engine.read(upright()) == ocr_engine.read(upright())


def test_an_upright_page_needs_no_turn(ocr_engine: OcrEngine) -> None:
    turns, confidence = ocr_engine.orientation(upright())
    assert turns == 0
    assert 0 <= confidence <= 1


def test_the_page_handed_over_is_left_as_it_was(ocr_engine: OcrEngine) -> None:
    page = upright()
    image = np.array(page.image)
    ocr_engine.read(page)
    assert np.array_equal(page.image, image)


def test_it_says_with_what_it_reads_in_json(ocr_engine: OcrEngine) -> None:
    said = ocr_engine.describe()
    assert said.keys() >= {"engine", "version", "models", "parameters"}
    assert json.loads(json.dumps(said)) == said


LIVE = pytest.mark.parametrize("live", ["tesseract:?lang=vie", "pytesseract:?lang=vie"])


@LIVE
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_told_clockwise_to_upright(live: str, turns: int) -> None:
    lines = [f"{line}, theo quy định của pháp luật về tài nguyên" for line in scans.LINES * 5]
    page = np.asarray(scans.page(lines, size=(1240, 1754)))
    lying = PreparedPage(np.ascontiguousarray(np.rot90(page, turns)), DPI, SHA)
    engine = open_engine(live)
    assert engine.orientation(lying)[0] == turns
    engine.close()


@LIVE
def test_too_little_text_has_no_orientation(live: str) -> None:
    engine = open_engine(live)
    assert engine.orientation(blank()) == (0, 0.0)
    engine.close()


@LIVE
def test_models_are_named_with_their_digests(live: str) -> None:
    engine = open_engine(live)
    models = engine.describe()["models"]
    assert models.keys() == {"vie", "osd"}
    assert all(len(digest) == 64 for digest in models.values())
    engine.close()


def test_library_and_program_read_a_clean_page_alike() -> None:
    read = [[w.text for w in words_of(open_engine(url), upright())] for url in ("tesseract:", "pytesseract:")]
    assert read[0] == read[1]


def test_a_replayed_reading_is_scaled_to_the_page_at_hand(tmp_path: Path) -> None:
    engine = _replay(tmp_path)
    twice = PreparedPage(np.repeat(np.repeat(upright().image, 2, 0), 2, 1), 2 * DPI, SHA)
    for small, large in zip(words_of(engine, upright()), words_of(engine, twice), strict=True):
        assert (large.box.x, large.box.width) == (2 * small.box.x, 2 * small.box.width)


def test_a_page_without_a_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match=SHA):
        ReplayEngine(tmp_path).read(upright())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "magic:",
        "tesseract:/folder",
        "tesseract:?psm=6",
        "tesseract://host",
        "replay:",
        "replay:/a?wait_ms=soon",
        "replay:/a?lang=vie",
        "tesseract:#a",
    ],
)
def test_an_engine_url_that_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(UnknownEngine):
        open_engine(url)


@pytest.mark.parametrize("url", ["tesseract:?lang=zzz", "pytesseract:?lang=vie%2Bzzz"])
def test_a_missing_language_is_told_with_what_to_install(url: str) -> None:
    with pytest.raises(UnknownEngine, match="install the language data"):
        open_engine(url)


def test_an_engine_url_says_what_the_jail_must_lend() -> None:
    parts = parse_engine_url("replay:/ghi%20am?log=/nhat/ky&wait_ms=5")
    assert (parts.readable, parts.writable) == ((Path("/ghi am"),), (Path("/nhat/ky"),))
    assert parse_engine_url("tesseract:").readable == ()
