"""Reuse: another system asks whether there is a result of a procedure for a holder, and learns nothing else.

REU-1: no one is asked for a paper the administration already holds; REU-4: what is reused is named by record and
checked for its effect on the day. Not entitled, holder unknown, another unit's record: the same answer, by the
same look-ups. The holder's identifier is looked up by keyed digest and written nowhere.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from archive import events
from archive.access.policy import KEPT, Caller, decide, units_for
from archive.access.subjects import HOLDER_ROLES, of_units, subject_of
from archive.database import reading, writing
from archive.errors import ActForbidden, PurposeNeeded
from archive.record import PartyId, RecordId
from archive.tables.holdings import dossier, effect, field_value, record, record_dossier, record_party
from archive.tables.packages import package
from archive.tables.parties import party_identifier, party_merge
from search_api.copies.case import Asked, legal_day, load_case
from search_api.copies.eligibility import issuable_kinds
from search_api.copies.model import CopyKind
from search_api.errors import RequestInvalid
from search_api.services import Services

_NOBODY = PartyId("-")  # looked up in the place of a holder that is not known
_STATED = ("manifest", "book", "person")  # a procedure is declared, never read off a page
RESULTS_MAX = 100
TEXT_MAX = 200  # characters of each part of a question


@dataclass(frozen=True, slots=True)
class ResultQuestion:
    """What is asked, and what for: the dossier the result shall go into.

    holder_scheme: cccd, cmnd, tax-code, branch-code, passport, other; holder_value: as written on the paper.
    """

    procedure_code: str
    holder_scheme: str
    holder_value: str
    purpose: str
    target_system: str
    target_dossier: str


@dataclass(frozen=True, slots=True)
class KnownResult:
    """One result, by immutable reference: ask for a copy of `record`.

    valid_until: with the extensions of its term. effect: its state on the day of asking. copy_kinds: copies an
    agency may be issued now for the dossier named.
    """

    record: RecordId
    document_type: str | None
    code: str | None
    issued_on: date | None
    valid_until: date | None
    effect: str
    copy_kinds: tuple[CopyKind, ...]


@dataclass(frozen=True, slots=True)
class ResultAnswer:
    """The answer: found with at least one result, newest first (at most 100), or none."""

    answer: Literal["found", "none"]
    results: tuple[KnownResult, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it; days are ISO 8601."""
        return {"answer": self.answer, "results": [_plain(asdict(one)) for one in self.results]}


def ask_result(services: Services, caller: Caller, question: ResultQuestion) -> ResultAnswer:
    """Say which results of a procedure a holder has, as far as this caller may know for this purpose.

    1. who may ask nowhere for this purpose is told so before anything is looked up; 2. the holder, by the keyed
    digest of every key; 3. the records kept in the caller's units, each put to the policy; 4. the access event is
    committed before the answer is given. Raises ActForbidden, PurposeNeeded, RequestInvalid.
    """
    units = units_for(caller, "result.ask", purpose=question.purpose)  # 1
    if not units:
        raise ActForbidden("result.ask")
    if not question.purpose.strip():
        raise PurposeNeeded()
    _check(question)
    now = services.now()
    lookups = services.seal.lookups(question.holder_scheme, question.holder_value)
    with reading(services.engine) as connection:
        parties = _holder(connection, question.holder_scheme, lookups)  # 2
        rows = _records(connection, parties or [_NOBODY], units, question.procedure_code, legal_day(now))  # 3
        results = tuple(
            _known(connection, row, question, now)
            for row in rows
            if _allowed(connection, caller, row.id, question.purpose)
        )
    _note(services, caller, question, parties, results, now)  # 4
    return ResultAnswer("found" if results else "none", results)


def _check(question: ResultQuestion) -> None:
    for name, text in asdict(question).items():
        if not text.isprintable() or not 0 < len(text.strip()) <= TEXT_MAX:
            raise RequestInvalid(name, f"must be one line of 1 to {TEXT_MAX} characters")


