"""What the rules of image quality said of a batch: how often each was kept, and which pages to look at.

Read from the packages, where every verdict is kept.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from archive.database import reading
from archive.errors import NotFound
from archive.fixity.reading import Wanted, opened_good
from archive.package.read import open_package
from archive.record import PrincipalId, RecordId
from archive.retrieve import current_package
from archive.stores.port import ObjectStore
from ingest.quality import sentences_of
from ingest.reasons import Language
from ingest.tables import batch, item
from ocr.quality.verdicts import Outcome, RuleCount, counted


@dataclass(frozen=True, slots=True)
class PageToLookAt:
    """One page with doubts: its file as it came, its number, and why in words."""

    file: str
    number: int
    doubts: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchQuality:
    """The account of a batch. unmeasured: records of an older program, whose packages keep no verdicts."""

    records: int
    unmeasured: int
    rules: tuple[RuleCount, ...]
    pages: tuple[PageToLookAt, ...]


def quality_of(
    engine: Engine, store: ObjectStore, batch_id: str, *, principal: PrincipalId, at: datetime, language: Language
) -> BatchQuality:
    """Return what image quality came to in the records made of a batch. Nothing of their text is told.

    Raises NotFound, and what the store and the package reader raise.
    """
    with reading(engine) as connection:
        if connection.execute(select(batch.c.id).where(batch.c.id == batch_id)).first() is None:
            raise NotFound("batch", batch_id)
        rows = connection.execute(
            select(item.c.file, item.c.record_id)
            .where(item.c.batch_id == batch_id, item.c.state == "archived")
            .order_by(item.c.position)
        ).all()
    unmeasured = 0
    outcomes: list[tuple[str, Outcome]] = []
    pages: list[PageToLookAt] = []
    for row in rows:
        with reading(engine) as connection:
            current = current_package(connection, RecordId(row.record_id))
        wanted = Wanted(current.object_key, current.version_id, current.sha256, principal, at)
        with opened_good(engine, store, wanted, whole=False) as stream, open_package(stream) as opened:
            content = opened.content()
        quality: dict[str, Any] = content.derivation.get("quality", {})
        unmeasured += not quality
        outcomes += [(rule, told[0]) for page in quality.get("pages", ()) for rule, told in page.items()]
        pages += [
            PageToLookAt(row.file, page.number, page.doubts, tuple(sentences_of(page, quality, language)))
            for page in content.pages
            if page.doubts
        ]
    return BatchQuality(len(rows), unmeasured, counted(outcomes), tuple(pages))
