"""Checks of what the whole installation needs beyond what requests are answered from: staging, broker, canary."""

import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime
from threading import Lock
from urllib.parse import urlsplit

from sqlalchemy import Engine, text

from archive.database import writing
from archive.errors import CatalogueFull, CatalogueReadOnly, StoreFull, StoreUnavailable
from archive.stores.canary import allowed_defects, prove_locks
from archive.stores.port import ObjectStore
from console.home import Home, utc_now
from console.metrics.families import Sample
from ingest.disks import Place, short_places
from search_api.errors import IndexUnavailable, IndexUnfit
from search_api.index.port import RecordIndex
from search_api.readiness import CHECK_SECONDS, Check, Readiness, checks_of
from search_api.services import Services

_GREETING = b"AMQP\x00\x00\x09\x01"  # protocol header of AMQP 0-9-1; a broker answers with Connection.Start
_METHOD_FRAME = b"\x01\x00\x00"  # a method on channel 0
_PORTS = {"amqp": 5672, "amqps": 5671}

log = logging.getLogger("sohoa.start")


class CanaryWatch:
    """When the store last proved that its locks hold, in this process."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._passed_at: datetime | None = None

    def passed(self) -> None:
        """Note that it has just proved it."""
        with self._lock:
            self._passed_at = self._now()

    def require(self) -> None:
        """Raise StoreUnavailable while it has not."""
        if self._passed_at is None:
            raise StoreUnavailable("it has not proved yet that its locks hold")

    def samples(self) -> Iterable[Sample]:
        """Yield the age of the proof, if there is one."""
        if self._passed_at is not None:
            age = (self._now() - self._passed_at).total_seconds()
            yield Sample("sohoa_store_canary_age_seconds", age)


def proven(home: Home) -> CanaryWatch:
    """Have the store prove that its locks hold, before anything relies on it.

    Raises StoreLies, StoreUnavailable.
    """
    for defect in prove_locks(home.store(), now=utc_now(), allowed=allowed_defects(home.settings.store_allow)):
        log.warning("the store has a known defect, which is allowed: %s", defect)
    watch = CanaryWatch(utc_now)
    watch.passed()
    return watch


def require_fit(index: RecordIndex) -> None:
    """Refuse an engine that will never do as it is; one that is down for now is waited for. Raises IndexUnfit."""
    try:
        index.position()
    except IndexUnfit:
        raise
    except IndexUnavailable as error:
        log.warning("the index is waited for: %s", error)


def readiness_of(
    services: Services,
    staging: ObjectStore,
    *,
    broker_url: str | None,
    canary: CanaryWatch | None,
    places: Sequence[Place] = (),
    floor: int = 0,
) -> Readiness:
    """Return the look at everything this installation needs; without broker or canary those are not named."""
    checks = [
        *checks_of(services),
        Check("room", lambda: require_room_left(places, floor), essential=False),
        Check("writes", lambda: require_writable(services.engine), essential=False),
        Check("staging", lambda: next(iter(staging.list_versions("received/0")), None), essential=False),
    ]
    if broker_url:
        checks.append(Check("broker", lambda: greet_broker(broker_url), essential=False))
    if canary is not None:
        checks.append(Check("canary", canary.require))
    return Readiness(checks)


def require_room_left(places: Sequence[Place], floor: int) -> None:
    """Raise the error of the first folder that has less room than the floor. Raises StoreFull, CatalogueFull."""
    for place, free in short_places(places, floor=floor):
        told = f"{place.name}: {free} bytes are free, fewer than the floor of {floor}"
        raise CatalogueFull(told) if place.name == "database" else StoreFull(told, place.known_as)


def require_writable(engine: Engine) -> None:
    """Begin a transaction that may write, and write nothing. Raises CatalogueReadOnly and the like."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            said = connection.execute(text("SELECT current_setting('transaction_read_only')")).scalar_one()
            if said == "on":
                raise CatalogueReadOnly("the server takes no writes")


def greet_broker(url: str, *, seconds: float = CHECK_SECONDS) -> None:
    """Return when a broker answers as AMQP 0-9-1 does. Raises OSError when none does.

    Nobody logs in: whether the password is right is seen, and said, where work is rung for.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or _PORTS.get(parts.scheme, 5672)
    with closing(socket.create_connection((host, port), timeout=seconds)) as plain:
        if parts.scheme == "amqps":
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
                _greet(secure)
        else:
            _greet(plain)


def _greet(connection: socket.socket) -> None:
    connection.sendall(_GREETING)
    answer = connection.recv(16)
    if not answer.startswith(_METHOD_FRAME):
        raise ConnectionError("what listens there is no AMQP broker")
