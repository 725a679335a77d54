"""Why a person should look at a page: doubts about its reading and its image.

Expand only: an older program leaves the column empty and reads pages without it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("page", sa.Column("doubts", sa.JSON(), nullable=True))
