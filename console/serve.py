"""Serving one home: the interface in this process and, unless others do that elsewhere, the workers as children
and the index in a thread beside.

Everything started here ends here: on SIGINT or SIGTERM requests under way are answered, workers finish their
item, and no process is left. What is killed outright takes its children with it (the kernel sees to it).
"""

import logging
import os
import signal
import socket
import sys
from contextlib import ExitStack
from multiprocessing.process import BaseProcess

import click
import uvicorn

from console.beside import Beside, Tender
from console.copying import copies_chore
from console.dependencies import proven, readiness_of, require_fit
from console.embedded import Follower, fixity_chore, locks_chore, log_chore
from console.home import Home, utc_now
from console.intake_work import supervise
from console.observing import announce, observe_child, observed, start_log
from console.ringing import bell_of
from console.settings import HomeSettings
from console.terminal import Terminal
from console.tracing import trace_requests
from console.watched import timed
from console.web.routes import web_pages
from console.words.speak import word
from ingest.batch_desk import BatchDesk
from ingest.bell import Bell
from ingest.checks import clean_scratch
from ingest.routes import batch_routes
from ingest.stopping import stopped_by_signals
from ingest.supervisor import GRACE_SECONDS, spawn_context
from search_api.app import create_app
from search_api.copies.verify import prepare_jail
from search_api.door import unseen
from search_api.gate import Gate

ANSWER_SECONDS = 15  # how long requests under way may take once told to stop
AGAIN_SECONDS = 2.0  # before workers that ended by themselves are started anew

log = logging.getLogger("sohoa.serve")


def run_server(home: Home, terminal: Terminal, *, host: str, port: int, workers: int, alone: bool = False) -> None:
    """Serve until told to stop. port 0: any free one. Raises click.UsageError when it can't listen there.

    alone: requests are answered and nothing else is done: items, index and unfinished copies are other processes'.
    1. listen first: a second start fails before it touches anything; 2. clean what a killed run left; 3. have the
    store prove its locks, open what requests are answered from, and the jail; 4. index, unfinished copies and
    workers beside; 5. answer.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(host, port, terminal))  # 1
        url = _url_of(listening)
        start_log(home.settings)
        clean_scratch(home.settings.ingest.scratch)  # 2
        if not alone:
            home.store().sweep()
            home.staging().sweep()
        canary = proven(home)  # 3
        services = stack.enter_context(home.services())
        require_fit(services.index)
        prepare_jail(services.jail)
        services.jail.warm("ocr.shown:ready", {})
        gate = Gate(services)
        desk = _batch_desk(home, stack.enter_context(bell_of(home.settings.ingest)))
        routers = [batch_routes(desk, gate), web_pages(services)]
        broker = home.settings.ingest.broker_url
        readiness = readiness_of(
            services,
            desk.staging,
            broker_url=broker,
            canary=canary,
            places=home.settings.ingest.places,
            floor=home.settings.ingest.free_floor_bytes,
        )
        exporter = stack.enter_context(
            observed(home, readiness=readiness, position=services.index.position, canary=canary)
        )
        seen = exporter.meters.answered if exporter is not None else unseen
        app = create_app(services, routers=routers, gate=gate, readiness=readiness, seen=seen)
        stack.callback(trace_requests(app, home.settings.observing.traces_url))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                proxy_headers=False,  # where a request comes from is the connection's word, not a header's
                server_header=False,
                timeout_graceful_shutdown=ANSWER_SECONDS,
            )
        )
        # The framework takes signals while it runs and raises them again when it has stopped, which would end this
        # process before its children are; and one that comes earlier would be lost.
        stack.enter_context(stopped_by_signals(lambda: setattr(server, "should_exit", True)))
        log.info("files are opened behind %s", services.jail.mode)
        if not alone:  # 4
            stack.enter_context(Follower(home, copies_chore(services.copies), log_chore(services.copies.log)))
            stack.enter_context(Tender(fixity_chore(home, services.scratch), locks_chore(home)))
            stack.enter_context(WorkTree(home.settings, workers))
        announce(home.settings, terminal, "say.serving", url=url)
        terminal.answer({"url": url})
        sys.stdout.flush()
        server.run(sockets=[listening])  # 5
    announce(home.settings, terminal, "say.stopped")


def _listen(host: str, port: int, terminal: Terminal) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        said = word("serve.taken", terminal.language, host=host, port=port, reason=_reason(error))
        raise click.UsageError(said) from error
    # Connections inherit it; without it an answer in two pieces waits 40 ms for the client's word.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _reason(error: OSError) -> str:
    # What Python says besides repeats the address; a name that is not known has no number of its own.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _batch_desk(home: Home, bell: Bell) -> BatchDesk:
    uploads = home.settings.folder / "uploads"
    uploads.mkdir(exist_ok=True)
    return BatchDesk(
        engine=home.engine,
        store=home.store(),
        staging=timed(home.staging(), "staging"),
        seal=home.seal(),
        settings=home.settings.ingest,
        uploads=uploads,
        new_scratch=home.new_scratch,
        new_reader=home.reader,
        prepare_signing=home.prepare_signing,
        now=utc_now,
        bell=bell,
    )


class WorkTree(Beside):
    """The workers' supervisor as a child process, started anew should it end by itself.

    One thread starts it and waits for it: the kernel ties a child's life to the thread that started it.
    """

    def __init__(self, settings: HomeSettings, workers: int) -> None:
        super().__init__("work-tree")
        self._settings = settings
        self._workers = workers

    def _run(self) -> None:
        if self._workers == 0:
            return
        while not self._stopping.is_set():
            child = spawn_context().Process(
                target=supervise_as_child, args=(self._settings, self._workers), name="sohoa-work"
            )
            child.start()
            while child.is_alive() and not self._stopping.wait(0.2):
                pass
            if self._stopping.is_set():
                _end(child)
                return
            log.warning("the workers ended by themselves (%s); starting them anew", child.exitcode)
            self._stopping.wait(AGAIN_SECONDS)


def _end(child: BaseProcess) -> None:
    """Ask the supervisor to stop, which asks its workers; end what does not."""
    child.terminate()
    child.join(GRACE_SECONDS + 10)
    if child.is_alive():
        child.kill()
        child.join()


def supervise_as_child(settings: HomeSettings, workers: int) -> None:
    """Be the supervisor of a serving home's workers."""
    # Imported here: loading what reads and signs takes a second, which only worker processes should pay.
    from ingest.workman import die_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server decides, not the terminal
    die_with_parent()
    observe_child(settings)
    supervise(Home.open(settings), workers=workers, until_idle=False)
