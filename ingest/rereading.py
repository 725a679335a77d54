"""Reads a kept record again with the engine at hand; what is read is kept beside its package.

1. The access event is committed and the content package opened, checked whole.
2. Each received file is copied to scratch, its digest checked, and looked into in the jail; every page is read.
3. A page that fails keeps the text it has, and the reading says so; no page becomes empty by a failure.
4. A mark of secrecy seen now stops it: nothing is deposited, and a person decides what becomes of the record.
5. A reading that says what the text in force says already is not deposited; any other is a text supplement.

The content package is only read (`rereader`).
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from archive.digest import sha256_of_bytes
from archive.log_subject import about
from archive.package.layout import alto_member
from archive.package.page_texts import PageReading, TextReading, reading_of
from archive.record import Member, PageFacts, RecordId
from archive.text_deposit import choose_text, deposit_text, secure_choice
from archive.texts import own_text_hash
from ingest.errors import MarkFound, RereadingFailed
from ingest.provenance import engines_of, tools_of
from ingest.rereader import OpenedRecord, PageAgain, Rereader, opened_record, read_pages
from ingest.secrecy import find_mark
from ocr.options import ReadingOptions
from ocr.page import ReadPage

log = logging.getLogger(__name__)

ALTO = "application/xml"


@dataclass(frozen=True, slots=True)
class Reread:
    """What a reading came to. number: of the package its text lies in; new: it was deposited now.

    failed: pages that keep the text they had. emptied: pages with words before that were read as blank.
    """

    number: int
    new: bool
    in_force: bool
    text_sha256: str
    confidence: float | None
    failed: tuple[int, ...]
    emptied: tuple[int, ...]


def read_again(desk: Rereader, record_id: RecordId, *, purpose: str, adopt: bool = True) -> Reread:
    """Read a record's current content package again and keep what was read. adopt: it is in force from then on.

    Raises NotFound, Refused, MarkFound, RereadingFailed, CapturesDiffer, an InputRejected, and what the stores
    raise.
    """
    with about(record=record_id):
        with opened_record(desk, record_id, purpose=purpose) as opened:
            with closing(desk.open_reader(ReadingOptions())) as reader:
                pages = read_pages(desk, reader, opened)
                tools = tools_of(reader)
            if all(page.reading is None for page in pages):
                raise RereadingFailed(record_id, pages[0].failure)
            texts = [(page.facts.number, page.reading.page) for page in pages if page.reading is not None]
            if (mark := find_mark(texts)) is not None:
                log.warning("a mark of secrecy was read on page %d: %s", *mark)
                raise MarkFound(record_id, *mark)
            read, members = _reading_of(opened, pages, tools)
            in_force = _hash_in_force(opened)
            own = own_text_hash(opened.package)
        number, new, chosen = opened.text_number, False, True
        if own == read.text_sha256 != in_force:
            number, chosen = opened.row.number, adopt
            if adopt:
                choose_text(desk.engine, desk.log, record_id, number, principal=desk.principal, at=desk.now())
        elif read.text_sha256 != in_force:
            kept = deposit_text(
                desk.engine,
                desk.store,
                record_id,
                read,
                members,
                parent_sha256=opened.row.sha256,
                adopt=adopt,
                principal=desk.principal,
                at=desk.now(),
                scratch=desk.scratch,
            )
            number, new, chosen = kept.number, kept.new, kept.in_force
        secure_choice(desk.engine, desk.log)
        log.info("record read again: package %d, new %s, in force %s", number, new, chosen)
    return Reread(
        number=number,
        new=new,
        in_force=chosen,
        text_sha256=read.text_sha256,
        confidence=read.confidence,
        failed=tuple(page.facts.number for page in pages if page.reading is None),
        emptied=_emptied(opened.pages, pages),
    )


def _hash_in_force(opened: OpenedRecord) -> str:
    if opened.texts is opened.package:
        return own_text_hash(opened.package)
    return reading_of(opened.texts.supplement()).text_sha256


def _emptied(before: Sequence[PageFacts], pages: Sequence[PageAgain]) -> tuple[int, ...]:
    return tuple(
        page.facts.number
        for was, page in zip(before, pages, strict=True)
        if was.state == "read" and page.reading is not None and page.reading.blank
    )


def _reading_of(
    opened: OpenedRecord, pages: Sequence[PageAgain], tools: Mapping[str, Any]
) -> tuple[TextReading, list[Member]]:
    """Return the reading and the texts it consists of, those kept for pages that failed among them."""
    engines = engines_of(page.reading for page in pages)
    told, members = [], []
    for before, page in zip(opened.pages, pages, strict=True):
        body = page.document
        if page.reading is not None and body is not None:
            told.append(_told(page.facts.number, page.reading, sha256_of_bytes(body), engines))
        else:
            body = opened.texts.read(before.text_member) if before.text_member is not None else None
            told.append(_kept(before, page.failure, body, opened.text_number))
        if body is not None:
            members.append(Member(alto_member(page.facts.number), ALTO, body))
    return TextReading({**tools, "engines": engines}, tuple(told)), members


def _told(number: int, reading: ReadPage, sha256: str, engines: Sequence[Mapping[str, Any]]) -> PageReading:
    text = reading.page
    return PageReading(
        page=number,
        state="blank" if reading.blank else "read",
        sha256=sha256,
        confidence=None if reading.blank else round(text.confidence, 4),
        failure=None,
        kept_from=None,
        engine=engines.index(reading.engine),
        measures=reading.measures,
        width_px=text.width_px,
        height_px=text.height_px,
        dpi=text.dpi,
        quarter_turns=text.quarter_turns,
        doubts=reading.doubts,
    )


def _kept(before: PageFacts, failure: str | None, body: bytes | None, number: int) -> PageReading:
    return PageReading(
        page=before.number,
        state=before.state,
        sha256=sha256_of_bytes(body) if body is not None else None,
        confidence=before.confidence,
        failure=failure,
        kept_from=number if body is not None else None,
        engine=None,
        measures={},
        width_px=before.width_px,
        height_px=before.height_px,
        dpi=before.dpi,
        quarter_turns=before.quarter_turns,
        doubts=before.reading_doubts,
    )
