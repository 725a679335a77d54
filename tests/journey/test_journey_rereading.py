"""A record read again: kept beside its package, switched to and back, found either way, proved by its derivation.

One record is read by the replay engine, whose recordings change as a better model would change what is read; one
more by Tesseract itself.
"""

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import scans
import stack
from home_of_tests import TestHome, write_manifest
from sqlalchemy import select

from archive.database import reading
from archive.log.notes import LogKey
from archive.rebuild.export import differences
from archive.rebuild.vault import rebuild_catalogue
from archive.record import RecordId
from archive.tables.packages import package
from archive.text_deposit import choose_text
from console.home import Home, utc_now
from console.settings import read_settings
from ingest.derivations import run_again
from ingest.errors import RereadingFailed
from ingest.rereader import Rereader
from ingest.rereading import read_again
from ocr.errors import PageTimedOut
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, ReadPage
from ocr.reader import Reader

OLD = ("Số: 15/GP-STNMT", "GIẤY PHÉP", "Điều 1. Cấp phep khai thac nuoc")
BETTER = ("Số: 15/GP-STNMT", "GIẤY PHÉP", "Điều 1. Cấp phép khai thác nước")
SECOND = ("Điều 2. Thời hạn", "năm năm")
FILE = "giay-phep.pdf"


def _deliver(home: TestHome, top: Path, *, sheets: str = "2") -> str:
    home.ask("init")
    write_manifest(
        top / "scans", [{"file": FILE, "sheets": sheets, "code_number": "15", "access_mode": "Công khai"}]
    )
    batch = home.ask("intake", str(top / "scans"))["batch"]
    assert home.run("work", "--until-idle").code == 0
    home.ask("batch", "accept", batch, "--word", "đã đối chiếu")
    return home.record_numbered("15")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestHome, str]:
    """A record of two pages, accepted."""
    top = tmp_path_factory.mktemp("rereading")
    drawn = [scans.page(lines, mark=f"trang {n}") for n, lines in enumerate((BETTER, SECOND), start=1)]
    scans.remember(scans.save_all(drawn, top / "scans" / FILE), top / "recordings", (OLD, SECOND))
    home = TestHome(top / "var", top / "recordings")
    return home, _deliver(home, top)


@pytest.fixture
def kept(delivered: tuple[TestHome, str], tmp_path: Path) -> tuple[TestHome, str]:
    """A home of its own for a test, with its own recordings."""
    home, record = delivered
    assert home.recordings is not None
    shutil.copytree(home.recordings, tmp_path / "recordings")
    copied = home.copy(tmp_path / "var")
    return TestHome(copied.folder, tmp_path / "recordings", copied.settings), record


def _record_again(home: TestHome, pages: Sequence[Sequence[str]]) -> list[str]:
    """Have the replay engine read other words from now on."""
    assert home.recordings is not None
    with reading(home.engine()) as connection:
        row = connection.execute(select(package).where(package.c.kind == "content")).one()
    folder = home.folder.parent / "again"
    folder.mkdir(exist_ok=True)
    with home.store().read(row.object_key, row.version_id) as stream:
        (folder / "package.zip").write_bytes(stream.read())
    shutil.unpack_archive(folder / "package.zip", folder)
    (received,) = folder.glob("*/representations/rep2/data/received/*.pdf")
    return scans.remember(received, home.recordings, pages)


def _found(home: TestHome, words: str) -> bool:
    return bool(home.ask("search", f'"{words}"')["hits"])


def _texts(home: TestHome, record: str) -> list[tuple[int, bool]]:
    return [(one["number"], one["in_force"]) for one in home.ask("record", "texts", record)["readings"]]


def _packages(home: TestHome) -> list[tuple[Any, ...]]:
    with reading(home.engine()) as connection:
        query = select(package.c.number, package.c.about, package.c.state, package.c.version_id, package.c.sha256)
        return [tuple(row) for row in connection.execute(query.order_by(package.c.number))]


