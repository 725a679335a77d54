"""Spreads the pages of a long document over workers as shares of its work, and gathers what they kept.

A share is work of its own: a range of pages, claimed, leased, counted and resumed like any other. It keeps its
pages under the work of its document, which waits meanwhile; whoever ends the last share calls that back. A share
that is quarantined leaves its pages to the document's own work, where what kills a worker counts against the item.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from archive import failpoints
from archive.database import reading, writing
from archive.identifiers import new_id
from archive.log_subject import about
from ingest import timings, worklist
from ingest.bell import Ring
from ingest.desk import Desk, open_received
from ingest.lanes import Lane
from ingest.pages import kept_indices, read_missing
from ingest.shares import are_under_way, recall, remove_shares
from ingest.tables import item, work_item
from ingest.worklist import Claim
from ocr.errors import InputRejected
from ocr.page import FileProbe

SHARE_PAGES = 20
NET_SECONDS = 30.0  # until a document looks after its shares by itself, should nobody have called it back


def spread(desk: Desk, claim: Claim, probe: FileProbe) -> bool:
    """Put the pages of a long document on the list as shares and its own work back; False if it is not to be.

    It is spread once, when more pages than the setting says are not read yet. Shares stand in line where the
    document stood. Raises LeaseLost.
    """
    if "spread" in claim.frozen or desk.settings.spread_pages <= 0:
        return False
    with reading(desk.engine) as connection:
        kept = kept_indices(connection, claim.work_item_id)
    missing = [capture.index for capture in probe.captures if capture.index not in kept]
    if len(missing) <= max(desk.settings.spread_pages, SHARE_PAGES):
        return False
    now = desk.now()
    with writing(desk.engine) as connection:
        place = connection.execute(
            select(work_item.c.batch_id, work_item.c.lane, work_item.c.next_try_at).where(
                work_item.c.id == claim.work_item_id
            )
        ).one()
        shares = [
            worklist.add_work(
                connection,
                new_id(),
                batch_id=place.batch_id,
                lane=place.lane,
                now=place.next_try_at,
                kind="pages",
                frozen=_share_of(claim, missing[at : at + SHARE_PAGES], due=place.next_try_at),
            )
            for at in range(0, len(missing), SHARE_PAGES)
        ]
        claim = worklist.freeze(connection, claim, {**claim.frozen, "spread": shares}, now=now)
        worklist.put_back(connection, claim, now=now, after_seconds=NET_SECONDS)
    failpoints.passing("spread")
    # Rung for by the document's id: a share's is gone from the list by the time a late ring is heard.
    desk.bell.ring([Ring(claim.work_item_id, place.lane)] * len(shares))
    return True


def _share_of(claim: Claim, indices: list[int], *, due: datetime) -> dict[str, Any]:
    """Return what is frozen in a share: from, to: the first and last index in the file of what it is to read."""
    return {
        "item": claim.item_id,
        "work": claim.work_item_id,
        "from": indices[0],
        "to": indices[-1],
        "due": due.isoformat(),
    }


def gather(desk: Desk, claim: Claim) -> Claim | None:
    """Take a spread document's shares off the list if all are over; else put its work back and return None.

    Raises LeaseLost.
    """
    now = desk.now()
    with writing(desk.engine) as connection:
        # The row is ours from here on: a share that ends this moment either is seen as over, or calls back what is
        # put back below.
        worklist.renew(connection, claim, now=now, settings=desk.settings)
        if are_under_way(connection, claim.frozen["spread"]):
            worklist.put_back(connection, claim, now=now, after_seconds=NET_SECONDS)
            return None
        remove_shares(connection, claim.frozen)
        claim = worklist.freeze(connection, claim, {**claim.frozen, "spread": []}, now=now)
    failpoints.passing("gathered")
    return claim


def read_share(desk: Desk, claim: Claim) -> None:
    """Read those pages of a claimed share that are not kept yet, and end the share.

    Safe to call again after a death at any point. Raises LeaseLost, also when the document's work is over, and
    errors of the stores or the database, after which the share is tried again.
    """
    with about(item=claim.item_id, work_item=claim.work_item_id):
        failpoints.passing("claim")
        workplace = desk.scratch / claim.work_item_id
        try:
            reason = _read_range(desk, claim, workplace)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
        lane = end_share(desk.engine, claim, reason=reason, now=desk.now())
        failpoints.passing("share-ended")
        if lane is not None:
            desk.bell.ring([Ring(claim.whole_id, lane)])


def _read_range(desk: Desk, claim: Claim, workplace: Path) -> str | None:
    """Read what is missing; return the slug of why the file cannot be, if so: the document's work will say it."""
    with reading(desk.engine) as connection:
        subject = connection.execute(select(item).where(item.c.id == claim.item_id)).one()
    try:
        received, probe = open_received(desk, subject, workplace)
    except InputRejected as error:
        return error.code
    first, last = claim.frozen["from"], claim.frozen["to"]
    with timings.stage("read"):
        read_missing(desk, claim, received, [c for c in probe.captures if first <= c.index <= last])
    return None


def end_share(engine: Engine, claim: Claim, *, reason: str | None, now: datetime) -> Lane | None:
    """Note a share as done. Was it the last one, its document's work is due again; return the lane to ring in.

    Raises LeaseLost.
    """
    with writing(engine) as connection:
        worklist.finish(connection, claim, reason=reason, now=now)
        # Two that end at once are told apart by the lock on the document's row: the second sees the first as done.
        whole = connection.execute(
            select(work_item.c.frozen).where(work_item.c.id == claim.whole_id).with_for_update()
        ).scalar_one()
        if are_under_way(connection, whole["spread"]):
            return None
        return recall(connection, claim.frozen)
