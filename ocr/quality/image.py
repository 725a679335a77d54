"""What a page image is measured to be: the noun alone, for those that judge it without looking at pixels."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """What one page image is like. None where it cannot be told; `unmeasured` has the reason by measure.

    dpi_claimed: whole dots an inch, the lesser of both directions, as the file says; None when it does not.
    dpi_estimated: by the letters and the paper's format, `dpi_estimated_by` paper or text, good to
    `dpi_tolerance_pct`. dpi_off_pct: by how much the claim is off beyond that. bits_per_pixel: 1, 8 or 24.
    short_mm, long_mm: the page's sides by the claimed resolution. blur_mm: spread of the letters' edges on paper,
    as a standard deviation. skew_deg: clockwise tilt of the lines. cut_letters: marks of a letter's size that run
    into the edge with the most of them. sheet_step_levels: step of the paper across the whole page, of 255.
    border_mm: mean width of the widest dark border. jpeg_quality: 1-100 as of the reference encoder.
    grey_fill_pct: share of rows at the bottom that a broken-off file left grey.
    turns_needed: clockwise quarter turns, 0-3, until it is upright as programs show it.
    """

    width_px: int
    height_px: int
    dpi_claimed: int | None
    dpi_estimated: float | None
    dpi_estimated_by: str | None
    dpi_tolerance_pct: float | None
    dpi_off_pct: float | None
    bits_per_pixel: int
    short_mm: float | None
    long_mm: float | None
    blank: bool
    blur_mm: float | None
    skew_deg: float | None
    cut_letters: int | None
    sheet_step_levels: float | None
    border_mm: float | None
    jpeg_quality: int | None
    grey_fill_pct: float
    turns_needed: int | None
    unmeasured: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the measures as a JSON object, rounded."""
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the measures a JSON object holds."""
        return cls(**found)
