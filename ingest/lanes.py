"""The lanes of the work list: work of one kind never waits behind work of another."""

from typing import Final, Literal, get_args

Lane = Literal["interactive", "batch", "heavy"]
LANES: Final[tuple[Lane, ...]] = get_args(Lane)

HEAVY_PAGES = 200
HEAVY_BYTES = 512 << 20


def lane_for(*, pages: int, length: int, waited_for: bool) -> Lane:
    """Return the lane of one received file.

    length: in bytes. waited_for: somebody looks at the screen until it is done; a file that takes long is heavy
    all the same.
    """
    if pages > HEAVY_PAGES or length > HEAVY_BYTES:
        return "heavy"
    return "interactive" if waited_for else "batch"
