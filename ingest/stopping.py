"""How a process that runs for long is told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have SIGINT and SIGTERM call stop and do nothing else; afterwards both do again what they did before."""
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: stop()))
        yield


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Lend an event that SIGINT and SIGTERM set."""
    told = threading.Event()
    with stopped_by_signals(told.set):
        yield told
