"""Batches, their declarations, items and captures; the work list and what it keeps between attempts."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from archive.tables.schema import Code, Id, Instant, Sha256, metadata

batch = Table(
    "batch",
    metadata,
    Column("id", Id, primary_key=True),
    Column("label", Text, nullable=False),
    Column("folder", Text, nullable=False),  # where it was found; an interrupted intake goes on from there
    Column("unit_id", ForeignKey("unit.id"), nullable=False),
    Column("fonds_code", ForeignKey("fonds.code"), nullable=False),
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
    Column("operator", Text),
    Column("state", String(16), nullable=False),  # taking, open, paused, closed, cancelled
    Column("state_reason", Text),  # JSON: why and since when (ingest/batch_state.py)
    Column("manifest_sha256", Sha256),
    Column("received_on", Date, nullable=False),  # legal day, +07:00
    Column("received_at", Instant, nullable=False),
    Column("closed_at", Instant),
)

# One manifest row. personal fields are not here: they are parties, or ciphertext in `sealed`.
declaration = Table(
    "declaration",
    metadata,
    Column("batch_id", ForeignKey("batch.id"), primary_key=True),
    Column("row_number", Integer, primary_key=True),  # line of the manifest, the heading is 1
    Column("file", Text, nullable=False),
    Column("captures", Integer, nullable=False),  # sheets x sides + extra_captures
    Column("captures_assumed", Boolean, nullable=False),  # no sheets were given: what was received counts
    Column("fields", JSON, nullable=False),
    Column("sealed", LargeBinary),
    Column("sealed_key_version", Integer),
    Column("repeats_row", Integer),  # the first row with this file; it wins
)

item = Table(
    "item",
    metadata,
    Column("id", Id, primary_key=True),
    Column("batch_id", ForeignKey("batch.id"), nullable=False),
    Column("position", Integer, nullable=False),  # order in the batch, from 1
    Column("arrival", String(40), nullable=False),  # sorts items of all batches by when they came
    Column("file", Text, nullable=False),  # path in the folder as found
    Column("row_number", Integer),  # its declaration; null: surplus
    Column("state", String(16), nullable=False),  # waiting, stopped, archived, duplicate, rejected
    Column("reason", Code),
    Column("reason_detail", Text),
    Column("review", JSON, nullable=False),  # slugs of why a person should look
    Column("sha256", Sha256),
    Column("length", BigInteger),
    Column("media_type", String(32)),
    Column("staging_key", String(255)),
    Column("staging_version", String(64)),
    Column("released_at", Instant),
    Column("modified_at", Instant),
    Column("record_id", ForeignKey("record.id")),
    Column("word", Text),  # a person's word on a rejected item
    Column("word_by", ForeignKey("principal.id")),
    Column("word_at", Instant),
    UniqueConstraint("batch_id", "position"),
    UniqueConstraint("batch_id", "file"),
    Index("ix_item_sha256", "sha256"),
)

capture = Table(
    "capture",
    metadata,
    Column("item_id", ForeignKey("item.id"), primary_key=True),
    Column("file_index", Integer, primary_key=True),  # from 0
    Column("image_sha256", Sha256),  # null: the file could not be opened
    Column("state", String(16), nullable=False),  # waiting, archived, blank, separator, rejected
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("dpi", Float),
    Column("colour", String(8)),
    Column("operator", Text),
    Column("device", Text),
    Column("scanned_at", Instant),
    Column("scanned_at_source", String(16)),
    Column("note", String(8)),
)

# What the declaration and the scans disagree on, in captures; closed by a person's word.
discrepancy = Table(
    "discrepancy",
    metadata,
    Column("id", Id, primary_key=True),
    Column("batch_id", ForeignKey("batch.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False),  # missing, surplus
    Column("file", Text, nullable=False),
    Column("row_number", Integer),
    Column("captures", Integer, nullable=False),
    Column("word", Text),
    Column("word_by", ForeignKey("principal.id")),
    Column("word_at", Instant),
)

work_item = Table(
    "work_item",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject_id", Id, nullable=False, unique=True),
    Column("lane", String(16), nullable=False),  # interactive, batch, heavy
    Column("batch_id", Id, nullable=False, server_default=text("''")),  # empty: of an older program
    Column("state", String(16), nullable=False),  # ready, leased, done, quarantined
    Column("deaths", SmallInteger, nullable=False),  # a living supervisor saw its child die: three
    Column("interruptions", SmallInteger, nullable=False),  # leases that ran out unreported: ten
    Column("failures", SmallInteger, nullable=False),  # errors that may pass, with back-off
    Column("owner", String(80)),
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False),
    Column("next_try_at", Instant, nullable=False),
    Column("reason", Text),
    Column("frozen", JSON, nullable=False),  # every id, time and digest fixed before packaging
    Column("changed_at", Instant, nullable=False),
    Index("ix_work_item_claim", "state", "next_try_at"),
    Index("ix_work_item_turn", "state", "batch_id", "lane", "next_try_at"),
)

page_result = Table(
    "page_result",
    metadata,
    Column("work_item_id", ForeignKey("work_item.id"), primary_key=True),
    Column("file_index", Integer, primary_key=True),
    Column("state", String(8), nullable=False),  # read, blank, failed
    Column("reading", LargeBinary),  # the ReadPage as zlib-packed JSON; deleted when an item is stopped
    Column("failure", Code),
    Column("failure_detail", Text),
    Column("accepted_by", ForeignKey("principal.id")),
    Column("seconds", Float, nullable=False),
    Column("kept_at", Instant, nullable=False),
)
