"""What was issued by the desk verifies, in every form it is issued in, until it is revoked or its record ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from copy_desk import as_caller, asked, open_desk
from cryptography import x509
from holdings import Holdings
from issued import verdicts

from archive.access.policy import Caller
from archive.record import Description
from ocr.jail.parent import Jail
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy
from search_api.copies.model import CopyDesk, CopyFacts
from search_api.copies.public import disclose, public_status
from search_api.copies.revoke import revoke_copy
from search_api.copies.verify import Report, exit_code, prepare_jail, verify_file

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
NOW = AT + timedelta(hours=1)
SOUND = [("valid", "as-registered"), ("valid", "in-force"), ("valid", "demo-issuer")]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    home = Holdings(tmp_path_factory.mktemp("issued") / "home", AT)
    yield home
    home.engine.dispose()


@pytest.fixture(scope="module")
def officer(held: Holdings) -> Caller:
    return as_caller(held, held.principal("officer", "so-a"))


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    with Jail(tmp_path_factory.mktemp("jail")) as made:
        prepare_jail(made)
        yield made


@pytest.fixture
def desk(held: Holdings) -> Iterator[CopyDesk]:
    opened = open_desk(held.folder, lambda: AT)
    yield opened
    opened.engine.dispose()


def _issued(desk: CopyDesk, held: Holdings, officer: Caller, out: Path, **form: Any) -> CopyFacts:
    described = Description(
        subject="Cấp phép",
        access_mode="01",
        source_form="paper",
        source_status="authentic",
        original_book_body="Sở A",
        original_book="1",
        original_number="15",
    )
    facts = issue_copy(desk, asked(desk, officer, held.deposit(description=described), **form))
    with copy_released(desk, officer, facts.serial, purpose=None) as (_facts, stream):
        out.write_bytes(stream.read())
    return facts


def _verified(held: Holdings, path: Path, jail: Jail) -> Report:
    root = x509.load_pem_x509_certificate((held.folder / "keys" / "root.pem").read_bytes())
    return verify_file(path, engine=held.engine, roots=[root], jail=jail, now=NOW)


@pytest.mark.parametrize("kind", ["office-copy", "original-book-copy"])
def test_what_the_desk_issued_verifies(
    desk: CopyDesk, held: Holdings, officer: Caller, jail: Jail, tmp_path: Path, kind: str
) -> None:
    facts = _issued(desk, held, officer, tmp_path / "copy.pdf", kind=kind)

    report = _verified(held, tmp_path / "copy.pdf", jail)

    assert verdicts(report) == SOUND
    assert (report.copy, report.signed_at) == (facts, facts.reserved_at)
    assert exit_code(report) == 0


def test_a_revoked_copy_is_told_at_once_and_is_still_whole(
    desk: CopyDesk, held: Holdings, officer: Caller, jail: Jail, tmp_path: Path
) -> None:
    facts = _issued(desk, held, officer, tmp_path / "copy.pdf")
    approver = as_caller(held, held.principal("approver", "so-a"))

    revoke_copy(desk, approver, facts.serial, reason="cấp nhầm người")

    assert verdicts(_verified(held, tmp_path / "copy.pdf", jail)) == [
        SOUND[0],
        ("invalid", "copy-revoked"),
        SOUND[2],
    ]


def test_an_effect_on_the_record_is_told_of_its_copies(
    desk: CopyDesk, held: Holdings, officer: Caller, jail: Jail, tmp_path: Path
) -> None:
    facts = _issued(desk, held, officer, tmp_path / "copy.pdf")

    held.effect(facts.record_id, "annulled")

    assert verdicts(_verified(held, tmp_path / "copy.pdf", jail))[1] == ("invalid", "record-annulled")


def test_the_page_behind_its_qr_opens_by_the_time_in_its_mark(
    desk: CopyDesk, held: Holdings, officer: Caller, tmp_path: Path
) -> None:
    facts = _issued(desk, held, officer, tmp_path / "copy.pdf")

    status = public_status(held.engine, facts.serial, now=NOW)
    assert status is not None
    assert (status.number_text, status.agency) == (facts.number_text, facts.agency)
    told = disclose(held.engine, facts.serial, "10:04:05", now=NOW)
    assert told is not None
    assert told.sha256 == facts.sha256
