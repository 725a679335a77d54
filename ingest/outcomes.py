"""Where one attempt at an item may lead."""

from dataclasses import dataclass

from archive.record import RecordId


@dataclass(frozen=True, slots=True)
class Deposited:
    """The item is in the archive, as a candidate; review says why a person should look, if anything."""

    record_id: RecordId
    review: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """The item's bytes are already held; nothing was read or stored."""

    record_id: RecordId


@dataclass(frozen=True, slots=True)
class Stopped:
    """A mark of secrecy; a person decides."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The file can't be taken in."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The same bytes are being worked on under another item; this one waits for it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Its pages are read apart, as shares of this work; it goes on when all of them are over."""


Outcome = Deposited | Linked | Stopped | Rejected | Deferred | Spread
