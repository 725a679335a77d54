"""Units with their dated names, codes, parents and successions; dated code lists; outside references."""

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table, Text

from archive.tables.schema import Code, Id, metadata

unit = Table("unit", metadata, Column("id", Code, primary_key=True), Column("kind", String(32), nullable=False))

unit_name = Table(
    "unit_name",
    metadata,
    Column("unit_id", ForeignKey("unit.id"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("name", Text, nullable=False),
    Column("valid_until", Date),
)

# QĐ 20/2020 writes its groups left to right, QCVN 102 right to left: never compared as strings (COD-3).
unit_code = Table(
    "unit_code",
    metadata,
    Column("system", Code, primary_key=True),
    Column("value", String(64), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("unit_id", ForeignKey("unit.id"), nullable=False),
    Column("valid_until", Date),
)

unit_parent = Table(
    "unit_parent",
    metadata,
    Column("unit_id", ForeignKey("unit.id"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("parent_id", ForeignKey("unit.id"), nullable=False),
    Column("valid_until", Date),
)

unit_succession = Table(
    "unit_succession",
    metadata,
    Column("predecessor_id", ForeignKey("unit.id"), primary_key=True),
    Column("successor_id", ForeignKey("unit.id"), primary_key=True),
    Column("effective_on", Date, primary_key=True),
    Column("kind", String(16), nullable=False),  # merge, split, rename, dissolve
    Column("basis", Text, nullable=False),
)

code = Table(
    "code",
    metadata,
    Column("system", Code, primary_key=True),
    Column("value", Code, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("label_vi", Text, nullable=False),
    Column("label_en", Text),
    Column("valid_until", Date),
    Column("replaced_by", Code),
    Column("citation", Text, nullable=False),
)

external_reference = Table(
    "external_reference",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subject_kind", String(32), nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("system", Code, nullable=False),
    Column("value", String(255), nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Index("ix_external_reference_subject", "subject_kind", "subject_id"),
    Index("ix_external_reference_value", "system", "value"),
)
