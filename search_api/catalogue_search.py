"""Find records by what the catalogue says of them, while the index cannot be used.

The described fields of the newest records in scope are made as for the index and asked there and then: same
words, same phrases, same fields, no texts of pages. How many are looked at, and how long, has an end; an answer
that met it says so.
"""

import time
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, String, and_, cast, or_, select

from archive.access.policy import KEPT, UNACCEPTED, Scope
from archive.access.subjects import HOLDER_ROLES, of_units
from archive.record import RecordId
from archive.sealing import Seal
from archive.tables.holdings import archival_file, dossier_code, record, record_dossier, record_party
from search_api.index.locate import phrase_is_in
from search_api.index.port import Found, IndexedField, IndexHit, Position, RecordDocument
from search_api.index.projection import fields_only, gather
from search_api.index.query import Filter, Identifier, Phrase, Query, Word

LOOKED_AT_MAX = 2_000
SECONDS_MAX = 2.0
GENERATION = "catalogue"
_AT_ONCE = 200
_WHOLE = frozenset(("type", "year"))
_ANYWHERE = frozenset(("body",))

# Where a number of the query may stand. Only numbers are asked in SQL: a database folds no marks as we do.
_TOLD = (
    record.c.archive_number,
    record.c.code_number,
    record.c.code_notation,
    cast(record.c.issued_on, String),
    record.c.document_type,
    record.c.subject,
    record.c.issuing_body,
    record.c.signer_name,
    record.c.signer_position,
    record.c.original_book,
    record.c.original_number,
    record.c.note,
    archival_file.c.code,
    archival_file.c.title,
)


def find_in_catalogue(
    connection: Connection,
    query: Query,
    *,
    scope: Scope,
    seal: Seal,
    limit: int,
    looked_at_max: int = LOOKED_AT_MAX,
    seconds_max: float = SECONDS_MAX,
) -> Found:
    """Return the newest records within the scope whose described fields meet a query, as an index would: page 0,
    without a score. The answer has one page. total is exact unless there was more than could be looked at."""
    until = time.monotonic() + seconds_max
    ids = _candidates(connection, query, scope, looked_at_max + 1)
    whole = len(ids) <= looked_at_max
    hits: list[IndexHit] = []
    for start in range(0, min(len(ids), looked_at_max), _AT_ONCE):
        if time.monotonic() > until:
            whole = False
            break
        hits += _meeting(connection, ids[start : start + _AT_ONCE], query, scope, seal)
    return Found(
        hits=tuple(hits[:limit]),
        total=len(hits),
        total_is_exact=whole,
        next_after=None,
        position=Position(cursor=0, generation=GENERATION, rebuilding=False),
    )


def _meeting(
    connection: Connection, ids: Sequence[RecordId], query: Query, scope: Scope, seal: Seal
) -> Iterator[IndexHit]:
    """Yield those of the records that meet a query, in the order given."""
    facts = gather(connection, ids)
    for record_id in ids:
        if record_id not in facts:
            continue
        document = fields_only(facts[record_id], seal)
        shows = not scope.identifier_units.isdisjoint(document.units)
        if (shows or not query.has_identifiers) and _meets(document, query):
            yield IndexHit(record_id, document.pages[0], 0.0, identifiers_shown=shows)


def _meets(document: RecordDocument, query: Query) -> bool:
    exact = document.pages[0].exact
    return all(phrase_is_in(phrase, exact) for phrase in query.phrases) and all(
        any(_says(field, one) for field in document.fields) for one in query.filters
    )


def _says(field: IndexedField, one: Filter) -> bool:
    """Say whether a described field is what a filter asks: all of it, its beginning, or a part."""
    if field.name != one.name or not phrase_is_in(one.phrase, field.exact):
        return False
    length = len(one.phrase.pieces)
    terms = field.exact.split()
    if one.name in _ANYWHERE:
        return True
    if one.name in _WHOLE and len(terms) != length:
        return False
    return phrase_is_in(one.phrase, " ".join(terms[:length]))


def _candidates(connection: Connection, query: Query, scope: Scope, most: int) -> list[RecordId]:
    """Return the newest records in scope that have every number of the query somewhere, so many at most."""
    numbers = {piece.exact for piece in _pieces(query) if isinstance(piece, Word) and piece.is_number}
    rows = connection.execute(
        select(record.c.id)
        .join(archival_file, archival_file.c.id == record.c.archival_file_id)
        .where(_in_scope(scope), *map(_is_told, sorted(numbers)))
        .order_by(record.c.received_at.desc(), record.c.id)
        .limit(most)
    )
    return [RecordId(row.id) for row in rows]


def _pieces(query: Query) -> Iterator[Word | Identifier]:
    asked: tuple[Phrase, ...] = (*query.phrases, *(one.phrase for one in query.filters))
    for phrase in asked:
        yield from phrase.pieces


def _is_told(number: str) -> ColumnElement[bool]:
    in_dossier = (
        select(record_dossier.c.record_id)
        .join(dossier_code, dossier_code.c.dossier_id == record_dossier.c.dossier_id)
        .where(record_dossier.c.record_id == record.c.id, dossier_code.c.value.contains(number))
    )
    return or_(*(column.contains(number) for column in _TOLD), in_dossier.exists())


def _in_scope(scope: Scope) -> ColumnElement[bool]:
    """Return the scope as a condition on records."""
    ways = [
        and_(record.c.state.in_(KEPT), of_units(scope.units)),
        and_(record.c.state.in_(UNACCEPTED), of_units(scope.candidate_units)),
    ]
    if scope.holder is not None:
        held = select(record_party.c.record_id).where(
            record_party.c.record_id == record.c.id,
            record_party.c.party_id == scope.holder,
            record_party.c.role.in_(HOLDER_ROLES),
        )
        ways.append(and_(record.c.state.in_(KEPT), held.exists()))
    return and_(record.c.access_mode.in_(scope.modes), or_(*ways))
