"""What every command is given: the home's folder, the language, how to speak, and the exit codes."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from console.home import Home
from console.settings import HomeSettings, read_settings
from console.terminal import Terminal
from console.words.speak import Language, word

EXIT_FAULT, EXIT_USAGE, EXIT_WANTING, EXIT_UNCHECKED = 1, 2, 3, 4

Command = Callable[..., None]


class Door:
    """One command line: where it works and how it speaks."""

    def __init__(self, folder: Path, language: Language, *, as_json: bool = False) -> None:
        self.folder = folder
        self.language = language
        self.terminal = Terminal(language, as_json=as_json)

    def settings(self) -> HomeSettings:
        """Read the settings. Raises HomeNotReady."""
        return read_settings(self.folder, os.environ)

    def home(self) -> Home:
        """Open the home. Raises HomeNotReady."""
        return Home.open(self.settings())


def json_option(language: Language) -> Callable[[Command], Command]:
    """Return the option --json, which tells the door before the command runs."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.find_object(Door).terminal.as_json = True  # type: ignore[union-attr]  # set by the root group

    return click.option("--json", is_flag=True, expose_value=False, callback=remember, help=word("json", language))
