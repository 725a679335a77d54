"""Where on a page a query is met: the hit words, their boxes and a line of text; pure, for every adapter.

An index may offer a page that only nearly matches (a phrase of marked and unmarked words): what is said here
is the answer. In a snippet the words of each hit stand in «…»; where the page itself has such marks they become
‹…›. Identifiers are shown as dots unless the caller of `locate` shows them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add

from search_api.index.port import Box, IndexedPage, IndexedWord
from search_api.index.query import Identifier, Phrase, Piece, Query, Word
from search_api.index.words import TOKEN_PREFIX, fold

WORDS_BEFORE = 6
LEAD_CHARACTERS = 60  # before the first hit
SNIPPET_WORDS = 24
SNIPPET_CHARACTERS = 240
MAX_BOXES = 500  # a page of one word repeated must not make an answer of its whole size
OPENING, CLOSING = "«", "»"
_OWN_MARKS = str.maketrans("«»", "‹›")


@dataclass(frozen=True, slots=True)
class Located:
    """Where a page meets a query. hits: places of the words in the page, ascending; boxes: theirs, for a page."""

    hits: tuple[int, ...]
    boxes: tuple[Box, ...]
    snippet: str


def text_of(word: IndexedWord) -> str:
    """Return a word as everyone who sees its page may see it."""
    return word.text


def locate(query: Query, page: IndexedPage, *, shown: Callable[[IndexedWord], str] = text_of) -> Located | None:
    """Return where the words of a page meet every phrase of the query, or None if they don't.

    shown: how a word is written in the snippet. A query of fields only meets every page, without hits.
    """
    exact = page.exact.split()
    is_open = any(isinstance(p, Word) and not p.is_marked for one in query.phrases for p in one.pieces)
    folded = list(map(fold, exact)) if is_open else exact
    places: set[int] = set()
    for phrase in query.phrases:
        starts = list(_starts(phrase, exact, folded))
        if not starts:
            return None
        places.update(place for start in starts for place in range(start, start + len(phrase.pieces)))
    hits = _hit_words(page, exact, sorted(places))
    boxes = []
    for index in hits[:MAX_BOXES]:
        box = page.words[index].box
        if any(box):
            boxes.append(box)
    return Located(hits, tuple(boxes), _snippet(page.words, hits, shown))


def phrase_is_in(phrase: Phrase, exact: str) -> bool:
    """Say whether a row of exact terms holds the phrase. Fast when a word of the phrase is marked: thousands of
    pages may have to be asked."""
    marked = [n for n, piece in enumerate(phrase.pieces) if isinstance(piece, Word) and piece.is_marked]
    if not marked:
        terms = exact.split()
        return next(_starts(phrase, terms, [fold(term) for term in terms]), None) is not None
    anchor = max(marked, key=lambda n: len(_text(phrase.pieces[n])))
    return any(
        _is_around(phrase, anchor, exact[:start], exact[end:])
        for start, end in _whole_terms(_text(phrase.pieces[anchor]), exact)
    )


def _text(piece: Piece) -> str:
    return piece.exact if isinstance(piece, Word) else ""


def _whole_terms(term: str, exact: str) -> Iterator[tuple[int, int]]:
    """Yield where a term stands in a row of terms, not as a part of another."""
    start = exact.find(term)
    while start >= 0:
        end = start + len(term)
        if exact[start - 1 : start].strip() == "" and exact[end : end + 1].strip() == "":
            yield start, end
        start = exact.find(term, end)


def _is_around(phrase: Phrase, anchor: int, before: str, after: str) -> bool:
    """Whether the terms before and after the anchor are the rest of the phrase."""
    pieces = phrase.pieces
    ending = before.rsplit(None, anchor)[-anchor:] if anchor else []
    rest = len(pieces) - anchor - 1
    beginning = after.split(None, rest)[:rest]
    around = [*pieces[:anchor], *pieces[anchor + 1 :]]
    return len(ending) + len(beginning) == len(around) and all(map(_meets, around, [*ending, *beginning]))


def _meets(piece: Piece, term: str) -> bool:
    if isinstance(piece, Identifier):
        return term in piece.tokens
    return piece.exact == (term if piece.is_marked else fold(term))


def _hit_words(page: IndexedPage, exact: Sequence[str], places: Sequence[int]) -> tuple[int, ...]:
    """Return the words that the terms at these places were read from, ascending, each once."""
    if not places:
        return ()
    told = page.exact.split(" ")
    # A term, and one more for each tab; in one go, for it is done for every word of every page of an answer.
    ends = list(accumulate(map(add, map(bool, told), map(str.count, told, repeat("\t")))))
    hits: dict[int, None] = {}
    for place in places:
        index = bisect_right(ends, place)
        hits[index] = None
        if exact[place].startswith(TOKEN_PREFIX) and place + 1 == ends[index]:
            for following in range(index + 1, len(page.words)):
                if not _goes_on(page.words[following]):
                    break
                hits[following] = None
    return tuple(sorted(hits))


def _goes_on(word: IndexedWord) -> bool:
    """Whether a word begins with the rest of an identifier written in groups."""
    return word.tokens[:1] == ("",)


def _starts(phrase: Phrase, exact: list[str], folded: list[str]) -> Iterator[int]:
    """Yield the place of the first term of every occurrence."""
    wanted = [_wanted(piece, exact, folded) for piece in phrase.pieces]
    # The longest term is likely the rarest: it is looked up, the others are compared around it.
    anchor = max(range(len(wanted)), key=lambda n: len(wanted[n][1][0]))
    column, values = wanted[anchor]
    for value in values:
        place = -1
        for _ in range(column.count(value)):
            place = column.index(value, place + 1)
            start = place - anchor
            if 0 <= start <= len(exact) - len(wanted) and all(
                terms[start + n] in any_of for n, (terms, any_of) in enumerate(wanted)
            ):
                yield start


def _wanted(piece: Piece, exact: list[str], folded: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the row of terms a piece is looked for in, and the terms that meet it."""
    if isinstance(piece, Identifier):
        return exact, piece.tokens
    return (exact if piece.is_marked else folded), (piece.exact,)


def _snippet(words: Sequence[IndexedWord], hit_words: Sequence[int], shown: Callable[[IndexedWord], str]) -> str:
    """Return some words around the first hit, with dots where the page goes on."""
    hits = frozenset(hit_words)
    hit = hit_words[0] if hit_words else 0
    start = max(0, hit - WORDS_BEFORE)
    near = list(words[start : start + SNIPPET_WORDS])
    first = hit
    while first > start and sum(len(w.text) for w in near[first - start - 1 : hit - start]) < LEAD_CHARACTERS:
        first -= 1
    last, length = first, 0
    while last < start + len(near) and length < SNIPPET_CHARACTERS:
        length += len(near[last - start].text) + 1
        last += 1
    told = []
    for index in range(first, last):
        text = shown(near[index - start]).translate(_OWN_MARKS)[:SNIPPET_CHARACTERS]
        if index in hits:
            opens = OPENING if index == first or index - 1 not in hits else ""
            text = opens + text + (CLOSING if index + 1 == last or index + 1 not in hits else "")
        told.append(text)
    return ("… " if first else "") + " ".join(told) + (" …" if last < len(words) else "")
