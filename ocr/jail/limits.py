"""The limits one jailed call runs under, and what it used."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class JailLimits:
    """What one call may take; beyond it the call is killed with its whole process group.

    resident_bytes: of the call and its children together, watched every 50 ms.
    address_space_bytes: the hard cap behind that watch; below 2 GiB Tesseract does not start.
    file_bytes: the largest file it may write. answer_bytes: the longest JSON answer.
    temporary_bytes: size of the jail's own /tmp (bubblewrap only).
    start_seconds: how long the jail may take to load its libraries and models.
    """

    resident_bytes: int = 1024 * MIB
    address_space_bytes: int = 3072 * MIB
    file_bytes: int = 2048 * MIB
    open_files: int = 256
    answer_bytes: int = 64 * MIB
    temporary_bytes: int = 256 * MIB
    start_seconds: float = 120


@dataclass(frozen=True, slots=True)
class CallUsage:
    """What one call cost: CPU of the call and its children, its peak resident memory, wall time."""

    cpu_seconds: float
    peak_rss_bytes: int
    wall_seconds: float
