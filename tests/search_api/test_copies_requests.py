"""Requests for copies: taken, judged, decided by a second person, found again by who may see them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from copy_desk import access_events, as_caller, asked, form_of, open_desk, records_events
from holdings import Holdings
from sqlalchemy import select, update

from archive.access.policy import Caller
from archive.access.principals import add_principal, caller_of
from archive.database import reading, writing
from archive.errors import ActForbidden, NotFound, PurposeNeeded
from archive.record import Description, PartyId
from archive.tables.copies import copy_request
from archive.tables.holdings import record, record_party
from search_api.copies import requests
from search_api.copies.forms import deadline_of
from search_api.copies.issue import issue_copy
from search_api.copies.model import CopyDesk, CopySettings
from search_api.copies.requests import (
    approve_request,
    find_request,
    list_requests,
    read_requester,
    refuse_request,
    request_copy,
)
from search_api.errors import CopyRefused, IdempotencyConflict, NotNow, RequestInvalid, SecondPersonNeeded

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    return Holdings(tmp_path_factory.mktemp("requests") / "home", NOW)


@pytest.fixture
def desk(held: Holdings) -> Iterator[CopyDesk]:
    opened = open_desk(held.folder, lambda: NOW)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def waiting(desk: CopyDesk) -> CopyDesk:
    """The desk of an installation where another person approves every copy."""
    return replace(desk, settings=CopySettings(approval_units=None))


@pytest.fixture(scope="module")
def officer(held: Holdings) -> Caller:
    return as_caller(held, held.principal("officer", "so-a"))


@pytest.fixture(scope="module")
def approver(held: Holdings) -> Caller:
    return as_caller(held, held.principal("approver", "so-a"))


def test_a_request_that_passes_is_approved_at_once_where_one_person_may(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    facts = request_copy(desk, officer, form_of(held.deposit()), idempotency_key=None)
    assert (facts.state, facts.needs_approval, facts.approver, facts.copy) == ("approved", False, None, None)
    assert (facts.received_at, facts.decided_at, facts.requested_by) == (NOW, NOW, officer.principal)
    (told,) = [e for e in records_events(desk, "copy.requested") if e["payload"]["request"] == facts.id]
    assert (told["payload"]["state"], told["payload"]["failing"]) == ("approved", [])


def test_a_refused_request_is_kept_with_rule_sentence_and_citation(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    record_id = held.deposit(description=Description(source_form="paper", access_mode="01"), held=True)
    facts = request_copy(desk, officer, form_of(record_id), idempotency_key=None)
    assert (facts.state, facts.refusal_rule) == ("refused", "not-held")
    assert facts.refusal_reason == "Tài liệu đang bị phong tỏa."
    assert facts.refusal_reason_en == "The record is held."
    assert facts.refusal_citation is not None
    assert "Nghị định 30/2020" in facts.refusal_citation
    assert find_request(desk, officer, facts.id) == facts
    (told,) = [e for e in records_events(desk, "copy.requested") if e["payload"]["request"] == facts.id]
    assert told["payload"]["failing"] == ["not-held", "source-known"]
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, facts.id)
    assert (refused.value.rule, refused.value.citation) == ("not-held", facts.refusal_citation)


def test_the_same_key_with_the_same_form_is_the_same_request(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    form = form_of(held.deposit(), requester_name="Lê Văn A", proof="CCCD", valid_until=date(2027, 1, 1))
    first = request_copy(desk, officer, form, idempotency_key="k-1")
    assert request_copy(desk, officer, form, idempotency_key="k-1") == first
    copy = issue_copy(desk, first.id)
    assert request_copy(desk, officer, form, idempotency_key="k-1").copy == copy
    assert request_copy(desk, officer, form, idempotency_key="k-2").id != first.id


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "original-book-copy"},
        {"purpose": "khác"},
        {"capacity": "agency"},
        {"requester_name": "Lê Văn B"},
        {"requester_name": None},
        {"proof": "hộ chiếu"},
        {"target_system": "dvc", "target_dossier": "H2"},
        {"valid_until": date(2027, 1, 2)},
    ],
)
def test_the_same_key_with_another_form_is_refused(
    held: Holdings, desk: CopyDesk, officer: Caller, changes: dict[str, Any]
) -> None:
    form = form_of(held.deposit(), requester_name="Lê Văn A", proof="CCCD", valid_until=date(2027, 1, 1))
    key = f"conflict-{form.record}"
    request_copy(desk, officer, form, idempotency_key=key)
    with pytest.raises(IdempotencyConflict):
        request_copy(desk, officer, replace(form, **changes), idempotency_key=key)


def test_a_key_is_its_owners_alone(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    other = as_caller(held, held.principal("officer", "so-a"))
    form = form_of(held.deposit())
    first = request_copy(desk, officer, form, idempotency_key="shared")
    assert request_copy(desk, other, form, idempotency_key="shared").id != first.id


def test_name_and_proof_are_sealed_and_only_who_decides_reads_them(
    held: Holdings, waiting: CopyDesk, officer: Caller, approver: Caller
) -> None:
    request = asked(waiting, officer, held.deposit(), requester_name="Đỗ Thị Ngân Hà", proof="Giấy ủy quyền 17")
    with reading(waiting.engine) as connection:
        row = connection.execute(select(copy_request).where(copy_request.c.id == request)).one()
    everything = f"{row}{records_events(waiting)}{find_request(waiting, approver, request)}"
    assert "Ngân Hà" not in everything
    assert "ủy quyền 17" not in everything
    assert read_requester(waiting, approver, request) == ("Đỗ Thị Ngân Hà", "Giấy ủy quyền 17")
    told = access_events(waiting, "copy.requester")[-1]
    assert (told["principal"], told["payload"]["request"]) == (approver.principal, request)
    with pytest.raises(ActForbidden):
        read_requester(waiting, officer, request)
    stranger = as_caller(held, held.principal("approver", "so-b"))
    with pytest.raises(NotFound):
        read_requester(waiting, stranger, request)


def test_another_person_approves_than_the_one_who_asked(
    held: Holdings, waiting: CopyDesk, officer: Caller, approver: Caller
) -> None:
    both = replace(officer, grants=(*officer.grants, *approver.grants))
    request = asked(waiting, both, held.deposit())
    assert find_request(waiting, both, request).needs_approval
    with pytest.raises(SecondPersonNeeded):
        approve_request(waiting, both, request)
    facts = approve_request(waiting, approver, request)
    assert (facts.state, facts.approver, facts.needs_approval) == ("approved", approver.principal, False)
    with pytest.raises(NotNow):
        approve_request(waiting, approver, request)
    issue_copy(waiting, request)
    (told,) = [e for e in records_events(waiting, "copy.issued") if e["payload"]["request"] == request]
    assert told["principal"] == approver.principal


def test_only_the_units_that_ask_for_it_wait_for_a_second_person(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    elsewhere = replace(desk, settings=CopySettings(approval_units=frozenset({"so-b"})))
    here = replace(desk, settings=CopySettings(approval_units=frozenset({"so-a"})))
    record_id = held.deposit()
    assert not find_request(desk, officer, asked(elsewhere, officer, record_id)).needs_approval
    assert find_request(desk, officer, asked(here, officer, record_id)).needs_approval


def test_approval_asks_the_rules_again(
    held: Holdings, waiting: CopyDesk, officer: Caller, approver: Caller
) -> None:
    record_id = held.deposit()
    request = asked(waiting, officer, record_id)
    with writing(waiting.engine) as connection:
        connection.execute(
            update(record).where(record.c.id == record_id).values(copy_prohibition="không được sao chụp")
        )
    facts = approve_request(waiting, approver, request)
    assert (facts.state, facts.refusal_rule) == ("refused", "copying-not-prohibited")


def test_a_person_refuses_with_a_reason_in_writing(
    held: Holdings, waiting: CopyDesk, officer: Caller, approver: Caller
) -> None:
    request = asked(waiting, officer, held.deposit())
    with pytest.raises(RequestInvalid):
        refuse_request(waiting, approver, request, reason=" ")
    facts = refuse_request(waiting, approver, request, reason="giấy ủy quyền đã hết hạn")
    assert (facts.state, facts.refusal_rule) == ("refused", "refused-by-person")
    assert (facts.refusal_reason, facts.approver) == ("giấy ủy quyền đã hết hạn", approver.principal)
    with pytest.raises(CopyRefused, match="giấy ủy quyền đã hết hạn"):
        issue_copy(waiting, request)
    with pytest.raises(NotNow):
        approve_request(waiting, approver, request)


def test_unknown_and_forbidden_are_answered_alike(
    held: Holdings, waiting: CopyDesk, officer: Caller, approver: Caller
) -> None:
    foreign = held.deposit(unit_id="so-b")
    of_b = as_caller(held, held.principal("officer", "so-b"))
    request = asked(waiting, of_b, foreign)
    for name in (foreign, "nobody"):
        with pytest.raises(NotFound) as unknown:
            request_copy(waiting, officer, form_of(name), idempotency_key=None)
        assert (unknown.value.what, unknown.value.name) == ("record", name)
    for act in (find_request, approve_request):
        for name in (request, "a" * 26):
            with pytest.raises(NotFound) as unknown:
                act(waiting, approver, name)
            assert (unknown.value.what, unknown.value.name) == ("request", name)


def test_who_may_ask_nowhere_is_told_so_before_anything_is_looked_up(
    held: Holdings, desk: CopyDesk, approver: Caller, officer: Caller
) -> None:
    with pytest.raises(ActForbidden):
        request_copy(desk, approver, form_of("nobody"), idempotency_key=None)
    limited = replace(officer, scopes=frozenset({"record.find"}))
    with pytest.raises(ActForbidden):
        request_copy(desk, limited, form_of("nobody"), idempotency_key=None)
    with pytest.raises(ActForbidden):
        approve_request(desk, officer, "nobody")


def test_a_conditional_record_needs_a_purpose_and_an_open_one_without_is_refused_by_its_rule(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    paper = Description(source_form="paper", source_status="original")
    conditional = held.deposit(description=replace(paper, access_mode="02"))
    with pytest.raises(PurposeNeeded):
        request_copy(desk, officer, form_of(conditional, purpose=""), idempotency_key=None)
    free = held.deposit(description=replace(paper, access_mode="01"))
    facts = request_copy(desk, officer, form_of(free, purpose=""), idempotency_key=None)
    assert facts.refusal_rule == "purpose-stated"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "certified"}, "kind"),
        ({"capacity": "friend"}, "capacity"),
        ({"record": ""}, "record"),
        ({"purpose": "a\x00b"}, "purpose"),
        ({"purpose": "\ud800"}, "purpose"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"requester_name": " "}, "requester_name"),
        ({"proof": "p\n"}, "proof"),
        ({"target_system": "dvc"}, "target_dossier"),
        ({"target_dossier": "H1"}, "target_dossier"),
        ({"requester": "nobody"}, "requester"),
    ],
)
def test_a_form_that_cannot_be_kept_names_its_field(
    held: Holdings, desk: CopyDesk, officer: Caller, changes: dict[str, Any], field: str
) -> None:
    form = replace(form_of(held.deposit() if field == "requester" else "any"), **changes)
    with pytest.raises(RequestInvalid) as invalid:
        request_copy(desk, officer, form, idempotency_key=None)
    assert invalid.value.field == field


@pytest.mark.parametrize("key", ["", "ư", "a\nb", "x" * 129])
def test_a_key_that_is_none_is_refused(desk: CopyDesk, officer: Caller, key: str) -> None:
    with pytest.raises(RequestInvalid) as invalid:
        request_copy(desk, officer, form_of("any"), idempotency_key=key)
    assert invalid.value.field == "idempotency_key"


def test_the_holder_is_known_by_the_register_or_shows_a_paper(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    record_id = held.deposit(holder=("Nguyễn Thị Ánh", "001099012345"))
    other = held.deposit(holder=("Trần Văn Bình", "001099054321"))
    with reading(desk.engine) as connection:
        parties = {row.record_id: PartyId(row.party_id) for row in connection.execute(select(record_party))}
    for party, state in ((parties[record_id], "approved"), (parties[other], "refused"), (None, "refused")):
        form = form_of(record_id, capacity="holder", requester=party)
        assert request_copy(desk, officer, form, idempotency_key=None).state == state
    with_paper = form_of(record_id, capacity="holder", requester_name="Nguyễn Thị Ánh", proof="CCCD")
    assert request_copy(desk, officer, with_paper, idempotency_key=None).state == "approved"


def test_a_holder_asks_for_and_sees_their_own_only(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    record_id = held.deposit(holder=("Phạm Thị Dung", "001099077777"))
    other = held.deposit(holder=("Vũ Văn Đức", "001099088888"))
    with writing(desk.engine) as connection:
        party = connection.execute(
            select(record_party.c.party_id).where(record_party.c.record_id == record_id)
        ).scalar_one()
        principal = add_principal(
            connection, kind="holder", login="dung", display_name="D", by=held.admin, at=NOW, party=party
        )
        dung = caller_of(connection, principal, at=NOW)
    own = request_copy(desk, dung, form_of(record_id, capacity="holder", requester=party), idempotency_key=None)
    assert own.state == "approved"
    for_dung = asked(desk, officer, record_id, capacity="holder", requester=party)
    for_the_office = asked(desk, officer, record_id)
    assert find_request(desk, dung, for_dung).id == for_dung
    with pytest.raises(NotFound):
        find_request(desk, dung, for_the_office)
    with pytest.raises(NotFound):
        request_copy(desk, dung, form_of(other, capacity="holder"), idempotency_key=None)
    listed = {facts.id for facts in list_requests(desk, dung, state=None, limit=50, after=None)}
    assert listed == {own.id, for_dung}


def test_a_list_shows_what_the_caller_may_see_newest_first_page_by_page(held: Holdings, desk: CopyDesk) -> None:
    unit = "chi-cuc-a1"
    officer = as_caller(held, held.principal("officer", unit))
    above = as_caller(held, held.principal("officer", "so-a"))
    stranger = as_caller(held, held.principal("officer", "so-b"))
    record_id = held.deposit(unit_id=unit)
    made = [
        asked(replace(desk, now=lambda at=NOW + timedelta(minutes=m): at), officer, record_id)  # type: ignore[misc]
        for m in range(5)
    ]
    issue_copy(desk, made[0])
    pages: list[list[str]] = []
    after = None
    while found := list_requests(desk, officer, state=None, limit=2, after=after):
        pages.append([facts.id for facts in found])
        after = found[-1].id
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert [f.id for f in list_requests(desk, officer, state="done", limit=9, after=None)] == [made[0]]
    assert set(made) <= {f.id for f in list_requests(desk, above, state=None, limit=200, after=None)}
    assert not set(made) & {f.id for f in list_requests(desk, stranger, state=None, limit=200, after=None)}
    with pytest.raises(NotFound):
        list_requests(desk, stranger, state=None, limit=2, after=made[0])


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-24T09:00:00+07:00", "2026-11-24"),  # Tuesday
        ("2026-11-24T15:00:00+07:00", "2026-11-24"),
        ("2026-11-24T15:00:01+07:00", "2026-11-25"),
        ("2026-11-27T15:30:00+07:00", "2026-11-30"),  # Friday, late
        ("2026-11-28T09:00:00+07:00", "2026-11-30"),  # Saturday
        ("2026-11-29T23:00:00+07:00", "2026-11-30"),  # Sunday, late: due on Monday all the same
        ("2026-11-24T17:30:00+00:00", "2026-11-25"),  # half past midnight, +07:00
    ],
)
def test_a_request_is_due_the_same_day_or_the_next_working_day_after_three(received: str, due: str) -> None:
    deadline = deadline_of(datetime.fromisoformat(received))
    assert deadline.isoformat() == f"{due}T23:59:59+07:00"


def test_requests_of_a_withdrawn_record_are_gone_for_everyone(
    held: Holdings, desk: CopyDesk, officer: Caller, approver: Caller
) -> None:
    record_id = held.deposit()
    request = asked(desk, officer, record_id)
    held.change(record_id, "withdrawn", access_mode="03")
    for caller in (officer, approver):
        with pytest.raises(NotFound):
            find_request(desk, caller, request)


def test_two_requests_with_one_key_stored_at_once_are_one(
    held: Holdings, desk: CopyDesk, officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a database with parallel writers does: the look finds nothing, the insert finds the key taken."""
    form = form_of(held.deposit())
    first = request_copy(desk, officer, form, idempotency_key="race")
    look = requests._with_key
    monkeypatch.setattr(requests, "_with_key", _blind_once(look))
    assert request_copy(desk, officer, form, idempotency_key="race").id == first.id


def _blind_once(look: Any) -> Any:
    seen: list[int] = []

    def once(*arguments: Any) -> Any:
        seen.append(1)
        return None if len(seen) == 1 else look(*arguments)

    return once
