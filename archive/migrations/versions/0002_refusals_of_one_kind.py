"""PostgreSQL refuses a change of the event streams as a broken constraint, as SQLite does.

A refusal told as a plain exception counts as a fault of the program's own statement. Expand only: the older
program works on as it did.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
