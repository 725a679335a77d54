"""Copies issued from a real package: numbered, signed, checked, stored, and looked at again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from copy_desk import access_events, as_caller, asked, copy_rows, faults, open_desk, records_events
from cryptography import x509
from holdings import Holdings
from sqlalchemy import select, update
from time_stamps import time_stamp_authority

from archive.access.policy import Caller
from archive.database import reading, writing
from archive.digest import sha256_of_bytes
from archive.errors import ActForbidden, DigestMismatch, NotFound, SigningFailed, StoreUnavailable
from archive.pades.sign import COPY_FIELD
from archive.pades.validate import validate_own
from archive.record import RecordId
from archive.signers.port import Credential
from archive.stores.port import StoredObject
from archive.tables.copies import copy, copy_register, copy_request
from archive.tables.holdings import record
from archive.tables.packages import package
from retention.holds import place_hold
from search_api.copies import issue
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy, resume_copies
from search_api.copies.model import CopyDesk, CopySettings
from search_api.copies.requests import find_request
from search_api.copies.revoke import revoke_copy
from search_api.errors import CopyRefused, NotNow, RequestInvalid

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=36_500)  # no store takes a lock that has ended


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    return Holdings(tmp_path_factory.mktemp("issue") / "home", NOW)


@pytest.fixture(scope="module")
def officer(held: Holdings) -> Caller:
    return as_caller(held, held.principal("officer", "so-a", login="officer-a"))


@pytest.fixture(scope="module")
def approver(held: Holdings) -> Caller:
    return as_caller(held, held.principal("approver", "so-a", login="approver-a"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(held: Holdings, clock: Clock) -> Iterator[CopyDesk]:
    opened = open_desk(held.folder, clock)
    yield opened
    left = opened.scratch
    assert not left.exists() or list(left.iterdir()) == []
    opened.engine.dispose()


def row_of(desk: CopyDesk, serial: str) -> Any:
    with reading(desk.engine) as connection:
        return connection.execute(select(copy).where(copy.c.serial == serial)).one()


def fetched(desk: CopyDesk, caller: Caller, name: str) -> bytes:
    with copy_released(desk, caller, name, purpose=None) as (_facts, stream):
        return stream.read()


def test_an_issued_copy_is_revision_one_and_one_certifying_signature(
    held: Holdings, desk: CopyDesk, officer: Caller, tmp_path: Path
) -> None:
    request = asked(desk, officer, held.deposit())
    facts = issue_copy(desk, request)
    data = fetched(desk, officer, facts.serial)
    out = tmp_path / "copy.pdf"
    out.write_bytes(data)
    root = x509.load_pem_x509_certificate((held.folder / "keys" / "root.pem").read_bytes())
    (signature,) = validate_own(out, [root]).signatures
    assert (signature.field, signature.valid, signature.signed_at) == (COPY_FIELD, True, facts.reserved_at)
    assert data.startswith((held.folder / "file" / "rendition.pdf").read_bytes())
    assert (sha256_of_bytes(data), len(data)) == (facts.sha256, facts.length)
    assert (facts.status, facts.demo, facts.agency) == ("issued", True, "Đơn vị so-a")
    assert facts.number_text == f"{facts.number:02d}/2026"
    assert find_request(desk, officer, facts.serial).state == "done"
    assert faults(desk) == []


def test_a_copy_is_locked_as_long_as_the_package_it_is_of(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    row = row_of(desk, facts.serial)
    with reading(desk.engine) as connection:
        locked = connection.execute(
            select(package.c.locked_until).where(package.c.record_id == facts.record_id)
        ).scalar_one()
    stored = desk.store.head(row.object_key, row.version_id)
    assert stored.retain_until is not None
    assert (stored.retain_until >= locked, stored.held) == (True, False)


def test_the_events_of_a_copy_are_enough_to_write_its_rows_again(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit(), requester_name="Nguyễn Thị Ánh", proof="Giấy 7"))
    row = row_of(desk, facts.serial)
    told = [e["payload"] for e in records_events(desk) if e["payload"].get("request") == row.request_id]
    assert [e["kind"] for e in records_events(desk) if e["payload"].get("request") == row.request_id] == [
        "copy.requested",
        "copy.reserved",
        "copy.issued",
    ]
    requested, reserved, issued = told
    with reading(desk.engine) as connection:
        request = connection.execute(select(copy_request).where(copy_request.c.id == row.request_id)).one()
        register = connection.execute(select(copy_register).where(copy_register.c.id == row.register_id)).one()
    kept_elsewhere = {"id", "record_id", "proof", "state", "fee"}
    assert {n for n in request._mapping if n not in kept_elsewhere} <= set(requested) | {"approver_id"}
    said = {**reserved, **issued, "status": "issued"}
    named = {"id": "copy", "record_id": "record", "request_id": "request", "register_id": "register"}
    unsaid = {"reason", "ended_at", "reserved_at", "issued_at"}
    expected = {named.get(name, name): value for name, value in row._mapping.items() if name not in unsaid}
    assert {name: said.get(name) for name in expected} == expected
    (opened,) = records_events(desk, "copy-register.opened")
    assert {name: opened["payload"][name] for name in ("id", "agency_unit_id", "series", "year", "book")} == {
        name: register._mapping[name] for name in ("id", "agency_unit_id", "series", "year", "book")
    }
    assert "Nguyễn Thị Ánh" not in str(records_events(desk))
    assert "Giấy 7" not in str(records_events(desk))


def test_the_same_request_again_is_the_same_copy_byte_for_byte(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    request = asked(desk, officer, held.deposit())
    first = issue_copy(desk, request)
    before = fetched(desk, officer, request)
    assert issue_copy(desk, request) == first
    assert fetched(desk, officer, request) == before


def test_numbers_are_one_series_a_legal_year(
    held: Holdings, desk: CopyDesk, officer: Caller, clock: Clock
) -> None:
    last = datetime(2027, 12, 31, 16, 59, 59, tzinfo=UTC)
    texts = []
    for clock.at in (last, last + timedelta(seconds=1), last + timedelta(seconds=2)):
        texts.append(issue_copy(desk, asked(desk, officer, held.deposit())).number_text)
    assert texts == ["01/2027", "01/2028", "02/2028"]


def test_each_series_counts_for_itself(held: Holdings, desk: CopyDesk, officer: Caller, clock: Clock) -> None:
    clock.at = datetime(2029, 5, 2, 3, 0, tzinfo=UTC)
    record_id = held.deposit()
    with writing(desk.engine) as connection:
        connection.execute(
            update(record)
            .where(record.c.id == record_id)
            .values(original_book_body="Sở A", original_book="1/2019", original_number="15")
        )
    kinds = ("office-copy", "original-book-copy", "office-copy")
    texts = [issue_copy(desk, asked(desk, officer, record_id, kind=kind)).number_text for kind in kinds]
    assert texts == ["01/2029", "01/2029", "02/2029"]


def test_the_qr_leads_to_the_public_address_or_is_the_serial_alone(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    alone = issue_copy(desk, asked(desk, officer, held.deposit()))
    public = replace(desk, settings=CopySettings(public_url="https://luutru.example"))
    led = issue_copy(public, asked(public, officer, held.deposit()))
    assert row_of(desk, alone.serial).frozen["url"] == alone.serial
    assert row_of(desk, led.serial).frozen["url"] == f"https://luutru.example/v/{led.serial}"


def test_a_request_that_waits_or_is_unknown_is_not_issued(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    waiting = replace(desk, settings=CopySettings(approval_units=None))
    request = asked(waiting, officer, held.deposit())
    with pytest.raises(NotNow) as now:
        issue_copy(desk, request)
    assert now.value.state == "received"
    with pytest.raises(NotFound):
        issue_copy(desk, "nobody")


def test_what_changes_before_the_number_refuses_without_one(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    record_id = held.deposit()
    request = asked(desk, officer, record_id)
    numbers = len(copy_rows(desk))
    held.effect(record_id, "revoked")
    for _ in range(2):
        with pytest.raises(CopyRefused) as refused:
            issue_copy(desk, request)
        assert refused.value.rule == "in-force"
    assert len(copy_rows(desk)) == numbers
    assert find_request(desk, officer, request).refusal_rule == "in-force"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"access_mode": "03"}, "not-secret"),
        ({"sensitivity_level": 3}, "not-secret"),
        ({"copy_prohibition": "không được sao chụp"}, "copying-not-prohibited"),
        ({"source_status": "unknown"}, "source-known"),
        ({"state": "destroyed"}, "record-accepted"),
        ({"valid_until": date(2026, 11, 23)}, "in-force"),
    ],
)
def test_what_changes_after_the_number_voids_it_by_the_rule(
    held: Holdings,
    desk: CopyDesk,
    officer: Caller,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
    rule: str,
) -> None:
    record_id = held.deposit()
    request = asked(desk, officer, record_id)
    deposit = issue.deposit_copy

    def meanwhile(*arguments: Any, **named: Any) -> StoredObject:
        stored = deposit(*arguments, **named)
        with writing(desk.engine) as connection:
            connection.execute(update(record).where(record.c.id == record_id).values(**values))
        return stored

    monkeypatch.setattr(issue, "deposit_copy", meanwhile)
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, request)
    (row,) = [one for one in copy_rows(desk) if one.request_id == request]
    assert (refused.value.rule, row.status, row.reason) == (rule, "void", rule)
    assert records_events(desk, "copy.voided")[-1]["payload"]["serial"] == row.serial
    with pytest.raises(CopyRefused, match=refused.value.reason[:20]):
        issue_copy(desk, request)
    with pytest.raises((NotNow, NotFound)):
        fetched(desk, officer, row.serial)


def test_a_hold_placed_meanwhile_voids_the_copy(
    held: Holdings, desk: CopyDesk, officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_id = held.deposit()
    request = asked(desk, officer, record_id)
    make = issue.make_copy

    def meanwhile(*arguments: Any) -> Any:
        made = make(*arguments)
        place_hold(desk.engine, desk.store, desk.log, record_id, basis="QĐ 2", principal=held.admin, at=NOW)
        return made

    monkeypatch.setattr(issue, "make_copy", meanwhile)
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, request)
    assert refused.value.rule == "not-held"
    assert faults(desk) == []


class Unwilling:
    """A signer whose device is out of reach once the number is reserved."""

    def __init__(self, desk: CopyDesk) -> None:
        self._signer = desk.signer

    def credential(self, role: str) -> Credential:
        return self._signer.credential(role)

    def sign(self, role: str, data: bytes) -> bytes:
        raise SigningFailed(role, "the device does not answer")


def test_a_signer_out_of_reach_leaves_the_number_reserved_and_a_later_try_goes_on_with_it(
    held: Holdings, desk: CopyDesk, officer: Caller, clock: Clock
) -> None:
    request = asked(desk, officer, held.deposit())
    with pytest.raises(SigningFailed):
        issue_copy(replace(desk, signer=Unwilling(desk)), request)
    (reserved,) = [one for one in copy_rows(desk) if one.request_id == request]
    with pytest.raises(NotNow):
        fetched(desk, officer, request)
    assert resume_copies(replace(desk, signer=Unwilling(desk))) == 0
    clock.at += timedelta(days=40)  # another month: the frozen time is the one in the mark
    assert resume_copies(desk) == 1
    (issued,) = [one for one in copy_rows(desk) if one.request_id == request]
    assert (issued.status, issued.number, issued.serial) == ("issued", reserved.number, reserved.serial)
    assert (issued.reserved_at, issued.issued_at) == (NOW, clock.at)
    assert resume_copies(desk) == 0


def test_an_agency_without_a_key_takes_no_number(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    request = asked(desk, officer, held.deposit())
    key = next((held.folder / "keys").glob("copies*so-a*"))
    away = key.rename(key.with_suffix(".away"))
    fresh = open_desk(held.folder, desk.now)
    try:
        with pytest.raises(SigningFailed):
            issue_copy(fresh, request)
    finally:
        away.rename(key)
    assert [one for one in copy_rows(desk) if one.request_id == request] == []
    assert issue_copy(fresh, request).status == "issued"
    fresh.engine.dispose()


def test_a_store_out_of_reach_leaves_the_number_reserved(
    held: Holdings, desk: CopyDesk, officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(desk, officer, held.deposit())

    def away(*_: Any, **__: Any) -> StoredObject:
        raise StoreUnavailable("not mounted")

    with monkeypatch.context() as broken:
        broken.setattr(desk.store, "put", away)
        with pytest.raises(StoreUnavailable):
            issue_copy(desk, request)
    assert resume_copies(desk) == 1
    assert find_request(desk, officer, request).state == "done"


def damaged(held: Holdings, record_id: RecordId, at: int) -> Path:
    """Flip a byte of a record's stored package, as a bad disk would; the lock is advisory on plain files."""
    with reading(held.engine) as connection:
        key = connection.execute(select(package.c.object_key).where(package.c.record_id == record_id)).scalar_one()
    path = held.folder / "objects" / key / "object"
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    return path


