"""Files made to harm their reader, through its jail: bombs, loops and vast claims end typed and in time.

What is told from headers alone is in test_ocr_images; here is what has to be opened to be found out.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import mutants
import pikepdf
import pytest
import scans

from ocr.jail.limits import MIB, JailLimits
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader

SHORT = ReadingOptions(page_seconds=15.0, seconds_per_megapixel=0.5, probe_seconds=15.0)
IN_TIME = 60.0  # seconds for any one act
SIZE = mutants.SIZE


def _bomb(megabytes: int = 700) -> bytes:
    """So many megabytes of zeros, deflated: one block over and over."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = (megabytes * MIB % 65521) << 16 | 1  # the Adler sum of zeros
    return b"\x78\xda" + block * megabytes + b"\x03\x00" + check.to_bytes(4, "big")


def _deflated_twice() -> bytes:
    twice = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
    return mutants.pdf_of([(zlib.compress(_bomb()), {**mutants.GREY, "Filter": twice})])


def _metadata() -> bytes:
    return _altered(
        lambda pdf: setattr(
            pdf.Root,
            "Metadata",
            pdf.make_indirect(pikepdf.Stream(pdf, _bomb(), Filter=pikepdf.Name.FlateDecode)),
        )
    )


def _colour_profile() -> bytes:
    def put(pdf: pikepdf.Pdf) -> None:
        profile = pikepdf.Stream(pdf, _bomb(), N=3, Filter=pikepdf.Name.FlateDecode)
        image = pdf.pages[0].obj.Resources.XObject.I
        image.ColorSpace = pikepdf.Array([pikepdf.Name.ICCBased, pdf.make_indirect(profile)])

    return _altered(put)


def _altered(put: Callable[[pikepdf.Pdf], None]) -> bytes:
    """A sound PDF of one page with something put into it."""
    packed = io.BytesIO()
    with pikepdf.open(io.BytesIO(mutants.healthy_of("pdf-fax"))) as pdf:
        put(pdf)
        pdf.save(packed, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return packed.getvalue()


def _forms_that_paint_each_other() -> bytes:
    def put(pdf: pikepdf.Pdf) -> None:
        one, two = (pikepdf.Stream(pdf, b"q /F Do /F Do Q", Subtype=pikepdf.Name.Form) for _ in range(2))
        one, two = pdf.make_indirect(one), pdf.make_indirect(two)
        for form, other in ((one, two), (two, one)):
            form.BBox = pikepdf.Array([0, 0, 600, 800])
            form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(F=other))
        page = pdf.pages[0].obj
        page.Resources.XObject.F = one
        page.Contents = pikepdf.Stream(pdf, b"/F Do")

    return _altered(put)


def _forms_that_multiply() -> bytes:
    """Each form paints the next one ten times: a thousand million pictures after nine."""

    def put(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0].obj
        last = page.Resources.XObject.I
        for _ in range(9):
            form = pikepdf.Stream(pdf, b"/N Do " * 10, Subtype=pikepdf.Name.Form)
            form.BBox = pikepdf.Array([0, 0, 600, 800])
            form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(N=last))
            last = pdf.make_indirect(form)
        page.Resources.XObject.F = last
        page.Contents = pikepdf.Stream(pdf, b"/F Do")

    return _altered(put)


def _million_operators() -> bytes:
    return _altered(
        lambda pdf: setattr(pdf.pages[0].obj, "Contents", pikepdf.Stream(pdf, b"q 1 0 0 1 0 0 cm " * 10**6))
    )


def _deep_arrays() -> bytes:
    return _altered(
        lambda pdf: setattr(
            pdf.pages[0].obj, "Contents", pikepdf.Stream(pdf, b"[" * 10**6 + b"]" * 10**6 + b" TJ")
        )
    )


def _vast_page() -> bytes:
    def put(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0].obj
        page.MediaBox = pikepdf.Array([0, 0, 10**9, 10**9])
        page.UserUnit = 1000

    return _altered(put)


def _jbig2_of_another_size() -> bytes:
    """A dictionary that tells a small image of a stream whose own header tells a vast one."""
    data = bytearray(mutants.jbig2(mutants.page_of("x", "1")))
    data[11:19] = (60_000).to_bytes(4, "big") * 2
    return mutants.pdf_of([(bytes(data), {**mutants.BITONAL, "Filter": pikepdf.Name.JBIG2Decode})])


def _jpeg_2000_of_another_size() -> bytes:
    packed = io.BytesIO()
    mutants.page_of("x", "L").save(packed, "JPEG2000")
    data = bytearray(packed.getvalue())
    siz = data.index(b"\xff\x51")
    data[siz + 6 : siz + 14] = (60_000).to_bytes(4, "big") * 2
    return mutants.pdf_of([(bytes(data), {**mutants.GREY, "Filter": pikepdf.Name.JPXDecode})])


def _fax_of_other_columns() -> bytes:
    entries = mutants.fax_entries((60_000, 60_000))
    return mutants.pdf_of([(mutants.group_4(mutants.page_of("x", "1")), entries)])


def _png_with_a_text_bomb() -> bytes:
    sound = mutants.healthy_of("png")
    body = b"Comment\0\0" + _bomb()
    chunk = len(body).to_bytes(4, "big") + b"zTXt" + body + zlib.crc32(b"zTXt" + body).to_bytes(4, "big")
    return sound[:33] + chunk + sound[33:]


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "an image deflated twice": (".pdf", _deflated_twice),
    "metadata that inflate without end": (".pdf", _metadata),
    "a colour profile that inflates without end": (".pdf", _colour_profile),
    "forms that paint each other": (".pdf", _forms_that_paint_each_other),
    "forms that multiply": (".pdf", _forms_that_multiply),
    "a million operators": (".pdf", _million_operators),
    "arrays in arrays": (".pdf", _deep_arrays),
    "a vast page": (".pdf", _vast_page),
    "JBIG2 of another size": (".pdf", _jbig2_of_another_size),
    "JPEG 2000 of another size": (".pdf", _jpeg_2000_of_another_size),
    "fax of other columns": (".pdf", _fax_of_other_columns),
    "PNG with a text bomb": (".png", _png_with_a_text_bomb),
}


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Path]]:
    scratch = tmp_path_factory.mktemp("scratch")
    with Jail(scratch, limits=JailLimits(resident_bytes=500 * MIB)) as jail:
        yield Reader(jail, "tesseract:?lang=vie", SHORT), scratch


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_ends_typed_in_time_and_the_next_is_read(
    kind: str, cell: tuple[Reader, Path], tmp_path: Path
) -> None:
    reader, scratch = cell
    suffix, make = HOSTILE[kind]
    received = tmp_path / f"hostile{suffix}"
    received.write_bytes(make())
    found = mutants.outcome_of(reader, received, scratch / "out.pdf")
    print(kind, found)
    assert found.slowest < IN_TIME
    assert not any(mutants.UNFORESEEN.search(said) for said in found.words), found
    assert list(scratch.iterdir()) == []
    sound = scans.save(scans.page(), tmp_path / "sound.pdf")
    assert reader.probe(sound).captures[0].width_px == scans.SIZE[0]
