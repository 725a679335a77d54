"""Reuse: what another system learns of a holder's results, and that the unentitled learn nothing at all."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import stack
from holdings import Holdings
from sqlalchemy import event, insert, select, update

from archive.access.policy import Caller
from archive.access.principals import add_principal, caller_of, grant_role
from archive.database import reading, writing
from archive.errors import ActForbidden, PurposeNeeded
from archive.events import read_from
from archive.identifiers import new_id
from archive.record import Description, RecordId
from archive.sealing import Seal
from archive.tables.holdings import dossier, field_value, record_dossier, record_party
from archive.tables.packages import package
from archive.tables.parties import party, party_identifier, party_merge
from ocr.jail.parent import Jail
from search_api.copies.model import CopyDesk, CopySettings
from search_api.errors import RequestInvalid
from search_api.results import ResultAnswer, ResultQuestion, ask_result
from search_api.services import ApiSettings, Services

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
PROCEDURE = "1.012766"
CCCD = "001099012345"
NONE = ResultAnswer("none")
QUESTION = ResultQuestion(PROCEDURE, "cccd", CCCD, "cap-phep", "dvc-tinh", "H55.2026.0007")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    home = Holdings(tmp_path_factory.mktemp("results") / "home", AT)
    yield home
    home.engine.dispose()


@pytest.fixture(scope="module")
def services(held: Holdings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Everything real; the jail is not started, for nothing here opens a file."""
    scratch = tmp_path_factory.mktemp("scratch")
    index = stack.new_index(scratch)
    desk = CopyDesk(held.engine, held.store, held.log, held.signer, held.seal, CopySettings(), scratch, lambda: AT)
    yield Services(
        engine=held.engine,
        store=held.store,
        seal=held.seal,
        index=index,
        copies=desk,
        jail=Jail(scratch),
        roots=(),
        scratch=scratch,
        settings=ApiSettings(),
        now=lambda: AT,
    )
    index.close()


@pytest.fixture(scope="module")
def client(held: Holdings) -> Caller:
    """A system that may ask in unit so-a and below."""
    return _caller(held, "client", "so-a")


def _caller(held: Holdings, role: Any, unit: str, *, purpose: str | None = None, **limits: Any) -> Caller:
    with writing(held.engine) as connection:
        who = add_principal(
            connection, kind="client", login=new_id(), display_name="Hệ thống", by=held.admin, at=AT
        )
        grant_role(connection, who, role, unit, by=held.admin, at=AT, purpose=purpose)
    with reading(held.engine) as connection:
        return caller_of(connection, who, at=AT, **limits)


def _result(
    held: Holdings,
    *,
    holder: str | None = None,
    procedure: str = PROCEDURE,
    source: str = "manifest",
    unit: str = "so-a",
    state: str = "accepted",
    **described: Any,
) -> tuple[RecordId, ResultQuestion]:
    """Deposit a result; return it with the question that asks for it. holder: None: a number of their own."""
    number = holder or f"{int.from_bytes(new_id().encode()) % 10**12:012d}"
    settings = {
        "document_type": "32",
        "code_number": "15",
        "code_notation": "GP-STNMT",
        "issued_on": date(2024, 5, 20),
        "issued_on_precision": "day",
        "subject": "Cấp phép cho ông Nguyễn Văn Kín",
        "access_mode": "01",
        "source_form": "paper",
        "source_status": "authentic",
    }
    made = held.deposit(
        unit_id=unit,
        state=state,
        description=Description(**{**settings, **described}),
        holder=("Nguyễn Văn Kín", number),
    )
    _declare(held, made, procedure, source)
    return made, replace(QUESTION, holder_value=number)


def _declare(held: Holdings, record: RecordId, procedure: str, source: str, *, package_number: int = 1) -> None:
    with writing(held.engine) as connection:
        connection.execute(
            insert(field_value).values(
                id=new_id(),
                record_id=record,
                package_number=package_number,
                name="procedure_code",
                source=source,
                raw=procedure,
                normalised=procedure,
                recorded_at=AT,
            )
        )


def _records(answer: ResultAnswer) -> list[RecordId]:
    return [one.record for one in answer.results]


def _asked(held: Holdings) -> list[dict[str, Any]]:
    with reading(held.engine) as connection:
        bodies = [one.body for one in read_from(connection, "access", 0)]
    return [body for body in bodies if body["kind"] == "result.asked"]


def test_a_result_is_found_by_its_holder_and_procedure(held: Holdings, services: Services, client: Caller) -> None:
    record, question = _result(held, valid_until=date(2029, 5, 19))

    answer = ask_result(services, client, question)

    assert answer.as_json() == {
        "answer": "found",
        "results": [
            {
                "record": record,
                "document_type": "32",
                "code": "15/GP-STNMT",
                "issued_on": "2024-05-20",
                "valid_until": "2029-05-19",
                "effect": "in-force",
                "copy_kinds": ["office-copy"],
            }
        ],
    }
    for spelled in (f" {question.holder_value[:6]} {question.holder_value[6:]} ", question.holder_value):
        assert _records(ask_result(services, client, replace(question, holder_value=spelled))) == [record]


