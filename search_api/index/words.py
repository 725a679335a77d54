"""How text becomes index terms, the same for pages and for queries; pure.

A term is a maximal run of letters and digits, in NFC, case-folded, with Vietnamese tone marks in one place
(hoà and hòa are one spelling). Each term has a folded form without any marks, đ as d. Numbers that may stand
for a person or a taxpayer are found here, so that no index ever holds one in clear.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

MASK = "•"  # what stands in a text for each digit of an identifier
TOKEN_PREFIX = "_"  # noqa: S105 - no term of a text holds an underscore, so no word can pass for a token
TOKEN_DIGITS = 32

# Characters without a shape of their own: NUL, soft hyphen, zero-width space and joiners, direction marks, BOM.
_SHAPELESS = re.compile("[\0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_RUN = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*")
_MASKED = re.compile(f"{MASK}+")
_TONES = "\u0300\u0301\u0309\u0303\u0323"  # grave, acute, hook above, tilde, dot below


def _composed(letter: str, tone: str) -> str:
    return unicodedata.normalize("NFC", letter + tone)


# The two customs differ in the open rhymes oa, oe and uy only: the tone on the first vowel or on the second.
_PLACEMENTS = {
    _composed(first, tone) + second: first + _composed(second, tone)
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in _TONES
}
_PLACED_FIRST = re.compile("|".join(_PLACEMENTS))

_GAP = "[ .\u00a0]"
# Nine digits or more in a row; a tax code of ten may carry its branch. Or twelve or nine in the groups that
# CCCD, CMND and tax numbers are written in: not a list of years, and no sum of money with its unit.
_IDENTIFIER = re.compile(
    rf"""
      (?P<tax>(?<!\d)\d{{10}})-(?P<branch>\d{{3}})(?!\d)
    | (?P<run>\d{{9,}})
    | (?<!\d)(?<!\d[.,])(?P<groups>
          \d{{3}}(?:{_GAP}\d{{3}}){{3}}
        | (?!(?:(?:19|20)\d\d\b{_GAP}?){{3}}(?!\d))\d{{4}}(?:{_GAP}\d{{4}}){{2}}
        | \d{{6}}{_GAP}\d{{6}}
        | \d{{3}}(?:{_GAP}\d{{3}}){{2}}
      )(?!\d)(?![.,]\d)(?!\s*(?:đồng|đ|vnđ|vnd|usd)\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)


# Every identifier has such digits; most pages have none, and are done fast.
_DIGITS = re.compile(rf"\d{{3}}{_GAP}?\d{{3}}")


@dataclass(frozen=True, slots=True)
class Term:
    """One run of a text as it is looked up: exact with its marks, folded without."""

    exact: str
    folded: str


@dataclass(frozen=True, slots=True)
class FoundIdentifier:
    """An identifier-like number at text[start:end]. values: what it is looked up by, the shortest first: the
    digits, and for a branch also the digits with `-` and the branch."""

    start: int
    end: int
    values: tuple[str, ...] = field(repr=False)


def clean(text: str) -> str:
    """Return a text in NFC without characters that have no shape; what everything here expects."""
    return unicodedata.normalize("NFC", _SHAPELESS.sub("", text))


def canonical(text: str) -> str:
    """Return a text as its words are compared: cleaned, case-folded, decimal digits as 0-9, tones in one place."""
    folded = clean(clean(text).casefold())
    if not folded.isascii():
        folded = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
        folded = _PLACED_FIRST.sub(lambda found: _PLACEMENTS[found[0]], folded)
    return folded


@lru_cache(maxsize=65_536)
def fold(term: str) -> str:
    """Return a canonical term without marks: `quyết` → `quyet`, `đ` → `d`. Never empty for a term."""
    if term.isascii():
        return term
    plain = unicodedata.normalize("NFD", term.replace("đ", "d"))
    return "".join(c for c in plain if c.isalnum()) or term


def fold_terms(exact: str) -> str:
    """Return a row of exact terms folded; tabs and spaces between them stay where they are."""
    return " ".join([_fold_word(told) for told in exact.split(" ")])


@lru_cache(maxsize=65_536)
def _fold_word(told: str) -> str:
    return "\t".join(fold(term) for term in told.split("\t"))


@lru_cache(maxsize=65_536)
def terms_of(text: str) -> tuple[Term, ...]:
    """Return the terms of a text, in order. `96/2016/NĐ-CP` has four."""
    return tuple(Term(run, fold(run)) for run in _RUN.findall(canonical(text)))


def terms_of_masked(text: str, tokens: Sequence[str]) -> Iterator[Term]:
    """Yield the terms of a text whose identifiers are masked.

    tokens: for each run of masks, its index terms with spaces between; empty for the rest of an identifier
    that began in an earlier word.
    """
    position = 0
    for found, series in zip(_MASKED.finditer(text), tokens, strict=True):
        yield from terms_of(text[position : found.start()])
        yield from (Term(token, token) for token in series.split())
        position = found.end()
    yield from terms_of(text[position:])


def identifiers_in(text: str) -> Iterator[FoundIdentifier]:
    """Yield the identifier-like numbers of a cleaned text, left to right, none overlapping."""
    if not _DIGITS.search(text):
        return
    for found in _IDENTIFIER.finditer(text):
        if found["tax"]:
            base = _digits(found["tax"])
            yield FoundIdentifier(found.start(), found.end(), (base, f"{base}-{_digits(found['branch'])}"))
        else:
            yield FoundIdentifier(found.start(), found.end(), (_digits(found[0]),))


def token_of(digest: str) -> str:
    """Return the index term that stands for an identifier, from its keyed digest in hex."""
    return TOKEN_PREFIX + digest[:TOKEN_DIGITS]


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
