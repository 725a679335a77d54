"""How a process that runs for long is told to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Lend an event that SIGINT and SIGTERM set; afterwards both do again what they did before."""
    told = threading.Event()
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: told.set()))
        yield told
