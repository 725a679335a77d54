"""How long: a number of years or for ever, and the last day that follows from it."""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Years:
    """A period of whole years."""

    count: int


@dataclass(frozen=True, slots=True)
class Permanent:
    """Kept for ever (vĩnh viễn)."""


Period = Years | Permanent
PERMANENT: Final = Permanent()


def keep_until(closed_on: date, period: Period, *, valid_until: date | None = None) -> date | Permanent:
    """Return the last day a file must be kept.

    Source: Luật Lưu trữ 33/2024/QH15 Điều 15 [S]: the period counts from the year the work ends; the last
    day is 31 December of (year of closing + years) by convention [U]. A result still valid after that day is
    kept to the end of its validity. Example: closed 05/03/2020, 10 years -> 31/12/2030.
    """
    if isinstance(period, Permanent):
        return period
    last = date(closed_on.year + period.count, 12, 31)
    return max(last, valid_until) if valid_until else last
