"""Levels 3-4 in a store of their own, from the manifest to search, copies, holds and `doctor`, by the commands."""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from served_home import served
from sqlalchemy import select

from archive.database import reading
from archive.errors import RestrictedStoreUnset, StoresNotApart
from archive.stores.open import open_store
from archive.stores.port import ObjectStore
from console.home import Home
from console.settings import HomeSettings, read_settings
from console.stores import archive_store
from ingest.tables import item, work_item

PATIENCE_SECONDS = 120.0
SETTING = "ARCHIVE_RESTRICTED_STORE_URL"
ROW = {
    "sheets": "1",
    "document_type": "Quyết định",
    "code_notation": "QĐ-STNMT",
    "retention_class": "20 năm",
    "closed_on": "2020-12-31",
    "access_mode": "Công khai",
    "source_form": "giấy",
    "source_status": "bản chính",
}
LEVELS = {"1": "Công khai", "3": "Hạn chế", "5": "đóng kín"}  # the last one is none


@dataclass(frozen=True)
class Separated:
    """A home with a restricted store, and the folder its scans came from."""

    home: TestHome
    apart: Path
    delivery: Path

    @property
    def key(self) -> str:
        return (self.delivery / "key").read_text()

    def restricted(self) -> ObjectStore:
        return open_store(self.apart.as_uri(), make=False)

    def twin(self, folder: Path) -> "Separated":
        """Return an equal home elsewhere with a restricted store of its own."""
        shutil.copytree(self.apart, folder / "apart")
        copied = self.home.copy(folder / "var")
        made = replace(copied, settings={**copied.settings, SETTING: (folder / "apart").as_uri()})
        return replace(self, home=made, apart=folder / "apart")

    def with_setting(self, url: str | None) -> TestHome:
        kept = {name: value for name, value in self.home.settings.items() if name != SETTING}
        return replace(self.home, settings={**kept, **({SETTING: url} if url is not None else {})})


def _deliver(top: Path, levels: Mapping[str, str]) -> Path:
    """Write one scan for each number, with its level; every page has words of its own."""
    folder = top / "scans"
    rows = []
    for number, level in levels.items():
        path = scans.save(scans.page(mark=f"so {number}"), folder / f"{number}.jpg")
        scans.remember(path, top / "recordings", [(*scans.LINES, f"riêng số {number}")])
        rows.append({**ROW, "file": path.name, "code_number": number, "sensitivity_level": level})
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Separated:
    top = tmp_path_factory.mktemp("separation")
    folder = _deliver(top, LEVELS)
    home = TestHome(top / "var", top / "recordings", {SETTING: (top / "apart").as_uri()})
    (top / "key").write_text(home.ask("init")["api_key"])
    batch = home.ask("intake", str(folder))["batch"]
    assert home.run("work", "--until-idle").code == 0
    assert home.ask("batch", "accept", batch, "--word", "Đã xem")["accepted"] == len(LEVELS)
    return Separated(home, top / "apart", top)


def _keys(store: ObjectStore) -> list[str]:
    return [one.key for one in store.list_versions()]


def _kept_here(kept: Separated) -> list[str]:
    """The keys in the store of everybody, but for those of the log: it tells of every level, by digests."""
    return [key for key in _keys(kept.home.store()) if not key.startswith("log/")]


def _bytes_of(store: ObjectStore) -> bytes:
    found = []
    for one in store.list_versions():
        with store.read(one.key, one.version_id) as stream:
            found.append(stream.read())
    return b"".join(found)


def test_levels_3_and_4_are_in_their_store_alone_and_1_and_2_in_the_other(kept: Separated) -> None:
    records = {number: kept.home.record_numbered(number) for number in LEVELS}
    there, here = _keys(kept.restricted()), _keys(kept.home.store())
    for number, record in records.items():
        places = ([key for key in here if record in key], [key for key in there if record in key])
        # The content and its acceptance lie together; a level nobody can read counts as 3.
        assert [len(keys) for keys in places] == ([2, 0] if number == "1" else [0, 2]), number
    assert all(key.startswith("restricted/packages/") for key in there)


def test_the_bytes_of_levels_3_and_4_are_nowhere_in_the_other_store(kept: Separated) -> None:
    here, there = _bytes_of(kept.home.store()), _bytes_of(kept.restricted())
    for number in LEVELS:
        received = (kept.delivery / "scans" / f"{number}.jpg").read_bytes()
        assert (received in here, received in there) == (number == "1", number != "1"), number


