"""A record as the index holds it: pages of words under terms, described fields, identifiers sealed; pure but for
the sealing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from archive.record import SealedText
from archive.sealing import Seal
from search_api.index.port import Box, IndexedField, IndexedPage, IndexedWord
from search_api.index.query import FieldName
from search_api.index.words import MASK, clean, identifiers_in, terms_of, terms_of_masked, token_of

LOOKUP_SCHEME = "identifier-term"
SEALED_FIELD = "identifier"
NOWHERE: Box = (0, 0, 0, 0)  # of a word that stands on no page image


@dataclass(slots=True)
class _Marked:
    """Where identifiers stand in one word: [start, end) with their terms, in order."""

    spans: list[tuple[int, int, str]] = field(default_factory=list)


def indexed_page(number: int, words: Iterable[tuple[str, Box]], seal: Seal) -> IndexedPage:
    """Return a page's words as they are searched, its identifiers sealed and under keyed tokens.

    number: 0 for the described fields. Groups of digits are one number across words and lines.
    """
    cleaned = [(clean(text), box) for text, box in words]
    marked = _mark([text for text, _ in cleaned], seal)
    kept = tuple(
        _sealed_word(text, box, marked[index].spans, seal) if index in marked else IndexedWord(text, box)
        for index, (text, box) in enumerate(cleaned)
    )
    return IndexedPage(number, " ".join([_terms_of_word(word) for word in kept]), kept)


def indexed_field(name: FieldName, text: str, seal: Seal) -> IndexedField | None:
    """Return a described field as it is asked for, None if it has no terms."""
    page = indexed_page(0, [(word, NOWHERE) for word in text.split()], seal)
    exact, folded = " ".join(page.exact.split()), " ".join(page.folded.split())
    return IndexedField(name, exact, folded) if exact else None


def unsealed(word: IndexedWord, seal: Seal) -> str:
    """Return a word with its identifier readable; for those entitled only. Raises PackageInvalid."""
    return word.text if word.sealed is None else seal.open(SEALED_FIELD, SealedText(*word.sealed))


def _terms_of_word(word: IndexedWord) -> str:
    if word.sealed is None:
        return _terms_of_text(word.text)
    return "\t".join(term.exact for term in terms_of_masked(word.text, word.tokens))


@lru_cache(maxsize=65_536)
def _terms_of_text(text: str) -> str:
    return "\t".join(term.exact for term in terms_of(text))


def _mark(texts: Sequence[str], seal: Seal) -> dict[int, _Marked]:
    """Return the identifiers of a page by word; one that spans words has its terms with the first."""
    starts, length = [], 0
    for text in texts:
        starts.append(length)
        length += len(text) + 1
    marked: dict[int, _Marked] = {}
    index = 0
    for found in identifiers_in(" ".join(texts)):
        series = " ".join(token_of(seal.lookup(LOOKUP_SCHEME, value)) for value in found.values)
        while starts[index] + len(texts[index]) <= found.start:
            index += 1
        at = index
        while at < len(texts) and starts[at] < found.end:
            start, end = max(0, found.start - starts[at]), min(len(texts[at]), found.end - starts[at])
            if start < end:
                marked.setdefault(at, _Marked()).spans.append((start, end, series))
                series = ""
            at += 1
    return marked


def _sealed_word(text: str, box: Box, spans: Sequence[tuple[int, int, str]], seal: Seal) -> IndexedWord:
    shape, position = "", 0
    for start, end, _ in spans:
        # A dot of the page's own must not be taken for one of ours.
        shape += text[position:start].replace(MASK, "·") + MASK * (end - start)
        position = end
    shape += text[position:].replace(MASK, "·")
    sealed = seal.seal(SEALED_FIELD, text)
    return IndexedWord(shape, box, (sealed.ciphertext, sealed.key_version), tuple(s for _, _, s in spans))
