"""The commands about records and holds."""

from datetime import date
from pathlib import Path

from sqlalchemy import select

from archive.access.subjects import find_for
from archive.database import reading
from archive.effects import EffectKind, record_effect
from archive.package.read import open_package
from archive.retrieve import describe_record, export_package, find_record, released
from archive.tables.holdings import record
from archive.texts import opened_texts
from console.home import Home, utc_now
from console.terminal import Terminal
from ingest.quality import sentences_of
from ingest.tables import item
from ocr import alto
from ocr.doubt import verdict_of
from retention.holds import lift_hold, place_hold


def list_records(home: Home, terminal: Terminal, *, batch_id: str | None, state: str | None) -> None:
    """List records in the order they were received."""
    query = (
        select(
            record.c.id,
            record.c.archive_number,
            record.c.state,
            record.c.code_number,
            record.c.code_notation,
            record.c.subject,
        )
        .where(record.c.state.not_in(("reserved", "void")))
        .order_by(record.c.received_at, record.c.archive_number)
    )
    if batch_id is not None:
        query = query.where(record.c.id.in_(select(item.c.record_id).where(item.c.batch_id == batch_id)))
    if state is not None:
        query = query.where(record.c.state == state)
    with reading(home.engine) as connection:
        rows = connection.execute(query).all()
    listed = [
        {
            "record": row.id,
            "archive_number": row.archive_number,
            "state": row.state,
            "number": "/".join(x for x in (row.code_number, row.code_notation) if x),
            "subject": row.subject,
        }
        for row in rows
    ]
    terminal.table(
        ["record", "archive-number", "state", "number", "subject"],
        [[r["record"], r["archive_number"], r["state"], r["number"], (r["subject"] or "")[:80]] for r in listed],
    )
    terminal.answer({"records": listed})


def show_record(home: Home, terminal: Terminal, name: str) -> None:
    """Show what the catalogue says of a record."""
    with reading(home.engine) as connection:
        described = describe_record(connection, find_record(connection, name))
    terminal.table(
        ["field", "value"],
        [[k, str(v)] for k, v in described.items() if v not in (None, []) and not isinstance(v, dict | list)],
    )
    terminal.answer(described)


def show_text(home: Home, terminal: Terminal, name: str, *, purpose: str) -> None:
    """Print the text in force of a record, page by page; logged before it is opened."""
    with reading(home.engine) as connection:
        record_id = find_record(connection, name)
    pages, told = [], []
    with (
        released(
            home.engine,
            home.store(),
            record_id,
            act="record.text",
            principal=home.principal,
            purpose=purpose,
            at=utc_now(),
        ) as (row, stream),
        open_package(stream) as content,
        opened_texts(home.engine, home.store(), row, content, principal=home.principal, at=utc_now()) as (
            found,
            package,
        ),
    ):
        quality = content.content().derivation.get("quality", {})
        for page in found:
            text = ""
            confidence = page.confidence
            if page.text_member is not None:
                text = alto.from_alto(package.read(page.text_member)).text
            look = sentences_of(page, quality, terminal.language)
            told.append([f"— {page.number} —", *(f"[! {why}]" for why in look), text])
            pages.append(
                {
                    "page": page.number,
                    "state": page.state,
                    "failure": page.failure,
                    "verdict": verdict_of(failed=page.state == "failed", doubts=page.doubts),
                    "doubts": list(page.doubts),
                    "look": look,
                    "confidence": confidence,
                    "text": text,
                }
            )
    for shown in told:
        terminal.text("\n".join(shown))
    terminal.answer({"record": record_id, "pages": pages})


def export(home: Home, terminal: Terminal, name: str, *, out: Path | None, purpose: str) -> None:
    """Write a record's package to a file; logged before it is opened, checked when it is written."""
    with reading(home.engine) as connection:
        record_id = find_record(connection, name)
    with released(
        home.engine,
        home.store(),
        record_id,
        act="record.export",
        principal=home.principal,
        purpose=purpose,
        at=utc_now(),
    ) as (row, stream):
        target = out or Path(f"{row.objid}.zip")
        if target.is_dir():
            target = target / f"{row.objid}.zip"
        export_package(row, stream, target)
    terminal.say("say.exported", file=target, sha256=row.sha256)
    terminal.answer({"record": record_id, "file": str(target), "sha256": row.sha256})


def hold_record(home: Home, terminal: Terminal, name: str, *, basis: str) -> None:
    """Place a hold on a record."""
    with reading(home.engine) as connection:
        record_id = find_record(connection, name)
    with home.scratch() as scratch:
        hold_id = place_hold(
            home.engine,
            home.store(),
            home.log(scratch),
            record_id,
            basis=basis,
            principal=home.principal,
            at=utc_now(),
        )
    terminal.say("say.held", record=record_id)
    terminal.answer({"record": record_id, "hold": hold_id})


def lift_record(home: Home, terminal: Terminal, name: str, *, basis: str) -> None:
    """Lift the holds of a record."""
    with reading(home.engine) as connection:
        record_id = find_record(connection, name)
    with home.scratch() as scratch:
        count = lift_hold(
            home.engine,
            home.store(),
            home.log(scratch),
            record_id,
            basis=basis,
            principal=home.principal,
            at=utc_now(),
        )
    terminal.say("say.lifted", count=count)
    terminal.answer({"record": record_id, "lifted": count})


def write_effect(
    home: Home,
    terminal: Terminal,
    name: str,
    kind: EffectKind,
    *,
    on: date,
    basis: str,
    part: str | None,
    linked: str | None,
) -> None:
    """Write down what law did to a record from a day on; its copies show it at once."""
    caller = home.caller()
    with reading(home.engine) as connection:
        record_id = find_for(connection, caller, "effect.record", name, purpose=basis)
        other = find_for(connection, caller, "record.find", linked, purpose=basis) if linked else None
    with home.scratch() as scratch:
        made = record_effect(
            home.engine,
            home.store(),
            record_id,
            kind,
            on=on,
            basis=basis,
            principal=caller.principal,
            at=utc_now(),
            scratch=scratch,
            part=part,
            linked=other,
        )
    terminal.say("say.effect", record=record_id, kind=kind, on=on.isoformat())
    terminal.answer({"record": record_id, "effect": made, "kind": kind, "on": on.isoformat()})
