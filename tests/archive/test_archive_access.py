"""Who may what: the policy as a table a person wrote, grants over units, and keys that work or do not."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from archive import events
from archive.access.api_keys import PREFIX, caller_by_key, make_key, revoke_keys
from archive.access.policy import (
    ACTS_OF,
    ALL_ACTS,
    KEPT,
    Caller,
    Grant,
    Subject,
    decide,
    may,
    require,
    scope_of,
)
from archive.access.principals import add_principal, caller_of, disable_principal, grant_role, list_principals
from archive.access.units import covered_units, root_units
from archive.codes import SHIPPED, store_units
from archive.database import reading, writing
from archive.errors import KeyRefused, NotFound, PrincipalRefused, PurposeNeeded
from archive.record import PartyId, PrincipalId, RecordId
from archive.sealing import Seal
from archive.tables.principals import api_key
from archive.tables.units import unit, unit_parent, unit_succession

HERE, ELSEWHERE = frozenset(("here",)), frozenset(("elsewhere",))
ANYONE = PrincipalId("p")


def subject(state: str = "accepted", mode: str = "01", units: frozenset[str] = HERE) -> Subject:
    return Subject(RecordId("r"), state, units, mode, frozenset((PartyId("holder"),)))


def officer(**changes: object) -> Caller:
    return Caller(**{"principal": ANYONE, "kind": "officer", "grants": (Grant("officer", HERE),), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("caller", "act", "record", "purpose", "expected"),
    [
        (officer(), "record.read", subject(), None, "allowed"),
        (officer(), "record.read", subject(units=ELSEWHERE), None, "unknown"),
        (officer(), "record.read", subject(units=HERE | ELSEWHERE), None, "allowed"),
        (officer(), "record.read", subject(mode="02"), None, "purpose-needed"),
        (officer(), "record.read", subject(mode="02"), "hồ sơ mới", "allowed"),
        (officer(), "record.read", subject(mode="02", units=ELSEWHERE), None, "unknown"),
        (officer(), "record.read", subject(mode="03"), "x", "unknown"),
        (officer(), "record.read", subject("withdrawn"), "x", "unknown"),
        (officer(), "record.read", subject("destroyed"), "x", "unknown"),
        (officer(), "record.read", subject("void"), "x", "unknown"),
        (officer(), "record.read", subject("candidate"), "x", "unknown"),
        (officer(), "record.export", subject(), "x", "unknown"),
        (officer(scopes=frozenset(("record.find",))), "record.read", subject(), "x", "unknown"),
        (officer(grants=(Grant("officer", HERE, "thuế"),)), "record.read", subject(), "khác", "unknown"),
        (officer(grants=(Grant("officer", HERE, "thuế"),)), "record.read", subject(), "thuế", "allowed"),
        (officer(grants=(Grant("staff", HERE),)), "record.read", subject("candidate"), None, "allowed"),
        (officer(grants=(Grant("staff", HERE),)), "copy.request", subject(), "x", "unknown"),
        (officer(grants=(), party=PartyId("holder")), "record.read", subject(), None, "allowed"),
        (officer(grants=(), party=PartyId("holder")), "record.read", subject("candidate"), None, "unknown"),
        (officer(grants=(), party=PartyId("holder")), "record.export", subject(), None, "unknown"),
        (officer(grants=(), party=PartyId("other")), "record.read", subject(), None, "unknown"),
        (officer(grants=(Grant("administrator", HERE),)), "record.find", subject(), "x", "unknown"),
    ],
)
def test_the_policy_decides(caller: Caller, act: str, record: Subject, purpose: str | None, expected: str) -> None:
    assert decide(caller, act, record, purpose=purpose) == expected  # type: ignore[arg-type]


def test_unknown_and_forbidden_are_told_alike() -> None:
    told = []
    for record in (None, subject(units=ELSEWHERE), subject("destroyed")):
        with pytest.raises(NotFound) as error:
            require(officer(), "record.read", record, name="x1", purpose="p")
        told.append(str(error.value))
    assert len(set(told)) == 1
    with pytest.raises(PurposeNeeded):
        require(officer(), "record.read", subject(mode="02"), name="x1", purpose=None)


units = st.frozensets(st.sampled_from(["a", "b", "c"]))
callers = st.builds(
    Caller,
    principal=st.just(ANYONE),
    kind=st.just("staff"),
    grants=st.lists(
        st.builds(
            Grant,
            role=st.sampled_from(sorted(ACTS_OF)),
            units=units,
            purpose=st.sampled_from([None, "p", "q"]),
        ),
        max_size=3,
    ).map(tuple),
    scopes=st.none() | st.frozensets(st.sampled_from(sorted(ALL_ACTS))),
    party=st.sampled_from([None, PartyId("h1"), PartyId("h2")]),
)
subjects = st.builds(
    Subject,
    record_id=st.just(RecordId("r")),
    state=st.sampled_from(["accepted", "due", "candidate", "returned", "destroyed", "withdrawn", "reserved"]),
    units=st.frozensets(st.sampled_from(["a", "b", "c"]), min_size=1),
    mode=st.sampled_from(["01", "02", "03"]),
    holders=st.frozensets(st.sampled_from([PartyId("h1"), PartyId("h2")])),
)


@given(caller=callers, record=subjects, purpose=st.sampled_from([None, "p", "q"]))
def test_a_scope_finds_exactly_what_the_policy_allows(
    caller: Caller, record: Subject, purpose: str | None
) -> None:
    scope = scope_of(caller, purpose=purpose)
    in_units = bool(record.units & scope.units) or (scope.holder is not None and scope.holder in record.holders)
    kept = record.state in KEPT and in_units
    waiting = record.state in ("candidate", "returned") and bool(record.units & scope.candidate_units)
    found = record.mode in scope.modes and (kept or waiting)
    assert found == (decide(caller, "record.find", record, purpose=purpose) == "allowed")


def test_an_act_without_a_record_is_judged_by_unit() -> None:
    assert may(officer(), "copy.request")
    assert may(officer(), "copy.request", "here")
    assert not may(officer(), "copy.request", "elsewhere")
    assert not may(officer(), "principal.manage")


def _units(engine: Engine) -> None:
    """old ministry (with archive and sub) became new-a and new-b; archive moved below new-a."""
    with writing(engine) as connection:
        for name in ("old", "new-a", "new-b", "archive", "sub", "b-only"):
            connection.execute(insert(unit).values(id=name, kind="x"))
        for child, parent in (("archive", "old"), ("sub", "archive"), ("archive", "new-a"), ("b-only", "new-b")):
            day = date(2025, 3, 1) if parent.startswith("new") else date(2000, 1, 1)
            until = date(2025, 2, 28) if parent == "old" else None
            connection.execute(
                insert(unit_parent).values(unit_id=child, parent_id=parent, valid_from=day, valid_until=until)
            )
        for after in ("new-a", "new-b"):
            connection.execute(
                insert(unit_succession).values(
                    predecessor_id="old",
                    successor_id=after,
                    effective_on=date(2025, 3, 1),
                    kind="split",
                    basis="x",
                )
            )


def test_a_grant_covers_the_sub_tree_its_successors_and_what_they_took_over(engine: Engine) -> None:
    _units(engine)
    with reading(engine) as connection:
        today = date(2026, 1, 1)
        assert covered_units(connection, "sub", today) == {"sub"}
        assert covered_units(connection, "archive", today) == {"archive", "sub"}
        assert covered_units(connection, "new-b", today) == {"new-b", "b-only", "old"}
        assert "new-b" not in covered_units(connection, "new-a", today)
        assert covered_units(connection, "old", today) == {"old", "new-a", "new-b", "archive", "sub", "b-only"}
        assert covered_units(connection, "new-a", date(2025, 1, 1)) == {"new-a"}
        assert root_units(connection, today) == ["new-a", "new-b", "old"]


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal.create(tmp_path / "sealing.json")


@pytest.fixture
def admin(engine: Engine, now: datetime) -> PrincipalId:
    with writing(engine) as connection:
        first = add_principal(
            connection, kind="administrator", login="first", display_name="Người đầu", by=None, at=now
        )
        store_units(connection, SHIPPED / "units-demo.toml", principal=first, at=now)
        return first


def test_a_principal_acts_by_its_grants_until_it_is_disabled(
    engine: Engine, admin: PrincipalId, now: datetime
) -> None:
    with writing(engine) as connection:
        new = add_principal(connection, kind="officer", login="van-thu", display_name="Văn thư", by=admin, at=now)
        grant_role(connection, new, "officer", "demo-ministry-2025", by=admin, at=now)
        grant_role(connection, new, "staff", "demo-archive", by=admin, at=now, valid_until=date(2020, 1, 1))
    with reading(engine) as connection:
        caller = caller_of(connection, "van-thu", at=now)
        assert [g.role for g in caller.grants] == ["officer"]
        assert caller.grants[0].units == {"demo-ministry-2025", "demo-archive", "demo-ministry"}
        assert next(p for p in list_principals(connection, at=now) if p.id == new).grants == (
            ("officer", "demo-ministry-2025", None),
        )
    with writing(engine) as connection:
        disable_principal(connection, "van-thu", by=admin, at=now)
    with reading(engine) as connection, pytest.raises(NotFound):
        caller_of(connection, "van-thu", at=now)


@pytest.mark.parametrize(
    ("kind", "login", "name"),
    [
        ("king", "a", "A"),
        ("officer", "Á", "A"),
        ("officer", "a b", "A"),
        ("officer", "a", " "),
        ("officer", "first", "A"),
    ],
)
def test_a_principal_that_cannot_be_is_refused(
    engine: Engine, admin: PrincipalId, now: datetime, kind: str, login: str, name: str
) -> None:
    with writing(engine) as connection, pytest.raises(PrincipalRefused):
        add_principal(connection, kind=kind, login=login, display_name=name, by=admin, at=now)


def test_a_key_is_shown_once_and_kept_only_as_its_digest(
    engine: Engine, admin: PrincipalId, seal: Seal, now: datetime
) -> None:
    with writing(engine) as connection:
        grant_role(connection, admin, "officer", "demo-archive", by=admin, at=now)
        text = make_key(
            connection,
            seal,
            "first",
            expires_at=now + timedelta(days=1),
            by=admin,
            at=now,
            scopes=frozenset(("record.find",)),
        )
    assert len(text) == len(PREFIX) + 52
    with reading(engine) as connection:
        row = connection.execute(select(api_key)).one()
        logged = b"".join(e.canonical for e in events.read_from(connection, "records", 0))
        caller = caller_by_key(connection, seal, text, at=now)
    assert text not in str(row)
    assert text[len(PREFIX) :].encode() not in logged
    assert caller.principal == admin
    assert may(caller, "record.find", "demo-archive")
    assert not may(caller, "record.read", "demo-archive")


def test_every_key_that_does_not_work_is_refused_alike(
    engine: Engine, admin: PrincipalId, seal: Seal, now: datetime, tmp_path: Path
) -> None:
    day = timedelta(days=1)
    with writing(engine) as connection:
        expired = make_key(connection, seal, "first", expires_at=now + day, by=admin, at=now)
        foreign = make_key(
            connection, Seal.create(tmp_path / "other.json"), "first", expires_at=now + day, by=admin, at=now
        )
        with pytest.raises(PrincipalRefused):
            make_key(connection, seal, "first", expires_at=now, by=admin, at=now)
        with pytest.raises(PrincipalRefused):
            make_key(connection, seal, "first", expires_at=now + day, by=admin, at=now, scopes=frozenset(("all",)))
    told = set()
    with reading(engine) as connection:
        for text, at in (
            (expired, now + day),
            (foreign, now),
            ("", now),
            ("sohoa_" + "a" * 52, now),
            (expired + "\n", now),
            (expired.upper(), now),
            ("ｓohoa_" + "a" * 52, now),
            ("x" * 10_000_000, now),
        ):
            with pytest.raises(KeyRefused) as error:
                caller_by_key(connection, seal, text, at=at)
            told.add(str(error.value))
    with writing(engine) as connection:
        assert revoke_keys(connection, "first", by=admin, at=now) == 2
        with pytest.raises(KeyRefused) as error:
            caller_by_key(connection, seal, expired, at=now)
        told.add(str(error.value))
    assert len(told) == 1


def test_a_key_within_a_unit_reaches_nothing_beyond_it(
    engine: Engine, admin: PrincipalId, seal: Seal, now: datetime
) -> None:
    with writing(engine) as connection:
        grant_role(connection, admin, "officer", "demo-ministry-2025", by=admin, at=now)
        text = make_key(
            connection,
            seal,
            "first",
            expires_at=now + timedelta(days=1),
            by=admin,
            at=now,
            unit_id="demo-archive",
        )
    with reading(engine) as connection:
        caller = caller_by_key(connection, seal, text, at=now)
    assert caller.grants[0].units == {"demo-archive"}
