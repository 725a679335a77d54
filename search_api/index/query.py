"""What is looked for: a typed query as a value, and back; pure, the same for every adapter.

Words side by side must all be on one page. `"…"` is a phrase; what is written together without spaces, such as
`96/2016/NĐ-CP`, is a phrase of its runs. `name:value` asks for a described field of the record, under its
Vietnamese name (with or without tones) or its English one. A word typed with any mark is meant exactly so; a
word typed without matches however it is marked.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from search_api.errors import QueryInvalid
from search_api.index.words import clean, fold, identifiers_in, terms_of, token_of

MAX_CHARACTERS = 1_000
MAX_TERMS = 32

FieldName = Literal["number", "type", "year", "body", "archive", "dossier"]
Lookups = Callable[[str], Sequence[str]]  # the keyed digests of an identifier's value, one a key version

# Names as they are compared: words without marks, one space between.
FIELD_NAMES: dict[str, FieldName] = {
    "so": "number",
    "so hieu": "number",
    "number": "number",
    "loai": "type",
    "type": "type",
    "nam": "year",
    "year": "year",
    "co quan": "body",
    "body": "body",
    "ma luu tru": "archive",
    "archive": "archive",
    "ho so": "dossier",
    "dossier": "dossier",
}

_QUOTES = '"“”„'
_QUOTE = re.compile(f"[{_QUOTES}]")
_SPACE = re.compile(r"\s+")
_CHUNK = re.compile(rf"[^\s{_QUOTES}]+")
_NAME = re.compile(rf"([^\s{_QUOTES}:]+(?:[ _][^\s{_QUOTES}:]+){{0,2}})[ ]?:\s*")
# Identifiers are taken out before a query is cut at its spaces; these stand for them, as long as they were.
_FIRST_STAND_IN, _FILLER = 0xE000, "\uf8ff"
_STAND_IN = re.compile(f"[\ue000-\uf8fe]{_FILLER}*")


@dataclass(frozen=True, slots=True)
class Word:
    """One canonical term of the query."""

    exact: str

    @property
    def folded(self) -> str:
        """The term without marks."""
        return fold(self.exact)

    @property
    def is_marked(self) -> bool:
        """Whether it was typed with a mark, and so is meant exactly."""
        return self.folded != self.exact

    @property
    def is_number(self) -> bool:
        """Whether it is digits only: the same exactly and folded."""
        return self.exact.isascii() and self.exact.isdecimal()


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier-like number. tokens: its index terms, one a key version; any of them will do."""

    value: str = field(repr=False)
    tokens: tuple[str, ...]


Piece = Word | Identifier


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that follow each other; a single word is a phrase of one."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A field of the record that must say this."""

    name: FieldName
    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Query:
    """Everything must hold: each phrase on one page, each filter on its record."""

    phrases: tuple[Phrase, ...]
    filters: tuple[Filter, ...] = ()

    @property
    def has_identifiers(self) -> bool:
        """Whether an identifier-like number is asked for."""
        asked = (*self.phrases, *(one.phrase for one in self.filters))
        return any(isinstance(piece, Identifier) for phrase in asked for piece in phrase.pieces)


def parse(text: str, *, lookups: Lookups) -> Query:
    """Return what a typed query means. Raises QueryInvalid, saying where.

    At most 1,000 characters and 32 terms. A name before a colon that is no field's is an ordinary word.
    """
    _refuse_unreadable(text)
    reader = _Reader(text, lookups)
    phrases: list[Phrase] = []
    filters: list[Filter] = []
    for name, phrase in reader.read():
        if name is None:
            phrases.append(phrase)
        else:
            filters.append(Filter(name, phrase))
    query = Query(tuple(phrases), tuple(filters))
    if not phrases and not filters:
        raise QueryInvalid("there is nothing to look for")
    terms = sum(len(p.pieces) for p in phrases) + sum(len(f.phrase.pieces) for f in filters)
    if terms > MAX_TERMS:
        raise QueryInvalid(f"a query has at most {MAX_TERMS} words, this one {terms}")
    return query


