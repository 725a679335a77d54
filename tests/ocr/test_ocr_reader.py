"""The reader as ingest uses it, through its real jail: what comes back, and what each way of failing becomes."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scans
import score
from PIL import Image

from ocr import images
from ocr.errors import (
    NotRecorded,
    PageOutOfMemory,
    PageTimedOut,
    PageUndecodable,
    PageUnreadable,
    PdfaFailed,
    ProbeFailed,
    Truncated,
    UnknownEngine,
    WrongType,
)
from ocr.jail.limits import MIB, JailLimits
from ocr.jail.parent import Call, Jail
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe
from ocr.reader import Reader

OPTIONS = ReadingOptions()
MADE_AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
MARKS = ((180.0, 25.0), (190.0, 50.0))
TRUTH = " ".join(scans.LINES)


@pytest.fixture(scope="module")
def two_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scans.save_all([scans.page(), scans.blank()], tmp_path_factory.mktemp("scan") / "hai trang.pdf")


def capture_of(path: Path, index: int = 0) -> CaptureProbe:
    return images.probe(path, OPTIONS).captures[index]


@pytest.mark.parametrize("suffix", [".pdf", ".tif", ".jpg", ".jp2", ".png"])
def test_a_page_of_every_kind_is_read(reader: Reader, tmp_path: Path, suffix: str) -> None:
    path = scans.save(scans.page(), tmp_path / f"một trang{suffix}")
    probe = reader.probe(path)
    assert probe == images.probe(path, OPTIONS)
    found = reader.read_page(path, probe.captures[0])
    assert not found.blank
    assert score.cer(found.page.text, TRUTH) < 0.03
    assert (found.page.width_px, found.page.height_px) == scans.SIZE


def test_a_blank_page_comes_back_blank(reader: Reader, two_pages: Path) -> None:
    found = reader.read_page(two_pages, capture_of(two_pages, 1))
    assert found.blank
    assert found.page.is_blank


def test_reading_in_the_jail_gives_the_same_each_time(reader: Reader, two_pages: Path) -> None:
    capture = capture_of(two_pages)
    assert reader.read_page(two_pages, capture) == reader.read_page(two_pages, capture)


def test_a_file_that_is_none_is_refused_with_its_own_reason(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"PK\x03\x04 no scan")
    with pytest.raises(WrongType):
        reader.probe(tmp_path / "a.pdf")
    whole = scans.save(scans.page(), tmp_path / "b.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Truncated):
        reader.probe(tmp_path / "b.jpg")


def test_a_missing_file_is_no_fault_of_a_page(reader: Reader, tmp_path: Path, two_pages: Path) -> None:
    with pytest.raises(FileNotFoundError):
        reader.probe(tmp_path / "không có.pdf")
    with pytest.raises(FileNotFoundError):
        reader.read_page(tmp_path / "không có.pdf", capture_of(two_pages))


def test_a_page_that_cannot_be_opened_any_more_fails_as_undecodable(reader: Reader, tmp_path: Path) -> None:
    path = scans.save(scans.page(), tmp_path / "a.jpg")
    capture = capture_of(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(PageUndecodable, match="truncated"):
        reader.read_page(path, capture)


def test_a_page_with_nothing_readable_fails_as_unreadable(reader: Reader, tmp_path: Path) -> None:
    path = scans.save(Image.new("L", scans.SIZE, 5), tmp_path / "đen.png")
    with pytest.raises(PageUnreadable):
        reader.read_page(path, capture_of(path))


def test_a_failed_page_spoils_no_other(reader: Reader, tmp_path: Path, two_pages: Path) -> None:
    path = scans.save(Image.new("L", scans.SIZE, 5), tmp_path / "đen.png")
    with pytest.raises(PageUnreadable):
        reader.read_page(path, capture_of(path))
    assert score.cer(reader.read_page(two_pages, capture_of(two_pages)).page.text, TRUTH) < 0.03


def test_a_rendition_is_built_from_what_was_read(reader: Reader, scratch: Path, two_pages: Path) -> None:
    probe = reader.probe(two_pages)
    texts = [reader.read_page(two_pages, capture).page for capture in probe.captures]
    out = scratch / "rendition.pdf"
    made = reader.build(
        two_pages, probe, texts, out, title="1", made_at=MADE_AT, document_id="d", mark_sizes=MARKS
    )
    assert (made.length, made.sha256) == (out.stat().st_size, hashlib.sha256(out.read_bytes()).hexdigest())
    assert made.rungs == ("direct", "direct")
    out.unlink()


def test_a_failed_page_is_built_without_words(reader: Reader, scratch: Path, two_pages: Path) -> None:
    probe = reader.probe(two_pages)
    out = scratch / "rendition.pdf"
    made = reader.build(
        two_pages, probe, [None, None], out, title="1", made_at=MADE_AT, document_id="d", mark_sizes=MARKS
    )
    assert len(made.rungs) == 2
    out.unlink()


def test_signatures_of_an_unsigned_pdf_are_none_and_of_no_pdf_a_problem(
    reader: Reader, two_pages: Path, tmp_path: Path
) -> None:
    assert reader.signatures(two_pages) == {"signatures": [], "problem": None}
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 broken")
    found = reader.signatures(tmp_path / "a.pdf")
    assert found["signatures"] == []
    assert found["problem"]


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory, two_pages: Path) -> Iterator[tuple[Reader, Path]]:
    folder = tmp_path_factory.mktemp("recordings")
    log = folder.parent / "replay.log"
    log.touch()
    scans.remember(two_pages, folder, [("Số: 1/QĐ", "Điều 1"), ()])
    jail = Jail(tmp_path_factory.mktemp("scratch"))
    made = Reader(jail, f"replay:{folder}?log={log}", OPTIONS)
    yield made, log
    made.close()


def test_the_replay_engine_reads_by_digest_and_logs_in_the_jail(
    replaying: tuple[Reader, Path], two_pages: Path
) -> None:
    made, log = replaying
    capture = capture_of(two_pages)
    assert made.read_page(two_pages, capture).page.text == "Số: 1/QĐ\nĐiều 1"
    assert set(log.read_text().split()) == {capture.sha256}


def test_a_page_that_was_not_recorded_says_so_and_is_no_failed_page(
    replaying: tuple[Reader, Path], tmp_path: Path
) -> None:
    path = scans.save(scans.page(mark="khác"), tmp_path / "a.png")
    with pytest.raises(NotRecorded):
        replaying[0].read_page(path, capture_of(path))


def slow_reader(tmp_path: Path, two_pages: Path, options: ReadingOptions) -> Reader:
    folder = tmp_path / "recordings"
    scans.remember(two_pages, folder, [("Số: 1/QĐ",), ()])
    (tmp_path / "scratch").mkdir()
    return Reader(Jail(tmp_path / "scratch"), f"replay:{folder}?wait_ms=20000", options)


def test_a_page_that_takes_too_long_times_out(tmp_path: Path, two_pages: Path) -> None:
    options = replace(OPTIONS, page_seconds=0.3, seconds_per_megapixel=0.1)
    made = slow_reader(tmp_path, two_pages, options)
    with pytest.raises(PageTimedOut):
        made.read_page(two_pages, capture_of(two_pages))
    made.close()


def test_the_limit_grows_with_the_pages_pixels(tmp_path: Path, two_pages: Path) -> None:
    options = replace(OPTIONS, page_seconds=0.0, seconds_per_megapixel=0.5)
    made = slow_reader(tmp_path, two_pages, options)
    capture = replace(capture_of(two_pages), width_px=1000, height_px=3000)
    with pytest.raises(PageTimedOut, match="longer than 2 s"):  # 1.5 s, told without decimals
        made.read_page(two_pages, capture)
    made.close()


def test_a_page_decoded_while_another_is_read_is_read_the_same(reader: Reader, tmp_path: Path) -> None:
    path = scans.save_all([scans.page(mark=str(n)) for n in range(3)], tmp_path / "ba trang.pdf")
    captures = reader.probe(path).captures
    alone = [reader.read_page(path, capture) for capture in captures]
    assert [
        reader.read_page(path, capture, following=following)
        for capture, following in zip_longest(captures, captures[1:])
    ] == alone
    reader.read_page(path, captures[0], following=captures[1])
    reader.leave()
    assert reader.read_page(path, captures[2]) == alone[2]


def test_a_page_that_cannot_be_decoded_ahead_fails_at_its_turn(reader: Reader, tmp_path: Path) -> None:
    path = scans.save_all([scans.page(), scans.page(mark="2")], tmp_path / "a.pdf")
    first, second = reader.probe(path).captures
    missing = replace(second, index=7)
    assert not reader.read_page(path, first, following=missing).blank
    with pytest.raises(PageUndecodable):
        reader.read_page(path, missing, following=second)
    assert not reader.read_page(path, second).blank


class Listening(Jail):
    """A jail that notes what is announced to it."""

    announced: list[Call | None]

    def call(self, *arguments: Any, announced: Call | None = None, **named: Any) -> Any:
        """As the jail does."""
        self.announced.append(announced)
        return super().call(*arguments, announced=announced, **named)


def test_a_very_large_page_is_not_decoded_ahead(two_pages: Path, tmp_path: Path) -> None:
    first, second = images.probe(two_pages, OPTIONS).captures
    large = replace(second, width_px=9362, height_px=6622)
    with Listening(tmp_path) as jail:
        jail.announced = []
        listened = Reader(jail, "tesseract:?lang=vie", OPTIONS)
        for following in (second, large, None):
            listened.read_page(two_pages, first, following=following)
        ahead, *others = jail.announced
    assert ahead is not None
    assert others == [None, None]


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Path]]:
    """A jail so small that neither a page nor a probe nor a build fits into it."""
    folder = tmp_path_factory.mktemp("scratch")
    made = Reader(Jail(folder, limits=JailLimits(resident_bytes=MIB)), "tesseract:?lang=vie", OPTIONS)
    yield made, folder
    made.close()


def test_whatever_ends_the_jailed_process_becomes_the_acts_own_failure(
    cramped: tuple[Reader, Path], two_pages: Path
) -> None:
    small, folder = cramped
    big = images.probe(two_pages, OPTIONS)
    with pytest.raises(ProbeFailed, match="page-out-of-memory"):
        small.probe(two_pages)
    with pytest.raises(PageOutOfMemory):
        small.read_page(two_pages, big.captures[0])
    out = folder / "r.pdf"
    with pytest.raises(PdfaFailed, match="page-out-of-memory"):
        small.build(
            two_pages, big, [None, None], out, title="1", made_at=MADE_AT, document_id="d", mark_sizes=MARKS
        )
    found = small.signatures(two_pages)
    assert found["signatures"] == []
    assert found["problem"].startswith("page-out-of-memory: ")


@pytest.mark.parametrize("url", ["nobody:", "tesseract:?langue=vie"])
def test_a_wrong_engine_is_told_before_any_file_is_touched(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnknownEngine):
        Reader(Jail(tmp_path), url, OPTIONS)


def test_a_missing_language_is_an_installation_fault(tmp_path: Path, two_pages: Path) -> None:
    made = Reader(Jail(tmp_path), "tesseract:?lang=zzz", OPTIONS)
    with pytest.raises(UnknownEngine, match="zzz"):
        made.read_page(two_pages, capture_of(two_pages))
    made.close()


def test_a_large_colour_page_is_read_within_the_memory_a_worker_may_take(
    reader: Reader, jail: Jail, tmp_path: Path
) -> None:
    page = scans.page(scans.LINES, size=(2480, 3508))
    grain = np.random.default_rng(1).integers(0, 6, (3508, 2480, 1), np.uint8)
    image = Image.fromarray(np.asarray(page.convert("RGB")) - np.minimum(grain, np.asarray(page)[..., None]))
    path = tmp_path / "màu.jpg"
    image.save(path, quality=85, dpi=(300, 300))
    reader.read_page(path, capture_of(path))
    assert jail.last_usage is not None
    assert jail.last_usage.peak_rss_bytes < 400 * MIB


def test_the_walls_are_named(reader: Reader, jail: Jail) -> None:
    assert reader.jail_mode == jail.mode
