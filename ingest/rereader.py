"""A kept record opened to be read again: its received files in scratch, each page read in the jail.

The content package is only read. A page that fails is told as failed; what becomes of it is for who asked.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row

from archive.digest import sha256_of_file
from archive.errors import DigestMismatch
from archive.log.keeper import LogKeeper
from archive.package.read import Package, open_package
from archive.record import ContentPackage, PageFacts, PrincipalId, ReceivedFile, RecordId
from archive.retrieve import released
from archive.stores.port import ObjectStore
from archive.texts import opened_texts
from ingest.disks import Place, blame_scratch
from ingest.errors import CapturesDiffer
from ingest.pages import document_of, document_with_running_lines
from ocr.errors import PageFailed
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, FileProbe, ReadPage
from ocr.reader import Reader


@dataclass(frozen=True, slots=True)
class Rereader:
    """Who reads again, and with what.

    log: keeps it in the vault. open_reader: starts a jailed reader with these options over scratch, a folder of
    this process. places: where that lies, to tell a full disk from a bad page.
    """

    engine: Engine
    store: ObjectStore
    log: LogKeeper
    open_reader: Callable[[ReadingOptions], Reader]
    places: Sequence[Place]
    principal: PrincipalId
    scratch: Path
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class PageAgain:
    """One page of the content package, with what reading it again gave."""

    facts: PageFacts
    reading: ReadPage | None
    failure: str | None

    @property
    def document(self) -> bytes | None:
        """The ALTO document of what was read; None if it failed."""
        return None if self.reading is None else document_of(self.reading, self.facts)


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record's content package, opened, and its texts in force. text_number: of the package these are in."""

    record_id: RecordId
    row: Row[Any]
    package: Package
    content: ContentPackage
    pages: tuple[PageFacts, ...]
    texts: Package
    text_number: int


@contextmanager
def opened_record(desk: Rereader, record_id: RecordId, *, purpose: str) -> Iterator[OpenedRecord]:
    """Commit the access event, then open the content package, checked whole, and the texts in force."""
    with (
        released(
            desk.engine,
            desk.store,
            record_id,
            act="record.reread",
            principal=desk.principal,
            purpose=purpose,
            at=desk.now(),
        ) as (row, stream),
        open_package(stream) as package,
        opened_texts(desk.engine, desk.store, row, package, principal=desk.principal, at=desk.now()) as (
            pages,
            texts,
        ),
    ):
        number = row.text_number or row.number
        yield OpenedRecord(record_id, row, package, package.content(), pages, texts, number)


def read_pages(desk: Rereader, reader: Reader, opened: OpenedRecord) -> list[PageAgain]:
    """Read every page of an opened record; a page that fails is told as failed. Raises CapturesDiffer."""
    found: dict[int, PageAgain] = {}
    for received in opened.content.received:
        path = _extracted(opened.package, received, desk.scratch)
        try:
            of_file = [facts for facts in opened.content.pages if facts.file_sha256 == received.sha256]
            captures = _captures_of(opened.record_id, of_file, reader.probe(path))
            again = [
                _read_one(desk, reader, path, facts, capture, following)
                for facts, capture, following in zip_longest(of_file, captures, captures[1:])
            ]
            marked = document_with_running_lines([page.reading for page in again])
            for page, read in zip(again, marked, strict=True):
                found[page.facts.number] = replace(page, reading=read)
        finally:
            reader.leave()
            path.unlink(missing_ok=True)
    return [found[facts.number] for facts in opened.content.pages]


def _captures_of(record_id: RecordId, pages: Sequence[PageFacts], probe: FileProbe) -> list[CaptureProbe]:
    """Return the capture of each page, which must be what it was made from. Raises CapturesDiffer."""
    captures = {capture.index: capture for capture in probe.captures}
    found = []
    for facts in pages:
        capture = captures.get(facts.file_index)
        if capture is None or capture.sha256 != facts.image_sha256:
            raise CapturesDiffer(record_id, facts.number)
        found.append(capture)
    return found


def _read_one(
    desk: Rereader,
    reader: Reader,
    path: Path,
    facts: PageFacts,
    capture: CaptureProbe,
    following: CaptureProbe | None,
) -> PageAgain:
    try:
        return PageAgain(facts, reader.read_page(path, capture, following=following), None)
    except PageFailed as error:
        blame_scratch(error, desk.places, path)
        return PageAgain(facts, None, error.code)


def _extracted(package: Package, received: ReceivedFile, scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"received-{received.sha256[:16]}"
    with package.open(received.member) as stream, path.open("wb") as out:
        while chunk := stream.read(1 << 20):
            out.write(chunk)
    found, _ = sha256_of_file(path)
    if found != received.sha256:
        path.unlink()
        raise DigestMismatch(received.member, received.sha256, found)
    return path
