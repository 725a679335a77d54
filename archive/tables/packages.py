"""Packages and what is in them: parts, pages, signatures; and the checks made on their objects."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
)

from archive.tables.schema import Code, Id, Instant, Sha256, metadata

package = Table(
    "package",
    metadata,
    Column("record_id", ForeignKey("record.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),  # content, supplement
    # text, description, evidence, effect, appraisal, acceptance; null: content
    Column("about", String(16)),
    Column("parent_sha256", Sha256),  # digest of the package a supplement is about
    Column("state", String(16), nullable=False),  # reserved, deposited, void
    Column("void_reason", Text),
    Column("work_item_id", Id),
    Column("objid", String(64), nullable=False, unique=True),
    Column("object_key", String(255), nullable=False, unique=True),
    Column("version_id", String(64)),
    Column("sha256", Sha256, index=True),
    Column("length", BigInteger),
    Column("locked_until", Instant),  # what the store answered, re-read
    Column("deposited_at", Instant),
    # The event of the records stream that tells of its deposit; null: of an older program.
    Column("deposit_event", BigInteger().with_variant(Integer, "sqlite")),
    # Of a content package: the text supplement whose text is in force; null: its own.
    Column("text_number", Integer),
)

part = Table(
    "part",
    metadata,
    Column("record_id", Id, primary_key=True),
    Column("package_number", Integer, primary_key=True),
    Column("number", SmallInteger, primary_key=True),  # 1: main document; then annexes
    Column("kind", String(16), nullable=False),
    Column("title", Text),
    Column("member", String(255), nullable=False),
    Column("page_count", Integer, nullable=False),
    Column("rendition_length", BigInteger, nullable=False),  # revision 1
    Column("rendition_sha256", Sha256, nullable=False),
    Column("archived_length", BigInteger, nullable=False),
    Column("archived_sha256", Sha256, nullable=False),
    Column("conformance", Code, nullable=False),
    ForeignKeyConstraint(["record_id", "package_number"], ["package.record_id", "package.number"]),
)

page = Table(
    "page",
    metadata,
    Column("record_id", Id, primary_key=True),
    Column("package_number", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, as in ALTO, index and API
    Column("part_number", SmallInteger, nullable=False),
    Column("file_sha256", Sha256, nullable=False),
    Column("file_index", Integer, nullable=False),
    Column("image_sha256", Sha256, nullable=False),
    Column("sheet", Integer),
    Column("face", String(8)),
    Column("note", String(8)),  # on, off: a page with a sticker is captured twice (INT-2)
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("dpi", Float, nullable=False),
    Column("colour", String(8), nullable=False),
    Column("quarter_turns", SmallInteger, nullable=False),
    Column("state", String(8), nullable=False),  # read, blank, failed
    Column("failure", Code),
    Column("confidence", Float),
    Column("rung", Code, nullable=False),  # how it came into the PDF/A
    Column("operator", Text),
    Column("device", Text),
    Column("scanned_at", Instant),
    Column("scanned_at_source", String(16)),  # file, modified
    ForeignKeyConstraint(["record_id", "package_number"], ["package.record_id", "package.number"]),
    Index("ix_page_image", "image_sha256"),
)

signature = Table(
    "signature",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", Id, nullable=False),
    Column("package_number", Integer, nullable=False),
    Column("part_number", SmallInteger),
    Column("field", String(64), nullable=False),
    Column("role", String(80), nullable=False),  # digitizer:…, agency:…, or foreign
    Column("certificate_sha256", Sha256),
    Column("signed_at", Instant),
    Column("level", String(8)),  # B-B, B-T
    Column("demo", Boolean, nullable=False),
    Column("validation", JSON, nullable=False),
    ForeignKeyConstraint(["record_id", "package_number"], ["package.record_id", "package.number"]),
)

# How far a sweep is that goes over everything page by page, again and again. One row a sweep.
sweep = Table(
    "sweep",
    metadata,
    Column("name", Code, primary_key=True),
    Column("cursor", String(255), nullable=False),  # the last key done of this round; empty: at its beginning
    Column("begun_at", Instant, nullable=False),  # this round
    Column("ended_at", Instant),  # the round before
)

# The newest check of each stored version. checked_at: when its bytes were last read whole; when it was stored, for
# one that has not been looked at yet, whose verdict is unchecked.
fixity_check = Table(
    "fixity_check",
    metadata,
    Column("id", Id, primary_key=True),
    Column("object_key", String(255), nullable=False),
    Column("version_id", String(64), nullable=False),
    Column("store", Code, nullable=False),
    Column("checked_at", Instant, nullable=False),
    Column("verdict", String(16), nullable=False),  # ok, bad, unchecked
    Column("found_sha256", Sha256),
    Column("reason", Text),
    # Until then nobody else looks at it: somebody is at it, or it could not be looked at just now.
    Column("not_before", Instant),
    Index("ix_fixity_check_due", "store", "checked_at"),
    Index("ix_fixity_check_object", "object_key", "checked_at"),
    Index("uq_fixity_check_object", "store", "object_key", "version_id", unique=True),  # the newest check of each
)
