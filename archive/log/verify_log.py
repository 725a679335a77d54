#!/usr/bin/env python3
"""Checks a log of the archive, or a custody bundle taken out of it, without the archive: this file and Python do.

    python3 verify_log.py FOLDER [--key KEY] [--since FILE]...
    python3 verify_log.py BUNDLE [--key KEY] [--package ZIP] [--copy PDF]

KEY is the log's public key as text, `name+hash+base64`, or a file that holds it, as the archive handed it over.
Without it the key in `log.vkeys`, in or beside FOLDER, or in the bundle is believed: that proves less.
Exit status: 0 whole; 1 something is wrong, one line each, the first broken link named; 2 wrong use, or what is to
be read cannot be. Needs Python 3.9 and nothing else.

FOLDER is a log in the layout of C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.
1. The checkpoint is a note signed by KEY, its origin the key's name.
2. No outside checkpoint (--since) knows of more entries: else the log was cut.
3. Every entry is canonical JSON (RFC 8785), its `sequence` its position, its `stream` the end of the origin.
4. Every hash of every tile is computed again from the entries.
5. The root of all entries is the one that is signed.
6. The root of the first entries is, for each outside checkpoint, the one that was signed then.
A file given with --since holds one note, or JSON lines with a `note` each; lines of other logs are passed over. An
old checkpoint kept elsewhere is what tells of a log that was cut, or written anew by who has its key.

BUNDLE is a file with the custody proof of a record, a JSON object:
    format       "sohoa-custody/1"
    vkey         the log's public key, name+hash+base64
    checkpoint   a signed note, as text
    record       the record's id
    object       {key, version, sha256} of its package in the object store
    parts, pages what is in the package, as it was hashed at the deposit
    copies       [{serial, number, sha256}, ...], those the bundle tells of
    events       [{index, entry: base64 of the event's bytes, proof: [base64 of hashes, leaf upwards]}, ...]
1. The checkpoint is signed by the key; the inclusion proof of each event leads to its root.
2. One event, of kind `record.deposited`, tells of the deposit of this record with this object. Its `custody` is
   the SHA-256, in hex, of the canonical JSON of {"pages": pages, "parts": parts}. Each page belongs to a part.
3. Events that name a record name this one. An event of a copy (`copy.…`) comes after the deposit; what it says of
   the package it was made from (`package` or `package_number`, `package_sha256`) is what the deposit says.
4. Each of `copies` has its `copy.issued`, with the same serial, number and digest, for this record and package.
5. The file given with --package has the digest of the deposit and holds the members of `parts`, each with its
   `archived_sha256`; the file given with --copy has the digest of one of `copies`.
Other members of the bundle are not looked at.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

TILE = 256  # hashes in a full tile, entries in a full bundle
HASH_BYTES = 32
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
MAX_BUNDLE_BYTES = TILE * (2 + 65_535)
MAX_CUSTODY_BYTES = 256 << 20
CUSTODY_FORMAT = "sohoa-custody/1"
EMPTY_ROOT = hashlib.sha256(b"").digest()
ED25519 = b"\x01"  # a note key's algorithm


class ProofInvalid(ValueError):
    """A proof does not lead from what is claimed to the root."""


class NoteInvalid(ValueError):
    """Bytes are not a signed note, checkpoint or key, or not signed by the key asked for."""


class Unreadable(Exception):
    """What should be read cannot be: nothing is known about the log."""


class Broken(Exception):
    """The first link that does not hold: where it is, and why not."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


# The tree: RFC 6962 and RFC 9162, section 2.1


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over nodes side by side; all but the last stand for equally large complete subtrees.

    The last one's sibling may be missing: it then goes up as it is, and is never doubled.
    """
    level = list(hashes)
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else EMPTY_ROOT


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Accept a proof that the leaf with this hash is at index in the tree of this size (RFC 9162, 2.1.3.2).

    Raises ProofInvalid.
    """
    _require_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise ProofInvalid(f"there is no entry {index} in a tree of {size}")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if node != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Accept a proof that the tree of size second begins with the tree of size first (RFC 9162, 2.1.4.2).

    An empty tree says nothing about a larger one: a first size of 0 is refused, unless both are empty.
    Raises ProofInvalid.
    """
    if first == second and first >= 0:
        if proof or first_root != second_root:
            raise ProofInvalid("trees of one size have one root and need no proof")
        return
    _require_hashes([first_root, second_root, *proof])
    if not 0 < first < second:
        raise ProofInvalid(f"no proof can lead from a tree of {first} to one of {second}")
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not proof:
        raise ProofInvalid("the proof is empty")
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if (old, new) != (first_root, second_root):
        raise ProofInvalid("the proof leads to other roots")


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise ProofInvalid("a hash has not 32 bytes")


# Ed25519: RFC 8032. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]
_NEUTRAL = (0, 1, 1, 0)


def _add(one: _Point, two: _Point) -> _Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _point(encoded: bytes) -> _Point | None:
    """Return the point that 32 bytes encode; None if they encode none, or not in the canonical way."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = y * y - 1, _D * y * y + 1
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (v * x * x - u) % _P != 0 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


