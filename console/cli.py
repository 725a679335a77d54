"""The command `sohoa`: every act of staff and auditors, for people and (with --json) for programs.

Exit codes: 0 done; 3 a verdict command found something wanting; 4 it could not check something; 2 wrong use or
input; 1 a fault of ours.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import click

from archive.access.principals import LEGAL_TIME
from archive.errors import ArchiveError
from console.door import EXIT_FAULT, EXIT_USAGE, Door
from console.groups.batch import add_batch
from console.groups.copy import add_copy
from console.groups.fixity import add_fixity
from console.groups.intake import add_intake
from console.groups.principal import add_principals
from console.groups.record import add_hold, add_record
from console.groups.search import add_search
from console.groups.serve import add_serve
from console.groups.services import add_services
from console.groups.store import add_store
from console.groups.upkeep import add_upkeep
from console.groups.vault import add_vault
from console.groups.worker import add_worker
from console.home import utc_now
from console.words.speak import Language, has_word, word
from ingest.errors import IngestError
from ocr.errors import ReadingError
from retention.errors import RetentionError
from search_api.copies.eligibility import verdict_of
from search_api.errors import CopyRefused, SearchApiError

GROUPS = (
    add_intake,
    add_batch,
    add_record,
    add_hold,
    add_search,
    add_copy,
    add_principals,
    add_serve,
    add_services,
    add_worker,
    add_store,
    add_fixity,
    add_vault,
    add_upkeep,
)


def language_of(arguments: list[str], environment: dict[str, str]) -> Language:
    """Return the language asked for anywhere on the command line, in SOHOA_LANG, or Vietnamese."""
    wanted = environment.get("SOHOA_LANG", "vi")
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            wanted = arguments[index + 1]
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return "en" if wanted == "en" else "vi"


def build(language: Language) -> click.Group:
    """Return the whole command line in a language."""

    def say(name: str) -> str:
        return word(name, language)

    @click.group(help=say("sohoa"), context_settings={"help_option_names": ["-h", "--help"]})
    @click.option("--home", "folder", type=click.Path(path_type=Path), default=None, help=say("home"))
    @click.option("--lang", type=click.Choice(["vi", "en"]), default=None, help=say("lang"))
    @click.pass_context
    def sohoa(context: click.Context, /, folder: Path | None, **_language: str | None) -> None:
        chosen = folder or Path(os.environ.get("SOHOA_HOME", "var"))
        context.obj = Door(chosen, language)

    for add_group in GROUPS:
        add_group(sohoa, language)
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
