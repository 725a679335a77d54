"""The log's tree and its proofs: vectors of transparency-dev/merkle, every small tree, and flipped bits."""

import hashlib
import json
import random
from pathlib import Path
from time import perf_counter

import pytest
from logs import Hashes, flip_somewhere, some_entries

from archive.log.merkle import Tree, consistency_proof, inclusion_proof, new_nodes, root
from archive.log.verify_log import (
    EMPTY_ROOT,
    ProofInvalid,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parent / "merkle_vectors.json").read_text())
BYTES = [bytes.fromhex(one) for one in VECTORS["bytes"]]
LARGEST = 257


def _refused(check: object, *arguments: object) -> bool:
    try:
        check(*arguments)  # type: ignore[operator]
    except ProofInvalid:
        return True
    return False


def test_the_inclusion_vectors_are_judged_as_their_authors_say() -> None:
    assert len(VECTORS["inclusion"]) == 98
    for good, index, size, leaf, top, proof in VECTORS["inclusion"]:
        refused = _refused(verify_inclusion, index, size, BYTES[leaf], [BYTES[one] for one in proof], BYTES[top])
        assert refused is not good, (index, size, proof)


def test_the_consistency_vectors_are_judged_as_their_authors_say() -> None:
    assert len(VECTORS["consistency"]) == 98
    for good, first, second, old, new, proof in VECTORS["consistency"]:
        hashes = [BYTES[one] for one in proof]
        refused = _refused(verify_consistency, first, second, BYTES[old], BYTES[new], hashes)
        assert refused is not good, (first, second, proof)


