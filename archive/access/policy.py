"""Who may do what with which record: one pure function, and the scope a search obeys.

What a caller may not see does not exist for them: `require` answers an unknown record and a forbidden one with
the same error, and a scope is part of every query, so that nothing unseen is counted or hinted at.
Conditional records (chế độ 02) are seen with a purpose only [PRI-3]; marked ones (03) by nobody here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from archive.errors import NotFound, PurposeNeeded
from archive.record import PartyId, PrincipalId, RecordId

Role = Literal["staff", "officer", "approver", "auditor", "administrator", "client"]
Act = Literal[
    "record.find",  # search, list, describe
    "record.read",  # page images, texts, the PDF/A
    "record.export",  # the whole package
    "candidate.see",  # records not accepted yet
    "identifier.see",  # identifier-like numbers found in the text
    "result.ask",  # is there a result of this procedure for this holder
    "copy.request",
    "copy.approve",
    "copy.fetch",
    "copy.revoke",
    "effect.record",
    "text.choose",  # read a record again, and say which reading is in force
    "batch.add",
    "batch.read",
    "event.read",
    "principal.manage",
]

ACTS_OF: Mapping[Role, frozenset[Act]] = {
    "staff": frozenset(
        (
            "record.find",
            "record.read",
            "record.export",
            "candidate.see",
            "identifier.see",
            "batch.add",
            "batch.read",
            "effect.record",
            "text.choose",
        )
    ),
    "officer": frozenset(
        ("record.find", "record.read", "identifier.see", "result.ask", "copy.request", "copy.fetch")
    ),
    "approver": frozenset(
        (
            "record.find",
            "record.read",
            "identifier.see",
            "copy.approve",
            "copy.fetch",
            "copy.revoke",
            "effect.record",
        )
    ),
    "auditor": frozenset(("record.find", "record.read", "batch.read", "event.read")),
    "administrator": frozenset(("event.read", "principal.manage")),
    "client": frozenset(("result.ask", "copy.request", "copy.fetch")),
}
ALL_ACTS: frozenset[Act] = frozenset().union(*ACTS_OF.values())

# Accepted and not yet destroyed: on its way to destruction a record is still whole and may still be needed.
KEPT = frozenset(("accepted", "due", "proposed", "approved"))
UNACCEPTED = frozenset(("candidate", "returned"))
OPEN_MODE, CONDITIONAL_MODE = "01", "02"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over units (a sub-tree already resolved), for one purpose or for any."""

    role: Role
    units: frozenset[str]
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, with the grants in force today.

    scopes: the acts an API key is limited to; None for a caller without one (the local command line).
    party: of a holder, who may find and read what was issued to them.
    """

    principal: PrincipalId
    kind: str
    grants: tuple[Grant, ...] = ()
    scopes: frozenset[str] | None = None
    party: PartyId | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What access needs to know of a record: nothing of its content."""

    record_id: RecordId
    state: str
    units: frozenset[str]  # custodian and managing
    mode: str
    holders: frozenset[PartyId] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may see; every index filters by it inside the query.

    units: accepted records of these; candidate_units: those not accepted of these; modes: access modes;
    holder: also accepted records this party holds; identifier_units: where identifier-like numbers are matched
    and shown.
    """

    units: frozenset[str]
    candidate_units: frozenset[str]
    modes: frozenset[str]
    holder: PartyId | None
    identifier_units: frozenset[str]


HOLDER_ACTS: frozenset[Act] = frozenset(("record.find", "record.read", "copy.request", "copy.fetch"))


def units_for(caller: Caller, act: Act, *, purpose: str | None) -> frozenset[str]:
    """Return the units in which a caller may do an act, for a purpose."""
    if caller.scopes is not None and act not in caller.scopes:
        return frozenset()
    return frozenset().union(
        *(
            grant.units
            for grant in caller.grants
            if act in ACTS_OF[grant.role] and grant.purpose in (None, purpose)
        )
    )


def decide(
    caller: Caller, act: Act, subject: Subject, *, purpose: str | None
) -> Literal["allowed", "purpose-needed", "unknown"]:
    """Say whether a caller may do an act on a record.

    1. marked, withdrawn, destroyed and void records are unknown to everyone;
    2. the act must be the caller's in a unit of the record, or the caller its holder;
    3. a record not accepted yet is for those who see candidates;
    4. a conditional record is for a stated purpose.
    """
    readable = subject.state in KEPT or subject.state in UNACCEPTED
    if not readable or subject.mode not in (OPEN_MODE, CONDITIONAL_MODE):  # 1
        return "unknown"
    held = caller.party is not None and caller.party in subject.holders
    unlimited = caller.scopes is None or act in caller.scopes
    as_holder = held and act in HOLDER_ACTS and unlimited and subject.state in KEPT
    if not (units_for(caller, act, purpose=purpose) & subject.units or as_holder):  # 2
        return "unknown"
    if subject.state in UNACCEPTED and not (  # 3
        units_for(caller, "candidate.see", purpose=purpose) & subject.units
    ):
        return "unknown"
    if subject.mode == CONDITIONAL_MODE and not purpose:  # 4
        return "purpose-needed"
    return "allowed"


def require(caller: Caller, act: Act, subject: Subject | None, *, name: str, purpose: str | None) -> None:
    """Raise NotFound alike for a record that is unknown or forbidden, PurposeNeeded where only that is missing.

    name: what the caller called the record, for the message.
    """
    verdict = decide(caller, act, subject, purpose=purpose) if subject is not None else "unknown"
    if verdict == "unknown":
        raise NotFound("record", name)
    if verdict == "purpose-needed":
        raise PurposeNeeded()


def scope_of(caller: Caller, act: Act = "record.find", *, purpose: str | None) -> Scope:
    """Return what a caller may find; the same rules as `decide`, as a filter."""
    found = units_for(caller, act, purpose=purpose)
    limited = caller.scopes is not None and act not in caller.scopes
    return Scope(
        units=found,
        candidate_units=found & units_for(caller, "candidate.see", purpose=purpose),
        modes=frozenset((OPEN_MODE, CONDITIONAL_MODE) if purpose else (OPEN_MODE,)),
        holder=None if limited or act not in HOLDER_ACTS else caller.party,
        identifier_units=units_for(caller, "identifier.see", purpose=purpose),
    )


def may(caller: Caller, act: Act, unit: str | None = None, *, purpose: str | None = None) -> bool:
    """Say whether a caller may do an act that concerns no record: in a unit, or anywhere when none is named."""
    units = units_for(caller, act, purpose=purpose)
    return bool(units) if unit is None else unit in units
