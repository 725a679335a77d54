"""Every state a simulated disk may come back in when power fails after some changes.

What a sync call covered is certain. Of the rest any part may be there: each change of a folder's names on its
own, applied or lost, whatever came before or after it; of a file's unsynced bytes any length up to all of them,
cut at a sector, and of the sectors within any lost, which then read as zeros. A rename is certain once its target
folder is synced.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from simulated_disk import Change, Image, SimulatedDisk

SECTOR = 512


@dataclass(frozen=True)
class Thoroughness:
    """How many states to look at where there are too many for all.

    subsets: of a moment's uncertain changes of names. tears: of one file's unsynced bytes. Where there are no
    more, all are looked at.
    """

    subsets: int
    tears: int


SHORT = Thoroughness(subsets=64, tears=8)
LONG = Thoroughness(subsets=512, tears=64)


def states_after_a_cut(
    changes: list[Change], thorough: Thoroughness = SHORT, *, before: SimulatedDisk | None = None
) -> Iterator[tuple[Image, SimulatedDisk]]:
    """Yield every state, each once, with its image. before: what was certain before the first change."""
    open_ = _uncertain(changes)
    first = min(open_, default=len(changes))
    base = before.copy() if before is not None else SimulatedDisk()
    for change in changes[:first]:
        base.apply(change)
    rest = [
        (position, change)
        for position, change in enumerate(changes[first:], start=first)
        if change.act != "sync" and not (change.act == "write" and position in open_)
    ]
    unsynced: dict[int, bytes] = {}
    for position in sorted(open_):
        if (change := changes[position]).act == "write":
            unsynced[change.node] = unsynced.get(change.node, b"") + change.data
    tears = {node: tears_of(data, thorough.tears) for node, data in unsynced.items()}
    seen: set[Image] = set()
    for lost in _subsets(_names_that_matter(changes, open_, base, rest), thorough.subsets):
        skeleton = _replayed(base, rest, lost)
        reachable = skeleton.reachable()
        torn = [node for node in tears if node in reachable]
        for kept in product(*(tears[node] for node in torn)):
            state = skeleton.copy() if torn else skeleton
            for node, data in zip(torn, kept, strict=True):
                state.data[node] = state.data.get(node, b"") + data
            image = state.image()
            if image not in seen:
                seen.add(image)
                yield image, state


def _uncertain(changes: list[Change]) -> set[int]:
    """Return where in the list the changes are that no sync of their folder, or of the file written, covers."""
    synced: dict[int, int] = {}
    for position, change in enumerate(changes):
        if change.act == "sync":
            synced[change.node] = position
    return {
        position
        for position, change in enumerate(changes)
        if change.act != "sync"
        and synced.get(change.node if change.act == "write" else change.folder, -1) < position
    }


def _names_that_matter(
    changes: list[Change], open_: set[int], base: SimulatedDisk, rest: list[tuple[int, Change]]
) -> list[int]:
    """Leave out what happened where nobody can look, whatever is lost, and names certainly taken away again."""
    reachable = _replayed(base, rest, set()).reachable() | _replayed(base, rest, open_).reachable()
    taken_away = {
        name: position
        for position, change in enumerate(changes)
        if position not in open_
        for name in _leaves(change)
    }
    return [
        position
        for position in sorted(open_)
        if (change := changes[position]).act != "write"
        and change.folder in reachable
        and taken_away.get((change.folder, change.name), -1) < position
    ]


def _leaves(change: Change) -> list[tuple[int, str]]:
    """Return the folder and name that no longer lead anywhere after a change."""
    if change.act == "rename":
        return [(change.from_folder, change.from_name)]
    return [(change.folder, change.name)] if change.act == "unlink" else []


def _replayed(base: SimulatedDisk, rest: list[tuple[int, Change]], lost: set[int]) -> SimulatedDisk:
    disk = base.copy()
    for position, change in rest:
        if position in lost:
            disk.make(change)
        else:
            disk.apply(change)
    return disk


def _subsets(positions: list[int], at_most: int) -> list[set[int]]:
    """Return all subsets; of many positions: none, all, each alone, all but each, all from each on, some drawn."""
    if 2 ** len(positions) <= at_most:
        return [
            {position for bit, position in enumerate(positions) if chosen >> bit & 1}
            for chosen in range(2 ** len(positions))
        ]
    draw = Random(len(positions))
    everything = set(positions)
    return [
        set(),
        everything,
        *({position} for position in positions),
        *(everything - {position} for position in positions),
        *(set(positions[first:]) for first in range(len(positions))),
        *({position for position in positions if draw.random() < 0.5} for _ in range(at_most)),
    ]


def tears_of(data: bytes, at_most: int) -> list[bytes]:
    """Return what may be left of unsynced bytes, each once, at_most of them: whole and lost first."""
    sectors = [data[at : at + SECTOR] for at in range(0, len(data), SECTOR)]
    count = len(sectors)

    def kept(length: int, present: int) -> bytes:
        return b"".join(
            sector if present >> at & 1 else bytes(len(sector)) for at, sector in enumerate(sectors[:length])
        )

    everything = 2**count - 1
    middle = count // 2
    found = dict.fromkeys([data, b"", kept(middle, everything), kept(count, 0)])
    found |= dict.fromkeys([kept(count, everything ^ 1 << middle), kept(count, 1 << count >> 1)])
    if (count + 1) * 2**count <= 4 * at_most:
        found |= dict.fromkeys(kept(length, n) for length in range(count, -1, -1) for n in range(2**length))
    else:
        draw = Random(count)
        found |= dict.fromkeys(kept(length, everything) for length in range(count))
        found |= dict.fromkeys(kept(count, everything ^ 1 << at) for at in range(count))
        found |= dict.fromkeys(kept(count, draw.getrandbits(count)) for _ in range(at_most))
    return list(found)[:at_most]
