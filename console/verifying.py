"""The command that verifies a copy: with the register of a home, or anywhere with a root certificate."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from console.home import Home, utc_now
from console.roots import read_certificates
from console.settings import HomeSettings
from console.terminal import Terminal
from ocr.jail.parent import Jail
from search_api.copies.verify import Report, exit_code, verify_file


def run_verify(
    settings: HomeSettings, terminal: Terminal, path: Path, *, roots: Sequence[Path], offline: bool
) -> int:
    """Verify a file, tell the three verdicts and return the exit code they ask for.

    roots: further certificates to trust; with any named, the home's own are not. offline: leave the register
    of this home out. Where there is no home nothing but the roots is at hand.
    """
    named = [certificate for root in roots for certificate in read_certificates(root)]
    with ExitStack() as stack:
        home = None if offline or not Home.is_there(settings) else Home.open(settings)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sohoa-verify-")))
        jail = stack.enter_context(Jail(scratch))
        report = verify_file(
            path,
            engine=home.engine if home else None,
            roots=named or (home.roots() if home else ()),
            jail=jail,
            now=utc_now(),
        )
    _tell(terminal, report)
    terminal.answer(report.as_json(terminal.language))
    return exit_code(report)


def _tell(terminal: Terminal, report: Report) -> None:
    shown = report.as_json(terminal.language)
    for name in ("integrity", "status", "issuer"):
        verdict = terminal.word(f"verdict.{shown[name]['verdict']}")
        terminal.text(f"{terminal.word(f'verdict.{name}')}: {verdict} — {shown[name]['sentence']}")
