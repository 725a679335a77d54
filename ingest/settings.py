"""Settings of the way in, each with its default and what it changes; read at the doors, passed as values."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ingest.disks import Place
from retention.locks import LockSettings


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How batches are taken in and worked.

    staging_url: the store of received and frozen files, without locks. scratch: folder for unpacked work,
    on any disk, emptied by its owner. engine_url: the reader of pages.
    lease_seconds: a claim nobody renews for this long is given to another. heartbeat_seconds: how often a
    living worker renews it. death_limit, interruption_limit, failure_limit: then the item is quarantined.
    settle_seconds: a file must lie unchanged this long before it is picked up; settle_patience_seconds: how
    long intake waits for that. max_manifest_rows: more refuse the batch.
    acceptance: who accepts clean items, a person (by batch) or the stated policy, straight after deposit.
    doubtful_pages: whether a page with doubts (of its reading, or of an image to scan again) is only told, or
    holds its item for a person too. quality_rules: a file of the agency's own rules of image quality. sector: of
    administration, for rules that hold in one only.
    timestamp_url: RFC 3161 service; when set every signature is B-T or there is none.
    broker_url: amqp(s)://user@host:port/vhost of the broker that rings for work; None: workers look by themselves.
    sweep_seconds: how often the sweeper looks for leases that ran out and work nobody was rung for.
    worker_memory_mb: a worker process of the broker's that has grown beyond is replaced after its item.
    places: what is written to while batches are taken in and worked. free_floor_bytes: room that every folder
    among them keeps; below it nothing is begun.
    spread_pages: a document with more pages than this, and than one share, is read by several workers; 0: none is.
    """

    staging_url: str
    scratch: Path
    engine_url: str = "tesseract:?lang=vie"
    lease_seconds: float = 60
    heartbeat_seconds: float = 15
    death_limit: int = 3
    interruption_limit: int = 10
    failure_limit: int = 8
    settle_seconds: float = 2
    settle_patience_seconds: float = 60
    acceptance: Literal["person", "policy"] = "person"
    doubtful_pages: Literal["told", "review"] = "told"
    quality_rules: Path | None = None
    sector: str | None = None
    timestamp_url: str | None = None
    locks: LockSettings = field(default_factory=LockSettings)
    broker_url: str | None = None
    broker_password: str | None = field(default=None, repr=False)
    sweep_seconds: float = 5
    worker_memory_mb: int = 1024
    spread_pages: int = 40
    places: tuple[Place, ...] = ()
    free_floor_bytes: int = 0
