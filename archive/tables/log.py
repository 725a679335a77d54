"""The two event streams, their head rows, and the segments and checkpoints made from them."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, String, Table

from archive.tables.schema import Id, Instant, Sha256, metadata

# Update and delete are refused by triggers (the migration makes them, doctor looks for them).
event = Table(
    "event",
    metadata,
    Column("stream", String(8), primary_key=True),  # records, access
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),  # from 0, no gaps
    Column("canonical", LargeBinary, nullable=False),  # RFC 8785, at most 65,535 bytes
    Column("leaf_hash", LargeBinary(32), nullable=False),  # RFC 6962: SHA-256(0x00 || canonical)
)

stream_head = Table(
    "stream_head",
    metadata,
    Column("stream", String(8), primary_key=True),
    Column("next_sequence", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
)

log_segment = Table(
    "log_segment",
    metadata,
    Column("stream", String(8), primary_key=True),
    Column("first_sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("next_sequence", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("object_key", String(255), nullable=False),
    Column("version_id", String(64), nullable=False),
    Column("sha256", Sha256, nullable=False),
    Column("stored_at", Instant, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("stream", String(8), primary_key=True),
    Column("tree_size", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Id, nullable=False),
    Column("root_hash", LargeBinary(32), nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("object_key", String(255)),
    Column("version_id", String(64)),
    Column("signed_at", Instant, nullable=False),
)

# Roots of complete subtrees of 256 ** level leaves, level from 1; those of level 0 are the events' leaf hashes.
log_node = Table(
    "log_node",
    metadata,
    Column("stream", String(8), primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),  # from 0, left to right
    Column("hash", LargeBinary(32), nullable=False),
)
