"""What the log lines of the moment are about, as ids: set where an act begins, written beside every line.

Ids only (request, batch, item, record, copy): a name, a number of a person or a file's name is never put here,
so a log can be kept and passed on. Each thread, task and request has its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_subject: ContextVar[Mapping[str, str] | None] = ContextVar("log_subject", default=None)


def subject() -> Mapping[str, str]:
    """Return the ids that a line written now is about."""
    return _subject.get() or {}


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Add ids to what the lines inside are about; None leaves one out. Ends with the block."""
    given = {name: value for name, value in ids.items() if value is not None}
    token = _subject.set({**subject(), **given})
    try:
        yield
    finally:
        _subject.reset(token)
