"""Legal effects: what they come to on a day, and how one is written down."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from holdings import Holdings
from sqlalchemy import select, update

from archive import effects, events
from archive.checks import check_objects
from archive.database import reading, writing
from archive.effects import EffectState, effect_on, record_effect, state_of
from archive.errors import NotFound, Refused, StoreUnavailable
from archive.package.read import open_package
from archive.record import PrincipalId, RecordId
from archive.tables.holdings import effect, hold, record
from archive.tables.packages import package

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def said(kind: str, on: str, *, part: str | None = None, linked: str | None = None, basis: str = "QĐ") -> Any:
    return SimpleNamespace(
        kind=kind, effective_on=date.fromisoformat(on), part=part, linked_record_id=linked, basis=basis
    )


def state(*rows: Any, on: str, valid_from: str | None = None, valid_until: str | None = None) -> EffectState:
    first = date.fromisoformat(valid_from) if valid_from else None
    last = date.fromisoformat(valid_until) if valid_until else None
    return state_of(first, last, rows, date.fromisoformat(on))


@pytest.mark.parametrize(
    ("rows", "on", "expected"),
    [
        ([], "2026-01-01", "in-force"),
        ([said("revoked", "2026-02-01")], "2026-01-31", "in-force"),
        ([said("revoked", "2026-02-01")], "2026-02-01", "revoked"),
        ([said("suspended", "2026-02-01")], "2026-02-01", "suspended"),
        ([said("suspended", "2026-02-01"), said("issued", "2026-03-01")], "2026-03-01", "in-force"),
        ([said("issued", "2026-03-01"), said("suspended", "2026-02-01")], "2026-02-15", "suspended"),
        ([said("suspended", "2026-02-01"), said("revoked", "2026-02-02")], "2026-03-01", "revoked"),
        ([said("revoked", "2026-02-01"), said("suspended", "2026-02-02")], "2026-03-01", "revoked"),
        ([said("revoked", "2026-02-01"), said("annulled", "2026-02-02")], "2026-03-01", "annulled"),
        ([said("revoked", "2026-02-01"), said("issued", "2026-02-01")], "2026-02-01", "revoked"),
        ([said("amended", "2026-02-01"), said("corrected", "2026-02-02")], "2026-03-01", "in-force"),
        ([said("replaced", "2026-02-01")], "2026-02-01", "replaced"),
        ([said("issued", "2026-02-01")], "2026-01-31", "not-yet"),
    ],
)
def test_effects_come_to_one_state_on_a_day(rows: list[Any], on: str, expected: str) -> None:
    found = state(*rows, on=on)
    assert (found.state, found.in_force) == (expected, expected == "in-force")


def test_a_term_counts_its_first_and_last_day() -> None:
    term = {"valid_from": "2026-01-10", "valid_until": "2026-01-20"}
    days = {day: state(on=f"2026-01-{day}", **term).state for day in ("09", "10", "20", "21")}
    assert days == {"09": "not-yet", "10": "in-force", "20": "in-force", "21": "expired"}
    assert state(on="2026-02-01", **term).since == date(2026, 1, 21)


def test_extended_moves_the_last_day_and_never_back() -> None:
    rows = [said("extended", "2027-06-30"), said("extended", "2026-12-31")]
    assert state(*rows, on="2027-06-30", valid_until="2026-06-30").state == "in-force"
    assert state(*rows, on="2027-07-01", valid_until="2026-06-30").state == "expired"


def test_what_was_revoked_stays_revoked_past_its_term() -> None:
    found = state(said("revoked", "2026-02-01", basis="QĐ 5"), on="2027-01-01", valid_until="2026-06-30")
    assert (found.state, found.since, found.basis) == ("revoked", date(2026, 2, 1), "QĐ 5")


def test_an_effect_on_a_part_leaves_the_whole_in_force_and_is_told() -> None:
    found = state(
        said("revoked", "2026-02-01", part="Điều 3"), said("amended", "2026-02-01", part="Điều 4"), on="2026-02-01"
    )
    assert (found.state, found.parts) == ("in-force", ("Điều 3",))


def test_a_replaced_record_names_what_replaces_it() -> None:
    assert state(said("replaced", "2026-02-01", linked="new"), on="2026-02-01").replaced_by == "new"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    """One archive for all tests here; each deposits a record of its own."""
    return Holdings(tmp_path_factory.mktemp("effects") / "home", NOW)


def write(held: Holdings, record_id: RecordId, kind: Any, **changes: Any) -> str:
    values: dict[str, Any] = {
        "on": TODAY,
        "basis": "QĐ 12/QĐ-STNMT",
        "principal": held.admin,
        "at": NOW,
        "scratch": held.folder / "scratch",
    }
    return record_effect(held.engine, held.store, record_id, kind, **{**values, **changes})


def on(held: Holdings, record_id: RecordId, day: date) -> EffectState:
    with reading(held.engine) as connection:
        return effect_on(connection, record_id, day)


def test_an_effect_is_a_locked_supplement_a_row_and_an_event(held: Holdings) -> None:
    first, second = held.deposit(), held.deposit()
    effect_id = write(held, first, "replaced", linked=second)
    with reading(held.engine) as connection:
        row = connection.execute(select(effect).where(effect.c.record_id == first)).one()
        packages = connection.execute(select(package).where(package.c.record_id == first)).all()
        body = list(events.read_from(connection, "records", 0))[-1].body
    content, supplement = sorted(packages, key=lambda one: one.number)
    assert (row.id, row.kind, row.linked_record_id, row.package_number) == (effect_id, "replaced", second, 2)
    assert (supplement.about, supplement.state, supplement.parent_sha256) == (
        "effect",
        "deposited",
        content.sha256,
    )
    assert supplement.locked_until >= content.locked_until
    assert (body["kind"], body["payload"]["kind"], body["payload"]["effect"]) == (
        "record.effect",
        "replaced",
        effect_id,
    )
    with held.store.read(supplement.object_key, supplement.version_id) as stream, open_package(stream) as opened:
        opened.verify()
        assert opened.supplement().body["basis"] == "QĐ 12/QĐ-STNMT"
    assert on(held, first, TODAY) == EffectState(False, "replaced", TODAY, "QĐ 12/QĐ-STNMT", second)
    assert on(held, first, TODAY - timedelta(days=1)).in_force
    assert list(check_objects(held.engine, held.store, deep=True)) == []


def test_the_same_effect_again_changes_nothing(held: Holdings) -> None:
    record_id = held.deposit()
    first = write(held, record_id, "suspended")
    assert write(held, record_id, "suspended", at=NOW + timedelta(days=1)) == first
    with reading(held.engine) as connection:
        assert len(connection.execute(select(package).where(package.c.record_id == record_id)).all()) == 2


def test_an_effect_interrupted_after_its_object_adopts_it_and_another_does_not_take_its_place(
    held: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_id = held.deposit()

    def crash(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(effects, "_write_down", crash)
        with pytest.raises(StoreUnavailable):
            write(held, record_id, "suspended")
    other = write(held, record_id, "amended", basis="QĐ 13")
    again = write(held, record_id, "suspended", at=NOW + timedelta(hours=1))
    with reading(held.engine) as connection:
        rows = {row.id: row for row in connection.execute(select(effect))}
        states = connection.execute(
            select(package.c.number, package.c.state)
            .where(package.c.record_id == record_id)
            .order_by(package.c.number)
        ).all()
    assert rows[other].kind == "amended"
    # What the first attempt left in the store is what counts: it cannot be changed any more.
    assert (rows[again].kind, rows[again].recorded_at, rows[again].package_number) == ("suspended", NOW, 2)
    assert [tuple(row) for row in states] == [(1, "deposited"), (2, "deposited"), (3, "deposited")]
    assert list(check_objects(held.engine, held.store, deep=True)) == []


def test_an_effect_on_a_held_record_is_held_too(held: Holdings) -> None:
    record_id = held.deposit()
    with writing(held.engine) as connection:
        connection.execute(
            hold.insert().values(id="hold-1", record_id=record_id, placed_at=NOW, placed_by=held.admin, basis="x")
        )
    write(held, record_id, "revoked")
    with reading(held.engine) as connection:
        row = connection.execute(
            select(package).where(package.c.record_id == record_id, package.c.number == 2)
        ).one()
    assert held.store.head(row.object_key, row.version_id).held


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"basis": "  "}, "effect-basis"),
        ({"basis": "a\x00b"}, "effect-text"),
        ({"basis": "\ud800"}, "effect-text"),
        ({"basis": "x" * 1001}, "effect-text"),
        ({"part": " "}, "effect-text"),
    ],
)
def test_an_effect_that_says_nothing_readable_is_refused(
    held: Holdings, changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        write(held, RecordId("any"), "revoked", **changes)
    assert refused.value.rule == rule


def test_an_effect_of_no_kind_or_linked_to_itself_is_refused(held: Holdings) -> None:
    record_id = held.deposit()
    with pytest.raises(Refused, match="an effect is one of"):
        write(held, record_id, "lapsed")
    with pytest.raises(Refused, match="itself"):
        write(held, record_id, "replaced", linked=record_id)


def test_nothing_is_said_of_a_record_that_is_not_kept(held: Holdings) -> None:
    record_id = held.deposit()
    with writing(held.engine) as connection:
        connection.execute(update(record).where(record.c.id == record_id).values(state="destroyed"))
    for unknown in (record_id, RecordId("nobody")):
        with pytest.raises(NotFound):
            write(held, unknown, "revoked")
    with pytest.raises(NotFound):
        on(held, RecordId("nobody"), TODAY)


def test_who_records_an_effect_is_named_in_its_supplement(held: Holdings) -> None:
    record_id = held.deposit()
    officer: PrincipalId = held.principal("approver", "so-a")
    write(held, record_id, "corrected", principal=officer)
    with reading(held.engine) as connection:
        row = connection.execute(select(effect).where(effect.c.record_id == record_id)).one()
    assert row.principal_id == officer
    assert replace(on(held, record_id, TODAY), since=None) == EffectState(True, "in-force")
