"""Long documents read by several workers: each page once, the same package, whoever dies in the middle."""

import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import scans
from home_of_tests import TestHome, write_manifest
from sqlalchemy import Engine, select

from archive.database import reading, writing
from archive.identifiers import new_id
from console.home import Home, utc_now
from console.metrics.figures import read_work
from console.settings import read_settings
from ingest import worklist
from ingest.backlog import backlog, is_work_left
from ingest.bell import Ring, SilentBell
from ingest.desk import Desk
from ingest.errors import LeaseLost
from ingest.lanes import Lane
from ingest.settings import IngestSettings
from ingest.spreading import SHARE_PAGES, end_share
from ingest.tables import page_result, work_item
from ingest.workman import Workman

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
SETTINGS = IngestSettings(staging_url="memory:", scratch=Path("scratch"))
PAGES = 3 * SHARE_PAGES
SPREAD = {"INGEST_SPREAD_PAGES": "10"}
OTHER = "elsewhere:1:1"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home with one long document, waiting to be worked."""
    top = tmp_path_factory.mktemp("long")
    drawn = [scans.page(mark=f"{n}", size=(420, 594)) for n in range(PAGES)]
    scans.remember(scans.save_all(drawn, top / "scans" / "long.pdf"), top / "recordings", [scans.LINES] * PAGES)
    write_manifest(top / "scans", [{"file": "long.pdf", "sheets": str(PAGES), "dossier_code": "HS-1"}])
    home = TestHome(top / "var", top / "recordings", SPREAD)
    home.ask("init")
    home.ask("intake", str(top / "scans"))
    return home


@pytest.fixture
def home(taken: TestHome, tmp_path: Path) -> TestHome:
    return taken.copy(tmp_path / "var")


@dataclass
class HeardBell(SilentBell):
    """Remembers what was rung for."""

    rings: list[Ring] = field(default_factory=list)

    def ring(self, rings: Sequence[Ring]) -> int:
        self.rings += rings
        return len(rings)


@contextmanager
def _workmen(home: TestHome, count: int, bell: SilentBell | None = None) -> Iterator[list[Workman]]:
    """Lend so many workers, in this process, each at a desk of its own."""
    home.log.touch()
    with ExitStack() as stack:
        workmen = []
        for _ in range(count):
            opened = Home.open(read_settings(home.folder, home.environment))
            stack.callback(opened.engine.dispose)
            desk: Desk = replace(opened.desk(), bell=bell or SilentBell())
            stack.callback(desk.close)
            workmen.append(Workman(desk))
        yield workmen


def _asked(home: TestHome, question: Callable[[Any], Any]) -> Any:
    engine = home.engine()
    with reading(engine) as connection:
        answer = question(connection)
    engine.dispose()
    return answer


def _work(home: TestHome) -> Counter[tuple[str, str]]:
    """How much work there is of each kind and state."""
    query = select(work_item.c.kind, work_item.c.state)
    return Counter(_asked(home, lambda c: [(row.kind, row.state) for row in c.execute(query)]))


def _content(home: TestHome) -> dict[str, Any]:
    frozen = _asked(home, lambda c: c.execute(select(work_item.c.frozen)).scalar_one())
    return dict(frozen["content"])


def _texts(home: TestHome, folder: Path) -> dict[str, bytes]:
    """The page texts in the one package."""
    (stored,) = home.store().list_versions("packages/")
    with home.store().read(stored.key, stored.version_id) as stream:
        folder.mkdir()
        (folder / "package.zip").write_bytes(stream.read())
    with zipfile.ZipFile(folder / "package.zip") as package:
        found = [name for name in package.namelist() if "/data/text/page-" in name]
        return {name.partition("/")[2]: package.read(name) for name in found}


def _check_whole(home: TestHome) -> None:
    """The document is archived, no share is left, and nothing is wrong."""
    (batch,) = home.ask("batch", "list")["batches"]
    receipt = home.ask("batch", "receipt", batch["batch"])
    assert (receipt["archived"], receipt["balanced"]) == (PAGES, True)
    assert _work(home) == {("read", "done"): 1}
    assert home.faults() <= {"index-behind"}


def test_a_document_read_in_shares_is_the_document_read_by_one(home: TestHome, tmp_path: Path) -> None:
    alone = replace(home.copy(tmp_path / "alone"), settings={"INGEST_SPREAD_PAGES": str(PAGES)})
    bell = HeardBell()
    with _workmen(home, 2, bell) as (first, second):
        assert first.work_one()
        assert _work(home) == {("read", "ready"): 1, ("pages", "ready"): 3}
        left = _asked(home, lambda c: backlog(c, now=utc_now()))
        assert (left.ready, left.later, left.leased) == (0, 1, 0)  # one item, however it is read
        assert home.faults() == set()
        readers = [threading.Thread(target=one.work_one) for one in (first, second)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert first.work_one()
        assert [ring.lane for ring in bell.rings] == ["batch"] * 4  # for three shares, and for the whole
        assert _asked(home, is_work_left)
        assert second.work_one()
        assert not second.work_one()
    _check_whole(home)
    assert set(Counter(home.read_log()).values()) == {1}
    assert len(home.read_log()) == PAGES

    alone.ask("work", "--until-idle")
    assert alone.read_log() != home.read_log()
    assert sorted(alone.read_log()) == sorted(home.read_log())
    assert _content(alone)["pages"] == _content(home)["pages"]
    texts = _texts(home, tmp_path / "p")
    assert len(texts) == PAGES
    assert texts == _texts(alone, tmp_path / "q")


def test_spreading_can_be_turned_off(home: TestHome) -> None:
    with _workmen(replace(home, settings={"INGEST_SPREAD_PAGES": "0"}), 1) as (one,):
        assert one.work_one()
        assert not one.work_one()
    _check_whole(home)


def test_killed_in_the_middle_of_shares_each_goes_on_with_its_next_page(home: TestHome) -> None:
    work = ("work", "--workers", "2", "--until-idle")
    assert home.run(*work, drill="reading:7:group").code != 0  # as a power cut: supervisor and workers at once
    kept = _asked(home, lambda c: len(c.execute(select(page_result.c.file_index)).all()))
    assert kept >= 7
    answer = home.run(*work, "--json", drill="reading:15")  # each worker alone, again and again
    assert answer.code == 0, answer.told
    assert answer.document["deaths"] >= 1
    assert (answer.document["done"], answer.document["waiting"], answer.document["quarantined"]) == (1, 0, 0)
    _check_whole(home)
    # Of the two that were killed at once, the other may have had a page in hand.
    assert PAGES <= len(home.read_log()) <= PAGES + 1


def _die(home: TestHome, *, kind: str, times: int) -> None:
    """Have so many workers claim the first work of a kind and die of it."""
    engine = home.engine()
    with writing(engine) as connection:
        first = select(work_item.c.id).where(work_item.c.kind == kind).order_by(work_item.c.id).limit(1)
        doomed = connection.execute(first).scalar_one()
        for _ in range(times):
            held = [_claim(connection, utc_now())]
            while held[-1].work_item_id != doomed:
                held.append(_claim(connection, utc_now()))
            for other in held[:-1]:
                worklist.put_back(connection, other, now=utc_now(), after_seconds=0)
            worklist.report_death(connection, OTHER, reason="killed", now=utc_now(), settings=SETTINGS)
    engine.dispose()


@pytest.mark.drill
def test_a_share_that_kills_its_workers_leaves_its_pages_to_the_document_and_a_retry_ends_it(
    home: TestHome,
) -> None:
    with _workmen(home, 1) as (one,):
        assert one.work_one()
        _die(home, kind="pages", times=3)
        assert _work(home)["pages", "quarantined"] == 1
        quarantined = _asked(
            home, lambda c: [s.value for s in read_work(c, utc_now()) if s.labels[:1] == ("quarantined",)]
        )
        assert quarantined == [0, 0, 0]  # no item is given up
        while _work(home)["pages", "ready"]:
            assert one.work_one()
        assert len(home.read_log()) == 2 * SHARE_PAGES
        _die(home, kind="read", times=3)
        assert _work(home) == {("read", "quarantined"): 1}
        (batch,) = home.ask("batch", "list")["batches"]
        (line,) = home.ask("batch", "receipt", batch["batch"])["items"]
        assert line["reason"] == "quarantined"
        assert home.ask("batch", "retry", batch["batch"])["retried"] == 1
        assert one.work_one()
    _check_whole(home)
    assert set(Counter(home.read_log()).values()) == {1}


def test_a_mark_of_secrecy_in_a_share_stops_the_document(home: TestHome, tmp_path: Path) -> None:
    texts: list[Sequence[str]] = [scans.LINES] * PAGES
    texts[SHARE_PAGES + 5] = ("TỐI MẬT", *scans.LINES)
    scans.remember(home.recordings.parent / "scans" / "long.pdf", tmp_path / "marked", texts)
    home = replace(home, recordings=tmp_path / "marked")
    with _workmen(home, 1) as (one,):
        one.run(until_idle=True)
    (batch,) = home.ask("batch", "list")["batches"]
    (line,) = home.ask("batch", "receipt", batch["batch"])["items"]
    assert (line["state"], line["reason"]) == ("stopped", "read-toi-mat")
    assert _work(home) == {("read", "done"): 1}
    assert _asked(home, lambda c: c.execute(select(page_result)).all()) == []
    assert list(home.store().list_versions("packages/")) == []


def _spread_work(engine: Engine, count: int = 2) -> tuple[str, list[worklist.Claim]]:
    """A document's work that waits, and its shares in somebody's hands."""
    with writing(engine) as connection:
        whole = worklist.add_work(connection, new_id(), batch_id="b", lane="heavy", now=NOW)
        claim = _claim(connection)
        inputs = {"item": claim.item_id, "work": whole, "from": 0, "to": 9, "due": NOW.isoformat()}
        shares = [
            worklist.add_work(
                connection, new_id(), batch_id="b", lane="heavy", now=NOW, kind="pages", frozen=inputs
            )
            for _ in range(count)
        ]
        claim = worklist.freeze(connection, claim, {"spread": shares}, now=NOW)
        worklist.put_back(connection, claim, now=NOW, after_seconds=30)
        return whole, [_claim(connection) for _ in shares]


def _claim(connection: Any, now: datetime = NOW) -> worklist.Claim:
    claim = worklist.claim_next(connection, owner=OTHER, now=now, settings=SETTINGS)
    assert claim is not None
    return claim


def test_work_that_ends_leaves_no_share_and_whoever_reads_one_can_keep_nothing(engine: Engine) -> None:
    whole, (share, _) = _spread_work(engine)
    assert share.whole_id == whole
    later = NOW.replace(hour=4)
    with writing(engine) as connection:
        worklist.finish(connection, _claim(connection, later), reason="twin-stopped", now=later)
    with reading(engine) as connection:
        assert connection.execute(select(work_item.c.kind)).scalars().all() == ["read"]
    with pytest.raises(LeaseLost), writing(engine) as connection:
        worklist.renew(connection, share, now=later, settings=SETTINGS)


def test_work_that_is_quarantined_leaves_no_share(engine: Engine) -> None:
    _spread_work(engine)
    with writing(engine) as connection:
        claim = _claim(connection, NOW.replace(hour=4))
        settings = replace(SETTINGS, failure_limit=1)
        assert worklist.fail(connection, claim, reason="x", now=NOW, settings=settings) == "quarantined"
        assert connection.execute(select(work_item.c.kind)).scalars().all() == ["read"]


def test_of_shares_that_end_at_once_exactly_one_is_the_last(engine: Engine) -> None:
    for _ in range(5):
        whole, shares = _spread_work(engine, 4)
        with ThreadPoolExecutor(len(shares)) as pool:
            lanes = list(pool.map(partial(_end_together, engine, threading.Barrier(len(shares))), shares))
        assert Counter(lanes) == {None: 3, "heavy": 1}
        with writing(engine) as connection:
            claim = _claim(connection)
            assert claim.work_item_id == whole
            worklist.finish(connection, claim, reason=None, now=NOW)


def _end_together(engine: Engine, together: threading.Barrier, share: worklist.Claim) -> Lane | None:
    together.wait()
    return end_share(engine, share, reason=None, now=NOW)
