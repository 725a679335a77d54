"""Roots and proofs of a log's tree (RFC 9162, section 2.1) from stored hashes, with few reads however large it is.

Stored are leaf hashes, level 0, and at level L the roots of complete subtrees of 256**L leaves, as in tlog-tiles;
what lies between is hashed again. A proof reads a tile of at most 256 hashes per level twice at most.
"""

from collections.abc import Callable, Sequence

from archive.log.verify_log import EMPTY_ROOT, TILE, node_hash, root_of

Nodes = Callable[[int, int, int], Sequence[bytes]]
"""Reads count hashes of a level from number first on; called as nodes(level, first, count), count 1 to 256."""

TILE_HEIGHT = 8  # levels of the tree between two stored levels: TILE is 2 ** 8


def root(size: int, nodes: Nodes) -> bytes:
    """Return the root of the tree over the first size leaves; of none, the hash of nothing."""
    return Tree(size, nodes).root()


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof, leaf upwards, that leaf index is in the tree over the first size leaves.

    Raises ValueError for a leaf that is not.
    """
    return Tree(size, nodes).inclusion_proof(index)


def consistency_proof(first: int, second: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the tree over second leaves begins with the tree over first leaves.

    Raises ValueError unless 0 < first <= second: an empty tree says nothing about any other.
    """
    return Tree(second, nodes).consistency_proof(first)


def new_nodes(old_size: int, new_size: int, nodes: Nodes) -> list[tuple[int, int, bytes]]:
    """Return (level, number, hash) of each subtree of 256**level leaves, level 1 and up, completed by growing.

    nodes: has the leaf hashes of the new tree; of higher levels, those of the old one suffice.
    """
    rows: list[tuple[int, int, bytes]] = []
    level, below = 0, dict[int, bytes]()  # what became complete one level below
    while new_size >> TILE_HEIGHT * (level + 1):
        done = old_size >> TILE_HEIGHT * (level + 1)
        known = old_size >> TILE_HEIGHT * level if level else new_size
        complete = {}
        for number in range(done, new_size >> TILE_HEIGHT * (level + 1)):
            start, end = number * TILE, (number + 1) * TILE
            kept = max(start, min(end, known))
            hashes = list(nodes(level, start, kept - start)) if kept > start else []
            complete[number] = root_of(hashes + [below[i] for i in range(kept, end)])
        level, below = level + 1, complete
        rows += [(level, number, value) for number, value in complete.items()]
    return rows


class Tree:
    """The tree over the first size leaves, for several proofs: each tile is read once, each hash made once."""

    def __init__(self, size: int, nodes: Nodes) -> None:
        self._size = size
        self._nodes = nodes
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}
        self._roots: dict[tuple[int, int], bytes] = {}

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self._subtree(0, self._size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the proof that leaf index is in the tree. Raises ValueError for a leaf that is not."""
        if not 0 <= index < self._size:
            raise ValueError(f"there is no leaf {index} in a tree of {self._size}")
        proof = []
        start, end = 0, self._size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, first: int) -> list[bytes]:
        """Return the proof that the tree begins with that over first leaves. Raises ValueError for 0 leaves."""
        if not 0 < first <= self._size:
            raise ValueError(f"no proof leads from a tree of {first} to one of {self._size}")
        proof = []
        start, end = 0, self._size
        while first < end:
            middle = start + _split(end - start)
            if first <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        if start:  # else it is the whole smaller tree, whose root the verifier has
            proof.append(self._subtree(start, end))
        return proof[::-1]

    def _subtree(self, start: int, end: int) -> bytes:
        """Return the root over leaves start to end (exclusive), cut out as a node of the tree is."""
        roots: list[bytes] = []
        while start < end:
            height = (end - start).bit_length() - 1
            roots.append(self._complete(height, start >> height))
            start += 1 << height
        if not roots:
            return EMPTY_ROOT
        value = roots.pop()
        while roots:
            value = node_hash(roots.pop(), value)
        return value

    def _complete(self, height: int, number: int) -> bytes:
        """Return the root of the number-th complete subtree of 2**height leaves."""
        if height % TILE_HEIGHT == 0:
            return self._tile(height // TILE_HEIGHT, number // TILE)[number % TILE]
        known = self._roots.get((height, number))
        if known is None:
            known = node_hash(self._complete(height - 1, 2 * number), self._complete(height - 1, 2 * number + 1))
            self._roots[height, number] = known
        return known

    def _tile(self, level: int, number: int) -> Sequence[bytes]:
        if (level, number) not in self._tiles:
            first = number * TILE
            count = min(TILE, (self._size >> TILE_HEIGHT * level) - first)
            self._tiles[level, number] = self._nodes(level, first, count)
        return self._tiles[level, number]


def _split(size: int) -> int:
    """Return the leaves left of a tree's middle: the largest power of two below its size."""
    return 1 << (size - 1).bit_length() - 1