def _encoded(point: _Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a signature over message is one of the key's; strict: one encoding of each number and point.

    A key of small order, which would sign anything, is refused.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key = _point(public)
    s = int.from_bytes(signature[32:], "little")
    if key is None or _BASE is None or s >= _ORDER:
        return False
    eightfold = key
    for _ in range(3):
        eightfold = _add(eightfold, eightfold)
    if eightfold[0] % _P == 0:  # of an order that divides 8
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(challenge, "little") % _ORDER
    minus_key = (_P - key[0], key[1], 1, _P - key[3])
    table = (None, _BASE, minus_key, _add(_BASE, minus_key))
    total: _Point = _NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        total = _add(total, total)
        term = table[(s >> bit & 1) | (k >> bit & 1) << 1]
        if term is not None:
            total = _add(total, term)
    return _encoded(total) == signature[:32]  # [s]B - [k]A is the point the signature begins with


# Signed notes and checkpoints: C2SP signed-note and tlog-checkpoint


class Verifier(NamedTuple):
    """A log's public key: its name, its 4-byte id, and the 32 bytes of the Ed25519 key."""

    name: str
    key_id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    """What a checkpoint says: size entries under root. text: what is signed."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...]
    text: str


def key_id(name: str, public: bytes) -> bytes:
    """Return the 4 bytes by which a note names an Ed25519 key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def is_key_name(name: str) -> bool:
    """Say whether a key, or a log, may have this name."""
    return bool(name) and not any(one.isspace() or one == "+" or one < " " for one in name)


def parse_vkey(text: str) -> Verifier:
    """Return the key of a text `name+hash+base64`. Raises NoteInvalid."""
    name, _, rest = text.strip().partition("+")
    given_id, _, encoded = rest.partition("+")
    key = _unbase64(encoded, "a log's public key")
    if not is_key_name(name) or key[:1] != ED25519 or len(key) != 33:
        raise NoteInvalid("this is no Ed25519 key of a log, name+hash+base64")
    if given_id != key_id(name, key[1:]).hex():
        raise NoteInvalid("the key's hash is not that of its name and bytes")
    return Verifier(name, key_id(name, key[1:]), key[1:])


def _unbase64(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid(f"{what} is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalid(f"{what} is not base64 in its one form")
    return raw


def parse_note(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return a note's text and its signatures (key name, key id, signature), unchecked. Raises NoteInvalid."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteInvalid("the note is too long")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise NoteInvalid("the note is not UTF-8") from error
    if any(one < " " and one != "\n" for one in decoded):
        raise NoteInvalid("the note has control characters")
    text, blank, below = decoded.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise NoteInvalid("the note has no signature below an empty line")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\N{EM DASH}" or not is_key_name(parts[1]):
        raise NoteInvalid("a signature line of the note is malformed")
    raw = _unbase64(parts[2], "a signature of the note")
    if len(raw) < 5:
        raise NoteInvalid("a signature of the note is too short")
    return parts[1], raw[:4], raw[4:]


def open_note(note: bytes, verifier: Verifier) -> str:
    """Return a note's text if the key signed it; other keys' signatures count for nothing. Raises NoteInvalid."""
    text, signatures = parse_note(note)
    ours = [raw for name, key, raw in signatures if (name, key) == (verifier.name, verifier.key_id)]
    if not ours:
        raise NoteInvalid(f"no signature of {verifier.name}+{verifier.key_id.hex()}")
    if not all(ed25519_verifies(verifier.public, text.encode(), raw) for raw in ours):
        raise NoteInvalid(f"the signature of {verifier.name}+{verifier.key_id.hex()} does not fit the text")
    return text


def parse_checkpoint(note: bytes) -> Checkpoint:
    """Return what a checkpoint says, whoever signed it. Raises NoteInvalid."""
    return _checkpoint(parse_note(note)[0])


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Return what a checkpoint of this log says, signed by its key. Raises NoteInvalid."""
    checkpoint = _checkpoint(open_note(note, verifier))
    if checkpoint.origin != verifier.name:
        raise NoteInvalid(f"it is of another log, {checkpoint.origin!a}")
    return checkpoint


def _checkpoint(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteInvalid("the note is not a checkpoint: origin, size and root are three lines")
    if not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise NoteInvalid("the checkpoint's size is not a number")
    root = _unbase64(lines[2], "the checkpoint's root")
    if len(root) != HASH_BYTES:
        raise NoteInvalid("the checkpoint's root has not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]), text)


# Entries: RFC 8785


class _NeedsCare(ValueError):
    """JSON that Python's own writer may write in another way than RFC 8785."""


def _needs_care(_: str) -> Any:
    raise _NeedsCare


def _whole(digits: str) -> int:
    if len(digits) > 15:  # perhaps beyond what a double holds
        raise _NeedsCare
    return int(digits)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_SORTED_OTHERWISE = re.compile("[\ue000-\U0010ffff]")  # by UTF-16 than by code point
_READ_PLAIN = json.JSONDecoder(parse_float=_needs_care, parse_int=_whole, parse_constant=_refuse_constant)
_READ_ANY = json.JSONDecoder(parse_constant=_refuse_constant)
_WRITE_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any, *, floats: bool = True) -> bytes:
    """Return a value as RFC 8785 JSON. Raises ValueError for what has none, and for floats unless allowed."""
    return _canonical(value, floats).encode()


def _canonical(value: Any, floats: bool) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_canonical(key, floats)}:{_canonical(value[key], floats)}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(one, floats) for one in value) + "]"
    if isinstance(value, float) or (type(value) is int and abs(value) >= 2**53):
        if not floats:
            raise ValueError("a number that is not whole, or too large")
        return _double(value)
    return json.dumps(value, ensure_ascii=False)


def _double(number: float) -> str:
    """Return a number as ECMAScript writes it, after rounding to a double. Raises ValueError for none."""
    try:
        value = float(number)
    except OverflowError as error:
        raise ValueError("a number too large") from error
    if not math.isfinite(value):
        raise ValueError("not a number")
    if value == 0:
        return "0"
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    exponent = int(power or 0) - len(part)  # value = digits * 10 ** exponent
    digits = (whole + part).lstrip("0")
    exponent += len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    point = len(digits) + exponent  # where the decimal point stands, from the first digit
    if 0 < point <= 21:
        text = digits.ljust(point, "0")
        text = text[:point] + ("." + text[point:] if len(text) > point else "")
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        tail = "." + digits[1:] if len(digits) > 1 else ""
        text = f"{digits[0]}{tail}e{point - 1:+d}"
    return ("-" if value < 0 else "") + text


def _read_plain(text: str) -> Any:
    """Return a JSON value that Python's own writer writes as RFC 8785 does. Raises _NeedsCare, ValueError."""
    if not text.isascii() and _SORTED_OTHERWISE.search(text):
        raise _NeedsCare
    value, end = _READ_PLAIN.raw_decode(text)
    if end != len(text):
        raise ValueError("something is behind it")
    return value


def read_entry(entry: bytes) -> dict[str, Any]:
    """Return an entry's JSON object. Raises ValueError if its bytes are not the canonical ones."""
    try:
        text = entry.decode()
        try:
            value = _read_plain(text)
            again = _WRITE_PLAIN.encode(value).encode()
        except _NeedsCare:
            value = _READ_ANY.decode(text)
            again = canonical_json(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if again != entry or not isinstance(value, dict):
        raise ValueError("it is not a canonical JSON object")
    return value


def _says(value: Any, position: int, stream: str) -> bool:
    said = value.get("sequence") if type(value) is dict else None
    return type(said) is int and said == position and value.get("stream") == stream


def _require_entries(entries: Sequence[bytes], first: int, stream: str) -> None:
    """Require that entries, from position first on, are what they should be. Raises Broken for the first not.

    All are written again at once, which is faster: an object's text tells where it ends, so the texts in a row are
    the same only if each is.
    """
    try:
        texts = [entry.decode() for entry in entries]
        values = [_read_plain(text) for text in texts]
        again = _WRITE_PLAIN.encode(values) == f"[{','.join(texts)}]"
        if again and all(_says(value, position, stream) for position, value in enumerate(values, first)):
            return
    except (ValueError, RecursionError):
        pass  # one of them is not plain: look at each
    for position, entry in enumerate(entries, first):
        _require_entry(entry, position, stream)


def _require_entry(entry: bytes, position: int, stream: str) -> None:
    where = f"entry {position}"
    try:
        body = read_entry(entry)
    except ValueError as error:
        raise Broken(where, str(error)) from error
    said = body.get("sequence")
    if said != position or isinstance(said, bool):
        raise Broken(where, f"it says it is number {said!a}")
    if body.get("stream") != stream:
        raise Broken(where, f"it says it is of stream {body.get('stream')!a}")


# A log as a folder: C2SP tlog-tiles


def tile_name(level: int | str, number: int, width: int = TILE) -> str:
    """Return a tile's path below `tile/`; level: a number, or "entries"."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    partial = "" if width == TILE else f".p/{width}"
    return f"{level}/{'/'.join(reversed(groups))}{partial}"


def split_bundle(encoded: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle, each behind its length in 2 bytes. Raises ValueError where it is cut off."""
    at = 0
    while at < len(encoded):
        end = at + 2 + int.from_bytes(encoded[at : at + 2], "big")
        if at + 2 > len(encoded) or end > len(encoded):
            raise ValueError("its bundle ends inside it")
        yield encoded[at + 2 : end]
        at = end


def _read(path: Path, limit: int) -> bytes | None:
    """Return a file's bytes, one above limit at most; None if there is no such file. Raises Unreadable."""
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error


def _read_tile(folder: Path, level: int | str, number: int, width: int, limit: int) -> tuple[bytes | None, int]:
    """Return the tile of this width or, where it has grown since, the full one; and how wide it should be."""
    found = _read(folder / "tile" / tile_name(level, number, width), limit)
    if found is None and width < TILE:
        return _read(folder / "tile" / tile_name(level, number), limit), TILE
    return found, width


class _Walk:
    """Computes a log's tree from its entries, one bundle after the other, in memory that does not grow.

    roots: the root at each size asked for. broken_entry: the first entry that is wrong in itself. doubted: the
    first entry whose hash is not in its tile. broken_tile: the first tile that does not follow from the entries.
    """

    def __init__(self, folder: Path, stream: str, sizes: Iterable[int]) -> None:
        self.folder = folder
        self.stream = stream
        self.sizes = sorted(set(sizes))
        self.roots: dict[int, bytes] = {}
        self.broken_entry: Broken | None = None
        self.doubted: Broken | None = None
        self.broken_tile: Broken | None = None
        # By level: how many tiles are full, and the hashes of the one that is not.
        self._covered = [0] * 9
        self._uncovered: list[list[bytes]] = [[] for _ in range(9)]

    def go(self, size: int) -> None:
        """Walk over all entries. Raises Broken where there is no going on."""
        self._note_roots([], 0, 0)
        for number in range((size + TILE - 1) // TILE):
            first = number * TILE
            width = min(TILE, size - first)
            entries: list[bytes] = []
            try:
                for entry in self._entries(number, width):
                    entries.append(entry)
            finally:  # an entry that is wrong in itself comes before one that is not there
                self._look_at(entries, first)
            hashes = [leaf_hash(entry) for entry in entries]
            self._note_roots(hashes, first, first + width)
            self._add(0, number, hashes)
        for level in range(1, 9):
            if self._uncovered[level]:
                self._compare(level, self._covered[level], self._uncovered[level])

    def _look_at(self, entries: list[bytes], first: int) -> None:
        if self.broken_entry is None:
            try:
                _require_entries(entries, first, self.stream)
            except Broken as broken:
                self.broken_entry = broken

    def _entries(self, number: int, width: int) -> Iterator[bytes]:
        position = number * TILE
        end = position + width
        bundle, full = _read_tile(self.folder, "entries", number, width, MAX_BUNDLE_BYTES)
        if bundle is None:
            raise Broken(f"entry {position}", f"its bundle {tile_name('entries', number, width)} is missing")
        try:
            for entry in split_bundle(bundle):
                if position == end:
                    if width == full:
                        raise Broken(
                            f"entry {end}", f"it is one too many in {tile_name('entries', number, width)}"
                        )
                    return  # a bundle that has grown since
                yield entry
                position += 1
        except ValueError as error:
            if position < end or width == full:
                raise Broken(f"entry {position}", str(error)) from error
        if position < end:
            raise Broken(f"entry {position}", "it is missing at the end of its bundle")

    def _note_roots(self, hashes: list[bytes], first: int, end: int) -> None:
        while self.sizes and self.sizes[0] <= end:
            size = self.sizes.pop(0)
            below = hashes[: size - first]
            for level in range(9):
                nodes = self._uncovered[level] + ([root_of(below)] if below and level else below)
                below = [root_of(nodes)] if nodes else []
            self.roots[size] = below[0] if below else EMPTY_ROOT

    def _add(self, level: int, number: int, hashes: list[bytes]) -> None:
        self._compare(level, number, hashes)
        if len(hashes) < TILE:
            return
        self._covered[level] = number + 1
        above = self._uncovered[level + 1]
        above.append(root_of(hashes))
        if len(above) == TILE:
            self._uncovered[level + 1] = []
            self._add(level + 1, self._covered[level + 1], above)

    def _compare(self, level: int, number: int, hashes: list[bytes]) -> None:
        """Compare a tile with what the entries give."""
        if self.broken_tile is not None and (level or self.doubted is not None):
            return
        name = tile_name(level, number, len(hashes))
        tile, width = _read_tile(self.folder, level, number, len(hashes), TILE * HASH_BYTES)
        expected = b"".join(hashes)
        if tile is None:
            broken = Broken(f"tile {name}", "it is missing")
        elif len(tile) != width * HASH_BYTES:
            broken = Broken(f"tile {name}", f"it has {len(tile)} bytes, not {width * HASH_BYTES}")
        elif tile[: len(expected)] == expected:
            return
        else:
            at = next(i for i, one in enumerate(hashes) if tile[i * HASH_BYTES : (i + 1) * HASH_BYTES] != one)
            below = (
                f"entry {number * TILE + at}" if level == 0 else f"tile {tile_name(level - 1, number * TILE + at)}"
            )
            broken = Broken(f"tile {name}", f"its hash {at} is not that of {below}")
            if level == 0 and self.doubted is None:
                self.doubted = Broken(below, f"its hash is not number {at} of tile {name}")
        if self.broken_tile is None:
            self.broken_tile = broken


class Outside(NamedTuple):
    """A checkpoint kept elsewhere; source says where."""

    source: str
    note: bytes
    said: Checkpoint


def check_log(folder: Path, verifier: Verifier, outside: Sequence[Outside]) -> tuple[int, list[str]]:
    """Check a whole log (steps 1 to 6 above); return its size and what is wrong, the first broken link first.

    outside: of these, the signature is checked of the newest and of each that does not agree. Raises Unreadable.
    """
    note = _read(folder / "checkpoint", MAX_NOTE_BYTES)
    if note is None:
        return 0, ["checkpoint: it is missing"]
    try:
        signed = open_checkpoint(note, verifier)
    except NoteInvalid as error:
        return 0, [f"checkpoint: {error}"]
    ordered = sorted(outside, key=lambda one: one.said.size)
    sizes = [signed.size, *(one.said.size for one in ordered if one.said.size <= signed.size)]
    walk = _Walk(folder, signed.origin.rpartition("/")[2], sizes)
    stopped = None
    try:
        walk.go(signed.size)
    except Broken as broken:
        stopped = broken
    inside = _first_broken(walk, stopped, signed)
    cut, rewritten, unsigned = _against(ordered, walk, signed, verifier)
    return signed.size, [*cut, *map(str, inside), *([] if inside else rewritten), *unsigned]


def _against(
    ordered: Sequence[Outside], walk: _Walk, signed: Checkpoint, verifier: Verifier
) -> tuple[list[str], list[str], list[str]]:
    """Return what outside checkpoints hold against a log: it was cut, it was rewritten; and who is no witness."""
    cut: list[str] = []
    rewritten: list[str] = []
    unsigned: list[str] = []
    for number, (source, note, said) in enumerate(ordered, 1):
        agrees = said.size <= signed.size and walk.roots.get(said.size, said.root) == said.root
        if agrees and number < len(ordered):
            continue  # nothing hangs on its signature
        try:
            open_checkpoint(note, verifier)
        except NoteInvalid as error:
            unsigned.append(f"outside checkpoint {source}: {error}")
            continue
        if said.size > signed.size:
            cut = [f"cut: the log has {signed.size} entries, the outside checkpoint says {said.size}"]
        elif not agrees and not rewritten:
            rewritten = [f"entries before {said.size}: they are not those of the outside checkpoint {source}"]
    return cut, rewritten, unsigned


def _first_broken(walk: _Walk, stopped: Broken | None, signed: Checkpoint) -> list[Broken]:
    """Return the one link to name: of entries, tiles and signed root, the one that the others do not bear out."""
    root = walk.roots.get(signed.size)
    if walk.broken_entry is not None:
        return [walk.broken_entry]
    if root == signed.root:
        return [walk.broken_tile] if walk.broken_tile else []
    named = walk.doubted or stopped or walk.broken_tile
    return [named or Broken("checkpoint", f"its root is not that of the {signed.size} entries")]


def read_outside(path: Path, origin: str) -> list[Outside]:
    """Return the checkpoints of a file given with --since. Raises Unreadable."""
    found = _read(path, 1 << 30)
    if found is None:
        raise Unreadable(f"{path}: there is no such file")
    if not found.startswith(b"{"):
        try:
            return [Outside(path.name, found, parse_checkpoint(found))]
        except NoteInvalid as error:
            raise Unreadable(f"{path}: {error}") from error
    outside = []
    for number, line in enumerate(found.split(b"\n"), 1):
        try:
            note = json.loads(line)["note"].encode()
            one = Outside(f"{path.name}:{number}", note, parse_checkpoint(note))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if not line or number == found.count(b"\n") + 1:
                continue  # a last line cut short by a crash counts for nothing
            raise Unreadable(f"{path}:{number}: no checkpoint") from error
        if one.said.origin == origin:
            outside.append(one)
    if not outside:
        raise Unreadable(f"{path}: no checkpoint of {origin!a}")
    return outside


# Custody bundles


class Proven(NamedTuple):
    """An event whose place in the log is proven."""

    position: int
    kind: str
    at: str
    payload: dict[str, Any]

    @property
    def where(self) -> str:
        """How a fault in it is named."""
        return f"entry {self.position}"


def check_custody(
    bundle: dict[str, Any],
    verifier: Verifier | None = None,
    *,
    package: Path | None = None,
    copy: Path | None = None,
) -> list[Proven]:
    """Check a bundle (steps 1 to 5 above) and return its events in order.

    verifier None: the bundle's own key is believed. Raises Broken at the first link that does not hold, and
    Unreadable.
    """
    proven = _proven(bundle, verifier)
    deposit = _deposit(bundle, proven)
    _require_links(bundle, proven, deposit)
    digests = [_require_copy(one, proven) for one in _member(bundle, "bundle", "copies", list)]
    if package is not None:
        _require_file("package", package, [deposit.payload["object"]["sha256"]])
        _require_parts(package, bundle["parts"])
    if copy is not None:
        _require_file("copy", copy, digests)
    return proven


def _member(value: Any, where: str, name: str, kind: type) -> Any:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind) or isinstance(found, bool):
        raise Broken(where, f"it has no {name}, or not a proper one")
    return found


def _proven(bundle: dict[str, Any], verifier: Verifier | None) -> list[Proven]:
    try:
        own = parse_vkey(_member(bundle, "bundle", "vkey", str))
        if verifier is not None and own != verifier:
            raise NoteInvalid(f"it is not {verifier.name}+{verifier.key_id.hex()}")
    except (NoteInvalid, UnicodeEncodeError) as error:
        raise Broken("vkey", str(error)) from error
    try:
        signed = open_checkpoint(_member(bundle, "bundle", "checkpoint", str).encode(), own)
    except (NoteInvalid, UnicodeEncodeError) as error:
        raise Broken("checkpoint", str(error)) from error
    events = _member(bundle, "bundle", "events", list)
    proven = [_proven_event(event, f"events[{number}]", signed) for number, event in enumerate(events)]
    if len({one.position for one in proven}) != len(proven):
        raise Broken("events", "one is there twice")
    return sorted(proven, key=lambda one: one.position)


def _proven_event(event: Any, name: str, signed: Checkpoint) -> Proven:
    index = _member(event, name, "index", int)
    where = f"entry {index}"
    try:
        entry = _unbase64(_member(event, name, "entry", str), "the entry")
        proof = [_unbase64(str(one), "a hash of its proof") for one in _member(event, name, "proof", list)]
        verify_inclusion(index, signed.size, leaf_hash(entry), proof, signed.root)
    except (NoteInvalid, ProofInvalid) as error:
        raise Broken(where, str(error)) from error
    _require_entry(entry, index, signed.origin.rpartition("/")[2])
    body = read_entry(entry)
    payload = _member(body, where, "payload", dict)
    return Proven(index, _member(body, where, "kind", str), str(body.get("at")), payload)


def _deposit(bundle: dict[str, Any], proven: list[Proven]) -> Proven:
    """Return the event of the deposit, its digest of parts and pages compared."""
    record = _member(bundle, "bundle", "record", str)
    stored = {name: _member(bundle.get("object"), "object", name, str) for name in ("key", "version", "sha256")}
    deposits = [one for one in proven if one.kind == "record.deposited" and one.payload.get("record") == record]
    mine = [one for one in deposits if stored.items() <= _member(one.payload, one.where, "object", dict).items()]
    if len(mine) != 1:
        raise Broken("object", f"{len(mine)} events tell of its deposit, not one")
    pages, parts = (_member(bundle, "bundle", name, list) for name in ("pages", "parts"))
    try:
        digest = hashlib.sha256(canonical_json({"pages": pages, "parts": parts}, floats=False)).hexdigest()
    except (ValueError, RecursionError) as error:
        raise Broken("pages and parts", "they are not what can be hashed") from error
    if mine[0].payload.get("custody") != digest:
        raise Broken("pages and parts", f"their digest is not the custody of {mine[0].where}")
    if not all(isinstance(one, dict) for one in [*pages, *parts]):
        raise Broken("pages and parts", "they are not JSON objects")
    for page in pages:
        if page.get("part_number") not in [part.get("number") for part in parts]:
            raise Broken("pages and parts", "a page belongs to no part")
    return mine[0]


def _require_links(bundle: dict[str, Any], proven: list[Proven], deposit: Proven) -> None:
    """Require that every event is about the record, and those of copies about the deposited package."""
    number = deposit.payload.get("package")
    told = {"package": number, "package_number": number, "package_sha256": bundle["object"]["sha256"]}
    for one in proven:
        if one.payload.get("record", bundle["record"]) != bundle["record"]:
            raise Broken(one.where, "it is about another record")
        if not one.kind.startswith("copy."):
            continue
        if one.position < deposit.position:
            raise Broken(one.where, "it comes before the deposit")
        for name, value in told.items():
            if one.payload.get(name, value) != value:
                raise Broken(one.where, f"its {name} is not that of the deposit")


def _require_copy(said: Any, proven: list[Proven]) -> str:
    """Require that an event tells of a copy's issue as the bundle does; return the copy's digest."""
    serial, sha256 = (_member(said, "copies", name, str) for name in ("serial", "sha256"))
    where = f"copy {serial!a}"
    issued = [one for one in proven if one.kind == "copy.issued" and one.payload.get("serial") == serial]
    if len(issued) != 1:
        raise Broken(where, f"{len(issued)} events tell of its issue, not one")
    event = issued[0]
    if (event.payload.get("sha256"), event.payload.get("number")) != (sha256, said.get("number")):
        raise Broken(where, f"its number or digest is not that of {event.where}")
    if "record" not in event.payload or not event.payload.keys() & {"package", "package_number", "package_sha256"}:
        raise Broken(where, f"{event.where} does not say what it was made from")
    return str(sha256)


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def _require_file(what: str, path: Path, expected: Sequence[str]) -> None:
    try:
        with path.open("rb") as stream:
            found = _digest(stream)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    if found not in expected:
        raise Broken(what, f"{path.name} has SHA-256 {found}, the log says {' or '.join(expected) or 'nothing'}")


def _require_parts(package: Path, parts: list[Any]) -> None:
    """Require that the package holds the files that parts are about."""
    try:
        with zipfile.ZipFile(package) as archive:
            names = {name.partition("/")[2]: name for name in archive.namelist()}
            for part in parts:
                member = names.get(str(part.get("member")))
                if member is None:
                    raise Broken("package", f"it has no {part.get('member')!a}")
                with archive.open(member) as stream:
                    if _digest(stream) != part.get("archived_sha256"):
                        raise Broken("package", f"its {part.get('member')!a} is not that of parts")
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Broken("package", "it is no package that can be read") from error


def read_bundle(path: Path) -> dict[str, Any]:
    """Return a custody bundle's JSON. Raises Unreadable."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member is there twice")
        return dict(pairs)

    found = _read(path, MAX_CUSTODY_BYTES)
    if found is None:
        raise Unreadable(f"{path}: there is no such file or folder")
    try:
        bundle = json.loads(found, object_pairs_hook=once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: it is not JSON") from error
    if not isinstance(bundle, dict) or bundle.get("format") != CUSTODY_FORMAT:
        raise Unreadable(f"{path}: it is not a {CUSTODY_FORMAT} bundle")
    return bundle


# The command


def _given_key(text: str) -> Verifier:
    try:
        return parse_vkey(text)
    except NoteInvalid as error:
        found = _read(Path(text), MAX_NOTE_BYTES)
        if found is None:
            raise Unreadable(f"--key: {error}, and no file either") from error
    try:
        return parse_vkey(found.decode(errors="replace"))
    except NoteInvalid as error:
        raise Unreadable(f"{text}: {error}") from error


def _key_beside(folder: Path) -> Verifier:
    """Return the key in `log.vkeys`, in a folder or beside it, of the log that its checkpoint names."""
    try:
        origin = parse_checkpoint(_read(folder / "checkpoint", MAX_NOTE_BYTES) or b"").origin
        for place in (folder, folder.resolve().parent):
            for line in (_read(place / "log.vkeys", MAX_NOTE_BYTES) or b"").decode().splitlines():
                if line.startswith(f"{origin}+"):
                    return parse_vkey(line)
    except (NoteInvalid, UnicodeError) as error:
        raise Unreadable(f"no key is beside the log, give it with --key: {error}") from error
    raise Unreadable("no key is beside the log, give it with --key")


def _log_lines(folder: Path, verifier: Verifier, since: Sequence[str]) -> tuple[list[str], list[str]]:
    outside = [one for name in since for one in read_outside(Path(name), verifier.name)]
    size, faults = check_log(folder, verifier, outside)
    return faults, [f"whole: {size} entries of {verifier.name}, {len(outside)} outside checkpoints agree"]


def _custody_lines(
    path: Path, verifier: Verifier | None, package: Path | None, copy: Path | None
) -> tuple[list[str], list[str]]:
    bundle = read_bundle(path)
    try:
        proven = check_custody(bundle, verifier, package=package, copy=copy)
    except Broken as broken:
        return [str(broken)], []
    told = [f"{one.where}: {one.kind} at {one.at}" for one in proven]
    told.append(f"whole: {len(bundle['pages'])} pages of record {bundle['record']}, {len(proven)} events proven")
    return [], told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="verify_log.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="?", type=Path, help="folder of a log, or file of a custody bundle")
    parser.add_argument("--custody", type=Path, metavar="FILE", help="a custody bundle, said plainly")
    parser.add_argument(
        "--key", "--vkey", metavar="KEY", help="public key of the log, as the archive handed it over"
    )
    parser.add_argument("--since", action="append", default=[], metavar="FILE", help="checkpoint kept elsewhere")
    parser.add_argument("--package", type=Path, metavar="ZIP", help="the package the bundle is of")
    parser.add_argument("--copy", type=Path, metavar="PDF", help="a copy the bundle tells of")
    options = parser.parse_args(arguments)
    if (options.what is None) == (options.custody is None):
        parser.error("give the folder of a log, or a custody bundle")
    what = options.what or options.custody
    is_log = options.custody is None and what.is_dir()
    if is_log and (options.package or options.copy):
        parser.error("--package and --copy go with a custody bundle")
    if not is_log and options.since:
        parser.error("--since goes with the folder of a log")
    try:
        verifier = _given_key(options.key) if options.key is not None else None
        if is_log:
            faults, told = _log_lines(what, verifier or _key_beside(what), options.since)
        else:
            faults, told = _custody_lines(what, verifier, options.package, options.copy)
    except Unreadable as error:
        print(ascii(f"cannot be checked: {error}")[1:-1], file=sys.stderr)
        return 2
    if verifier is None and not faults:
        told.append("the key was not given: that it is the archive's own was not checked")
    for line in faults or told:
        print("".join(one if one.isprintable() and one < "\x7f" else ascii(one)[1:-1] for one in line))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
