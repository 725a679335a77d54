"""Which text of a content package is shown: its own, or that of a text supplement.

Expand only: an older program reads the package's own texts and leaves the column as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("package", sa.Column("text_number", sa.Integer(), nullable=True))
