"""The processes of a home that work for a broker: those that hear its rings, and the one that sweeps."""

import os
import sys
from contextlib import ExitStack

from archive.database import open_engine
from archive.errors import HomeNotReady
from console.beside import Chores
from console.dependencies import proven
from console.embedded import locks_chore
from console.home import Home, utc_now
from console.observing import announce, observe_child, observed, start_log
from console.ringing import bell_of
from console.settings import HomeSettings
from console.terminal import Terminal
from ingest.alone import turnstile
from ingest.checks import clean_scratch
from ingest.desk import Desk
from ingest.lanes import Lane
from ingest.stopping import told_to_stop
from ingest.sweeper import Sweeper
from ingest.tasks import Crew, run_crew

LOCKS_SECONDS = 5.0  # of comparing locks between two sweeps, which wait for it


def run_worker(home: Home, terminal: Terminal, *, lanes: list[Lane], concurrency: int) -> int:
    """Work what is rung for until told to stop, and return the exit code.

    Raises HomeNotReady without a broker; BrokerUnavailable and BrokerUnfit when the one that is set will not do.
    """
    settings = home.settings
    broker = settings.ingest.broker_url
    if broker is None:
        raise HomeNotReady("INGEST_BROKER_URL is not set; without a broker `sohoa work` works the list")
    start_log(settings)
    clean_scratch(settings.ingest.scratch)
    canary = proven(home)
    home.store().sweep()
    home.staging().sweep()
    home.engine.dispose()  # the children are forked, and none may share a connection

    def ready() -> None:
        announce(settings, terminal, "say.hearing", lanes=", ".join(lanes), concurrency=str(concurrency))
        terminal.answer({"lanes": lanes, "concurrency": concurrency})
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the library says things where only the answer belongs

    crew = Crew(
        lanes=lanes,
        concurrency=concurrency,
        settings=settings.ingest,
        start_child=lambda: _start_child(settings),
        open_desk=lambda: _desk(settings),
        open_engine=lambda: open_engine(settings.database_url, password=settings.secrets.database_password),
        now=utc_now,
    )
    with observed(home, canary=canary):
        code = run_crew(crew, broker, settings.ingest.broker_password, ready=ready)
    clean_scratch(settings.ingest.scratch)
    announce(settings, terminal, "say.stopped")
    return code


def _start_child(settings: HomeSettings) -> None:
    observe_child(settings)
    clean_scratch(settings.ingest.scratch)  # of the one this child stands in for, if it was killed


def _desk(settings: HomeSettings) -> Desk:
    return Home.open(settings).desk()


def run_sweeper(home: Home, terminal: Terminal) -> None:
    """Sweep the work list and extend locks that are due, until SIGINT or SIGTERM.

    Several may run, on any machine: one sweeps, the others stand by. A database, store or broker that is away is
    tried again.
    """
    settings = home.settings
    start_log(settings)
    with ExitStack() as stack:
        told = stack.enter_context(told_to_stop())
        stack.enter_context(observed(home))
        chores = Chores(locks_chore(home, seconds=LOCKS_SECONDS))
        sweeper = Sweeper(
            home.engine,
            stack.enter_context(bell_of(settings.ingest)),
            turnstile(home.engine, settings.folder),
            settings.ingest,
            utc_now,
            chore=lambda: chores.do_due(told),
        )
        announce(settings, terminal, "say.sweeping")
        terminal.answer({"home": str(settings.folder)})
        sys.stdout.flush()
        sweeper.run(told)
    announce(settings, terminal, "say.stopped")
