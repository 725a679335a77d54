"""The work list knows each item's batch, so that whose turn it is can be found by an index alone.

Expand only: the older program leaves the column empty, and such work counts as one batch of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "work_item", sa.Column("batch_id", sa.String(length=26), server_default=sa.text("''"), nullable=False)
    )
    op.execute(
        "UPDATE work_item SET batch_id = (SELECT item.batch_id FROM item WHERE item.id = work_item.subject_id) "
        "WHERE subject_id IN (SELECT id FROM item)"
    )
    op.create_index("ix_work_item_turn", "work_item", ["state", "batch_id", "lane", "next_try_at"], unique=False)