def test_a_level_that_cannot_be_understood_is_kept_apart_and_looked_at(kept: Separated) -> None:
    record = kept.home.record_numbered("5")
    shown = kept.home.ask("record", "show", record)
    assert shown["sensitivity_level"] == 3
    (batch,) = kept.home.ask("batch", "list")["batches"]
    items = {one["record"]: one for one in kept.home.ask("batch", "receipt", batch["batch"])["items"]}
    assert "unknown-code" in items[record]["review"]


def test_whoever_looks_sees_one_archive(kept: Separated, tmp_path: Path) -> None:
    assert kept.home.faults() == set()
    assert kept.home.ask("store", "check")["proved"]
    record = kept.home.record_numbered("3")
    hits = kept.home.ask("search", '"riêng số"')["hits"]
    exported = kept.home.ask("record", "export", record, "-o", str(tmp_path / "package.zip"))
    (stored, _acceptance) = (one for one in kept.restricted().list_versions() if record in one.key)
    assert len({hit["record"] for hit in hits}) == len(LEVELS)
    assert exported["sha256"] == stored.sha256


def test_a_copy_of_level_1_is_issued_and_verified_and_of_level_3_refused(kept: Separated, tmp_path: Path) -> None:
    twin = kept.twin(tmp_path)
    options = ("--for", "Trần Thị Mẫu", "--purpose", "thẩm định")
    before = _keys(twin.restricted())

    twin.home.ask("copy", "issue", twin.home.record_numbered("1"), *options, "-o", str(tmp_path / "copy.pdf"))
    refused = twin.home.run("copy", "issue", twin.home.record_numbered("3"), *options, "--json")

    assert twin.home.ask("verify", str(tmp_path / "copy.pdf"))["integrity"]["verdict"] == "valid"
    assert (refused.code, refused.document["rule"]) == (2, "not-secret")
    assert len([key for key in _keys(twin.home.store()) if key.startswith("copies/")]) == 1
    assert before == _keys(twin.restricted())
    assert twin.home.faults() == set()


def test_supplements_and_holds_of_level_3_go_where_the_record_is(kept: Separated, tmp_path: Path) -> None:
    twin = kept.twin(tmp_path)
    record = twin.home.record_numbered("3")
    here = _kept_here(twin)

    twin.home.ask("record", "effect", record, "revoked", "--on", "2026-01-02", "--basis", "QĐ 9")
    twin.home.ask("hold", "place", record, "--basis", "QĐ 10")

    objects = [one for one in twin.restricted().list_versions() if record in one.key]
    assert [one.held for one in objects] == [True] * 3
    assert here == _kept_here(twin)
    assert twin.home.faults() == set()


@pytest.mark.drill
def test_while_their_store_is_away_levels_1_and_2_go_on_and_the_rest_waits(
    kept: Separated, tmp_path: Path
) -> None:
    twin = kept.twin(tmp_path)
    away = twin.apart.rename(tmp_path / "away")
    new = _deliver(tmp_path, {"61": "1", "63": "3"})
    twin = replace(twin, home=replace(twin.home, recordings=tmp_path / "recordings"))

    text_of_1 = twin.home.ask("record", "text", twin.home.record_numbered("1"))
    refused = twin.home.run("record", "text", twin.home.record_numbered("3"), "--json")
    examined = twin.home.run("doctor", "--json")
    batch = twin.home.ask("intake", str(new))["batch"]
    working = twin.home.start("work", "--until-idle")
    states = _wait_for(twin.home, batch, {"61.jpg": "done", "63.jpg": "store-unavailable"})

    assert "riêng số 1" in text_of_1["pages"][0]["text"]
    assert [(one.code, one.document["error"]) for one in (refused, examined)] == [(2, "store-unavailable")] * 2
    assert not twin.apart.exists()

    away.rename(twin.apart)
    working.communicate(timeout=PATIENCE_SECONDS)
    assert working.returncode == 0, states
    assert twin.home.ask("batch", "receipt", batch)["waiting"] == 0
    assert any(twin.home.record_numbered("63") in key for key in _keys(twin.restricted()))
    assert twin.home.faults() == set()


