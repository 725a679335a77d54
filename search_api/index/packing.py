"""The words of a page as few bytes, and back: zlib, which checks its own sum, over a layout read word by word.

An answer reads twenty pages and shows a few words of each, so words are made when they are asked for. Layout:
number of words and bytes of the sealed part, four little-endian integers a word, the sealed part as JSON (place
to ciphertext, key version and tokens), the words' texts with NUL between.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any, overload

from search_api.errors import IndexUnavailable
from search_api.index.port import IndexedPage, IndexedWord

_LEVEL = 4  # a third of the time of the default for 4 % more bytes
_HEAD = struct.Struct("<II")
_BOX = struct.Struct("<4i")


class _Words(Sequence[IndexedWord]):
    """The words of a packed page, each made when it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        count, sealed_length = _HEAD.unpack_from(data)
        sealed_at = _HEAD.size + _BOX.size * count
        texts_at = sealed_at + sealed_length
        sealed: dict[str, Any] = json.loads(data[sealed_at:texts_at])
        self._sealed = {int(place): facts for place, facts in sealed.items()}
        self._texts = data[texts_at:].decode().split("\0") if count else []
        if len(self._texts) != count:
            raise ValueError(f"{len(self._texts)} texts for {count} words")

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, place: int) -> IndexedWord: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[IndexedWord]: ...
    def __getitem__(self, place: int | slice) -> IndexedWord | Sequence[IndexedWord]:
        if isinstance(place, int):
            return self._word(range(len(self._texts))[place])
        return [self._word(at) for at in range(*place.indices(len(self._texts)))]

    def _word(self, at: int) -> IndexedWord:
        box = _BOX.unpack_from(self._data, _HEAD.size + _BOX.size * at)
        if at not in self._sealed:
            return IndexedWord(self._texts[at], box)
        ciphertext, version, *tokens = self._sealed[at]
        return IndexedWord(self._texts[at], box, (ciphertext, version), tuple(tokens))


def pack_words(words: Sequence[IndexedWord]) -> bytes:
    """Return the words of a page as `unpack_page` reads them. Their texts are clean: none holds NUL."""
    sealed = json.dumps({n: [*word.sealed, *word.tokens] for n, word in enumerate(words) if word.sealed}).encode()
    boxes = b"".join(_BOX.pack(*word.box) for word in words)
    texts = "\0".join(word.text for word in words).encode()
    return zlib.compress(b"".join((_HEAD.pack(len(words), len(sealed)), boxes, sealed, texts)), _LEVEL)


def unpack_page(number: int, exact: str, words: bytes) -> IndexedPage:
    """Return a page again. Raises IndexUnavailable for bytes that are damaged."""
    try:
        return IndexedPage(number, exact, _Words(zlib.decompress(words)))
    except (zlib.error, struct.error, ValueError) as error:
        raise IndexUnavailable(f"the words of a page are damaged: {error}") from error
