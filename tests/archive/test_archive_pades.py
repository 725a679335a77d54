"""Signed revisions: bytes kept, PDF/A kept, marks upright, signatures that hold and tampering that shows."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
import typst
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pikepdf import pdfa
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from archive.errors import SigningFailed
from archive.pades.examine import SignaturesUnreadable
from archive.pades.font import FontMissing, find_font
from archive.pades.revision import Revision
from archive.pades.sign import (
    AGENCY_FIELD,
    COPY_FIELD,
    DIGITIZER_FIELD,
    sign_archived_file,
    sign_file,
)
from archive.pades.stamp import Mark, MarkDoesNotFit, MarkPlace, agency_mark, digitizer_mark, mark_size
from archive.pades.validate import facts_of, inspect_in_jail, inspect_signatures, validate_own
from archive.record import SignatureFacts
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner, key_file_name

NOW = datetime(2026, 11, 21, 2, 30, 5, tzinfo=UTC)
DIGITIZER, AGENCY = "digitizer:an", "agency:so-tu-phap"
AGENCY_NAME = "Sở Tư pháp tỉnh Nghệ An"
A4 = (595.0, 842.0)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pades") / "keys"
    authority = make_demo_authority(folder, now=NOW, agency_name=AGENCY_NAME)
    authority.ensure_role(DIGITIZER, "Nguyễn Thị Bích Phương", now=NOW)
    authority.ensure_role(AGENCY, AGENCY_NAME, now=NOW)
    authority.ensure_role("tsa", "Dấu thời gian", now=NOW)
    return folder


@pytest.fixture(scope="module")
def signer(keys: Path) -> FileSigner:
    return FileSigner(keys)


@pytest.fixture(scope="module")
def root(signer: FileSigner) -> x509.Certificate:
    return signer.credential(AGENCY).chain[-1]


@pytest.fixture(scope="module")
def rendition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages with text, from a typesetter: classic cross-reference or streams as it likes."""
    path = tmp_path_factory.mktemp("rendition") / "rendition.pdf"
    text = "#set page(paper: 'a4', margin: 4cm)\n= QUYẾT ĐỊNH\n#lorem(300)\n#pagebreak()\n#lorem(50)".replace(
        "'", '"'
    )
    path.write_bytes(typst.compile(text.encode(), format="pdf", pdf_standards=["a-2b"]))
    return path


