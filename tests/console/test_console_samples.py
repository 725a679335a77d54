"""Sample scans: what is declared is what is there, and the same seed gives the same bytes."""

import csv
import hashlib
import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from archive.codes import CodeBook, shipped_codes
from console.cli import run
from console.samples.blocks import Block
from console.samples.degrade import scan, turned
from console.samples.deliver import SUFFIXES, Scan, deliver
from console.samples.draw import chance, filled
from console.samples.plans import PLANS, Delivery
from console.samples.write import make_sample, make_samples
from ingest.describe import read_fields
from ingest.manifest import COLUMNS, Manifest, read_manifest
from ingest.secrecy import mark_in
from ocr import images
from ocr import page as read_page
from ocr.options import ReadingOptions
from ocr.page import Box, Colour, Line, PageText, Word
from retention.locks import VIETNAM

MADE = """
import sys
from pathlib import Path
from console.samples.write import make_samples
make_samples(Path(sys.argv[1]), records=int(sys.argv[2]), seed=int(sys.argv[3]))
"""
FEW = 3
SCANNED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOME = 8  # the first of the plans: six kinds of file, a blank back, a turned page, a page with a note


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first records of a seed."""
    folder = tmp_path_factory.mktemp("samples") / "made"
    make_samples(folder, records=SOME, seed=7)
    return folder


@pytest.fixture(scope="module")
def truth(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made / "truth.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
def rows(made: Path) -> list[dict[str, str]]:
    with (made / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def images_in(path: Path) -> int:
    """Count a file's images with other means than the reading room's."""
    if path.suffix == ".pdf":
        with pikepdf.open(path) as pdf:
            return len(pdf.pages)
    with Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))


def lines_of(text: str) -> PageText:
    lines = tuple(
        Line(tuple(Word(word, word, 1.0, Box(0, 0, 1, 1)) for word in line.split()), Box(0, 0, 1, 1))
        for line in text.splitlines()
    )
    return PageText(10, 10, 200, 0, 0.0, (read_page.Block("text", lines, Box(0, 0, 1, 1)),))


def test_another_process_makes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    run = [sys.executable, "-c", MADE, str(tmp_path / "again"), str(FEW), "7"]
    subprocess.run(run, check=True, cwd=Path(__file__).parents[2])
    again = digests(tmp_path / "again")
    first = digests(made)
    scans = {name: digest for name, digest in again.items() if name[:4].isdigit()}
    assert len(scans) == FEW
    assert scans == {name: first[name] for name in scans}
    for text in ("manifest.csv", "truth.jsonl"):
        assert (made / text).read_text("utf-8").startswith((tmp_path / "again" / text).read_text("utf-8"))


def test_another_seed_says_other_things() -> None:
    one, other = make_sample(3, 7), make_sample(3, 8)
    assert one.plan == other.plan
    assert one.paper.fields != other.paper.fields
    assert one.printed.texts != other.printed.texts


def test_the_manifest_declares_as_many_images_as_the_files_hold(made: Path, rows: list[dict[str, str]]) -> None:
    declared = {
        row["file"]: int(row["sheets"]) * int(row["sides"]) + int(row["extra_captures"] or 0) for row in rows
    }
    assert declared == {file: images_in(made / file) for file in declared}
    assert {path.name for path in made.iterdir()} == {*declared, "manifest.csv", "truth.jsonl"}


def test_the_truth_describes_every_image_as_it_is_stored(made: Path, truth: list[dict[str, Any]]) -> None:
    for line in truth:
        probe = images.probe(made / line["file"], ReadingOptions())
        stored = [(round(c.dpi), c.colour, c.width_px > c.height_px, c.native_text) for c in probe.captures]
        stated = [(p["dpi"], p["colour"], p["quarter_turns"] % 2 == 1, False) for p in line["pages"]]
        assert stated == stored, line["file"]


def test_every_image_decodes_and_blank_ones_have_no_ink(made: Path, truth: list[dict[str, Any]]) -> None:
    for line in truth:
        for index, page in enumerate(line["pages"]):
            pixels = images.load(made / line["file"], index, ReadingOptions()).pixels
            dark = float((pixels.reshape(pixels.shape[0], pixels.shape[1], -1).min(axis=2) < 110).mean())
            assert dark < 0.001 if page["blank"] else 0.005 < dark < 0.25, (line["file"], index, dark)
            assert page["blank"] == (page["text"] == "")


CARRIED: list[tuple[Delivery, Colour]] = [
    *((delivery, colour) for delivery in ("pdf", "tiff-lzw", "png") for colour in ("bitonal", "grey", "colour")),
    *((delivery, colour) for delivery in ("jpeg", "tiff-jpeg") for colour in ("grey", "colour")),
    ("tiff-g4", "bitonal"),
]


@pytest.mark.parametrize(("delivery", "colour"), CARRIED)
def test_pixels_come_back_as_they_were_delivered(delivery: Delivery, colour: Colour, tmp_path: Path) -> None:
    page = np.full((160, 120, 3) if colour == "colour" else (160, 120), 255, np.uint8)
    page[40:80, 16:48] = 0
    path = tmp_path / f"a{SUFFIXES[delivery]}"
    deliver(Scan([page], 200, colour, 90, SCANNED_AT), path, delivery)
    probe = images.probe(path, ReadingOptions())
    back = images.load(path, 0, ReadingOptions()).pixels
    assert (colour, 200) == (probe.captures[0].colour, round(probe.captures[0].dpi))
    assert np.abs(back.astype(int) - page).mean() < 2


def test_viewers_show_group_4_pages_black_on_white(tmp_path: Path) -> None:
    page = np.full((160, 120), 255, np.uint8)
    page[40:80, 16:48] = 0
    deliver(Scan([page], 200, "bitonal", 90, SCANNED_AT), tmp_path / "a.pdf", "pdf")
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    shown = document[0].render(scale=200 / 72).to_numpy()
    document.close()
    assert shown[60, 30].max() < 50
    assert shown[10, 10].min() > 200


def test_twenty_records_hold_every_kind_of_paper_and_scan() -> None:
    assert {plan.kind for plan in PLANS} == {"decision", "licence", "certificate", "letter", "notice"}
    assert {plan.delivery for plan in PLANS} == {"pdf", "tiff-g4", "tiff-lzw", "tiff-jpeg", "jpeg", "png"}
    assert {plan.colour for plan in PLANS} == {"colour", "grey", "bitonal"}
    assert {plan.dpi for plan in PLANS} == {150, 200, 300}
    assert {turns for plan in PLANS for turns in plan.turned.values()} == {1, 2, 3}
    assert {plan.wear for plan in PLANS} == {"clean", "typical", "poor"}
    blanks = [plan for plan in PLANS if plan.sides == 2 and sum(plan.pages) % 2]
    assert 2 <= len(blanks) <= len(PLANS) // 3
    assert all(sum(plan.pages) == 1 for plan in PLANS if plan.delivery in ("jpeg", "png"))


def test_a_round_of_plans_has_as_many_pages_as_a_demonstration_can_read() -> None:
    captures = [len(make_sample(index, 11).captures) for index in range(len(PLANS))]
    assert 45 <= sum(captures) <= 50


@pytest.mark.parametrize("seed", [-3, 2**70])
def test_pages_come_out_as_planned_whatever_the_seed(seed: int) -> None:
    for index, plan in enumerate(PLANS[:FEW]):
        assert sum(plan.pages) == len(make_sample(index, seed).printed.texts)


def test_texts_are_nfc_and_in_reading_order(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        for page in line["pages"]:
            assert unicodedata.is_normalized("NFC", page["text"])
        text = "\n".join(page["text"] for page in line["pages"])
        number = f"Số: {line['fields']['code_number']}/{line['fields']['code_notation']}"
        left, right = text.index(number), text.index("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        assert left < right < text.index("Nơi nhận:") < text.index(line["fields"]["signer"], right)


def test_the_first_page_says_what_the_fields_say(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        read = {f.name: f.normalised for f in read_fields(lines_of(line["pages"][0]["text"]))}
        names = ("code_number", "code_notation", "issued_on")
        assert read == {name: line["fields"][name] for name in names}, line["file"]


def test_intake_understands_every_value(made: Path, now: datetime) -> None:
    book = CodeBook(shipped_codes())

    def resolve(system: str, name: str) -> str | None:
        found = book.find(system, name, now.date())
        return found.value if found else None

    assert list(_problems(read_manifest(made / "manifest.csv", resolve))) == []


def _problems(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for row in manifest.rows:
        yield from ((row.file, f.name, f.raw) for f in row.fields if f.problem)
        if row.secrecy:
            yield row.file, "secrecy", row.secrecy
        if row.holder and (row.holder.type is None or row.holder.scheme not in ("cccd", "tax-code")):
            yield row.file, "holder", str(row.holder.id)


def test_the_declaration_is_true_but_not_complete(truth: list[dict[str, Any]], rows: list[dict[str, str]]) -> None:
    assert list(rows[0]) == list(COLUMNS)
    plain = ("dossier_code", "code_number", "code_notation", "issuing_body", "subject", "signer", "holder_name")
    for line, row in zip(truth, rows, strict=True):
        assert all(row[name] in ("", line["fields"][name]) for name in plain)
    holders = [bool(row["holder_id"]) for row in rows]
    assert {True, False} == set(holders)
    assert any(not row["procedure_code"] for row in rows)
    assert sum(bool(row["extra_captures"]) for row in rows) == 1


def test_papers_of_one_case_share_their_file(rows: list[dict[str, str]]) -> None:
    codes = [row["dossier_code"] for row in rows]
    shared = {code for code in codes if codes.count(code) > 1}
    assert len(shared) == sum(plan.follows for plan in PLANS[:SOME])
    for code in shared:
        days = {"-".join(reversed(row["closed_on"].split("/"))) for row in rows if row["dossier_code"] == code}
        assert len(days) == 1


def test_nothing_in_a_sample_is_a_mark_of_secrecy(truth: list[dict[str, Any]]) -> None:
    lines = [text for t in truth for page in t["pages"] for text in page["text"].splitlines()]
    assert [text for text in lines if mark_in(text)] == []


def test_persons_and_firms_bear_numbers_no_register_gives_out(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        begins = "099" if line["fields"]["holder_type"] == "person" else "99"
        assert line["fields"]["holder_id"].startswith(begins)


def test_files_say_when_they_were_scanned(made: Path, truth: list[dict[str, Any]]) -> None:
    for line in truth:
        path = made / line["file"]
        stated = images.probe(path, ReadingOptions()).scanned_at
        modified = datetime.fromtimestamp(path.stat().st_mtime, VIETNAM)
        assert stated is None if path.suffix == ".png" else stated is not None and stated[:10] == "2026-03-02"
        assert modified.date().isoformat() == "2026-03-02"


def test_a_folder_with_a_manifest_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file\nmine.pdf\n")
    with pytest.raises(FileExistsError):
        make_samples(tmp_path, records=1, seed=1)
    assert (tmp_path / "manifest.csv").read_text() == "file\nmine.pdf\n"
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.csv"]


def test_the_command_says_which_file_is_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.csv").write_text("file\nmine.pdf\n")
    assert run(["samples", "make", str(tmp_path), "--records", "1"]) == 2
    assert str(tmp_path / "manifest.csv") in capsys.readouterr().err


def test_a_scan_never_replaces_a_file(tmp_path: Path) -> None:
    page = np.full((100, 80), 255, np.uint8)
    made = Scan([page], 150, "grey", 80, SCANNED_AT)
    deliver(made, tmp_path / "a.png", "png")
    with pytest.raises(FileExistsError):
        deliver(made, tmp_path / "a.png", "png")


def test_turning_back_makes_a_page_upright() -> None:
    page = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for turns in range(4):
        assert np.array_equal(np.rot90(turned(page, turns), -turns), page)


def test_the_other_side_shows_through_mirrored() -> None:
    back = np.full((200, 160, 3), 255, np.uint8)
    back[:, :40] = 0
    page = scan(np.full_like(back, 255), back, chance(1), wear="poor", colour="grey", dpi=150)
    assert page[:, 130:150].mean() < page[:, 10:30].mean() - 5


def test_draws_fill_numbers_choices_and_names() -> None:
    said = filled(chance(1), "{5-5} {a|a} {who}", {"who": "ông Tường"})
    assert said == "5 a ông Tường"


def test_a_table_is_read_row_by_row() -> None:
    table = Block("table", ("Số TT", "Mốc"), (("1", "M1"), ("2", "M2")))
    assert table.parts == ("Số TT Mốc", "1 M1", "2 M2")
