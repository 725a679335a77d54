"""Ringing through a real broker: what is heard, what is refused, what a bell out of order costs."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from servers.program import free_port
from servers.rabbitmq import RabbitMq
from servers.shared import rabbitmq, toxiproxy
from servers.toxiproxy import Line
from sqlalchemy import Engine, select, update

from archive.database import reading, writing
from archive.identifiers import new_id
from ingest import worklist
from ingest.alone import turnstile
from ingest.bell import Ring, SilentBell
from ingest.errors import BrokerUnavailable, BrokerUnfit
from ingest.lanes import LANES
from ingest.owners import owner_name
from ingest.settings import IngestSettings
from ingest.sweeper import RINGS_AT_ONCE, Sweeper
from ingest.tables import work_item
from ingest.worker import CONFIRM_SECONDS, CONNECT_SECONDS, DEAD, DELIVERIES, BrokerBell, queue_of, unfitness

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SETTINGS = IngestSettings(staging_url="memory:", scratch=Path("scratch"), sweep_seconds=0.05)
MOST_SECONDS = 2 * CONNECT_SECONDS + CONFIRM_SECONDS + 3  # a bell out of order holds an act up for no longer


@pytest.fixture(scope="module")
def server() -> RabbitMq:
    return rabbitmq()


@pytest.fixture(scope="module")
def vhost(server: RabbitMq) -> Iterator[str]:
    name = server.new_vhost()
    yield name
    server.drop(name)


@pytest.fixture
def own_vhost(server: RabbitMq) -> Iterator[str]:
    """An empty one, to be broken."""
    name = server.new_vhost()
    yield name
    server.drop(name)


@pytest.fixture
def bell(server: RabbitMq, vhost: str) -> Iterator[BrokerBell]:
    """A bell of empty queues."""
    made = BrokerBell(server.url(vhost), server.password)
    made.prepare()
    for queue in (*map(queue_of, LANES), DEAD):
        _on_queue(server, vhost, lambda channel, queue=queue: channel.queue_purge(queue))
    yield made
    made.close()


@pytest.fixture
def line(server: RabbitMq) -> Iterator[Line]:
    made = toxiproxy().before(server.port)
    yield made
    made.heal()


def _on_queue(server: RabbitMq, vhost: str, act: Callable[[Any], Any]) -> Any:
    with Connection(server.url(vhost), password=server.password, userid=server.user) as connection:
        return act(connection.default_channel)


def _count(server: RabbitMq, vhost: str, queue: str) -> int:
    found = _on_queue(server, vhost, lambda channel: channel.queue_declare(queue, passive=True))
    return int(found.message_count)


def _ready(engine: Engine, count: int, *, at: datetime = NOW) -> list[str]:
    with writing(engine) as connection:
        return [worklist.add_work(connection, new_id(), batch_id="b", lane="batch", now=at) for _ in range(count)]


def _sweeper(engine: Engine, bell: BrokerBell | SilentBell, folder: Path, now: datetime = NOW) -> Sweeper:
    return Sweeper(engine, bell, turnstile(engine, folder), SETTINGS, lambda: now)


def test_a_ring_carries_the_id_and_waits_in_its_lane(server: RabbitMq, vhost: str, bell: BrokerBell) -> None:
    assert bell.ring([Ring("w1", "batch"), Ring("w2", "batch"), Ring("w3", "heavy")]) == 3
    assert [bell.waiting(lane) for lane in LANES] == [0, 2, 1]
    message = _on_queue(server, vhost, lambda channel: channel.basic_get(queue_of("heavy"), no_ack=True))
    assert message.headers["task"] == "sohoa.work"
    assert message.body.startswith('[["w3"], {}')


def test_rings_outlive_the_process_and_the_queues_are_replicated(
    server: RabbitMq, vhost: str, bell: BrokerBell
) -> None:
    listed = server.control("list_queues", "-p", vhost, "name", "type", "durable").stdout
    ours = [row.split("\t") for row in listed.splitlines() if row.startswith("sohoa.")]
    assert {(name, kind, durable) for name, kind, durable in ours} == {
        (name, "quorum", "true") for name in (*map(queue_of, LANES), DEAD)
    }


def test_a_ring_that_kills_whoever_hears_it_ends_in_the_dead_queue(
    server: RabbitMq, vhost: str, bell: BrokerBell
) -> None:
    bell.ring([Ring("poison", "batch")])

    def hear_and_drop(channel: Any) -> int:
        heard = 0
        until = time.monotonic() + 20
        while time.monotonic() < until:
            message = channel.basic_get(queue_of("batch"))
            if message is None:
                if heard > DELIVERIES:
                    break
                continue
            heard += 1
            channel.basic_reject(message.delivery_tag, requeue=True)
        return heard

    assert _on_queue(server, vhost, hear_and_drop) == DELIVERIES + 1
    until = time.monotonic() + 20
    while _count(server, vhost, DEAD) == 0 and time.monotonic() < until:
        time.sleep(0.1)
    assert _count(server, vhost, DEAD) == 1


def test_a_broker_that_is_not_there_costs_a_moment_and_no_error(
    bell: BrokerBell, caplog: pytest.LogCaptureFixture
) -> None:
    gone = BrokerBell(f"amqp://guest@127.0.0.1:{free_port()}/", "guest")
    with caplog.at_level(logging.WARNING):
        started = time.monotonic()
        for _ in range(100):
            assert gone.ring([Ring("w", "batch")]) == 0
            assert gone.waiting("batch") is None
    assert time.monotonic() - started < MOST_SECONDS
    assert len([line for line in caplog.messages if "not rung" in line]) == 1  # told once, not a hundred times
    with pytest.raises(BrokerUnavailable, match="INGEST_BROKER_URL"):
        gone.prepare()


def test_a_broker_that_answers_nothing_holds_nobody_up_for_long(
    server: RabbitMq, vhost: str, bell: BrokerBell, line: Line
) -> None:
    behind = BrokerBell(f"amqp://{server.user}@127.0.0.1:{line.port}/{vhost}", server.password)
    assert behind.ring([Ring("w", "batch")]) == 1
    line.black_hole()
    started = time.monotonic()
    for _ in range(20):
        assert behind.ring([Ring("w", "batch")]) == 0
    assert time.monotonic() - started < MOST_SECONDS
    behind.close()


def test_a_bell_whose_line_was_cut_rings_on_a_new_one(server: RabbitMq, vhost: str, bell: BrokerBell) -> None:
    assert bell.ring([Ring("w", "batch")]) == 1
    assert server.control("close_all_connections", "-p", vhost, "test").returncode == 0
    assert bell.ring([Ring("w", "batch")]) == 1


def test_queues_that_were_thrown_away_are_made_again(server: RabbitMq, own_vhost: str) -> None:
    bell = BrokerBell(server.url(own_vhost), server.password)
    assert bell.ring([Ring("w", "batch")]) == 1
    server.drop(own_vhost)
    assert server.control("add_vhost", own_vhost).returncode == 0
    assert server.control("set_permissions", "-p", own_vhost, server.user, ".*", ".*", ".*").returncode == 0
    assert bell.ring([Ring("w", "batch")]) == 1
    assert _count(server, own_vhost, DEAD) == 0
    bell.close()


@pytest.mark.parametrize(
    ("url", "password", "says"),
    [
        ("{right}", "wrong", "INGEST_BROKER_PASSWORD"),
        ("amqp://nobody@127.0.0.1:{port}/{vhost}", "guest", "refuses user 'nobody'"),
        ("amqp://guest@127.0.0.1:{port}/nowhere", "guest", "no virtual host 'nowhere'"),
    ],
)
def test_a_broker_that_refuses_us_says_what_to_mend(
    server: RabbitMq, vhost: str, url: str, password: str, says: str
) -> None:
    named = url.format(right=server.url(vhost), port=server.port, vhost=vhost)
    with pytest.raises(BrokerUnfit, match=says):
        BrokerBell(named, password).prepare()


def test_a_queue_of_another_kind_is_refused_by_name(server: RabbitMq, own_vhost: str) -> None:
    _on_queue(
        server, own_vhost, lambda channel: channel.queue_declare("sohoa.batch", durable=True, auto_delete=False)
    )
    with pytest.raises(BrokerUnfit, match=r"queue 'sohoa\.batch' in vhost.*delete that queue"):
        BrokerBell(server.url(own_vhost), server.password).prepare()


@pytest.mark.parametrize(
    ("product", "version", "fit"),
    [
        ("RabbitMQ", "3.10.8", True),
        ("RabbitMQ", "4.3.6", True),
        ("RabbitMQ", "3.9.29", False),
        ("RabbitMQ", "", False),
        ("LavinMQ", "2.4.0", False),
    ],
)
def test_only_a_broker_with_quorum_queues_will_do(product: str, version: str, fit: bool) -> None:
    reason = unfitness({"product": product, "version": version})
    assert (reason is None) == fit
    assert fit or "no quorum queues" in str(reason)


def test_the_password_is_in_nothing_that_is_shown(server: RabbitMq, vhost: str) -> None:
    settings = replace(SETTINGS, broker_url=server.url(vhost), broker_password="lộ-ra-thì-hỏng")
    assert "lộ-ra" not in repr(settings)
    with pytest.raises(BrokerUnfit) as caught:
        BrokerBell(server.url(vhost), settings.broker_password).prepare()
    assert "lộ-ra" not in str(caught.value)


def test_the_sweeper_rings_for_work_nobody_was_rung_for_and_no_more(
    engine: Engine, bell: BrokerBell, tmp_path: Path
) -> None:
    _ready(engine, 7)
    _ready(engine, 3, at=NOW + timedelta(minutes=1))
    sweeper = _sweeper(engine, bell, tmp_path)
    assert sweeper.round().rung == 7
    assert sweeper.round().rung == 0  # those rings still wait to be heard
    assert bell.waiting("batch") == 7
    assert _sweeper(engine, bell, tmp_path, NOW + timedelta(minutes=2)).round().rung == 3


def test_the_sweeper_replaces_rings_that_were_lost(
    server: RabbitMq, vhost: str, engine: Engine, bell: BrokerBell, tmp_path: Path
) -> None:
    _ready(engine, 4)
    sweeper = _sweeper(engine, bell, tmp_path)
    assert sweeper.round().rung == 4
    _on_queue(server, vhost, lambda channel: channel.queue_purge(queue_of("batch")))
    assert sweeper.round().rung == 4


def test_a_long_list_is_not_rung_for_all_at_once(engine: Engine, bell: BrokerBell, tmp_path: Path) -> None:
    _ready(engine, RINGS_AT_ONCE + 50)
    assert _sweeper(engine, bell, tmp_path).round().rung == RINGS_AT_ONCE


def test_the_sweeper_gives_back_expired_work_and_rings_for_it_in_one_round(
    engine: Engine, bell: BrokerBell, tmp_path: Path
) -> None:
    _ready(engine, 1)
    with writing(engine) as connection:
        worklist.claim_next(connection, owner="elsewhere:1:1", now=NOW, settings=SETTINGS)
    swept = _sweeper(engine, bell, tmp_path, NOW + timedelta(seconds=61)).round()
    assert (swept.given_back, swept.rung) == (1, 1)


def test_without_a_broker_the_sweeper_still_gives_back(engine: Engine, tmp_path: Path) -> None:
    _ready(engine, 1)
    with writing(engine) as connection:
        worklist.claim_next(connection, owner="elsewhere:1:1", now=NOW, settings=SETTINGS)
    swept = _sweeper(engine, SilentBell(), tmp_path, NOW + timedelta(seconds=61)).round()
    assert (swept.given_back, swept.rung) == (1, 0)


def test_work_in_living_hands_is_left_there(engine: Engine, bell: BrokerBell, tmp_path: Path) -> None:
    _ready(engine, 1)
    with writing(engine) as connection:
        worklist.claim_next(connection, owner=owner_name(), now=NOW, settings=SETTINGS)
    swept = _sweeper(engine, bell, tmp_path).round()
    assert (swept.given_back, swept.rung) == (0, 0)
    with reading(engine) as connection:
        assert connection.execute(select(work_item.c.state)).scalar_one() == "leased"


def test_of_two_sweepers_one_goes_through_until_it_leaves(engine: Engine, tmp_path: Path) -> None:
    one, other = turnstile(engine, tmp_path), turnstile(engine, tmp_path)
    assert one.holds()
    assert not other.holds()
    assert one.holds()
    one.leave()
    assert other.holds()
    assert not one.holds()
    other.leave()


def test_rings_beyond_what_a_queue_takes_are_refused_and_harm_nothing(
    server: RabbitMq, own_vhost: str, engine: Engine
) -> None:
    """A full queue refuses; the act that rang goes on, and the list still has the work."""
    (work_item_id,) = _ready(engine, 1)
    full = BrokerBell(server.url(own_vhost), server.password)
    full._app.conf.task_queues[1].queue_arguments = {
        **full._app.conf.task_queues[1].queue_arguments,
        "x-max-length": 2,
    }
    heard = sum(full.ring([Ring(work_item_id, "batch")]) for _ in range(10))
    assert 2 <= heard < 10
    full.close()
    with writing(engine) as connection:
        connection.execute(update(work_item).values(changed_at=NOW))
        assert worklist.claim_next(connection, owner=owner_name(), now=NOW, settings=SETTINGS) is not None