@pytest.mark.embedded("store")
@pytest.mark.parametrize("at", [100, 4000, -1])
def test_a_damaged_package_voids_the_copy_by_its_slug(
    held: Holdings, desk: CopyDesk, officer: Caller, at: int
) -> None:
    record_id = held.deposit()
    request = asked(desk, officer, record_id)
    path = damaged(held, record_id, at)
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, request)
    damaged(held, record_id, at)  # flipped back
    assert path.exists()
    assert refused.value.rule == "digest-mismatch"
    assert isinstance(refused.value.__cause__, DigestMismatch)
    (row,) = [one for one in copy_rows(desk) if one.request_id == request]
    assert (row.status, row.reason, row.sha256) == ("void", "digest-mismatch", None)
    assert find_request(desk, officer, request).refusal_rule == "digest-mismatch"
    assert faults(desk) == []


def test_another_object_under_the_copys_key_is_never_adopted(
    held: Holdings, desk: CopyDesk, officer: Caller, tmp_path: Path
) -> None:
    request = asked(desk, officer, held.deposit())
    with pytest.raises(SigningFailed):
        issue_copy(replace(desk, signer=Unwilling(desk)), request)
    (row,) = [one for one in copy_rows(desk) if one.request_id == request]
    other = tmp_path / "other.pdf"
    other.write_bytes(b"another file")
    sha256 = sha256_of_bytes(b"another file")
    desk.store.put(f"copies/{row.id[:2]}/{row.id}", other, sha256=sha256, retain_until=LATER, now=NOW)
    with pytest.raises(CopyRefused) as refused:
        issue_copy(desk, request)
    assert refused.value.rule == "copy-object-taken"