def _holder(connection: Connection, scheme: str, lookups: Sequence[str]) -> list[PartyId]:
    """Return the parties that are this holder: the one found, and all that were merged with it."""
    found = connection.execute(
        select(party_identifier.c.party_id).where(
            party_identifier.c.scheme == scheme, party_identifier.c.lookup.in_(lookups)
        )
    ).scalars()
    known = dict.fromkeys(found)
    left = [*known] or [_NOBODY]
    while left:
        merges = connection.execute(
            select(party_merge.c.merged_id, party_merge.c.into_id).where(
                party_merge.c.merged_id.in_(left) | party_merge.c.into_id.in_(left)
            )
        ).all()
        left = [one for row in merges for one in (row.merged_id, row.into_id) if one not in known]
        known.update(dict.fromkeys(left))
    return [PartyId(one) for one in known]


def _records(
    connection: Connection, parties: Sequence[PartyId], units: frozenset[str], procedure: str, today: date
) -> list[Row[Any]]:
    """Return kept records of today's holders and this procedure in these units, newest first."""
    held = select(record_party.c.record_id).where(
        record_party.c.party_id.in_(parties),
        record_party.c.role.in_(HOLDER_ROLES),
        record_party.c.valid_from.is_(None) | (record_party.c.valid_from <= today),
        record_party.c.valid_until.is_(None) | (record_party.c.valid_until >= today),
    )
    query: Select[Any] = (
        select(record)
        .where(
            record.c.id.in_(held),
            record.c.state.in_(sorted(KEPT)),
            of_units(units),
            _of_procedure(procedure),
        )
        .order_by(record.c.issued_on.desc(), record.c.id)
        .limit(RESULTS_MAX)
    )
    return list(connection.execute(query).all())


def _of_procedure(procedure: str) -> ColumnElement[bool]:
    """A record is of the procedure its newest content package declares, or of its dossier's as a result of it.

    Asked of each record of the holder alone: over all field values there is no index for it.
    """
    newest = (
        select(func.max(package.c.number))
        .where(package.c.record_id == record.c.id, package.c.kind == "content", package.c.state == "deposited")
        .correlate(record)
        .scalar_subquery()
    )
    declared = (
        select(field_value.c.id)
        .where(
            field_value.c.record_id == record.c.id,
            field_value.c.name == "procedure_code",
            field_value.c.normalised == procedure,
            field_value.c.source.in_(_STATED),
            field_value.c.package_number == newest,
        )
        .correlate(record)
    )
    in_dossier = (
        select(record_dossier.c.record_id)
        .join(dossier, dossier.c.id == record_dossier.c.dossier_id)
        .where(
            record_dossier.c.record_id == record.c.id,
            record_dossier.c.role == "result",
            dossier.c.procedure_code == procedure,
        )
        .correlate(record)
    )
    return declared.exists() | in_dossier.exists()


def _allowed(connection: Connection, caller: Caller, record_id: str, purpose: str) -> bool:
    subject = subject_of(connection, record_id)
    return subject is not None and decide(caller, "result.ask", subject, purpose=purpose) == "allowed"


def _known(connection: Connection, row: Row[Any], question: ResultQuestion, now: datetime) -> KnownResult:
    today = legal_day(now)
    asked = Asked("agency", None, proof=False, dossier=bool(question.target_dossier), purpose=question.purpose)
    case = load_case(connection, RecordId(row.id), asked, on=today)
    extended = connection.execute(
        select(func.max(effect.c.effective_on)).where(
            effect.c.record_id == row.id, effect.c.kind == "extended", effect.c.part.is_(None)
        )
    ).scalar_one()
    parts = [part for part in (row.code_number, row.code_notation) if part]
    return KnownResult(
        record=RecordId(row.id),
        document_type=row.document_type,
        code="/".join(parts) or None,
        issued_on=row.issued_on,
        valid_until=max((day for day in (row.valid_until, extended) if day), default=None),
        effect=case.effect.state,
        copy_kinds=issuable_kinds(case, on=today),
    )


def _note(
    services: Services,
    caller: Caller,
    question: ResultQuestion,
    parties: Sequence[PartyId],
    results: Sequence[KnownResult],
    at: datetime,
) -> None:
    payload = {
        "procedure": question.procedure_code,
        "party": parties[0] if parties else None,
        "purpose": question.purpose,
        "target_system": question.target_system,
        "target_dossier": question.target_dossier,
        "records": [one.record for one in results],
    }
    with writing(services.engine) as connection:
        events.append(connection, "access", "result.asked", principal=caller.principal, at=at, payload=payload)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in values.items()}


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
