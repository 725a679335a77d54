"""A query and a scope as OpenSearch's query language; what a person typed is only ever a value in it."""

from collections.abc import Sequence
from typing import Any

from archive.access.policy import Scope
from search_api.index.opensearch_shape import CLOSING, OPENING, PAGE
from search_api.index.query import Filter, Identifier, Piece, Query

_WHOLE = frozenset(("type", "year"))
_ANYWHERE = frozenset(("body",))

Place = tuple[str | None, Sequence[str]]  # the column that decides, None: either; the term for each key version


def clauses(query: Query, scope: Scope) -> dict[str, Any]:
    """Return what a page within the scope must hold to meet a query; only its words score."""
    kept = [
        {"term": {"kind": PAGE}},
        {"terms": {"mode": sorted(scope.modes)}},
        {"bool": {"should": _reach(scope), "minimum_should_match": 1}},
    ]
    if query.has_identifiers:
        kept.append({"terms": {"units": sorted(scope.identifier_units)}})
    if not query.phrases:
        kept.append({"term": {"number": 0}})
    kept += [_said(one) for one in query.filters]
    return {
        "bool": {"must": [_phrase(list(map(_place, one.pieces)), "") for one in query.phrases], "filter": kept}
    }


def between(query: dict[str, Any], *, oldest: int | None, newest: int | None) -> dict[str, Any]:
    """Return a query of `clauses` for pages of such orders only."""
    bounds = {name: bound for name, bound in (("gte", oldest), ("lte", newest)) if bound is not None}
    if not bounds:
        return query
    inside = query["bool"]
    return {"bool": {**inside, "filter": [*inside["filter"], {"range": {"order": bounds}}]}}


def _reach(scope: Scope) -> list[dict[str, Any]]:
    """Return the ways a page may be in scope."""
    ways = [
        _both({"term": {"kept": True}}, {"terms": {"units": sorted(scope.units)}}),
        _both({"term": {"kept": False}}, {"terms": {"units": sorted(scope.candidate_units)}}),
    ]
    if scope.holder is not None:
        ways.append(_both({"term": {"kept": True}}, {"term": {"holders": scope.holder}}))
    return ways


def _both(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"filter": list(filters)}}


def _said(one: Filter) -> dict[str, Any]:
    """Return what a filter asks: all of a described value, its beginning, or a part."""
    places = list(map(_place, one.phrase.pieces))
    if one.name not in _ANYWHERE:  # `number:96` finds 96/2016/NĐ-CP
        places.insert(0, (None, (OPENING,)))
    if one.name in _WHOLE:
        places.append((None, (CLOSING,)))
    return _phrase(places, f"said.{one.name}.")


def _place(piece: Piece) -> Place:
    if isinstance(piece, Identifier):
        return None, piece.tokens
    if piece.is_marked:
        return "exact", (piece.exact,)
    return (None if piece.is_number else "folded"), (piece.exact,)


def _phrase(places: Sequence[Place], under: str) -> dict[str, Any]:
    """Return terms that follow each other, as a question to one column or, where neither decides, to both."""
    columns = {column for column, _ in places if column is not None}
    if len(columns) > 1:
        return _mixed(places, under)
    (column,) = columns or {"folded"}
    # With identifiers, under each key version, for a page has one.
    versions = max(len(terms) for _, terms in places)
    ways = [
        {"match_phrase": {f"{under}{column}": " ".join(_term(terms, version) for _, terms in places)}}
        for version in range(versions)
    ]
    return ways[0] if len(ways) == 1 else {"bool": {"should": ways, "minimum_should_match": 1}}


def _mixed(places: Sequence[Place], under: str) -> dict[str, Any]:
    """Return a phrase of words with marks and words without; both columns have a term in the same place."""
    following = [_alternatives(terms, f"{under}{column or 'folded'}") for column, terms in places]
    return {
        "intervals": {f"{under}folded": {"all_of": {"mode": "ordered", "max_gaps": 0, "intervals": following}}}
    }


def _alternatives(terms: Sequence[str], field: str) -> dict[str, Any]:
    ways = [{"match": {"query": term, "use_field": field}} for term in terms]
    return ways[0] if len(ways) == 1 else {"any_of": {"intervals": ways}}


def _term(terms: Sequence[str], version: int) -> str:
    return terms[min(version, len(terms) - 1)]
