"""What a text supplement says: how each page was read again, and the digests of the texts it carries.

Its body has `reading` (an id drawn from what was read), `text_sha256`, `confidence`, `derivation` and `pages`;
docs/storage.md explains them. The text hash is one for a content package's own texts and for a supplement's.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from archive.errors import PackageInvalid
from archive.package.layout import alto_member
from archive.record import ContentPackage, PageFacts, SupplementPackage

_STATES = ("read", "blank", "failed")


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page as it was read again.

    sha256: of its text's document; None for a page that has no text. state: of that text. failure: slug of why the
    new reading failed; kept_from: the package whose text stands in its place. engine: index into the derivation's
    engines. Sizes and turns are those of the text. doubts: slugs of why a person should look at the reading.
    """

    page: int
    state: Literal["read", "blank", "failed"]
    sha256: str | None
    confidence: float | None
    failure: str | None
    kept_from: int | None
    engine: int | None
    measures: dict[str, Any]
    width_px: int
    height_px: int
    dpi: float
    quarter_turns: int
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextReading:
    """A whole record as it was read again: what a text supplement's body is made of.

    derivation: program, libraries, engines (what each says of itself) and reading options.
    """

    derivation: dict[str, Any]
    pages: tuple[PageReading, ...]

    @property
    def text_sha256(self) -> str:
        """The text hash: over the documents of all pages that have one."""
        return text_hash((one.page, one.sha256) for one in self.pages if one.sha256 is not None)

    @property
    def confidence(self) -> float | None:
        """Mean confidence of the pages with words; None without any."""
        return mean_confidence(one.confidence for one in self.pages)

    def body(self, record_id: str, parent_sha256: str) -> dict[str, Any]:
        """Return the body of its supplement to the content package with this digest."""
        return {
            "reading": reading_id(record_id, parent_sha256, self.text_sha256),
            "text_sha256": self.text_sha256,
            "confidence": self.confidence,
            "derivation": self.derivation,
            "pages": [_said(one) for one in self.pages],
        }


def _said(page: PageReading) -> dict[str, Any]:
    return {f.name: getattr(page, f.name) for f in fields(page)} | {"doubts": list(page.doubts)}


def text_hash(documents: Iterable[tuple[int, str]]) -> str:
    """Return the SHA-256 over a line `<page number> <SHA-256 of its ALTO document>` for each page, in order."""
    lines = (f"{page} {sha256}\n" for page, sha256 in sorted(documents))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def mean_confidence(of_pages: Iterable[float | None]) -> float | None:
    """Return the mean of what is known, to four places; None where nothing is."""
    known = [one for one in of_pages if one is not None]
    return round(sum(known) / len(known), 4) if known else None


def reading_id(record_id: str, parent_sha256: str, text_sha256: str) -> str:
    """Return an id drawn from what was read, so that the same reading made again is known again."""
    said = "\0".join(("text", record_id, parent_sha256, text_sha256))
    return b32encode(hashlib.sha256(said.encode()).digest()[:16]).decode().rstrip("=").lower()


def reading_of(supplement: SupplementPackage) -> TextReading:
    """Return what a text supplement says. Raises PackageInvalid if it is none, or contradicts itself."""
    body = supplement.body
    try:
        if supplement.about != "text":
            raise PackageInvalid("it is no text supplement")
        pages = tuple(_page(one) for one in body["pages"])
        reading = TextReading(dict(body["derivation"]), pages)
        said = (body["text_sha256"], body["reading"])
    except (KeyError, TypeError, ValueError) as error:
        raise PackageInvalid(f"its body is not that of a text supplement: {error!r}") from error
    if [one.page for one in pages] != list(range(1, len(pages) + 1)):
        raise PackageInvalid("its pages are not numbered from 1")
    text_sha256 = reading.text_sha256
    if said != (text_sha256, reading_id(supplement.record_id, supplement.parent_sha256, text_sha256)):
        raise PackageInvalid("its text hash is not that of its pages")
    return reading


def _page(said: Mapping[str, Any]) -> PageReading:
    page = PageReading(**{**said, "doubts": tuple(said["doubts"])})
    if page.state not in _STATES or (page.sha256 is None) != (page.state == "failed"):
        raise ValueError(f"page {page.page} is {page.state} and its text {page.sha256}")
    return page


def texts_said(supplement: SupplementPackage) -> dict[str, str]:
    """Return SHA-256 by member name of every text a supplement carries; none if it is about something else.

    Raises PackageInvalid.
    """
    if supplement.about != "text":
        return {}
    return {alto_member(one.page): one.sha256 for one in reading_of(supplement).pages if one.sha256 is not None}


def pages_read_again(content: ContentPackage, supplement: SupplementPackage) -> tuple[PageFacts, ...]:
    """Return a content package's pages with the state and text a supplement gives them.

    Their `text_member` is a member of the supplement. Raises PackageInvalid if it has other pages.
    """
    read = reading_of(supplement).pages
    if len(read) != len(content.pages):
        raise PackageInvalid(f"it has {len(read)} pages, the package it is about {len(content.pages)}")
    return tuple(_in_force(facts, one) for facts, one in zip(content.pages, read, strict=True))


def _in_force(facts: PageFacts, read: PageReading) -> PageFacts:
    return replace(
        facts,
        state=read.state,
        failure=None if read.sha256 is not None else read.failure or facts.failure,
        confidence=read.confidence,
        text_member=alto_member(facts.number) if read.sha256 is not None else None,
        width_px=read.width_px,
        height_px=read.height_px,
        dpi=read.dpi,
        quarter_turns=read.quarter_turns,
        doubts=(*read.doubts, *(doubt for doubt in facts.doubts if doubt not in facts.reading_doubts)),
    )


def engines_told(derivation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return name, version and models (SHA-256 by name) of the engines of a derivation, for lists and events."""
    found: Sequence[Mapping[str, Any]] = derivation.get("engines", ())
    return [{name: one.get(name) for name in ("engine", "version", "models")} for one in found]
