"""How long each stage of the work took: told to whoever listens in this process, as log lines are.

Measuring is for the whole process, so it is heard at one place like logging and not passed through every
signature. Without a listener it costs two clock readings a stage. What listens must not raise and must be quick.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

# What is measured, each with the label of one measurement:
#   stage: one of STAGES, of one item or share of one
#   page: read, blank, failed   item: what its outcome is called   jail: the slug of why a jailed act was ended
#   sweep: empty, with how many leases were given back   store: store, act and outcome, with spaces between
Listener = Callable[[str, str, float], None]  # measure, label, amount: seconds, or a count

STAGES: Final = ("fetch", "probe", "read", "build", "sign", "package", "deposit", "commit")

_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Have every measurement of this process from now on told to listener; return what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def took(measure: str, label: str, amount: float) -> None:
    """Tell one measurement."""
    for listener in tuple(_listeners):
        listener(measure, label, amount)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Measure one stage of an item's way, also when it fails."""
    started = time.monotonic()
    try:
        yield
    finally:
        took("stage", name, time.monotonic() - started)