def _recursive_root(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 9162, 2.1.1, defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(_recursive_root(leaves[:middle]), _recursive_root(leaves[middle:]))


def test_every_root_is_the_one_the_standard_defines() -> None:
    hashes = Hashes(some_entries(LARGEST))
    leaves = [hashes.rows[0, number] for number in range(LARGEST)]
    for size in range(LARGEST + 1):
        assert root(size, hashes.read) == root_of(leaves[:size]) == _recursive_root(leaves[:size])
    assert root(0, hashes.read) == EMPTY_ROOT


def test_every_leaf_and_every_beginning_of_every_tree_up_to_257_proves() -> None:
    hashes = Hashes(some_entries(LARGEST))
    leaves = [hashes.rows[0, number] for number in range(LARGEST)]
    roots = [root(size, hashes.read) for size in range(LARGEST + 1)]
    proven = 0
    for size in range(1, LARGEST + 1):
        tree = Tree(size, hashes.read)
        for index in range(size):
            verify_inclusion(index, size, leaves[index], tree.inclusion_proof(index), roots[size])
            proof = tree.consistency_proof(index + 1)
            verify_consistency(index + 1, size, roots[index + 1], roots[size], proof)
            proven += 2
    assert proven == LARGEST * (LARGEST + 1)


def test_a_proof_takes_a_few_reads_of_at_most_256_hashes() -> None:
    size = 256 * 256 * 3 + 256 * 5 + 77
    leaf = [leaf_hash(b"%d" % number) for number in range(size)]
    levels = [leaf]
    while len(levels[-1]) >= 256:
        below = levels[-1]
        levels.append([root_of(below[at : at + 256]) for at in range(0, len(below) // 256 * 256, 256)])
    reads: list[int] = []

    def nodes(level: int, first: int, count: int) -> list[bytes]:
        reads.append(count)
        return levels[level][first : first + count]

    chance = random.Random(20)
    top = root(size, nodes)
    assert top == root_of(leaf)
    seconds = []
    for _ in range(100):
        index, first = chance.randrange(size), chance.randrange(1, size)
        old = root(first, nodes)
        for make in (lambda: inclusion_proof(index, size, nodes), lambda: consistency_proof(first, size, nodes)):  # noqa: B023 - called here
            reads.clear()
            started = perf_counter()
            make()
            seconds.append(perf_counter() - started)
            assert len(reads) <= 6
            assert max(reads) <= 256
        verify_inclusion(index, size, leaf[index], inclusion_proof(index, size, nodes), top)
        verify_consistency(first, size, old, top, consistency_proof(first, size, nodes))
    print(f"a proof in {size} leaves: {sorted(seconds)[100] * 1000:.2f} ms, at most {max(seconds) * 1000:.2f} ms")


@pytest.mark.parametrize("steps", [[1], [255, 256, 257], [200, 700, 70_000], [256, 65_536, 65_537, 131_072]])
def test_growing_names_each_subtree_of_256_once_and_needs_only_what_was_kept(steps: list[int]) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(steps[-1])]
    kept: dict[tuple[int, int], bytes] = {}

    def nodes(level: int, first: int, count: int) -> list[bytes]:
        return [leaves[n] if level == 0 else kept[level, n] for n in range(first, first + count)]

    size = 0
    for step in steps:
        for level, number, value in new_nodes(size, step, nodes):
            assert (level, number) not in kept
            kept[level, number] = value
        size = step
        assert root(size, nodes) == root_of(leaves[:size])
    wanted = {(level, n) for level in (1, 2) for n in range(size >> 8 * level)}
    assert kept.keys() == wanted
    assert all(
        value == root_of(leaves[number << 8 * level : (number + 1) << 8 * level])
        for (level, number), value in kept.items()
    )


def test_what_is_not_in_a_tree_has_no_proof() -> None:
    hashes = Hashes(some_entries(5))
    for index in (-1, 5):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(index, 5, hashes.read)
    for first in (-1, 0, 6):
        with pytest.raises(ValueError, match="no proof"):
            consistency_proof(first, 5, hashes.read)


def _flips(count: int) -> None:
    """Change one bit of count good proofs, roots, leaves, indices or sizes, and see each refused."""
    chance = random.Random(7)
    hashes = Hashes(some_entries(LARGEST))
    trees = {size: Tree(size, hashes.read) for size in range(1, LARGEST + 1)}
    roots = {size: tree.root() for size, tree in trees.items()}
    tried = dict.fromkeys(("leaf", "root", "proof", "index", "first root", "second root", "sizes"), 0)
    while sum(tried.values()) < count:
        size = chance.randint(2, LARGEST)
        index = chance.randrange(size)
        leaf, top, proof = hashes.rows[0, index], roots[size], trees[size].inclusion_proof(index)
        at = chance.randrange(len(proof))
        broken = [*proof[:at], flip_somewhere(proof[at], chance), *proof[at + 1 :]]
        bit = 1 << chance.randrange(64)
        for what, arguments in (
            ("leaf", (index, size, flip_somewhere(leaf, chance), proof, top)),
            ("root", (index, size, leaf, proof, flip_somewhere(top, chance))),
            ("proof", (index, size, leaf, broken, top)),
            ("index", (index ^ bit, size, leaf, proof, top)),
        ):
            assert _refused(verify_inclusion, *arguments), (what, index, size, arguments)
            tried[what] += 1
        first = chance.randint(1, size - 1)
        proof = trees[size].consistency_proof(first)
        at = chance.randrange(len(proof))
        broken = [*proof[:at], flip_somewhere(proof[at], chance), *proof[at + 1 :]]
        for what, arguments in (
            ("first root", (first, size, flip_somewhere(roots[first], chance), top, proof)),
            ("second root", (first, size, roots[first], flip_somewhere(top, chance), proof)),
            ("proof", (first, size, roots[first], top, broken)),
            ("sizes", (first ^ bit, size, roots[first], top, proof)),
        ):
            assert _refused(verify_consistency, *arguments), (what, first, size, arguments)
            tried[what] += 1
    print(f"{sum(tried.values())} single-bit changes, none accepted: {tried}")


def test_no_changed_bit_is_accepted() -> None:
    _flips(5_000)


@pytest.mark.drill
def test_no_changed_bit_of_a_hundred_thousand_is_accepted() -> None:
    _flips(120_000)
