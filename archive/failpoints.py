"""Named places where a drill may kill the process, to prove that a restart loses nothing.

A failpoint is armed only by a value the command line reads from the environment together with the word that
it may; the production settings never read it.
"""

import os
import signal
from typing import Literal, get_args

Place = Literal[
    # from scan to package
    "claim",
    "reading",
    "packaging",
    "put",
    "commit",
    "release",
    # from request to copy
    "copy-reserved",
    "copy-signed",
    "copy-stored",
    "copy-issued",
]


class Failpoints:
    """Counts how often each place is passed and kills at the armed one.

    spec: `place:count` kills this process at the count-th pass; `place:count:group` kills its whole process
    group, the supervisor with it. None arms nothing. Raises ValueError for anything else.
    """

    def __init__(self, spec: str | None) -> None:
        self._place: str | None = None
        self._left = 0
        self._whole_group = False
        if spec is None:
            return
        place, _, rest = spec.partition(":")
        count, _, scope = rest.partition(":")
        if place not in get_args(Place) or not count.isdigit() or scope not in ("", "group"):
            raise ValueError(f"no such failpoint: {spec}")
        self._place, self._left, self._whole_group = place, int(count), scope == "group"

    def passing(self, place: Place) -> None:
        """Note that the process passes a place; die here if the drill says so."""
        if place != self._place:
            return
        self._left -= 1
        if self._left == 0:
            if self._whole_group:
                os.killpg(os.getpgrp(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
