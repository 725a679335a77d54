"""What the log says of checks, copies and repairs, in the words of PREMIS.

Packages are locked before anything of this can happen to them, so it is not written into them: the event is the
source, its payload has type, outcome and detail ready, and `preservation_event` makes of it what a package's own
events are made of.
"""

from datetime import datetime
from typing import Any, Literal

from archive.events import Event
from archive.record import PreservationEvent

Act = Literal["fixity check", "replication", "recovery"]  # of the eventType vocabulary of the Library of Congress


def premis(act: Act, detail: str, *, well: bool) -> dict[str, str]:
    """Return the part of an event's payload that PREMIS needs."""
    return {"type": act, "outcome": "success" if well else "fail", "detail": detail}


def preservation_event(event: Event) -> PreservationEvent | None:
    """Return an event of the log as a PREMIS event; None for one that tells of no check, copy or repair."""
    body = event.body
    told: dict[str, Any] | None = body["payload"].get("premis")
    if told is None:
        return None
    return PreservationEvent(
        id=f"{event.stream}-{event.sequence}",
        type=told["type"],
        at=datetime.fromisoformat(body["at"]),
        agent=body["principal"],
        detail=told["detail"],
        outcome=told["outcome"],
    )
