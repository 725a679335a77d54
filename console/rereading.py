"""The commands about readings: a record read again, the readings it has, which is in force, the proof of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from archive.access.subjects import find_for
from archive.database import reading
from archive.record import PrincipalId
from archive.text_deposit import choose_text
from archive.texts import readings_of
from console.home import Home, utc_now
from console.terminal import Terminal
from ingest.checks import clean_scratch
from ingest.derivations import run_again
from ingest.rereader import Rereader
from ingest.rereading import read_again

_SHOWN = 16  # characters of a hash in a table; --json has it whole


@contextmanager
def _desk(home: Home, who: PrincipalId) -> Iterator[Rereader]:
    clean_scratch(home.settings.ingest.scratch)
    with home.scratch() as scratch:
        yield Rereader(
            engine=home.engine,
            store=home.watched_store(),
            log=home.log(scratch),
            open_reader=partial(home.reader, scratch),
            places=home.settings.ingest.places,
            principal=who,
            scratch=scratch,
            now=utc_now,
        )


def reread(home: Home, terminal: Terminal, name: str, *, keep_old: bool, purpose: str) -> None:
    """Read a record again and keep what was read; it is in force at once, unless told not."""
    caller = home.caller()
    with reading(home.engine) as connection:
        record_id = find_for(connection, caller, "text.choose", name, purpose=purpose)
    with _desk(home, caller.principal) as desk:
        done = read_again(desk, record_id, purpose=purpose, adopt=not keep_old)
    if done.new:
        terminal.say("say.reread", record=record_id, number=done.number)
    else:
        terminal.say("say.reread-same", record=record_id, number=done.number)
    terminal.say("say.text-in-force" if done.in_force else "say.text-not-in-force", number=done.number)
    if done.failed:
        terminal.say("say.reread-failed", pages=_listed(done.failed))
    if done.emptied:
        terminal.say("say.reread-emptied", pages=_listed(done.emptied))
    terminal.answer(
        {
            "record": record_id,
            "number": done.number,
            "new": done.new,
            "in_force": done.in_force,
            "text_sha256": done.text_sha256,
            "confidence": done.confidence,
            "failed_pages": list(done.failed),
            "emptied_pages": list(done.emptied),
        }
    )


def check(home: Home, terminal: Terminal, name: str, number: int, *, purpose: str) -> bool | None:
    """Run a reading's derivation again and say whether its text hash is reproduced; None: it could not be told."""
    caller = home.caller()
    with reading(home.engine) as connection:
        record_id = find_for(connection, caller, "text.choose", name, purpose=purpose)
    with _desk(home, caller.principal) as desk:
        done = run_again(desk, record_id, number, purpose=purpose)
    told = {True: "say.reproduced", False: "say.not-reproduced", None: "say.reproduction-unchecked"}
    terminal.say(
        told[done.reproduced], number=number, sha256=done.expected_sha256, pages=_listed(done.pages) or "–"
    )
    for one in done.differs:
        terminal.say("say.derivation-differs", what=one)
    terminal.answer(
        {
            "record": record_id,
            "number": number,
            "reproduced": done.reproduced,
            "expected_sha256": done.expected_sha256,
            "found_sha256": done.found_sha256,
            "differs": list(done.differs),
            "pages": list(done.pages),
        }
    )
    return done.reproduced


def show_readings(home: Home, terminal: Terminal, name: str, *, purpose: str) -> None:
    """List a record's readings, the package's own first; nothing of their text is told."""
    caller = home.caller()
    with reading(home.engine) as connection:
        record_id = find_for(connection, caller, "record.find", name, purpose=purpose)
    found = readings_of(home.engine, home.store(), record_id, principal=caller.principal, at=utc_now())
    rows = [
        [
            str(one.number),
            one.made_at.isoformat(timespec="seconds"),
            "; ".join(_engine(engine) for engine in one.engines) or "–",
            one.text_sha256[:_SHOWN],
            "–" if one.confidence is None else f"{one.confidence:.4f}",
            str(one.pages),
            terminal.word("in-force" if one.in_force else "not-in-force"),
        ]
        for one in found
    ]
    terminal.table(["package-number", "made-at", "engine", "text-hash", "confidence", "page", "in-force"], rows)
    terminal.answer(
        {
            "record": record_id,
            "readings": [
                {
                    "number": one.number,
                    "made_at": one.made_at.isoformat(),
                    "engines": list(one.engines),
                    "text_sha256": one.text_sha256,
                    "confidence": one.confidence,
                    "pages": one.pages,
                    "in_force": one.in_force,
                }
                for one in found
            ],
        }
    )


def use_text(home: Home, terminal: Terminal, name: str, number: int, *, purpose: str) -> None:
    """Put one of a record's readings in force: shown and searched from now on."""
    caller = home.caller()
    with reading(home.engine) as connection:
        record_id = find_for(connection, caller, "text.choose", name, purpose=purpose)
    with home.scratch() as scratch:
        changed = choose_text(
            home.engine, home.log(scratch), record_id, number, principal=caller.principal, at=utc_now()
        )
    terminal.say("say.text-in-force", number=number)
    terminal.answer({"record": record_id, "number": number, "changed": changed})


def _listed(pages: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in pages)


def _engine(told: dict[str, object]) -> str:
    models = told.get("models")
    names = (
        [f"{name} {str(sha256)[:8]}" for name, sha256 in sorted(models.items())]
        if isinstance(models, dict)
        else []
    )
    return f"{told.get('engine')} {told.get('version')}" + (f" ({', '.join(names)})" if names else "")