def _blank(path: Path, *, rotate: int = 0, **saved: Any) -> Path:
    """An empty PDF/A page, validated by the library that renditions are made with."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=A4)
        pdf.pages[0].Rotate = rotate
        pdfa.save(pdf, path, "2b", **saved)
    return path


def _marks() -> tuple[Mark, Mark]:
    return (
        digitizer_mark(DIGITIZER, name="Nguyễn Thị Bích Phương", scanned_at=NOW - timedelta(hours=1)),
        agency_mark(AGENCY, agency_name=AGENCY_NAME, signed_at=NOW, converter="Đặng Thị Ngọc Ánh"),
    )


def _place(x: float, top: float, width: float, height: float, rotation: Any = 0) -> MarkPlace:
    """A place by its top left corner as the reader of a turned A4 page sees it."""
    w, h = A4
    if rotation == 90:
        return MarkPlace(top, x, top + height, x + width, rotation)
    if rotation == 180:
        return MarkPlace(w - x - width, top, w - x, top + height, rotation)
    if rotation == 270:
        return MarkPlace(w - top - height, h - x - width, w - top, h - x, rotation)
    return MarkPlace(x, h - top - height, x + width, h - top, rotation)


PLACES = (_place(30, 20, 220, 60), _place(345, 20, 220, 80))


def _sign(rendition: Path, out: Path, signer: FileSigner) -> tuple[SignatureFacts, ...]:
    digitizer, agency = _marks()
    return sign_archived_file(
        rendition, out, signer=signer, digitizer=digitizer, agency=agency, places=PLACES, signed_at=NOW
    )


@pytest.fixture(scope="module")
def archived(rendition: Path, signer: FileSigner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("archived") / "archived.pdf"
    _sign(rendition, out, signer)
    return out


def test_the_rendition_is_an_exact_prefix_of_the_archived_file(rendition: Path, archived: Path) -> None:
    before, after = rendition.read_bytes(), archived.read_bytes()

    assert after.startswith(before)
    assert before.endswith(b"%%EOF"), "this writer leaves its last line open"
    assert re.match(rb"\n\d+ 0 obj\n", after[len(before) :]), "so a revision has to begin on a new one"
    assert after[len(before) :].count(b"%%EOF") == 2


def test_both_signatures_state_role_level_and_time(rendition: Path, signer: FileSigner, tmp_path: Path) -> None:
    facts = _sign(rendition, tmp_path / "out.pdf", signer)

    assert [(f.field, f.role) for f in facts] == [(DIGITIZER_FIELD, DIGITIZER), (AGENCY_FIELD, AGENCY)]
    assert {("B-B", NOW, True)} == {(f.level, f.signed_at, f.demo) for f in facts}
    assert [{key: f.validation[key] for key in ("integrity", "trust")} for f in facts] == [
        {"integrity": "intact", "trust": "chained"}
    ] * 2
    assert json.loads(json.dumps(facts[0].validation)) == facts[0].validation


def test_the_archived_file_validates_against_our_root_only(
    archived: Path, root: x509.Certificate, tmp_path: Path
) -> None:
    stranger = make_demo_authority(tmp_path / "keys", now=NOW, agency_name="Khác")
    other_root = x509.load_der_x509_certificate(stranger.root_der.read_bytes())

    assert validate_own(archived, [root]).valid
    assert not validate_own(archived, [other_root]).valid
    assert not validate_own(archived, []).valid


_SIGN_ALONE = """
import sys
from datetime import datetime
from pathlib import Path
from archive.pades.sign import sign_archived_file
from archive.pades.stamp import MarkPlace, agency_mark, digitizer_mark
from archive.signers.file import FileSigner
keys, source, out, at, scanned = sys.argv[1:]
when = datetime.fromisoformat(at)
sign_archived_file(
    Path(source), Path(out), signer=FileSigner(Path(keys)), signed_at=when,
    digitizer=digitizer_mark("digitizer:an", name="Nguyễn Thị Bích Phương",
                             scanned_at=datetime.fromisoformat(scanned)),
    agency=agency_mark("agency:so-tu-phap", agency_name="Sở Tư pháp tỉnh Nghệ An", signed_at=when,
                       converter="Đặng Thị Ngọc Ánh"),
    places=(MarkPlace(30, 762, 250, 822), MarkPlace(345, 742, 565, 822)),
)
"""


def test_another_process_in_another_zone_signs_to_the_same_bytes(
    rendition: Path, archived: Path, keys: Path, tmp_path: Path
) -> None:
    out = tmp_path / "other.pdf"
    elsewhere = (NOW.astimezone(), NOW - timedelta(hours=1))
    argv = [str(keys), str(rendition), str(out), *(moment.isoformat() for moment in elsewhere)]
    env = {"PYTHONHASHSEED": "7", "TZ": "America/Lima", "PYTHONPATH": str(Path(__file__).parents[2])}

    subprocess.run([sys.executable, "-c", _SIGN_ALONE, *argv], check=True, env=env, timeout=60)

    assert out.read_bytes() == archived.read_bytes()


def test_another_time_gives_another_file_identity(rendition: Path, signer: FileSigner, tmp_path: Path) -> None:
    identities = set()
    for number, moment in enumerate((NOW, NOW, NOW + timedelta(seconds=1))):
        out = tmp_path / f"{number}.pdf"
        sign_file(rendition, out, [Revision("S", _marks()[0], PLACES[0])], signer=signer, signed_at=moment)
        with pikepdf.open(out) as pdf:
            identities.add(tuple(bytes(half) for half in pdf.trailer.ID))

    assert len(identities) == 2
    assert len({first for first, _second in identities}) == 1


@pytest.mark.parametrize("saved", [{}, {"object_stream_mode": pikepdf.ObjectStreamMode.disable}])
def test_nothing_a_validator_forbids_is_added(tmp_path: Path, signer: FileSigner, saved: dict[str, Any]) -> None:
    blank = _blank(tmp_path / "blank.pdf", **saved)
    _sign(blank, tmp_path / "out.pdf", signer)

    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        report = pdfa.check(pdf, "2b")

    # The library checks no forms at all; a violation would be ours.
    assert {"/AcroForm"} == {finding.where.rsplit(" ", 1)[-1] for finding in report.findings}
    assert {"unsupported"} == {finding.kind for finding in report.findings}


def test_each_mark_has_what_pdfa_asks_of_a_widget_and_its_font(archived: Path) -> None:
    with pikepdf.open(archived) as pdf:
        widgets = list(pdf.pages[0].Annots)
        assert len(widgets) == 2
        for widget in widgets:
            appearance = widget.AP.N
            font = appearance.Resources.Font.F1
            descriptor = font.DescendantFonts[0].FontDescriptor
            assert int(widget.F) & 0b100, "it prints"
            assert not int(widget.F) & 0b100010, "neither hidden nor without view"
            assert "/Group" not in appearance
            assert "/CIDSet" not in descriptor
            assert "/FontFile2" in descriptor
            assert "+" in str(descriptor.FontName)


def test_metadata_stays_as_it_was_validated(rendition: Path, archived: Path) -> None:
    with pikepdf.open(rendition) as before, pikepdf.open(archived) as after:
        assert before.Root.Metadata.read_bytes() == after.Root.Metadata.read_bytes()


def _ink(path: Path, region: tuple[float, float, float, float]) -> np.ndarray[Any, Any]:
    """The page as its reader sees it, at 72 dpi x 2, dark where there is ink, cut to a region in points."""
    with pypdfium2.PdfDocument(path) as pdf:
        pdf.init_forms()
        image = pdf[0].render(scale=2, may_draw_forms=True, grayscale=True).to_numpy()
    x, top, width, height = (round(2 * part) for part in region)
    return np.asarray(255 - image.reshape(image.shape[:2])[top : top + height, x : x + width], dtype=int)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_mark_reads_the_same_whichever_way_the_page_is_turned(
    tmp_path: Path, signer: FileSigner, rotation: int
) -> None:
    pictures = []
    for turn in (0, rotation):
        blank = _blank(tmp_path / f"{turn}.pdf", rotate=turn)
        out = tmp_path / f"{turn}.signed.pdf"
        place = _place(40, 30, 220, 80, turn)
        sign_file(blank, out, [Revision("S", _marks()[1], place)], signer=signer, signed_at=NOW)
        pictures.append(_ink(out, (40, 30, 220, 80)))
        assert int(_ink(out, (0, 0, 590, 590)).sum()) == int(pictures[-1].sum()), "ink only in its place"

    upright, turned = pictures
    assert upright.sum() > 50_000
    assert np.abs(upright - turned).sum() < 0.35 * upright.sum()  # smoothing differs by half a pixel


def test_a_place_measured_on_another_rotation_is_refused(tmp_path: Path, signer: FileSigner) -> None:
    blank = _blank(tmp_path / "blank.pdf", rotate=90)

    with pytest.raises(SigningFailed, match="turned by 90"):
        _sign(blank, tmp_path / "out.pdf", signer)


def test_the_marks_say_what_the_rules_ask_in_vietnamese(tmp_path: Path, signer: FileSigner) -> None:
    _sign(_blank(tmp_path / "blank.pdf"), tmp_path / "out.pdf", signer)
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        shown = [_said(widget) for widget in pdf.pages[0].Annots]

    demo = "TRÌNH DIỄN – không có giá trị pháp lý"
    assert shown == [
        ["Người số hóa: Nguyễn Thị Bích Phương", "Thời gian quét: 21/11/2026; 08:30:05; +07:00", demo],
        [
            "Bản số hóa từ bản giấy",
            AGENCY_NAME,
            "21/11/2026; 09:30:05; +07:00",
            "Người chuyển đổi: Đặng Thị Ngọc Ánh",
            demo,
        ],
    ]


def _said(widget: pikepdf.Object) -> list[str]:
    """Read a mark back through the font's own map from glyphs to letters."""
    appearance = widget.AP.N
    pairs = re.findall(r"^<(\w{4})> <(\w+)>$", appearance.Resources.Font.F1.ToUnicode.read_bytes().decode(), re.M)
    mapped = {glyph: bytes.fromhex(letter).decode("utf-16-be") for glyph, letter in pairs if letter != "FFFF"}
    shown = [row[1:-4] for row in appearance.read_bytes().decode().splitlines() if row.endswith("> Tj")]
    return ["".join(mapped[row[at : at + 4]] for at in range(0, len(row), 4)) for row in shown]


