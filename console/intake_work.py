"""The commands that take scans in and work them off."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import func, select

from archive.database import reading
from console.beside import Tender
from console.embedded import Follower, bring_home, fixity_chore, locks_chore, log_chore
from console.home import Home, utc_now
from console.observing import observe_child
from console.ringing import bell_of
from console.settings import HomeSettings
from console.terminal import Terminal
from console.words.speak import word
from ingest.checks import clean_scratch
from ingest.intake import Door, take_in
from ingest.supervisor import Supervisor, WorkDone, spawn_context
from ingest.tables import capture, page_result, work_item


def run_intake(
    home: Home,
    terminal: Terminal,
    folder: Path,
    *,
    manifest: Path | None,
    unit: str | None,
    operator: str | None,
) -> None:
    """Take a folder in and say what was found."""
    clean_scratch(home.settings.ingest.scratch)
    home.staging().sweep()
    scratch = home.new_scratch()
    reader = home.reader(scratch)
    bar = _bar(terminal)
    task = bar.add_task("", total=None, rate="")

    def progress(done: int, everything: int) -> None:
        bar.update(task, completed=done, total=everything)

    try:
        with bar, bell_of(home.settings.ingest) as bell:
            door = Door(
                engine=home.engine,
                staging=home.staging(),
                reader=reader,
                seal=home.seal(),
                settings=home.settings.ingest,
                principal=home.principal,
                scratch=scratch,
                now=utc_now,
                bell=bell,
            )
            taken = take_in(door, folder, manifest_path=manifest, unit=unit, operator=operator, progress=progress)
    finally:
        reader.close()
        shutil.rmtree(scratch, ignore_errors=True)
    terminal.say(
        "say.taken",
        batch=taken.batch_id,
        items=taken.items,
        missing=len(taken.missing_files),
        ignored=len(taken.ignored),
    )
    if home.settings.ingest.broker_url is None:
        terminal.say("say.next", command="sohoa work --until-idle")
    terminal.answer(
        {
            "batch": taken.batch_id,
            "items": taken.items,
            "missing_files": list(taken.missing_files),
            "ignored": list(taken.ignored),
        }
    )


def work_as_child(settings: HomeSettings) -> None:
    """Be one worker process of an opened home."""
    observe_child(settings)
    # Imported here: loading what reads and signs takes a second, which only worker processes should pay.
    from ingest.workman import run_child

    run_child(lambda: Home.open(settings).desk())


def _bar(terminal: Terminal) -> Progress:
    """A bar with counts, speed and remaining time on a terminal; nothing elsewhere."""
    return Progress(
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=terminal.err,
        disable=not terminal.err.is_terminal,
    )


class _Meter:
    """Shows pages done of pages waiting while the work goes on."""

    def __init__(self, home: Home, terminal: Terminal) -> None:
        self._home = home
        self._progress = _bar(terminal)
        self._unit = word("say.pages", terminal.language)
        self._total = self._left()
        self._task = self._progress.add_task("", total=self._total, rate="")

    def _left(self) -> int:
        """Count the captures of unfinished work whose page has no kept result yet."""
        with reading(self._home.engine) as connection:
            return connection.execute(
                select(func.count())
                .select_from(capture)
                .join(work_item, work_item.c.subject_id == capture.c.item_id)
                .join(
                    page_result,
                    (page_result.c.work_item_id == work_item.c.id)
                    & (page_result.c.file_index == capture.c.file_index),
                    isouter=True,
                )
                .where(work_item.c.state.in_(("ready", "leased")), page_result.c.kept_at.is_(None))
            ).scalar_one()

    def __enter__(self) -> "_Meter":
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def tick(self) -> None:
        """Bring the bar up to date."""
        if self._progress.disable:
            return
        done = self._total - self._left()
        speed = self._progress.tasks[0].speed
        rate = f"{speed:.1f} {self._unit}/s" if speed else ""
        self._progress.update(self._task, completed=done, rate=rate)


def supervise(
    home: Home, *, workers: int, until_idle: bool, tick: Callable[[], None] = lambda: None, quiet: bool = False
) -> WorkDone:
    """Run workers until told to stop, or until every item has a state.

    quiet: they write warnings only, for someone who watches the bar.
    """
    settings, ingest = home.settings, home.settings.ingest
    if quiet and settings.observing.log_format == "text":
        settings = replace(settings, observing=replace(settings.observing, log_level="WARNING"))
    context = spawn_context()

    def new_worker() -> BaseProcess:
        return context.Process(target=work_as_child, args=(settings,), name="sohoa-worker")

    supervisor = Supervisor(home.engine, ingest, new_worker, workers=workers, now=utc_now)
    result = supervisor.run(until_idle=until_idle, tick=tick)
    clean_scratch(ingest.scratch)
    return result


def run_work(home: Home, terminal: Terminal, *, workers: int, until_idle: bool) -> None:
    """Run workers until stopped, or until every item has a state; what they deposit is found at once.

    Beside: the log on its way into the vault, locks that are due, the scrub.
    """
    clean_scratch(home.settings.ingest.scratch)
    home.store().sweep()
    home.staging().sweep()
    before = _ended(home)
    with home.scratch() as scratch:
        log = home.log(scratch)
        with (
            _Meter(home, terminal) as meter,
            Follower(home, log_chore(log)),
            Tender(fixity_chore(home, scratch), locks_chore(home)),
        ):
            result = supervise(home, workers=workers, until_idle=until_idle, tick=meter.tick, quiet=True)
        bring_home(log)
    done = _ended(home) - before
    left = result.backlog.ready + result.backlog.later + result.backlog.leased
    told = {
        "paused": result.backlog.paused,
        "quarantined": result.backlog.quarantined,
        "deaths": result.deaths,
    }
    terminal.say("say.worked", done=done, left=left, **told)
    terminal.answer({"done": done, "waiting": left, **told})


def _ended(home: Home) -> int:
    with reading(home.engine) as connection:
        return connection.execute(
            select(func.count()).where(work_item.c.state == "done", work_item.c.kind == "read")
        ).scalar_one()
