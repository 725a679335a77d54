"""The port figures are served on, and the ear for what worker processes measured."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import start_http_server
from sqlalchemy import Engine

from archive.errors import HomeNotReady
from archive.signers.port import Signer
from console.metrics.collector import Reading, State
from console.metrics.datagrams import Receiver, socket_name
from console.metrics.families import Sample
from console.metrics.figures import (
    index_reading,
    keys_reading,
    read_batches,
    read_copies,
    read_events,
    read_fixity,
    read_items,
    read_locks,
    read_work,
)
from console.metrics.meters import Meters
from console.observing_settings import Listening
from ingest import timings
from search_api.index.port import Position
from search_api.readiness import Readiness

MINUTE, FIVE_MINUTES = 60.0, 300.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """What is served. port: the real one, where any free one was asked for."""

    meters: Meters
    port: int


def readings_of(
    engine: Engine, signer: Signer, position: Callable[[], Position], now: Callable[[], datetime]
) -> Sequence[Reading]:
    """Return every group of figures; what is long to read or slow to change is read less often."""
    return (
        Reading("items", engine, read_items, now),
        Reading("batches", engine, read_batches, now),
        Reading("work", engine, read_work, now),
        Reading("events", engine, read_events, now),
        Reading("index", engine, index_reading(position), now),
        Reading("copies", engine, read_copies, now, good_for=MINUTE),
        Reading("locks", engine, read_locks, now, good_for=FIVE_MINUTES),
        Reading("fixity", engine, read_fixity, now, good_for=FIVE_MINUTES),
        Reading("keys", engine, keys_reading(signer), now, good_for=FIVE_MINUTES),
    )


@contextmanager
def exporting(
    listening: Listening,
    folder: str,
    *,
    readings: Sequence[Reading] = (),
    readiness: Readiness | None = None,
    more: Callable[[], Iterable[Sample]] = tuple,
) -> Iterator[Exporter]:
    """Serve figures until the block ends: what is counted in this process tree and, with readiness, what is.

    folder: the home's, by which the tree's processes find each other. Raises HomeNotReady if the address is taken.
    """
    meters = Meters()
    if readiness is not None:
        meters.registry.register(State(readings, readiness, more=more))
    try:
        server, thread = start_http_server(listening.port, listening.host, meters.registry)
    except OSError as error:
        raise HomeNotReady(
            f"metrics cannot be served on {listening.host}:{listening.port} ({error.strerror}); give each process "
            "that runs for long a METRICS_LISTEN of its own"
        ) from error
    try:
        with closing(Receiver(socket_name(folder, listening), meters.hear)):
            forget = timings.listen(meters.hear)
            try:
                yield Exporter(meters, server.server_port)
            finally:
                forget()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
