"""Figures of a running service: what is, what it and its workers did, and what is left without a database."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx2 as httpx
import pytest
import scans
from home_of_tests import SOHOA, TestHome
from parts import started
from prometheus_client.parser import text_string_to_metric_families
from servers.shared import postgres, rabbitmq
from sqlalchemy import Connection, Engine, create_engine, insert, select, update

from archive import events
from archive.codes import SHIPPED, store_units
from archive.database import migrate, open_engine, writing
from archive.errors import HomeNotReady, KeyTaken, ObjectNotFound, SigningFailed
from archive.identifiers import new_id
from archive.record import PrincipalId
from archive.signers.port import Credential
from archive.stores.memory import MemoryStore
from archive.stores.timed import TimedStore
from archive.tables.holdings import fonds
from archive.tables.principals import api_key, principal
from console.dependencies import greet_broker
from console.metrics.collector import KEPT_SECONDS, Reading, State
from console.metrics.datagrams import Receiver, Sender, socket_name
from console.metrics.exporter import exporting, readings_of
from console.metrics.families import Sample
from console.metrics.meters import Meters
from console.observing_settings import Listening, read_observing
from ingest import timings, worklist
from ingest.tables import batch, item, work_item
from search_api.index.port import Position
from search_api.readiness import Check, Readiness

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def now() -> datetime:
    return NOW


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Watched:
    """A running service and where its figures are."""

    process: "subprocess.Popen[str]"
    url: str
    metrics: str
    log: Path

    def figures(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return every figure by name and labels."""
        return figures_of(httpx.get(self.metrics, timeout=20).text)

    def wait_for(self, name: str, value: float, **labels: str) -> None:
        """Look again until a figure is at least so high."""
        deadline = time.monotonic() + 90
        key = (name, frozenset(labels.items()))
        while self.figures().get(key, 0) < value:
            assert time.monotonic() < deadline, f"{key} never came to {value}"
            time.sleep(0.2)

    def wait_for_none(self, name: str, **labels: str) -> None:
        """Look again until a figure is zero: each group of them is read at a time of its own."""
        deadline = time.monotonic() + 90
        key = (name, frozenset(labels.items()))
        while self.figures().get(key) != 0:
            assert time.monotonic() < deadline, f"{key} never came to zero"
            time.sleep(0.2)