def test_a_revoked_copy_is_ended_at_once_and_its_number_stays_used(
    held: Holdings, desk: CopyDesk, officer: Caller, approver: Caller
) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    ended = revoke_copy(desk, approver, facts.serial, reason="cấp nhầm người")
    assert (ended.status, ended.reason, ended.number) == ("revoked", "cấp nhầm người", facts.number)
    assert revoke_copy(desk, approver, facts.serial, reason="lần nữa") == ended
    (told,) = [e for e in records_events(desk, "copy.revoked") if e["payload"]["serial"] == facts.serial]
    assert (told["principal"], told["payload"]["reason"]) == (approver.principal, "cấp nhầm người")
    with pytest.raises(NotNow):
        fetched(desk, officer, facts.serial)
    following = issue_copy(desk, asked(desk, officer, held.deposit()))
    assert following.number == facts.number + 1


def test_a_copy_of_a_record_withdrawn_since_can_still_be_revoked(
    held: Holdings, desk: CopyDesk, officer: Caller, approver: Caller
) -> None:
    record_id = held.deposit()
    facts = issue_copy(desk, asked(desk, officer, record_id))
    held.change(record_id, "withdrawn", access_mode="03")
    with pytest.raises(NotFound):
        fetched(desk, officer, facts.serial)
    assert revoke_copy(desk, approver, facts.serial, reason="thu hồi").status == "revoked"


