"""Readings of a record: how one is kept beside its package, put in force, taken back and found damaged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import packages
import pytest
import rot
from holdings import Holdings
from sqlalchemy import select, update

from archive import events, text_deposit
from archive.checks import check_objects
from archive.database import reading, writing
from archive.errors import NotFound, PackageInvalid, Refused, StoreUnavailable
from archive.package import layout
from archive.package.page_texts import pages_read_again, reading_of, text_hash
from archive.package.read import open_package
from archive.package.write import write_supplement
from archive.record import RecordId
from archive.retrieve import current_package
from archive.tables.holdings import hold, record
from archive.tables.packages import package
from archive.text_deposit import Deposited, choose_text, deposit_text
from archive.texts import readings_of, text_in_force

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
ONE, OTHER = packages.ALTO.format("again").encode(), packages.ALTO.format("once more").encode()


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    """One archive for all tests here; each deposits a record of its own."""
    return Holdings(tmp_path_factory.mktemp("texts") / "home", NOW)


def _content(held: Holdings, record_id: RecordId) -> Any:
    with reading(held.engine) as connection:
        return current_package(connection, record_id)


def deposit(held: Holdings, record_id: RecordId, document: bytes, **changes: Any) -> Deposited:
    values: dict[str, Any] = {
        "parent_sha256": _content(held, record_id).sha256,
        "adopt": True,
        "principal": held.admin,
        "at": NOW,
        "scratch": held.folder / "scratch",
    }
    read, texts = packages.read_again(document), packages.texts_of(document)
    return deposit_text(held.engine, held.store, record_id, read, texts, **{**values, **changes})


def in_force(held: Holdings, record_id: RecordId) -> int | None:
    with reading(held.engine) as connection:
        row = text_in_force(connection, current_package(connection, record_id))
        return row.number if row is not None else None


def told(held: Holdings, record_id: RecordId) -> list[tuple[str, Any]]:
    with reading(held.engine) as connection:
        bodies = [one.body for one in events.read_from(connection, "records", 0, limit=1000)]
    return [
        (body["kind"], body["payload"].get("text"))
        for body in bodies
        if body["payload"].get("record") == record_id and "text" in body["kind"]
    ]


def test_a_reading_is_a_locked_supplement_in_force_and_the_package_stays_as_it_is(held: Holdings) -> None:
    record_id = held.deposit()
    before = _content(held, record_id)
    stored = held.store.head(before.object_key)
    assert deposit(held, record_id, ONE) == Deposited(2, new=True, in_force=True)
    after = _content(held, record_id)
    assert (after.version_id, after.sha256, after.locked_until) == (
        before.version_id,
        before.sha256,
        before.locked_until,
    )
    assert held.store.head(before.object_key) == stored
    with reading(held.engine) as connection:
        row = connection.execute(
            select(package).where(package.c.record_id == record_id, package.c.number == 2)
        ).one()
    assert (row.about, row.state, row.parent_sha256) == ("text", "deposited", before.sha256)
    assert row.locked_until >= before.locked_until
    with held.store.read(row.object_key, row.version_id) as stream, open_package(stream) as opened:
        opened.verify()
        assert opened.read(layout.alto_member(1)) == ONE
        said = opened.supplement()
        assert before.sha256.encode() in opened.read(layout.representation_premis("rep1"))
    assert reading_of(said) == packages.read_again(ONE)
    assert told(held, record_id) == [("record.text", None), ("text.chosen", 2)]
    assert list(check_objects(held.engine, held.store, deep=True)) == []


def test_a_choice_is_taken_back_and_made_again(held: Holdings) -> None:
    record_id = held.deposit()
    deposit(held, record_id, ONE)
    assert deposit(held, record_id, OTHER, adopt=False) == Deposited(3, new=True, in_force=False)
    assert in_force(held, record_id) == 2
    acts = [
        choose_text(held.engine, held.log, record_id, number, principal=held.admin, at=NOW)
        for number in (3, 1, 1, 2)
    ]
    assert acts == [True, True, False, True]
    assert in_force(held, record_id) == 2
    assert told(held, record_id)[1:] == [
        ("text.chosen", 2),
        ("record.text", None),
        ("text.chosen", 3),
        ("text.chosen", None),
        ("text.chosen", 2),
    ]
    found = readings_of(held.engine, held.store, record_id, principal=held.admin, at=NOW)
    assert [(one.number, one.in_force) for one in found] == [(1, False), (2, True), (3, False)]
    assert [one.text_sha256 for one in found[1:]] == [packages.read_again(x).text_sha256 for x in (ONE, OTHER)]
    assert found[1].engines[0]["models"] == {"vie": "12" * 32}


@pytest.mark.parametrize("number", [4, 9999])
def test_what_is_no_reading_of_the_package_is_not_chosen(held: Holdings, number: int) -> None:
    record_id = held.deposit()
    held.effect(record_id, "suspended")
    for one in (2, number):
        with pytest.raises(NotFound):
            choose_text(held.engine, held.log, record_id, one, principal=held.admin, at=NOW)


def test_the_same_reading_again_is_only_put_in_force(held: Holdings) -> None:
    record_id = held.deposit()
    deposit(held, record_id, ONE)
    choose_text(held.engine, held.log, record_id, 1, principal=held.admin, at=NOW)
    later = NOW + timedelta(days=1)
    assert deposit(held, record_id, ONE, at=later, adopt=False) == Deposited(2, new=False, in_force=False)
    assert deposit(held, record_id, ONE, at=later) == Deposited(2, new=False, in_force=True)
    with reading(held.engine) as connection:
        assert len(connection.execute(select(package).where(package.c.record_id == record_id)).all()) == 2


def test_a_reading_interrupted_after_its_object_adopts_it(held: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    record_id = held.deposit()

    def crash(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(text_deposit, "hold_with_record", crash)
        with pytest.raises(StoreUnavailable):
            deposit(held, record_id, ONE)
    assert in_force(held, record_id) is None
    assert deposit(held, record_id, OTHER) == Deposited(3, new=True, in_force=True)
    assert deposit(held, record_id, ONE, at=NOW + timedelta(hours=1)) == Deposited(2, new=True, in_force=True)
    with reading(held.engine) as connection:
        rows = connection.execute(
            select(package.c.number, package.c.state)
            .where(package.c.record_id == record_id)
            .order_by(package.c.number)
        ).all()
    assert [tuple(row) for row in rows] == [(1, "deposited"), (2, "deposited"), (3, "deposited")]
    assert list(check_objects(held.engine, held.store, deep=True)) == []


def test_a_reading_of_a_held_record_is_held_too(held: Holdings) -> None:
    record_id = held.deposit()
    with writing(held.engine) as connection:
        connection.execute(
            hold.insert().values(id="hold-t", record_id=record_id, placed_at=NOW, placed_by=held.admin, basis="x")
        )
    deposit(held, record_id, ONE)
    with reading(held.engine) as connection:
        row = connection.execute(
            select(package).where(package.c.record_id == record_id, package.c.number == 2)
        ).one()
    assert held.store.head(row.object_key, row.version_id).held


def test_a_reading_of_another_package_than_the_newest_is_refused_and_reserves_nothing(held: Holdings) -> None:
    record_id = held.deposit()
    with pytest.raises(Refused, match="newer content package"):
        deposit(held, record_id, ONE, parent_sha256="ab" * 32)
    with reading(held.engine) as connection:
        assert len(connection.execute(select(package).where(package.c.record_id == record_id)).all()) == 1


def test_a_record_that_is_not_kept_is_not_read_again(held: Holdings) -> None:
    record_id = held.deposit()
    with writing(held.engine) as connection:
        connection.execute(update(record).where(record.c.id == record_id).values(state="destroyed"))
    with pytest.raises(NotFound):
        deposit(held, record_id, ONE)
    with pytest.raises(NotFound):
        choose_text(held.engine, held.log, record_id, 1, principal=held.admin, at=NOW)


def test_a_tampered_text_is_found(held: Holdings) -> None:
    record_id = held.deposit()
    deposit(held, record_id, ONE)
    with reading(held.engine) as connection:
        row = connection.execute(
            select(package).where(package.c.record_id == record_id, package.c.number == 2)
        ).one()
    with held.store.read(row.object_key, row.version_id) as stream:
        body = stream.read()
    changed = body.replace(b"again", b"agape")
    assert changed != body
    with open_package(BytesIO(changed)) as opened, pytest.raises(PackageInvalid, match="not what its METS"):
        opened.verify()
    rot.spoil(held.store, row.object_key, lambda whole: whole.replace(b"again", b"agape"))
    found = [one.subject for one in check_objects(held.engine, held.store, deep=True)]
    rot.spoil(held.store, row.object_key, lambda whole: whole.replace(b"agape", b"again"))
    whole = [one.subject for one in check_objects(held.engine, held.store, deep=True)]
    assert [one for one in found if one not in whole] == [row.object_key]


def test_a_supplement_whose_body_names_other_texts_is_not_written(tmp_path: Path) -> None:
    told = packages.supplement("text")
    for texts in ((), packages.texts_of(ONE, packages.AGAIN[1]), packages.texts("text") * 2):
        with pytest.raises(PackageInvalid, match="not those its body names"):
            write_supplement(told, tmp_path / "s.zip", texts)
    with pytest.raises(PackageInvalid, match="not those its body names"):
        write_supplement(packages.supplement("effect"), tmp_path / "s.zip", packages.texts("text"))


@pytest.mark.parametrize(
    "change",
    [
        {"text_sha256": "0" * 64},
        {"reading": "x" * 26},
        {"pages": [{"page": 1}]},
        {"pages": 5},
        {"pages": []},
    ],
)
def test_a_body_that_contradicts_itself_is_no_reading(change: dict[str, Any]) -> None:
    told = packages.supplement("text")
    with pytest.raises(PackageInvalid):
        reading_of(replace(told, body={**told.body, **change}))
    with pytest.raises(PackageInvalid):
        reading_of(packages.supplement("effect"))


def test_texts_of_other_pages_than_the_package_has_are_refused(tmp_path: Path, held: Holdings) -> None:
    content = _content(held, held.deposit())
    with (
        held.store.read(content.object_key, content.version_id) as stream,
        open_package(stream) as opened,
        pytest.raises(PackageInvalid, match="it has 3 pages"),
    ):
        pages_read_again(opened.content(), packages.supplement("text"))


def test_the_text_hash_is_made_of_numbers_and_digests_in_order() -> None:
    assert text_hash([(2, "b" * 64), (1, "a" * 64)]) == text_hash([(1, "a" * 64), (2, "b" * 64)])
    # printf '1 %s\n' aaa… | sha256sum
    assert text_hash([(1, "a" * 64)]) == "f186507cc0484cef37fdf16aed2ff82c13f70f7df50dd869ed39d7334d868de4"
