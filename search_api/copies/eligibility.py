"""Whether a copy may be issued: pure rules over frozen facts, each with its name, citation and sentence.

What the rules say to people is dated data (`rules.toml`); what they ask is here, in one fixed order. The first
that fails is the ground of a refusal; all that fail are told. Nothing here looks anything up: `case` gathers
the facts, inside the transaction that acts on the verdict.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from archive.access.policy import CONDITIONAL_MODE, KEPT, OPEN_MODE
from archive.effects import EffectState
from search_api.copies.model import Capacity, CopyKind

RULES_FILE = Path(__file__).with_name("rules.toml")
LEVEL_MAX = 2  # sensitivity levels 3 and 4 leave the archive in no copy issued here
PAPER_SOURCES = frozenset(("original", "authentic"))  # bản gốc, bản chính


@dataclass(frozen=True, slots=True)
class CopyCase:
    """Everything the rules ask about: the record today, and who asks what for.

    requester_is_holder: None when the party is not known. holds: how many stand. dossier: whether the request
    names the dossier it goes into.
    """

    record_state: str
    access_mode: str
    sensitivity_level: int
    source_form: str
    source_status: str
    original_book_body: str | None
    original_book: str | None
    original_number: str | None
    copy_prohibition: str | None
    holds: int
    effect: EffectState
    capacity: Capacity
    requester_is_holder: bool | None
    proof: bool
    dossier: bool
    purpose: str


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule as dated data. mark: V read in the text itself, S a secondary source, U not sourced."""

    name: str
    valid_from: date
    valid_until: date | None
    citation: str
    mark: Literal["V", "S", "U"]
    vi: str
    en: str

    def in_force(self, on: date) -> bool:
        """Whether the rule may be applied that day."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A rule that forbids the copy, with what people are told."""

    rule: str
    citation: str
    mark: Literal["V", "S", "U"]
    vi: str
    en: str


def read_rules(path: Path) -> tuple[RuleText, ...]:
    """Return the rules of a file, in its order. Raises KeyError for one that lacks something."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["rules"]
    return tuple(
        RuleText(
            name=row["name"],
            valid_from=row["from"],
            valid_until=row.get("until"),
            citation=row["citation"],
            mark=row["mark"],
            vi=row["vi"],
            en=row["en"],
        )
        for row in rows
    )


RULES = read_rules(RULES_FILE)


def verdict_of(rule: str, on: date) -> RuleVerdict:
    """Return what a rule says, as worded on a day; before its first day as worded first. Raises KeyError."""
    named = [text for text in RULES if text.name == rule]
    if not named:
        raise KeyError(rule)
    text = next((text for text in named if text.in_force(on)), named[0])
    return RuleVerdict(text.name, text.citation, text.mark, text.vi, text.en)


def judge(kind: CopyKind, case: CopyCase, *, on: date) -> tuple[RuleVerdict, ...]:
    """Return every rule that forbids a copy of this kind, in the fixed order; empty: it may be issued.

    on: the legal day, which picks the wording. A kind nobody issues here fails by its own rule.
    """
    failing = [rule for rule, holds in _TESTS if not holds(kind, case)]
    return tuple(verdict_of(rule, on) for rule in failing)


def issuable_kinds(case: CopyCase, *, on: date) -> tuple[CopyKind, ...]:
    """Return the kinds a case may have a copy of."""
    return tuple(kind for kind in ISSUED_HERE if not judge(kind, case, on=on))


ISSUED_HERE: tuple[CopyKind, ...] = ("office-copy", "original-book-copy")
_REFUSED_KINDS: Mapping[str, CopyKind] = {
    "certification-by-authority": "certified-copy",
    "extract-not-issued": "extract",
    "archive-copy-not-issued": "archive-copy",
    "archive-reading-copy-not-issued": "archive-reading-copy",
    "paper-conversion-not-issued": "paper-conversion",
}
_Test = Callable[[CopyKind, CopyCase], bool]


def _is_not(refused: CopyKind) -> _Test:
    return lambda kind, _case: kind != refused


def _transcribes_an_office_copy(kind: CopyKind, case: CopyCase) -> bool:
    return kind != "transcript" or case.source_status == "office-copy"


def _is_known_kind(kind: CopyKind, _case: CopyCase) -> bool:
    return kind in ISSUED_HERE or kind == "transcript" or kind in _REFUSED_KINDS.values()


def _is_open_enough(_kind: CopyKind, case: CopyCase) -> bool:
    return case.access_mode in (OPEN_MODE, CONDITIONAL_MODE) and case.sensitivity_level <= LEVEL_MAX


def _source_is_known(_kind: CopyKind, case: CopyCase) -> bool:
    return "unknown" not in (case.source_form, case.source_status)


def _source_is_paper(kind: CopyKind, case: CopyCase) -> bool:
    # An unknown form is refused by source-known already; to call it "not paper" would be saying too much.
    return kind != "office-copy" or case.source_form in ("paper", "unknown")


def _source_is_first_hand(kind: CopyKind, case: CopyCase) -> bool:
    # A transcript has a source of its own kind; an unknown status is source-known's to refuse.
    return kind == "transcript" or case.source_status in (*PAPER_SOURCES, "unknown")


def _has_book_entry(kind: CopyKind, case: CopyCase) -> bool:
    entry = (case.original_book_body, case.original_book, case.original_number)
    return kind != "original-book-copy" or all(value and value.strip() for value in entry)


def _has_capacity(_kind: CopyKind, case: CopyCase) -> bool:
    """CPY-5: a holder known to the register needs no paper; who speaks for one, or is not known, shows it."""
    match case.capacity:
        case "holder":
            return case.proof if case.requester_is_holder is None else case.requester_is_holder
        case "representative" | "relative":
            return case.proof
        case "agency":
            return case.dossier or case.proof
        case "officer":
            return True


_TESTS: tuple[tuple[str, _Test], ...] = (
    ("certification-by-authority", _is_not("certified-copy")),
    ("transcript-from-office-copy", _transcribes_an_office_copy),
    ("transcript-not-issued", _is_not("transcript")),
    *((rule, _is_not(kind)) for rule, kind in _REFUSED_KINDS.items() if rule != "certification-by-authority"),
    ("kind-issued-here", _is_known_kind),
    ("record-accepted", lambda _kind, case: case.record_state in KEPT),
    ("not-secret", _is_open_enough),
    ("copying-not-prohibited", lambda _kind, case: not case.copy_prohibition),
    ("not-held", lambda _kind, case: case.holds == 0),
    ("source-known", _source_is_known),
    ("source-is-paper", _source_is_paper),
    ("source-is-original-or-authentic", _source_is_first_hand),
    ("original-book-entry", _has_book_entry),
    ("in-force", lambda _kind, case: case.effect.in_force),
    ("requester-has-capacity", _has_capacity),
    ("purpose-stated", lambda _kind, case: bool(case.purpose.strip())),
)
