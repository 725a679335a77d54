"""What is known of a rendition once it is built: facts alone, for those who need no library to build one."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True)
class MarkRectangle:
    """A free rectangle of a page, in its unrotated user space; rotation is the page's own /Rotate."""

    page_index: int
    x0: float
    y0: float
    x1: float
    y1: float
    rotation: Rotation

    def to_json(self) -> dict[str, Any]:
        """Return the rectangle as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the rectangle a JSON object holds."""
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Rendition:
    """The file that was built. rungs: one per page, how it came in. notes: what was not kept as it was.

    conformance: the claim; checked_by: who checked it. mark_places: free at the top left (the
    digitizer's mark, a copy's QR), then at the top right (the agency's mark, a copy's).
    """

    length: int
    sha256: str
    conformance: str
    checked_by: str
    rungs: tuple[str, ...]
    mark_places: tuple[MarkRectangle, MarkRectangle]
    notes: tuple[str, ...] = field(default=())

    def describe(self) -> dict[str, Any]:
        """Return what the derivation record says of how the rendition came about, and where marks may stand."""
        return {
            "conformance": self.conformance,
            "checked_by": self.checked_by,
            "rungs": {rung: self.rungs.count(rung) for rung in sorted(set(self.rungs))},
            "mark_places": [place.to_json() for place in self.mark_places],
            "notes": list(self.notes),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the rendition's facts as a JSON object."""
        return {
            "length": self.length,
            "sha256": self.sha256,
            "conformance": self.conformance,
            "checked_by": self.checked_by,
            "rungs": list(self.rungs),
            "mark_places": [place.to_json() for place in self.mark_places],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the rendition whose facts a JSON object holds."""
        digitizer, agency = (MarkRectangle.from_json(place) for place in found["mark_places"])
        return cls(
            found["length"],
            found["sha256"],
            found["conformance"],
            found["checked_by"],
            tuple(found["rungs"]),
            (digitizer, agency),
            tuple(found["notes"]),
        )
