"""The command `sohoa`: every act of staff and auditors, for people and (with --json) for programs.

Exit codes: 0 done; 3 a verdict command found something wanting; 4 it could not check something; 2 wrong use or
input; 1 a fault of ours.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from archive.access.principals import LEGAL_TIME
from archive.errors import ArchiveError
from console.door import EXIT_FAULT, EXIT_USAGE, Door
from console.home import utc_now
from console.words.speak import Language, has_word, word
from ingest.errors import IngestError
from ocr.errors import ReadingError
from retention.errors import RetentionError
from search_api.copies.eligibility import verdict_of
from search_api.errors import CopyRefused, SearchApiError

# The module of `console.groups` that each command is in. It is loaded when the command is given: most need few of
# the libraries, and who types one waits for what is loaded.
COMMANDS = {
    "init": "intake",
    "intake": "intake",
    "work": "intake",
    "inspect": "inspecting",
    "batch": "batch",
    "record": "record",
    "hold": "hold",
    "search": "search",
    "index": "search",
    "verify": "search",
    "copy": "copy",
    "principal": "principal",
    "serve": "serve",
    "api": "services",
    "projector": "services",
    "worker": "worker",
    "sweeper": "worker",
    "store": "store",
    "fixity": "fixity",
    "log": "vault",
    "rebuild": "vault",
    "backup": "vault",
    "restore": "vault",
    "doctor": "upkeep",
    "samples": "upkeep",
}


class Root(click.Group):
    """All commands, in a language; those of a module are loaded together."""

    language: Language = "vi"

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all, loaded or not."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded if need be; None if there is none of that name."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            import_module(f"console.groups.{COMMANDS[cmd_name]}").add(self, self.language)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names with a line about each, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, word(name, self.language)) for name in self.list_commands(ctx)])


def language_of(arguments: list[str], environment: dict[str, str]) -> Language:
    """Return the language asked for anywhere on the command line, in SOHOA_LANG, or Vietnamese."""
    wanted = environment.get("SOHOA_LANG", "vi")
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            wanted = arguments[index + 1]
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return "en" if wanted == "en" else "vi"


def build(language: Language) -> Root:
    """Return the whole command line in a language."""

    def say(name: str) -> str:
        return word(name, language)

    @click.group(cls=Root, help=say("sohoa"), context_settings={"help_option_names": ["-h", "--help"]})
    @click.option("--home", "folder", type=click.Path(path_type=Path), default=None, help=say("home"))
    @click.option("--lang", type=click.Choice(["vi", "en"]), default=None, help=say("lang"))
    @click.pass_context
    def sohoa(context: click.Context, /, folder: Path | None, **_language: str | None) -> None:
        chosen = folder or Path(os.environ.get("SOHOA_HOME", "var"))
        context.obj = Door(chosen, language)

    sohoa.language = language
    return sohoa


def _explain(error: Exception, language: Language) -> str:
    code = getattr(error, "code", "other")
    name = f"error.{code}" if has_word(f"error.{code}") else "error.other"
    return word(name, language, detail=str(error))


def _translated(error: Exception, language: Language) -> Exception:
    """Return a refusal in the language asked for: what is stored with a request is Vietnamese."""
    if not isinstance(error, CopyRefused) or language == "vi":
        return error
    try:
        told = verdict_of(error.rule, utc_now().astimezone(LEGAL_TIME).date())
    except KeyError:
        return error  # a person refused it, in words of their own
    return CopyRefused(error.rule, told.en, error.citation)


def _refuse(error: Exception, code: str, language: Language, *, as_json: bool) -> int:
    """Tell what could not be done and why, and return the exit code."""
    said = _explain(_translated(error, language), language)
    click.echo(said, err=True)
    if as_json:
        document = {"error": code, "message": said}
        if isinstance(error, CopyRefused):
            document |= {"rule": error.rule, "citation": error.citation}
        click.echo(json.dumps(document, ensure_ascii=False))
    return EXIT_USAGE


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    language = language_of(arguments, dict(os.environ))
    # --lang is accepted anywhere on the line; the root group sees it where click expects it.
    arguments = _without_language(arguments)
    try:
        # Without its standalone mode click returns the code a command asked to exit with.
        code = build(language)(arguments, prog_name="sohoa", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (ArchiveError, IngestError, ReadingError, RetentionError, SearchApiError) as error:
        return _refuse(error, error.code, language, as_json="--json" in arguments)
    except BrokenPipeError:
        return 0
    except Exception:  # noqa: BLE001  # the outermost door: nothing above could say it better
        click.echo(word("error.fault", language), err=True)
        traceback.print_exc()
        return EXIT_FAULT
    return code if isinstance(code, int) else 0


def _without_language(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--lang":
            skip = True
        elif not argument.startswith("--lang="):
            kept.append(argument)
    return kept


def main() -> None:
    """The entry point of the installed command."""
    sys.exit(run(sys.argv[1:]))
