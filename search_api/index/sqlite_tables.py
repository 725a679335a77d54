"""The tables of a SQLite index: one set for each generation, and the writing of a record into it.

A record's units, mode and whether it is accepted make its *class*. There are few classes, and each has a table of
terms and described values of its own: a scope is decided once a query for each class, and what is out of scope is
then not even touched, so that neither the time of an answer nor its scores tell of it. The terms are FTS5 tables
without content of their own: what is needed to forget a page, its exact terms, is kept beside its words.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archive.access.policy import KEPT
from archive.identifiers import new_id
from archive.record import RecordId
from search_api.index.packing import pack_words
from search_api.index.port import IndexedField, IndexedPage, RecordDocument
from search_api.index.words import fold_terms

FORMAT_NUMBER = 1
_NAMES = ("record", "class", "holder", "value", "record_value", "page", "page_terms", "page_words")
_TABLES = (
    "CREATE TABLE {class} (id INTEGER PRIMARY KEY, units TEXT NOT NULL, mode TEXT NOT NULL, "
    "kept INTEGER NOT NULL, UNIQUE (units, mode, kept))",
    "CREATE TABLE {record} (id INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT NOT NULL UNIQUE, "
    "state TEXT NOT NULL, package_number INTEGER NOT NULL, package_sha256 TEXT NOT NULL, "
    "archive_number TEXT NOT NULL)",
    "CREATE TABLE {holder} (party TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (party, record)) "
    "WITHOUT ROWID",
    "CREATE INDEX ix_{holder} ON {holder} (record)",
    "CREATE TABLE {value} (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, name TEXT NOT NULL, "
    "folded TEXT NOT NULL, exact TEXT NOT NULL, UNIQUE (class, name, folded, exact))",
    "CREATE TABLE {record_value} (record INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (record, value)) "
    "WITHOUT ROWID",
    "CREATE INDEX ix_{record_value} ON {record_value} (value, record)",
    # Never an id again: what a cursor has shown stays below what comes later.
    "CREATE TABLE {page} (id INTEGER PRIMARY KEY AUTOINCREMENT, record INTEGER NOT NULL, "
    "number INTEGER NOT NULL, class INTEGER NOT NULL)",
    "CREATE INDEX ix_{page} ON {page} (record, number)",
    # Apart, for the terms of thousands of pages may be looked at to find the few whose words are read.
    "CREATE TABLE {page_terms} (page INTEGER PRIMARY KEY, exact TEXT NOT NULL)",
    "CREATE TABLE {page_words} (page INTEGER PRIMARY KEY, words BLOB NOT NULL)",
)
# A term is ASCII letters and digits, whatever is not ASCII, and the prefix of tokens: one token each.
_TERMS = "CREATE VIRTUAL TABLE {terms} USING fts5(exact, folded, content='', tokenize=\"ascii tokenchars '_'\")"
_MERGED_AT_ONCE = 500  # leaf pages of 4 kB: a fraction of a second


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of tables. key: of the cursors given out from it."""

    number: int
    name: str
    key: bytes
    cursor: int

    def sql(self, template: str, *, of_class: int | None = None, **parts: str) -> str:
        """Return SQL with this generation's tables for the nouns in braces (`terms`: those of a class), and parts
        made the same way."""
        names = {noun: f"{noun}_{self.number}" for noun in _NAMES}
        if of_class is not None:
            names["terms"] = f"terms_{self.number}_{of_class}"
        return template.format_map(names | parts)

    def run(
        self,
        on: sqlite3.Connection,
        template: str,
        values: Sequence[Any] = (),
        *,
        of_class: int | None = None,
    ) -> sqlite3.Cursor:
        """Run a statement given as for `sql`."""
        return on.execute(self.sql(template, of_class=of_class), values)


def make_file(connection: sqlite3.Connection) -> None:
    """Lay an empty index into an empty file: one generation, and it answers."""
    connection.execute(
        "CREATE TABLE generation (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, "
        "key BLOB NOT NULL, cursor INTEGER NOT NULL, answers INTEGER NOT NULL)"
    )
    make_generation(connection, answers=True)


def make_generation(connection: sqlite3.Connection, *, answers: bool) -> None:
    """Add an empty generation."""
    connection.execute(
        "INSERT INTO generation (name, key, cursor, answers) VALUES (?, ?, 0, ?)",
        (new_id(), secrets.token_bytes(32), answers),
    )
    made = next(_generations(connection, answers=answers))
    for statement in _TABLES:
        connection.execute(made.sql(statement))


def answering(connection: sqlite3.Connection) -> Generation:
    """Return the generation that answers."""
    return next(_generations(connection, answers=True))


def building(connection: sqlite3.Connection) -> Generation | None:
    """Return the generation being built, if any."""
    return next(_generations(connection, answers=False), None)


def swap(connection: sqlite3.Connection, new: Generation) -> None:
    """Let a generation answer and drop the one before."""
    old = answering(connection)
    connection.execute("UPDATE generation SET answers = (number = ?)", (new.number,))
    drop(connection, old)


