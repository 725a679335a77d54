"""Texts of a record: its content package's own, and those of later readings; one of them is in force.

A later reading is a text supplement: the package it is about stays as it was put. Which text is shown and searched
is the choice of a person, an event `text.chosen`, and can be taken back: every reading stays where it is.
`text_deposit` writes what is read here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from archive.database import reading
from archive.fixity.reading import Wanted, damage_reported, opened_good
from archive.package.page_texts import (
    engines_told,
    mean_confidence,
    pages_read_again,
    reading_of,
    text_hash,
)
from archive.package.read import Package, open_package
from archive.record import ContentPackage, PageFacts, PrincipalId, RecordId
from archive.retrieve import current_package
from archive.stores.port import ObjectStore
from archive.tables.packages import package


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a record's content package, for people who choose. number: of the package its text lies in.

    engines: name, version and models of each. confidence: mean over the pages with words.
    """

    number: int
    made_at: datetime
    engines: tuple[dict[str, Any], ...]
    text_sha256: str
    confidence: float | None
    pages: int
    in_force: bool


def text_in_force(connection: Connection, content: Row[Any]) -> Row[Any] | None:
    """Return the package row of the text supplement that is in force for a content package; None: its own."""
    if content.text_number is None:
        return None
    return connection.execute(
        select(package).where(
            package.c.record_id == content.record_id,
            package.c.number == content.text_number,
            package.c.state == "deposited",
        )
    ).one()


def pages_in_force(content: Package, text: Package | None) -> tuple[PageFacts, ...]:
    """Return a content package's pages with the texts in force: of a text supplement, or None: its own.

    Each page's `text_member` is a member of whichever of the two has the texts. Raises PackageInvalid.
    """
    return content.content().pages if text is None else pages_read_again(content.content(), text.supplement())


@contextmanager
def opened_texts(
    engine: Engine, store: ObjectStore, row: Row[Any], content: Package, *, principal: PrincipalId, at: datetime
) -> Iterator[tuple[tuple[PageFacts, ...], Package]]:
    """Yield the pages of an opened content package as they stand, and the package their texts are members of.

    row: the content package's, as it was when the reading was entitled. Raises what `opened_good` raises, and
    PackageInvalid.
    """
    with reading(engine) as connection:
        text = text_in_force(connection, row)
    if text is None:
        yield pages_in_force(content, None), content
        return
    wanted = Wanted(text.object_key, text.version_id, text.sha256, principal, at)
    with (
        opened_good(engine, store, wanted, whole=False) as stream,
        damage_reported(engine, store, wanted),
        open_package(stream) as opened,
    ):
        yield pages_in_force(content, opened), opened


def own_text_hash(opened: Package) -> str:
    """Return the text hash of a content package's own texts. Raises PackageInvalid."""
    return text_hash(
        (one.number, opened.listed_sha256(one.text_member))
        for one in opened.content().pages
        if one.text_member is not None
    )


def text_rows(connection: Connection, content: Row[Any]) -> Sequence[Row[Any]]:
    """Return the package rows of every text supplement about a content package, in the order of their numbers."""
    return connection.execute(
        select(package)
        .where(
            package.c.record_id == content.record_id,
            package.c.about == "text",
            package.c.state == "deposited",
            package.c.parent_sha256 == content.sha256,
        )
        .order_by(package.c.number)
    ).all()


def readings_of(
    engine: Engine, store: ObjectStore, record_id: RecordId, *, principal: PrincipalId, at: datetime
) -> tuple[Reading, ...]:
    """Return every reading of a record's current content package, its own first. Nothing of its text is told.

    Raises NotFound, and what the store and the package reader raise.
    """
    with reading(engine) as connection:
        content = current_package(connection, record_id)
        rows = text_rows(connection, content)
    found = []
    for row in (content, *rows):
        wanted = Wanted(row.object_key, row.version_id, row.sha256, principal, at)
        with opened_good(engine, store, wanted, whole=False) as stream, open_package(stream) as opened:
            said = _own(opened) if row is content else _read_again(opened)
        found.append(
            Reading(number=row.number, in_force=row.number == (content.text_number or content.number), **said)
        )
    return tuple(found)


def _own(opened: Package) -> dict[str, Any]:
    content: ContentPackage = opened.content()
    return {
        "made_at": content.created_at,
        "engines": tuple(engines_told(content.derivation)),
        "text_sha256": own_text_hash(opened),
        "confidence": mean_confidence(one.confidence for one in content.pages),
        "pages": sum(one.text_member is not None for one in content.pages),
    }


def _read_again(opened: Package) -> dict[str, Any]:
    supplement = opened.supplement()
    read = reading_of(supplement)
    return {
        "made_at": supplement.created_at,
        "engines": tuple(engines_told(read.derivation)),
        "text_sha256": read.text_sha256,
        "confidence": read.confidence,
        "pages": sum(one.sha256 is not None for one in read.pages),
    }
