"""kill -9 at every named place between two durable steps: what was acknowledged is there, the rest ends well.

Each command is killed at the place and given again, as its clerk would do; nothing is lost, doubled or left over.
Places on the way to a copy: `test_faults_copies`.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from killing import Killer, killing, orphans, scratch_left
from sqlalchemy import func, select

from archive.database import reading
from archive.digest import sha256_of_file
from archive.failpoints import PLACES, arm
from archive.stores.port import StoredObject
from archive.tables.holdings import effect, hold, record
from archive.tables.packages import package
from console.home import utc_now
from console.settings import read_settings
from ingest.tables import item, work_item

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("archive", "ocr", "retention", "ingest", "search_api", "console")
INTAKE = ("batch-opened", "staged", "item-listed", "missing-declared", "batch-taken")
READING = ("claim", "numbered", "reading", "signed", "packaging", "put", "object-put", "commit")
RELEASE = ("release", "staging-deleted", "released")
LONG = ("spread", "share-ended", "gathered")
ACCEPTANCE = ("supplement-planned", "lock-extended", "supplement-stored", "accepted", "batch-closed")
EFFECT = ("supplement-planned", "object-put", "supplement-stored", "effect-recorded")
TEXT = ("supplement-planned", "object-put", "supplement-stored", "text-recorded")
HOLD = ("hold-flagged", "hold-placed", "segment-put", "segment-written")
COPIES = frozenset(place for place in PLACES if place.startswith("copy-"))
LONG_PAGES = 21  # one more than a share
RECORDS = 5
# Locks that are due for renewal at once; a document of more than a share's pages is spread.
SETTINGS = {"RETENTION_CANDIDATE_DAYS": "10", "INGEST_SPREAD_PAGES": "20"}


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    made = TestHome(tmp_path / "var", tmp_path / "recordings", SETTINGS)
    assert made.run("init").code == 0
    return made


def _deliver(top: Path) -> tuple[Path, Path, Path, Path]:
    """Folders of one file, of the same again, of a long one, and of three with a row whose file is missing."""
    one, same, long, more = folders = (top / "one", top / "same", top / "long", top / "more")
    files = (
        (one, "a.pdf", 1),
        (more, "b.tif", 2),
        (more, "c.pdf", 1),
        (more, "d.pdf", 1),
        (long, "l.pdf", LONG_PAGES),
    )
    rows: dict[Path, list[dict[str, str]]] = {folder: [] for folder in folders}
    for folder, name, count in files:
        drawn = [scans.page(mark=f"{name} {n}", size=(210, 297)) for n in range(count)]
        scans.remember(scans.save_all(drawn, folder / name), top / "recordings", [scans.LINES] * count)
        rows[folder].append({"file": name, "sheets": str(count)})
    same.mkdir()
    (same / "e.pdf").write_bytes((one / "a.pdf").read_bytes())
    rows[same].append({"file": "e.pdf", "sheets": "1"})
    rows[more].append({"file": "gone.pdf", "sheets": "1"})
    for folder in folders:
        write_manifest(folder, rows[folder])
    return folders


def _put_a_stranger(home: TestHome, path: Path) -> StoredObject:
    """Have something foreign, without a lock, under the key of what is frozen and not stored."""
    engine = home.engine()
    with reading(engine) as connection:
        rows = connection.execute(select(work_item.c.frozen).where(work_item.c.state != "done")).scalars().all()
    engine.dispose()
    (key,) = [row["key"] for row in rows if "content" in row]
    path.write_bytes(b"not ours")
    return home.store().put(key, path, sha256=sha256_of_file(path)[0], retain_until=None, now=utc_now())


def _take_in_and_work_off(killer: Killer, top: Path) -> list[str]:
    """Take four folders in and work them off, killed at every place; return the batches."""
    one, same, long, more = _deliver(top)
    killer.run("intake", str(one))
    killer.kill_at("frozen", "one-worker")
    stranger = _put_a_stranger(killer.home, top / "stranger")
    killer.kill_at("number-voided", "one-worker")
    killer.run("one-worker")
    killer.home.store().delete(stranger.key, stranger.version_id, now=utc_now())
    killer.run("intake", str(same))
    killer.kill_at("linked", "one-worker")
    killer.run("intake", str(long))
    for place in LONG:
        killer.kill_at(place, "one-worker", tries=2)
    killer.run("one-worker")
    for place in INTAKE:
        killer.kill_at(place, "intake", str(more))
    for place in (*READING, *RELEASE):
        killer.kill_at(place, "one-worker")
    killer.run("one-worker")
    killer.kill_at("lock-renewed", "renew")
    killer.run("renew")
    return [one["batch"] for one in killer.run("batch", "list")["batches"]]


def _accept(killer: Killer, batches: list[str]) -> None:
    first = batches[0]
    for place in ACCEPTANCE:
        killer.kill_at(place, "batch", "accept", first, "--word", "đã xem")
    for batch in batches:
        killer.run("batch", "accept", batch, "--word", "đã xem")


def _hold(killer: Killer, record_id: str) -> None:
    for place in HOLD:
        killer.kill_at(place, "hold", "place", record_id, "--basis", "QĐ 1")
    killer.run("hold", "place", record_id, "--basis", "QĐ 1")


def _lift(killer: Killer, record_id: str) -> None:
    killer.kill_at("hold-lifted", "hold", "lift", record_id, "--basis", "QĐ 2")
    killer.run("hold", "place", record_id, "--basis", "QĐ 3")
    killer.kill_at("hold-unflagged", "hold", "lift", record_id, "--basis", "QĐ 4")


def _give_effect(killer: Killer, record_id: str) -> None:
    words = ("record", "effect", record_id, "suspended", "--on", "2026-01-02", "--basis", "QĐ 5")
    for place in EFFECT:
        killer.kill_at(place, *words)
    killer.run(*words)


def _read_again(killer: Killer, top: Path, record_id: str) -> None:
    for path in (top / "recordings").glob("*.json"):
        path.write_text(path.read_text().replace("GIẤY", "TỜ"))
    for place in TEXT:
        killer.kill_at(place, "record", "reread", record_id)
    killer.run("record", "reread", record_id)


def _whole(home: TestHome, receipts: list[Any]) -> None:
    assert [(one["state"], one["balanced"]) for one in receipts] == [("closed", True)] * 4
    engine = home.engine()
    with reading(engine) as connection:
        assert Counter(connection.execute(select(item.c.state)).scalars()) == {"archived": RECORDS, "duplicate": 1}
        assert set(connection.execute(select(work_item.c.state)).scalars()) == {"done"}
        assert Counter(connection.execute(select(record.c.state)).scalars()) == {"accepted": RECORDS}
        rows = connection.execute(
            select(package.c.about, package.c.state, func.count()).group_by(package.c.about, package.c.state)
        )
        assert {(row[0], row[1]): row[2] for row in rows} == {
            (None, "deposited"): RECORDS,
            (None, "void"): 1,
            ("acceptance", "deposited"): RECORDS,
            ("effect", "deposited"): 1,
            ("text", "deposited"): 1,
        }
        assert connection.execute(select(func.count()).select_from(effect)).scalar_one() == 1
        assert all(connection.execute(select(hold.c.lifted_at)).scalars())
    engine.dispose()


def test_killed_at_every_place_and_given_again_every_command_ends_as_if_it_had_not_been(
    home: TestHome, tmp_path: Path
) -> None:
    with killing(home) as killer:
        batches = _take_in_and_work_off(killer, tmp_path)
        record_id = killer.run("batch", "receipt", batches[0])["items"][0]["record"]
        _hold(killer, record_id)
        _accept(killer, batches)
        _give_effect(killer, record_id)
        _read_again(killer, tmp_path, record_id)
        killer.run("one-worker")
        assert killer.run("doctor")["findings"] == [], "what came after the hold is held, too"
        _lift(killer, record_id)
        killer.run("one-worker")
        receipts = [killer.run("batch", "receipt", batch) for batch in batches]
        assert killer.run("doctor")["findings"] == []
    _whole(home, receipts)
    assert orphans(home) == []
    assert scratch_left(home) == []
    assert set(killer.places) | COPIES == set(PLACES), "a place of the list is never died at"
    print(f"{killer.kills} kills at {len(set(killer.places))} places")


def test_every_place_in_the_code_is_in_the_list_and_the_other_way_round() -> None:
    passed = set()
    for name in PACKAGES:
        for path in (ROOT / name).rglob("*.py"):
            passed |= set(re.findall(r'failpoints\.passing\(\s*"([^"]+)"\s*\)', path.read_text()))
            assert "_ARMED" not in path.read_text() or path.name == "failpoints.py"
    assert passed == set(PLACES)


def test_every_place_on_the_way_to_a_copy_is_died_at() -> None:
    copies = (ROOT / "tests" / "faults" / "test_faults_copies.py").read_text()
    assert {place for place in COPIES if f'"{place}"' not in copies and f'"{place}:1' not in copies} == set()


def test_an_archive_that_signs_with_its_own_keys_cannot_be_made_to_die(home: TestHome, tmp_path: Path) -> None:
    folder, _, _, _ = _deliver(tmp_path)
    assert home.run("intake", str(folder), drill="staged:1").code < 0
    (home.folder / "keys" / "authority").rename(tmp_path / "authority")  # what only demonstration keys have
    assert home.run("intake", str(folder), drill="staged:1").code == 0


def test_neither_of_the_two_settings_alone_arms_anything(tmp_path: Path) -> None:
    both = {"SOHOA_FAILPOINT": "claim:1", "SOHOA_DRILL": "kill-me"}
    assert read_settings(tmp_path, both).failpoint == "claim:1"
    for name in both:
        assert read_settings(tmp_path, {name: both[name]}).failpoint is None
    assert read_settings(tmp_path, {**both, "SOHOA_DRILL": "yes"}).failpoint is None


def test_no_shipped_setting_arms_anything() -> None:
    shipped = [
        ROOT / "docker-compose.yml",
        ROOT / "Dockerfile",
        *(ROOT / "deploy").rglob("*"),
        *(ROOT / "scripts").glob("*"),
    ]
    named = [path for path in shipped if path.is_file() and b"SOHOA_FAILPOINT" in path.read_bytes()]
    assert named == []


@pytest.mark.parametrize("spec", ["nowhere:1", "claim", "claim:x", "claim:1:all", ""])
def test_what_is_no_failpoint_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="no such failpoint"):
        arm(spec)
