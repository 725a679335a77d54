"""Chores beside a process: how long one goes on before others have their turn."""

from types import SimpleNamespace
from typing import Any

from console.embedded import locks_chore
from retention.reconcile import Reconciled


def _home_with(pages: int) -> Any:
    """A home whose round of the locks has so many pages left."""
    left = [Reconciled(ended=number == 1) for number in range(pages, 0, -1)]
    return SimpleNamespace(left=left, reconciler=lambda: SimpleNamespace(turn=lambda _every: left.pop(0)))


def test_locks_are_compared_a_page_at_a_time_where_the_next_turn_comes_soon() -> None:
    home = _home_with(3)
    locks_chore(home).act()
    assert len(home.left) == 2


def test_where_it_comes_seldom_the_round_goes_on_to_its_end_and_not_into_another() -> None:
    home = _home_with(3)
    home.left.append(Reconciled(ended=True))
    locks_chore(home, seconds=60.0).act()
    assert len(home.left) == 1
