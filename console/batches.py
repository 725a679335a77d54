"""The commands about batches."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from archive import failpoints
from archive.database import reading, writing
from console.embedded import keep_up
from console.home import Home, utc_now
from console.terminal import Terminal
from console.words.speak import word
from ingest import batch as batches
from ingest import worklist
from ingest.acceptance import Acceptor, accept_batch
from ingest.backlog import backlog
from ingest.batch_quality import quality_of
from ingest.batch_state import pause, resume
from ingest.cancelling import cancel
from ingest.reasons import sentence
from ingest.receipt import Receipt, open_matters, receipt_of, state_label
from ingest.receipt_page import printable
from ingest.release import release_ended
from ingest.standing import Standing, standing_of
from ingest.tables import batch


def list_batches(home: Home, terminal: Terminal) -> None:
    """List every batch with its figures, newest first."""
    with reading(home.engine) as connection:
        rows = connection.execute(select(batch).order_by(batch.c.received_at.desc())).all()
        listed = [
            {
                "batch": row.id,
                "label": row.label,
                **standing_of(connection, row.id).as_json(now=utc_now()),
                "received_at": row.received_at.isoformat(),
                "received": (figures := batches.figures_of(connection, row.id)).received,
                "archived": figures.archived + figures.blank,
                "waiting": figures.waiting,
                "rejected": figures.rejected,
            }
            for row in rows
        ]
    terminal.table(
        ["batch", "folder", "state", "since", "waits-for", "received", "archived", "waiting", "rejected"],
        [
            [
                str(b["batch"]),
                str(b["label"]),
                state_label(str(b["state"]), terminal.language),
                _age(b["state_age_seconds"]),
                word(f"waits-for.{b['waits_for']}", terminal.language),
                *(str(b[k]) for k in ("received", "archived", "waiting", "rejected")),
            ]
            for b in listed
        ],
    )
    terminal.answer({"batches": listed})


def _age(seconds: int) -> str:
    """Return an age as people read it: days, hours and minutes of the two largest units."""
    days, rest = divmod(seconds, 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    return f"{days}d{hours:02}h" if days else f"{hours}h{minutes:02}m"


def _print(terminal: Terminal, receipt: Receipt) -> None:
    f = receipt.figures
    terminal.text(
        f"{f.declared} − {f.missing} + {f.surplus} = {f.received} = "
        f"{f.archived} + {f.blank} + {f.separator} + {f.rejected} + {f.waiting}"
    )
    terminal.text(
        "kê khai − thiếu + thừa = nhận = lưu + trắng + phân cách + từ chối + chờ"
        if terminal.language == "vi"
        else "declared − missing + surplus = received = archived + blank + separator + rejected + waiting"
    )
    terminal.table(
        ["file", "result", "captures", "number-or-reason"],
        [
            [
                i.file,
                state_label(i.state, terminal.language),
                str(i.captures),
                i.archive_number or i.message or "",
            ]
            for i in receipt.items
        ],
    )
    terminal.table(
        ["difference", "file", "captures", "why", "word"],
        [
            [state_label(d.kind, terminal.language), d.file, str(d.captures), d.message, d.word or ""]
            for d in receipt.differences
        ],
    )


def show_batch(home: Home, terminal: Terminal, batch_id: str) -> None:
    """Show a batch: its account, its items, what keeps it open and how far the work is."""
    with reading(home.engine) as connection:
        receipt = receipt_of(connection, batch_id, language=terminal.language)
        left = backlog(connection, now=utc_now())
        matters = open_matters(receipt)
        standing = standing_of(connection, batch_id, matters)
    _print(terminal, receipt)
    _say_standing(terminal, batch_id, standing)
    _say_open(terminal, batch_id, matters, closed=receipt.state == "closed")
    terminal.answer(
        {
            **receipt.as_json(),
            **standing.as_json(now=utc_now()),
            "open": {
                "waiting": matters.waiting,
                "discrepancies": matters.discrepancies,
                "rejections": matters.rejections,
                "unaccepted": matters.unaccepted,
            },
            "quarantined": left.quarantined,
        }
    )


def show_quality(home: Home, terminal: Terminal, batch_id: str) -> None:
    """Show what the rules of image quality said of a batch, and the pages a person should look at."""
    found = quality_of(
        home.engine,
        home.store(),
        batch_id,
        principal=home.principal,
        at=utc_now(),
        language=terminal.language,
    )
    rows = [
        [one.rule, str(one.passed), str(one.failed), str(one.not_applicable), f"{one.failed_share:.1%}"]
        for one in found.rules
    ]
    terminal.table(["rule", "passed", "failed", "not-applicable", "failed-share"], rows)
    look = [[page.file, str(page.number), "; ".join(page.why)] for page in found.pages]
    if look:
        terminal.table(["file", "page", "look"], look)
    silent = [one.rule for one in found.rules if one.never_evaluated]
    if silent:
        terminal.say("say.never-evaluated", rules=", ".join(silent))
    if found.unmeasured:
        terminal.say("say.unmeasured", count=found.unmeasured)
    terminal.answer(
        {
            "batch": batch_id,
            "records": found.records,
            "unmeasured": found.unmeasured,
            "rules": [{**asdict(one), "failed_share": round(one.failed_share, 4)} for one in found.rules],
            "never_evaluated": silent,
            "pages": [asdict(page) for page in found.pages],
        }
    )


def _say_standing(terminal: Terminal, batch_id: str, standing: Standing) -> None:
    terminal.say(
        "say.standing",
        batch=batch_id,
        state=state_label(standing.state, terminal.language),
        age=_age(max(0, int((utc_now() - standing.since).total_seconds()))),
        owner=word(f"waits-for.{standing.waits_for}", terminal.language),
    )
    if standing.reason is not None:
        said = sentence(standing.reason, terminal.language) if standing.by == "system" else standing.reason
        terminal.say("say.standing-reason", reason=said)
    if standing.needed is not None or standing.free is not None:
        terminal.say("say.standing-room", needed=standing.needed or 0, free=standing.free or 0)


def _say_open(terminal: Terminal, batch_id: str, matters: batches.OpenMatters, *, closed: bool) -> None:
    if closed:
        terminal.say("say.closed", batch=batch_id)
        return
    terminal.say(
        "say.open",
        batch=batch_id,
        waiting=matters.waiting,
        discrepancies=matters.discrepancies,
        rejections=matters.rejections,
        unaccepted=matters.unaccepted,
    )


def show_receipt(home: Home, terminal: Terminal, batch_id: str, *, pdf: Path | None) -> None:
    """Print the receipt, and write the printable page when a file is named."""
    with reading(home.engine) as connection:
        receipt = receipt_of(connection, batch_id, language=terminal.language)
    if pdf is not None:
        pdf.write_bytes(printable(receipt, language=terminal.language))
        terminal.say("say.exported", file=pdf, sha256="PDF/A")
    _print(terminal, receipt)
    terminal.answer(receipt.as_json())


def accept(
    home: Home,
    terminal: Terminal,
    batch_id: str,
    *,
    said: str | None,
    clean_only: bool,
    failed_pages: tuple[str, ...],
) -> None:
    """Accept a batch's records, write a person's word down, and close the batch if nothing keeps it open."""
    with reading(home.engine) as connection:
        batches.find_batch(connection, batch_id)
    scratch = home.new_scratch()
    acceptor = Acceptor(home.engine, home.store(), scratch, home.settings.ingest.locks, home.principal, utc_now())
    try:
        accepted, left = accept_batch(
            acceptor,
            batch_id,
            basis=said or "person:batch-accept",
            clean_only=clean_only,
            failed_pages=failed_pages,
        )
    finally:
        scratch.rmdir()
    with writing(home.engine) as connection:
        if said:
            batches.give_word(connection, batch_id, said, principal=home.principal, at=utc_now())
        receipt = receipt_of(connection, batch_id, language=terminal.language)
        matters = open_matters(receipt)
        if matters.none:
            batches.close(connection, batch_id, principal=home.principal, at=utc_now())
        closed = batches.is_closed(connection, batch_id)
    if closed:
        failpoints.passing("batch-closed")
        release_ended(home.engine, home.staging(), batch_id, now=utc_now())
    keep_up(home)
    terminal.say("say.accepted", accepted=accepted)
    for one in left:
        reasons = "; ".join(sentence(r, terminal.language) for r in one.reasons)
        terminal.say("say.not-accepted", file=one.file, reasons=reasons)
    _say_open(terminal, batch_id, matters, closed=closed)
    terminal.answer(
        {
            "batch": batch_id,
            "accepted": accepted,
            "not_accepted": [{"file": n.file, "record": n.record_id, "reasons": list(n.reasons)} for n in left],
            "closed": closed,
        }
    )


def halt(
    home: Home, terminal: Terminal, batch_id: str, act: Literal["pause", "resume", "cancel"], reason: str
) -> None:
    """Pause, resume or cancel a batch, and say how it stands then."""
    principal = home.principal
    if act == "cancel":
        cancel(home.engine, home.staging(), batch_id, reason, principal=principal, now=utc_now)
    else:
        change = pause if act == "pause" else resume
        with writing(home.engine) as connection:
            change(connection, batch_id, reason, principal=principal, at=utc_now())
    with reading(home.engine) as connection:
        standing = standing_of(connection, batch_id)
    _say_standing(terminal, batch_id, standing)
    terminal.answer({"batch": batch_id, **standing.as_json(now=utc_now())})


def retry(home: Home, terminal: Terminal, batch_id: str, *, file: str | None) -> None:
    """Put a batch's quarantined work back on the list."""
    with writing(home.engine) as connection:
        batches.find_batch(connection, batch_id)
        count = worklist.retry(connection, batch_id, now=utc_now(), file=file)
    terminal.say("say.retried", count=count)
    terminal.answer({"batch": batch_id, "retried": count})
