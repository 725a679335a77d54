"""Celery on RabbitMQ: the queues that carry rings, what is asked of the broker, the bell that rings through it.

A message carries a work item's id. Queues are replicated and outlive the broker's restart (quorum queues), a
ring is confirmed before it counts, and one that kills whoever hears it goes to the dead queue in the end; yet all
of it may be lost, for the work list knows what is to be done.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import quote, urlsplit

from amqp.exceptions import (
    AccessRefused,
    AMQPError,
    InternalError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
)
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import KombuError

from ingest.bell import Ring
from ingest.errors import BrokerUnavailable, BrokerUnfit
from ingest.lanes import LANES, Lane

WORK_TASK: Final = "sohoa.work"
EXCHANGE: Final = "sohoa"
DEAD: Final = "sohoa.dead"
OLDEST_RABBITMQ = (3, 10)  # quorum queues with a delivery limit and dead letters that cannot be lost
DELIVERIES = 10  # then a ring is dead; its item has been given up for a reason of its own long before
MOST_RINGS = 100_000  # waiting in one queue; more are refused, and rung for later
CONNECT_SECONDS = 3
CONFIRM_SECONDS = 3
QUIET_SECONDS = 30.0  # a bell out of order is not tried for so long, or each act would wait for it anew
HEARTBEAT_SECONDS = 10
JUST_BEGUN_SECONDS = (1.0, 2.0, 4.0)  # a broker that has just begun may say 541 where a queue has no leader yet

log = logging.getLogger(__name__)


def queue_of(lane: Lane) -> str:
    """Return the name of a lane's queue."""
    return f"sohoa.{lane}"


def make_app(url: str, password: str | None) -> Celery:
    """Return the Celery application of a broker; nothing is connected yet.

    url: `amqp(s)://user@host:port/vhost`, without a password.
    """
    app = Celery(EXCHANGE, broker=_with_password(url, password), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,  # what became of an item is in the catalogue
        result_backend=None,
        task_queues=_queues(),
        task_create_missing_queues=False,
        task_default_queue=queue_of("batch"),
        task_default_queue_type="quorum",
        task_default_exchange=EXCHANGE,
        task_default_exchange_type="topic",
        worker_detect_quorum_queues=True,
        # Tasks with a time of their own would wait in these; there are none, so they need not be replicated.
        broker_native_delayed_delivery_queue_type="classic",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: the work waits in the list
        broker_channel_error_retry=True,
        broker_transport_options={"confirm_publish": True},
        # Work goes on while the broker is away: the lease is in the catalogue, and the ring that comes again finds
        # the item in hand or done.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_prefetch_count_reduction=False,
        worker_lost_wait=1.0,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    parts = urlsplit(url)
    if parts.scheme == "amqps":
        app.conf.broker_use_ssl = {"server_hostname": parts.hostname}
    return app


def _with_password(url: str, password: str | None) -> str:
    parts = urlsplit(url)
    if password is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user or 'guest'}:{quote(password, safe='')}@{place}").geturl()


def _queues() -> list[Any]:
    exchange = Exchange(EXCHANGE, type="topic", durable=True)
    return [Queue(queue_of(lane), exchange, routing_key=queue_of(lane), queue_arguments=_LANE) for lane in LANES]


_LANE = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERIES,
    "x-max-length": MOST_RINGS,
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
    "x-dead-letter-strategy": "at-least-once",
}
# Declared by us: a queue that Celery knows is a queue that workers listen to.
_DEAD = Queue(
    DEAD,
    exchange=Exchange("", type="direct"),
    routing_key=DEAD,
    queue_arguments={"x-queue-type": "quorum", "x-max-length": 10_000, "x-overflow": "drop-head"},
)


def prepare_broker(app: Celery, url: str) -> None:
    """Declare the queues. Raises BrokerUnavailable; BrokerUnfit, saying what to mend, if it will not do."""
    with _told(url):
        for wait in JUST_BEGUN_SECONDS:
            with suppress(InternalError):
                _declare_on_new_line(app, url)
                return
            time.sleep(wait)
        _declare_on_new_line(app, url)


def _declare_on_new_line(app: Celery, url: str) -> None:
    with app.connection_for_write() as connection:
        _declare(connection, app, url)


def _declare(connection: Any, app: Celery, url: str) -> None:
    connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_SECONDS)
    reason = unfitness(connection.connection.server_properties)
    if reason is not None:
        raise BrokerUnfit(url, reason)
    for queue in (_DEAD, *app.conf.task_queues):
        queue.bind(connection.default_channel).declare()


