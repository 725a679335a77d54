"""Requests for copies, the register they are numbered in, the copies themselves; jobs clients wait for."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from archive.tables.schema import Code, Id, Instant, Sha256, metadata

copy_request = Table(
    "copy_request",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    Column("kind", Code, nullable=False),
    Column("requester_id", ForeignKey("party.id")),
    Column("requested_by", ForeignKey("principal.id"), nullable=False),
    Column("capacity", Code, nullable=False),
    Column("proof", Text),
    Column("purpose", Text, nullable=False),
    Column("target_system", Code),
    Column("target_dossier", String(100)),
    Column("received_at", Instant, nullable=False),
    Column("deadline", Instant),
    Column("approver_id", ForeignKey("principal.id")),
    Column("decided_at", Instant),
    Column("state", String(16), nullable=False),  # received, approved, refused, done
    Column("refusal_rule", Code),
    Column("refusal_reason", Text),
    Column("fee", Numeric(12, 2)),
    Column("valid_until", Date),
    Column("idempotency_key", String(128)),
    UniqueConstraint("requested_by", "idempotency_key"),
)

# One series of a year: (agency, series, year, book), CPY-3.
copy_register = Table(
    "copy_register",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency_unit_id", ForeignKey("unit.id"), nullable=False),
    Column("series", String(16), nullable=False),  # copies, original-book, certification
    Column("year", SmallInteger, nullable=False),
    Column("book", Integer, nullable=False),
    Column("last_number", Integer, nullable=False, server_default="0"),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    UniqueConstraint("agency_unit_id", "series", "year", "book"),
)

copy = Table(
    "copy",
    metadata,
    Column("id", Id, primary_key=True),
    Column("serial", String(32), nullable=False, unique=True),  # printed as QR, at least 128 random bits
    Column("request_id", ForeignKey("copy_request.id"), nullable=False),
    Column("register_id", ForeignKey("copy_register.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Code, nullable=False),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    Column("package_number", Integer, nullable=False),
    Column("package_sha256", Sha256, nullable=False),
    Column("status", String(16), nullable=False),  # reserved, issued, void, revoked, superseded
    Column("reason", Text),
    Column("demo", Boolean, nullable=False),
    Column("sha256", Sha256, index=True),
    Column("length", BigInteger),
    Column("object_key", String(255), unique=True),
    Column("version_id", String(64)),
    Column("frozen", JSON, nullable=False),
    Column("reserved_at", Instant, nullable=False),
    Column("issued_at", Instant),
    Column("ended_at", Instant),
    # The events of the records stream by which it was issued, and the newest about it; null: of an older program.
    Column("issued_event", BigInteger().with_variant(Integer, "sqlite")),
    Column("last_event", BigInteger().with_variant(Integer, "sqlite")),
    UniqueConstraint("register_id", "number"),
)

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Code, nullable=False),
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Code),
    Column("result", JSON),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("principal_id", ForeignKey("principal.id"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("request_sha256", Sha256, nullable=False),
    Column("response", JSON),
    Column("created_at", Instant, nullable=False),
)
