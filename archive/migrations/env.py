"""Alembic's entry: runs the migrations on the engine that `archive.database` hands over.

One program migrates at a time, and the whole step is one transaction. On PostgreSQL a change waits for the lock of
its table no longer than any statement does, for everybody else queues up behind it; then it may take its time.
"""

from alembic import context
from sqlalchemy import text

from archive.postgresql import LOCK_SECONDS, patiently

engine = context.config.attributes["engine"]
MIGRATING = 7_305_112_026  # the advisory lock that stands for "the schema is being changed"

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=context.config.attributes.get("metadata"))
    with context.begin_transaction(), patiently(connection):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            connection.execute(text(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}"))
        context.run_migrations()
    connection.commit()
