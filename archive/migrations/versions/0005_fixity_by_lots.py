"""Fixity checks are claimed lot by lot, the oldest first; sweeps over everything keep their place.

Expand only: an older program neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweep",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.String(length=255), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sweep")),
    )
    op.add_column("fixity_check", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_fixity_check_due", "fixity_check", ["store", "checked_at"], unique=False)
