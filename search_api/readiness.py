"""What the service needs to be there, looked at side by side, each for so long at most.

A check that hangs is left behind and counted as missing until it ends: it is never started a second time beside
itself, so however often one asks, each dependency is asked once at a time. An answer is good for a moment: asking
often does not load what is asked.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from archive.database import reading, require_current
from archive.keys import PACKAGES, RESTRICTED
from archive.signers.readiness import ready
from archive.stores.separated import separates
from archive.tables.holdings import fonds
from archive.tables.log import stream_head
from search_api.services import Services

CHECK_SECONDS = 2.0
GOOD_FOR_SECONDS = 1.0
TIMED_OUT, UNREACHABLE, FAILED = "timed-out", "unreachable", "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency. act returns when it is there and raises when it is not; essential: nothing works without."""

    name: str
    act: Callable[[], object]
    essential: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What a check found. why: a slug, None when all is well; never a message, which could name hosts or files."""

    name: str
    why: str | None
    essential: bool

    @property
    def ok(self) -> bool:
        """Whether the dependency is there."""
        return self.why is None


class Readiness:
    """Runs the checks and remembers what they found."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        seconds: float = CHECK_SECONDS,
        good_for: float = GOOD_FOR_SECONDS,
    ) -> None:
        self._runs = [_Run(check) for check in checks]
        self._seconds = seconds
        self._good_for = good_for
        self._lock = threading.Lock()
        self._found: tuple[Standing, ...] = ()
        self._found_at = float("-inf")

    def look(self) -> tuple[Standing, ...]:
        """Return how every dependency stands, in the order given, after CHECK_SECONDS at most."""
        with self._lock:  # who comes meanwhile waits for the same answer
            if time.monotonic() - self._found_at >= self._good_for:
                until = time.monotonic() + self._seconds
                for run in self._runs:
                    run.begin()
                self._found = tuple(run.standing(until) for run in self._runs)
                self._found_at = time.monotonic()
            return self._found


class _Run:
    """One check with its one thread, if it is at work."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._thread: threading.Thread | None = None
        self._why: str | None = None

    def begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look, name=f"check-{self._check.name}", daemon=True)
            self._thread.start()

    def standing(self, until: float) -> Standing:
        assert self._thread is not None
        self._thread.join(max(0.0, until - time.monotonic()))
        why = TIMED_OUT if self._thread.is_alive() else self._why
        return Standing(self._check.name, why, self._check.essential)

    def _look(self) -> None:
        try:
            self._check.act()
        except Exception as error:  # noqa: BLE001 whatever it is, the part is not there; its own door logs why
            self._why = _slug(error)
        else:
            self._why = None


def _slug(error: Exception) -> str:
    code = getattr(error, "code", None)
    if isinstance(error, SQLAlchemyError | OSError):  # SQLAlchemy's own `code` names a page of its manual
        return UNREACHABLE
    return code if isinstance(code, str) else FAILED


def checks_of(services: Services) -> tuple[Check, ...]:
    """Return the checks of what every interface is served from.

    The index may be missing for a while, and the store of levels 3-4, where there is one: levels 1-2 go on.
    """

    def database() -> None:
        with reading(services.engine) as connection:
            connection.execute(select(stream_head.c.next_sequence)).all()

    def keys() -> None:
        with reading(services.engine) as connection:
            agencies = connection.execute(select(fonds.c.unit_id).distinct()).scalars().all()
        for agency in agencies:
            ready(services.copies.signer, f"copies:{agency}", services.now())

    apart = (Check("restricted-store", lambda: _first(services, RESTRICTED + PACKAGES), essential=False),)
    return (
        Check("database", database),
        Check("schema", lambda: require_current(services.engine, running=True)),
        Check("store", lambda: _first(services, PACKAGES)),
        *(apart if separates(services.store) else ()),
        Check("keys", keys),
        Check("index", services.index.position, essential=False),
    )


def _first(services: Services, prefix: str) -> object:
    """Ask for one key of those that begin so; no id of a record begins with a 0."""
    return next(iter(services.store.list_versions(f"{prefix}0")), None)
