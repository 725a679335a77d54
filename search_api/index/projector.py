"""Keeps an index up with the records stream: each event's record is projected as it stands now.

The index is behind or up to date, never wrong in between: a batch's changes and the new cursor are one
transaction of the index. A rebuild goes through the stream again into a new generation while the old one
answers, and goes on where it was when it is killed.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from archive import events
from archive.database import reading
from archive.errors import DigestMismatch, ObjectNotFound, PackageInvalid
from archive.record import RecordId
from archive.sealing import Seal
from archive.stores.port import ObjectStore
from archive.tables.log import stream_head
from archive.tables.packages import page
from search_api.errors import IndexUnavailable
from search_api.index.completeness import Completeness
from search_api.index.port import Change, RecordGone, RecordIndex
from search_api.index.projection import RecordFacts, document_of, fields_only, gather

log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
RECORDS_AT_ONCE = 100
PAGES_AT_ONCE = 800
# Acts that change nothing anybody finds a record by, and come often.
_ELSEWHERE = ("copy.", "copy-request.", "hold.", "package.locked")

Progress = Callable[[int, int], None]  # events done, events there are


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some events of the stream with the records they name, all in one view of the catalogue."""

    cursor: int
    facts: dict[RecordId, RecordFacts | None]


def records_head(connection: Connection) -> int:
    """Return the sequence number the next event of the records stream will get."""
    head: int = connection.execute(
        select(stream_head.c.next_sequence).where(stream_head.c.stream == "records")
    ).scalar_one()
    return head


class Projector:
    """Brings one index to the head of the records stream; several at once do no harm, only double work."""

    def __init__(self, engine: Engine, store: ObjectStore, seal: Seal, index: RecordIndex) -> None:
        self._engine = engine
        self._store = store
        self._seal = seal
        self._index = index

    def catch_up(self, *, seconds: float | None = None) -> Completeness:
        """Project what happened since; stop between batches once `seconds` have passed. Raises IndexUnavailable,
        and StoreUnavailable when the store is down: what can't be read for now waits."""
        until = None if seconds is None else time.monotonic() + seconds
        self._follow(building=False, until=until, progress=None)
        return self._completeness()

    def rebuild(self, *, progress: Progress | None = None) -> Completeness:
        """Make the whole index anew beside the one that answers, then let it answer."""
        self._index.start_rebuild()
        begun = self._index.position(building=True)
        with reading(self._engine) as connection:
            if begun.cursor > records_head(connection):  # begun from another archive, or before one was restored
                self._index.start_rebuild(afresh=True)
        self._follow(building=True, until=None, progress=progress)
        self._index.finish_rebuild()
        return self._completeness()

    def _follow(self, *, building: bool, until: float | None, progress: Progress | None) -> None:
        """Project batch after batch up to the head.

        A record met once stands as it was after every event before `head`: their later mention changes nothing.
        """
        with reading(self._engine) as connection:
            head = records_head(connection)
        met: set[RecordId] = set()
        cursor = self._index.position(building=building).cursor
        if cursor > head:
            raise IndexUnavailable(f"it is at event {cursor} of an archive that has {head}; rebuild it")
        while until is None or time.monotonic() < until:
            with reading(self._engine) as connection:
                batch = _next_batch(connection, cursor, met, head)
            if batch is None:
                return
            self._index.apply(list(self._changes(batch)), cursor=batch.cursor, building=building)
            cursor = batch.cursor
            met |= batch.facts.keys()
            if progress is not None:
                progress(cursor, max(head, cursor))

    def _changes(self, batch: _Batch) -> Iterator[Change]:
        for record_id, facts in batch.facts.items():
            if facts is None:
                yield RecordGone(record_id)
                continue
            try:
                yield document_of(facts, self._store, self._seal)
            except (PackageInvalid, ObjectNotFound, DigestMismatch, ValueError) as error:
                # Found by what is described until it is repaired and projected again; `check_index` names it.
                log.warning("record %s is indexed without its texts: %s", record_id, error)
                yield fields_only(facts, self._seal)

    def _completeness(self) -> Completeness:
        position = self._index.position()
        with reading(self._engine) as connection:
            head = records_head(connection)
        return Completeness(position.cursor, max(0, head - position.cursor), position.rebuilding)


def _next_batch(connection: Connection, cursor: int, met: set[RecordId], head: int) -> _Batch | None:
    """Return the next events, as many as name few enough records and pages to be held at once."""
    ids: dict[RecordId, None] = {}
    pages = 0
    end = cursor
    for event in events.read_from(connection, "records", cursor, limit=EVENTS_AT_ONCE):
        named = _record_of(event)
        if named is not None and named not in ids and not (named in met and event.sequence < head):
            pages += _page_count(connection, named)
            if ids and (len(ids) == RECORDS_AT_ONCE or pages > PAGES_AT_ONCE):
                break
            ids[named] = None
        end = event.sequence + 1
    if end == cursor:
        return None
    facts = gather(connection, list(ids))
    return _Batch(end, {one: facts.get(one) for one in ids})


def _record_of(event: events.Event) -> RecordId | None:
    body = event.body
    named = body["payload"].get("record")
    if not isinstance(named, str) or str(body["kind"]).startswith(_ELSEWHERE):
        return None
    return RecordId(named)


def _page_count(connection: Connection, record_id: RecordId) -> int:
    return len(connection.execute(select(page.c.number).where(page.c.record_id == record_id)).all())
