"""The room to keep free on page 1 when a rendition is built, for its own marks and for those of later copies.

A copy starts from the same rendition, whose page can't grow any more: what is kept is what a copy has.
"""

from datetime import datetime
from pathlib import Path

from archive.pades.stamp import Mark, largest_copy_mark, mark_size
from archive.pades.symbol import symbol_size

WIDTH_PT = 200.0  # a third of A4: both marks fit side by side, and a long agency name takes two lines

Size = tuple[float, float]  # width and height in points, as the reader sees them


def room_for_marks(
    digitizer: Mark,
    agency: Mark,
    *,
    agency_name: str,
    archive_number: str,
    signed_at: datetime,
    demo: tuple[bool, bool],
    font: Path,
) -> tuple[Size, Size]:
    """Return what to keep at the top left and at the top right.

    Left: the digitizer's mark, later a copy's QR; right: the agency's mark, later a copy's with the longest
    register number. demo: whether the digitizer's and the agency's keys are. Raises FontMissing.
    """
    copied = largest_copy_mark(
        agency.role, agency_name=agency_name, signed_at=signed_at, archive_number=archive_number
    )
    left, right, later = (
        mark_size(mark, width=WIDTH_PT, demo=is_demo, font=font)
        for mark, is_demo in ((digitizer, demo[0]), (agency, demo[1]), (copied, demo[1]))
    )
    return _largest(left, symbol_size()), _largest(right, later)


def _largest(one: Size, other: Size) -> Size:
    return max(one[0], other[0]), max(one[1], other[1])
