"""The acts of the commands about fixity and locks."""

from dataclasses import asdict

from archive.database import reading
from archive.fixity.checks import check_fixity, fixity_states, without_second_copy
from archive.fixity.scrub import total
from console.home import Home, utc_now
from console.terminal import Terminal
from retention.reconcile import confirm_clock


def run_fixity(home: Home, terminal: Terminal, *, everything: bool, until_done: bool) -> bool:
    """Check stored objects, copy to the second store and mend; say whether nothing that is known is bad."""
    with home.scratch() as scratch:
        done = total(home.scrub(scratch).run(everything=everything, until_done=until_done))
    told = asdict(done)
    terminal.table(list(told), [[str(value) for value in told.values()]])
    terminal.answer(told)
    with reading(home.engine) as connection:
        return not any(state.bad for state in fixity_states(connection))


def fixity_status(home: Home, terminal: Terminal) -> bool:
    """Say how each store stands; return whether nothing is bad, overdue or behind."""
    settings, now = home.settings, utc_now()
    with reading(home.engine) as connection:
        states = fixity_states(connection)
        behind = without_second_copy(connection)[0] if settings.replica_url is not None else None
    findings = list(
        check_fixity(home.engine, days=settings.fixity.days, replicated=settings.replica_url is not None, now=now)
    )
    shown = [
        {**asdict(one), "oldest": one.oldest.isoformat() if one.oldest is not None else None} for one in states
    ]
    columns = ["side", "versions", "bad", "unreached", "oldest"]
    terminal.table(
        columns, [[str(one[name] if one[name] is not None else "–") for name in columns] for one in shown]
    )
    if behind is not None:
        terminal.say("say.replica-behind", count=behind)
    terminal.findings(findings)
    terminal.answer({"stores": shown, "without_second_copy": behind, "findings": [asdict(f) for f in findings]})
    return not findings


def compare_locks(home: Home, terminal: Terminal, *, clock_is_right: bool) -> bool:
    """Compare the locks of rows and stores in one round; say what differed and whether all of it is mended."""
    if clock_is_right:
        confirm_clock(home.engine, now=utc_now(), principal=home.principal)
    done = home.reconciler().round()
    rows = [[one.fault, one.subject, one.detail, "✓" if one.mended else "–"] for one in done.drift]
    if rows:
        terminal.table(["fault", "subject-of", "detail", "mended"], rows)
    terminal.say("say.locks-compared", count=done.looked, extended=done.extended, held=done.held)
    terminal.answer(
        {
            "looked": done.looked,
            "extended": done.extended,
            "held": done.held,
            "unchecked": done.unchecked,
            "drift": [asdict(one) for one in done.drift],
        }
    )
    return all(one.mended for one in done.drift) and not done.unchecked