def unfitness(properties: dict[str, Any]) -> str | None:
    """Return why a broker that says this of itself will not do, None if it will.

    Older ones take the arguments of a quorum queue without a word and make a queue that loses rings.
    """
    product, version = str(properties.get("product", "unknown")), str(properties.get("version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if product != "RabbitMQ" or numbers < OLDEST_RABBITMQ:
        oldest = ".".join(map(str, OLDEST_RABBITMQ))
        return f"it is {product} {version}, which has no quorum queues as needed; use RabbitMQ {oldest} or newer"
    return None


@contextmanager
def _told(url: str) -> Iterator[None]:
    parts = urlsplit(url)
    user, vhost = parts.username or "guest", parts.path[1:] or "/"
    try:
        yield
    except AccessRefused as error:
        mend = "mend the user in INGEST_BROKER_URL, INGEST_BROKER_PASSWORD, or the user's permissions"
        raise BrokerUnfit(url, f"it refuses user {user!r}; {mend}") from error
    except NotAllowed as error:
        mend = "make it and give the user its permissions, or mend INGEST_BROKER_URL"
        raise BrokerUnfit(url, f"it has no virtual host {vhost!r} for user {user!r}; {mend}") from error
    except PreconditionFailed as error:
        reason = f"one of its sohoa.* queues is of another kind ({error.reply_text}); delete that queue"
        raise BrokerUnfit(url, reason) from error
    except NotFound as error:
        raise BrokerUnavailable(url, str(error.reply_text)) from error
    except AMQPError as error:
        reason = f"it does not declare quorum queues ({error.reply_text}); enable the feature flag quorum_queue"
        if error.reply_code == 540:
            raise BrokerUnfit(url, reason) from error
        raise BrokerUnavailable(url, str(error.reply_text) or type(error).__name__) from error
    except (KombuError, OSError) as error:
        raise BrokerUnavailable(url, str(error) or type(error).__name__) from error


class BrokerBell:
    """Rings through the broker, for a bounded time; may be used from several threads.

    A ring counts when the broker has confirmed it. One that is not heard is told once and left to the sweeper.
    """

    def __init__(self, url: str, password: str | None) -> None:
        self._url = url
        self._app = make_app(url, password)
        self._app.conf.update(
            broker_heartbeat=0,  # nobody here would send any while nothing is rung
            # Also a broker that stops answering in the middle is waited for no longer.
            broker_transport_options={
                "confirm_publish": True,
                "read_timeout": CONFIRM_SECONDS,
                "write_timeout": CONFIRM_SECONDS,
            },
        )
        self._lock = threading.Lock()
        self._line: Any = None  # a connection is one thread's at a time
        self._quiet_until = float("-inf")

    def ring(self, rings: Sequence[Ring]) -> int:
        """Ring once for each piece of work and return how many were heard."""
        heard = 0

        def ring_on(line: Any) -> None:
            nonlocal heard
            producer = self._app.amqp.Producer(line, auto_declare=False)
            for one in rings[heard:]:
                self._app.send_task(
                    WORK_TASK,
                    args=[one.work_item_id],
                    queue=queue_of(one.lane),
                    producer=producer,
                    retry=False,
                    confirm_timeout=CONFIRM_SECONDS,
                )
                heard += 1

        if rings:
            self._attempt(ring_on)
        return heard

    def waiting(self, lane: Lane) -> int | None:
        """Return how many rings of a lane nobody has heard yet; None when the broker does not say."""
        queue = self._app.amqp.queues[queue_of(lane)]
        found: int | None = self._attempt(
            lambda line: queue.bind(line.default_channel).queue_declare().message_count
        )
        return found

    def prepare(self) -> None:
        """Declare the queues. Raises BrokerUnavailable, BrokerUnfit."""
        prepare_broker(self._app, self._url)

    def close(self) -> None:
        """Let go of the broker."""
        with self._lock:
            self._hang_up()

    def _attempt(self, act: Callable[[Any], Any]) -> Any:
        """Do an act on a line that is open, once more on a new one: a broker started anew has closed the old."""
        with self._lock:
            if time.monotonic() < self._quiet_until:
                return None
            for last in (self._line is None, True):
                try:
                    with _told(self._url):
                        if self._line is None:
                            self._line = self._app.connection_for_write()
                            _declare(self._line, self._app, self._url)
                        return act(self._line)
                except (BrokerUnavailable, BrokerUnfit) as error:
                    self._hang_up()
                    if last:
                        log.warning("not rung; the sweeper rings again: %s", error.reason)
                        self._quiet_until = time.monotonic() + QUIET_SECONDS
                        return None
        return None

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.collect(socket_timeout=0.5)
