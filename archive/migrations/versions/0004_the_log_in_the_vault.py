"""The log's inner hashes, so that proofs need no walk over the events; the events that tell of a package and of a
copy, to be proven by, and to be in the vault before a copy goes out; one row for the newest check of an object.

Expand only: an older program neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "log_node",
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("stream", "level", "number", name=op.f("pk_log_node")),
    )
    op.add_column("copy", sa.Column("issued_event", BIG, nullable=True))
    op.add_column("copy", sa.Column("last_event", BIG, nullable=True))
    op.add_column("package", sa.Column("deposit_event", BIG, nullable=True))
    op.create_index("uq_fixity_check_object", "fixity_check", ["store", "object_key", "version_id"], unique=True)
