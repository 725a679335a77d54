"""Who acts: principals, their keys and their dated grants."""

from sqlalchemy import JSON, Column, Date, ForeignKey, Index, String, Table, Text

from archive.tables.schema import Code, Id, Instant, metadata

principal = Table(
    "principal",
    metadata,
    Column("id", Id, primary_key=True),
    # staff, officer, auditor, administrator, client, holder, verifier
    Column("kind", String(16), nullable=False),
    Column("login", String(64), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("party_id", ForeignKey("party.id")),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("principal_id", ForeignKey("principal.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),  # keyed SHA-256 of 256 random bits
    Column("scopes", JSON, nullable=False),
    Column("unit_id", ForeignKey("unit.id")),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

access_grant = Table(
    "access_grant",
    metadata,
    Column("id", Id, primary_key=True),
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
    Column("role", Code, nullable=False),
    Column("unit_id", ForeignKey("unit.id"), nullable=False),  # the whole sub-tree and its successors
    Column("purpose", Code),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("approved_by", ForeignKey("principal.id")),
    Index("ix_access_grant_principal", "principal_id", "valid_from"),
)
