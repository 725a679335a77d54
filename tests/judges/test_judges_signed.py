"""A signed archived file before strangers: PDF/A-2b to veraPDF, whole and trusted to pdfsig; others are not."""

from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
import typst

from archive.pades.sign import sign_archived_file
from archive.pades.stamp import MarkPlace, agency_mark, digitizer_mark
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner
from judges.pdfsig import pdfsig
from judges.verapdf import verapdf

NOW = datetime.now(UTC).replace(
    microsecond=0
)  # the judge looks at the clock, so the certificates must be of today
DIGITIZER, AGENCY = "digitizer:an", "agency:so"
NAME, AGENCY_NAME = "Nguyễn Thị Bích Phương", "Sở Tư pháp tỉnh Nghệ An"


def _authority(folder: Path) -> Path:
    authority = make_demo_authority(folder, now=NOW, agency_name=AGENCY_NAME)
    authority.ensure_role(DIGITIZER, NAME, now=NOW)
    authority.ensure_role(AGENCY, AGENCY_NAME, now=NOW)
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _authority(tmp_path_factory.mktemp("keys") / "keys")


@pytest.fixture(scope="module")
def archived(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archived")
    paper = b'#set page(paper: "a4", margin: 4cm)\n= QUYET DINH\n#lorem(80)'
    (folder / "rendition.pdf").write_bytes(typst.compile(paper, format="pdf", pdf_standards=["a-2b"]))
    sign_archived_file(
        folder / "rendition.pdf",
        folder / "archived.pdf",
        signer=FileSigner(keys),
        digitizer=digitizer_mark(DIGITIZER, name=NAME, scanned_at=NOW),
        agency=agency_mark(AGENCY, agency_name=AGENCY_NAME, signed_at=NOW, converter=NAME),
        places=(MarkPlace(30, 762, 250, 822, 0), MarkPlace(345, 742, 565, 822, 0)),
        signed_at=NOW,
    )
    return folder / "archived.pdf"


def test_verapdf_finds_the_signed_file_valid_and_a_plain_pdf_not(archived: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(plain)
    found = verapdf([archived, plain])
    assert found[archived] == []
    assert found[plain]


def test_pdfsig_finds_both_signatures_whole_and_trusted(archived: Path, keys: Path) -> None:
    digitizer, agency = pdfsig(archived, keys / "root.der")
    assert digitizer.good, digitizer
    assert agency.good, agency
    assert (digitizer.covers, agency.covers) == (False, True)


def test_pdfsig_does_not_trust_another_root(archived: Path, tmp_path: Path) -> None:
    other = _authority(tmp_path / "other") / "root.der"
    assert [(v.signature, v.good) for v in pdfsig(archived, other)] == [("Signature is Valid.", False)] * 2


def test_pdfsig_notices_a_changed_byte(archived: Path, keys: Path, tmp_path: Path) -> None:
    body = archived.read_bytes()
    place = body.index(b"/MediaBox")
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(body[:place] + b"/MediaBux" + body[place + 9 :])
    assert not any(verdict.good for verdict in pdfsig(changed, keys / "root.der"))
