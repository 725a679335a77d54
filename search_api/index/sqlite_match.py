"""A query and a scope as SQL: for each class of records in scope a statement, all of them merged, newest first.

What a person typed is only ever a value of a statement.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archive.access.policy import Scope
from archive.record import PartyId
from search_api.index.locate import phrase_is_in
from search_api.index.query import Filter, Identifier, Phrase, Piece, Query
from search_api.index.sqlite_tables import Generation

_CHECK = "holds_phrase"  # SQL function: (place of the phrase among those checked, packed terms of a page)
_WHOLE = frozenset(("type", "year"))
_ANYWHERE = frozenset(("body",))
_BY_TERMS = "SELECT {terms}.rowid, bm25({terms}) FROM {terms} WHERE {terms} MATCH ? AND {terms}.rowid <= ?{more}"
# A holder finds single records among many that are not theirs: without a score, for those would be in it.
_OF_HOLDER = (
    "SELECT {terms}.rowid, 0.0 FROM {terms} WHERE {terms} MATCH ? AND {terms}.rowid <= ?{more} "
    "AND {terms}.rowid IN (SELECT p.id FROM {holder} h JOIN {page} p ON p.record = h.record WHERE h.party = ?)"
)
# Values are of one class each, and so the records that say them. By the index, for a walk down all pages would
# pass by those of other classes.
_BY_FIELDS = "SELECT p.id, 0.0 FROM {page} p INDEXED BY ix_{page} WHERE p.number = 0 AND p.id <= ?{more}"
_OF_HOLDER_BY_FIELDS = (
    "SELECT p.id, 0.0 FROM {holder} h JOIN {page} p ON p.record = h.record "
    "WHERE p.number = 0 AND p.id <= ?{more} AND h.party = ?"
)
_RECORD_SAYS = " AND p.record IN (SELECT record FROM {record_value} WHERE value IN ({chosen}))"
# Of few records the pages are listed once; of many each page is asked, for the ranking's limit comes soon.
_FEW_SAY = (
    " AND +{terms}.rowid IN (SELECT p.id FROM {record_value} v JOIN {page} p ON p.record = v.record "
    "WHERE v.value IN ({chosen}))"
)
_MANY_SAY = (
    " AND EXISTS (SELECT 1 FROM {page} p JOIN {record_value} v ON v.record = p.record "
    "WHERE p.id = {terms}.rowid AND v.value IN ({chosen}))"
)
_FEW = 2_000
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM {record_value} WHERE value IN ({chosen}) LIMIT {most})"
_VALUES = "SELECT id, exact FROM {value} WHERE class = ? AND name = ? AND {this}"
_CHOSEN = "SELECT value FROM json_each(?)"
_PAGE_HOLDS = " AND {check}({place}, (SELECT t.exact FROM {page_terms} t WHERE t.page = {terms}.rowid))"
_WHOLE_OF = "SELECT * FROM ({})"
# The count first, as a row of its own; then score and place of the best.
_RANKED = (
    "WITH found (page, score) AS MATERIALIZED ({found}) SELECT 0.0, count(*) FROM found UNION ALL "
    "SELECT * FROM (SELECT score, -page AS place FROM (SELECT page, score FROM found LIMIT {ranked_max}) "
    "WHERE score > ? OR (score = ? AND place > ?) ORDER BY 1, 2 LIMIT ?)"
)
_AT_ONCE = 200  # classes in one statement; SQLite takes 500

Row = tuple[float, int]  # score and page, both negative where they are better: rows sort as they rank


@dataclass(frozen=True, slots=True)
class Reach:
    """The classes a scope reaches: by unit; only where it is the holder; and where identifiers are shown."""

    by_unit: frozenset[int]
    by_holder: frozenset[int]
    identifiers: frozenset[int]


def reach_of(connection: sqlite3.Connection, of: Generation, scope: Scope) -> Reach:
    """Decide a scope for every class."""
    by_unit, by_holder, identifiers = set(), set(), set()
    for number, units_text, mode, kept in of.run(connection, "SELECT id, units, mode, kept FROM {class}"):
        units = frozenset(json.loads(units_text))
        if units & scope.identifier_units:
            identifiers.add(number)
        if mode not in scope.modes:
            continue
        if units & (scope.units if kept else scope.candidate_units):
            by_unit.add(number)
        elif kept and scope.holder is not None:
            by_holder.add(number)
    return Reach(frozenset(by_unit), frozenset(by_holder), frozenset(identifiers))


def matching(
    connection: sqlite3.Connection,
    of: Generation,
    query: Query,
    scope: Scope,
    reach: Reach,
    *,
    newest: int,
    ranked_max: int,
    after: Row | None,
    limit: int,
) -> tuple[int, list[Row]]:
    """Return how many pages meet a query within a scope, and the best of them that rank after a row.

    Counted and ranked are the newest from the page `newest` down, `ranked_max` at most; a count of one more says
    that there are more. limit: rows at most.
    """
    _install_check(connection, _checked(query))
    statements = [
        _statement(connection, of, query, newest, number, holder)
        for number, holder in _classes_asked(connection, of, query, scope, reach)
    ]
    if not statements:
        return 0, []
    most = ranked_max + 1
    some = [statements[start : start + _AT_ONCE] for start in range(0, len(statements), _AT_ONCE)]
    merged = [_WHOLE_OF.format(_merged([text for text, _ in one], most)) for one in some]
    found = merged[0] if len(merged) == 1 else _merged(merged, most)
    score, place = after or (float("-inf"), 0)
    rows = connection.execute(
        _RANKED.format(found=found, ranked_max=ranked_max),
        [*(value for _, values in statements for value in values), score, score, place, limit],
    ).fetchall()
    return rows[0][1], rows[1:]


def _merged(selects: list[str], most: int) -> str:
    """Return a statement of the newest pages of others. SQLite steps through each only as far as it needs to."""
    return f"{' UNION ALL '.join(selects)} ORDER BY 1 DESC LIMIT {most}"


def _classes_asked(
    connection: sqlite3.Connection, of: Generation, query: Query, scope: Scope, reach: Reach
) -> Iterator[tuple[int, PartyId | None]]:
    """Yield the classes to look in, with the holder where only what they hold counts."""
    limit = reach.identifiers if query.has_identifiers else reach.by_unit | reach.by_holder
    for number in sorted(reach.by_unit & limit):
        yield number, None
    if scope.holder is not None and reach.by_holder & limit:
        held = of.run(
            connection,
            "SELECT DISTINCT p.class FROM {holder} h JOIN {page} p ON p.record = h.record WHERE h.party = ?",
            (scope.holder,),
        ).fetchall()
        for (number,) in held:
            if number in reach.by_holder & limit:
                yield number, scope.holder


def _statement(
    connection: sqlite3.Connection,
    of: Generation,
    query: Query,
    newest: int,
    number: int,
    holder: PartyId | None,
) -> tuple[str, list[Any]]:
    """Return the statement for one class: what meets the query in it, all or what a party holds."""
    values: list[Any] = [newest]
    more = ""
    for place in range(len(_checked(query))):
        more += of.sql(_PAGE_HOLDS, of_class=number, check=_CHECK, place=str(place))
    if query.phrases:
        values.insert(0, " AND ".join(_match(phrase) for phrase in query.phrases))
        template = _BY_TERMS if holder is None else _OF_HOLDER
    else:
        template = _BY_FIELDS if holder is None else _OF_HOLDER_BY_FIELDS
    for one in query.filters:
        chosen = json.dumps(list(_values(connection, of, number, one)))
        says = _says(connection, of, chosen) if query.phrases else _RECORD_SAYS
        more += of.sql(says, of_class=number, chosen=_CHOSEN)
        values.append(chosen)
    if holder is not None:
        values.append(holder)
    return of.sql(template, of_class=number, more=more), values


def _says(connection: sqlite3.Connection, of: Generation, chosen: str) -> str:
    """Return the way to ask whether a page's record says one of the chosen values that is fast for them."""
    count = of.sql(_COUNT, chosen=_CHOSEN, most=str(_FEW + 1))
    return _FEW_SAY if connection.execute(count, (chosen,)).fetchone()[0] <= _FEW else _MANY_SAY


