"""Reads every page of an item once and keeps each result, so that a restart reads no page twice."""

import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, insert, select

from archive import failpoints
from archive.database import reading, writing
from archive.record import PageFacts
from ingest import timings, worklist
from ingest.batch_state import refuse_halted
from ingest.desk import Desk
from ingest.disks import blame_scratch
from ingest.tables import page_result
from ingest.worklist import Claim
from ocr import alto
from ocr.errors import PageFailed
from ocr.page import CaptureProbe, FileProbe, ReadPage
from ocr.running import with_running_lines
from ocr.wire import read_page_from_json, read_page_to_json


@dataclass(frozen=True, slots=True)
class KeptPage:
    """One page's kept result: a reading, or the slug and sentence of why there is none."""

    index: int
    reading: ReadPage | None
    failure: str | None
    failure_detail: str | None

    @property
    def blank(self) -> bool:
        """Whether the page was read and nothing is on it."""
        return self.reading is not None and self.reading.blank

    @property
    def state(self) -> Literal["read", "blank", "failed"]:
        """What became of the page."""
        if self.reading is None:
            return "failed"
        return "blank" if self.blank else "read"


def document_of(reading: ReadPage, page: PageFacts) -> bytes:
    """Return the ALTO document of what was read on a page of a record."""
    return alto.to_alto(
        reading.page, file_sha256=page.file_sha256, file_index=page.file_index, image_sha256=page.image_sha256
    )


def kept_pages(connection: Connection, work_item_id: str) -> dict[int, KeptPage]:
    """Return what is already read of a work item, by index in its file, running lines marked."""
    rows = connection.execute(
        select(page_result).where(page_result.c.work_item_id == work_item_id).order_by(page_result.c.file_index)
    ).all()
    found = [
        read_page_from_json(json.loads(zlib.decompress(row.reading))) if row.reading else None for row in rows
    ]
    return {
        row.file_index: KeptPage(row.file_index, read, row.failure, row.failure_detail)
        for row, read in zip(rows, document_with_running_lines(found), strict=True)
    }


def document_with_running_lines(readings: Sequence[ReadPage | None]) -> list[ReadPage | None]:
    """Return the readings of one file, in its order, with running lines marked; None for a page that failed."""
    marked = iter(with_running_lines([read.page for read in readings if read is not None]))
    return [replace(read, page=next(marked)) if read is not None else None for read in readings]


def kept_indices(connection: Connection, work_item_id: str) -> set[int]:
    """Return which pages of a work item are kept, by index in its file."""
    query = select(page_result.c.file_index).where(page_result.c.work_item_id == work_item_id)
    return set(connection.execute(query).scalars())


def read_pages(desk: Desk, claim: Claim, received: Path, probe: FileProbe) -> Sequence[KeptPage]:
    """Read the pages that are not kept yet and return all of them in order. Raises LeaseLost."""
    read_missing(desk, claim, received, probe.captures)
    with reading(desk.engine) as connection:
        kept = kept_pages(connection, claim.whole_id)
    return [kept[capture.index] for capture in probe.captures]


def read_missing(desk: Desk, claim: Claim, received: Path, captures: Sequence[CaptureProbe]) -> None:
    """Read and keep those of some pages that are not kept yet.

    A page that fails is kept as failed with its reason; it never stops the others. The lease is checked
    with each page kept: a worker that lost it stops here, with LeaseLost; of a batch that was halted, before the
    next page, with BatchHalted.
    """
    with reading(desk.engine) as connection:
        kept = kept_indices(connection, claim.whole_id)
    missing = [capture for capture in captures if capture.index not in kept]
    try:
        for capture, following in zip_longest(missing, missing[1:]):
            with reading(desk.engine) as connection:
                refuse_halted(connection, claim.item_id)
            _read_one(desk, claim, received, capture, following)
            failpoints.passing("reading")
    finally:
        desk.reader.leave()


def _read_one(
    desk: Desk, claim: Claim, received: Path, capture: CaptureProbe, following: CaptureProbe | None
) -> None:
    started = time.monotonic()
    try:
        result = KeptPage(capture.index, desk.reader.read_page(received, capture, following=following), None, None)
    except PageFailed as error:
        blame_scratch(error, desk.settings.places, received)
        result = KeptPage(capture.index, None, error.code, str(error)[:500])
    timings.took("page", result.state, time.monotonic() - started)
    packed = None
    if result.reading is not None:
        packed = zlib.compress(json.dumps(read_page_to_json(result.reading)).encode(), 6)
    with writing(desk.engine) as connection:
        worklist.renew(connection, claim, now=desk.now(), settings=desk.settings)
        connection.execute(
            insert(page_result).values(
                work_item_id=claim.whole_id,
                file_index=capture.index,
                state=result.state,
                reading=packed,
                failure=result.failure,
                failure_detail=result.failure_detail,
                seconds=round(time.monotonic() - started, 3),
                kept_at=desk.now(),
            )
        )