def test_only_an_approver_of_the_agency_revokes(
    held: Holdings, desk: CopyDesk, officer: Caller, approver: Caller
) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    stranger = as_caller(held, held.principal("approver", "so-b"))
    with pytest.raises(ActForbidden):
        revoke_copy(desk, officer, facts.serial, reason="x")
    for caller, name in ((stranger, facts.serial), (approver, "a" * 26)):
        with pytest.raises(NotFound) as unknown:
            revoke_copy(desk, caller, name, reason="x")
        assert str(unknown.value) == f"no copy named {name}"
    for nothing in ("", " ", "a\nb", "x" * 1001):
        with pytest.raises(RequestInvalid):
            revoke_copy(desk, approver, facts.serial, reason=nothing)


def test_the_access_event_is_there_before_the_first_byte(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    with copy_released(desk, officer, facts.serial, purpose="nộp hồ sơ mới") as (_facts, stream):
        told = access_events(desk, "copy.fetch")[-1]
        assert stream.read(5) == b"%PDF-"
    assert told["principal"] == officer.principal
    assert (told["payload"]["sha256"], told["payload"]["purpose"]) == (facts.sha256, "nộp hồ sơ mới")


@pytest.mark.embedded("store")
def test_bytes_that_changed_in_the_store_never_leave(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    path = held.folder / "objects" / row_of(desk, facts.serial).object_key / "object"
    good = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(good[:-1] + b"x")
    try:
        with pytest.raises(DigestMismatch):
            fetched(desk, officer, facts.serial)
    finally:
        path.write_bytes(good)


def test_a_stranger_and_an_unknown_serial_get_the_same_answer(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    facts = issue_copy(desk, asked(desk, officer, held.deposit()))
    stranger = as_caller(held, held.principal("officer", "so-b"))
    for caller, name in ((stranger, facts.serial), (officer, "a" * 26)):
        with pytest.raises(NotFound) as unknown:
            fetched(desk, caller, name)
        assert (unknown.value.what, unknown.value.name) == ("copy", name)


def test_a_system_fetches_only_what_it_asked_for(held: Holdings, desk: CopyDesk, officer: Caller) -> None:
    record_id = held.deposit()
    client = as_caller(held, held.principal("client", "so-a", kind="client"))
    other = as_caller(held, held.principal("client", "so-a", kind="client"))
    dossier = {"capacity": "agency", "target_system": "dvc", "target_dossier": "H1.2"}
    facts = issue_copy(desk, asked(desk, client, record_id, **dossier))
    assert fetched(desk, client, facts.serial) == fetched(desk, officer, facts.serial)
    with pytest.raises(NotFound):
        fetched(desk, other, facts.serial)


def test_a_time_stamped_copy_left_in_the_store_is_adopted_though_no_two_attempts_are_alike(
    held: Holdings, desk: CopyDesk, officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = held.folder / "keys"
    with time_stamp_authority(keys, "agency:so-b", NOW + timedelta(seconds=2)) as url:
        stamped = replace(desk, settings=CopySettings(timestamp_url=url))
        request = asked(stamped, officer, held.deposit())

        def crash(*_: Any, **__: Any) -> Any:
            raise StoreUnavailable("power cut")

        with monkeypatch.context() as broken:
            broken.setattr(issue, "_settle", crash)
            with pytest.raises(StoreUnavailable):
                issue_copy(stamped, request)
        (reserved,) = [one for one in copy_rows(desk) if one.request_id == request]
        (left,) = desk.store.list_versions(f"copies/{reserved.id[:2]}/{reserved.id}")
        facts = issue_copy(stamped, request)
    assert (facts.status, facts.number, facts.sha256) == ("issued", reserved.number, left.sha256)
    (told,) = [e for e in records_events(desk, "copy.issued") if e["payload"]["copy"] == reserved.id]
    assert told["payload"]["level"] == "B-T"


def test_a_time_stamped_copy_of_another_number_is_not_adopted(
    held: Holdings, desk: CopyDesk, officer: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record_id = held.deposit()
    with time_stamp_authority(held.folder / "keys", "agency:so-b", NOW + timedelta(seconds=2)) as url:
        stamped = replace(desk, settings=CopySettings(timestamp_url=url))
        other = issue_copy(stamped, asked(stamped, officer, record_id))
        request = asked(stamped, officer, record_id)
        with pytest.raises(SigningFailed):
            issue_copy(replace(stamped, signer=Unwilling(desk)), request)
        (row,) = [one for one in copy_rows(desk) if one.request_id == request]
        body = tmp_path / "other.pdf"
        body.write_bytes(fetched(desk, officer, other.serial))
        assert other.sha256 is not None
        desk.store.put(f"copies/{row.id[:2]}/{row.id}", body, sha256=other.sha256, retain_until=LATER, now=NOW)
        with pytest.raises(CopyRefused) as refused:
            issue_copy(stamped, request)
    assert refused.value.rule == "copy-object-taken"


def test_a_time_stamp_authority_out_of_reach_leaves_the_number_reserved(
    held: Holdings, desk: CopyDesk, officer: Caller
) -> None:
    stamped = replace(desk, settings=CopySettings(timestamp_url="http://127.0.0.1:9/"))
    request = asked(stamped, officer, held.deposit())
    with pytest.raises(SigningFailed):
        issue_copy(stamped, request)
    facts = find_request(desk, officer, request)
    assert facts.copy is not None
    assert (facts.state, facts.copy.status, facts.copy.sha256) == ("approved", "reserved", None)
