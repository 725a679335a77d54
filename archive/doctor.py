"""Runs the checks each package supplies and reports what is not as it should be. It mends nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: slug of the fault, what it is about, and a sentence."""

    fault: str
    subject: str
    detail: str


Check = Callable[[], Iterable[Finding]]


def examine(checks: Iterable[Check]) -> list[Finding]:
    """Run every check and return all findings."""
    return [finding for check in checks for finding in check()]