LONG = "Ban Quản lý Dự án Đầu tư Xây dựng các Công trình Giao thông và Hạ tầng kỹ thuật tỉnh Bà Rịa – Vũng Tàu"


def _sizes(path: Path) -> set[float]:
    with pikepdf.open(path) as pdf:
        content = pdf.pages[0].Annots[0].AP.N.read_bytes().decode()
    return {float(row.split()[1]) for row in content.splitlines() if row.endswith(" Tf")}


def test_a_long_agency_name_wraps_at_full_size(tmp_path: Path, signer: FileSigner) -> None:
    mark = agency_mark(AGENCY, agency_name=LONG, signed_at=NOW, converter="An")
    width, height = mark_size(mark, width=200, demo=True, font=find_font())
    place = _place(300, 20, width, height)
    blank = _blank(tmp_path / "blank.pdf")

    sign_file(blank, tmp_path / "out.pdf", [Revision("S", mark, place)], signer=signer, signed_at=NOW)

    assert width <= 200
    assert {10.0} == _sizes(tmp_path / "out.pdf")


def test_lettering_shrinks_only_when_wrapping_is_not_enough_and_never_to_nothing(
    tmp_path: Path, signer: FileSigner
) -> None:
    mark = agency_mark(AGENCY, agency_name=LONG, signed_at=NOW, converter="An")
    blank = _blank(tmp_path / "blank.pdf")
    tight = [Revision("S", mark, _place(300, 20, 200, 60))]
    sign_file(blank, tmp_path / "out.pdf", tight, signer=signer, signed_at=NOW)

    assert 6.0 <= min(_sizes(tmp_path / "out.pdf")) < 10.0
    for width, height in ((200, 20), (5, 80), (0, 0)):
        small = [Revision("S", mark, _place(300, 20, width, height))]
        with pytest.raises(MarkDoesNotFit):
            sign_file(blank, tmp_path / "none.pdf", small, signer=signer, signed_at=NOW)
    assert not (tmp_path / "none.pdf").exists()


