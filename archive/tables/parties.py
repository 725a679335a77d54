"""Persons and organisations. Names and identifiers are ciphertext; look-up is by keyed digest."""

from sqlalchemy import Column, Date, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from archive.tables.schema import Id, Instant, metadata

party = Table(
    "party",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # person, organisation, branch, household, foreigner
    Column("created_at", Instant, nullable=False),
)

party_identifier = Table(
    "party_identifier",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", ForeignKey("party.id"), nullable=False, index=True),
    Column("scheme", String(32), nullable=False),  # cmnd, cccd, tax-code, branch-code, passport, other
    Column("lookup", String(64), nullable=False),  # HMAC-SHA-256 of scheme and value, hex
    Column("lookup_key_version", Integer, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),  # AES-256-GCM: 12-byte nonce, then the sealed value
    Column("cipher_key_version", Integer, nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
    UniqueConstraint("scheme", "lookup", "lookup_key_version"),
)

party_name = Table(
    "party_name",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", ForeignKey("party.id"), nullable=False, index=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("cipher_key_version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)

party_merge = Table(
    "party_merge",
    metadata,
    Column("merged_id", ForeignKey("party.id"), primary_key=True),
    Column("into_id", ForeignKey("party.id"), nullable=False),
    Column("merged_at", Instant, nullable=False),
    Column("merged_by", Id, nullable=False),
    Column("reason", Text, nullable=False),
)
