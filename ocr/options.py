"""Settings of reading, each with its default, its unit and what it was measured on."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How files are opened and pages read. Crosses the jail's pipe as JSON and is kept in derivation records.

    page_limit, pixel_limit: of one file and one image; 400 million pixels is A0 at 600 dpi.
    raster_dpi: for a page that is not one image; lower when the raster would pass raster_pixel_limit.
    reading_dpi: pages are reduced to it, never enlarged; 160-170 reads normal print better than 200 and in
    0.85 of the time. small_print_px: height of letters (pixels at reading_dpi) below which the page is read at a
    resolution that makes them wanted_px high, where it has it. turn_below: mean confidence under which the
    orientation is asked for. reread_below: mean confidence under which the page is read again with a median
    filter.
    noise_gate: measured noise (grey levels) from which the first reading is filtered too.
    page_seconds, seconds_per_megapixel: time limit of one page. probe_seconds: of looking into a file.
    """

    page_limit: int = 5000
    pixel_limit: int = 400_000_000
    raster_dpi: float = 200.0
    raster_pixel_limit: int = 100_000_000
    reading_dpi: float = 170.0
    small_print_px: float = 12.5
    wanted_px: float = 16.0
    turn_below: float = 0.70
    reread_below: float = 0.85
    noise_gate: float = 14.0
    page_seconds: float = 60.0
    seconds_per_megapixel: float = 5.0
    probe_seconds: float = 120.0

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> Self:
        """Return the settings a JSON object holds."""
        return cls(**settings)
