"""The index of one home kept up by a process of its own, for homes whose interface and workers are others."""

import sys
from contextlib import ExitStack

from console.beside import Tender
from console.copying import copies_chore
from console.embedded import Follower, fixity_chore, log_chore
from console.home import Home
from console.observing import announce, observed, start_log
from console.terminal import Terminal
from ingest.checks import clean_scratch
from ingest.stopping import told_to_stop


def run_projector(home: Home, terminal: Terminal) -> None:
    """Follow the records stream, finish copies left half done, secure the log and read everything again
    until SIGINT or SIGTERM.

    One per home: a second does no harm, and no good. An index or store that cannot be used is tried again; what
    it misses meanwhile is caught up with. What came last before the signal is still brought in.
    """
    start_log(home.settings)
    with ExitStack() as stack:
        told = stack.enter_context(told_to_stop())
        stack.enter_context(observed(home))
        clean_scratch(home.settings.ingest.scratch)
        desk = stack.enter_context(home.copy_desk())
        stack.enter_context(Follower(home, copies_chore(desk), log_chore(desk.log)))
        stack.enter_context(Tender(fixity_chore(home, desk.scratch)))
        announce(home.settings, terminal, "say.projecting")
        terminal.answer({"home": str(home.settings.folder)})
        sys.stdout.flush()
        told.wait()
    announce(home.settings, terminal, "say.stopped")