def test_effects_of_the_record_are_told_with_it(
    held: Holdings, services: Services, client: Caller, tmp_path: Path
) -> None:
    record, question = _result(held, valid_until=date(2025, 1, 1))
    (expired,) = ask_result(services, client, question).results

    for kind, on in (("extended", date(2030, 1, 1)), ("suspended", date(2026, 11, 24))):
        if kind == "suspended":
            (extended,) = ask_result(services, client, question).results
        held.effect(record, kind, on=on)  # type: ignore[arg-type]  # a plain word here
    (suspended,) = ask_result(services, client, question).results

    assert (expired.effect, expired.copy_kinds) == ("expired", ())
    assert (extended.effect, extended.valid_until) == ("in-force", date(2030, 1, 1))
    assert extended.copy_kinds == ("office-copy",)
    assert (suspended.effect, suspended.copy_kinds) == ("suspended", ())


def test_several_results_come_newest_first(held: Holdings, services: Services, client: Caller) -> None:
    older, question = _result(held)
    newer, _ = _result(held, issued_on=date(2025, 1, 1))
    with writing(held.engine) as connection:
        holder = connection.execute(
            select(record_party.c.party_id).where(record_party.c.record_id == older)
        ).scalar_one()
        connection.execute(insert(record_party).values(record_id=newer, party_id=holder, role="co-holder"))

    assert _records(ask_result(services, client, question)) == [newer, older]


@pytest.mark.parametrize(
    "changed",
    [
        {"procedure_code": "1.012767"},
        {"procedure_code": "1.01276_"},
        {"holder_value": "001099099999"},
        {"holder_scheme": "cmnd"},
        {"holder_scheme": "no-such-scheme"},
    ],
)
def test_another_procedure_or_holder_has_none(
    held: Holdings, services: Services, client: Caller, changed: dict[str, str]
) -> None:
    _, question = _result(held)

    assert ask_result(services, client, replace(question, **changed)) == NONE


@pytest.mark.parametrize(
    "hidden",
    [
        {"unit": "so-b"},
        {"state": "candidate"},
        {"state": "returned"},
        {"state": "withdrawn"},
        {"state": "destroyed"},
        {"access_mode": "03"},
        {"source": "read"},
    ],
)
def test_what_a_caller_may_not_know_is_answered_as_if_it_were_not(
    held: Holdings, services: Services, client: Caller, hidden: dict[str, str]
) -> None:
    hidden_one, question = _result(held, **hidden)  # type: ignore[arg-type]

    assert ask_result(services, client, question) == NONE
    assert hidden_one not in json.dumps(_asked(held)[-1])


def test_the_units_below_are_reached_and_conditional_records_for_a_purpose(
    held: Holdings, services: Services, client: Caller
) -> None:
    below, question = _result(held, unit="chi-cuc-a1", access_mode="02")

    assert _records(ask_result(services, client, question)) == [below]


def test_a_grant_for_one_purpose_answers_that_purpose_only(held: Holdings, services: Services) -> None:
    record, question = _result(held)
    caller = _caller(held, "officer", "so-a", purpose="cap-phep")

    assert _records(ask_result(services, caller, question)) == [record]
    with pytest.raises(ActForbidden):
        ask_result(services, caller, replace(question, purpose="thanh-tra"))


@pytest.mark.parametrize("role", ["staff", "approver", "auditor", "administrator"])
def test_who_may_ask_nowhere_is_told_so_before_anything_is_looked_up(
    held: Holdings, services: Services, role: str
) -> None:
    _, question = _result(held)
    caller = _caller(held, role, "so-a")
    before = len(_asked(held))

    for asked in (question, replace(question, holder_value="001099099999"), replace(question, purpose="")):
        with pytest.raises(ActForbidden):
            ask_result(services, caller, asked)

    assert len(_asked(held)) == before


def test_a_key_without_the_scope_may_not_ask(held: Holdings, services: Services) -> None:
    _, question = _result(held)

    with pytest.raises(ActForbidden):
        ask_result(services, _caller(held, "client", "so-a", scopes=frozenset(("copy.fetch",))), question)


def test_every_question_is_written_down_without_the_identifier(
    held: Holdings, services: Services, client: Caller
) -> None:
    record, question = _result(held)
    with reading(held.engine) as connection:
        holder = connection.execute(
            select(record_party.c.party_id).where(record_party.c.record_id == record)
        ).scalar_one()
    before = len(_asked(held))

    ask_result(services, client, question)
    ask_result(services, client, replace(question, holder_value="001099099999"))

    found, unknown = _asked(held)[before:]
    assert found["principal"] == unknown["principal"] == client.principal
    assert found["payload"] == {
        "procedure": PROCEDURE,
        "party": holder,
        "purpose": "cap-phep",
        "target_system": "dvc-tinh",
        "target_dossier": "H55.2026.0007",
        "records": [record],
    }
    assert (unknown["payload"]["party"], unknown["payload"]["records"]) == (None, [])
    written = json.dumps([found, unknown])
    for value in (question.holder_value, "001099099999", held.seal.lookup("cccd", question.holder_value)):
        assert value not in written


