"""What is asked of one generation: pages that match, the best of them, what their records say of them now."""

from collections.abc import Sequence
from typing import Any

from archive.access.policy import Scope
from archive.record import RecordId
from search_api.index.cursor import Place
from search_api.index.opensearch_client import Engine
from search_api.index.opensearch_documents import page_of
from search_api.index.opensearch_generations import Generation
from search_api.index.opensearch_query import between
from search_api.index.port import IndexHit

_SHOWN = ["record", "number", "units", "order", "batch", "words"]


class Dropped(Exception):
    """The generation that was read is no more; another answers."""

    def __init__(self, of: Generation) -> None:
        super().__init__(f"{of.index} was dropped")


class Asking:
    """Questions to generations. Every method raises Dropped, which no caller of the index may see, and
    IndexUnavailable.

    ranked_max: how many of the newest pages that match are ranked.
    """

    def __init__(self, engine: Engine, *, ranked_max: int) -> None:
        self._engine = engine
        self.ranked_max = ranked_max

    def ranked(
        self, of: Generation, asked: dict[str, Any], place: Place | None, count: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many pages match, one more than are ranked at most, and the best of them after a place."""
        body: dict[str, Any] = {
            "size": count,
            "query": asked,
            "sort": [{"_score": "desc"}, {"order": "desc"}],
            "track_total_hits": self.ranked_max + 1,
            "_source": _SHOWN,
        }
        if place is not None:
            body["search_after"] = [place.score, place.page]
        found = self.asked(of, body)["hits"]
        total = found["total"]["value"]
        if total > self.ranked_max and (oldest := self._oldest_ranked(of, asked)) is not None:
            body |= {"query": between(asked, oldest=oldest, newest=None), "track_total_hits": False}
            found = self.asked(of, body)["hits"]
        return total, found["hits"]

    def _oldest_ranked(self, of: Generation, asked: dict[str, Any]) -> int | None:
        """Return the order of the oldest of the newest pages that match, as many as are ranked."""
        body = {
            "from": self.ranked_max - 1,
            "size": 1,
            "query": {"bool": {"filter": [asked]}},
            "sort": [{"order": "desc"}],
            "track_total_hits": False,
            "_source": False,
        }
        hits = self.asked(of, body)["hits"]["hits"]
        return hits[0]["sort"][0] if hits else None

    def stale(self, of: Generation, hits: Sequence[dict[str, Any]]) -> set[str]:
        """Return the ids of hits that are not of what their records are now."""
        if not hits:
            return set()
        batches = self.batches(of, sorted({hit["_source"]["record"] for hit in hits}), realtime=False)
        return {hit["_id"] for hit in hits if batches[hit["_source"]["record"]] != hit["_source"]["batch"]}

    def asked(self, of: Generation, body: dict[str, Any]) -> dict[str, Any]:
        """Search one generation; whole or not at all."""
        answer = self._engine.ask(
            "POST",
            f"/{of.alias}/_search",
            body,
            # One copy of each shard for all that is asked at once: others may be refreshed a moment later.
            params={"allow_partial_search_results": "false", "preference": of.name},
            allow=(404,),
        )
        if "error" in answer:
            raise Dropped(of)
        return answer

    def batches(self, of: Generation, ids: Sequence[RecordId], *, realtime: bool) -> dict[RecordId, int | None]:
        """Return the batch each record was last written with; None of one that is not there.

        realtime: also what nobody has been let see yet.
        """
        docs = [{"_id": one, "routing": one, "_source": ["batch"]} for one in ids]
        answer = self._engine.ask(
            "POST",
            f"/{of.alias}/_mget",
            {"docs": docs},
            params={"realtime": str(realtime).lower(), "preference": of.name},
            allow=(404,),
        )
        if "error" in answer:
            raise Dropped(of)
        return {RecordId(told["_id"]): told.get("_source", {}).get("batch") for told in answer["docs"]}


def hit_of(hit: dict[str, Any], scope: Scope) -> IndexHit:
    """Return a hit as the port has it. Raises IndexUnavailable for a page that is damaged."""
    source = hit["_source"]
    return IndexHit(
        record_id=RecordId(source["record"]),
        page=page_of(source),
        score=float(hit["sort"][0]),
        identifiers_shown=not scope.identifier_units.isdisjoint(source["units"]),
    )
