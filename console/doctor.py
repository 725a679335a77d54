"""The command that examines an archive: every package's checks, one list of findings."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

from archive.checks import check_copies, check_leftovers, check_objects
from archive.doctor import Finding, examine
from archive.fixity.checks import check_fixity
from archive.log.checks import check_log
from archive.log.outside import open_outside
from console.embedded import bring_home, keep_up
from console.home import Home, utc_now
from console.terminal import Terminal
from ingest.checks import check_batches, check_leases, check_scratch, check_staging
from retention.reconcile import check_round
from search_api.errors import IndexUnavailable
from search_api.index.checks import check_index


def run_doctor(home: Home, terminal: Terminal, *, deep: bool) -> bool:
    """Examine, report, and return whether nothing was found.

    What index and vault have not yet been told is no fault: they are brought up to date first.
    """
    with home.scratch() as scratch:
        bring_home(home.log(scratch))
    keep_up(home)
    outside = open_outside(home.settings.log_outside_url, home.engine)
    store, staging = home.store(), home.staging()
    findings = examine(
        [
            lambda: check_objects(home.engine, store, deep=deep),
            lambda: check_copies(home.engine, store, deep=deep),
            lambda: check_leftovers(store, "objects"),
            lambda: check_leftovers(staging, "staging"),
            lambda: check_log(home.engine, store, home.log_key().verifier, outside, deep=deep),
            lambda: check_fixity(
                home.engine,
                days=home.settings.fixity.days,
                replicated=home.settings.replica_url is not None,
                now=utc_now(),
            ),
            lambda: check_round(home.engine, now=utc_now()),
            lambda: check_leases(home.engine, now=utc_now()),
            lambda: check_batches(home.engine),
            lambda: check_staging(home.engine, staging),
            lambda: check_scratch(home.settings.ingest.scratch),
            lambda: _check_index(home),
        ]
    )
    terminal.findings(findings, none="say.healthy")
    terminal.answer({"ok": not findings, "findings": [asdict(f) for f in findings]})
    return not findings


def _check_index(home: Home) -> Iterator[Finding]:
    try:
        index = home.index()
    except IndexUnavailable as error:
        yield Finding("index-unavailable", home.settings.index_url, str(error))
        return
    with closing(index):
        yield from check_index(home.engine, index)