def test_no_answer_without_its_event(
    held: Holdings, services: Services, client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, question = _result(held)

    def fail(*_: object, **__: object) -> int:
        raise OSError("no space left")

    monkeypatch.setattr("archive.events.append", fail)

    with pytest.raises(OSError, match="no space"):
        ask_result(services, client, question)


def test_a_holder_known_under_an_older_key_is_still_found(
    held: Holdings, services: Services, client: Caller, tmp_path: Path
) -> None:
    record, question = _result(held)
    keys = json.loads((held.folder / "keys" / "sealing.json").read_text())
    keys["2"] = {"cipher": "11" * 32, "lookup": "22" * 32}
    (tmp_path / "sealing.json").write_text(json.dumps(keys))
    renewed = replace(services, seal=Seal.load(tmp_path / "sealing.json"))

    assert renewed.seal.version == 2
    assert _records(ask_result(renewed, client, question)) == [record]


def test_parties_merged_into_one_are_one_holder(held: Holdings, services: Services, client: Caller) -> None:
    record, question = _result(held)
    old_number = "012345678"
    with writing(held.engine) as connection:
        holder = connection.execute(
            select(record_party.c.party_id).where(record_party.c.record_id == record)
        ).scalar_one()
        other = new_id()
        connection.execute(insert(party).values(id=other, kind="person", created_at=AT))
        connection.execute(
            insert(party_identifier).values(
                id=new_id(),
                party_id=other,
                scheme="cmnd",
                lookup=held.seal.lookup("cmnd", old_number),
                lookup_key_version=held.seal.version,
                ciphertext=b"sealed",
                cipher_key_version=1,
            )
        )
        connection.execute(
            insert(party_merge).values(
                merged_id=other, into_id=holder, merged_at=AT, merged_by=held.admin, reason="cùng một người"
            )
        )
    by_old = replace(question, holder_scheme="cmnd", holder_value=old_number)

    assert _records(ask_result(services, client, by_old)) == [record]
    assert _records(ask_result(services, client, question)) == [record]


def test_who_held_it_once_or_speaks_for_the_holder_is_not_its_holder(
    held: Holdings, services: Services, client: Caller
) -> None:
    for values in ({"role": "former-holder"}, {"role": "representative"}, {"valid_until": date(2026, 11, 23)}):
        record, question = _result(held)
        with writing(held.engine) as connection:
            connection.execute(update(record_party).where(record_party.c.record_id == record).values(**values))

        assert ask_result(services, client, question) == NONE, values


def test_the_newest_package_and_the_dossier_say_which_procedure_it_is(
    held: Holdings, services: Services, client: Caller
) -> None:
    scanned_anew, question = _result(held, procedure="9.000001")
    with writing(held.engine) as connection:
        connection.execute(
            insert(package).values(
                record_id=scanned_anew,
                number=2,
                kind="content",
                state="deposited",
                objid=new_id(),
                object_key=new_id(),
            )
        )
    _declare(held, scanned_anew, PROCEDURE, "person", package_number=2)
    by_dossier, its_question = _result(held, procedure="9.000002")
    with writing(held.engine) as connection:
        case = new_id()
        connection.execute(insert(dossier).values(id=case, procedure_code=PROCEDURE))
        connection.execute(insert(record_dossier).values(record_id=by_dossier, dossier_id=case, role="result"))

    assert _records(ask_result(services, client, question)) == [scanned_anew]
    assert ask_result(services, client, replace(question, procedure_code="9.000001")) == NONE
    assert _records(ask_result(services, client, its_question)) == [by_dossier]


@pytest.mark.parametrize("name", ["procedure_code", "holder_scheme", "holder_value", "target_dossier"])
@pytest.mark.parametrize("text", ["", "  ", "a\0b", "\ud800", "x" * 201, "a\nb"])
def test_a_question_that_is_none_is_refused_by_its_part(
    services: Services, client: Caller, name: str, text: str
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        ask_result(services, client, replace(QUESTION, **{name: text}))

    assert refused.value.field == name


def test_a_question_needs_a_purpose(services: Services, client: Caller) -> None:
    with pytest.raises(PurposeNeeded):
        ask_result(services, client, replace(QUESTION, purpose=" "))


def test_nothing_found_and_nothing_known_cost_the_same_look_ups(
    held: Holdings, services: Services, client: Caller
) -> None:
    _, elsewhere = _result(held, unit="so-b")
    unknown = replace(QUESTION, holder_value="001099099998")

    assert _statements(services, client, elsewhere) == _statements(services, client, unknown)


def _statements(services: Services, client: Caller, question: ResultQuestion) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(services.engine, "before_cursor_execute", note)
    try:
        assert ask_result(services, client, question) == NONE
    finally:
        event.remove(services.engine, "before_cursor_execute", note)
    return seen