def format_query(query: Query) -> str:
    """Return a text that `parse` reads as this query again. It holds identifiers in clear: never log it."""
    shown = [_shown(phrase) for phrase in query.phrases]
    shown += [f"{one.name}:{_shown(one.phrase)}" for one in query.filters]
    return " ".join(shown)


def _shown(phrase: Phrase) -> str:
    # A slash keeps runs together and apart: neither groups of digits nor a branch are written with it.
    runs = (piece.exact if isinstance(piece, Word) else piece.value for piece in phrase.pieces)
    return f'"{"/".join(runs)}"'


def _refuse_unreadable(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise QueryInvalid(f"a query has at most {MAX_CHARACTERS} characters, this one {len(text)}")
    for position, character in enumerate(text):
        # Controls, half characters, private and unassigned ones; a tab or a line end is a space.
        if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") and character not in "\t\n\r":
            raise QueryInvalid(f"the character U+{ord(character):04X} can't be searched for", position)


class _Reader:
    """Walks over a query once. Positions in errors are of the text as typed."""

    def __init__(self, typed: str, lookups: Lookups) -> None:
        self._typed = typed
        self._lookups = lookups
        self._text = clean(typed)
        self._identifiers: list[Identifier] = []
        for found in reversed(list(identifiers_in(self._text))):
            value = found.values[-1]
            stand_in = chr(_FIRST_STAND_IN + len(self._identifiers)) + _FILLER * (found.end - found.start - 1)
            self._text = self._text[: found.start] + stand_in + self._text[found.end :]
            self._identifiers.append(Identifier(value, tuple(token_of(one) for one in lookups(value))))

    def read(self) -> Iterator[tuple[FieldName | None, Phrase]]:
        """Yield each phrase with the field it is asked of, if any."""
        position = 0
        while position < len(self._text):
            if space := _SPACE.match(self._text, position):
                position = space.end()
                continue
            name, start = self._field_at(position)
            phrase, end = self._phrase_at(start)
            if phrase is None and name is not None:
                raise QueryInvalid("the field has no value", self._typed_position(position))
            if phrase is not None:
                yield name, phrase
            position = end

    def _field_at(self, position: int) -> tuple[FieldName | None, int]:
        if found := _NAME.match(self._text, position):
            words = " ".join(term.folded for term in terms_of(found[1].replace("_", " ")))
            if name := FIELD_NAMES.get(words):
                return name, found.end()
        return None, position

    def _phrase_at(self, position: int) -> tuple[Phrase | None, int]:
        """Return the quoted or bare phrase here, None where there are no terms, and where it ends."""
        if quote := _QUOTE.match(self._text, position):
            closing = _QUOTE.search(self._text, quote.end())
            if closing is None:
                raise QueryInvalid("the quotation mark is not closed", self._typed_position(position))
            inside, end = self._text[quote.end() : closing.start()], closing.end()
        elif chunk := _CHUNK.match(self._text, position):
            inside, end = chunk[0], chunk.end()
        else:
            return None, len(self._text)
        pieces = tuple(self._pieces(inside))
        return (Phrase(pieces) if pieces else None), end

    def _pieces(self, text: str) -> Iterator[Piece]:
        position = 0
        for found in _STAND_IN.finditer(text):
            yield from (Word(term.exact) for term in terms_of(text[position : found.start()]))
            yield self._identifiers[ord(found[0][0]) - _FIRST_STAND_IN]
            position = found.end()
        yield from (Word(term.exact) for term in terms_of(text[position:]))

    def _typed_position(self, position: int) -> int:
        """Return where a character of the cleaned text stands in the typed one, by counting its like."""
        character = self._text[position]
        nth = self._text.count(character, 0, position)
        at = -1
        for _ in range(nth + 1):
            following = self._typed.find(character, at + 1)
            if following < 0:
                return position
            at = following
        return at
