"""The doorbell: tells workers that there is work on the list.

A ring is a hint and nothing more: what is to be done, by whom and how often lies in the work list. A ring that is
lost costs time until the sweeper rings again; one that comes twice finds the work done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.lanes import Lane


@dataclass(frozen=True, slots=True)
class Ring:
    """Work to be rung for: its id on the list, and the lane it is in."""

    work_item_id: str
    lane: Lane


class Bell(Protocol):
    """Rings for work that is on the list, once it is committed. Nothing that rings ever fails because of it."""

    def ring(self, rings: Sequence[Ring]) -> int:
        """Ring once for each piece of work and return how many were heard; a bell out of order raises nothing."""
        ...

    def waiting(self, lane: Lane) -> int | None:
        """Return how many rings of a lane nobody has heard yet; None when that cannot be said now."""
        ...

    def close(self) -> None:
        """Let go of whatever it rings through; a later ring takes hold of it again."""
        ...


class SilentBell:
    """The bell of a home without a broker: its workers look at the list by themselves."""

    def ring(self, rings: Sequence[Ring]) -> int:  # noqa: ARG002  # the port's
        """Ring for nobody."""
        return 0

    def waiting(self, lane: Lane) -> int | None:  # noqa: ARG002  # the port's
        """Say nothing."""
        return None

    def close(self) -> None:
        """Hold nothing."""
