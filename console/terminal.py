"""How commands speak: JSON alone on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from archive.doctor import Finding
from console.words.speak import Language, word
from ingest.pickup import shown


class Terminal:
    """One command's voice."""

    def __init__(self, language: Language, *, as_json: bool) -> None:
        self.language: Language = language
        self.as_json = as_json
        self.err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def say(self, name: str, **facts: object) -> None:
        """Tell a person something: on standard error, so that standard output stays for answers."""
        told = {key: shown(fact) if isinstance(fact, str) else fact for key, fact in facts.items()}
        self.err.print(word(name, self.language, **told))

    def word(self, name: str) -> str:
        """Return a phrase without facts in this terminal's language."""
        return word(name, self.language)

    def answer(self, document: Any) -> None:
        """Print the JSON answer, if JSON was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")

    def table(self, columns: list[str], rows: list[list[str]]) -> None:
        """Print rows under the named columns on standard output; nothing without rows or in JSON mode."""
        if self.as_json or not rows:
            return
        headings = [word(f"column.{name}", self.language) for name in columns]
        table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*(shown(cell) for cell in row))
        Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)

    def findings(self, found: Sequence[Finding], *, none: str | None = None) -> None:
        """Tell what is wrong, as a table, or that nothing is, in the words of that name."""
        if found:
            self.say("say.findings", count=len(found))
            self.table(["fault", "subject-of", "detail"], [[f.fault, f.subject, f.detail] for f in found])
        elif none is not None:
            self.say(none)

    def text(self, text: str) -> None:
        """Print plain text for a person on standard output; in JSON mode nothing."""
        if not self.as_json:
            sys.stdout.write(text + "\n")
