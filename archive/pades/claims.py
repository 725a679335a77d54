"""What a jailed process told of a file shown as a copy, read back with distrust: every value of a known kind."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, get_args

Problem = Literal["not-a-pdf", "encrypted", "truncated", "bytes-added", "damaged"]
Ended = Literal["timed-out", "not-examined"]  # the examination's own end, never told by a jailed process
Chain = Literal["chained", "foreign", "outside-validity", "wrong-usage", "no-time"]
SERIAL = re.compile(r"[a-z2-7]{26}")  # archive.identifiers.new_id


class ClaimsUnreadable(ValueError):
    """An answer is not one that `archive.pades.copies` gives: its process was tampered with, or failed."""


@dataclass(frozen=True, slots=True)
class ClaimedSignature:
    """One signature of the file. locked: it certifies and allows no change (DocMDP, P 1). unchecked: what could
    not be examined. chain: where its certificate leads at stamped_at, or else at signed_at."""

    field: str
    subject: str | None
    valid_until: datetime | None
    signed_at: datetime | None
    stamped_at: datetime | None
    integrity: str
    coverage: str
    locked: bool
    weak: tuple[str, ...]
    unchecked: tuple[str, ...]
    time_stamp: str | None
    chain: Chain
    demo: bool

    @classmethod
    def from_json(cls, told: Any) -> Self:
        """Read one back. Raises ClaimsUnreadable."""
        if not isinstance(told, dict) or told.keys() != cls.__dataclass_fields__.keys():
            raise ClaimsUnreadable("not a signature")
        chain: Chain = _one_of(get_args(Chain), told["chain"])
        return cls(
            field=_text(told["field"]),
            subject=_text_or_none(told["subject"]),
            valid_until=_instant(told["valid_until"]),
            signed_at=_instant(told["signed_at"]),
            stamped_at=_instant(told["stamped_at"]),
            integrity=_text(told["integrity"]),
            coverage=_text(told["coverage"]),
            locked=told["locked"] is True,
            weak=_texts(told["weak"]),
            unchecked=_texts(told["unchecked"]),
            time_stamp=_text_or_none(told["time_stamp"]),
            chain=chain,
            demo=told["demo"] is not False,
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """What a file says of itself. problem: why it can't be read as a PDF of ours. serials: given by its page 1."""

    problem: Problem | Ended | None = None
    signatures: tuple[ClaimedSignature, ...] = ()
    serials: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, told: Any) -> Self:
        """Read the jail's answer. Raises ClaimsUnreadable."""
        if not isinstance(told, dict) or not isinstance(told.get("signatures"), list):
            raise ClaimsUnreadable("not an answer about a file")
        serials = _texts(told.get("serials"))
        if not all(SERIAL.fullmatch(serial) for serial in serials):
            raise ClaimsUnreadable("not a serial")
        problem: Problem | None = _one_of((None, *get_args(Problem)), told.get("problem"))
        return cls(problem, tuple(ClaimedSignature.from_json(one) for one in told["signatures"]), serials)


def _one_of(known: tuple[Any, ...], found: Any) -> Any:
    if not (found is None or isinstance(found, str)) or found not in known:
        raise ClaimsUnreadable("not one of the known words")
    return found


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise ClaimsUnreadable("not a text")
    return found


def _text_or_none(found: Any) -> str | None:
    return None if found is None else _text(found)


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise ClaimsUnreadable("not a list")
    return tuple(_text(one) for one in found)


def _instant(found: Any) -> datetime | None:
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(found))
    except ValueError as fault:
        raise ClaimsUnreadable("not a time") from fault
    if moment.utcoffset() is None:
        raise ClaimsUnreadable("a time without its zone")
    return moment
