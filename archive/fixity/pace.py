"""How fast may be read: bytes a second on the average, object by object."""

import time
from collections.abc import Callable


class Pace:
    """Says how long to wait before the next object, so that no more than so many bytes a second are read.

    An object is read in one go; who read much waits longer after it. Time unused is not saved up. 0: no limit.
    """

    def __init__(self, bytes_per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = clock()

    def wait_seconds(self) -> float:
        """Return how long nothing may be read yet."""
        return max(0.0, self._free_at - self._clock()) if self._rate else 0.0

    def spent(self, length: int) -> None:
        """Note that so many bytes were read."""
        if self._rate:
            self._free_at = max(self._free_at, self._clock()) + length / self._rate