def figures_of(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def watched(home: TestHome, **more: str) -> Iterator[Watched]:
    """Run `sohoa serve` with its figures on a port of their own and its log in a file."""
    port = free_port()
    log = home.folder.parent / f"{home.folder.name}-service.log"
    environment = {**home.environment, "METRICS_LISTEN": f"127.0.0.1:{port}", "LOG_FORMAT": "json", **more}
    home.log.touch()
    with started(environment, "serve", "--port", "0", log=log) as part:
        yield Watched(part.process, part.url, f"http://127.0.0.1:{port}/metrics", log)
        assert part.stop() == 0


def labelled(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_a_service_tells_what_is_and_what_its_workers_did(twin: TestHome, accepted: TestHome) -> None:
    folder = twin.folder.parent / "more"
    path = scans.save_all([scans.page(mark="đo"), scans.page(mark="đo hai")], folder / "new.tif")
    scans.remember(path, accepted.folder.parent / "recordings", [["Giấy phép đo", "Điều 1"], ["Trang hai"]])
    with watched(twin) as service:
        twin.ask("intake", str(folder))
        service.wait_for("sohoa_pages_total", 2, outcome="read")
        service.wait_for("sohoa_items_ended_total", 1, outcome="deposited")
        httpx.get(f"{service.url}/api/v1/records/nobody-knows-this")
        httpx.get(f"{service.url}/no/such/address")
        found = service.figures()
        for stage in ("fetch", "probe", "read", "build", "sign", "package", "deposit", "commit"):
            assert found[labelled("sohoa_stage_seconds_count", stage=stage)] == 1, stage
        assert found[labelled("sohoa_store_acts_total", store="archive", act="put", outcome="ok")] == 1
        assert found[labelled("sohoa_page_seconds_count")] == 2
        assert found[labelled("sohoa_sweeps_total")] >= 1
        assert found[labelled("sohoa_leases_returned_total")] == 0
        route = {"method": "GET", "route": "/api/v1/records/{record}", "status": "401"}
        assert found[labelled("sohoa_http_requests_total", **route)] == 1
        assert found[labelled("sohoa_http_requests_total", method="GET", route="-", status="404")] == 1
        assert not [name for name, labels in found if any("nobody-knows" in value for _, value in labels)]
        service.wait_for_none("sohoa_items", state="waiting")
        service.wait_for_none("sohoa_work_items", state="ready", lane="batch")
        found = service.figures()
        assert found[labelled("sohoa_items", state="waiting")] == 0
        assert found[labelled("sohoa_batches", state="open")] == 1
        assert found[labelled("sohoa_work_items", state="ready", lane="batch")] == 0
        assert found[labelled("sohoa_index_rebuilding")] == 0
        assert found[labelled("sohoa_copies", status="issued")] == 0
        assert found[labelled("sohoa_api_keys", state="active")] == 1
        assert min(value for (name, _), value in found.items() if name == "sohoa_key_expiry_seconds") > 86_400
        assert found[labelled("sohoa_lock_expiry_seconds")] > 80 * 86_400
        for dependency in ("database", "schema", "store", "keys", "index", "staging"):
            assert found[labelled("sohoa_up", dependency=dependency)] == 1
        assert {value for (name, _), value in found.items() if name == "sohoa_reading_ok"} == {1.0}
        assert httpx.get(f"{service.url}/metrics").status_code == 404


def test_the_port_of_figures_taken_is_said_in_one_sentence(twin: TestHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        home = TestHome(twin.folder, twin.recordings, {"METRICS_LISTEN": f"127.0.0.1:{port}"})
        answer = home.run("--lang", "en", "serve", "--port", "0")
    assert answer.code == 2
    assert f"127.0.0.1:{port}" in answer.told
    assert "METRICS_LISTEN" in answer.told
    assert "Traceback" not in answer.told


@pytest.mark.parametrize("value", ["9464", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", ":9464"])
def test_an_address_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(HomeNotReady, match="METRICS_LISTEN"):
        read_observing({"METRICS_LISTEN": value})


def test_an_address_with_colons_of_its_own_is_understood() -> None:
    assert read_observing({"METRICS_LISTEN": "[::1]:9464"}).metrics == Listening("::1", 9464)
    assert read_observing({}).metrics is None


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path}/some.db")
    yield opened
    opened.dispose()


def _state(readings: list[Reading], checks: list[Check]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    state = State(readings, Readiness(checks, seconds=0.5))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in state.collect()
        for sample in family.samples
    }


def test_figures_of_a_database_that_is_down_are_absent_and_say_so() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 2})

    def read(_connection: Connection, _now: datetime) -> list[Sample]:
        raise AssertionError("there is no connection to read with")

    def database() -> None:
        nowhere.connect()

    started = time.monotonic()
    found = _state([Reading("items", nowhere, read, now)], [Check("database", database)])
    assert time.monotonic() - started < 4
    assert found == {
        labelled("sohoa_reading_ok", reading="items"): 0,
        labelled("sohoa_up", dependency="database"): 0,
    }


def test_a_scrape_does_not_wait_for_a_slow_reading_nor_start_it_twice(engine: Engine) -> None:
    begun, may_end = [], threading.Event()

    def read(_connection: Connection, _now: datetime) -> list[Sample]:
        begun.append(1)
        may_end.wait(30)
        return [Sample("sohoa_expired_leases", 7)]

    one = Reading("work", engine, read, now)
    started = time.monotonic()
    first, second = _state([one], []), _state([one], [])
    assert time.monotonic() - started < 5
    assert labelled("sohoa_expired_leases") not in {**first, **second}
    assert first[labelled("sohoa_reading_ok", reading="work")] == 0
    assert len(begun) == 1
    may_end.set()
    assert one._thread is not None
    one._thread.join(10)
    third = _state([one], [])
    assert third[labelled("sohoa_expired_leases")] == 7
    assert third[labelled("sohoa_reading_age_seconds", reading="work")] < KEPT_SECONDS


def test_however_often_it_is_scraped_a_reading_rests_ten_times_as_long_as_it_took(engine: Engine) -> None:
    begun: list[float] = []

    def read(_connection: Connection, _now: datetime) -> list[Sample]:
        begun.append(time.monotonic())
        time.sleep(0.05)
        return []

    one = Reading("work", engine, read, now, good_for=0.0)
    until = time.monotonic() + 1.2
    while time.monotonic() < until:
        _state([one], [])
    assert 2 <= len(begun) <= 3
    assert min(after - before for before, after in pairwise(begun)) >= 0.5


def test_a_reading_that_fails_once_is_read_again_and_served(engine: Engine) -> None:
    answers: list[list[Sample] | Exception] = [ValueError("once"), [Sample("sohoa_expired_leases", 1)]]

    def read(_connection: Connection, _now: datetime) -> list[Sample]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    one = Reading("work", engine, read, now, good_for=0.0)
    assert _state([one], [])[labelled("sohoa_reading_ok", reading="work")] == 0
    deadline = time.monotonic() + 5
    while labelled("sohoa_expired_leases") not in (found := _state([one], [])):
        assert time.monotonic() < deadline
    assert found[labelled("sohoa_reading_ok", reading="work")] == 1


def test_a_dependency_that_hangs_is_named_in_bounded_time_and_asked_once() -> None:
    asked, may_end = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        may_end.wait(30)

    readiness = Readiness(
        [Check("store", hang), Check("index", lambda: None, essential=False)], seconds=0.3, good_for=0
    )
    started = time.monotonic()
    for _ in range(3):
        store, index = readiness.look()
        assert (store.ok, store.why, index.ok) == (False, "timed-out", True)
    assert time.monotonic() - started < 3
    assert len(asked) == 1
    may_end.set()
    deadline = time.monotonic() + 5
    while not readiness.look()[0].ok:
        assert time.monotonic() < deadline


def test_why_a_dependency_is_missing_is_a_slug_and_never_a_message() -> None:
    def refuse(error: Exception) -> Check:
        def act() -> None:
            raise error

        return Check(type(error).__name__, act)

    found = Readiness(
        [
            refuse(HomeNotReady("the database at 10.0.0.7 is of another version")),
            refuse(ConnectionRefusedError(111, "10.0.0.7")),
            refuse(ValueError("secret")),
        ]
    ).look()
    assert [one.why for one in found] == ["home-not-ready", "unreachable", "failed"]


def test_measurements_of_another_process_reach_the_exporter(tmp_path: Path) -> None:
    listening = Listening("127.0.0.1", 0)
    with exporting(listening, str(tmp_path)) as exporter:
        script = (
            "from console.metrics.datagrams import Sender, socket_name\n"
            "from console.observing_settings import Listening\n"
            f"s = Sender(socket_name({str(tmp_path)!r}, Listening('127.0.0.1', 0)))\n"
            "s.send('page', 'read', 0.25); s.send('strange', 'x', 1); s.send('stage', 'unheard-of', 1)\n"
        )
        subprocess.run([Path(SOHOA).with_name("python"), "-c", script], check=True, cwd=Path(__file__).parents[2])
        url = f"http://127.0.0.1:{exporter.port}/metrics"
        deadline = time.monotonic() + 10
        while (found := figures_of(httpx.get(url).text))[labelled("sohoa_pages_total", outcome="read")] < 1:
            assert time.monotonic() < deadline
        assert found[labelled("sohoa_page_seconds_sum")] == 0.25
        timings.took("page", "blank", 0.1)
        assert figures_of(httpx.get(url).text)[labelled("sohoa_pages_total", outcome="blank")] == 1
    assert timings._listeners == []


def test_a_measurement_nobody_hears_is_dropped_and_holds_nothing_up(tmp_path: Path) -> None:
    sender = Sender(socket_name(str(tmp_path), Listening("127.0.0.1", 9)))
    started = time.monotonic()
    for _ in range(1000):
        sender.send("page", "read", 1.0)
    sender.close()
    assert time.monotonic() - started < 1


def test_rubbish_sent_to_the_exporter_is_not_counted_and_does_not_end_it(tmp_path: Path) -> None:
    heard: list[tuple[str, str, float]] = []
    name = socket_name(str(tmp_path), Listening("127.0.0.1", 9))
    receiver = Receiver(name, lambda *one: heard.append(one))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for data in (b"", b"\xff\xfe", b"[]", b'["page"]', b'["page","read","much"]', b'{"a":1}', b"x" * 2000):
            stranger.sendto(data, name)
    sender = Sender(name)
    sender.send("page", "read", 0.5)
    deadline = time.monotonic() + 5
    while not heard:
        assert time.monotonic() < deadline
    sender.close()
    receiver.close()
    assert heard == [("page", "read", 0.5)]


def test_two_exporters_of_one_tree_are_not_possible(tmp_path: Path) -> None:
    port = free_port()
    with (
        exporting(Listening("127.0.0.1", port), str(tmp_path)),
        pytest.raises(HomeNotReady, match="METRICS_LISTEN"),
        exporting(Listening("127.0.0.1", port), str(tmp_path)),
    ):
        raise AssertionError("it was possible")


def test_acts_of_a_store_are_timed_with_their_outcome_and_otherwise_the_same(tmp_path: Path) -> None:
    took: list[tuple[str, str]] = []
    store = TimedStore(MemoryStore(), lambda act, outcome, _seconds: took.append((act, outcome)))
    body = tmp_path / "body"
    body.write_bytes(b"x")
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    until = NOW + timedelta(days=1)
    stored = store.put("packages/a/1", body, sha256=sha256, retain_until=until, now=NOW)
    with pytest.raises(KeyTaken):
        store.put("packages/a/1", body, sha256=sha256, retain_until=until, now=NOW)
    with store.read("packages/a/1", stored.version_id) as stream:
        assert stream.read() == b"x"
    with pytest.raises(ObjectNotFound), store.read("packages/a/2", stored.version_id):
        raise AssertionError("it was opened")
    assert [one.key for one in store.list_versions()] == ["packages/a/1"]
    assert took == [
        ("put", "ok"),
        ("put", "key-taken"),
        ("read", "ok"),
        ("read", "object-not-found"),
        ("list", "ok"),
    ]


def test_a_broker_is_known_by_its_answer_and_another_server_is_none() -> None:
    def answering(answer: bytes) -> tuple[threading.Thread, str]:
        server = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with server, server.accept()[0] as connection:
                connection.recv(8)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        return thread, f"amqp://u@127.0.0.1:{server.getsockname()[1]}/v"

    broker, address = answering(b"\x01\x00\x00\x00\x00\x00\x10\x00\x0a\x00\x0a")
    greet_broker(address)
    broker.join()
    other, address = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ConnectionError):
        greet_broker(address)
    other.join()
    with pytest.raises(OSError, match="refused"):
        greet_broker(f"amqp://u@127.0.0.1:{free_port()}/v")


def test_the_real_broker_answers() -> None:
    greet_broker(rabbitmq().url())


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty archive's catalogue on each of the two databases."""
    name = postgres().new_database() if request.param == "postgresql" else None
    opened = open_engine(postgres().url(name) if name else f"sqlite:///{tmp_path}/archive.db")
    migrate(opened)
    yield opened
    opened.dispose()
    if name:
        postgres().drop(name)


def test_every_figure_is_read_from_both_databases(catalogue: Engine) -> None:
    def position() -> Position:
        return Position(0, "g1", rebuilding=False)

    when = datetime.now(UTC)
    with writing(catalogue) as connection:
        acting = found_principal(connection, when)
        store_units(connection, SHIPPED / "units-demo.toml", principal=acting, at=when - timedelta(seconds=90))
        for late in (timedelta(days=-1), timedelta(days=10), timedelta(days=90)):
            _add_key(connection, acting, when, when + late)
        events.append(
            connection,
            "records",
            "some.act",
            principal=acting,
            at=when - timedelta(seconds=90),
            payload={"some": 1},
        )
        _add_work(connection, acting, when)
    signer = MemorySigner()
    readings = readings_of(catalogue, signer, position, lambda: when)
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    deadline = time.monotonic() + 30
    while {value for (name, _), value in found.items() if name == "sohoa_reading_ok"} != {1.0}:
        assert time.monotonic() < deadline, found
        found = _state(list(readings), [])
    for state in ("active", "expiring", "expired"):
        assert found[labelled("sohoa_api_keys", state=state)] == 1
    assert found[labelled("sohoa_index_lag_events")] == found[labelled("sohoa_events", stream="records")] == 7
    assert found[labelled("sohoa_index_lag_seconds")] == pytest.approx(90, abs=1)
    assert found[labelled("sohoa_items", state="waiting")] == 2
    assert found[labelled("sohoa_oldest_item_seconds", state="waiting")] == pytest.approx(3600, abs=1)
    assert found[labelled("sohoa_work_items", state="ready", lane="batch")] == 1
    assert found[labelled("sohoa_oldest_ready_seconds", lane="batch")] == pytest.approx(600, abs=1)
    assert found[labelled("sohoa_oldest_ready_seconds", lane="interactive")] == 0
    assert found[labelled("sohoa_work_items", state="leased", lane="heavy")] == 1
    assert found[labelled("sohoa_expired_leases")] == 1
    assert labelled("sohoa_lock_expiry_seconds") not in found


class MemorySigner:
    """Has no key at all."""

    def credential(self, role: str) -> Credential:
        raise SigningFailed(role, "there is none")

    def sign(self, role: str, data: bytes) -> bytes:
        raise SigningFailed(role, "there is none")


def found_principal(connection: Connection, at: datetime) -> PrincipalId:
    row = {"id": new_id(), "kind": "staff", "login": "ai-do", "display_name": "Ai đó", "created_at": at}
    connection.execute(insert(principal).values(row))
    return PrincipalId(str(row["id"]))


def _add_key(connection: Connection, acting: PrincipalId, at: datetime, until: datetime) -> None:
    row = {"id": new_id(), "principal_id": acting, "digest": new_id(), "scopes": [], "created_at": at}
    connection.execute(insert(api_key).values(**row, expires_at=until))


def _add_work(connection: Connection, acting: PrincipalId, at: datetime) -> None:
    """Add a batch of an hour ago with work that is ready for ten minutes and work whose lease ran out."""
    code, unit = connection.execute(select(fonds.c.code, fonds.c.unit_id)).first() or ("", "")
    came = at - timedelta(hours=1)
    connection.execute(
        insert(batch).values(
            id="b1",
            label="một",
            folder="/scans",
            unit_id=unit,
            fonds_code=code,
            principal_id=acting,
            state="open",
            received_on=came.date(),
            received_at=came,
        )
    )
    for position, lane in ((1, "batch"), (2, "heavy")):
        one = {"id": f"i{position}", "batch_id": "b1", "position": position, "arrival": str(position)}
        connection.execute(insert(item).values(**one, file=f"{position}.tif", state="waiting", review=[]))
        worklist.add_work(connection, f"i{position}", batch_id="b1", lane=lane, now=at - timedelta(minutes=10))
    stale = {"state": "leased", "owner": "gone:1:1", "lease_until": at - timedelta(minutes=1)}
    connection.execute(update(work_item).where(work_item.c.lane == "heavy").values(**stale))


def test_every_counted_figure_has_a_meaning() -> None:
    families: Mapping[str, str] = {family.name: family.documentation for family in Meters().registry.collect()}
    assert all(name.startswith("sohoa_") and meaning.endswith(".") for name, meaning in families.items())
