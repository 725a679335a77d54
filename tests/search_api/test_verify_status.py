"""The status of a copy and its public page: what stands, what does not and why, what a stranger may not learn."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdings import Holdings
from issued import Issued, change_copy, issue
from sqlalchemy import insert

from archive.database import reading, writing
from archive.effects import record_effect
from archive.events import read_from
from archive.identifiers import new_id
from archive.record import Description
from archive.tables.packages import package
from search_api.copies.public import disclose, public_status
from search_api.copies.verify_words import SENTENCES, Verdict

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
NOW = AT + timedelta(days=30)
TODAY = date(2026, 12, 24)
SUBJECT = "Cấp phép cho ông Nguyễn Văn Kín"
HOLDER = ("Nguyễn Văn Kín", "001099012345")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    home = Holdings(tmp_path_factory.mktemp("status") / "home", AT)
    yield home
    home.engine.dispose()


@pytest.fixture
def copy(held: Holdings, tmp_path: Path) -> Issued:
    return _issue(held, tmp_path)


def _issue(held: Holdings, folder: Path, *, usable_until: date | None = None, **described: Any) -> Issued:
    description = Description(
        document_type="32",
        code_number="15",
        code_notation="GP-STNMT",
        issued_on=date(2024, 5, 20),
        issued_on_precision="day",
        subject=SUBJECT,
        signer_name="Phạm Ký Tên",
        access_mode="02",
        source_form="paper",
        source_status="authentic",
        **described,
    )
    made = held.deposit(description=description, holder=HOLDER)
    return issue(held, made, folder / "copy.pdf", at=AT, usable_until=usable_until)


def _status(held: Holdings, copy: Issued, *, now: datetime = NOW) -> Verdict:
    found = public_status(held.engine, copy.serial, now=now)
    assert found is not None
    return found.status


def _effect(held: Holdings, copy: Issued, kind: Any, folder: Path, **more: Any) -> None:
    more.setdefault("on", TODAY)
    record_effect(
        held.engine,
        held.store,
        copy.record,
        kind,
        basis="QĐ 12/QĐ-STNMT",
        principal=held.admin,
        at=NOW,
        scratch=folder,
        **more,
    )


def test_an_issued_copy_of_a_result_in_force_stands(held: Holdings, copy: Issued) -> None:
    assert _status(held, copy) == Verdict("valid", "in-force")


@pytest.mark.parametrize("kind", ["suspended", "revoked", "annulled", "replaced"])
def test_an_effect_on_the_record_shows_on_its_copy_from_its_day_on(
    held: Holdings, copy: Issued, tmp_path: Path, kind: str
) -> None:
    _effect(held, copy, kind, tmp_path)

    before = datetime(2026, 12, 23, 16, 59, 59, tzinfo=UTC)  # 23:59:59 of the day before, +07:00
    assert _status(held, copy, now=before) == Verdict("valid", "in-force")
    assert _status(held, copy, now=before + timedelta(seconds=1)) == Verdict("invalid", f"record-{kind}")


def test_a_term_that_ended_and_one_not_begun_show(held: Holdings, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    over = _issue(held, tmp_path / "a", valid_until=TODAY - timedelta(days=1))
    to_come = _issue(held, tmp_path / "b", valid_from=TODAY + timedelta(days=1))

    assert _status(held, over) == Verdict("invalid", "record-expired")
    assert _status(held, to_come) == Verdict("invalid", "record-not-yet")

    _effect(held, over, "extended", tmp_path, on=TODAY + timedelta(days=400))
    assert _status(held, over) == Verdict("valid", "in-force")


def test_the_copys_own_term_of_use_ends_with_its_last_day(held: Holdings, tmp_path: Path) -> None:
    copy = _issue(held, tmp_path, usable_until=TODAY)

    assert _status(held, copy) == Verdict("valid", "in-force")
    assert _status(held, copy, now=NOW + timedelta(days=1)) == Verdict("invalid", "copy-expired")


def test_a_record_withdrawn_for_secrecy_gives_nothing_away(held: Holdings, copy: Issued) -> None:
    held.change(copy.record, "withdrawn", access_mode="03")

    assert _status(held, copy) == Verdict("invalid", "record-withdrawn")
    assert disclose(held.engine, copy.serial, copy.content.archive_number, now=NOW) is None


def test_a_newer_digitization_supersedes_the_copy_of_the_older(held: Holdings, copy: Issued) -> None:
    with writing(held.engine) as connection:
        connection.execute(
            insert(package).values(
                record_id=copy.record,
                number=2,
                kind="content",
                state="deposited",
                objid=f"uuid-{new_id()}",
                object_key=f"packages/{copy.record}/0002",
            )
        )

    assert _status(held, copy) == Verdict("invalid", "package-superseded")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("revoked", "copy-revoked"),
        ("void", "copy-void"),
        ("reserved", "copy-reserved"),
        ("superseded", "copy-superseded"),
    ],
)
def test_a_copy_that_does_not_stand_is_shown_to_everyone_as_such(
    held: Holdings, copy: Issued, status: str, reason: str
) -> None:
    change_copy(held, copy.serial, status=status)

    assert _status(held, copy) == Verdict("invalid", reason)


def test_the_public_page_says_kind_agency_number_day_and_state_and_no_more(held: Holdings, copy: Issued) -> None:
    found = public_status(held.engine, copy.serial, now=NOW)
    assert found is not None

    assert found.as_json("en") == {
        "serial": copy.serial,
        "kind": "office-copy",
        "agency": "Đơn vị so-a",
        "number": found.number_text,
        "issued_on": "2026-11-24",
        "demo": True,
        "status": {
            "verdict": "valid",
            "reason": "in-force",
            "sentence": SENTENCES["in-force"][1],
        },
        "effect": "in-force",
    }
    shown = json.dumps(found.as_json("vi"), ensure_ascii=False)
    for secret in (SUBJECT, *HOLDER, copy.record, copy.content.archive_number, "GP-STNMT", "Phạm"):
        assert secret not in shown


@pytest.mark.parametrize(
    "serial", ["", "a" * 26, "A" * 26, "x", "a" * 27, "0" * 26, "a\0" * 13, "é" * 26, "\ud800" * 26, "a" * 10**6]
)
def test_an_unknown_serial_and_one_that_is_none_get_the_same_answer(held: Holdings, serial: str) -> None:
    assert public_status(held.engine, serial, now=NOW) is None
    assert disclose(held.engine, serial, "10:04:05", now=NOW) is None


def test_a_value_printed_on_the_copy_opens_the_document_but_never_a_person(held: Holdings, copy: Issued) -> None:
    number = copy.content.archive_number
    for printed in (number, f"  {number.lower()} ", number.replace(".", " . "), "10:04:05", " 10:04:05"):
        found = disclose(held.engine, copy.serial, printed, now=NOW)
        assert found is not None, printed
        assert (found.archive_number, found.code_number, found.code_notation) == (number, "15", "GP-STNMT")
        shown = json.dumps(found.as_json(), ensure_ascii=False)
        for secret in (SUBJECT, *HOLDER, "Phạm", copy.record):
            assert secret not in shown


@pytest.mark.parametrize("printed", ["", "01/2026", "03:04:05", "10:04:06", "10:04", "\0", "\ud800", "x" * 10**6])
def test_anything_else_opens_nothing_and_leaves_no_event(held: Holdings, copy: Issued, printed: str) -> None:
    before = _access_events(held)

    assert disclose(held.engine, copy.serial, printed, now=NOW) is None
    assert _access_events(held) == before


def test_what_is_disclosed_was_written_down_first(held: Holdings, copy: Issued) -> None:
    before = len(_access_events(held))

    disclose(held.engine, copy.serial, "10:04:05", now=NOW)

    (written,) = _access_events(held)[before:]
    assert written["kind"] == "copy.disclosed"
    assert written["payload"]["record"] == copy.record
    assert copy.serial not in json.dumps(written), "who reads the log must not be able to show the copy's page"


@pytest.mark.parametrize("status", ["reserved", "void"])
def test_a_copy_nobody_was_given_opens_nothing(held: Holdings, copy: Issued, status: str) -> None:
    change_copy(held, copy.serial, status=status)

    assert disclose(held.engine, copy.serial, "10:04:05", now=NOW) is None


def _access_events(held: Holdings) -> list[dict[str, Any]]:
    with reading(held.engine) as connection:
        return [event.body for event in read_from(connection, "access", 0)]


def test_every_reason_has_its_own_two_sentences() -> None:
    both = [sentence for pair in SENTENCES.values() for sentence in pair]

    assert len(set(both)) == 2 * len(SENTENCES)
    assert all(sentence.strip().endswith(".") for sentence in both)
