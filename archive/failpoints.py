"""Named places between two durable steps where a drill may kill the process, to prove a restart loses nothing.

One place of a process can be armed, and only the console arms one: it needs two settings of the environment, and
never arms the archive of an agency that signs with keys of its own. Passing a place not armed does nothing.
"""

import os
import signal
import threading
from typing import Literal, get_args

Place = Literal[
    # a folder taken in: each file to staging, then its row; files that are missing; the batch
    "batch-opened",
    "staged",
    "item-listed",
    "missing-declared",
    "batch-taken",
    # from scan to package
    "claim",
    "numbered",
    "spread",
    "gathered",
    "reading",
    "share-ended",
    "signed",
    "frozen",
    "packaging",
    "put",
    "object-put",
    "number-voided",
    "commit",
    "linked",
    "release",
    "staging-deleted",
    "released",
    # acceptance, effects, texts read again and holds
    "supplement-planned",
    "lock-extended",
    "supplement-stored",
    "accepted",
    "batch-closed",
    "effect-recorded",
    "text-recorded",
    "hold-flagged",
    "hold-placed",
    "hold-lifted",
    "hold-unflagged",
    "lock-renewed",
    # the log goes into the vault before anything of it is acknowledged
    "segment-put",
    "segment-written",
    # from request to copy
    "copy-requested",
    "copy-approved",
    "copy-reserved",
    "copy-signed",
    "copy-put",
    "copy-stored",
    "copy-issued",
    "copy-voided",
    "copy-revoked",
]
PLACES: tuple[Place, ...] = get_args(Place)


class _Armed:
    """The place this process is to die at, and how often it may still pass it."""

    def __init__(self) -> None:
        self.place: str | None = None
        self.left = 0
        self.whole_group = False
        self.counting = threading.Lock()


_ARMED = _Armed()


def arm(spec: str | None) -> None:
    """Have this process die at a place, and at no other armed before.

    spec: `place:count` kills this process at the count-th pass; `place:count:group` kills its whole process
    group, the supervisor with it. None arms nothing. Raises ValueError for anything else.
    """
    place, _, rest = (spec or "").partition(":")
    count, _, scope = rest.partition(":")
    if spec is not None and (place not in PLACES or not count.isdigit() or scope not in ("", "group")):
        raise ValueError(f"no such failpoint: {spec}")
    _ARMED.place, _ARMED.left, _ARMED.whole_group = place or None, int(count or 0), scope == "group"


def passing(place: Place) -> None:
    """Note that the process passes a place; die here if the drill says so."""
    if place != _ARMED.place:
        return
    with _ARMED.counting:
        _ARMED.left -= 1
        if _ARMED.left == 0:
            if _ARMED.whole_group:
                os.killpg(os.getpgrp(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