def _wait_for(home: TestHome, batch: str, wanted: dict[str, str]) -> dict[str, str]:
    """Return the state or first reason of each item's work, once they are as wanted."""
    asked = (
        select(item.c.file, work_item.c.state, work_item.c.reason)
        .join(work_item, work_item.c.subject_id == item.c.id)
        .where(item.c.batch_id == batch)
    )
    engine, deadline = home.engine(), time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            with reading(engine) as connection:
                rows = connection.execute(asked).all()
            found = {row.file: (row.reason or row.state).partition(":")[0] for row in rows}
            if found == wanted:
                return found
            time.sleep(0.2)
    finally:
        engine.dispose()
    raise AssertionError(f"{found}, not {wanted}")


def test_a_running_service_says_which_store_is_missing_and_serves_the_other(
    kept: Separated, tmp_path: Path
) -> None:
    twin = kept.twin(tmp_path)
    pages = {number: f"/api/v1/records/{twin.home.record_numbered(number)}/pages/1/text" for number in "13"}
    with served(twin.home, kept.key, workers=0) as there:
        well = there.client.get("/health/ready")
        away = twin.apart.rename(tmp_path / "away")
        time.sleep(1.1)  # an answer is good for a second
        missing = there.client.get("/health/ready")
        answers = {number: there.client.get(path) for number, path in pages.items()}
        away.rename(twin.apart)

    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert (missing.status_code, missing.json()["status"]) == (200, "degraded")
    named = {part["name"]: part["why"] for part in missing.json()["parts"] if not part["ok"]}
    assert named == {"restricted-store": "store-unavailable"}
    assert answers["1"].status_code == 200
    assert (answers["3"].status_code, answers["3"].json()["type"]) == (503, "urn:sohoa:problem:store-unavailable")


def test_without_the_setting_the_archive_refuses_to_work(kept: Separated) -> None:
    refused = kept.with_setting(None).run("record", "list", "--json")
    assert (refused.code, refused.document["error"]) == (2, "restricted-store-unset")
    assert SETTING in refused.told
    with pytest.raises(RestrictedStoreUnset):
        Home.create(_settings_of(kept.with_setting(None)), units=None, now=datetime.now(UTC))


def test_a_place_that_is_not_apart_is_refused(kept: Separated) -> None:
    folder = kept.home.folder
    settings = replace(_settings_of(kept.home), store_url=(folder / "objects").as_uri())
    settings = replace(settings, ingest=replace(settings.ingest, staging_url=(folder / "staging").as_uri()))
    for place in ("objects", "objects/rieng", "staging", "."):
        taken = replace(settings, restricted_store_url=(folder / place).resolve().as_uri())
        for door in (Home.open, archive_store):
            with pytest.raises(StoresNotApart):
                door(taken)
    same = kept.with_setting(_settings_of(kept.home).store_url).run("record", "list", "--json")
    assert (same.code, same.document["error"]) == (2, "stores-not-apart")


def _settings_of(home: TestHome) -> HomeSettings:
    return read_settings(home.folder, home.environment)


@pytest.mark.drill
def test_set_later_it_takes_what_comes_and_doctor_names_what_came_before(tmp_path: Path) -> None:
    folder = _deliver(tmp_path, {"1": "1", "3": "3"})
    before = TestHome(tmp_path / "var", tmp_path / "recordings")
    before.run("init")
    batch = before.ask("intake", str(folder))["batch"]
    assert before.run("work", "--until-idle").code == 0
    assert before.faults() == set()
    (first,) = (key for key in _keys(before.store()) if before.record_numbered("3") in key)

    later = replace(before, settings={SETTING: (tmp_path / "apart").as_uri()})
    unmade = later.run("store", "check", "--json")
    assert later.run("init").code == 0
    assert later.ask("batch", "accept", batch, "--word", "Đã xem")["accepted"] == 2

    assert (unmade.code, unmade.document["error"]) == (2, "store-unavailable")
    record = later.record_numbered("3")
    assert "riêng số 3" in json.dumps(later.ask("record", "text", record), ensure_ascii=False)
    (second,) = _keys(open_store((tmp_path / "apart").as_uri()))
    assert (first, second) == (
        f"packages/{record[:2]}/{record}/0001",
        f"restricted/packages/{record[:2]}/{record}/0002",
    )
    findings = later.run("doctor", "--json").document["findings"]
    assert [(one["fault"], one["subject"]) for one in findings] == [("restricted-in-open-store", first)]