def test_a_name_with_a_letter_the_font_lacks_is_refused_not_printed_with_a_gap(
    tmp_path: Path, signer: FileSigner
) -> None:
    mark = digitizer_mark(DIGITIZER, name="阮氏安", scanned_at=NOW)
    blank = _blank(tmp_path / "blank.pdf")

    with pytest.raises(FontMissing, match=r"U\+5B89"):
        sign_file(blank, tmp_path / "out.pdf", [Revision("S", mark, PLACES[0])], signer=signer, signed_at=NOW)


def test_names_decomposed_or_in_other_scripts_of_the_font_are_lettered(tmp_path: Path, signer: FileSigner) -> None:
    decomposed = "Nguye\u0302\u0303n Va\u0306n A\nИванов\tΩ"
    mark = digitizer_mark(DIGITIZER, name=decomposed, scanned_at=NOW)
    blank = _blank(tmp_path / "blank.pdf")
    sign_file(blank, tmp_path / "out.pdf", [Revision("S", mark, PLACES[0])], signer=signer, signed_at=NOW)

    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert _said(pdf.pages[0].Annots[0])[0] == "Người số hóa: Nguyễn Văn A Иванов Ω"


def test_a_missing_font_names_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(FontMissing, match="fonts-liberation2"):
        find_font(tmp_path / "none.ttf")


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(b"\x00\x01\x00\x00 not a font")

    with pytest.raises(FontMissing):
        mark_size(_marks()[0], width=200, demo=False, font=tmp_path / "font.ttf")


