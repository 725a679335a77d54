"""A copy's page 1: the same bytes each time, one certifying revision, what must be said, and where."""

import pickle
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import marked_pages
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from cryptography import x509
from marked_pages import ROLE, SERIAL, SHEETS, UNIT

from archive.errors import SigningFailed
from archive.identifiers import new_id
from archive.pades.sign import COPY_FIELD
from archive.pades.stamp import MarkDoesNotFit
from archive.pades.validate import inspect_signatures, validate_own
from archive.record import ContentPackage
from archive.signers.file import FileSigner
from search_api.copies.stamp import CopyMark, sign_copy
from search_api.errors import MarkPlacesUnknown

NOW = datetime(2026, 11, 21, 2, 30, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A rendition with the content that names its places, and the key that signs copies of it."""

    rendition: Path
    content: ContentPackage
    keys: Path
    root: x509.Certificate

    def copy(self, out: Path, mark: CopyMark, *, at: datetime = NOW) -> Path:
        sign_copy(
            self.rendition,
            out,
            content=self.content,
            mark=mark,
            signer=FileSigner(self.keys),
            signed_at=at,
            timestamp_url=None,
        )
        return out


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    authority = marked_pages.copies_authority(folder / "keys", now=NOW)
    rendition, facts = marked_pages.built(SHEETS["portrait"], folder, made_at=NOW)
    root = x509.load_der_x509_certificate(authority.root_der.read_bytes())
    return Desk(rendition, marked_pages.content_of(facts, folder), folder / "keys", root)


@pytest.fixture(scope="module")
def mark(desk: Desk) -> CopyMark:
    return marked_pages.copy_mark_of(desk.content)


@pytest.fixture(scope="module")
def copy(desk: Desk, mark: CopyMark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk.copy(tmp_path_factory.mktemp("copy") / "copy.pdf", mark)


def test_a_copy_is_revision_one_and_one_more(desk: Desk, copy: Path) -> None:
    before, after = desk.rendition.read_bytes(), copy.read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].count(b"%%EOF") == 1


def test_its_one_signature_certifies_the_whole_file_and_allows_no_change(desk: Desk, copy: Path) -> None:
    (found,) = inspect_signatures(copy)
    assert found["field"] == COPY_FIELD
    assert (found["validation"]["certifies"], found["validation"]["coverage"]) == (True, "file")
    assert validate_own(copy, [desk.root]).valid
    with pikepdf.open(copy) as pdf:
        assert pdf.Root.Perms.DocMDP.Reference[0].TransformParams.P == 1


def test_what_the_signature_states_is_returned(desk: Desk, mark: CopyMark, tmp_path: Path) -> None:
    facts = sign_copy(
        desk.rendition,
        tmp_path / "copy.pdf",
        content=desk.content,
        mark=mark,
        signer=FileSigner(desk.keys),
        signed_at=NOW,
        timestamp_url=None,
    )
    assert (facts.field, facts.role, facts.level, facts.demo) == (COPY_FIELD, ROLE, "B-B", True)
    assert facts.signed_at == NOW


_SIGN_ALONE = """
import pickle, sys
from pathlib import Path
from archive.signers.file import FileSigner
from search_api.copies.stamp import sign_copy
keys, source, out, given = sys.argv[1:]
content, mark, at = pickle.loads(Path(given).read_bytes())
sign_copy(Path(source), Path(out), content=content, mark=mark, signer=FileSigner(Path(keys)), signed_at=at,
          timestamp_url=None)
"""


def test_a_restarted_process_signs_to_the_same_bytes(
    desk: Desk, mark: CopyMark, copy: Path, tmp_path: Path
) -> None:
    given, out = tmp_path / "given", tmp_path / "again.pdf"
    given.write_bytes(pickle.dumps((desk.content, mark, NOW.astimezone())))
    argv = [sys.executable, "-c", _SIGN_ALONE, str(desk.keys), str(desk.rendition), str(out), str(given)]
    env = {"PYTHONHASHSEED": "7", "TZ": "America/Lima", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(argv, check=True, env=env, timeout=60)
    assert out.read_bytes() == copy.read_bytes()


def test_another_serial_number_or_time_gives_another_file(
    desk: Desk, mark: CopyMark, copy: Path, tmp_path: Path
) -> None:
    others = [
        desk.copy(tmp_path / "1.pdf", replace(mark, serial=new_id())),
        desk.copy(tmp_path / "2.pdf", replace(mark, number_text="02/2026")),
        desk.copy(tmp_path / "3.pdf", mark, at=NOW + timedelta(seconds=1)),
    ]
    identities = set()
    for path in (copy, *others):
        with pikepdf.open(path) as pdf:
            identities.add(bytes(pdf.trailer.ID[1]))
    assert len(identities) == 4


def test_the_mark_says_form_agency_time_number_archive_number_originality_and_demonstration(copy: Path) -> None:
    assert _said(copy, "/Widget") == [
        "BẢN SAO ĐIỆN TỬ TỪ SỔ GỐC",
        UNIT.name,
        "21/11/2026; 09:30:05; +07:00",
        "Số: 01/2026; quyển 1",
        "Số lưu trữ: TN01.2019.000.00.19.0000017",
        "Độ gốc: 02 – số hóa",
        "TRÌNH DIỄN – không có giá trị pháp lý",
    ]


def test_an_office_copy_says_so(desk: Desk, mark: CopyMark, tmp_path: Path) -> None:
    path = desk.copy(tmp_path / "copy.pdf", replace(mark, kind="office-copy"))
    assert _said(path, "/Widget")[0] == "SAO Y"


def test_the_serial_under_the_qr_can_be_typed_and_is_told_to_who_cannot_see_it(copy: Path, mark: CopyMark) -> None:
    label, *groups = _said(copy, "/Stamp")
    assert label == "Mã tra cứu:"
    assert "".join(groups).replace(" ", "") == SERIAL
    assert max(len(group) for line in groups for group in line.split()) == 4
    with pikepdf.open(copy) as pdf:
        (stamp,) = [note for note in pdf.pages[0].Annots if note.Subtype == "/Stamp"]
        assert str(stamp.Contents) == f"QR: {mark.url}; {SERIAL}"
        assert int(stamp.F) & 0b100, "it prints"


def test_the_qr_of_every_serial_and_address_can_be_read(desk: Desk, mark: CopyMark, tmp_path: Path) -> None:
    hosts = ["", *(f"https://{secrets.token_hex(length)}.vn/v/" for length in (4, 12, 20, 28, 40, 55))]
    for host in hosts:
        serial = new_id()
        path = desk.copy(tmp_path / "copy.pdf", replace(mark, serial=serial, url=f"{host}{serial}"))
        with pypdfium2.PdfDocument(path) as pdf:
            pdf.init_forms()
            page = pdf[0].render(scale=150 / 72, may_draw_forms=True, grayscale=True).to_pil()
        found = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
        assert [code.text for code in found] == [f"{host}{serial}"]


def test_an_address_too_long_for_a_readable_qr_is_refused(desk: Desk, mark: CopyMark, tmp_path: Path) -> None:
    with pytest.raises(MarkDoesNotFit):
        desk.copy(tmp_path / "copy.pdf", replace(mark, url="https://" + "a" * 160))
    assert list(tmp_path.iterdir()) == []


def test_a_long_agency_name_still_fits_its_place(desk: Desk, mark: CopyMark, tmp_path: Path) -> None:
    name = "Ban Quản lý Dự án Đầu tư Xây dựng các Công trình Giao thông và Hạ tầng kỹ thuật tỉnh Gò Lá"
    path = desk.copy(tmp_path / "copy.pdf", replace(mark, agency_name=name))
    assert name in " ".join(_said(path, "/Widget"))


@pytest.mark.parametrize(
    "rendition", [{}, {"mark_places": []}, {"mark_places": [{"x0": 1}]}, {"mark_places": None}]
)
def test_a_package_that_names_no_places_is_refused(
    desk: Desk, mark: CopyMark, tmp_path: Path, rendition: dict[str, object]
) -> None:
    older = replace(desk, content=replace(desk.content, derivation={"rendition": rendition}))
    with pytest.raises(MarkPlacesUnknown) as refused:
        older.copy(tmp_path / "copy.pdf", mark)
    assert refused.value.archive_number == desk.content.archive_number
    assert list(tmp_path.iterdir()) == []


def test_a_file_signed_before_is_never_certified(desk: Desk, mark: CopyMark, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match="must be the first"):
        replace(desk, rendition=copy).copy(tmp_path / "twice.pdf", mark)
    assert list(tmp_path.iterdir()) == []


def test_a_time_stamp_authority_that_does_not_answer_leaves_no_copy(
    desk: Desk, mark: CopyMark, tmp_path: Path
) -> None:
    with pytest.raises(SigningFailed):
        sign_copy(
            desk.rendition,
            tmp_path / "copy.pdf",
            content=desk.content,
            mark=mark,
            signer=FileSigner(desk.keys),
            signed_at=NOW,
            timestamp_url="http://127.0.0.1:9/",
        )
    assert list(tmp_path.iterdir()) == []


def _said(path: Path, kind: str) -> list[str]:
    """Read an appearance back through its font's own map from glyphs to letters."""
    with pikepdf.open(path) as pdf:
        (note,) = [note for note in pdf.pages[0].Annots if note.Subtype == kind]
        appearance = note.AP.N
        told = appearance.Resources.Font.F1.ToUnicode.read_bytes().decode()
        rows = appearance.read_bytes().decode().splitlines()
    pairs = re.findall(r"^<(\w{4})> <(\w+)>$", told, re.M)
    mapped = {glyph: bytes.fromhex(letter).decode("utf-16-be") for glyph, letter in pairs if letter != "FFFF"}
    shown = [row[1:-4] for row in rows if row.endswith("> Tj")]
    return ["".join(mapped[row[at : at + 4]] for at in range(0, len(row), 4)) for row in shown]
