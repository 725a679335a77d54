"""Find records by any word on them, within what the caller may find.

1. The query is read and the caller's scope decided; the index answers within it.
2. Each hit is looked at in the catalogue again, for the index may be a moment behind it.
3. The access event is committed: who looked, what for, which records were shown; the query as a keyed digest.
4. Hits are located, and only now does anything of a page leave.

While the index cannot be used, the catalogue answers for it (1) and the answer says so; the rest is the same.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select

from archive import events
from archive.access.policy import Caller, Scope, Subject, decide, scope_of, units_for
from archive.access.subjects import HOLDER_ROLES
from archive.database import reading, writing
from archive.errors import PackageInvalid
from archive.record import PartyId, RecordId
from archive.sealing import Seal
from archive.tables.holdings import record, record_party
from search_api.catalogue_search import find_in_catalogue
from search_api.errors import IndexUnavailable, QueryInvalid
from search_api.index.completeness import Completeness as Completeness
from search_api.index.document import LOOKUP_SCHEME, unsealed
from search_api.index.locate import Located, locate, text_of
from search_api.index.port import Box, Found, IndexedWord, IndexHit
from search_api.index.projector import records_head
from search_api.index.query import Query, parse
from search_api.services import Services

log = logging.getLogger(__name__)

_HELD = (record_party.c.record_id == record.c.id) & record_party.c.role.in_(HOLDER_ROLES)
_SUBJECTS = (
    select(
        record.c.id,
        record.c.state,
        record.c.access_mode,
        record.c.archive_number,
        record.c.custodian_unit_id,
        record.c.managing_unit_id,
        record_party.c.party_id,
    )
    .select_from(record)
    .outerjoin(record_party, _HELD)
    .where(record.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(record.c.id)
)

LIMIT_MAX = 100
PURPOSE_MAX = 200


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One page that matches. page: from 1; None: the described fields. boxes: of the hit words, in pixels of the
    archived page image as stored. snippet: some words of it, each hit in «…». score: higher is better."""

    record: RecordId
    archive_number: str
    page: int | None
    boxes: tuple[Box, ...]
    snippet: str
    score: float


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """total: pages that match; not exact when more match than are ranked, and then ranking_capped too."""

    total: int
    total_is_exact: bool
    ranking_capped: bool
    hits: tuple[SearchHit, ...]
    next_cursor: str | None
    completeness: Completeness

    def as_json(self) -> dict[str, Any]:
        """Return the answer as the command line and the API show it."""
        # By hand: `asdict` copies every number of every box, which takes longer than finding some answers.
        return {
            "total": self.total,
            "total_is_exact": self.total_is_exact,
            "ranking_capped": self.ranking_capped,
            "hits": [
                {
                    "record": hit.record,
                    "archive_number": hit.archive_number,
                    "page": hit.page,
                    "boxes": hit.boxes,
                    "snippet": hit.snippet,
                    "score": hit.score,
                }
                for hit in self.hits
            ],
            "next_cursor": self.next_cursor,
            "completeness": asdict(self.completeness),
        }


@dataclass(frozen=True, slots=True)
class _Checked:
    """A record the caller may find now, and whether its identifiers too."""

    archive_number: str
    identifiers_shown: bool


def search(
    services: Services,
    caller: Caller,
    text: str,
    *,
    purpose: str | None,
    limit: int = 20,
    cursor: str | None = None,
) -> SearchAnswer:
    """Return the best hits for a query, with how complete the answer is.

    limit: 1 to 100 hits. cursor: next_cursor of the answer before, for the same query, caller and purpose.
    Raises QueryInvalid and CursorInvalid; IndexUnavailable for a further page only, which no catalogue can give.
    """
    if not 1 <= limit <= LIMIT_MAX:
        raise QueryInvalid(f"an answer has 1 to {LIMIT_MAX} hits, not {limit}")
    purpose = _purpose(purpose)
    query = parse(text, lookups=partial(services.seal.lookups, LOOKUP_SCHEME))
    scope = scope_of(caller, purpose=purpose)
    found, completeness = _found(services, query, scope, after=cursor, limit=limit)  # 1
    with reading(services.engine) as connection:
        checked = _still_found(connection, caller, query, found.hits, purpose=purpose)  # 2
    located = _located(query, found.hits, checked, services.seal)
    with writing(services.engine) as connection:
        events.append(  # 3
            connection,
            "access",
            "record.search",
            principal=caller.principal,
            at=services.now(),
            payload={
                "query": services.seal.lookup("query", text),
                "query_key": services.seal.version,
                "purpose": purpose,
                "records": list(dict.fromkeys(hit.record for hit in located)),
            },
        )
    return SearchAnswer(  # 4
        total=found.total - (len(found.hits) - len(located)),
        total_is_exact=found.total_is_exact,
        ranking_capped=not found.total_is_exact,
        hits=tuple(located),
        next_cursor=found.next_after,
        completeness=completeness,
    )