def test_a_signed_file_an_encrypted_one_and_one_without_identity_are_refused(
    archived: Path, rendition: Path, signer: FileSigner, tmp_path: Path
) -> None:
    with pikepdf.open(rendition) as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="o", user=""))
    data = rendition.read_bytes()
    (tmp_path / "anonymous.pdf").write_bytes(data.replace(b"/ID", b"/Id"))
    (tmp_path / "cut.pdf").write_bytes(data[: len(data) // 2])

    for source in (
        archived,
        *(tmp_path / name for name in ("locked.pdf", "anonymous.pdf", "cut.pdf", "none.pdf")),
    ):
        with pytest.raises(SigningFailed):
            _sign(source, tmp_path / "out.pdf", signer)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_a_key_out_of_its_validity_signs_nothing(rendition: Path, signer: FileSigner, tmp_path: Path) -> None:
    digitizer, agency = _marks()
    for moment in (NOW + timedelta(days=365 * 6), NOW - timedelta(days=2)):
        with pytest.raises(SigningFailed):
            sign_archived_file(
                rendition,
                tmp_path / "out.pdf",
                signer=signer,
                digitizer=digitizer,
                agency=agency,
                places=PLACES,
                signed_at=moment,
            )
    assert list(tmp_path.iterdir()) == []


def test_a_role_without_a_key_leaves_no_file(rendition: Path, signer: FileSigner, tmp_path: Path) -> None:
    revision = Revision("S", Mark("agency:khac", ("x",)), PLACES[0])

    with pytest.raises(SigningFailed, match="no key file"):
        sign_file(rendition, tmp_path / "out.pdf", [revision], signer=signer, signed_at=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_certified_copy_allows_no_change_and_must_come_first(
    rendition: Path, archived: Path, signer: FileSigner, root: x509.Certificate, tmp_path: Path
) -> None:
    copy = Revision(COPY_FIELD, Mark(AGENCY, ("SAO Y", AGENCY_NAME)), PLACES[1], certify=True)
    out = tmp_path / "copy.pdf"
    sign_file(rendition, out, [copy], signer=signer, signed_at=NOW)

    assert validate_own(out, [root]).valid
    with pikepdf.open(out) as pdf:
        assert pdf.Root.Perms.DocMDP.Reference[0].TransformParams.P == 1
    with pytest.raises(SigningFailed, match="first"):
        sign_file(archived, tmp_path / "no.pdf", [copy], signer=signer, signed_at=NOW)


# Time stamps ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stamper(keys: Path, signer: FileSigner) -> Callable[[], DummyTimeStamper]:
    """A time-stamp authority in process; its key is a role's, which is enough to check a token by."""
    secret = (keys / "passphrase").read_bytes()
    bundle = pkcs12.load_pkcs12((keys / key_file_name("tsa")).read_bytes(), secret)
    assert bundle.key is not None
    der = bundle.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    certificate = signer.credential("tsa").certificate.public_bytes(Encoding.DER)
    return lambda: DummyTimeStamper(
        asn1_x509.Certificate.load(certificate),
        asn1_keys.PrivateKeyInfo.load(der),
        fixed_dt=NOW + timedelta(seconds=3),
    )


def _stamped(source: Path, out: Path, signer: FileSigner, timestamper: TimeStamper) -> tuple[SignatureFacts, ...]:
    revisions = [Revision("S", _marks()[1], PLACES[1])]
    return sign_file(source, out, revisions, signer=signer, signed_at=NOW, timestamper=timestamper)


def test_a_time_stamp_makes_the_signature_b_t(
    rendition: Path,
    signer: FileSigner,
    root: x509.Certificate,
    stamper: Callable[[], DummyTimeStamper],
    tmp_path: Path,
) -> None:
    (facts,) = _stamped(rendition, tmp_path / "out.pdf", signer, stamper())
    (found,) = inspect_signatures(tmp_path / "out.pdf")

    assert facts.level == "B-T"
    assert facts.validation["stamped_at"] == (NOW + timedelta(seconds=3)).isoformat()
    assert found["validation"]["timestamp"]["integrity"] == "intact"
    assert validate_own(tmp_path / "out.pdf", [root]).valid


class _Down(TimeStamper):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    async def async_request_tsa_response(self, req: Any) -> Any:
        raise ConnectionRefusedError("down")


class _Refusing(TimeStamper):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    async def async_request_tsa_response(self, req: Any) -> Any:
        return tsp.TimeStampResp({"status": {"status": "rejection", "status_string": ["no"]}})


class _Silent(TimeStamper):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    async def async_request_tsa_response(self, req: Any) -> Any:
        return tsp.TimeStampResp.load(b"\x30\x00")


class _Empty(TimeStamper):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    """Gives no token at all, and no error either."""

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        return None


@pytest.mark.parametrize("broken", [_Down, _Refusing, _Silent, _Empty])
def test_without_a_time_stamp_nothing_is_signed_instead(
    rendition: Path, signer: FileSigner, tmp_path: Path, broken: type[TimeStamper]
) -> None:
    with pytest.raises(SigningFailed):
        _stamped(rendition, tmp_path / "out.pdf", signer, broken())
    assert list(tmp_path.iterdir()) == []


def test_a_token_over_something_else_is_not_taken(
    rendition: Path, signer: FileSigner, stamper: Callable[[], DummyTimeStamper], tmp_path: Path
) -> None:
    honest = stamper()

    class Elsewhere(TimeStamper):  # type: ignore[misc]  # pyHanko is untyped to mypy here
        async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
            return await honest.async_timestamp(hashlib.sha256(b"else").digest(), md_algorithm)

    with pytest.raises(SigningFailed, match="time stamp is broken"):
        _stamped(rendition, tmp_path / "out.pdf", signer, Elsewhere())
    assert list(tmp_path.iterdir()) == []


# Tampering and strangers ------------------------------------------------------------------------------


def _gap(data: bytes) -> tuple[int, int]:
    """Where the last signature's hexadecimal string lies, without its brackets."""
    start = data.rindex(b"/Contents <") + len(b"/Contents <")
    return start, data.index(b">", start)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_every_kind_of_tampering_shows(
    archived: Path, rendition: Path, root: x509.Certificate, tmp_path: Path
) -> None:
    data = archived.read_bytes()
    end = _gap(data)[1]
    tampered = {
        "a byte of the page": _flip(data, data.index(b"stream") + 40),
        "a byte of the first signature": _flip(data, data.index(b"/Contents <") + 200),
        "the padding of a signature": data[: end - 2] + b"01" + data[end:],
        "a byte at the very end": data + b"\n",
        "the agency's signature taken away": data[: data.index(b"%%EOF", len(rendition.read_bytes())) + 6],
    }
    for kind, changed in tampered.items():
        path = tmp_path / "tampered.pdf"
        path.write_bytes(changed)
        try:
            verdict = validate_own(path, [root])
        except SignaturesUnreadable:
            continue
        assert not verdict.valid or len(verdict.signatures) < 2, kind


def test_a_revision_appended_later_shows(signer: FileSigner, root: x509.Certificate, tmp_path: Path) -> None:
    blank = _blank(tmp_path / "blank.pdf", object_stream_mode=pikepdf.ObjectStreamMode.disable)
    _sign(blank, tmp_path / "signed.pdf", signer)
    # A hand-made update turns the page; every byte signed is still there.
    with pikepdf.open(tmp_path / "signed.pdf") as pdf:
        page, size, catalog = pdf.pages[0].objgen[0], int(pdf.trailer.Size), pdf.Root.objgen[0]
        turned = pdf.pages[0].obj.unparse().replace(b"/Rotate 0", b"/Rotate 180")
    data = (tmp_path / "signed.pdf").read_bytes()
    last = data[data.rindex(b"startxref") + 9 :].split()[0]
    body = b"%d 0 obj\n%s\nendobj\n" % (page, turned)
    trailer = b"<</Size %d/Root %d 0 R/Prev %s/ID[(0123456789abcdef)(0123456789abcdef)]>>" % (
        size,
        catalog,
        last,
    )
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n%s\n" % (page, len(data), trailer)
    (tmp_path / "updated.pdf").write_bytes(data + body + table + b"startxref\n%d\n%%%%EOF\n" % len(data + body))

    verdict = validate_own(tmp_path / "updated.pdf", [root])

    assert not verdict.valid
    assert [found.coverage for found in verdict.signatures] == ["revision", "revision"]
    # For the first signature pyHanko's comparison gives up, which is said, never taken for no change.
    changes = {found["validation"]["changes"] for found in inspect_signatures(tmp_path / "updated.pdf")}
    assert changes <= {"suspicious", "unchecked"}


def test_a_strangers_signature_is_described_without_being_trusted(archived: Path) -> None:
    digitizer, agency = inspect_signatures(archived, now=NOW + timedelta(days=365 * 6))

    assert (digitizer["role"], digitizer["demo"]) == ("foreign", False)
    assert agency["validation"] == {
        **agency["validation"],
        "integrity": "intact",
        "coverage": "file",
        "changes": "none",
        "digest_algorithm": "sha256",
        "weak": [],
        "trust": "unchecked",
        "revocation": "unchecked",
        "expired_when_signed": False,
        "expired_now": True,
        "unchecked": {},
    }
    assert AGENCY_NAME in agency["validation"]["subject"]
    assert digitizer["validation"]["coverage"] == "revision"
    assert digitizer["validation"]["changes"] == "allowed"
    assert facts_of(agency).signed_at == NOW


def test_the_jails_door_answers_json_for_whatever_lies_behind_the_path(
    rendition: Path, archived: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.pdf").write_bytes(b"not a PDF")
    asked = [rendition, archived, tmp_path / "text.pdf", tmp_path / "none.pdf", tmp_path]

    answers = [inspect_in_jail(str(path), NOW.isoformat()) for path in asked]

    assert answers == json.loads(json.dumps(answers))
    assert [len(answer["signatures"]) for answer in answers] == [0, 2, 0, 0, 0]
    assert [answer["problem"] is None for answer in answers] == [True, True, False, False, False]


def test_a_broken_signature_is_a_finding_beside_the_whole_one(archived: Path, tmp_path: Path) -> None:
    data = archived.read_bytes()
    start, end = _gap(data)
    path = tmp_path / "broken.pdf"
    path.write_bytes(data[:start] + b"00" * ((end - start) // 2) + data[end:])

    found = {one["field"]: one["validation"] for one in inspect_signatures(path)}

    assert found[DIGITIZER_FIELD]["integrity"] == "intact"
    assert found[AGENCY_FIELD]["integrity"] == "unchecked"
    assert found[AGENCY_FIELD]["unchecked"]


def test_no_mutation_of_a_signed_file_gets_past_the_jails_door_as_an_error(archived: Path, tmp_path: Path) -> None:
    data, path = archived.read_bytes(), tmp_path / "mutant.pdf"
    chances = np.random.default_rng(20261121)
    for _round in range(150):
        mutant = bytearray(data)
        for at in chances.integers(0, len(data), size=int(chances.integers(1, 20))):
            mutant[at] = int(chances.integers(0, 256))
        path.write_bytes(mutant[: int(chances.integers(1, len(data)))] if chances.random() < 0.3 else mutant)

        answer = inspect_in_jail(str(path))

        assert set(answer) == {"signatures", "problem"}
