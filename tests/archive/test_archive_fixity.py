"""Checks, second copies and repairs over two stores: everything damaged is found, nothing good is replaced."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import pytest
import rot
from sqlalchemy import Engine, func, insert, select, update

from archive import events
from archive.database import reading, writing
from archive.digest import sha256_of_bytes
from archive.errors import DigestMismatch, ObjectNotFound, StoreUnavailable
from archive.fixity.newcomers import Looks
from archive.fixity.preservation import preservation_event
from archive.fixity.reading import Wanted, from_good_copy, opened_good, require_digest
from archive.fixity.scrub import FixitySettings, Scrub, Scrubbed, total
from archive.record import PrincipalId
from archive.stores.file import FileStore
from archive.stores.filesystem import LocalFiles
from archive.stores.port import ObjectStore
from archive.stores.separated import SeparatedStore
from archive.tables.log import log_segment
from archive.tables.packages import fixity_check

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
END = AT + timedelta(days=3650)


class Unsynced(LocalFiles):
    """A disk that need not survive a power cut."""

    def sync(self, handle: int) -> None:
        """Wait for nothing."""

    def sync_folder(self, folder: Path) -> None:
        """Wait for nothing."""


WHO = PrincipalId("w" * 26)


@dataclass
class Vault:
    """Two stores and a catalogue that names what lies in them (as segments of the log: the rows are small)."""

    engine: Engine
    folder: Path
    replica: ObjectStore | None = None
    now: datetime = AT + timedelta(days=1)
    bodies: dict[str, bytes] = field(default_factory=dict)
    unnamed: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SeparatedStore(
            FileStore(self.folder / "kho", files=Unsynced()),
            None,
            replica=(lambda: self.replica) if self.replica is not None else None,  # type: ignore[return-value,arg-type]
        )

    def put(self, data: bytes) -> str:
        """Store bytes and let the catalogue name them; return the key."""
        key = self.store_only(data)
        self.name_all()
        return key

    def name_all(self) -> None:
        """Let the catalogue name what it does not yet."""
        with writing(self.engine) as connection:
            for row in self.unnamed:
                connection.execute(insert(log_segment).values(**row))
        self.unnamed.clear()

    def store_only(self, data: bytes) -> str:
        """Store bytes that `name_all` names later; return the key."""
        number = len(self.bodies)
        key = f"log/records/{number:020d}"
        body = self.folder / "body"
        body.write_bytes(data)
        stored = self.store.put(key, body, sha256=sha256_of_bytes(data), retain_until=END, now=AT)
        names = {"object_key": key, "version_id": stored.version_id, "sha256": stored.sha256}
        row = {"stream": "records", "first_sequence": number, "next_sequence": number + 1, "stored_at": AT}
        self.unnamed.append({**names, **row})
        self.bodies[key] = data
        return key

    def scrub(self, **settings: int) -> Scrub:
        return Scrub(
            self.engine,
            self.store,
            FixitySettings(**settings),
            principal=WHO,
            scratch=self.folder / "scratch",
            now=lambda: self.now,
        )

    def check_all(self) -> Scrubbed:
        """Check everything that was checked before now."""
        self.now += timedelta(minutes=30)
        return total(self.scrub().run(everything=True))

    def verdicts(self) -> dict[tuple[str, str], str]:
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(fixity_check.c.store, fixity_check.c.object_key, fixity_check.c.verdict)
            )
            return {(row.store, row.object_key): row.verdict for row in rows}

    def told(self, kind: str) -> list[events.Event]:
        with reading(self.engine) as connection:
            found = list(events.read_from(connection, "records", 0, limit=100_000))
        return [one for one in found if one.body["kind"] == kind]

    def bytes_of(self, side: ObjectStore, key: str) -> bytes | None:
        """Return what a store gives for a key now; None if it gives nothing."""
        try:
            with side.read(key, side.head(key).version_id) as stream:
                return stream.read()
        except (ObjectNotFound, StoreUnavailable):
            return None


@pytest.fixture
def vault(engine: Engine, tmp_path: Path) -> Vault:
    """Two file stores."""
    return Vault(engine, tmp_path, FileStore(tmp_path / "ban-hai", files=Unsynced()))


@pytest.fixture
def alone(engine: Engine, tmp_path: Path) -> Vault:
    """One file store without a second."""
    return Vault(engine, tmp_path)


def test_what_is_stored_is_checked_once_in_so_many_days(alone: Vault) -> None:
    keys = [alone.put(bytes([n]) * 1000) for n in range(3)]

    assert alone.scrub(days=90).turn() == Scrubbed()
    alone.now = AT + timedelta(days=82)
    assert alone.scrub(days=90).turn() == Scrubbed(ok=3, length=3000)
    assert alone.scrub(days=90).turn() == Scrubbed()
    assert dict.fromkeys((("primary", key) for key in keys), "ok") == alone.verdicts()

    (told,) = alone.told("fixity.checked")
    assert told.body["payload"]["counts"] == {"ok": 3, "bad": 0, "unchecked": 0}
    made = preservation_event(told)
    assert made is not None
    assert (made.type, made.outcome) == ("fixity check", "success")


def test_the_oldest_check_is_renewed_first(alone: Vault) -> None:
    keys = [alone.put(bytes([n])) for n in range(40)]
    alone.check_all()
    with writing(alone.engine) as connection:
        old = update(fixity_check).where(fixity_check.c.object_key.in_(keys[35:]))
        connection.execute(old.values(checked_at=AT - timedelta(days=1)))
    alone.now += timedelta(days=100)

    alone.scrub().turn()
    with reading(alone.engine) as connection:
        late = connection.execute(select(func.count()).where(fixity_check.c.checked_at < AT)).scalar_one()
    assert late == 0


def test_a_store_that_is_away_is_unchecked_and_never_bad(alone: Vault) -> None:
    for n in range(40):
        alone.put(bytes([n]))
    alone.check_all()
    (alone.folder / "kho").rename(alone.folder / "away")

    done = alone.check_all()
    assert (done.ok, done.bad, done.unchecked) == (0, 0, 32)
    assert set(alone.verdicts().values()) == {"ok"}
    assert alone.told("fixity.bad") == []

    (alone.folder / "away").rename(alone.folder / "kho")
    assert alone.check_all().ok == 40


def test_what_a_killed_process_had_claimed_is_checked_by_another_later(alone: Vault) -> None:
    alone.put(b"a")
    alone.now += timedelta(days=90)
    scrub = alone.scrub()
    scrub.turn()
    with writing(alone.engine) as connection:
        connection.execute(update(fixity_check).values(not_before=alone.now + timedelta(hours=1), checked_at=AT))

    assert alone.scrub().turn() == Scrubbed()
    alone.now += timedelta(hours=1)
    assert alone.scrub().turn().ok == 1


def test_a_claim_or_a_check_of_days_to_come_counts_for_nothing(alone: Vault) -> None:
    alone.put(b"a")
    alone.check_all()
    ahead = alone.now + timedelta(days=3650)
    with writing(alone.engine) as connection:
        connection.execute(update(fixity_check).values(checked_at=ahead, not_before=ahead))
    assert alone.scrub().turn().ok == 1


def test_no_more_is_read_than_may_be(alone: Vault) -> None:
    for n in range(100):
        alone.put(bytes([n]) * 1000)
    slept: list[float] = []
    scrub = Scrub(
        alone.engine,
        alone.store,
        FixitySettings(bytes_per_second=10_000_000),
        principal=WHO,
        scratch=alone.folder,
        now=lambda: alone.now,
        sleep=slept.append,
    )
    alone.now += timedelta(days=1)
    assert total(scrub.run(everything=True)).ok == 100
    assert len(slept) >= 3
    assert scrub.turn() == Scrubbed()


def test_a_look_that_found_all_there_was_is_followed_by_a_rest_many_times_as_long() -> None:
    seconds, there, looked = [0.0], [1, 2, 3], [0]

    def look() -> list[int]:
        looked[0] += 1
        seconds[0] += 2.0
        found, there[:] = list(there), []
        return found

    looks = Looks(look, clock=lambda: seconds[0])
    assert sorted(looks.take(2) + looks.take(2)) == [1, 2, 3]
    assert looked == [1]
    there += [4]
    seconds[0] += 39.0
    assert (looks.take(2), looked) == ([], [1])
    seconds[0] += 1.0
    assert (looks.take(2), looked) == ([4], [2])
    assert looks.take(2) == []
    there += [5]
    assert looks.take(2, at_once=True) == [5]


def test_what_another_copied_meanwhile_is_not_copied_again(vault: Vault) -> None:
    for n in range(3):
        vault.put(bytes([n]) * 100)
    first, second = vault.scrub(), vault.scrub()
    second._uncopied.take(0)  # it has looked and knows of three
    assert total(first.run()).copied == 3
    assert second.turn().copied == 0


def test_everything_has_a_second_copy_with_its_lock_and_hold(vault: Vault) -> None:
    keys = [vault.put(bytes([n]) * 100) for n in range(40)]
    held = vault.store.head(keys[0])
    vault.store.set_hold(keys[0], held.version_id, held=True)
    assert vault.replica is not None

    first = vault.scrub().turn()
    assert first.copied == 32
    assert total(vault.scrub().run()).copied == 8
    for key in keys:
        second = vault.replica.head(key)
        assert (END, key == keys[0], AT) == (second.retain_until, second.held, second.stored_at)
        assert vault.bodies[key] == vault.bytes_of(vault.replica, key)
    assert vault.scrub().turn().copied == 0
    assert sum(len(one.body["payload"]["objects"]) for one in vault.told("replica.copied")) == 40


def test_a_copy_that_lies_there_already_is_adopted_and_another_object_is_named(
    vault: Vault, tmp_path: Path
) -> None:
    same, other = vault.put(b"same"), vault.put(b"other")
    body = tmp_path / "x"
    assert vault.replica is not None
    for key, data in ((same, b"same"), (other, b"foreign")):
        body.write_bytes(data)
        vault.replica.put(key, body, sha256=sha256_of_bytes(data), retain_until=AT + timedelta(days=1), now=AT)

    done = vault.check_all()
    assert (done.copied, done.unmended) == (1, 1)
    assert vault.replica.head(same).retain_until == END
    assert vault.bytes_of(vault.replica, other) == b"foreign"
    assert vault.verdicts()["replica", other] == "bad"
    vault.check_all()
    assert vault.bytes_of(vault.replica, other) == b"foreign"


def test_what_is_bad_in_both_stores_stays_bad_and_is_told_once(vault: Vault) -> None:
    key = vault.put(b"x" * 9000)
    vault.check_all()
    rot.spoil(vault.store, key, lambda data: data[:-1])
    assert vault.replica is not None
    rot.spoil(vault.replica, key, lambda data: b"y" + data[1:])

    for _ in range(2):
        done = vault.check_all()
        assert (done.ok, done.bad, done.repaired, done.unmended) == (0, 2, 0, 2)
    assert {"bad"} == set(vault.verdicts().values())
    assert sorted(one.body["payload"]["store"] for one in vault.told("fixity.bad")) == ["primary", "replica"]
    assert vault.bytes_of(vault.replica, key) == b"y" + b"x" * 8999


def test_a_replica_that_is_away_keeps_no_check_of_the_first_store_waiting(vault: Vault) -> None:
    keys = [vault.put(bytes([n])) for n in range(5)]
    vault.check_all()
    rot.lose(vault.store, keys[0])
    (vault.folder / "ban-hai").rename(vault.folder / "away")

    done = vault.check_all()
    assert (done.ok, done.bad, done.repaired, done.unmended) == (4, 1, 0, 1)
    (vault.folder / "away").rename(vault.folder / "ban-hai")
    assert vault.check_all().repaired == 1
    assert vault.bytes_of(vault.store, keys[0]) == b"\0"


# Bytes that leave


def _wanted(vault: Vault, key: str) -> Wanted:
    stored = vault.store.head(key)
    return Wanted(key, stored.version_id, sha256_of_bytes(vault.bodies[key]), WHO, vault.now)


def _handed_out(vault: Vault, wanted: Wanted) -> tuple[bytes, bytes]:
    """Return what either way of handing bytes out gives."""

    def use(stream: BinaryIO) -> bytes:
        require_digest(stream, wanted)
        return stream.read()

    with opened_good(vault.engine, vault.store, wanted) as stream:
        return from_good_copy(vault.engine, vault.store, wanted, use), stream.read()


@pytest.mark.parametrize("how", ["flipped", "lost", "away"])
def test_what_leaves_comes_from_the_second_copy_where_the_first_is_not_right(vault: Vault, how: str) -> None:
    key = vault.put(b"x" * 9000)
    vault.scrub().turn()
    wanted = _wanted(vault, key)
    if how == "flipped":
        rot.spoil(vault.store, key, lambda data: b"y" + data[1:])
    elif how == "lost":
        rot.lose(vault.store, key)
    else:
        (vault.folder / "kho").rename(vault.folder / "away")

    assert (vault.bodies[key], vault.bodies[key]) == _handed_out(vault, wanted)
    told = [one.body["payload"]["key"] for one in vault.told("fixity.bad")]
    assert told == ([] if how == "away" else [key])


def test_bad_bytes_leave_nowhere(alone: Vault) -> None:
    key = alone.put(b"x" * 9000)
    wanted = _wanted(alone, key)
    rot.spoil(alone.store, key, lambda data: b"y" + data[1:])

    with pytest.raises(DigestMismatch):
        _handed_out(alone, wanted)
    assert len(alone.told("fixity.bad")) == 1
    assert alone.verdicts() == {("primary", key): "bad"}


# The rot drill

Rot = Callable[[ObjectStore, str, Random], None]


def _flip(bits: int) -> Rot:
    def act(store: ObjectStore, key: str, random: Random) -> None:
        def change(data: bytes) -> bytes:
            changed = bytearray(data)
            for place in random.sample(range(8 * len(data)), bits):
                changed[place // 8] ^= 1 << place % 8
            return bytes(changed)

        rot.spoil(store, key, change)

    return act


def _zero_page(store: ObjectStore, key: str, random: Random) -> None:
    def change(data: bytes) -> bytes:
        start = random.randrange(max(1, len(data) // 4096)) * 4096
        return (data[:start] + bytes(min(4096, len(data) - start)) + data[start + 4096 :])[: len(data)]

    rot.spoil(store, key, change)


def _lose_about(store: ObjectStore, key: str, random: Random) -> None:
    about = rot.folder_of(store, key) / "about.json"
    data = about.read_bytes()
    about.unlink()
    if random.random() < 0.5:
        about.write_bytes(data[: random.randrange(len(data))])


ROTS: tuple[Rot, ...] = (
    _flip(1),
    _flip(2),
    _flip(17),
    lambda store, key, random: rot.spoil(store, key, lambda data: data[: random.randrange(len(data))]),
    lambda store, key, _random: rot.spoil(store, key, lambda data: data + b"\n"),
    _zero_page,
    lambda store, key, _random: rot.lose(store, key),
    lambda store, key, _random: (rot.folder_of(store, key) / "object").unlink(),
    _lose_about,
)


def _rot_drill(vault: Vault, *, count: int, damaged: int, seed: int) -> dict[str, int]:
    """Damage objects in either store and in some cases both; let everything be checked twice."""
    random = Random(seed)
    for _ in range(count):
        vault.store_only(random.randbytes(random.randrange(1, 20_000)))
    vault.name_all()
    keys = sorted(vault.bodies)
    assert total(vault.scrub().run()).copied == count
    assert vault.replica is not None
    sides: dict[str, ObjectStore] = {"primary": vault.store, "replica": vault.replica}

    chosen = random.sample(keys, damaged)
    hopeless, swapped, single = (
        chosen[: damaged // 20],
        chosen[damaged // 20 : damaged // 4],
        chosen[damaged // 4 :],
    )
    hit: set[tuple[str, str]] = set()
    for key in hopeless:
        for side, store in sides.items():
            random.choice(ROTS[:5])(store, key, random)
            hit.add((side, key))
    for one, other in zip(swapped[::2], swapped[1::2], strict=False):
        side = random.choice(sorted(sides))
        rot.swap(sides[side], one, other)
        hit |= {(side, one), (side, other)}
    for number, key in enumerate(single):
        side = random.choice(sorted(sides))
        ROTS[number % len(ROTS)](sides[side], key, random)
        hit.add((side, key))
    before = {(side, key): vault.bytes_of(sides[side], key) for side in sides for key in hopeless}

    done = vault.check_all()
    found = {(one.body["payload"]["store"], one.body["payload"]["key"]) for one in vault.told("fixity.bad")}
    mended = {(one.body["payload"]["store"], one.body["payload"]["key"]) for one in vault.told("fixity.repaired")}
    lost = {(side, key) for side in sides for key in hopeless}
    again = vault.check_all()

    assert hit == found
    assert hit - lost == mended
    wrong = [
        (side, key)
        for side, store in sides.items()
        for key in keys
        if (side, key) not in lost and vault.bytes_of(store, key) != vault.bodies[key]
    ]
    assert wrong == []
    assert before == {(side, key): vault.bytes_of(sides[side], key) for side in sides for key in hopeless}
    assert 2 * count - len(lost) == again.ok  # what was just tried in vain is not read again at once
    assert lost == {which for which, verdict in vault.verdicts().items() if verdict == "bad"}
    assert vault.store.leftovers() == [] or lost
    return {
        "objects": count,
        "damaged versions": len(hit),
        "found": len(found),
        "with a good copy": len(hit - lost),
        "repaired": done.repaired,
        "good ones changed": len(wrong),
    }


def test_all_rot_is_found_and_mended_where_there_is_a_good_copy(vault: Vault) -> None:
    figures = _rot_drill(vault, count=60, damaged=40, seed=1)
    assert figures["damaged versions"] == figures["found"] >= 40


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_rot_of_a_thousand_of_ten_thousand_objects(vault: Vault) -> None:
    print(_rot_drill(vault, count=10_000, damaged=1_000, seed=2))
