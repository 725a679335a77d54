"""How complete an answer of the index is; part of every answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completeness:
    """indexed_to: the next event of the records stream that is not in the index yet. behind: events after it.

    rebuilding: whether another generation is being built beside the one that answers. from_catalogue: the index
    could not be used, and the answer is of described fields only.
    """

    indexed_to: int
    behind: int
    rebuilding: bool
    from_catalogue: bool = False
