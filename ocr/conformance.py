"""Whether a file keeps what it claims, and by whom that was checked."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pikepdf.pdfa

CLAIM = "pdfa-2b"
FLAVOUR = "2b"


@dataclass(frozen=True, slots=True)
class Conformance:
    """A claim, who checked it, and what speaks against it; no problems means it was confirmed.

    A validator that does not know a construct counts it as a problem: unknown is not valid.
    """

    claim: str
    checked_by: str
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the check found nothing against the claim."""
        return not self.problems


def check(path: Path) -> Conformance:
    """Check a file as PDF/A-2b. Never raises for what is in the file: that is a problem found."""
    report = pikepdf.pdfa.validate_written(path, FLAVOUR)
    return Conformance(CLAIM, checker(), tuple(str(finding) for finding in report.findings))


def checker() -> str:
    """Return the name and version of what checks."""
    return f"pikepdf {version('pikepdf')}"
