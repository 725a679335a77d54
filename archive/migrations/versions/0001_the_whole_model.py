"""The whole model: every table, and the triggers that keep the event streams append-only.

A later migration that rebuilds the event table must make the triggers again (SQLite's batch mode drops them
without a word); `sohoa doctor` looks for them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("tree_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("root_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=True),
        sa.Column("version_id", sa.String(length=64), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "tree_size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "code",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("label_vi", sa.Text(), nullable=False),
        sa.Column("label_en", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("replaced_by", sa.String(length=64), nullable=True),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "value", "valid_from", name=op.f("pk_code")),
    )
    op.create_table(
        "event",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("stream", "sequence", name=op.f("pk_event")),
    )
    op.create_table(
        "external_reference",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=26), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_reference")),
    )
    op.create_index(
        "ix_external_reference_subject", "external_reference", ["subject_kind", "subject_id"], unique=False
    )
    op.create_index("ix_external_reference_value", "external_reference", ["system", "value"], unique=False)
    op.create_table(
        "fixity_check",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("found_sha256", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixity_check")),
    )
    op.create_index("ix_fixity_check_object", "fixity_check", ["object_key", "checked_at"], unique=False)
    op.create_table(
        "log_segment",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("first_sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "first_sequence", name=op.f("pk_log_segment")),
    )
    op.create_table(
        "party",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
    )
    op.create_table(
        "stream_head",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("next_sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_head")),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
    )
    op.create_table(
        "work_item",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=26), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deaths", sa.SmallInteger(), nullable=False),
        sa.Column("interruptions", sa.SmallInteger(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_work_item_subject_id")),
    )
    op.create_index("ix_work_item_claim", "work_item", ["state", "next_try_at"], unique=False)
    op.create_table(
        "copy_register",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_unit_id", sa.String(length=64), nullable=False),
        sa.Column("series", sa.String(length=16), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("book", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_unit_id"], ["unit.id"], name=op.f("fk_copy_register_agency_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_register")),
        sa.UniqueConstraint(
            "agency_unit_id",
            "series",
            "year",
            "book",
            name=op.f("uq_copy_register_agency_unit_id_series_year_book"),
        ),
    )
    op.create_table(
        "dossier",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("procedure_code", sa.String(length=64), nullable=True),
        sa.Column("procedure_as_of", sa.Date(), nullable=True),
        sa.Column("applicant_id", sa.String(length=26), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("receiving_unit_id", sa.String(length=64), nullable=True),
        sa.Column("handling_unit_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["applicant_id"], ["party.id"], name=op.f("fk_dossier_applicant_id")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["unit.id"], name=op.f("fk_dossier_handling_unit_id")),
        sa.ForeignKeyConstraint(["receiving_unit_id"], ["unit.id"], name=op.f("fk_dossier_receiving_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
    )
    op.create_table(
        "fonds",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_fonds_unit_id")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_fonds")),
    )
    op.create_table(
        "party_identifier",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("party_id", sa.String(length=26), nullable=False),
        sa.Column("scheme", sa.String(length=32), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("lookup_key_version", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("cipher_key_version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_party_identifier_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_identifier")),
        sa.UniqueConstraint(
            "scheme",
            "lookup",
            "lookup_key_version",
            name=op.f("uq_party_identifier_scheme_lookup_lookup_key_version"),
        ),
    )
    op.create_index(op.f("ix_party_identifier_party_id"), "party_identifier", ["party_id"], unique=False)
    op.create_table(
        "party_merge",
        sa.Column("merged_id", sa.String(length=26), nullable=False),
        sa.Column("into_id", sa.String(length=26), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.String(length=26), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["into_id"], ["party.id"], name=op.f("fk_party_merge_into_id")),
        sa.ForeignKeyConstraint(["merged_id"], ["party.id"], name=op.f("fk_party_merge_merged_id")),
        sa.PrimaryKeyConstraint("merged_id", name=op.f("pk_party_merge")),
    )
    op.create_table(
        "party_name",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("party_id", sa.String(length=26), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("cipher_key_version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_party_name_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_name")),
    )
    op.create_index(op.f("ix_party_name_party_id"), "party_name", ["party_id"], unique=False)
    op.create_table(
        "principal",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("party_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_principal_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sa.UniqueConstraint("login", name=op.f("uq_principal_login")),
    )
    op.create_table(
        "unit_code",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_code_unit_id")),
        sa.PrimaryKeyConstraint("system", "value", "valid_from", name=op.f("pk_unit_code")),
    )
    op.create_table(
        "unit_name",
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_name_unit_id")),
        sa.PrimaryKeyConstraint("unit_id", "valid_from", name=op.f("pk_unit_name")),
    )
    op.create_table(
        "unit_parent",
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_parent_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_parent_unit_id")),
        sa.PrimaryKeyConstraint("unit_id", "valid_from", name=op.f("pk_unit_parent")),
    )
    op.create_table(
        "unit_succession",
        sa.Column("predecessor_id", sa.String(length=64), nullable=False),
        sa.Column("successor_id", sa.String(length=64), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["predecessor_id"], ["unit.id"], name=op.f("fk_unit_succession_predecessor_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["unit.id"], name=op.f("fk_unit_succession_successor_id")),
        sa.PrimaryKeyConstraint("predecessor_id", "successor_id", "effective_on", name=op.f("pk_unit_succession")),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("approved_by", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["approved_by"], ["principal.id"], name=op.f("fk_access_grant_approved_by")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_access_grant_principal_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_access_grant_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    op.create_index("ix_access_grant_principal", "access_grant", ["principal_id", "valid_from"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_api_key_principal_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_api_key_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    op.create_index(op.f("ix_api_key_principal_id"), "api_key", ["principal_id"], unique=False)
    op.create_table(
        "archival_file",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("fonds_code", sa.String(length=64), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("paper_place", sa.Text(), nullable=True),
        sa.Column("last_ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["fonds_code"], ["fonds.code"], name=op.f("fk_archival_file_fonds_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archival_file")),
        sa.UniqueConstraint("fonds_code", "year", "code", name=op.f("uq_archival_file_fonds_code_year_code")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("fonds_code", sa.String(length=64), nullable=False),
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["fonds_code"], ["fonds.code"], name=op.f("fk_batch_fonds_code")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_batch_principal_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_batch_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_table(
        "dossier_code",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=100), nullable=False),
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_dossier_code_dossier_id")),
        sa.PrimaryKeyConstraint("system", "value", name=op.f("pk_dossier_code")),
    )
    op.create_table(
        "idempotency",
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("response", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_idempotency_principal_id")),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_job_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_table(
        "page_result",
        sa.Column("work_item_id", sa.String(length=26), nullable=False),
        sa.Column("file_index", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reading", sa.LargeBinary(), nullable=True),
        sa.Column("failure", sa.String(length=64), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.String(length=26), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["accepted_by"], ["principal.id"], name=op.f("fk_page_result_accepted_by")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"], name=op.f("fk_page_result_work_item_id")),
        sa.PrimaryKeyConstraint("work_item_id", "file_index", name=op.f("pk_page_result")),
    )
    op.create_table(
        "declaration",
        sa.Column("batch_id", sa.String(length=26), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("captures", sa.Integer(), nullable=False),
        sa.Column("captures_assumed", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key_version", sa.Integer(), nullable=True),
        sa.Column("repeats_row", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_declaration_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name=op.f("pk_declaration")),
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("batch_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=True),
        sa.Column("captures", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("word_by", sa.String(length=26), nullable=True),
        sa.Column("word_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_discrepancy_batch_id")),
        sa.ForeignKeyConstraint(["word_by"], ["principal.id"], name=op.f("fk_discrepancy_word_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
    )
    op.create_index(op.f("ix_discrepancy_batch_id"), "discrepancy", ["batch_id"], unique=False)
    op.create_table(
        "dossier_file",
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("archival_file_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["archival_file_id"], ["archival_file.id"], name=op.f("fk_dossier_file_archival_file_id")
        ),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_dossier_file_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", "archival_file_id", name=op.f("pk_dossier_file")),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("archival_file_id", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("archive_number", sa.String(length=140), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("custodian_unit_id", sa.String(length=64), nullable=False),
        sa.Column("managing_unit_id", sa.String(length=64), nullable=False),
        sa.Column("issuing_body", sa.Text(), nullable=True),
        sa.Column("issuing_unit_id", sa.String(length=64), nullable=True),
        sa.Column("document_type", sa.String(length=64), nullable=True),
        sa.Column("code_number", sa.String(length=11), nullable=True),
        sa.Column("code_notation", sa.String(length=30), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("issued_on_precision", sa.String(length=8), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("signer_name", sa.Text(), nullable=True),
        sa.Column("signer_position", sa.Text(), nullable=True),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("script", sa.String(length=8), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("source_form", sa.String(length=16), nullable=False),
        sa.Column("source_status", sa.String(length=32), nullable=False),
        sa.Column("physical_condition", sa.String(length=8), nullable=True),
        sa.Column("original_book_body", sa.Text(), nullable=True),
        sa.Column("original_book", sa.Text(), nullable=True),
        sa.Column("original_number", sa.String(length=64), nullable=True),
        sa.Column("original_date", sa.Date(), nullable=True),
        sa.Column("copy_prohibition", sa.Text(), nullable=True),
        sa.Column("access_mode", sa.String(length=2), nullable=False),
        sa.Column("sensitivity_level", sa.SmallInteger(), nullable=False),
        sa.Column("personal_data_class", sa.String(length=16), nullable=False),
        sa.Column("retention_class", sa.String(length=64), nullable=True),
        sa.Column("retention_rule", sa.String(length=64), nullable=True),
        sa.Column("retention_citation", sa.Text(), nullable=True),
        sa.Column("retention_mark", sa.String(length=1), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.Column("permanent", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=26), nullable=True),
        sa.Column("acceptance_basis", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["accepted_by"], ["principal.id"], name=op.f("fk_record_accepted_by")),
        sa.ForeignKeyConstraint(
            ["archival_file_id"], ["archival_file.id"], name=op.f("fk_record_archival_file_id")
        ),
        sa.ForeignKeyConstraint(["custodian_unit_id"], ["unit.id"], name=op.f("fk_record_custodian_unit_id")),
        sa.ForeignKeyConstraint(["issuing_unit_id"], ["unit.id"], name=op.f("fk_record_issuing_unit_id")),
        sa.ForeignKeyConstraint(["managing_unit_id"], ["unit.id"], name=op.f("fk_record_managing_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint("archival_file_id", "ordinal", name=op.f("uq_record_archival_file_id_ordinal")),
        sa.UniqueConstraint("archive_number", name=op.f("uq_record_archive_number")),
    )
    op.create_index("ix_record_number", "record", ["code_number", "code_notation"], unique=False)
    op.create_index(op.f("ix_record_state"), "record", ["state"], unique=False)
    op.create_table(
        "copy_request",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("requester_id", sa.String(length=26), nullable=True),
        sa.Column("requested_by", sa.String(length=26), nullable=False),
        sa.Column("capacity", sa.String(length=64), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("target_system", sa.String(length=64), nullable=True),
        sa.Column("target_dossier", sa.String(length=100), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approver_id", sa.String(length=26), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("refusal_rule", sa.String(length=64), nullable=True),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.Column("fee", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["approver_id"], ["principal.id"], name=op.f("fk_copy_request_approver_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_copy_request_record_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["principal.id"], name=op.f("fk_copy_request_requested_by")),
        sa.ForeignKeyConstraint(["requester_id"], ["party.id"], name=op.f("fk_copy_request_requester_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_request")),
        sa.UniqueConstraint(
            "requested_by", "idempotency_key", name=op.f("uq_copy_request_requested_by_idempotency_key")
        ),
    )
    op.create_index(op.f("ix_copy_request_record_id"), "copy_request", ["record_id"], unique=False)
    op.create_table(
        "disposition",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("list_number", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paper_counterpart", sa.Text(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String(length=26), nullable=False),
        sa.Column("council", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(length=26), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["approved_by"], ["principal.id"], name=op.f("fk_disposition_approved_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["principal.id"], name=op.f("fk_disposition_proposed_by")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_disposition_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposition")),
    )
    op.create_index(op.f("ix_disposition_record_id"), "disposition", ["record_id"], unique=False)
    op.create_table(
        "effect",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("part", sa.Text(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("linked_record_id", sa.String(length=26), nullable=True),
        sa.Column("package_number", sa.Integer(), nullable=True),
        sa.Column("principal_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["linked_record_id"], ["record.id"], name=op.f("fk_effect_linked_record_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_effect_principal_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_effect_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect")),
    )
    op.create_index(op.f("ix_effect_record_id"), "effect", ["record_id"], unique=False)
    op.create_table(
        "field_value",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("package_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("normalised", sa.Text(), nullable=True),
        sa.Column("problem", sa.String(length=64), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("page_number", sa.Integer(), nullable=True),
        sa.Column("boxes", sa.JSON(), nullable=True),
        sa.Column("principal_id", sa.String(length=26), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_field_value_principal_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_field_value_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_value")),
    )
    op.create_index(op.f("ix_field_value_record_id"), "field_value", ["record_id"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(length=26), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=26), nullable=True),
        sa.Column("lift_basis", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["lifted_by"], ["principal.id"], name=op.f("fk_hold_lifted_by")),
        sa.ForeignKeyConstraint(["placed_by"], ["principal.id"], name=op.f("fk_hold_placed_by")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_hold_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_record_id"), "hold", ["record_id"], unique=False)
    op.create_table(
        "item",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("batch_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arrival", sa.String(length=40), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("reason_detail", sa.Text(), nullable=True),
        sa.Column("review", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("media_type", sa.String(length=32), nullable=True),
        sa.Column("staging_key", sa.String(length=255), nullable=True),
        sa.Column("staging_version", sa.String(length=64), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record_id", sa.String(length=26), nullable=True),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("word_by", sa.String(length=26), nullable=True),
        sa.Column("word_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_item_batch_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_item_record_id")),
        sa.ForeignKeyConstraint(["word_by"], ["principal.id"], name=op.f("fk_item_word_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("batch_id", "file", name=op.f("uq_item_batch_id_file")),
        sa.UniqueConstraint("batch_id", "position", name=op.f("uq_item_batch_id_position")),
    )
    op.create_index("ix_item_sha256", "item", ["sha256"], unique=False)
    op.create_table(
        "package",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=16), nullable=True),
        sa.Column("parent_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("work_item_id", sa.String(length=26), nullable=True),
        sa.Column("objid", sa.String(length=64), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deposited_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_package_record_id")),
        sa.PrimaryKeyConstraint("record_id", "number", name=op.f("pk_package")),
        sa.UniqueConstraint("object_key", name=op.f("uq_package_object_key")),
        sa.UniqueConstraint("objid", name=op.f("uq_package_objid")),
    )
    op.create_index(op.f("ix_package_sha256"), "package", ["sha256"], unique=False)
    op.create_table(
        "record_dossier",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_record_dossier_dossier_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_record_dossier_record_id")),
        sa.PrimaryKeyConstraint("record_id", "dossier_id", "role", name=op.f("pk_record_dossier")),
    )
    op.create_table(
        "record_party",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("party_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_record_party_party_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_record_party_record_id")),
        sa.PrimaryKeyConstraint("record_id", "party_id", "role", name=op.f("pk_record_party")),
    )
    op.create_table(
        "capture",
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("file_index", sa.Integer(), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("dpi", sa.Float(), nullable=True),
        sa.Column("colour", sa.String(length=8), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scanned_at_source", sa.String(length=16), nullable=True),
        sa.Column("note", sa.String(length=8), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_capture_item_id")),
        sa.PrimaryKeyConstraint("item_id", "file_index", name=op.f("pk_capture")),
    )
    op.create_table(
        "copy",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=26), nullable=False),
        sa.Column("register_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("package_number", sa.Integer(), nullable=False),
        sa.Column("package_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("object_key", sa.String(length=255), nullable=True),
        sa.Column("version_id", sa.String(length=64), nullable=True),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_copy_record_id")),
        sa.ForeignKeyConstraint(["register_id"], ["copy_register.id"], name=op.f("fk_copy_register_id")),
        sa.ForeignKeyConstraint(["request_id"], ["copy_request.id"], name=op.f("fk_copy_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy")),
        sa.UniqueConstraint("object_key", name=op.f("uq_copy_object_key")),
        sa.UniqueConstraint("register_id", "number", name=op.f("uq_copy_register_id_number")),
        sa.UniqueConstraint("serial", name=op.f("uq_copy_serial")),
    )
    op.create_index(op.f("ix_copy_record_id"), "copy", ["record_id"], unique=False)
    op.create_index(op.f("ix_copy_sha256"), "copy", ["sha256"], unique=False)
    op.create_table(
        "page",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("package_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part_number", sa.SmallInteger(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_index", sa.Integer(), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("sheet", sa.Integer(), nullable=True),
        sa.Column("face", sa.String(length=8), nullable=True),
        sa.Column("note", sa.String(length=8), nullable=True),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("dpi", sa.Float(), nullable=False),
        sa.Column("colour", sa.String(length=8), nullable=False),
        sa.Column("quarter_turns", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("failure", sa.String(length=64), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("rung", sa.String(length=64), nullable=False),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scanned_at_source", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id", "package_number"],
            ["package.record_id", "package.number"],
            name=op.f("fk_page_record_id_package_number"),
        ),
        sa.PrimaryKeyConstraint("record_id", "package_number", "number", name=op.f("pk_page")),
    )
    op.create_index("ix_page_image", "page", ["image_sha256"], unique=False)
    op.create_table(
        "part",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("package_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("member", sa.String(length=255), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("rendition_length", sa.BigInteger(), nullable=False),
        sa.Column("rendition_sha256", sa.String(length=64), nullable=False),
        sa.Column("archived_length", sa.BigInteger(), nullable=False),
        sa.Column("archived_sha256", sa.String(length=64), nullable=False),
        sa.Column("conformance", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id", "package_number"],
            ["package.record_id", "package.number"],
            name=op.f("fk_part_record_id_package_number"),
        ),
        sa.PrimaryKeyConstraint("record_id", "package_number", "number", name=op.f("pk_part")),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("package_number", sa.Integer(), nullable=False),
        sa.Column("part_number", sa.SmallInteger(), nullable=True),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=80), nullable=False),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.String(length=8), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("validation", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id", "package_number"],
            ["package.record_id", "package.number"],
            name=op.f("fk_signature_record_id_package_number"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
    )
    _make_triggers()


def _make_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, act in (("event_no_update", "UPDATE"), ("event_no_delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {act} ON event "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        op.execute(
            "CREATE TRIGGER event_no_overwrite BEFORE INSERT ON event "
            "WHEN EXISTS (SELECT 1 FROM event WHERE stream = NEW.stream AND sequence = NEW.sequence) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
    )
    for name, act in (("event_no_update", "UPDATE"), ("event_no_delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {act} ON event FOR EACH ROW EXECUTE FUNCTION event_is_append_only()"
        )
    op.execute(
        "CREATE TRIGGER event_no_overwrite BEFORE TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()"
    )
