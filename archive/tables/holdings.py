"""Fonds, archival files, dossiers, records and what is said of them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from archive.tables.schema import Code, Id, Instant, metadata

fonds = Table(
    "fonds",
    metadata,
    Column("code", Code, primary_key=True),
    Column("title", Text, nullable=False),
    Column("unit_id", ForeignKey("unit.id"), nullable=False),
)

archival_file = Table(
    "archival_file",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fonds_code", ForeignKey("fonds.code"), nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("code", String(100), nullable=False),
    Column("title", Text, nullable=False),
    Column("closed_on", Date),  # retention counts from here (RET-1); null: still open
    Column("paper_place", Text),  # kho/giá/hộp, COD-4
    Column("last_ordinal", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("fonds_code", "year", "code"),
)

dossier = Table(
    "dossier",
    metadata,
    Column("id", Id, primary_key=True),
    Column("procedure_code", Code),
    Column("procedure_as_of", Date),
    Column("applicant_id", ForeignKey("party.id")),
    Column("received_on", Date),
    Column("due_on", Date),
    Column("completed_on", Date),
    Column("receiving_unit_id", ForeignKey("unit.id")),
    Column("handling_unit_id", ForeignKey("unit.id")),
)

dossier_code = Table(
    "dossier_code",
    metadata,
    Column("system", Code, primary_key=True),
    Column("value", String(100), primary_key=True),
    Column("dossier_id", ForeignKey("dossier.id"), nullable=False),
)

dossier_file = Table(
    "dossier_file",
    metadata,
    Column("dossier_id", ForeignKey("dossier.id"), primary_key=True),
    Column("archival_file_id", ForeignKey("archival_file.id"), primary_key=True),
)

record = Table(
    "record",
    metadata,
    Column("id", Id, primary_key=True),
    Column("archival_file_id", ForeignKey("archival_file.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("archive_number", String(140), nullable=False, unique=True),
    # reserved, candidate, accepted, returned, due, proposed, approved, destroyed, withdrawn, void
    Column("state", String(16), nullable=False, index=True),
    Column("void_reason", Text),
    Column("custodian_unit_id", ForeignKey("unit.id"), nullable=False),
    Column("managing_unit_id", ForeignKey("unit.id"), nullable=False),
    Column("issuing_body", Text),  # as named at issue
    Column("issuing_unit_id", ForeignKey("unit.id")),
    Column("document_type", Code),
    Column("code_number", String(11)),
    Column("code_notation", String(30)),
    Column("issued_on", Date),
    Column("issued_on_precision", String(8)),  # day, month, year, unknown
    Column("subject", Text),
    Column("signer_name", Text),
    Column("signer_position", Text),
    Column("languages", JSON, nullable=False),
    Column("script", String(8)),
    Column("scope", Text),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("source_form", String(16), nullable=False),  # paper, electronic, mixed, unknown
    Column("source_status", String(32), nullable=False),
    Column("physical_condition", String(8)),
    Column("original_book_body", Text),
    Column("original_book", Text),
    Column("original_number", String(64)),
    Column("original_date", Date),
    Column("copy_prohibition", Text),  # the ground; null: none
    Column("access_mode", String(2), nullable=False),  # 01 công khai, 02 có điều kiện, 03 mật
    Column("sensitivity_level", SmallInteger, nullable=False),
    Column("personal_data_class", String(16), nullable=False),
    Column("retention_class", Code),
    Column("retention_rule", Code),
    Column("retention_citation", Text),
    Column("retention_mark", String(1)),  # V, S, U
    Column("keep_until", Date),  # the rule's last day; null with permanent false: unknown
    Column("permanent", Boolean, nullable=False, server_default=text("false")),
    Column("received_at", Instant, nullable=False),
    Column("accepted_at", Instant),
    Column("accepted_by", ForeignKey("principal.id")),
    Column("acceptance_basis", Text),
    Column("note", Text),
    UniqueConstraint("archival_file_id", "ordinal"),
    Index("ix_record_number", "code_number", "code_notation"),
)

record_dossier = Table(
    "record_dossier",
    metadata,
    Column("record_id", ForeignKey("record.id"), primary_key=True),
    Column("dossier_id", ForeignKey("dossier.id"), primary_key=True),
    Column("role", String(16), primary_key=True),  # result, component, processing
)

record_party = Table(
    "record_party",
    metadata,
    Column("record_id", ForeignKey("record.id"), primary_key=True),
    Column("party_id", ForeignKey("party.id"), primary_key=True),
    Column("role", String(16), primary_key=True),  # holder, co-holder, representative, former-holder
    Column("valid_from", Date),
    Column("valid_until", Date),
)

# One value as one source gave it; conflicts stay visible, nothing is overwritten (OCR-5).
field_value = Table(
    "field_value",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    Column("package_number", Integer, nullable=False),
    Column("name", Code, nullable=False),
    Column("source", String(16), nullable=False),  # manifest, book, read, person
    Column("raw", Text),  # null where it is personal: the party holds it as ciphertext
    Column("normalised", Text),
    Column("problem", Code),  # slug of why raw could not be normalised
    Column("confidence", Float),
    Column("page_number", Integer),
    Column("boxes", JSON),
    Column("principal_id", ForeignKey("principal.id")),
    Column("recorded_at", Instant, nullable=False),
)

effect = Table(
    "effect",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    # issued, extended, amended, corrected, suspended, revoked, annulled, replaced
    Column("kind", String(16), nullable=False),
    Column("part", Text),  # null: the whole
    Column("effective_on", Date, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("basis", Text, nullable=False),
    Column("linked_record_id", ForeignKey("record.id")),
    Column("package_number", Integer),
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    Column("placed_at", Instant, nullable=False),
    Column("placed_by", ForeignKey("principal.id"), nullable=False),
    Column("basis", Text, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", ForeignKey("principal.id")),
    Column("lift_basis", Text),
)

disposition = Table(
    "disposition",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", ForeignKey("record.id"), nullable=False, index=True),
    Column("list_number", String(64)),
    Column("state", String(16), nullable=False),  # due, proposed, approved, destroyed, kept
    Column("reason", Text, nullable=False),
    Column("paper_counterpart", Text),
    Column("proposed_at", Instant, nullable=False),
    Column("proposed_by", ForeignKey("principal.id"), nullable=False),
    Column("council", Text),
    Column("decision", Text),
    Column("approved_at", Instant),
    Column("approved_by", ForeignKey("principal.id")),
    Column("destroyed_at", Instant),
)
