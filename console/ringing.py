"""The bell of a home: rings through its broker, or for nobody when it has none."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from ingest.bell import Bell, SilentBell
from ingest.settings import IngestSettings


def open_bell(settings: IngestSettings) -> Bell:
    """Open the bell. Nothing is connected before it is first rung, and a broker that is away does no harm."""
    if settings.broker_url is None:
        return SilentBell()
    # Imported here: homes without a broker need not load what speaks to one.
    from ingest.worker import BrokerBell

    return BrokerBell(settings.broker_url, settings.broker_password)


@contextmanager
def bell_of(settings: IngestSettings) -> Iterator[Bell]:
    """Lend the bell, and let go of it."""
    with closing(open_bell(settings)) as bell:
        yield bell
