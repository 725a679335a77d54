"""Makes a process that runs for long seen: its log, its figures, its measurements.

The first process of a tree serves figures (`observed`), its children send it what they measure (`observe_child`).
Every process that answers or sweeps also serves how things stand; workers only what they did, for the state is the
same whoever reads it and twenty readers are no better than two.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console.dependencies import CanaryWatch
from console.home import Home, utc_now
from console.logs import set_up_logs
from console.metrics.datagrams import Sender, socket_name
from console.metrics.exporter import Exporter, exporting, readings_of
from console.settings import HomeSettings
from console.terminal import Terminal
from console.words.speak import word
from ingest import timings
from search_api.index.port import Position
from search_api.readiness import Readiness

log = logging.getLogger("sohoa.observing")


def start_log(settings: HomeSettings) -> None:
    """Write this process's log as the settings say."""
    set_up_logs(settings.observing.log_format, settings.observing.log_level)


def announce(settings: HomeSettings, terminal: Terminal, name: str, **facts: str) -> None:
    """Tell who started a service what it does now: as people are told, or as a line where the log is JSON."""
    if settings.observing.log_format == "json":
        log.info("%s", word(name, terminal.language, **facts))
    else:
        terminal.say(name, **facts)


@contextmanager
def observed(
    home: Home,
    *,
    readiness: Readiness | None = None,
    position: Callable[[], Position] | None = None,
    canary: CanaryWatch | None = None,
) -> Iterator[Exporter | None]:
    """Serve figures while the block runs, where METRICS_LISTEN says; yield None where it says nothing.

    With readiness and position how things stand is served too. Raises HomeNotReady if the address is taken.
    """
    listening = home.settings.observing.metrics
    if listening is None:
        yield None
        return
    readings = readings_of(home.engine, home.signer(), position, utc_now) if position is not None else ()
    more = canary.samples if canary is not None else tuple
    folder = str(home.settings.folder)
    with exporting(listening, folder, readings=readings, readiness=readiness, more=more) as exporter:
        yield exporter


def observe_child(settings: HomeSettings) -> None:
    """Write this child's log, and send what it measures to the process of its tree that serves figures."""
    start_log(settings)
    listening = settings.observing.metrics
    if listening is not None:
        timings.listen(Sender(socket_name(str(settings.folder), listening)).send)
