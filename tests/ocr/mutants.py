"""Damaged scans by seed: small scans of every container, one kind of damage each, and how the reader ends.

Equal seeds give equal bytes on every machine that has the same encoders. No mutant is a scan of somebody else: all
of them begin as pages drawn here.
"""

import io
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import scans
from PIL import Image, ImageChops

from ocr.errors import InputRejected, PageFailed, PdfaFailed, ReadingError
from ocr.page import PageText
from ocr.reader import Reader

SIZE = (413, 583)  # A6 at 100 dpi
DPI = 100
MADE_AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
MARKS = ((90.0, 20.0), (90.0, 20.0))
MAGIC_BYTES = 16  # left alone by half of the mutants, or most would be refused at their first bytes
# Numbers at which counts, sizes and offsets go wrong.
EDGES = (0, 1, 2, 3, 7, 8, 16, 32, 255, 256, 4096, 32767, 32768, 65535, 10**6, 2**31 - 1, 2**31, 2**32 - 1)
NAMES = (
    b"/DCTDecode",
    b"/CCITTFaxDecode",
    b"/JBIG2Decode",
    b"/JPXDecode",
    b"/FlateDecode",
    b"/LZWDecode",
    b"/RunLengthDecode",
    b"/ASCII85Decode",
    b"/Crypt",
    b"/DeviceRGB",
    b"/DeviceGray",
    b"/DeviceCMYK",
    b"/Indexed",
    b"/Page",
    b"/Pages",
    b"/Image",
    b"/Form",
)
_NUMBER = re.compile(rb"(?<![\w.])-?\d{1,10}(?![\w])")
_NAME = re.compile(rb"/(?:" + b"|".join(name[1:] for name in NAMES) + rb")\b")
_REFERENCE = re.compile(rb"\b\d{1,3} 0 (?=R\b|obj\b)")
# What a Python error that nobody foresaw looks like once it has crossed the jail's pipe.
UNFORESEEN = re.compile(r"\b[A-Za-z]+(?:Error|Exception|Iteration|Exit): ")


def page_of(mark: str, mode: str = "L") -> Image.Image:
    """A page of two words with a mark of its own."""
    image = scans.page(("Điều 1", "Số 15"), mark=mark, size=SIZE)
    return image.point(lambda v: 255 * (v > 128)).convert("1") if mode == "1" else image.convert(mode)


def _encoded(image: Image.Image, kind: str, **settings: Any) -> bytes:
    packed = io.BytesIO()
    image.save(packed, kind, dpi=(DPI, DPI), **settings)
    return packed.getvalue()


def group_4(image: Image.Image) -> bytes:
    """The fax data of a bitonal image, its samples as they are: white is 1, as `fax_entries` says."""
    data = _encoded(image, "TIFF", compression="group4", strip_size=1 << 30)
    with Image.open(io.BytesIO(data)) as opened:
        tags: Any = opened.tag_v2  # type: ignore[attr-defined] # a TIFF image's own attribute
        (offset,), (count,) = tags[273], tags[279]
    return data[offset : offset + count]


def jbig2(image: Image.Image) -> bytes:
    """A JBIG2 page of one generic region, whose bits are coded as group 4 (MMR)."""
    across, down = (side.to_bytes(4, "big") for side in image.size)
    region = across + down + bytes(8) + b"\0" + b"\x01" + group_4(ImageChops.invert(image))
    page = across + down + bytes(8) + b"\0\0\0"
    return b"".join(
        number.to_bytes(4, "big") + kind + b"\0\x01" + len(body).to_bytes(4, "big") + body
        for number, kind, body in ((0, b"\x30", page), (1, b"\x26", region))
    )


def pdf_of(
    images: Sequence[tuple[bytes, Mapping[str, Any]]], *, size: tuple[int, int] = SIZE, **save: Any
) -> bytes:
    """A PDF with one page per encoded image; the entries of their dictionaries beside each."""
    packed = io.BytesIO()
    with pikepdf.new() as pdf:
        width, height = (side / DPI * 72 for side in size)
        for data, entries in images:
            stream = pikepdf.Stream(pdf, data, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
            stream.Width, stream.Height = size
            for key, value in entries.items():
                stream["/" + key] = value
            page = pdf.add_blank_page(page_size=(width, height))
            page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=pdf.make_indirect(stream)))
            page.obj.Contents = pikepdf.Stream(pdf, f"q {width} 0 0 {height} 0 0 cm /I Do Q".encode())
        pdf.save(packed, deterministic_id=True, compress_streams=False, **save)
    return packed.getvalue()


