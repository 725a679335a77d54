"""What `doctor` looks for on the way in: leases nobody renews, batches that do not balance, scratch, staging."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select

from archive.database import reading
from archive.doctor import Finding
from archive.stores.port import ObjectStore
from ingest.batch import figures_of
from ingest.owners import owner_is_alive
from ingest.tables import batch, item, work_item


def check_leases(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    """Report leases that ran out or whose worker is gone, and waiting items nobody has on the list."""
    with reading(engine) as connection:
        leased = connection.execute(select(work_item).where(work_item.c.state == "leased")).all()
        orphans = (
            connection.execute(
                select(item.c.id)
                .join(work_item, work_item.c.subject_id == item.c.id, isouter=True)
                .where(item.c.state == "waiting", (work_item.c.id.is_(None)) | (work_item.c.state == "done"))
            )
            .scalars()
            .all()
        )
    for row in leased:
        if row.lease_until < now or owner_is_alive(row.owner) is False:
            yield Finding("stale-lease", row.id, f"held by {row.owner} until {row.lease_until}; run `sohoa work`")
    for item_id in orphans:
        yield Finding("item-without-work", item_id, "the item waits and nothing on the work list is about it")


def check_batches(engine: Engine) -> Iterator[Finding]:
    """Report batches whose equations do not hold."""
    with reading(engine) as connection:
        for batch_id in connection.execute(select(batch.c.id)).scalars().all():
            figures = figures_of(connection, batch_id)
            if not figures.balanced:
                yield Finding("batch-unbalanced", batch_id, str(figures))


def check_scratch(scratch: Path) -> Iterator[Finding]:
    """Report scratch folders whose process is gone."""
    if not scratch.is_dir():
        return
    for entry in sorted(scratch.iterdir()):
        parts = entry.name.split("-")
        if len(parts) < 3 or not parts[1].isdigit():
            yield Finding("stray-file", str(entry), "not a scratch folder of a worker")
        elif not _alive(int(parts[1])):
            yield Finding("stray-scratch", str(entry), "its worker is gone; run `sohoa work`")


def check_staging(engine: Engine, staging: ObjectStore) -> Iterator[Finding]:
    """Report staged objects of no item, or of items that were released."""
    with reading(engine) as connection:
        live = {
            row.staging_key.rpartition("/")[0]
            for row in connection.execute(
                select(item.c.staging_key).where(item.c.staging_key.is_not(None), item.c.released_at.is_(None))
            )
        }
    for stored in staging.list_versions():
        if stored.key.rpartition("/")[0] not in live:
            yield Finding("stray-staging", stored.key, "no item waits for this staged object")


def clean_scratch(scratch: Path) -> int:
    """Remove the scratch folders of workers that are gone; return how many."""
    removed = 0
    for finding in list(check_scratch(scratch)):
        if finding.fault == "stray-scratch":
            shutil.rmtree(finding.subject, ignore_errors=True)
            removed += 1
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
