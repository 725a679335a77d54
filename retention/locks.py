"""Until when an object is locked: short and rolling for a candidate, full after acceptance, never shorter."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone

from archive.record import Retention

VIETNAM = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class LockSettings:
    """candidate_days: lock of a candidate and of a record whose retention is unknown, extended while needed.

    permanent_days: the long rolling lock of permanent records. renew_before_days: a rolling lock that ends
    within this many days is extended by running work.
    """

    candidate_days: int = 90
    permanent_days: int = 3650
    renew_before_days: int = 30


def _to_the_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def candidate_lock(now: datetime, settings: LockSettings) -> datetime:
    """Return the lock that goes in with a candidate's object."""
    return _to_the_second(now + timedelta(days=settings.candidate_days))


def full_lock(now: datetime, retention: Retention, settings: LockSettings) -> datetime:
    """Return the lock an accepted record's object must have.

    A last day ends at midnight, +07:00. Permanent: the long rolling lock. Unknown or past: the short one.
    """
    if retention.permanent:
        return _to_the_second(now + timedelta(days=settings.permanent_days))
    short = candidate_lock(now, settings)
    if retention.keep_until is None:
        return short
    end = datetime.combine(retention.keep_until + timedelta(days=1), time(), tzinfo=VIETNAM)
    return max(short, _to_the_second(end))


def renewed_lock(
    now: datetime, locked_until: datetime, *, permanent: bool, settings: LockSettings
) -> datetime | None:
    """Return the new end of a rolling lock that is due, or None while it has time left."""
    if locked_until - now > timedelta(days=settings.renew_before_days):
        return None
    days = settings.permanent_days if permanent else settings.candidate_days
    return _to_the_second(now + timedelta(days=days))
