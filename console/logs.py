"""What a running process writes about itself: one line an event on standard error, for people or as JSON.

Nothing personal is written. Lines carry ids (`archive.log_subject`); an error is told by its slug and the places
it passed through, not by its message, for messages quote what was being worked on: a file's name, a value of a
statement. As the last net, long numbers are masked in what is left. The whole text of a fault of the program can
be had by running the command at hand in the foreground.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy.exc import DBAPIError

from archive.log_subject import subject

Format = Literal["text", "json"]
OURS = ("archive", "console", "ingest", "ocr", "retention", "search_api", "sohoa")

# CMND 9 digits, CCCD 12, tax codes 10 and 13: runs that long which are no part of an id or a digest.
_NUMBER = re.compile(r"(?<![0-9A-Za-z_.-])\d{9,13}(?![0-9A-Za-z_])")
# Errors whose message is about servers and settings, never about what is being worked on or who works.
TELLABLE = frozenset(("home-not-ready", "unknown-url", "store-unavailable", "index-unavailable", "index-unfit"))
_FRAMES = 20  # of a traceback, the innermost


def set_up_logs(form: Format, level: str) -> None:
    """Write this process's log to standard error from now on. Safe to repeat; replaces what was set up before.

    level: of our own lines; the libraries' are written from WARNING on, the server's from INFO on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn").setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    logging.captureWarnings(True)


class TextLines(logging.Formatter):
    """For people: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and one more for each place an error passed through."""
        ids = " ".join(f"{name}={value}" for name, value in subject().items())
        line = f"{_time(record)} {record.levelname} {record.name} {_message(record)}{' ' if ids else ''}{ids}"
        if (error := _error(record)) is not None:
            line += "".join(f"\n    {part}" for part in _places(error))
        return line


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger and message, the fields of the event, and the ids it is about."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line |= fields
        line |= {f"{name}_id": value for name, value in subject().items()}
        if (error := _error(record)) is not None:
            line["error"] = {"is": describe(error), "at": _places(error)}
        return json.dumps(line, ensure_ascii=False, default=str)


def describe(error: BaseException) -> str:
    """Return what an error is without what it says: its class, and its slug, number or state of SQL."""
    name = type(error).__name__
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return f"{name} ({type(error.orig).__name__}{f' {state}' if state else ''})"
    if isinstance(error, OSError):
        return f"{name} ({error.errno})"
    code = getattr(error, "code", None)
    return f"{name} ({code})" if isinstance(code, str) else name


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _message(record: logging.LogRecord) -> str:
    """Return the message on one line, its errors described and its long numbers masked."""
    said, args = str(_told(record.msg)), record.args
    if isinstance(args, tuple):
        args = tuple(_told(one) for one in args)
    try:
        text = said % args if args else said
    except (TypeError, ValueError):
        text = said
    return _NUMBER.sub("…", " ".join(text.split()))


def _told(said: object) -> object:
    """What is written for an error given as a message or in one; anything else as it is."""
    if not isinstance(said, BaseException):
        return said
    return f"{describe(said)}: {said}" if getattr(said, "code", None) in TELLABLE else describe(said)


def _places(error: BaseException) -> list[str]:
    """Return each error from the first cause on, with the places it passed through, innermost last."""
    frames = [
        f"{frame.filename.rpartition('/site-packages/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    ]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [*(_places(cause) if cause is not None else ()), describe(error), *frames]