def _checked(query: Query) -> list[Phrase]:
    """Return the phrases that the terms alone can't decide, in the order `_CHECK` knows them by."""
    return [phrase for phrase in query.phrases if _is_mixed(phrase)]


def _install_check(connection: sqlite3.Connection, checked: list[Phrase]) -> None:
    def holds(place: int, exact: str) -> bool:
        return phrase_is_in(checked[place], exact)

    connection.create_function(_CHECK, 2, holds)


def _is_mixed(phrase: Phrase) -> bool:
    """Whether a phrase has words with marks and words without: neither column alone decides it."""
    return _needs_exact(phrase) and any(_is_open(piece) for piece in phrase.pieces)


def _needs_exact(phrase: Phrase) -> bool:
    return any(not isinstance(piece, Identifier) and piece.is_marked for piece in phrase.pieces)


def _is_open(piece: Piece) -> bool:
    return not isinstance(piece, Identifier) and not piece.is_marked and not piece.is_number


def _match(phrase: Phrase) -> str:
    """Return FTS5's expression for a phrase. Terms are letters, digits and the token prefix: nothing to escape."""
    if _is_mixed(phrase):
        marked = {p.exact for p in phrase.pieces if not isinstance(p, Identifier) and p.is_marked}
        return " AND ".join([_columns("folded", phrase), *(f'exact : "{one}"' for one in sorted(marked))])
    return _columns("exact" if _needs_exact(phrase) else "folded", phrase)


def _columns(column: str, phrase: Phrase) -> str:
    """Return a phrase within one column; with identifiers, under each key version, for a page has one."""
    versions = max((len(p.tokens) for p in phrase.pieces if isinstance(p, Identifier)), default=1)
    ways = (" ".join(_term(column, piece, version) for piece in phrase.pieces) for version in range(versions))
    return "(" + " OR ".join(f'{column} : "{way}"' for way in ways) + ")"


def _term(column: str, piece: Piece, version: int) -> str:
    if isinstance(piece, Identifier):
        return piece.tokens[version]
    return piece.exact if column == "exact" else piece.folded


def _values(connection: sqlite3.Connection, of: Generation, number: int, one: Filter) -> Iterator[int]:
    """Yield the ids of a class's described values that a filter accepts."""
    for way in _folded_ways(one.phrase):
        if one.name in _ANYWHERE:
            condition, values = "instr(' ' || folded || ' ', ?)", [f" {way} "]
        elif one.name in _WHOLE:
            condition, values = "folded = ?", [way]
        else:  # from the first run on: `number:96` finds 96/2016/NĐ-CP; `!` follows the space that parts terms
            condition, values = "(folded = ? OR (folded > ? AND folded < ?))", [way, f"{way} ", f"{way}!"]
        statement = of.sql(_VALUES, this=condition)
        for value, exact in connection.execute(statement, (number, one.name, *values)):
            if phrase_is_in(one.phrase, exact):
                yield value


def _folded_ways(phrase: Phrase) -> Iterator[str]:
    versions = max((len(p.tokens) for p in phrase.pieces if isinstance(p, Identifier)), default=1)
    for version in range(versions):
        yield " ".join(_term("folded", piece, version) for piece in phrase.pieces)