def drop(connection: sqlite3.Connection, old: Generation) -> None:
    """Drop a generation with its tables."""
    connection.execute("DELETE FROM generation WHERE number = ?", (old.number,))
    for number in classes(connection, old):
        old.run(connection, "DROP TABLE {terms}", of_class=number)
    for noun in _NAMES:
        old.run(connection, f"DROP TABLE {{{noun}}}")


def classes(connection: sqlite3.Connection, of: Generation) -> list[int]:
    """Return the numbers of a generation's classes."""
    return [number for (number,) in of.run(connection, "SELECT id FROM {class} ORDER BY id")]


def merge_some(connection: sqlite3.Connection, of: Generation, number: int) -> bool:
    """Merge some of the segments of a class's terms; say whether there was anything to merge.

    Negative: all segments into one in the end, step by step; FTS5 tells by the rows it changed.
    """
    before = connection.total_changes
    of.run(
        connection, "INSERT INTO {terms} ({terms}, rank) VALUES ('merge', ?)", (-_MERGED_AT_ONCE,), of_class=number
    )
    return connection.total_changes - before > 1


def _generations(connection: sqlite3.Connection, *, answers: bool) -> Iterator[Generation]:
    for row in connection.execute(
        "SELECT number, name, key, cursor FROM generation WHERE answers = ? ORDER BY number", (answers,)
    ):
        yield Generation(*row)


def forget(connection: sqlite3.Connection, of: Generation, record_id: RecordId) -> None:
    """Take a record out; one that is not there is no fault."""
    row = of.run(connection, "SELECT id FROM {record} WHERE record_id = ?", (record_id,)).fetchone()
    if row is None:
        return
    pages = of.run(
        connection,
        "SELECT p.id, p.class, t.exact FROM {page} p JOIN {page_terms} t ON t.page = p.id WHERE p.record = ?",
        row,
    ).fetchall()
    for page, number, exact in pages:
        of.run(
            connection,
            "INSERT INTO {terms} ({terms}, rowid, exact, folded) VALUES ('delete', ?, ?, ?)",
            (page, exact, fold_terms(exact)),
            of_class=number,
        )
    for statement in (
        "DELETE FROM {page_terms} WHERE page IN (SELECT id FROM {page} WHERE record = ?)",
        "DELETE FROM {page_words} WHERE page IN (SELECT id FROM {page} WHERE record = ?)",
        "DELETE FROM {page} WHERE record = ?",
        "DELETE FROM {holder} WHERE record = ?",
        "DELETE FROM {record_value} WHERE record = ?",
        "DELETE FROM {record} WHERE id = ?",
    ):
        of.run(connection, statement, row)


def write(connection: sqlite3.Connection, to: Generation, document: RecordDocument) -> None:
    """Put a record in, in the place of what was there of it."""
    forget(connection, to, document.record_id)
    record = to.run(
        connection,
        "INSERT INTO {record} (record_id, state, package_number, package_sha256, archive_number) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            document.record_id,
            document.state,
            document.package_number,
            document.package_sha256,
            document.archive_number,
        ),
    ).lastrowid
    assert record is not None
    for party in sorted(document.holders):
        to.run(connection, "INSERT INTO {holder} VALUES (?, ?)", (party, record))
    number = _class_of(connection, to, document)
    for one in set(document.fields):
        _write_field(connection, to, record, number, one)
    for page in document.pages:
        _write_page(connection, to, record, number, page)


def _class_of(connection: sqlite3.Connection, of: Generation, document: RecordDocument) -> int:
    """Return the number of a record's class, made with its table of terms if it is the first of it."""
    values = (json.dumps(sorted(document.units)), document.mode, document.state in KEPT)
    made = of.run(
        connection, "INSERT OR IGNORE INTO {class} (units, mode, kept) VALUES (?, ?, ?)", values
    ).rowcount
    (number,) = of.run(
        connection, "SELECT id FROM {class} WHERE units = ? AND mode = ? AND kept = ?", values
    ).fetchone()
    if made:
        of.run(connection, _TERMS, of_class=number)
    return int(number)


def _write_field(
    connection: sqlite3.Connection, to: Generation, record: int, of_class: int, one: IndexedField
) -> None:
    values = (of_class, one.name, one.folded, one.exact)
    to.run(connection, "INSERT OR IGNORE INTO {value} (class, name, folded, exact) VALUES (?, ?, ?, ?)", values)
    to.run(
        connection,
        "INSERT INTO {record_value} SELECT ?, id FROM {value} "
        "WHERE class = ? AND name = ? AND folded = ? AND exact = ?",
        (record, *values),
    )


def _write_page(
    connection: sqlite3.Connection, to: Generation, record: int, of_class: int, page: IndexedPage
) -> None:
    number = to.run(
        connection,
        "INSERT INTO {page} (record, number, class) VALUES (?, ?, ?)",
        (record, page.number, of_class),
    ).lastrowid
    to.run(connection, "INSERT INTO {page_terms} VALUES (?, ?)", (number, page.exact))
    to.run(connection, "INSERT INTO {page_words} VALUES (?, ?)", (number, pack_words(page.words)))
    to.run(
        connection,
        "INSERT INTO {terms} (rowid, exact, folded) VALUES (?, ?, ?)",
        (number, page.exact, page.folded),
        of_class=of_class,
    )
