"""What the rules of image quality said of a batch: how often each was kept, and which pages to look at.

Read from the packages, where every verdict is kept. A rule that decided nothing on any page is named: one that is
configured and never speaks is a fault of the configuration or of the scanning.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from archive.database import reading
from archive.errors import NotFound
from archive.fixity.reading import Wanted, opened_good
from archive.package.read import open_package
from archive.record import ContentPackage, PrincipalId, RecordId
from archive.retrieve import current_package
from archive.stores.port import ObjectStore
from ingest.quality import sentences_of
from ingest.reasons import Language
from ingest.tables import batch, item


@dataclass(frozen=True, slots=True)
class PageToLookAt:
    """One page with doubts: its file as it came, its number, and why in words."""

    file: str
    number: int
    doubts: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule passed, failed and had no say on the pages of a batch."""

    rule: str
    passed: int
    failed: int
    not_applicable: int

    @property
    def failed_share(self) -> float:
        """Share of the pages it decided on that failed, 0-1; 0.0 where it decided on none."""
        decided = self.passed + self.failed
        return self.failed / decided if decided else 0.0


@dataclass(slots=True)
class BatchQuality:
    """The account of a batch. unmeasured: records of an older program, whose packages keep no verdicts."""

    records: int = 0
    unmeasured: int = 0
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    pages: list[PageToLookAt] = field(default_factory=list)

    @property
    def counts(self) -> tuple[RuleCount, ...]:
        """Every rule, in order of name."""
        return tuple(
            RuleCount(rule, found["pass"], found["fail"], found["not-applicable"])
            for rule, found in sorted(self.rules.items())
        )

    @property
    def never_evaluated(self) -> tuple[str, ...]:
        """Rules that neither passed nor failed on any page."""
        return tuple(one.rule for one in self.counts if not one.passed + one.failed)

    def add(self, file: str, content: ContentPackage, language: Language) -> None:
        """Count a record's package in."""
        self.records += 1
        quality: dict[str, Any] | None = content.derivation.get("quality")
        self.unmeasured += quality is None
        for page in (quality or {}).get("pages", ()):
            for rule, (outcome, _) in page.items():
                self.rules.setdefault(rule, Counter())[outcome] += 1
        self.pages += [
            PageToLookAt(file, page.number, page.doubts, tuple(sentences_of(page, quality or {}, language)))
            for page in content.pages
            if page.doubts
        ]


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
    found = BatchQuality()
    for row in rows:
        with reading(engine) as connection:
            content = current_package(connection, RecordId(row.record_id))
        wanted = Wanted(content.object_key, content.version_id, content.sha256, principal, at)
        with opened_good(engine, store, wanted, whole=False) as stream, open_package(stream) as opened:
            found.add(row.file, opened.content(), language)
    return found
