"""Attacks on a copy, copies of other installations, flipped bits: what is told, with the register and without.

They are examined by the function the jail runs, called in this process (35 ms each); one flip of each region goes
through the real jail too and must be told the same.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from holdings import Holdings
from issued import Examiner, Issued, issue, verdicts
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from archive.pades.font import find_font
from archive.pades.revision import Revision, add_revision
from archive.pades.sign import COPY_FIELD, sign_file
from archive.pades.stamp import Mark, MarkPlace
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner
from ocr.jail.parent import Jail
from search_api.copies.stamp import CopyMark, sign_copy
from search_api.copies.verify import exit_code, prepare_jail, verify_file

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
NOW = AT + timedelta(days=30)
SEED = 20261124


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    home = Holdings(tmp_path_factory.mktemp("verify") / "home", AT)
    yield home
    home.engine.dispose()


@pytest.fixture(scope="module")
def copies(held: Holdings) -> tuple[Issued, Issued]:
    """Two copies of two records."""
    made = [issue(held, held.deposit(), held.folder / f"copy-{n}.pdf", at=AT) for n in (1, 2)]
    return made[0], made[1]


@pytest.fixture(scope="module")
def root(held: Holdings) -> x509.Certificate:
    return held.signer.credential("copies:so-a").chain[-1]


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    with Jail(tmp_path_factory.mktemp("jail")) as made:
        prepare_jail(made)
        yield made


@pytest.fixture
def examiner(tmp_path: Path, held: Holdings, root: x509.Certificate) -> Examiner:
    return Examiner(tmp_path, held.engine, root, NOW)


def _foreign_copy(held: Holdings, copy: Issued, folder: Path, serial: str) -> bytes:
    authority = make_demo_authority(folder / "keys", now=AT, agency_name="Sở khác")
    authority.ensure_role("copies:so-a", "Sở khác", now=AT)
    mark = CopyMark("office-copy", "so-a", "Sở khác", "01/2026", 1, copy.content.archive_number, serial, serial)
    out = folder / "foreign.pdf"
    sign_copy(
        held.folder / "file" / "rendition.pdf",
        out,
        content=copy.content,
        mark=mark,
        signer=FileSigner(folder / "keys"),
        signed_at=AT,
        timestamp_url=None,
    )
    return out.read_bytes()


def test_a_copy_of_another_installation_is_not_called_altered(
    held: Holdings, copies: tuple[Issued, Issued], examiner: Examiner, tmp_path: Path
) -> None:
    report, _ = examiner.both(_foreign_copy(held, copies[0], tmp_path, "a" * 26))

    unknown = ("unchecked", "not-in-register")
    assert verdicts(report) == [unknown, unknown, ("invalid", "foreign-root")]


def test_a_forgery_under_a_serial_of_ours_is_no_copy_of_ours(
    held: Holdings, copies: tuple[Issued, Issued], examiner: Examiner, tmp_path: Path
) -> None:
    report, _ = examiner.both(_foreign_copy(held, copies[0], tmp_path, copies[0].serial))

    assert verdicts(report)[0] == ("invalid", "changed-since-issue")
    assert verdicts(report)[2] == ("invalid", "foreign-root")


def _updated(data: bytes, folder: Path, *, replace_page: bool) -> bytes:
    """Append a revision: a new object nobody needs, or another content of page 1."""
    path = folder / "updated.pdf"
    path.write_bytes(data)
    with path.open("r+b") as stream:
        writer = IncrementalPdfFileWriter(stream)
        if replace_page:
            page = writer.find_page_for_modification(0)[0].get_object()
            shown = generic.StreamObject(stream_data=b"0 0 0 rg 0 0 400 400 re f")
            page[pdf_name("/Contents")] = writer.add_object(shown)
            writer.update_container(page)
        else:
            writer.root[pdf_name("/Lang")] = generic.pdf_string("vi")
            writer.update_root()
        writer.write_in_place()
    return path.read_bytes()


def _signed_again(held: Holdings, data: bytes, folder: Path) -> bytes:
    (folder / "once.pdf").write_bytes(data)
    mark = Mark("copies:so-a", ("SAO Y", "Sở"))
    second = [Revision("Second", mark, MarkPlace(200, 300, 400, 500))]
    # What signs our own files validates them afterwards and lets nothing like this out: hence the revision alone.
    with (folder / "once.pdf").open("r+b") as stream:
        add_revision(
            stream,
            second[0],
            signer=held.signer,
            credential=held.signer.credential("copies:so-a"),
            signed_at=AT,
            timestamper=None,
            font=find_font(),
        )
    return (folder / "once.pdf").read_bytes()


def _gap(data: bytes) -> tuple[int, int]:
    """Where the signature stands: from < to behind >."""
    found = re.findall(rb"/ByteRange\s*\[\s*0 (\d+) (\d+) (\d+)\s*\]", data)
    start, end, rest = (int(number) for number in found[-1])
    assert end + rest == len(data)
    return start, end


def test_every_kind_of_attack_is_invalid_by_its_own_name(
    held: Holdings, copies: tuple[Issued, Issued], examiner: Examiner, tmp_path: Path
) -> None:
    data, other = (copy.path.read_bytes() for copy in copies)
    start, end = _gap(data)
    other_start, other_end = _gap(other)
    assert end - start == other_end - other_start, "one's signature fits into the other"
    byte_range = b"%d %d" % (end, len(data) - end)
    shorter = b"%d %d" % (end + 10, len(data) - end - 10)
    assert len(byte_range) == len(shorter)
    with pikepdf.open(copies[0].path) as pdf:
        pdf.save(tmp_path / "saved.pdf")
    attacks = {
        "a revision is appended": _updated(data, tmp_path, replace_page=False),
        "page 1 is replaced by a revision": _updated(data, tmp_path, replace_page=True),
        "a second signature": _signed_again(held, data, tmp_path),
        "the signature of another copy": data[:start] + other[other_start:other_end] + data[end:],
        "the range is edited": data.replace(byte_range, shorter),
        "changes are allowed": data.replace(b"/P 1", b"/P 3"),
        "the certification is taken away": data.replace(b"/DocMDP", b"/DocMDQ"),
        "words in the padding": data[: end - 101] + b"41" * 50 + data[end - 1 :],
        "the signature in other capitals": data[:start] + data[start:end].swapcase() + data[end:],
        "a line is appended": data + b"% harmless\n",
        "much is appended": data + b"\0" * 5000,
        "the copy is saved anew": (tmp_path / "saved.pdf").read_bytes(),
        "the signature's revision is cut off": (held.folder / "file" / "rendition.pdf").read_bytes(),
    }

    assert data not in attacks.values()
    assert {name: examiner.reason(body) for name, body in attacks.items()} == {
        "a revision is appended": "bytes-added",
        "page 1 is replaced by a revision": "bytes-added",
        "a second signature": "signed-again",
        "the signature of another copy": "signature-broken",
        "the range is edited": "signature-broken",
        "changes are allowed": "signature-broken",
        "the certification is taken away": "signature-broken",
        "words in the padding": "not-wholly-covered",
        "the signature in other capitals": "changed-since-issue",
        "a line is appended": "bytes-added",
        "much is appended": "bytes-added",
        "the copy is saved anew": "signature-broken",
        "the signature's revision is cut off": "no-signature",
    }


def test_a_signature_of_ours_that_locks_nothing_is_no_copys(
    held: Holdings, copies: tuple[Issued, Issued], examiner: Examiner, tmp_path: Path
) -> None:
    mark = Mark("copies:so-a", ("SAO Y", "Sở"))
    open_one = [Revision(COPY_FIELD, mark, MarkPlace(200, 300, 400, 500))]
    rendition = held.folder / "file" / "rendition.pdf"
    sign_file(rendition, tmp_path / "x.pdf", open_one, signer=held.signer, signed_at=AT)

    assert examiner.reason((tmp_path / "x.pdf").read_bytes()) == "not-certifying"


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def _flips(data: bytes) -> dict[str, list[bytes]]:
    """Bits flipped in each region of a copy, and bytes appended; a fixed sample."""
    chance = random.Random(SEED)
    start, end = _gap(data)
    signature_end = end - 1 - len(re.search(rb"0*>$", data[start:end])[0]) + 1  # type: ignore[index]
    last_table = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    regions = {
        "signed": (150, [*range(start), *range(end, len(data))]),
        "signature": (40, range(start, signature_end)),
        "padding": (70, range(signature_end, end)),
        "cross-reference": (50, range(last_table, len(data))),
    }
    flips = {
        name: [_flipped(data, chance.choice(places), chance.randrange(8)) for _ in range(count)]
        for name, (count, places) in regions.items()
    }
    flips["appended"] = [data + chance.randbytes(chance.choice((1, 2, 30, 2000))) for _ in range(30)]
    return flips


def test_every_flip_is_invalid_with_the_register_and_every_signed_one_without(
    copies: tuple[Issued, Issued], examiner: Examiner
) -> None:
    accepted, signed_accepted, told = [], [], 0
    for region, bodies in _flips(copies[0].path.read_bytes()).items():
        for number, body in enumerate(bodies):
            with_register, alone = examiner.both(body)
            told += 1
            if with_register.integrity.verdict != "invalid" or exit_code(with_register) != 3:
                accepted.append((region, number, with_register.integrity))
            if region != "signed":
                if alone.integrity.verdict == "valid":
                    signed_accepted.append((region, number, alone.integrity))
            elif alone.integrity.verdict != "invalid":
                signed_accepted.append((region, number, alone.integrity))
            assert alone.status.verdict == "unchecked"

    assert told >= 300
    assert accepted == []
    assert signed_accepted == []


def test_the_jail_says_the_same_of_flipped_bits(
    held: Holdings,
    copies: tuple[Issued, Issued],
    root: x509.Certificate,
    jail: Jail,
    examiner: Examiner,
    tmp_path: Path,
) -> None:
    for region, bodies in _flips(copies[0].path.read_bytes()).items():
        (tmp_path / "flipped.pdf").write_bytes(bodies[0])
        jailed = verify_file(tmp_path / "flipped.pdf", engine=held.engine, roots=[root], jail=jail, now=NOW)

        assert jailed == examiner.both(bodies[0])[0], region