GREY: Mapping[str, Any] = {"ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 8}
COLOUR: Mapping[str, Any] = {"ColorSpace": pikepdf.Name.DeviceRGB, "BitsPerComponent": 8}
BITONAL: Mapping[str, Any] = {"ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 1}


def fax_entries(size: tuple[int, int] = SIZE) -> dict[str, Any]:
    """What a PDF says of group 4 data of this size."""
    parameters = pikepdf.Dictionary(K=-1, Columns=size[0], Rows=size[1], BlackIs1=True)
    return {**BITONAL, "Filter": pikepdf.Name.CCITTFaxDecode, "DecodeParms": parameters}


def _pdf_jpeg() -> bytes:
    pages = [_encoded(page_of(mark), "JPEG", quality=75) for mark in ("a", "b")]
    return pdf_of([(page, {**GREY, "Filter": pikepdf.Name.DCTDecode}) for page in pages])


def _pdf_fax() -> bytes:
    return pdf_of([(group_4(page_of("c", "1")), fax_entries())])


def _pdf_jbig2() -> bytes:
    return pdf_of([(jbig2(page_of("d", "1")), {**BITONAL, "Filter": pikepdf.Name.JBIG2Decode})])


def _jpeg_2000() -> bytes:
    return _encoded(page_of("e", "RGB"), "JPEG2000", irreversible=True, quality_layers=[30])


def _pdf_jpeg_2000() -> bytes:
    return pdf_of([(_jpeg_2000(), {**COLOUR, "Filter": pikepdf.Name.JPXDecode})])


def _pdf_flate() -> bytes:
    """Rows of zlib with object streams: what is damaged in it is seldom an image."""
    whole = pdf_of([(page_of("f").tobytes(), GREY)])
    packed = io.BytesIO()
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return packed.getvalue()


def _tiff(compression: str, mode: str) -> bytes:
    first, *rest = [page_of(mark, mode) for mark in ("g", "h")]
    return _encoded(first, "TIFF", save_all=True, append_images=rest, compression=compression)


CONTAINERS: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "pdf-jpeg": (".pdf", _pdf_jpeg),
    "pdf-fax": (".pdf", _pdf_fax),
    "pdf-jbig2": (".pdf", _pdf_jbig2),
    "pdf-jpeg-2000": (".pdf", _pdf_jpeg_2000),
    "pdf-flate": (".pdf", _pdf_flate),
    "tiff-lzw": (".tif", lambda: _tiff("tiff_lzw", "L")),
    "tiff-fax": (".tif", lambda: _tiff("group4", "1")),
    "tiff-jpeg": (".tif", lambda: _tiff("jpeg", "RGB")),
    "jpeg-2000": (".jp2", _jpeg_2000),
    "jpeg": (".jpg", lambda: _encoded(page_of("i", "RGB"), "JPEG", quality=75)),
    "png": (".png", lambda: _encoded(page_of("k"), "PNG")),
}

Damage = Callable[[random.Random, bytes, bytes], bytes]


def _stretch(chance: random.Random, data: bytes) -> tuple[int, int]:
    length = min(len(data) - 1, int(2 ** chance.uniform(0, 12)))
    least = chance.choice((0, MAGIC_BYTES))
    start = chance.randrange(least, max(least + 1, len(data) - length))
    return start, start + length


def _flipped(chance: random.Random, data: bytes, _: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        found[chance.randrange(chance.choice((0, MAGIC_BYTES)), len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _blanked(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start, end = _stretch(chance, data)
    return data[:start] + bytes([chance.choice((0, 0, 255))]) * (end - start) + data[end:]


def _repeated(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start, end = _stretch(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 1, 16)) + data[end:]


def _deleted(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start, end = _stretch(chance, data)
    return data[:start] + data[end:]


def _inserted(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start, end = _stretch(chance, data)
    return data[:start] + chance.randbytes(end - start) + data[start:]


def _cut(chance: random.Random, data: bytes, _: bytes) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _renumbered(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Change numbers: written ones in a PDF, fields of 1, 2 or 4 bytes near a header in any other."""
    if not data.startswith(b"%PDF"):
        found = bytearray(data)
        for _ in range(chance.choice((1, 1, 3))):
            width = chance.choice((1, 2, 4))
            # A TIFF's directories lie at its end, the headers of the others at their start.
            back = data[:2] in (b"II", b"MM") and chance.random() < 0.8
            at = len(found) - chance.randrange(width, 700) if back else chance.randrange(4, 300)
            order = chance.choice(("little", "big"))
            found[at : at + width] = (chance.choice(EDGES) % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
        return bytes(found)
    return _substituted(chance, data, _NUMBER, lambda old: str(_odd_number(chance, int(old))).encode())


def _odd_number(chance: random.Random, old: int) -> int:
    return chance.choice((*EDGES, -1, -old, old + 1, old - 1, old * 2, old * 1000))


def _renamed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Give a filter, a colour space or a type another name in a PDF; in any other file splice."""
    if not data.startswith(b"%PDF"):
        return _spliced(chance, data, other)
    return _substituted(chance, data, _NAME, lambda _: chance.choice(NAMES))


def _pointed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Let a reference or an object of a PDF be another one; in any other file swap two stretches."""
    if not data.startswith(b"%PDF"):
        return _swapped(chance, data, other)
    return _substituted(chance, data, _REFERENCE, lambda _: b"%d 0 " % chance.randrange(0, 12))


def _substituted(
    chance: random.Random, data: bytes, pattern: re.Pattern[bytes], new: Callable[[bytes], bytes]
) -> bytes:
    found = [match for match in pattern.finditer(data) if match.start() > 8]
    for match in sorted(
        chance.sample(found, min(len(found), chance.choice((1, 1, 2, 4)))), key=_start, reverse=True
    ):
        data = data[: match.start()] + new(match[0]) + data[match.end() :]
    return data


def _start(match: re.Match[bytes]) -> int:
    return match.start()


def _swapped(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start, end = _stretch(chance, data)
    to = chance.randrange(0, len(data) - (end - start))
    first, second = sorted((start, to))
    length = min(end - start, second - first)
    one, two = data[first : first + length], data[second : second + length]
    return data[:first] + two + data[first + length : second] + one + data[second + length :]


def _spliced(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Begin as one file and go on as another; or take a stretch of it."""
    if chance.random() < 0.3:
        return data[: chance.randrange(1, len(data))] + other[chance.randrange(len(other)) :]
    start, end = _stretch(chance, data)
    at = chance.randrange(len(other))
    return data[:start] + other[at : at + end - start] + data[end:]


DAMAGES: Mapping[str, Damage] = {
    "flipped": _flipped,
    "blanked": _blanked,
    "repeated": _repeated,
    "deleted": _deleted,
    "inserted": _inserted,
    "cut": _cut,
    "renumbered": _renumbered,
    "renamed": _renamed,
    "pointed": _pointed,
    "swapped": _swapped,
    "spliced": _spliced,
}
# What a header says is where most parsers went wrong, so it comes up more often.
WEIGHTS = {"renumbered": 4, "flipped": 2, "renamed": 2, "pointed": 2}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One damaged scan. name: container, seed and damage, enough to make it again."""

    name: str
    suffix: str
    data: bytes


def mutant(container: str, seed: int, bases: Mapping[str, bytes]) -> Mutant:
    """Return the damaged scan of a container and a seed; bases: the healthy bytes of every container."""
    chance = random.Random(f"{container} {seed}")
    (kind,) = chance.choices(list(DAMAGES), [WEIGHTS.get(kind, 1) for kind in DAMAGES])
    other = bases[chance.choice(list(bases))]
    return Mutant(
        f"{container} {seed} {kind}", CONTAINERS[container][0], DAMAGES[kind](chance, bases[container], other)
    )


def healthy_of(container: str) -> bytes:
    """Return the undamaged scan of one container."""
    return CONTAINERS[container][1]()


def healthy() -> dict[str, bytes]:
    """Return the undamaged scan of every container."""
    return {name: make() for name, (_, make) in CONTAINERS.items()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the reader ended with a file. told: "accepted", or the slugs it gave; words: the messages with them.

    slowest: seconds of the longest act.
    """

    told: tuple[str, ...]
    words: tuple[str, ...]
    slowest: float

    @property
    def verdict(self) -> str:
        """What became of the file: accepted, accepted though pages failed, refused, or not built."""
        if self.told == ("accepted",):
            return "accepted"
        return "pages failed" if self.told[-1] == "accepted" else "refused" if len(self.told) == 1 else "not built"


class _Timed:
    def __init__(self) -> None:
        self.slowest = 0.0

    def __call__(self, act: Callable[[], Any]) -> Any:
        started = time.monotonic()
        try:
            return act()
        finally:
            self.slowest = max(self.slowest, time.monotonic() - started)


def outcome_of(reader: Reader, received: Path, out: Path) -> Outcome:
    """Look into a file, read every page, list signatures, build; an error that is not typed is raised."""
    told: list[str] = []
    words: list[str] = []
    timed = _Timed()

    def note(error: ReadingError) -> None:
        told.append(error.code)
        words.append(str(error))

    try:
        probe = timed(lambda: reader.probe(received))
    except InputRejected as error:
        note(error)
        return Outcome(tuple(told), tuple(words), timed.slowest)
    texts: list[PageText | None] = []
    for capture in probe.captures:
        try:
            texts.append(timed(lambda capture=capture: reader.read_page(received, capture).page))
        except PageFailed as error:
            note(error)
            texts.append(None)
    if probe.media_type == "application/pdf":
        timed(lambda: reader.signatures(received))
    try:
        timed(
            lambda: reader.build(
                received, probe, texts, out, title="1", made_at=MADE_AT, document_id="d", mark_sizes=MARKS
            )
        )
        told.append("accepted")
    except (PdfaFailed, InputRejected) as error:
        note(error)
        told.append("not-built")
    finally:
        out.unlink(missing_ok=True)
    return Outcome(tuple(told), tuple(words), timed.slowest)