def _found(
    services: Services, query: Query, scope: Scope, *, after: str | None, limit: int
) -> tuple[Found, Completeness]:
    """Ask the index, and the catalogue when it cannot be used."""
    try:
        found = services.index.search(query, scope=scope, after=after, limit=limit)
        with reading(services.engine) as connection:
            return found, _completeness(connection, found)
    except IndexUnavailable as error:
        if after is not None:
            raise
        log.warning("the catalogue answers, for %s", error)
    with reading(services.engine) as connection:
        found = find_in_catalogue(connection, query, scope=scope, seal=services.seal, limit=limit)
        return found, Completeness(0, records_head(connection), rebuilding=False, from_catalogue=True)


def _purpose(purpose: str | None) -> str | None:
    """Return a purpose as it is logged, None if it says nothing. Raises QueryInvalid."""
    told = " ".join((purpose or "").split())
    if len(told) > PURPOSE_MAX or not told.isprintable():
        raise QueryInvalid(f"a purpose is at most {PURPOSE_MAX} characters of text")
    return told or None


def _still_found(
    connection: Connection, caller: Caller, query: Query, hits: Sequence[IndexHit], *, purpose: str | None
) -> dict[RecordId, _Checked]:
    """Return those of the hits' records that the caller may find now."""
    ids = {hit.record_id for hit in hits}
    with_identifiers = units_for(caller, "identifier.see", purpose=purpose)
    checked = {}
    for subject, archive_number in _subjects(connection, ids):
        shows = bool(subject.units & with_identifiers)
        may_find = decide(caller, "record.find", subject, purpose=purpose) == "allowed"
        if may_find and (shows or not query.has_identifiers):
            checked[subject.record_id] = _Checked(archive_number, shows)
    for stale in sorted(ids - checked.keys()):
        log.warning("the index still has record %s, which is not to be found any more; left out", stale)
    return checked


def _subjects(connection: Connection, ids: Collection[RecordId]) -> Iterator[tuple[Subject, str]]:
    """Yield what access needs to know of each record, with its archive number."""
    rows = connection.execute(_SUBJECTS, {"ids": list(ids)})
    for _, group in groupby(rows, key=lambda row: row.id):
        row, *others = group
        yield (
            Subject(
                record_id=RecordId(row.id),
                state=row.state,
                units=frozenset((row.custodian_unit_id, row.managing_unit_id)),
                mode=row.access_mode,
                holders=frozenset(PartyId(one.party_id) for one in (row, *others) if one.party_id),
            ),
            row.archive_number,
        )


def _completeness(connection: Connection, found: Found) -> Completeness:
    head = records_head(connection)
    at = found.position.cursor
    if at > head:
        raise IndexUnavailable(f"it is at event {at} of an archive that has {head}; rebuild it")
    return Completeness(at, head - at, found.position.rebuilding)


def _located(
    query: Query, hits: Sequence[IndexHit], checked: Mapping[RecordId, _Checked], seal: Seal
) -> list[SearchHit]:
    """Return the hits that may be shown, with where on their pages they are."""

    def readable(word: IndexedWord) -> str:
        try:
            return unsealed(word, seal)
        except PackageInvalid:  # sealed under a key that is not here: it stays dots
            return word.text

    shown = []
    for hit in hits:
        record_now = checked.get(hit.record_id)
        if record_now is None:
            continue
        identifiers = hit.identifiers_shown and record_now.identifiers_shown
        place = locate(query, hit.page, shown=readable if identifiers else text_of)
        if place is not None:
            shown.append(_hit(hit, record_now.archive_number, place))
    return shown


def _hit(hit: IndexHit, archive_number: str, place: Located) -> SearchHit:
    return SearchHit(
        record=hit.record_id,
        archive_number=archive_number,
        page=hit.page.number or None,
        boxes=place.boxes,
        snippet=place.snippet,
        score=round(hit.score, 6),
    )
