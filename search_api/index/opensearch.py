"""The record index on OpenSearch: one document a page and one a record, the scope inside every query.

A batch is written so that it shows all at once, and can be repeated:

1. Pages the batch's records have no more are deleted, those they have are written, then the records themselves:
   each under the batch's cursor as an external version, so that nothing overwrites what is newer.
2. A refresh, the only one, lets all of it be seen.
3. The cursor moves on, if nobody has moved it meanwhile.

When a writer dies in between, or two write at once, a page may be there that its record has no more: what is found
is compared with its record before it is given out, and the next batch of the record takes such pages away.

Ranking is over the newest 5,000 pages that match; where more match, the answer says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from archive.access.policy import Scope
from archive.record import RecordId
from search_api.errors import IndexUnavailable
from search_api.index.cursor import Place, read_cursor, write_cursor
from search_api.index.opensearch_asking import Asking, Dropped, hit_of
from search_api.index.opensearch_bulk import Bulk
from search_api.index.opensearch_client import Engine
from search_api.index.opensearch_documents import (
    delete_acts,
    newest_order,
    page_acts,
    page_names,
    record_acts,
    refuse_incomplete,
)
from search_api.index.opensearch_generations import Generation, Generations
from search_api.index.opensearch_query import between, clauses
from search_api.index.opensearch_shape import PAGE, RECORD, Layout
from search_api.index.port import Change, Found, Position
from search_api.index.query import Query

RANKED_MAX = 5_000
_RECORDS_AT_ONCE = 1_000
_PAGES_AT_ONCE = 5_000
_MOVES = 20  # tries to move the cursor among others who move it
_WRITE_SECONDS = 60.0


class OpenSearchIndex:
    """A RecordIndex in an OpenSearch; made empty when there is none. Nothing is asked before it is first used."""

    def __init__(self, engine: Engine, layout: Layout, *, ranked_max: int = RANKED_MAX) -> None:
        self._engine = engine
        self._bulk = Bulk(engine)
        self._generations = Generations(engine, layout)
        self._asking = Asking(engine, ranked_max=ranked_max)
        self._settled: set[str] = set()  # generations in which no dead writer's pages wait to be seen

    def position(self, *, building: bool = False) -> Position:
        """Return how far the answering generation is, or the one being built."""
        answering, new = self._generations.both()
        return _position(new if building and new is not None else answering, new)

    def apply(self, changes: Sequence[Change], *, cursor: int, building: bool = False) -> None:
        """Make the changes and move the cursor; a cursor that is not ahead does nothing."""
        refuse_incomplete(changes)
        with _nobody_else():
            self._apply(changes, cursor, building=building)

    def search(self, query: Query, *, scope: Scope, after: str | None, limit: int) -> Found:
        """Return the best hits within the scope, from `after` on."""
        for is_last in (False, True):
            # What changed between two questions, a generation swapped or a record replaced, is over the next time.
            found = self._search(query, scope, after, limit, is_last=is_last)
            if found is not None:
                return found
        raise AssertionError("the last try answers or raises")

    def start_rebuild(self, *, afresh: bool = False) -> None:
        """Begin a new, empty generation; one begun before goes on."""
        self._generations.begin(afresh=afresh)

    def finish_rebuild(self) -> None:
        """Let the new generation answer and drop the old one, in one step."""
        self._generations.swap()

    def records(self) -> Iterator[tuple[RecordId, str, str]]:
        """Yield id, state and package digest of every record found here, by id."""
        of = self._read()
        body: dict[str, Any] = {
            "size": _RECORDS_AT_ONCE,
            "query": {"term": {"kind": RECORD}},
            "sort": [{"record": "asc"}],
            "track_total_hits": False,
            "_source": ["record", "state", "package_sha256"],
        }
        while hits := self._whole(of, body)["hits"]["hits"]:
            for hit in hits:
                told = hit["_source"]
                yield RecordId(told["record"]), told["state"], told["package_sha256"]
            body["search_after"] = hits[-1]["sort"]

    def damage(self) -> str | None:
        """Say what is wrong: shards that are missing, pages that do not belong to what their records say.

        Counts only; the bytes of each shard are checked by the engine, of each page when it is read.
        """
        of = self._read()
        health = self._engine.ask("GET", f"/_cluster/health/{of.index}")
        if health["status"] == "red":
            return f"shards of {of.index} are missing"
        self._refresh(of)
        counted = {
            "pages": {"filter": {"term": {"kind": PAGE}}},
            "told": {"sum": {"field": "pages"}},
        }
        body = {"size": 0, "track_total_hits": False, "aggs": counted}
        sums = self._whole(of, body)["aggregations"]
        pages, told = sums["pages"]["doc_count"], int(sums["told"]["value"])
        return None if pages == told else f"{of.index} has {pages} pages, and its records say {told}"

    def close(self) -> None:
        """Close the connections."""
        self._engine.close()

    def _apply(self, changes: Sequence[Change], cursor: int, *, building: bool) -> None:
        to = self._written(building=building)
        if cursor <= to.cursor:
            return
        if to.name not in self._settled:
            self._refresh(to)
        self._settled.discard(to.name)
        ids = [change.record_id for change in changes]
        if ids:
            self._delete_pages(to, ids, {"lt": cursor}, cursor, but=page_names(changes))  # 1
            self._bulk.write(page_acts(changes, alias=to.alias, cursor=cursor))
            self._bulk.write(record_acts(changes, alias=to.alias, cursor=cursor))
            self._refresh(to)  # 2
        self._move(to, ids, cursor, building=building)  # 3
        self._settled.add(to.name)

    def _whole(self, of: Generation, body: dict[str, Any]) -> dict[str, Any]:
        with _nobody_else():
            return self._asking.asked(of, body)

    def _read(self) -> Generation:
        answering, _ = self._generations.both()
        answering.refuse_other_format()
        return answering

    def _written(self, *, building: bool) -> Generation:
        answering, new = self._generations.both()
        to = new if building else answering
        if to is None:
            raise IndexUnavailable("no generation is being built")
        to.refuse_other_format()
        return to

    def _move(self, to: Generation, ids: Sequence[RecordId], cursor: int, *, building: bool) -> None:
        """Move the cursor of a generation on to where its documents are."""
        for _ in range(_MOVES):
            if self._generations.move(to, cursor):
                return
            now = self._written(building=building)
            if now.name != to.name:
                raise IndexUnavailable(f"{to.index} was dropped while it was written")
            if cursor < now.cursor:
                self._give_way(to, ids, cursor)
            if cursor <= now.cursor:
                return
            to = now
        raise IndexUnavailable(f"others keep moving the cursor of {to.index}")

    def _give_way(self, to: Generation, ids: Sequence[RecordId], cursor: int) -> None:
        """Take away the pages we wrote of records that others wrote newer: the newer ones may have fewer."""
        newer = [one for one, batch in self._asking.batches(to, ids, realtime=True).items() if batch != cursor]
        if newer:
            self._delete_pages(to, newer, {"gte": cursor, "lte": cursor}, cursor)
            self._refresh(to)

    def _delete_pages(
        self,
        of: Generation,
        ids: Sequence[RecordId],
        batches: dict[str, int],
        cursor: int,
        *,
        but: frozenset[str] = frozenset(),
    ) -> None:
        """Delete the pages of records that were written with some batches, but for those named; none newer."""
        of_records = [{"term": {"kind": PAGE}}, {"terms": {"record": list(ids)}}, {"range": {"batch": batches}}]
        body: dict[str, Any] = {
            "size": _PAGES_AT_ONCE,
            "query": {"bool": {"filter": of_records}},
            "sort": [{"order": "asc"}],
            "track_total_hits": False,
            "_source": ["record"],
        }
        # Not by `_delete_by_query`: on a disk at its flood stage it never answers.
        while hits := self._asking.asked(of, body)["hits"]["hits"]:
            found = {hit["_id"]: RecordId(hit["_source"]["record"]) for hit in hits if hit["_id"] not in but}
            self._bulk.write(delete_acts(found, alias=of.alias, cursor=cursor))
            body["search_after"] = hits[-1]["sort"]

    def _refresh(self, of: Generation) -> None:
        self._engine.ask("POST", f"/{of.alias}/_refresh", seconds=_WRITE_SECONDS)

    def _search(self, query: Query, scope: Scope, after: str | None, limit: int, *, is_last: bool) -> Found | None:
        """Return an answer; None when what it was made from changed meanwhile, unless it is the last try."""
        answering, new = self._generations.both()
        answering.refuse_other_format()
        place = read_cursor(after, key=answering.key, query=query, scope=scope) if after is not None else None
        asked = between(clauses(query, scope), oldest=None, newest=place.newest if place else None)
        try:
            total, ranked = self._asking.ranked(answering, asked, place, limit + 1)
            stale = self._asking.stale(answering, ranked)
        except Dropped as error:
            if is_last:
                raise IndexUnavailable(str(error)) from error
            return None
        if stale and not is_last:
            return None
        chosen, following = ranked[:limit], None
        if len(ranked) > limit:
            # A batch may be seen before the cursor says so: what is later than the cursor is not on later pages.
            newest = place.newest if place else newest_order(answering.cursor)
            score, order = chosen[-1]["sort"]
            following = write_cursor(Place(score, order, newest), key=answering.key, query=query, scope=scope)
        shown = [hit for hit in chosen if hit["_id"] not in stale]
        return Found(
            hits=tuple(hit_of(hit, scope) for hit in shown),
            total=min(total, self._asking.ranked_max) - (len(chosen) - len(shown)),
            total_is_exact=total <= self._asking.ranked_max,
            next_after=following,
            position=_position(answering, new),
        )


@contextmanager
def _nobody_else() -> Iterator[None]:
    """Tell of a generation that somebody dropped under our hands as of an index that is away for now."""
    try:
        yield
    except Dropped as error:
        raise IndexUnavailable(str(error)) from error


def _position(of: Generation, new: Generation | None) -> Position:
    return Position(cursor=of.cursor, generation=of.name, rebuilding=new is not None)
