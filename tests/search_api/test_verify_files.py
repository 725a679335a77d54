"""Verification of whatever file is shown, through the real jail: sound copies, the three verdicts, odd files."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import scans
import stack
from cryptography import x509
from holdings import Holdings
from issued import Issued, change_copy, issue, verdicts
from sqlalchemy import Engine

from archive.pades.revision import Revision
from archive.pades.sign import sign_file
from archive.pades.stamp import Mark, MarkPlace
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner
from ocr.jail.parent import Jail
from search_api.copies import verify
from search_api.copies.verify import MAX_BYTES, exit_code, prepare_jail, verify_file
from search_api.copies.verify_words import Verdict

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


@pytest.fixture(scope="module")
def empty_register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Another installation's register, in which there is nothing yet."""
    engine = stack.new_engine(tmp_path_factory.mktemp("other"))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("kind", ["office-copy", "original-book-copy"])
@pytest.mark.parametrize("url", ["", "https://tra-cuu.example.gov.vn/v/"])
def test_every_copy_issued_verifies(
    held: Holdings, root: x509.Certificate, jail: Jail, tmp_path: Path, kind: str, url: str
) -> None:
    copy = issue(held, held.deposit(), tmp_path / "copy.pdf", at=AT, kind=kind, url=url)  # type: ignore[arg-type]

    report = verify_file(copy.path, engine=held.engine, roots=[root], jail=jail, now=NOW)

    assert verdicts(report) == [("valid", "as-registered"), ("valid", "in-force"), ("valid", "demo-issuer")]
    assert report.copy is not None
    assert (report.copy.serial, report.matched_by, report.signed_at) == (copy.serial, "digest", AT)
    assert exit_code(report) == 0


def test_without_the_register_nothing_is_called_whole_or_in_force(
    copies: tuple[Issued, Issued], root: x509.Certificate, jail: Jail, empty_register: Engine
) -> None:
    copy = copies[0]
    alone = verify_file(copy.path, engine=None, roots=[root], jail=jail, now=NOW)
    elsewhere = verify_file(copy.path, engine=empty_register, roots=[root], jail=jail, now=NOW)

    missing = ("unchecked", "register-not-at-hand")
    assert verdicts(alone) == [missing, missing, ("valid", "demo-issuer")]
    unknown = ("unchecked", "not-in-register")
    assert verdicts(elsewhere) == [unknown, unknown, ("valid", "demo-issuer")]
    assert exit_code(alone) == exit_code(elsewhere) == 4


def test_the_answer_names_the_copy_but_neither_record_nor_person(
    held: Holdings, copies: tuple[Issued, Issued], root: x509.Certificate, jail: Jail
) -> None:
    copy = copies[0]
    report = verify_file(copy.path, engine=held.engine, roots=[root], jail=jail, now=NOW)
    shown = str(report.as_json("vi"))

    assert copy.serial in shown
    assert "toàn bộ" in report.as_json("vi")["integrity"]["sentence"] or "từng byte" in shown
    assert copy.record not in shown
    assert copy.content.archive_number not in shown


def test_the_issuer_is_judged_by_the_roots_given(
    held: Holdings, copies: tuple[Issued, Issued], root: x509.Certificate, jail: Jail, tmp_path: Path
) -> None:
    stranger = make_demo_authority(tmp_path / "keys", now=AT, agency_name="Khác")
    other = x509.load_der_x509_certificate(stranger.root_der.read_bytes())

    def issuer(roots: list[x509.Certificate]) -> Verdict:
        return verify_file(copies[0].path, engine=held.engine, roots=roots, jail=jail, now=NOW).issuer

    assert issuer([]) == Verdict("unchecked", "no-roots")
    assert issuer([other]) == Verdict("invalid", "foreign-root")
    assert issuer([other, root]) == Verdict("valid", "demo-issuer")


def test_an_expired_certificate_needs_a_proof_of_the_time_of_signing(
    held: Holdings, copies: tuple[Issued, Issued], root: x509.Certificate, jail: Jail
) -> None:
    later = AT + timedelta(days=365 * 7)
    known = verify_file(copies[0].path, engine=held.engine, roots=[root], jail=jail, now=later)
    alone = verify_file(copies[0].path, engine=None, roots=[root], jail=jail, now=later)

    assert known.issuer == Verdict("valid", "demo-issuer")
    assert alone.issuer == Verdict("unchecked", "expired-since")


