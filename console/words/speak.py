"""Finds a phrase by its name in the language asked for."""

from typing import Literal

from console.words.commands import COMMANDS
from console.words.errors import ERRORS
from console.words.told import TOLD

Language = Literal["vi", "en"]

_WORDS = COMMANDS | TOLD | ERRORS


def word(name: str, language: Language, **facts: object) -> str:
    """Return a phrase in a language with its facts filled in."""
    vi, en = _WORDS[name]
    return (vi if language == "vi" else en).format(**facts)


def has_word(name: str) -> bool:
    """Whether a phrase of this name exists."""
    return name in _WORDS
