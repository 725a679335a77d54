"""Renditions of every container before veraPDF: image bytes are the input's wherever that is claimed.

What the input's bytes are is found here by other means than ours: a JPEG is its file, a PNG its data chunks, a
TIFF its strip, a PDF its stream.
"""

import hashlib
import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mutants
import pikepdf
import pytest
from PIL import Image

from console.samples.deliver import deliver
from console.samples.plans import PLANS
from console.samples.write import Sample, make_sample, scanned
from judges.verapdf import verapdf
from ocr.images import probe
from ocr.options import ReadingOptions
from ocr.page import Block, Box, CaptureProbe, Line, PageText, Word
from ocr.pdfa.build import build_rendition
from ocr.pdfa.rendition import Rendition

OPTIONS = ReadingOptions()
MADE_AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
MARKS = ((180.0, 25.0), (190.0, 50.0))
SEED = 3
# One of each delivery and colour, from the first plans of the sample papers.
CHOSEN = {f"{p.delivery} {p.colour}": n for n, p in reversed(list(enumerate(PLANS)))}
MORE_EACH, MORE_SHARE = 15_000, 0.02
# What is encoded anew: LZW, JPEG 2000, and what TIFFs hold in several strips, which no stream of a PDF can be.
ANEW = {
    "tiff-lzw",
    "tiff-lzw grey",
    "tiff-lzw colour",
    "jpeg-2000",
    "pdf-jpeg-2000",
    "tiff-jpeg",
    "tiff-jpeg colour",
    "tiff-g4 bitonal",
}


@dataclass(frozen=True)
class Built:
    """A received file and its rendition."""

    received: Path
    out: Path
    facts: Rendition


def text_of(capture: CaptureProbe, words: Sequence[str]) -> PageText:
    """Lay so many words over a page in lines of eight."""
    rows = [words[at : at + 8] for at in range(0, len(words), 8)]
    high, wide = max(2, capture.height_px // (len(rows) + 1)), capture.width_px // 8
    lines = [
        Line(
            tuple(Word(w, w, 0.9, Box(n * wide, row * high, wide - 1, high - 1)) for n, w in enumerate(found)),
            Box(0, row * high, capture.width_px, high - 1),
        )
        for row, found in enumerate(rows)
    ]
    whole = Box(0, 0, capture.width_px, capture.height_px)
    return PageText(
        capture.width_px,
        capture.height_px,
        capture.dpi,
        0,
        0.0,
        (Block("text", tuple(lines), whole),) if lines else (),
    )


def build(received: Path, out: Path, words: Sequence[Sequence[str]]) -> Built:
    """Build the rendition of a file with these words on its pages."""
    found = probe(received, OPTIONS)
    facts = build_rendition(
        received,
        found,
        [text_of(capture, page) for capture, page in zip(found.captures, words, strict=True)],
        out,
        title="Tài liệu",
        made_at=MADE_AT,
        document_id="d",
        mark_sizes=MARKS,
        options=OPTIONS,
    )
    return Built(received, out, facts)


def words_of(sample: Sample) -> list[list[str]]:
    """Return the words on each capture of a sample paper."""
    return [
        sample.printed.texts[c.page_number - 1].split() if c.page_number is not None else []
        for c in sample.captures
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    folder = tmp_path_factory.mktemp("renditions")
    made = {}
    for name, data in mutants.healthy().items():
        received = folder / f"{name}{mutants.CONTAINERS[name][0]}"
        received.write_bytes(data)
        pages = len(probe(received, OPTIONS).captures)
        made[name] = build(received, folder / f"{name}.out.pdf", [["Điều", "1"]] * pages)
    for name, number in CHOSEN.items():
        sample = make_sample(number, SEED)
        received = folder / sample.file
        deliver(scanned(sample, number, SEED), received, sample.plan.delivery)
        made[name] = build(received, folder / f"{number}.out.pdf", words_of(sample))
    return made


def encoded_images(path: Path) -> Iterator[bytes]:
    """Yield the encoded bytes of a file's images, in order, as they may stand in a PDF."""
    if path.suffix == ".pdf":
        with pikepdf.open(path) as pdf:
            for page in pdf.pages:
                (image,) = page.obj.Resources.XObject.values()
                yield image.read_raw_bytes()
    elif path.suffix == ".tif":
        yield from _tiff_images(path)
    elif path.suffix == ".png":
        yield b"".join(_png_data(path.read_bytes()))
    else:
        yield path.read_bytes()


def _tiff_images(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    with Image.open(path) as opened:
        for index in range(opened.n_frames):  # type: ignore[attr-defined] # a TIFF image's own attribute
            opened.seek(index)
            tags: Any = opened.tag_v2  # type: ignore[attr-defined] # a TIFF image's own attribute
            strip = b"".join(data[at : at + length] for at, length in zip(tags[273], tags[279], strict=True))
            # A JPEG in a TIFF keeps its tables apart; together they are the whole JPEG.
            yield strip[:2] + tags[347][2:-2] + strip[2:] if 347 in tags else strip


def _png_data(data: bytes) -> Iterator[bytes]:
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            yield data[at + 8 : at + 8 + length]
        at += length + 12


def archived_images(path: Path) -> list[bytes]:
    """Return the encoded bytes of the image of each page of a rendition."""
    with pikepdf.open(path) as pdf:
        return [page.obj.Resources.XObject["/Im"].read_raw_bytes() for page in pdf.pages]


def test_every_container_and_every_delivery_of_the_sample_papers_is_here(built: dict[str, Built]) -> None:
    assert {plan.delivery for plan in PLANS} == {name.split()[0] for name in CHOSEN}
    assert len(built) == len(mutants.CONTAINERS) + len(CHOSEN)


def test_image_bytes_are_the_inputs_wherever_it_is_said_that_they_passed(built: dict[str, Built]) -> None:
    passed = 0
    for name, one in built.items():
        pairs = itertools.zip_longest(one.facts.rungs, encoded_images(one.received), archived_images(one.out))
        for number, (rung, received, archived) in enumerate(pairs):
            assert (rung == "direct") == (_digest(received) == _digest(archived)), (name, number, rung)
            passed += rung == "direct"
    assert passed >= len(built)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_pdfa_allows_passes_and_only_the_rest_is_encoded_anew(built: dict[str, Built]) -> None:
    for name, one in built.items():
        assert set(one.facts.rungs) == {"re-encoded" if name in ANEW else "direct"}, name


def test_a_rendition_is_hardly_larger_than_what_came_in(built: dict[str, Built]) -> None:
    for name, one in built.items():
        received, pages = one.received.stat().st_size, len(one.facts.rungs)
        most = received * (1 + MORE_SHARE) + MORE_EACH * pages
        assert one.out.stat().st_size <= most, (name, received)


def test_verapdf_finds_every_rendition_valid(built: dict[str, Built]) -> None:
    found = verapdf([one.out for one in built.values()])
    assert {path.name: rules for path, rules in found.items() if rules} == {}
