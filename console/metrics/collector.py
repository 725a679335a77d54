"""Serves the figures of `figures` without ever making a scrape wait for, or weigh on, what it asks.

Each group is read in a thread of its own, at most once at a time, and again only after ten times the time it last
took (five seconds at least): however often and by however many it is scraped, reading takes less than a tenth of
one connection's time. A scrape waits half a second for what is being read; what takes longer is served with its
age.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from archive.database import reading
from console.metrics.families import FAMILIES, Sample
from console.metrics.figures import Read
from search_api.readiness import Readiness

GOOD_FOR_SECONDS = 5.0
REST = 10.0  # times as long as the last reading took
SCRAPE_WAITS_SECONDS = 0.5
KEPT_SECONDS = 300.0  # figures that should have been read again for so long are not served any more

log = logging.getLogger(__name__)


class Reading:
    """One group of figures. good_for: how many seconds it is not read again at least."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        read: Read,
        now: Callable[[], datetime],
        *,
        good_for: float = GOOD_FOR_SECONDS,
    ) -> None:
        self.name = name
        self._engine = engine
        self._read = read
        self._now = now
        self._good_for = good_for
        self._thread: threading.Thread | None = None
        self._samples: tuple[Sample, ...] = ()
        self._read_at = float("-inf")
        self._next = float("-inf")
        self._ok = False

    def begin(self) -> None:
        """Start reading if it is time to and nobody does."""
        running = self._thread is not None and self._thread.is_alive()
        if not running and time.monotonic() >= self._next:
            self._thread = threading.Thread(target=self._refresh, name=f"figures-{self.name}", daemon=True)
            self._thread.start()

    def samples(self, until: float) -> Iterable[Sample]:
        """Wait until then for what is being read; yield the last figures, their age, and whether all is well."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))
        fresh = self._ok and time.monotonic() <= self._next + KEPT_SECONDS
        yield Sample("sohoa_reading_ok", float(fresh), (self.name,))
        if fresh:
            yield Sample("sohoa_reading_age_seconds", time.monotonic() - self._read_at, (self.name,))
            yield from self._samples

    def _refresh(self) -> None:
        started = time.monotonic()
        try:
            with reading(self._engine) as connection:
                self._samples = tuple(self._read(connection, self._now()))
        except Exception as error:  # noqa: BLE001 a figure that can't be read is itself a figure
            if self._ok:
                log.warning("figures of %s cannot be read: %s", self.name, error)
            self._ok, self._samples = False, ()
        else:
            self._ok, self._read_at = True, time.monotonic()
        took = time.monotonic() - started
        self._next = time.monotonic() + max(self._good_for, REST * took)


class State(Collector):
    """What is, for Prometheus: dependencies, and every group of figures."""

    def __init__(
        self,
        readings: Sequence[Reading],
        readiness: Readiness,
        *,
        more: Callable[[], Iterable[Sample]] = tuple,
    ) -> None:
        self._readings = readings
        self._readiness = readiness
        self._more = more
        self._lock = threading.Lock()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name every figure without reading one; registering asks for it."""
        return [_family(name) for name in FAMILIES]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return what is known half a second from now at the latest, dependencies after two."""
        families = {name: _family(name) for name in FAMILIES}
        with self._lock:
            for one in self._readings:
                one.begin()
            until = time.monotonic() + SCRAPE_WAITS_SECONDS
            samples = [sample for one in self._readings for sample in one.samples(until)]
        samples += [Sample("sohoa_up", float(one.ok), (one.name,)) for one in self._readiness.look()]
        samples += self._more()
        for sample in samples:
            families[sample.name].add_metric(list(sample.labels), sample.value)
        return [family for family in families.values() if family.samples]


def _family(name: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, FAMILIES[name].meaning, labels=list(FAMILIES[name].labels))
