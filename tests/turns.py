"""Two processes on one simulated disk, each a thread, taking turns as told: so many calls, then the other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulated_disk import SimulatedDisk

NAMES = ("one", "two")
UNTIL_ITS_END = 1 << 30


class Killed(BaseException):
    """The process is gone: nothing it would still have done happens."""


class Turns:
    """Has one of two processes act at a time.

    runs: how many calls of the file system each has in turn, `one` first; after the last run the one whose turn it
    is goes on to its end. Who waits for the store's lock gives its turn away.
    """

    def __init__(self, disk: SimulatedDisk, runs: Sequence[int]) -> None:
        self._disk = disk
        self._runs = [*runs]
        self._changed = threading.Condition()
        self._turn = NAMES[0]
        self._left = self._next_run()
        self._ended: set[str] = set()
        self._locked_by: str | None = None
        self.unused = True  # whether a process came to its end in its first run

    def _next_run(self) -> int:
        return self._runs.pop(0) if self._runs else UNTIL_ITS_END

    def run(self, *acts: Callable[[], None]) -> list[BaseException]:
        """Run both to their ends and return what they raised."""
        raised: list[BaseException] = []

        def live(name: str, act: Callable[[], None]) -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - told to who waits for the thread
                raised.append(error)
            finally:
                self._end(name)

        threads = [
            threading.Thread(target=live, args=(name, act), name=name)
            for name, act in zip(NAMES, acts, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return raised

    def before_a_call(self, me: str) -> None:
        """Wait until it is this process's turn."""
        with self._changed:
            self._wait(me)
            while self._left == 0 and self._other(me) not in self._ended:
                self.unused = False
                self._give(self._other(me))
                self._wait(me)
            self._left -= 1

    def lock(self, me: str) -> None:
        """Take the store's lock; the turn is the other's while that has it."""
        with self._changed:
            while self._locked_by is not None:
                self._give(self._locked_by)
                self._wait(me)
            self._locked_by = me

    def unlock(self) -> None:
        """Give the store's lock back."""
        self._locked_by = None

    def _wait(self, me: str) -> None:
        while self._turn != me:
            if not self._changed.wait(20):
                raise RuntimeError(f"{me} waits for its turn and nothing happens")

    def _give(self, to: str) -> None:
        self._turn = to
        self._left = max(1, self._next_run())
        self._changed.notify_all()

    def _end(self, me: str) -> None:
        with self._changed:
            self._ended.add(me)
            if self._turn == me or self._locked_by == me:
                self._give(self._other(me))

    @staticmethod
    def _other(me: str) -> str:
        return NAMES[1 - NAMES.index(me)]

    def view(self, me: str) -> Any:
        """Return the disk as a process sees it."""
        return _View(self._disk, self, me)


class _View:
    def __init__(self, disk: SimulatedDisk, turns: Turns, me: str) -> None:
        self._disk = disk
        self._turns = turns
        self._me = me

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._disk, name)

        def in_turn(*given: Any, **named: Any) -> Any:
            self._turns.before_a_call(self._me)
            return call(*given, **named)

        return in_turn

    @contextmanager
    def exclusive(self, path: Path) -> Iterator[None]:
        self._turns.before_a_call(self._me)
        self._turns.lock(self._me)
        try:
            with self._disk.exclusive(path):
                yield
        finally:
            self._turns.unlock()


class Doomed:
    """The disk as a process sees it that is killed before its call after so many."""

    def __init__(self, disk: SimulatedDisk, calls: int) -> None:
        self._disk = disk
        self.left = calls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return getattr(self._disk, name)(*given, **named)

        return call