def _odd_files(held: Holdings, copy: Issued, folder: Path) -> dict[str, tuple[Path, tuple[str, str]]]:
    data = copy.path.read_bytes()
    plain = scans.save(scans.page(), folder / "plain.pdf")
    named = {
        "text": b"S\xe1\xbb\x91: 15/GP-STNMT\n" * 9,
        "empty": b"",
        "cut": data[: len(data) - 700],
        "cut in half": data[: len(data) // 2],
        "noise": b"%PDF-1.7\n" + random.Random(SEED).randbytes(20_000) + b"\n%%EOF\n",
    }
    paths = {name: folder / f"{name}.pdf" for name in named}
    for name, body in named.items():
        paths[name].write_bytes(body)
    huge = folder / "huge.pdf"
    with huge.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    return {
        "text": (paths["text"], ("invalid", "not-a-pdf")),
        "an image": (held.file.received, ("invalid", "not-a-pdf")),
        "empty": (paths["empty"], ("invalid", "empty")),
        "a folder": (folder, ("unchecked", "not-a-file")),
        "nothing": (folder / "nothing.pdf", ("unchecked", "not-a-file")),
        "huge": (huge, ("unchecked", "too-large")),
        "cut": (paths["cut"], ("invalid", "truncated")),
        "cut in half": (paths["cut in half"], ("invalid", "truncated")),
        "noise": (paths["noise"], ("invalid", "damaged")),
        "unsigned": (plain, ("invalid", "no-signature")),
        "rendition": (held.folder / "file" / "rendition.pdf", ("invalid", "no-signature")),
        "archived": (held.file.archived, ("invalid", "archived-file")),
        "password": (scans.encrypted(plain, folder / "locked.pdf", user="mở"), ("invalid", "encrypted")),
        "owner's password": (scans.encrypted(plain, folder / "owner.pdf"), ("invalid", "encrypted")),
    }


def test_each_odd_file_has_its_own_answer(
    held: Holdings, copies: tuple[Issued, Issued], root: x509.Certificate, jail: Jail, tmp_path: Path
) -> None:
    found = {}
    expected = {}
    for name, (path, integrity) in _odd_files(held, copies[0], tmp_path).items():
        report = verify_file(path, engine=held.engine, roots=[root], jail=jail, now=NOW)
        found[name] = (report.integrity.verdict, report.integrity.reason)
        expected[name] = integrity
        assert report.status == Verdict("unchecked", "no-copy"), name
        assert exit_code(report) == (3 if integrity[0] == "invalid" else 4), name

    assert expected == found


def test_a_pdf_signed_by_someone_else_is_no_copy(
    held: Holdings, root: x509.Certificate, jail: Jail, tmp_path: Path
) -> None:
    authority = make_demo_authority(tmp_path / "keys", now=AT, agency_name="Khác")
    authority.ensure_role("agency:khac", "Khác", now=AT)
    mark = Mark("agency:khac", ("Sao y", "Khác"))
    theirs = Revision("TheirSignature", mark, MarkPlace(200, 300, 400, 500))
    rendition = held.folder / "file" / "rendition.pdf"
    sign_file(rendition, tmp_path / "x.pdf", [theirs], signer=FileSigner(tmp_path / "keys"), signed_at=AT)

    report = verify_file(tmp_path / "x.pdf", engine=held.engine, roots=[root], jail=jail, now=NOW)

    assert verdicts(report) == [("invalid", "not-a-copy"), ("unchecked", "no-copy"), ("invalid", "foreign-root")]


def test_an_examination_that_takes_too_long_says_nothing(
    held: Holdings,
    copies: tuple[Issued, Issued],
    root: x509.Certificate,
    jail: Jail,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify, "JAIL_SECONDS", 0.001)

    report = verify_file(copies[0].path, engine=held.engine, roots=[root], jail=jail, now=NOW)

    assert report.integrity == Verdict("unchecked", "timed-out")
    assert report.issuer == Verdict("unchecked", "not-examined")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": "revoked", "reason": "cấp nhầm", "ended_at": NOW}, "copy-revoked"),
        ({"status": "void", "reason": "in-force", "ended_at": NOW}, "copy-void"),
        ({"status": "superseded", "ended_at": NOW}, "copy-superseded"),
        ({"status": "reserved"}, "copy-reserved"),
    ],
)
def test_an_untouched_copy_that_does_not_stand_says_why(
    held: Holdings,
    root: x509.Certificate,
    jail: Jail,
    tmp_path: Path,
    values: dict[str, object],
    reason: str,
) -> None:
    copy = issue(held, held.deposit(), tmp_path / "copy.pdf", at=AT)
    change_copy(held, copy.serial, **values)

    report = verify_file(copy.path, engine=held.engine, roots=[root], jail=jail, now=NOW)

    assert verdicts(report) == [("valid", "as-registered"), ("invalid", reason), ("valid", "demo-issuer")]
    assert exit_code(report) == 3
