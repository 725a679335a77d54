"""What somebody with the database's own rights could do to the event streams, for tests of who notices."""

from sqlalchemy import Engine, Executable, text

from archive.database import writing


def behind_triggers(engine: Engine, statement: Executable) -> None:
    """Change rows of the streams with the triggers put away, and put them back."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
            connection.execute(statement)
            connection.execute(text("ALTER TABLE event ENABLE TRIGGER USER"))
            return
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(text(sql))


def drop_trigger(engine: Engine, name: str) -> None:
    """Remove a trigger of the events for good."""
    of_table = " ON event" if engine.dialect.name == "postgresql" else ""
    with writing(engine) as connection:
        connection.execute(text(f"DROP TRIGGER {name}{of_table}"))