class _Failing(Reader):
    """A reader for which some pages, counted from 1, take too long."""

    failing: frozenset[int] = frozenset()

    def read_page(self, path: Path, capture: CaptureProbe, *, following: CaptureProbe | None = None) -> ReadPage:
        """Read a page unless it is one of those."""
        if capture.index + 1 in self.failing:
            raise PageTimedOut("it takes too long")
        return super().read_page(path, capture, following=following)


def _desk(home: TestHome, scratch: Path, *failing: int) -> Rereader:
    opened = Home.open(read_settings(home.folder, home.environment))
    scratch.mkdir(exist_ok=True)

    def reader(options: ReadingOptions) -> Reader:
        made = _Failing(Jail(scratch), opened.settings.ingest.engine_url, options)
        made.failing = frozenset(failing)
        return made

    log = opened.log(scratch)
    return Rereader(opened.engine, opened.store(), log, reader, (), opened.principal, scratch, utc_now)


def test_search_and_text_follow_the_reading_in_force_and_back(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    assert (_found(home, "khai thac nuoc"), _found(home, "Thời hạn")) == (True, True)
    before = _packages(home)
    _record_again(home, (BETTER, SECOND))
    done = home.ask("record", "reread", record)
    assert (done["new"], done["in_force"], done["failed_pages"]) == (True, True, [])
    assert _packages(home)[: len(before)] == before
    assert _found(home, "khai thác nước")
    pages = home.ask("record", "text", record)["pages"]
    assert "Cấp phép khai thác nước" in pages[0]["text"]
    assert "năm năm" in pages[1]["text"]
    own, again = (number for number, _ in _texts(home, record))
    assert again == done["number"]
    assert home.ask("record", "text-use", record, str(own))["changed"]
    assert "phep khai thac nuoc" in home.ask("record", "text", record)["pages"][0]["text"]
    assert _texts(home, record) == [(own, True), (again, False)]
    assert home.ask("record", "text-use", record, str(again))["changed"]
    assert "Cấp phép khai thác nước" in home.ask("record", "text", record)["pages"][0]["text"]
    assert home.faults() == set()


def test_only_the_words_in_force_are_found(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    _record_again(home, (("Điều 1. Nội dung mới zxcvb",), SECOND))
    home.ask("record", "reread", record, "--keep-old")
    assert [_found(home, words) for words in ("khai thac", "zxcvb")] == [True, False]
    again = _texts(home, record)[-1][0]
    for number, expected in ((again, [False, True]), (1, [True, False]), (again, [False, True])):
        home.ask("record", "text-use", record, str(number))
        assert [_found(home, words) for words in ("khai thac", "zxcvb")] == expected
    assert home.faults() == set()


def test_a_reading_that_says_the_same_is_not_kept(kept: tuple[TestHome, str], tmp_path: Path) -> None:
    home, record = kept
    desk = _desk(home, tmp_path / "scratch")

    def read(*lines: str) -> tuple[bool, int, bool]:
        _record_again(home, (lines, SECOND))
        done = read_again(desk, RecordId(record), purpose="thử")
        return done.new, done.number, done.in_force

    before = _packages(home)
    assert read(*OLD) == (False, 1, True)
    assert _packages(home) == before
    new, number, in_force = read(*BETTER)
    assert (new, in_force) == (True, True)
    assert read(*OLD) == (False, 1, True)
    assert _texts(home, record) == [(1, True), (number, False)]
    assert read(*BETTER) == (False, number, True)
    assert len(_packages(home)) == len(before) + 1


def test_a_page_that_fails_keeps_its_text_and_the_reading_says_so(
    kept: tuple[TestHome, str], tmp_path: Path
) -> None:
    home, record = kept
    _record_again(home, (BETTER, ("không đọc được",)))
    desk, scratch = _desk(home, tmp_path / "scratch", 2), tmp_path / "scratch"
    done = read_again(desk, RecordId(record), purpose="thử")
    assert (done.new, done.in_force, done.failed) == (True, True, (2,))
    pages = home.ask("record", "text", record)["pages"]
    assert "khai thác nước" in pages[0]["text"]
    assert (pages[1]["state"], pages[1]["failure"]) == ("read", None)
    assert "năm năm" in pages[1]["text"]
    assert _found(home, "năm năm")
    assert run_again(desk, RecordId(record), done.number, purpose="thử").reproduced
    healthy = run_again(_desk(home, scratch), RecordId(record), done.number, purpose="thử")
    assert (healthy.reproduced, healthy.pages) == (False, (2,))
    sick = run_again(_desk(home, scratch, 1, 2), RecordId(record), done.number, purpose="thử")
    assert (sick.reproduced, sick.pages) == (None, (1,))  # no engine read anything: it could not be compared
    before = _packages(home)
    with pytest.raises(RereadingFailed, match="page-timed-out"):
        read_again(_desk(home, scratch, 1, 2), RecordId(record), purpose="thử")
    assert _packages(home) == before


def test_a_mark_of_secrecy_read_now_stops_it(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    _record_again(home, (("TỐI MẬT", *BETTER), SECOND))
    before = _packages(home)
    refused = home.run("record", "reread", record, "--json")
    assert (refused.code, refused.document["error"]) == (2, "mark-found")
    assert "toi-mat" in refused.document["message"]
    assert _packages(home) == before
    assert home.faults() == set()


def test_the_derivation_reproduces_the_text_hash_or_says_why_not(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    _record_again(home, (BETTER, SECOND))
    number = str(home.ask("record", "reread", record)["number"])
    done = home.ask("record", "reread", record, "--check", number)
    assert (done["reproduced"], done["differs"]) == (True, [])
    assert done["expected_sha256"] == done["found_sha256"]
    own = home.run("record", "reread", record, "--check", "1", "--json")  # its engine reads other words by now
    assert (own.code, own.document["reproduced"], own.document["pages"]) == (3, False, [1])
    slower = TestHome(
        home.folder, None, {**home.settings, "OCR_ENGINE_URL": f"replay:{home.recordings}?wait_ms=1"}
    )
    other = slower.run("record", "reread", record, "--check", number, "--json")
    assert (other.code, other.document["reproduced"]) == (4, None)
    assert other.document["differs"] == ["engine.parameters.wait_ms: 0, 1"]
    assert home.run("record", "reread", record, "--check", "2", "--json").document["error"] == "not-found"
    assert home.run("record", "reread", record, "--check", "1", "--keep-old").code == 2


def test_the_catalogue_made_again_shows_the_same_text(kept: tuple[TestHome, str], tmp_path: Path) -> None:
    home, record = kept
    desk = _desk(home, tmp_path / "scratch")
    numbers = []
    for lines in (BETTER, ("bản ba",)):
        _record_again(home, (lines, SECOND))
        numbers.append(read_again(desk, RecordId(record), purpose="thử").number)
    middle = numbers[0]
    choose_text(desk.engine, desk.log, RecordId(record), middle, principal=desk.principal, at=utc_now())
    desk.log.publish()  # the access stream, too
    (tmp_path / "made").mkdir()
    engine = stack.new_engine(tmp_path / "made")
    key = LogKey.load(home.folder / "keys" / "log.key")
    done = rebuild_catalogue(engine, home.store(), key.verifier, at=utc_now())
    assert (done.adopted, done.problems) == (0, ())
    with reading(home.engine()) as one, reading(engine) as other:
        assert list(differences(one, other)) == []
        chosen = other.execute(select(package.c.text_number).where(package.c.kind == "content")).scalar_one()
    assert chosen == middle


def test_killed_at_every_place_it_ends_as_if_it_had_not_been(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    _record_again(home, (BETTER, SECOND))
    before = len(_packages(home))
    for place in ("supplement-planned", "object-put", "supplement-stored", "text-recorded"):
        assert home.run("record", "reread", record, drill=f"{place}:1").code < 0
    home.ask("record", "reread", record)
    assert [row[2] for row in _packages(home)[before:]] == ["deposited"]
    assert _texts(home, record)[-1][1]
    assert home.faults() == set()


def test_who_may_not_choose_texts_does_not_know_the_record(kept: tuple[TestHome, str]) -> None:
    home, record = kept
    home.ask("principal", "add", "can-bo", "--kind", "officer", "--name", "Cán bộ")
    (unit,) = {one["custodian_unit_id"] for one in [home.ask("record", "show", record)]}
    home.ask("principal", "grant", "can-bo", "officer", unit)
    key = home.ask("principal", "key", "can-bo")["api_key"]
    officer = TestHome(home.folder, home.recordings, {**home.settings, "SOHOA_API_KEY": key})
    assert officer.run("record", "texts", record, "--json").code == 0
    for command in (("reread", record), ("text-use", record, "1"), ("reread", record, "--check", "1")):
        refused = officer.run("record", *command, "--json")
        assert (refused.code, refused.document["error"]) == (2, "not-found")


def test_tesseract_reads_a_record_again_as_it_read_it(tmp_path: Path) -> None:
    drawn = [scans.page(lines, mark=f"trang {n}") for n, lines in enumerate((BETTER, SECOND), start=1)]
    path = scans.save_all(drawn, tmp_path / "scans" / FILE)
    scans.remember(path, tmp_path / "recordings", (OLD, SECOND))
    replayed = TestHome(tmp_path / "var", tmp_path / "recordings")
    record = _deliver(replayed, tmp_path)
    home = TestHome(replayed.folder)  # the same archive, with the real engine
    done = home.ask("record", "reread", record)
    assert (done["new"], done["in_force"]) == (True, True)
    assert "khai thác nước" in home.ask("record", "text", record)["pages"][0]["text"]
    (_, again) = home.ask("record", "texts", record)["readings"]
    assert (again["engines"][0]["engine"], len(again["engines"][0]["models"]["vie"])) == ("tesseract", 64)
    checked = home.ask("record", "reread", record, "--check", str(done["number"]))
    assert (checked["reproduced"], checked["differs"]) == (True, [])
    other = replayed.run("record", "reread", record, "--check", str(done["number"]), "--json")
    assert (other.code, other.document["reproduced"]) == (4, None)
    assert "engine.engine: tesseract, replay" in other.document["differs"]
    assert json.dumps(home.ask("record", "reread", record)).count("false") == 1  # nothing new


def test_running_lines_are_marked_and_marked_again_when_the_derivation_is_run_again(tmp_path: Path) -> None:
    head = "Giấy phép số 15/GP-STNMT"
    pages = [(head, f"Điều {n}. Cấp phép khai thác") for n in (1, 2, 3)]
    drawn = [scans.page(lines, mark=f"trang {n}") for n, lines in enumerate(pages, start=1)]
    scans.remember(scans.save_all(drawn, tmp_path / "scans" / FILE), tmp_path / "recordings", pages)
    home = TestHome(tmp_path / "var", tmp_path / "recordings")
    record = _deliver(home, tmp_path, sheets="3")
    home.ask("record", "export", record, "-o", str(tmp_path / "package.zip"))
    with zipfile.ZipFile(tmp_path / "package.zip") as package:
        documents = [package.read(name).decode() for name in package.namelist() if "/data/text/" in name]
    assert [document.count('LABEL="margin"') for document in documents] == [1, 1, 1]
    assert _found(home, head)  # it is on the paper, and can be found
    checked = home.ask("record", "reread", record, "--check", "1")
    assert (checked["reproduced"], checked["differs"]) == (True, [])
