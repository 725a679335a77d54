"""The record index in one SQLite file: FTS5 terms, the scope inside every query, generations side by side.

Ranking is bm25 over the newest 5,000 pages that match; where more match, the answer says so. A page of an
answer begins after the last hit shown, so that nothing is left out or shown twice while the index stands still;
pages that came later than the first page of the answer are not in it.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from archive.access.policy import Scope
from archive.record import RecordId
from search_api.errors import IndexUnavailable
from search_api.index.cursor import Place, read_cursor, write_cursor
from search_api.index.packing import unpack_page
from search_api.index.port import Change, Found, IndexHit, Position, RecordDocument
from search_api.index.query import Query
from search_api.index.sqlite_file import IndexFile, is_damage
from search_api.index.sqlite_match import Reach, Row, matching, reach_of
from search_api.index.sqlite_tables import (
    FORMAT_NUMBER,
    Generation,
    answering,
    classes,
    drop,
    forget,
    make_file,
    make_generation,
    merge_some,
    swap,
    write,
)
from search_api.index.sqlite_tables import (
    building as _being_built,
)

RANKED_MAX = 5_000

_HITS = (
    "SELECT p.id, r.record_id, p.class, p.number, t.exact, w.words FROM json_each(?) c "
    "JOIN {page} p ON p.id = c.value JOIN {record} r ON r.id = p.record "
    "JOIN {page_terms} t ON t.page = p.id JOIN {page_words} w ON w.page = p.id"
)


class SqliteIndex:
    """A RecordIndex in a file; made empty when there is none."""

    def __init__(self, path: Path, *, ranked_max: int = RANKED_MAX) -> None:
        self._file = IndexFile(path, format_number=FORMAT_NUMBER, make=make_file)
        self._ranked_max = ranked_max

    def position(self, *, building: bool = False) -> Position:
        """Return how far the answering generation is, or the one being built."""
        with self._file.reading() as connection:
            return _position(connection, building=building)

    def apply(self, changes: Sequence[Change], *, cursor: int, building: bool = False) -> None:
        """Make the changes and move the cursor, all of it or nothing; a cursor that is not ahead does nothing."""
        with self._file.writing() as connection:
            to = _generation(connection, building=building)
            if cursor <= to.cursor:
                return
            for change in changes:
                if isinstance(change, RecordDocument):
                    write(connection, to, change)
                else:
                    forget(connection, to, change.record_id)
            connection.execute("UPDATE generation SET cursor = ? WHERE number = ?", (cursor, to.number))

    def search(self, query: Query, *, scope: Scope, after: str | None, limit: int) -> Found:
        """Return the best hits within the scope, from `after` on."""
        with self._file.reading() as connection:
            of = answering(connection)
            place = read_cursor(after, key=of.key, query=query, scope=scope) if after is not None else None
            newest = place.newest if place else _newest(connection, of)
            reach = reach_of(connection, of, scope)
            count, rows = matching(
                connection,
                of,
                query,
                scope,
                reach,
                newest=newest,
                ranked_max=self._ranked_max,
                after=(place.score, -place.page) if place else None,
                limit=limit + 1,
            )
            chosen, following = rows[:limit], None
            if len(rows) > limit:
                score, page = chosen[-1]
                following = write_cursor(Place(score, -page, newest), key=of.key, query=query, scope=scope)
            return Found(
                hits=tuple(_hits(connection, of, chosen, reach)),
                total=min(count, self._ranked_max),
                total_is_exact=count <= self._ranked_max,
                next_after=following,
                position=_position(connection, building=False),
            )

    def start_rebuild(self, *, afresh: bool = False) -> None:
        """Begin a new, empty generation; one begun before goes on. A damaged file is thrown away first."""
        try:
            self._begin(afresh=afresh)
        except IndexUnavailable as error:
            if not is_damage(error.__cause__):
                raise
            self._file.throw_away()
            self._begin(afresh=afresh)

    def finish_rebuild(self) -> None:
        """Let the new generation answer and drop the old one, in one step."""
        while self._merge_some():
            pass
        with self._file.writing() as connection:
            new = _being_built(connection)
            if new is not None:
                swap(connection, new)

    def records(self) -> Iterator[tuple[RecordId, str, str]]:
        """Yield id, state and package digest of every record found here, by id."""
        with self._file.reading() as connection:
            rows = (
                answering(connection)
                .run(connection, "SELECT record_id, state, package_sha256 FROM {record} ORDER BY record_id")
                .fetchall()
            )
        yield from rows

    def damage(self) -> str | None:
        """Read the whole file and say what is wrong with it; None: nothing. Slow on a large index."""
        try:
            with self._file.writing() as connection:
                (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                of = answering(connection)
                for number in classes(connection, of):
                    of.run(connection, "INSERT INTO {terms} ({terms}) VALUES ('integrity-check')", of_class=number)
        except IndexUnavailable as error:
            return error.reason
        return None if said == "ok" else str(said)

    def close(self) -> None:
        """Close the connections."""
        self._file.close()

    def _merge_some(self) -> bool:
        """Merge a little of what a rebuild wrote piece by piece, in a short transaction; False: all is merged."""
        with self._file.writing() as connection:
            new = _being_built(connection)
            return new is not None and any(
                merge_some(connection, new, number) for number in classes(connection, new)
            )

    def _begin(self, *, afresh: bool) -> None:
        with self._file.writing() as connection:
            begun = _being_built(connection)
            if begun is not None and afresh:
                drop(connection, begun)
            if begun is None or afresh:
                make_generation(connection, answers=False)


def _generation(connection: sqlite3.Connection, *, building: bool) -> Generation:
    if building:
        new = _being_built(connection)
        if new is None:
            raise IndexUnavailable("no generation is being built")
        return new
    return answering(connection)


def _position(connection: sqlite3.Connection, *, building: bool) -> Position:
    new = _being_built(connection)
    of = new if building and new is not None else answering(connection)
    return Position(cursor=of.cursor, generation=of.name, rebuilding=new is not None)


def _newest(connection: sqlite3.Connection, of: Generation) -> int:
    (newest,) = of.run(connection, "SELECT coalesce(max(id), 0) FROM {page}").fetchone()
    return int(newest)


def _hits(
    connection: sqlite3.Connection, of: Generation, chosen: Sequence[Row], reach: Reach
) -> Iterator[IndexHit]:
    """Yield the hits in the order chosen, their words read."""
    asked = json.dumps([-page for _, page in chosen])
    rows = {page: rest for page, *rest in of.run(connection, _HITS, (asked,))}
    for score, page in chosen:
        record_id, of_class, number, exact, words = rows[-page]
        yield IndexHit(
            record_id=RecordId(record_id),
            page=unpack_page(number, exact, words),
            score=-score,
            identifiers_shown=of_class in reach.identifiers,
        )
