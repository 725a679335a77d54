"""A scan taken in, accepted and copied in a home made by the real commands; the desk is opened as a door does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import scans
from copy_desk import asked, open_desk
from cryptography import x509
from home_of_tests import TestHome, write_manifest
from sqlalchemy import select

from archive.access.policy import Caller
from archive.access.principals import caller_of
from archive.checks import check_copies, check_objects
from archive.database import reading
from archive.effects import effect_on, record_effect
from archive.pades.validate import validate_own
from archive.record import RecordId
from archive.tables.holdings import record
from archive.tables.principals import principal
from search_api.copies.case import legal_day
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy
from search_api.copies.model import CopyDesk
from search_api.copies.requests import find_request
from search_api.errors import CopyRefused

AT = datetime.now(UTC).replace(microsecond=0)
ROWS = {
    "paper.pdf": {"source_form": "giấy", "source_status": "bản chính"},
    "book.pdf": {
        "source_form": "giấy",
        "source_status": "bản gốc",
        "original_book_body": "Sở Tài nguyên",
        "original_book": "Sổ cấp phép 2019",
        "original_number": "15",
    },
    "unknown.pdf": {},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home whose three records were taken in, read, deposited and accepted."""
    top = tmp_path_factory.mktemp("journey")
    rows = []
    for name, declared in ROWS.items():
        drawn = scans.save(scans.page(mark=name), top / "scans" / name)
        scans.remember(drawn, top / "recordings", [scans.LINES])
        rows.append({"file": name, "sheets": "1", "dossier_code": name[0], "access_mode": "01", **declared})
    write_manifest(top / "scans", rows)
    made = TestHome(top / "var", top / "recordings")
    assert made.run("init").code == 0
    batch = made.ask("intake", str(top / "scans"))["batch"]
    assert made.run("work", "--until-idle").code == 0
    assert made.run("batch", "accept", batch, "--word", "nghiệm thu").code == 0
    return made


@pytest.fixture
def desk(home: TestHome) -> Iterator[CopyDesk]:
    opened = open_desk(home.folder, lambda: AT, scratch="copies-scratch")
    yield opened
    opened.engine.dispose()


@pytest.fixture
def local(desk: CopyDesk) -> Caller:
    with reading(desk.engine) as connection:
        login = connection.execute(select(principal.c.id).where(principal.c.login == "local")).scalar_one()
        return caller_of(connection, login, at=AT)


def record_like(desk: CopyDesk, **values: str) -> RecordId:
    with reading(desk.engine) as connection:
        found = select(record.c.id).where(*(record.c[name] == value for name, value in values.items()))
        return RecordId(connection.execute(found).scalar_one())


def test_an_accepted_scan_of_a_paper_becomes_a_copy_and_stays_one(
    home: TestHome, desk: CopyDesk, local: Caller, tmp_path: Path
) -> None:
    record_id = record_like(desk, source_status="authentic")
    facts = issue_copy(desk, asked(desk, local, record_id))
    with copy_released(desk, local, facts.serial, purpose="xem lại") as (_facts, stream):
        (tmp_path / "copy.pdf").write_bytes(stream.read())
    root = x509.load_pem_x509_certificate((home.folder / "keys" / "root.pem").read_bytes())
    assert validate_own(tmp_path / "copy.pdf", [root]).valid
    assert (facts.number_text, facts.demo) == (f"{facts.number:02d}/{facts.reserved_at.year}", True)
    assert list(check_copies(desk.engine, desk.store, deep=True)) == []


def test_what_the_manifest_says_of_the_original_book_lets_a_copy_of_it_be_issued(
    desk: CopyDesk, local: Caller
) -> None:
    with_entry = record_like(desk, source_status="original")
    without = record_like(desk, source_status="authentic")
    assert issue_copy(desk, asked(desk, local, with_entry, kind="original-book-copy")).status == "issued"
    refused = find_request(desk, local, asked(desk, local, without, kind="original-book-copy"))
    assert refused.refusal_rule == "original-book-entry"


def test_a_scan_whose_source_nobody_declared_is_refused_by_name(desk: CopyDesk, local: Caller) -> None:
    request = asked(desk, local, record_like(desk, source_status="unknown"))
    assert find_request(desk, local, request).refusal_rule == "source-known"
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, request)
    assert refused.value.rule == "source-known"


def test_a_revoked_result_is_copied_no_more_and_its_vault_stays_whole(
    home: TestHome, desk: CopyDesk, local: Caller
) -> None:
    record_id = record_like(desk, source_status="original")
    today = legal_day(AT)
    record_effect(
        desk.engine,
        desk.store,
        record_id,
        "revoked",
        on=today,
        basis="QĐ 9",
        principal=local.principal,
        at=AT,
        scratch=desk.scratch,
    )
    with reading(desk.engine) as connection:
        assert effect_on(connection, record_id, today).state == "revoked"
    assert find_request(desk, local, asked(desk, local, record_id)).refusal_rule == "in-force"
    assert list(check_objects(desk.engine, desk.store, deep=True)) == []
    assert home.faults() == set()
