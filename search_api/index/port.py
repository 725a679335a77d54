"""The promise of every record index: what was projected, found within a scope, with how complete it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archive.access.policy import Scope
from archive.record import PartyId, RecordId
from search_api.index.query import FieldName, Query
from search_api.index.words import fold_terms

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the archived page image as stored


@dataclass(frozen=True, slots=True)
class IndexCredentials:
    """Who we are to an engine that asks; never part of a URL, never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IndexedWord:
    """One word of a page with its place. sealed: ciphertext and key version of a word that holds an
    identifier-like number or a part of one, whose text then has dots for it. tokens: for each run of dots the
    index terms of its number with spaces between, empty where it only goes on from an earlier word."""

    text: str
    box: Box
    sealed: tuple[str, int] | None = None
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexedPage:
    """One page as it is searched. number from 1; 0 is the record's described fields, which have no boxes.

    exact: the index terms of the words, in the same order (`search_api.index.words`): a tab between the terms of
    one word, a space between words; a word without terms is an empty place between two spaces.
    """

    number: int
    exact: str
    words: Sequence[IndexedWord]

    @property
    def folded(self) -> str:
        """The same terms without marks, laid out alike."""
        return fold_terms(self.exact)


@dataclass(frozen=True, slots=True)
class IndexedField:
    """A described field as `name:value` asks for it; exact, folded: its index terms. A name may occur twice."""

    name: FieldName
    exact: str
    folded: str


@dataclass(frozen=True, slots=True)
class RecordDocument:
    """Everything the index holds of one record; replaces what it held before.

    package_number: of its content package. package_sha256: of the package its texts come from, that one or a text
    supplement.
    """

    record_id: RecordId
    state: str
    units: frozenset[str]
    mode: str
    holders: frozenset[PartyId]
    package_number: int
    package_sha256: str
    archive_number: str
    document_type: str | None
    issued_year: int | None
    pages: tuple[IndexedPage, ...]
    fields: tuple[IndexedField, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordGone:
    """A record nobody may find any more."""

    record_id: RecordId


Change = RecordDocument | RecordGone


@dataclass(frozen=True, slots=True)
class Position:
    """How far the index is: every event before `cursor` is in it. generation changes with a rebuild."""

    cursor: int
    generation: str
    rebuilding: bool


@dataclass(frozen=True, slots=True)
class IndexHit:
    """One page (or, number 0, the described fields) that matches. score: higher is better."""

    record_id: RecordId
    page: IndexedPage
    score: float
    identifiers_shown: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of an answer. total counts matching pages; exact unless more match than are ranked."""

    hits: tuple[IndexHit, ...]
    total: int
    total_is_exact: bool
    next_after: str | None  # where the next page of the answer begins; opaque, only for this query and scope
    position: Position


class RecordIndex(Protocol):
    """Pages under terms. Every adapter passes tests/contract/test_record_index.py."""

    def position(self, *, building: bool = False) -> Position:
        """Return how far the generation that answers is, or the one being built. Raises IndexUnavailable.

        Without one being built, the position of the one that answers, whose `rebuilding` is then False.
        """
        ...

    def apply(self, changes: Sequence[Change], *, cursor: int, building: bool = False) -> None:
        """Make the changes and move the cursor in one transaction; all of it or nothing.

        A cursor that is not ahead of the index's own changes nothing: repeating is harmless. building: of the
        generation being built; the one that answers goes on with its own changes meanwhile.
        """
        ...

    def search(self, query: Query, *, scope: Scope, after: str | None, limit: int) -> Found:
        """Return the best hits within the scope, from `after` on. Raises CursorInvalid for a foreign `after`."""
        ...

    def start_rebuild(self, *, afresh: bool = False) -> None:
        """Begin a new, empty generation with cursor 0 beside the one that answers; begun before, go on with it.

        afresh: one begun before is dropped. An index that is damaged is thrown away first.
        """
        ...

    def finish_rebuild(self) -> None:
        """Let the new generation answer and drop the old one, in one step; without a new one, do nothing."""
        ...

    def records(self) -> Iterator[tuple[RecordId, str, str]]:
        """Yield id, state and package digest of every record found here, by id, to compare with the catalogue."""
        ...

    def damage(self) -> str | None:
        """Read the whole index and say what is wrong with it, None if nothing is; slow for a large one."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
